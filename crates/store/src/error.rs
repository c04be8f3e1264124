//! What can go wrong with a run's files.

use rusqlite::ErrorCode;
use std::io;
use std::path::{Path, PathBuf};

/// A result of the store.
pub type Result<T> = std::result::Result<T, StoreError>;

/// What can go wrong with a run's files; every message names the file and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The operating system refused.
    #[error("{path}: cannot {action}: {source}", path = path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// The system's answer.
        source: io::Error,
    },
    /// SQLite refused for another reason than a broken file.
    #[error("{path}: {source}", path = path.display())]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// SQLite's answer.
        source: rusqlite::Error,
    },
    /// No space is left; what was stored before stays readable.
    #[error("{path}: the disk is full; free some space, what was stored before is intact", path = path.display())]
    DiskFull {
        /// The file.
        path: PathBuf,
    },
    /// The path holds no run.
    #[error("{path}: not a run: {reason}", path = path.display())]
    NotARun {
        /// The file or directory.
        path: PathBuf,
        /// What was found, and what was expected.
        reason: String,
    },
    /// A newer version wrote the file.
    #[error(
        "{path}: written by a newer deepeyes (format version {found}, this one reads up to {supported}); update deepeyes",
        path = path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format version.
        found: u32,
        /// The newest version that can be read.
        supported: u32,
    },
    /// The file's content makes no sense.
    #[error(
        "{path}: the run's file is broken: {reason}; restore it from a copy (deepeyes leaves it as it is)",
        path = path.display()
    )]
    Broken {
        /// The file.
        path: PathBuf,
        /// What makes no sense.
        reason: String,
    },
    /// Another writer holds the run.
    #[error("{path}: another process is writing this run; stop it first", path = path.display())]
    Locked {
        /// The run's directory.
        path: PathBuf,
    },
    /// Several ranks wrote the run.
    #[error("{path}: written by {ranks} ranks, and only one writer's run can be continued; name one file, such as {path}/{example}", path = path.display())]
    Ranks {
        /// The run's directory.
        path: PathBuf,
        /// Number of rank files.
        ranks: usize,
        /// The name of one of them.
        example: String,
    },
    /// A name that cannot be a directory's.
    #[error("{name:?} cannot name a run: expected a folder name such as `lenet` or `experiments/lenet`")]
    Name {
        /// The name.
        name: String,
    },
    /// No run of that name.
    #[error("no run {run:?}: neither a run's directory, nor a name under {logdir}{known}", logdir = logdir.display())]
    Unknown {
        /// What was asked for.
        run: String,
        /// Where it was looked for.
        logdir: PathBuf,
        /// Which runs there are, as a clause.
        known: String,
    },
    /// Something that the caller handed over cannot be stored.
    #[error("{path}: cannot store {what}", path = path.display())]
    Value {
        /// The file.
        path: PathBuf,
        /// What, and why not.
        what: String,
    },
}

impl StoreError {
    pub(crate) fn io(path: &Path, action: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| match source.kind() {
            io::ErrorKind::StorageFull => Self::DiskFull { path: path.to_owned() },
            _ => Self::Io { path: path.to_owned(), action, source },
        }
    }
}

/// What went wrong, before it is known in which file.
#[derive(Debug)]
pub(crate) enum Fault {
    Sql(rusqlite::Error),
    Broken(String),
    Value(String),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl Fault {
    /// The fault as an error of `path`.
    pub(crate) fn at(self, path: &Path) -> StoreError {
        let path = path.to_owned();
        match self {
            Self::Broken(reason) => StoreError::Broken { path, reason },
            Self::Value(what) => StoreError::Value { path, what },
            Self::Sql(source) => match source.sqlite_error_code() {
                Some(ErrorCode::DiskFull) => StoreError::DiskFull { path },
                Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                    StoreError::Broken { path, reason: source.to_string() }
                }
                None if is_content(&source) => StoreError::Broken { path, reason: source.to_string() },
                // A statement that the schema's own tables refuse: the file does not have them.
                Some(ErrorCode::Unknown) => StoreError::Broken { path, reason: source.to_string() },
                _ => StoreError::Sqlite { path, source },
            },
        }
    }
}

/// Whether the error says that a stored value is of another type or range than the schema has it.
fn is_content(error: &rusqlite::Error) -> bool {
    use rusqlite::Error as E;
    matches!(
        error,
        E::FromSqlConversionFailure(..)
            | E::IntegralValueOutOfRange(..)
            | E::Utf8Error(..)
            | E::InvalidColumnType(..)
            | E::QueryReturnedNoRows
    )
}
