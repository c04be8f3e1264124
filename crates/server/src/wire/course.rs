//! How a run went: its curves, and each layer's windows.

use serde::{Deserialize, Serialize};
use ts_rs::TS;
use utoipa::ToSchema;

/// A run's curves, thinned: the smallest and the largest loss of each stretch stay.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, TS, ToSchema)]
pub struct Scalars {
    /// Iterations.
    pub step: Vec<u64>,
    /// Loss of each; null where it was not finite.
    pub loss: Vec<Option<f64>>,
    /// Share of right answers in the mini-batch, in [0, 1]; null where unknown.
    pub train_accuracy: Vec<Option<f64>>,
    /// All of the validations.
    pub validations: Validations,
    /// Iterations a second, lately.
    pub iterations_per_second: Option<f64>,
}

/// Measurements on held-out data.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, TS, ToSchema)]
pub struct Validations {
    /// Iterations after which they were measured.
    pub step: Vec<u64>,
    /// Share of right answers, in [0, 1].
    pub accuracy: Vec<Option<f64>>,
    /// Mean loss.
    pub loss: Vec<Option<f64>>,
}

/// Each layer's kept windows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, ToSchema)]
pub struct Course {
    /// In the network's order.
    pub layers: Vec<LayerCourse>,
    /// Steps for which an input map is stored.
    pub map_steps: Vec<u64>,
}

/// A layer's kept windows, oldest first; one entry a window in each list.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, TS, ToSchema)]
pub struct LayerCourse {
    /// The layer's index.
    pub layer: usize,
    /// Last iteration of the window.
    pub step: Vec<u64>,
    /// First iteration of the window.
    pub from: Vec<u64>,
    /// Distance of the perplexities from the window before, in [0, 1]; null in the first window.
    pub drift: Vec<Option<f64>>,
    /// The drift that sampling alone explains; null in the first window.
    pub noise: Vec<Option<f64>>,
    /// Total variation between this window's histogram and the one before, in [0, 1]; null in the first window.
    pub change: Vec<Option<f64>>,
    /// Mean perplexity; null where all instances are silent.
    pub mean: Vec<Option<f64>>,
    /// Share of silent instances, in [0, 1].
    pub silent_share: Vec<f64>,
    /// Whether the layer was stable.
    pub stable: Vec<bool>,
}
