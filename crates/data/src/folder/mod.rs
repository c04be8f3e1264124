//! Folders of PNG and JPEG images.
//!
//! In this order: a `labels.csv`; folders `train/` and `val/` or `test/` with a folder for each class; a folder for each
//! class. Classes are sorted by name (numbers by value), so that labels do not depend on the order of the files.

mod csv;
mod labels;
mod share;
mod walk;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::dataset::{Dataset, Split, thousands};
use crate::files::{Header, ImageFiles, Memory};
use crate::{DataError, OpenOptions};

/// The side of images that differ in size is at most this, the size most networks for photographs are made for.
const LARGEST_DEFAULT_SIDE: usize = 224;

/// An image that was found, not yet looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Item {
    /// Relative to the data set's folder, or absolute.
    path: PathBuf,
    class: String,
    /// None: the data set does not say.
    part: Option<Part>,
}

/// What an image is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Train,
    Validation,
    Test,
}

impl Part {
    /// Reads a folder's name or a field of the column `split`.
    fn parse(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            "train" | "training" => Some(Self::Train),
            "val" | "valid" | "validation" => Some(Self::Validation),
            "test" | "testing" => Some(Self::Test),
            _ => None,
        }
    }
}

/// Opens a folder of images; `class_column` chooses the column of `labels.csv`.
pub(crate) fn open(
    dir: &Path,
    class_column: Option<&str>,
    options: &OpenOptions,
) -> Result<Dataset, DataError> {
    let (dir, class_column) = without_column(dir, class_column);
    if !dir.is_dir() {
        let (what, looked_for) = ("the folder".to_owned(), "a folder of images".to_owned());
        return Err(DataError::NotFound { place: dir, what, looked_for });
    }
    let mut notes = Vec::new();
    let table = dir.join("labels.csv");
    let items = match class_column {
        None if !table.is_file() => walk::find(&dir, &mut notes)?,
        column => labels::read(&table, column)?,
    };
    let (train, validation) = parts(&dir, items, options, &mut notes)?;
    let classes = class_names(&train, &validation, &mut notes);
    let shape = common_shape(&dir, train.iter().chain(&validation), options, &mut notes)?;
    let memory = Memory::new(options.cache_bytes);
    let [train, validation] = [train, validation].map(|items| {
        // Every item's class is among the names.
        let labels = items.iter().map(|item| classes[&item.class]).collect();
        let paths = items.into_iter().map(|item| dir.join(item.path)).collect();
        Split::in_files(labels, shape, ImageFiles::new(paths, shape, memory.clone()))
    });
    let name =
        dir.file_name().map_or_else(|| dir.display().to_string(), |name| name.to_string_lossy().into_owned());
    let mut names = vec![String::new(); classes.len()];
    for (class, label) in classes {
        names[label as usize] = class;
    }
    Dataset::new(&name, train, validation, names, notes)
}

/// A folder may have a `#` in its name: then what follows is no column.
fn without_column<'a>(dir: &Path, column: Option<&'a str>) -> (PathBuf, Option<&'a str>) {
    if let Some(text) = column
        && !dir.is_dir()
    {
        let mut whole = dir.as_os_str().to_owned();
        whole.push("#");
        whole.push(text);
        if Path::new(&whole).is_dir() {
            return (whole.into(), None);
        }
    }
    (dir.to_owned(), column)
}

/// Training and validation images. Test images are for validation where nothing else is.
fn parts(
    dir: &Path,
    items: Vec<Item>,
    options: &OpenOptions,
    notes: &mut Vec<String>,
) -> Result<(Vec<Item>, Vec<Item>), DataError> {
    let (test, rest): (Vec<_>, Vec<_>) = items.into_iter().partition(|item| item.part == Some(Part::Test));
    let (mut validation, mut train): (Vec<_>, Vec<_>) =
        rest.into_iter().partition(|item| item.part == Some(Part::Validation));
    if train.is_empty() {
        return Err(DataError::malformed(dir, "no training images"));
    }
    if !validation.is_empty() && !test.is_empty() {
        notes.push(format!(
            "{} test images are not used: there are others for validation",
            thousands(test.len())
        ));
    }
    if validation.is_empty() {
        validation = test;
    }
    if !validation.is_empty() {
        notes.extend(options.unused_share_note());
        return Ok((train, validation));
    }
    (train, validation) = share::split(train, options.val_share_or_default(), options.seed);
    if validation.is_empty() {
        let problem =
            "no images for validation, and no class with two images, of which one could be set apart";
        return Err(DataError::malformed(dir, problem));
    }
    Ok((train, validation))
}

