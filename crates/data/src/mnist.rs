//! The bundled MNIST.

use std::path::Path;

use crate::dataset::Split;
use crate::{DataError, Dataset, OpenOptions, idx};

/// A file of the data set.
pub(crate) struct Bundled {
    /// Its original name.
    pub(crate) name: &'static str,
    /// Its content, gzip-compressed.
    pub(crate) compressed: &'static [u8],
}

macro_rules! bundled {
    ($name:literal) => {
        Bundled {
            name: $name,
            compressed: include_bytes!(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/../../data/mnist/",
                $name,
                ".gz"
            )),
        }
    };
}

const TRAIN_IMAGES: Bundled = bundled!("train-images-idx3-ubyte");
const TRAIN_LABELS: Bundled = bundled!("train-labels-idx1-ubyte");
const TEST_IMAGES: Bundled = bundled!("t10k-images-idx3-ubyte");
const TEST_LABELS: Bundled = bundled!("t10k-labels-idx1-ubyte");

/// All files. They are part of the program, so that an installed one needs none beside it.
pub(crate) const FILES: [Bundled; 4] = [TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS];

pub(crate) fn open(options: &OpenOptions) -> Result<Dataset, DataError> {
    let train = split(&TRAIN_IMAGES, &TRAIN_LABELS)?;
    let validation = split(&TEST_IMAGES, &TEST_LABELS)?;
    idx::assemble("MNIST", Path::new("mnist"), train, validation, options)
}

fn split(images: &Bundled, labels: &Bundled) -> Result<Split, DataError> {
    let [(images, pixels), (labels, values)] =
        [images, labels].map(|file| (Path::new(file.name), file.compressed));
    idx::pair((images, idx::read(images, pixels)?), (labels, idx::read(labels, values)?))
}
