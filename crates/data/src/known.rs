//! Data sets known by name.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;

use crate::DataError;
use crate::mnist::{self, Bundled};

/// A data set that is built in or that many have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// Its name for [`get`].
    pub name: &'static str,
    /// What it shows.
    pub description: &'static str,
    /// Number of classes.
    pub classes: usize,
    /// Number of training images.
    pub train: usize,
    /// Number of validation images.
    pub validation: usize,
    /// `[channels, height, width]`.
    pub shape: [usize; 3],
    /// Whether it is part of the program, so that [`get`] can write it.
    pub built_in: bool,
    /// How to train on it.
    pub how: &'static str,
}

const KNOWN: [Known; 3] = [
    Known {
        name: "mnist",
        description: "handwritten digits",
        classes: 10,
        train: 60_000,
        validation: 10_000,
        shape: [1, 28, 28],
        built_in: true,
        how: "`--data mnist`",
    },
    Known {
        name: "fashion-mnist",
        description: "articles of clothing",
        classes: 10,
        train: 60_000,
        validation: 10_000,
        shape: [1, 28, 28],
        built_in: false,
        how: "the four IDX files of https://github.com/zalandoresearch/fashion-mnist in a folder DIR, `--data idx:DIR`",
    },
    Known {
        name: "cifar10",
        description: "photographs of animals and vehicles",
        classes: 10,
        train: 50_000,
        validation: 10_000,
        shape: [3, 32, 32],
        built_in: false,
        how: "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz unpacked into a folder DIR, `--data cifar10:DIR`",
    },
];

/// The data sets known by name, built-in ones first.
pub fn known() -> &'static [Known] {
    &KNOWN
}

/// Writes a built-in data set into the folder `dir`, which is made where it is missing, and returns the files' paths:
/// for `mnist` the four original IDX files, uncompressed. Each file appears whole or not at all; files that are there
/// already with the same content are left alone.
///
/// # Errors
/// [`DataError::NotBundled`] for another name; [`DataError::Exists`], before anything is written, where a file holds
/// something else; [`DataError::Io`].
pub fn get(name: &str, dir: &Path) -> Result<Vec<PathBuf>, DataError> {
    let advice = match KNOWN.iter().find(|known| known.name == name) {
        Some(known) if known.built_in => return write(&mnist::FILES, dir),
        Some(known) => known.how.to_owned(),
        None => format!("known are {}", KNOWN.map(|known| known.name).join(", ")),
    };
    Err(DataError::NotBundled { name: name.to_owned(), advice })
}

fn write(files: &[Bundled], dir: &Path) -> Result<Vec<PathBuf>, DataError> {
    let mut missing = Vec::new();
    for file in files {
        let path = dir.join(file.name);
        let content = unpack(file)?;
        match fs::read(&path) {
            Ok(there) if there == content => {}
            Ok(_) => return Err(DataError::Exists { file: path }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => missing.push((path, content)),
            Err(error) => return Err(DataError::io(&path)(error)),
        }
    }
    fs::create_dir_all(dir).map_err(DataError::io(dir))?;
    for (path, content) in missing {
        write_whole(&path, &content)?;
    }
    Ok(files.iter().map(|file| dir.join(file.name)).collect())
}

fn unpack(file: &Bundled) -> Result<Vec<u8>, DataError> {
    let mut content = Vec::new();
    GzDecoder::new(file.compressed).read_to_end(&mut content).map_err(DataError::io(Path::new(file.name)))?;
    Ok(content)
}

/// Writes under another name and renames, so that a reader never sees half a file.
fn write_whole(path: &Path, content: &[u8]) -> Result<(), DataError> {
    let part = path.with_added_extension(format!("part-{}", std::process::id()));
    let written = fs::write(&part, content).and_then(|()| fs::rename(&part, path));
    if written.is_err() {
        let _ = fs::remove_file(&part);
    }
    written.map_err(DataError::io(path))
}
