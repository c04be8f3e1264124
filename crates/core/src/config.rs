//! Settings of the analysis; every default stands here and nowhere else.

use serde::{Deserialize, Serialize};

/// Settings of the analysis of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AnalysisConfig {
    /// W: mini-batches in a window.
    pub window: u64,
    /// Share of a layer's positions drawn from each input, in (0, 1].
    pub position_share: f64,
    /// beta: a filter fires where its activation is above this share of its maximum.
    pub beta: f64,
    /// theta: a filter whose window maximum is below this share of its all-time maximum is weakening.
    pub theta: f64,
    /// Instances kept for each layer and window, with their activation vectors.
    pub sample_size: usize,
    /// Instances of a window on which filter similarity is computed.
    pub similarity_instances: usize,
    /// Whether label strengths are divided by the count of the label first.
    pub balanced: bool,
    /// Share of the training's time that comparing filters with each other may cost.
    pub budget: f64,
    /// Seed of the analysis' own generators.
    pub seed: u64,
}

impl Default for AnalysisConfig {
    fn default() -> Self {
        Self {
            window: 20,
            position_share: 0.5,
            beta: 0.5,
            theta: 0.8,
            sample_size: 2048,
            similarity_instances: 1024,
            balanced: false,
            budget: 0.03,
            seed: 0,
        }
    }
}
