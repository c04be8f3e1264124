//! What the analysis costs, and what is done less often where it costs too much.

use crate::live::Cost;
use std::time::Duration;

/// Weight of the newest window in the running share.
const NEWEST: f64 = 0.3;

/// Seconds of one window.
#[derive(Debug, Clone, Copy, Default)]
struct Spent {
    /// Wall-clock seconds of the training.
    training: f64,
    /// Processor seconds of the analysis.
    analysis: f64,
    /// Seconds that the producer gave.
    producer: f64,
}

/// Adds up what the analysis costs, and says how often it may compare filters with each other. The analysis' times are
/// processor seconds: an upper bound of what it took from the training, since it mostly runs where a processor would idle.
#[derive(Debug)]
pub(crate) struct Budget {
    /// Share of the training's time that comparing filters may cost.
    share: f64,
    /// Filters are not compared more often than this.
    least: Duration,
    /// Now they are not compared more often than this.
    interval: Duration,
    window: Spent,
    cost_share: Option<f64>,
    /// Processor seconds of the analysis in all.
    seconds: f64,
}

impl Budget {
    pub(crate) fn new(share: f64, least: Duration) -> Self {
        Self { share, least, interval: least, window: Spent::default(), cost_share: None, seconds: 0.0 }
    }

    /// A step of the training took `seconds`, of which the producer gave `producer` for us.
    pub(crate) fn step(&mut self, seconds: f64, producer: f64) {
        self.window.training += seconds.max(0.0);
        self.window.producer += producer.max(0.0);
    }

    /// The analysis took `seconds`.
    pub(crate) fn analysed(&mut self, seconds: f64) {
        self.window.analysis += seconds;
        self.seconds += seconds;
    }

    /// A window's end at which filters were compared took `seconds`: settles when they may be again.
    pub(crate) fn compared(&mut self, seconds: f64) {
        let wanted = Duration::try_from_secs_f64(seconds / self.share).unwrap_or(Duration::MAX);
        self.interval = wanted.max(self.least);
    }

    /// A window has ended.
    pub(crate) fn close(&mut self) {
        let Spent { training, analysis, producer } = std::mem::take(&mut self.window);
        if training <= 0.0 {
            return;
        }
        let newest = (analysis + producer) / training;
        self.cost_share = Some(self.cost_share.map_or(newest, |share| share + NEWEST * (newest - share)));
    }

    /// The time between two comparisons.
    pub(crate) fn interval(&self) -> Duration {
        self.interval
    }

    pub(crate) fn cost(&self) -> Cost {
        Cost {
            share: self.cost_share,
            seconds: self.seconds,
            comparison_interval: self.interval,
            thinned: self.interval > self.least,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget() -> Budget {
        Budget::new(0.1, Duration::from_secs(5))
    }

    #[test]
    fn an_expensive_comparison_comes_less_often_and_a_cheap_one_as_often_as_wanted() {
        let mut budget = budget();
        budget.compared(0.2);
        assert_eq!((budget.interval(), budget.cost().thinned), (Duration::from_secs(5), false));
        budget.compared(2.0);
        assert_eq!((budget.interval(), budget.cost().thinned), (Duration::from_secs(20), true));
        budget.compared(0.2);
        assert!(!budget.cost().thinned);
    }

    #[test]
    fn everything_is_counted() {
        let mut budget = budget();
        budget.step(1.0, 0.1);
        budget.analysed(0.5);
        budget.close();
        assert!((budget.cost().share.unwrap() - 0.6).abs() < 1e-12);
    }
}