/// Each class's label.
fn class_names(train: &[Item], validation: &[Item], notes: &mut Vec<String>) -> BTreeMap<String, i32> {
    let mut trained: BTreeMap<&str, bool> =
        validation.iter().map(|item| (item.class.as_str(), false)).collect();
    trained.extend(train.iter().map(|item| (item.class.as_str(), true)));
    let untrained: Vec<&str> =
        trained.iter().filter(|(_, trained)| !**trained).map(|(&name, _)| name).collect();
    if !untrained.is_empty() {
        notes.push(format!("no training images of the classes {}", untrained.join(", ")));
    }
    if let [name] = trained.keys().collect::<Vec<_>>()[..] {
        notes.push(format!("all images are of one class, {name}"));
    }
    let mut names: Vec<&str> = trained.into_keys().collect();
    if names.iter().all(|name| name.parse::<u64>().is_ok()) {
        names.sort_by_key(|name| name.parse::<u64>().ok());
    }
    names.into_iter().map(str::to_owned).zip(0..).collect()
}

/// Looks at all images and decides on `[height, width, channels]`.
fn common_shape<'a>(
    dir: &Path,
    items: impl Iterator<Item = &'a Item>,
    options: &OpenOptions,
    notes: &mut Vec<String>,
) -> Result<[usize; 3], DataError> {
    let paths: Vec<&PathBuf> = items.map(|item| &item.path).collect();
    let headers: Vec<_> = paths.par_iter().map(|path| Header::read(&dir.join(path))).collect();
    let headers = all_readable(headers)?;
    let grey = headers.iter().filter(|header| header.grey).count();
    let channels = if grey == headers.len() { 1 } else { 3 };
    if channels == 3 && grey > 0 {
        let (grey, all) = (thousands(grey), thousands(headers.len()));
        notes.push(format!("{grey} of {all} images are grey: read as RGB, as the others"));
    }
    let [height, width] = match options.resize {
        Some(size) => size,
        None => common_size(&headers, notes),
    };
    Ok([height, width, channels])
}

/// The headers, or the first error, with the number of further files that have one.
fn all_readable(headers: Vec<Result<Header, DataError>>) -> Result<Vec<Header>, DataError> {
    let failed = headers.iter().filter(|header| header.is_err()).count();
    headers.into_iter().collect::<Result<_, _>>().map_err(|error| match error {
        DataError::Image { file, reason } if failed > 1 => {
            DataError::Image { file: format!("{file} (and {} more)", thousands(failed - 1)), reason }
        }
        other => other,
    })
}

/// The size that all images have, or else a square of the median shorter side, at most [`LARGEST_DEFAULT_SIDE`].
fn common_size(headers: &[Header], notes: &mut Vec<String>) -> [usize; 2] {
    let sizes = || headers.iter().map(|header| [header.height, header.width]);
    let first = sizes().next().unwrap_or([1, 1]);
    if sizes().all(|size| size == first) {
        return first;
    }
    let mut sides: Vec<usize> = sizes().map(|[height, width]| height.min(width)).collect();
    let middle = sides.len() / 2;
    let side = (*sides.select_nth_unstable(middle).1).min(LARGEST_DEFAULT_SIDE);
    let by_area = |size: &[usize; 2]| size[0] * size[1];
    let [least, most] =
        [sizes().min_by_key(by_area), sizes().max_by_key(by_area)].map(Option::unwrap_or_default);
    notes.push(format!(
        "sizes differ, from {} x {} to {} x {}: each image is scaled to cover {side} x {side} and cut around its centre",
        least[0], least[1], most[0], most[1]
    ));
    [side, side]
}
