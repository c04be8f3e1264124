//! Why a run cannot start, or how it ended badly.

use deepeyes_store::StoreError;
use std::io;

/// Why a run cannot start, or how it ended badly.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The run's file.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A thread cannot be started.
    #[error(
        "cannot start the {thread} thread: {source}; close other programs, or raise the limit on threads"
    )]
    Thread {
        /// Which one.
        thread: &'static str,
        /// The system's answer.
        source: io::Error,
    },
    /// A setting that cannot be used.
    #[error("{name} is {value}; expected {expected}")]
    Setting {
        /// The setting.
        name: &'static str,
        /// What it is.
        value: String,
        /// What it may be.
        expected: &'static str,
    },
    /// The analysis failed at its end; what was stored stays.
    #[error("the analysis ended early; the run's file holds what it had stored by then")]
    Lost,
}
