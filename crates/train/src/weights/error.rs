//! What can be wrong with a file of weights.

use std::path::{Path, PathBuf};

use super::Format;

/// Why weights could not be read.
#[derive(Debug, thiserror::Error)]
pub enum WeightError {
    /// The operating system refused to read.
    #[error("{file}: {source}", file = file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// Its answer.
        source: std::io::Error,
    },
    /// Neither name nor content say what the file is.
    #[error(
        "{file}: not known as weights; expected a name that ends in .safetensors, .pt, .pth, .ckpt or .caffemodel",
        file = file.display()
    )]
    UnknownFormat {
        /// The file.
        file: PathBuf,
    },
    /// The file is not what its name says, or broken.
    #[error("{file}: not a readable {format}: {problem}", file = file.display(), format = format.name())]
    Malformed {
        /// The file.
        file: PathBuf,
        /// What it was read as.
        format: Format,
        /// What is wrong.
        problem: String,
    },
    /// A tensor is broken, or of a kind that is not supported.
    #[error("{file}: tensor `{tensor}`: {problem}", file = file.display())]
    Tensor {
        /// The file.
        file: PathBuf,
        /// The tensor's name.
        tensor: String,
        /// What is wrong.
        problem: String,
    },
}

impl WeightError {
    /// For `map_err`.
    pub(super) fn io(file: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let file = file.to_owned();
        |source| Self::Io { file, source }
    }

    pub(super) fn tensor(file: &Path, tensor: &str, problem: impl Into<String>) -> Self {
        Self::Tensor { file: file.to_owned(), tensor: tensor.to_owned(), problem: problem.into() }
    }
}

impl Format {
    pub(super) fn malformed(self, file: &Path, problem: impl Into<String>) -> WeightError {
        WeightError::Malformed { file: file.to_owned(), format: self, problem: problem.into() }
    }
}
