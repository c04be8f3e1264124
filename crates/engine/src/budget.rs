//! What the analysis costs, and what is left out where it costs too much.

use crate::live::Cost;
use deepeyes_core::AnalysisConfig;

/// Similarity is never thinned below this many instances.
const FEWEST_INSTANCES: usize = 256;
/// Below this share of the budget, thinning is taken back one step; well below, so that it does not swing.
const RELAX: f64 = 0.25;
/// Weight of the newest window in the running shares.
const NEWEST: f64 = 0.3;

/// Seconds of one window.
#[derive(Debug, Clone, Copy, Default)]
struct Spent {
    /// Wall-clock seconds of the training.
    training: f64,
    /// Seconds for the floor: every sampled instance's perplexity, maxima and label affinity.
    floor: f64,
    /// Seconds at the window's end.
    closing: f64,
    /// Seconds that the producer gave.
    producer: f64,
}

/// Compares what a window's end costs with the budget, and thins similarity. The analysis' times are its thread's processor
/// seconds: an upper bound of what it took from the training, since it runs where a core would idle.
#[derive(Debug)]
pub(crate) struct Budget {
    share: f64,
    configured: usize,
    instances: usize,
    window: Spent,
    cost_share: Option<f64>,
}

impl Budget {
    pub(crate) fn new(config: &AnalysisConfig) -> Self {
        let configured = config.similarity_instances;
        Self {
            share: config.budget,
            configured,
            instances: configured,
            window: Spent::default(),
            cost_share: None,
        }
    }

    /// A step of the training took `seconds`, of which the producer gave `producer` for us.
    pub(crate) fn step(&mut self, seconds: f64, producer: f64) {
        self.window.training += seconds.max(0.0);
        self.window.producer += producer.max(0.0);
    }

    /// A step's floor took `seconds`.
    pub(crate) fn floor(&mut self, seconds: f64) {
        self.window.floor += seconds;
    }

    /// A window's end took `seconds`: settles how many instances the next one's similarity uses.
    pub(crate) fn close(&mut self, seconds: f64) {
        self.window.closing += seconds;
        let Spent { training, floor, closing, producer } = std::mem::take(&mut self.window);
        if training <= 0.0 {
            return;
        }
        let newest = (floor + closing + producer) / training;
        self.cost_share = Some(self.cost_share.map_or(newest, |share| share + NEWEST * (newest - share)));
        let beyond = closing / training;
        if beyond > self.share {
            self.instances = (self.instances / 2).max(FEWEST_INSTANCES.min(self.configured));
        } else if beyond < RELAX * self.share {
            self.instances = (self.instances * 2).min(self.configured);
        }
    }

    /// Instances on which the next window's similarity is computed.
    pub(crate) fn similarity_instances(&self) -> usize {
        self.instances
    }

    pub(crate) fn cost(&self) -> Cost {
        Cost {
            share: self.cost_share,
            similarity_instances: self.instances,
            thinned: self.instances < self.configured,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget() -> Budget {
        Budget::new(&AnalysisConfig { budget: 0.1, similarity_instances: 1024, ..AnalysisConfig::default() })
    }

    #[test]
    fn an_expensive_end_is_thinned_to_a_floor_and_restored_when_cheap() {
        let mut budget = budget();
        for expected in [512, 256, 256] {
            budget.step(1.0, 0.0);
            budget.close(0.2);
            assert_eq!(budget.similarity_instances(), expected);
            assert!(budget.cost().thinned);
        }
        // Between the two limits nothing changes.
        budget.step(1.0, 0.0);
        budget.close(0.05);
        assert_eq!(budget.similarity_instances(), 256);
        for expected in [512, 1024, 1024] {
            budget.step(1.0, 0.0);
            budget.close(0.01);
            assert_eq!(budget.similarity_instances(), expected);
        }
        assert!(!budget.cost().thinned);
    }

    #[test]
    fn the_floor_is_never_thinned_but_counted() {
        let mut budget = budget();
        budget.step(1.0, 0.1);
        budget.floor(0.5);
        budget.close(0.0);
        assert_eq!(budget.similarity_instances(), 1024);
        assert!((budget.cost().share.unwrap() - 0.6).abs() < 1e-12);
    }
}
