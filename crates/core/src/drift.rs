//! How far a layer's perplexities have moved between two windows (T1).
//!
//! Perplexities are counted in 256 log-spaced bins over [1, F] (no wider than 3.4 % of a perplexity at F = 4,096), apart for 64
//! groups of inputs: an input's group is a hash of seed, input and step, so that all positions of one input, which are
//! correlated, share a group.

use crate::random::hash;
use serde::{Deserialize, Serialize};

/// Bins of the fine histogram.
pub(crate) const FINE_BINS: usize = 256;
/// Groups of inputs in a window.
pub(crate) const GROUPS: usize = 64;
/// Keeps the hash of groups apart from other hashes.
const GROUP_KEY: u64 = 1;

/// The group of an input that is seen at a step.
pub(crate) fn group_of(seed: u64, input: i64, step: u64) -> usize {
    (hash([seed, input as u64, step, GROUP_KEY]) % GROUPS as u64) as usize
}

/// Fine perplexity histograms of a window, one for each group of inputs; those of parts merge to those of the whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct GroupedPerplexities {
    filters: usize,
    /// `[GROUPS, FINE_BINS]`.
    counts: Vec<u32>,
    /// Silent instances of each group.
    silent: Vec<u32>,
}

impl GroupedPerplexities {
    pub(crate) fn new(filters: usize) -> Self {
        Self { filters, counts: vec![0; GROUPS * FINE_BINS], silent: vec![0; GROUPS] }
    }

    /// Bins for each bit of perplexity: a factor from log2 of a perplexity to its bin.
    pub(crate) fn bins_per_bit(&self) -> f32 {
        if self.filters > 1 { FINE_BINS as f32 / (self.filters as f32).log2() } else { 0.0 }
    }

    /// The histogram of a group, to be counted into at `log2 perplexity * bins_per_bit`, and its silent instances.
    pub(crate) fn group_mut(&mut self, group: usize) -> (&mut [u32], &mut u32) {
        (&mut self.counts[group * FINE_BINS..][..FINE_BINS], &mut self.silent[group])
    }

    /// Whether it is of a layer with so many filters.
    pub(crate) fn is_of(&self, filters: usize) -> bool {
        self.filters == filters && self.counts.len() == GROUPS * FINE_BINS && self.silent.len() == GROUPS
    }

    pub(crate) fn filters(&self) -> usize {
        self.filters
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        for (count, more) in self.silent.iter_mut().zip(&other.silent) {
            *count += more;
        }
    }

    /// Appends the cumulative counts of each group that has instances.
    fn cumulate(&self, to: &mut Cumulative) {
        for (counts, &silent) in self.counts.chunks_exact(FINE_BINS).zip(&self.silent) {
            if silent == 0 && counts.iter().all(|&count| count == 0) {
                continue;
            }
            let mut sum = 0;
            to.counted.extend(counts.iter().map(|&count| {
                sum += count;
                sum as f32
            }));
            to.silent.push(silent as f32);
        }
    }
}

/// Groups of instances.
#[derive(Default)]
pub(crate) struct Cumulative {
    /// Instances of each group up to each bin: `[groups, bins]`. Exact up to 2^24 of them, and then as good as a sum.
    pub(crate) counted: Vec<f32>,
    /// Silent instances of each group.
    pub(crate) silent: Vec<f32>,
    /// Distance from each bin's middle to the next one's over F - 1; 0 for the last bin.
    pub(crate) gaps: Vec<f32>,
}

impl Cumulative {
    pub(crate) fn of(windows: &[&GroupedPerplexities]) -> Self {
        let filters = windows.first().map_or(1, |window| window.filters);
        let mut groups = Self { gaps: gaps(filters), ..Self::default() };
        for window in windows {
            window.cumulate(&mut groups);
        }
        groups
    }

    pub(crate) fn bins(&self) -> usize {
        self.gaps.len()
    }

    /// All groups together.
    pub(crate) fn total(&self) -> Set {
        let mut total = Set { counted: vec![0.0; self.bins()], silent: self.silent.iter().sum() };
        for row in self.counted.chunks_exact(self.bins()) {
            for (total, value) in total.counted.iter_mut().zip(row) {
                *total += value;
            }
        }
        total
    }
}

/// Instances of several groups together.
pub(crate) struct Set {
    /// Instances up to each bin.
    pub(crate) counted: Vec<f32>,
    pub(crate) silent: f32,
}

fn gaps(filters: usize) -> Vec<f32> {
    let mut gaps = vec![0.0; FINE_BINS];
    if filters > 1 {
        let middle = |bin: usize| (filters as f64).powf((bin as f64 + 0.5) / FINE_BINS as f64);
        for (bin, gap) in gaps[..FINE_BINS - 1].iter_mut().enumerate() {
            *gap = ((middle(bin + 1) - middle(bin)) / (filters - 1) as f64) as f32;
        }
    }
    gaps
}

