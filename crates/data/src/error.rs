//! What can be wrong with a data set.

use std::path::{Path, PathBuf};

/// Why a data set could not be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// The text names no kind of data set.
    #[error("unknown data set `{text}`: expected `mnist`, `idx:DIR`, `images:DIR` or `cifar10:DIR`")]
    UnknownSource {
        /// What was given.
        text: String,
    },
    /// No data set of this name can be written.
    #[error("no data set `{name}` is built in: {advice}")]
    NotBundled {
        /// The name asked for.
        name: String,
        /// What there is, or where to get it.
        advice: String,
    },
    /// An option's value is out of its range.
    #[error("{option} is {value}: expected {expected}")]
    Option {
        /// The option's name.
        option: &'static str,
        /// Its value.
        value: String,
        /// The range.
        expected: &'static str,
    },
    /// A file or folder that must be there is not.
    #[error("{place}: {what} not found (looked for {looked_for})", place = place.display())]
    NotFound {
        /// Where it was looked for.
        place: PathBuf,
        /// What is missing.
        what: String,
        /// The names tried, and advice.
        looked_for: String,
    },
    /// The operating system refused to read or write.
    #[error("{file}: {source}", file = file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// Its answer.
        source: std::io::Error,
    },
    /// A file's content is not what its format says.
    #[error("{file}: {problem}", file = file.display())]
    Malformed {
        /// The file.
        file: PathBuf,
        /// What is wrong, what was expected, what to do.
        problem: String,
    },
    /// An image could not be decoded.
    #[error("{file}: not a readable PNG or JPEG image ({reason}); remove it, or leave it out of the list")]
    Image {
        /// The file, and how many others are unreadable too.
        file: String,
        /// The decoder's words.
        reason: String,
    },
    /// A file to be written exists and holds something else.
    #[error("{file} exists and holds something else: remove it, or choose another folder", file = file.display())]
    Exists {
        /// The file.
        file: PathBuf,
    },
}

impl DataError {
    pub(crate) fn malformed(file: &Path, problem: impl Into<String>) -> Self {
        Self::Malformed { file: file.to_owned(), problem: problem.into() }
    }

    /// For `map_err`.
    pub(crate) fn io(file: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let file = file.to_owned();
        |source| Self::Io { file, source }
    }
}
