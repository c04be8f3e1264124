//! A layer's window.

use super::FindingCounts;
use serde::{Deserialize, Serialize};
use ts_rs::TS;
use utoipa::ToSchema;

/// Each layer's window at a step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, ToSchema)]
pub struct Overview {
    /// The last iteration of the newest window in it; 0 without any.
    pub step: u64,
    /// The iteration asked for; null: the newest.
    pub at: Option<u64>,
    /// The layers that have a window, in the network's order.
    pub layers: Vec<LayerSummary>,
}

/// A layer's window without its filters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, ToSchema)]
pub struct LayerSummary {
    /// The layer's index.
    pub layer: usize,
    /// First iteration of the window.
    pub from: u64,
    /// Last iteration of the window.
    pub to: u64,
    /// Finite instances.
    pub instances: u64,
    /// Instances that the window's mini-batches held.
    pub instances_possible: u64,
    /// Instances drawn from them.
    pub instances_sampled: u64,
    /// Instances left out because they hold NaN or infinity.
    pub invalid: u64,
    /// Instances whose activations are all zero.
    pub silent: u64,
    /// Perplexity histogram: instances in each of 50 equal bins over [1, F].
    pub counts: Vec<u64>,
    /// Normalised counts minus those of the window before; null in the first window.
    pub change: Option<Vec<f32>>,
    /// Mean perplexity; null where all instances are silent.
    pub mean: Option<f64>,
    /// Distance of the perplexities from the window before, in [0, 1].
    pub drift: Option<f64>,
    /// The drift that sampling alone explains.
    pub noise: Option<f64>,
    /// Signed change of the mean perplexity.
    pub trend: Option<f64>,
    /// Whether the layer is stable.
    pub stable: bool,
    /// The iteration at which it became stable.
    pub stable_since: Option<u64>,
    /// Dead filters.
    pub dead: usize,
    /// Filters that are always on.
    pub always_on: usize,
    /// Weakening filters.
    pub weakening: usize,
    /// Groups of filters that answer alike.
    pub redundant_groups: usize,
    /// Effective number of filters.
    pub effective_filters: Option<f64>,
    /// How well labels can be told apart; null where it was not measured yet.
    pub separability: Option<Separability>,
    /// Its findings by severity.
    pub findings: FindingCounts,
}

/// How well labels can be told apart from a layer's output on held-out inputs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, TS, ToSchema)]
pub struct Separability {
    /// The iteration after which it was measured.
    pub step: u64,
    /// Share of held-out inputs whose nearest neighbours' majority has their label, in [0, 1].
    pub neighbour_purity: f64,
    /// Accuracy of a ridge classifier fitted on the other inputs, in [0, 1].
    pub ridge_accuracy: f64,
    /// Held-out inputs.
    pub held_out: usize,
}

/// `meta` of a `layer` frame.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, ToSchema)]
pub struct LayerMeta {
    /// The window.
    #[serde(flatten)]
    pub summary: LayerSummary,
    /// Groups of filters that answer alike, each sorted.
    pub groups: Vec<Vec<usize>>,
    /// 99.9 % quantile of the sampled instances' largest activations; null where no sample is kept.
    pub level: Option<f32>,
}
