//! The two passes over all instances: sums, maxima and perplexities first, then what depends on the maxima.

use super::rows::{Element, Instances};
use crate::{PERPLEXITY_BINS, PerplexityHistogram, perplexity_bin, strength_perplexity};

/// What the first pass finds.
pub(super) struct Totals {
    pub(super) silent: u64,
    pub(super) max: Vec<f64>,
    pub(super) sum: Vec<f64>,
    /// Instances in which each filter is above zero.
    pub(super) positive: Vec<u64>,
    counts: [u64; PERPLEXITY_BINS],
    perplexity_sum: f64,
}

impl Totals {
    fn empty(filters: usize) -> Self {
        Self {
            silent: 0,
            max: vec![0.0; filters],
            sum: vec![0.0; filters],
            positive: vec![0; filters],
            counts: [0; PERPLEXITY_BINS],
            perplexity_sum: 0.0,
        }
    }

    fn add(&mut self, activations: &[f64]) {
        for (filter, &value) in activations.iter().enumerate() {
            self.max[filter] = self.max[filter].max(value);
            self.sum[filter] += value;
            self.positive[filter] += u64::from(value > 0.0);
        }
        match strength_perplexity(activations) {
            None => self.silent += 1,
            Some(perplexity) => {
                self.counts[perplexity_bin(perplexity, activations.len())] += 1;
                self.perplexity_sum += perplexity;
            }
        }
    }

    fn merge(mut self, other: &Self) -> Self {
        self.silent += other.silent;
        self.perplexity_sum += other.perplexity_sum;
        for (count, other) in self.counts.iter_mut().zip(other.counts) {
            *count += other;
        }
        for filter in 0..self.max.len() {
            self.max[filter] = self.max[filter].max(other.max[filter]);
            self.sum[filter] += other.sum[filter];
            self.positive[filter] += other.positive[filter];
        }
        self
    }

    pub(super) fn perplexity(&self) -> PerplexityHistogram {
        let binned: u64 = self.counts.iter().sum();
        PerplexityHistogram {
            counts: self.counts.to_vec(),
            mean: (binned > 0).then(|| self.perplexity_sum / binned as f64),
        }
    }
}

/// The first pass.
pub(super) fn totals<T: Element>(instances: &Instances<T>) -> Totals {
    let empty = || Totals::empty(instances.filters);
    instances.by_block(empty, Totals::add).iter().fold(empty(), Totals::merge)
}

/// The second pass: the share of instances in which each filter is above beta times its maximum.
pub(super) fn frequencies<T: Element>(instances: &Instances<T>, max: &[f64], beta: f64) -> Vec<f64> {
    let thresholds: Vec<f64> = max.iter().map(|max| beta * max).collect();
    let blocks = instances.by_block(
        || vec![0_u64; thresholds.len()],
        |counts, activations| {
            for ((count, &value), &threshold) in counts.iter_mut().zip(activations).zip(&thresholds) {
                *count += u64::from(value > threshold);
            }
        },
    );
    let n = instances.len().max(1) as f64;
    let count = |filter: usize| blocks.iter().map(|counts| counts[filter]).sum::<u64>();
    (0..thresholds.len()).map(|filter| count(filter) as f64 / n).collect()
}
