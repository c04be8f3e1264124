//! What can go wrong when a run begins or ends.

use deepeyes_engine::EngineError;
use deepeyes_store::StoreError;

/// What can go wrong when a run begins or ends.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ObserveError {
    /// The run's files cannot be made.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The run cannot be analysed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Nothing was observed, so that there is no run.
    #[error("nothing was observed: call `observe` for at least one layer before the first `step`")]
    Empty,
}
