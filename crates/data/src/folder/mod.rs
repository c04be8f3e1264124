//! Folders of images.
use std::path::Path;

use crate::{DataError, Dataset, OpenOptions};

pub(crate) fn open(dir: &Path, _: Option<&str>, _: &OpenOptions) -> Result<Dataset, DataError> {
    Err(DataError::malformed(dir, "image folders are not read yet"))
}