/// Wasserstein-1 distance of two windows' perplexities over F - 1 plus the change of the silent share, in [0, 1]; 0 for
/// F = 1. A window without instances that are not silent has no perplexities to compare: then only the share counts.
pub(crate) fn drift(one: &GroupedPerplexities, two: &GroupedPerplexities) -> f64 {
    if one.filters <= 1 {
        return 0.0;
    }
    let [one, two] = [one, two].map(|window| Cumulative::of(&[window]));
    distance(&one.total(), &two.total(), &one.gaps)
}

/// Drift from the cumulative counts of two sets of instances.
fn distance(one: &Set, two: &Set, gaps: &[f32]) -> f64 {
    let [scale_one, scale_two] = scales([one, two].map(|set| set.counted.last().copied().unwrap_or(0.0)));
    let pairs = one.counted.iter().zip(&two.counted).zip(gaps);
    let moved = pairs.map(|((one, two), gap)| (one * scale_one - two * scale_two).abs() * gap).sum();
    changed(moved, [one, two].map(|set| [set.counted.last().copied().unwrap_or(0.0), set.silent]))
}

/// What makes two windows' counts shares of their instances; 0 where one of them has none to compare.
#[inline(always)]
pub(crate) fn scales(counted: [f32; 2]) -> [f32; 2] {
    if counted[0] > 0.0 && counted[1] > 0.0 { counted.map(f32::recip) } else { [0.0; 2] }
}

/// Drift from how far the perplexities have moved, and each window's instances, counted and silent.
#[inline(always)]
pub(crate) fn changed(moved: f32, windows: [[f32; 2]; 2]) -> f64 {
    let [one, two] = windows.map(|[counted, silent]| silent / (counted + silent).max(1.0));
    f64::from(moved + (one - two).abs()).clamp(0.0, 1.0)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    const FILTERS: usize = 20;

    /// A window of perplexities (0: silent) with the group of each.
    pub(crate) fn window(instances: &[(usize, f64)]) -> GroupedPerplexities {
        let mut window = GroupedPerplexities::new(FILTERS);
        let scale = window.bins_per_bit();
        for &(group, perplexity) in instances {
            let (counts, silent) = window.group_mut(group);
            if perplexity == 0.0 {
                *silent += 1;
            } else {
                counts[((perplexity.log2() as f32 * scale) as usize).min(FINE_BINS - 1)] += 1;
            }
        }
        window
    }

    pub(crate) fn instances(size: std::ops::Range<usize>) -> impl Strategy<Value = Vec<(usize, f64)>> {
        let perplexity = prop_oneof![1 => Just(0.0), 5 => 1.0..20.0_f64];
        proptest::collection::vec((0..GROUPS, perplexity), size)
    }

    /// Wasserstein-1 of two samples of one size: mean distance in sorted order.
    fn wasserstein(one: &[f64], two: &[f64]) -> f64 {
        let sorted = |values: &[f64]| {
            let mut values = values.to_vec();
            values.sort_by(f64::total_cmp);
            values
        };
        let moved: f64 = sorted(one).iter().zip(sorted(two)).map(|(a, b)| (a - b).abs()).sum();
        moved / one.len() as f64
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn drift_is_the_wasserstein_distance_up_to_the_bins(
            pairs in proptest::collection::vec((1.0..20.0_f64, 1.0..20.0_f64), 1..100),
        ) {
            let (one, two): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
            let grouped = |values: &[f64]| window(&values.iter().map(|&value| (0, value)).collect::<Vec<_>>());
            let exact = wasserstein(&one, &two) / (FILTERS - 1) as f64;
            // A bin is at most 1.2 % of a perplexity wide.
            prop_assert!((drift(&grouped(&one), &grouped(&two)) - exact).abs() < 0.012);
        }
    }

    #[test]
    fn silence_that_appears_is_drift() {
        let loud = window(&[(0, 5.0), (1, 5.0)]);
        let half = window(&[(0, 5.0), (1, 0.0)]);
        assert_eq!(drift(&loud, &half), 0.5);
        assert_eq!(drift(&loud, &window(&[(0, 0.0)])), 1.0);
    }

    /// A window whose instances all answer, and a silent one.
    pub(crate) fn of_one_filter() -> [GroupedPerplexities; 2] {
        let mut windows = [GroupedPerplexities::new(1), GroupedPerplexities::new(1)];
        windows[0].group_mut(0).0[0] = 3;
        *windows[1].group_mut(0).1 = 3;
        windows
    }

    #[test]
    fn one_filter_never_drifts() {
        let [one, two] = of_one_filter();
        assert_eq!(drift(&one, &two), 0.0);
    }
}
