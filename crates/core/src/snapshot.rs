//! What the analysis says: statistics of a set of instances, and their course over a run's windows.

use crate::{FilterState, Finding, InputId};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Bins of a perplexity histogram.
pub const PERPLEXITY_BINS: usize = 50;

/// Distribution of the perplexity of activation vectors, in 50 equal bins over [1, F] (F = 1: [1, 2]).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct PerplexityHistogram {
    /// Instances in each bin; silent instances are in none.
    pub counts: Vec<u64>,
    /// Mean perplexity of the instances that are not silent; `None` where all are.
    pub mean: Option<f64>,
}

/// Statistics of one filter over a set of instances.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FilterStatistics {
    /// mu: the largest rectified activation.
    pub max: f32,
    /// nu: share of instances above beta * mu, in [0, 1].
    pub frequency: f64,
    /// Sum of the rectified activations.
    pub sum: f64,
    /// The label with the largest strength; `None` for an all-zero filter or without labels.
    pub label: Option<usize>,
    /// t: sum of the rectified activations for each label (divided by the label's count when balanced).
    pub label_strength: Option<Vec<f64>>,
    /// 1 / perplexity of the label strengths, in (0, 1]; `None` as for `label`.
    pub specificity: Option<f64>,
    /// What the data supports about it.
    pub state: FilterState,
}

/// Pairwise filter similarity phi: the strict upper triangle, row by row.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Similarity {
    /// F.
    pub filters: usize,
    /// F (F - 1) / 2 values in [0, 1].
    pub upper: Vec<f32>,
}

impl Similarity {
    /// phi of filters `i` and `j`; 1 on the diagonal.
    pub fn get(&self, i: usize, j: usize) -> f32 {
        if i == j {
            return 1.0;
        }
        let (i, j) = (i.min(j), i.max(j));
        self.upper[i * (2 * self.filters - i - 1) / 2 + (j - i - 1)]
    }
}

/// Statistics of a set of instances of one layer, exact (`analyze`) or live (a window).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct LayerStatistics {
    /// Instances that count (finite ones, silent ones included).
    pub instances: u64,
    /// Instances left out because they hold NaN or infinity.
    pub invalid: u64,
    /// Instances whose rectified activations are all zero.
    pub silent: u64,
    /// Distribution of the perplexity.
    pub perplexity: PerplexityHistogram,
    /// One entry a filter.
    pub filters: Vec<FilterStatistics>,
    /// Groups of filters that answer alike (phi >= 0.9, complete linkage), each sorted, of two or more.
    pub redundant_groups: Vec<Vec<usize>>,
    /// (tr C)^2 / tr(C^2) of the correlation matrix of the live filters; `None` without any.
    pub effective_filters: Option<f64>,
    /// Pairwise similarity; `None` where it was not computed or not kept.
    pub similarity: Option<Similarity>,
    /// What the statistics support, most severe first.
    pub findings: Vec<Finding>,
}

/// A sample of a window's instances with stable identities: the ones with the smallest hash of seed, input and position.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct InstanceSample {
    /// F.
    pub filters: usize,
    /// Raw activations `[n, F]`, row-major.
    pub activations: Vec<f32>,
    /// Identity of each instance's input.
    pub inputs: Vec<InputId>,
    /// Position in the layer's grid (`row * width + column`) of each instance.
    pub positions: Vec<u32>,
    /// Label of each instance's input, -1 without one.
    pub labels: Vec<i32>,
    /// The network's answer for each instance's input, -1 where unknown.
    pub predictions: Vec<i32>,
    /// Iteration in which each instance was seen.
    pub steps: Vec<u64>,
}

impl InstanceSample {
    /// Number of instances.
    pub fn len(&self) -> usize {
        self.inputs.len()
    }

    /// Whether it holds no instance.
    pub fn is_empty(&self) -> bool {
        self.inputs.is_empty()
    }

    /// The raw activation vector of instance `row`.
    pub fn activation(&self, row: usize) -> &[f32] {
        &self.activations[row * self.filters..][..self.filters]
    }
}

/// How well labels can be told apart from a layer's output on held-out inputs (T5).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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

/// One layer at the end of a window.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct LayerSnapshot {
    /// First iteration of the window.
    pub from: u64,
    /// Last iteration of the window.
    pub to: u64,
    /// Instances that the window's mini-batches held.
    pub instances_possible: u64,
    /// Instances drawn from them.
    pub instances_sampled: u64,
    /// Change of the normalised histogram against the previous window, 50 values; `None` in the first window.
    pub change: Option<Vec<f32>>,
    /// Distance of the window's perplexities from the previous window's, in [0, 1]; `None` in the first window.
    pub drift: Option<f64>,
    /// The drift that sampling alone explains (99.9 % quantile); `None` in the first window.
    pub noise: Option<f64>,
    /// Signed change of the mean perplexity; `None` in the first window.
    pub trend: Option<f64>,
    /// Whether the layer is stable (T1).
    pub stable: bool,
    /// The iteration at which it became stable; `None` where it is not.
    pub stable_since: Option<u64>,
    /// All-time maximum of each filter.
    pub all_time_max: Vec<f32>,
    /// Statistics of the window.
    pub statistics: LayerStatistics,
    /// The sampled instances, of an earlier window where this one kept none; `None` where there are none.
    pub sample: Option<Arc<InstanceSample>>,
    /// Separability of the labels; `None` where it was not measured yet.
    pub separability: Option<Separability>,
}
