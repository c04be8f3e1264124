//! What TensorBoard's event files in a run's directory say.

use serde::{Deserialize, Serialize};
use ts_rs::TS;
use utoipa::ToSchema;

/// Scalars of the event files that lie in a run's directory or below it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, TS, ToSchema)]
pub struct Tensorboard {
    /// By folder and tag.
    pub series: Vec<TensorboardSeries>,
    /// Files that are not read to their end, with the place and the reason, and what was left out.
    pub notes: Vec<String>,
}

/// One curve.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, ToSchema)]
pub struct TensorboardSeries {
    /// Its name.
    pub tag: String,
    /// The folder of its files, relative to the run's directory; empty for the directory itself.
    pub folder: String,
    /// Points in the files.
    pub count: u64,
    /// Whether there are fewer points here than that: evenly thinned, with the first and the last one.
    pub thinned: bool,
    /// Steps as its writer counts them, rising.
    pub step: Vec<i64>,
    /// Value at each; null where it was not finite.
    pub value: Vec<Option<f64>>,
    /// When each was logged, in Unix seconds; null where that is no time.
    pub wall_time: Vec<Option<f64>>,
}
