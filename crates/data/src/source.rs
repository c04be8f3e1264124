//! Where a data set comes from, as written on the command line.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::DataError;

/// A data set's place. Written and read as `mnist`, `idx:DIR`, `images:DIR`, `images:DIR#COLUMN`, `cifar10:DIR`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The bundled MNIST: 60,000 training and 10,000 validation digits.
    Mnist,
    /// A folder of four IDX files, named as MNIST's.
    Idx {
        /// The folder.
        dir: PathBuf,
    },
    /// A folder of PNG and JPEG images.
    Images {
        /// The folder.
        dir: PathBuf,
        /// The column of `labels.csv` that holds the class, where it is called neither `class` nor `label`.
        class_column: Option<String>,
    },
    /// A folder of CIFAR-10's binary files.
    Cifar10 {
        /// The folder.
        dir: PathBuf,
    },
}

impl FromStr for Source {
    type Err = DataError;

    fn from_str(text: &str) -> Result<Self, DataError> {
        let unknown = || DataError::UnknownSource { text: text.to_owned() };
        if text == "mnist" {
            return Ok(Self::Mnist);
        }
        let (kind, place) = text.split_once(':').ok_or_else(unknown)?;
        if place.is_empty() {
            return Err(unknown());
        }
        match kind {
            "idx" => Ok(Self::Idx { dir: place.into() }),
            "cifar10" => Ok(Self::Cifar10 { dir: place.into() }),
            "images" => Ok(match place.rsplit_once('#') {
                Some((dir, column)) if !dir.is_empty() && !column.is_empty() && !column.contains('/') => {
                    Self::Images { dir: dir.into(), class_column: Some(column.to_owned()) }
                }
                _ => Self::Images { dir: place.into(), class_column: None },
            }),
            _ => Err(unknown()),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mnist => write!(f, "mnist"),
            Self::Idx { dir } => write!(f, "idx:{}", dir.display()),
            Self::Images { dir, class_column: None } => write!(f, "images:{}", dir.display()),
            Self::Images { dir, class_column: Some(column) } => {
                write!(f, "images:{}#{column}", dir.display())
            }
            Self::Cifar10 { dir } => write!(f, "cifar10:{}", dir.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_what_was_read() {
        for text in
            ["mnist", "idx:/a/b", "images:pictures", "images:pictures#style", "cifar10:C:\\x", "images:a#b/c"]
        {
            assert_eq!(text.parse::<Source>().unwrap().to_string(), text);
        }
        assert_eq!(
            "images:dir#style".parse::<Source>().unwrap(),
            Source::Images { dir: "dir".into(), class_column: Some("style".into()) }
        );
    }

    #[test]
    fn unknown_sources_list_the_known_ones() {
        for text in ["", "minst", "idx", "idx:", "images:", "folder:/a"] {
            let error = text.parse::<Source>().unwrap_err().to_string();
            for form in ["`mnist`", "`idx:DIR`", "`images:DIR`", "`cifar10:DIR`"] {
                assert!(error.contains(form), "{error}");
            }
        }
    }
}
