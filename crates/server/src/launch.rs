//! Starting a training is someone else's work: the server knows no trainer.

use crate::runs::LiveRun;
use crate::wire::{StartRequest, Starting};
use std::fmt::Debug;

/// Starts trainings.
pub trait Launcher: Debug + Send + Sync {
    /// What a training can use.
    fn offers(&self) -> Starting;

    /// Starts a training, which then goes on by itself.
    ///
    /// # Errors
    /// Why it cannot start.
    fn start(&self, request: &StartRequest) -> Result<LiveRun, StartError>;
}

/// Why a training cannot start; each message says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// Something in the request cannot be used.
    #[error("{0}")]
    Request(String),
    /// Another training goes on.
    #[error("{0}")]
    Busy(String),
    /// It is not the request's fault.
    #[error("{0}")]
    Failed(String),
}
