//! What a trainer on another machine sends. No page does: these types have no TypeScript.

use deepeyes_core::RunDescription;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A run that a trainer begins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IngestStart {
    /// The form of the events that will follow; 1.
    pub format: u32,
    /// What the run is about, in the fields of the engine's `RunDescription`. A name that exists gets `-2`.
    #[schema(value_type = Object)]
    pub description: RunDescription,
    /// Mini-batches in a window.
    pub window: u64,
    /// Seed of the analysis.
    pub seed: u64,
    /// Which of the processes that train together this is, counted from 0.
    #[serde(default)]
    pub rank: u32,
    /// How many there are.
    #[serde(default = "one")]
    pub ranks: u32,
}

fn one() -> u32 {
    1
}

/// A run that has begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IngestStarted {
    /// The run's id; the ranks of one training share it.
    pub id: String,
    /// What the trainer shows with everything that follows, as the header `Deepeyes-Key`: nobody else writes the run.
    pub key: String,
}

/// Events that were taken, now or when they came before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IngestTaken {
    /// The sequence number of the next ones.
    pub next: u64,
}

/// Events that do not follow the last ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IngestGap {
    /// One sentence: what, where, what to do.
    pub error: String,
    /// The sequence number that is expected.
    pub expected: u64,
}

/// The end of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IngestEnd {
    /// The sequence number that the next events would have.
    pub sequence: u64,
    /// Whether the training got to its end; it was stopped otherwise.
    pub finished: bool,
}
