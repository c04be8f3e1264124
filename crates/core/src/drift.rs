//! How far a layer's perplexities have moved between two windows, and how far sampling alone would move them (T1).
//!
//! Perplexities are counted in 256 log-spaced bins over [1, F] (no wider than 3.4 % of a perplexity at F = 4,096), apart for 64
//! groups of inputs: an input's group is a hash of seed, input and step, so that all positions of one input, which are
//! correlated, share a group. Noise permutes these groups instead of single inputs. That is an approximation: groups of
//! independent inputs are exchangeable between two windows exactly as the inputs are, and their halves vary as much, but
//! there are only C(128, 64) of them.

use crate::random::{Random, hash};
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Bins of the fine histogram.
pub(crate) const FINE_BINS: usize = 256;
/// Groups of inputs in a window.
pub(crate) const GROUPS: usize = 64;
/// Random halves from which the noise quantile is read.
const HALVES: u32 = 1000;
/// The quantile of the halves' drift that counts as noise.
const QUANTILE: f64 = 0.999;
/// Registers that are summed into at a time, and a multiple of the numbers that they hold, however wide they are.
const REGISTERS: usize = 4;
const CHUNK: usize = 16 * REGISTERS;
/// Keys that keep the hashes of different purposes apart.
const GROUP_KEY: u64 = 1;
const HALF_KEY: u64 = 2;

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
struct Cumulative {
    /// Instances of each group up to each bin: `[groups, bins]`. Exact up to 2^24 of them, and then as good as a sum.
    counted: Vec<f32>,
    /// Silent instances of each group.
    silent: Vec<f32>,
    /// The bins' distances: see [`gaps`].
    gaps: Vec<f32>,
}

impl Cumulative {
    fn of(windows: &[&GroupedPerplexities]) -> Self {
        let filters = windows.first().map_or(1, |window| window.filters);
        let mut groups = Self { gaps: gaps(filters), ..Self::default() };
        for window in windows {
            window.cumulate(&mut groups);
        }
        groups
    }

    fn bins(&self) -> usize {
        self.gaps.len()
    }

    /// All groups together.
    fn total(&self) -> Set {
        let mut total = Set { counted: vec![0.0; self.bins()], silent: self.silent.iter().sum() };
        for row in self.counted.chunks_exact(self.bins()) {
            for (total, value) in total.counted.iter_mut().zip(row) {
                *total += value;
            }
        }
        total
    }

    /// The same without the bins that are empty in all groups: up to such a bin there are as many instances as up to the
    /// one before, which takes its distance over. The last bin is repeated, with no distance, to a multiple of [`CHUNK`].
    fn occupied(&self) -> Self {
        let total = self.total().counted;
        let (mut bins, mut gaps) = (Vec::new(), Vec::new());
        let mut before = 0.0;
        for (bin, (&count, &gap)) in total.iter().zip(&self.gaps).enumerate() {
            if count > before {
                bins.push(bin);
                gaps.push(gap);
            } else if let Some(last) = gaps.last_mut() {
                *last += gap;
            }
            before = count;
        }
        let width = bins.len().max(1).next_multiple_of(CHUNK);
        bins.resize(width, self.bins() - 1);
        gaps.resize(width, 0.0);
        let rows = self.counted.chunks_exact(self.bins());
        let counted = rows.flat_map(|row| bins.iter().map(|&bin| row[bin])).collect();
        Self { counted, silent: self.silent.clone(), gaps }
    }
}

/// Instances of several groups together.
#[derive(Default)]
struct Set {
    /// Instances up to each bin.
    counted: Vec<f32>,
    silent: f32,
}

/// Distance from each bin's middle to the next one's over F - 1; 0 for the last bin.
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
#[inline(always)]
fn distance(one: &Set, two: &Set, gaps: &[f32]) -> f64 {
    let [counted_one, counted_two] = [one, two].map(|set| set.counted.last().copied().unwrap_or(0.0));
    let mut moved = 0.0_f32;
    if counted_one > 0.0 && counted_two > 0.0 {
        let (scale_one, scale_two) = (counted_one.recip(), counted_two.recip());
        // Eight sums, because one alone would wait for each addition.
        let mut sums = [0.0_f32; 8];
        let blocks = one.counted.chunks_exact(8).zip(two.counted.chunks_exact(8)).zip(gaps.chunks_exact(8));
        for ((one, two), gaps) in blocks {
            for lane in 0..8 {
                sums[lane] += (one[lane] * scale_one - two[lane] * scale_two).abs() * gaps[lane];
            }
        }
        for sum in sums {
            moved += sum;
        }
    }
    let share_one = one.silent / (counted_one + one.silent).max(1.0);
    let share_two = two.silent / (counted_two + two.silent).max(1.0);
    f64::from(moved + (share_one - share_two).abs()).clamp(0.0, 1.0)
}

/// The drift that sampling alone explains: the 99.9 % quantile of the drift between random halves of two pooled windows.
pub(crate) fn noise(one: &GroupedPerplexities, two: &GroupedPerplexities, seed: u64) -> f64 {
    if one.filters <= 1 {
        return 0.0;
    }
    let groups = Cumulative::of(&[one, two]).occupied();
    let halves = Halves { groups: &groups, total: &groups.total(), seed };
    let mut drifts: Vec<f64> = (0..HALVES)
        .into_par_iter()
        .with_min_len(100)
        .map_init(Scratch::default, |scratch, half| {
            Arch::new().dispatch(Half { halves: &halves, half, scratch })
        })
        .collect();
    drifts.sort_unstable_by(f64::total_cmp);
    drifts[(QUANTILE * f64::from(HALVES)).ceil() as usize - 1]
}

struct Halves<'a> {
    /// All groups of both windows.
    groups: &'a Cumulative,
    total: &'a Set,
    seed: u64,
}

impl Halves<'_> {
    /// The groups of one random half.
    fn draw(&self, half: u32, order: &mut Vec<usize>) {
        let groups = self.groups.silent.len();
        order.clear();
        order.extend(0..groups);
        let mut random = Random::new(hash([self.seed, half.into(), HALF_KEY]));
        for place in 0..groups / 2 {
            order.swap(place, place + random.below(groups - place));
        }
        order.truncate(groups / 2);
    }
}

#[derive(Default)]
struct Scratch {
    order: Vec<usize>,
    half: Set,
    rest: Set,
}

/// The drift between one random half and the other.
struct Half<'a> {
    halves: &'a Halves<'a>,
    half: u32,
    scratch: &'a mut Scratch,
}

impl WithSimd for Half<'_> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f64 {
        let Self { halves, half, scratch: Scratch { order, half: one, rest } } = self;
        let &Halves { groups, total, .. } = halves;
        halves.draw(half, order);
        one.counted.resize(groups.bins(), 0.0);
        rest.counted.resize(groups.bins(), 0.0);
        one.silent = 0.0;
        for &group in order.iter() {
            one.silent += groups.silent[group];
        }
        rest.silent = total.silent - one.silent;
        // A few registers of the sum at a time: each group's counts are read once and nothing is written between.
        let rows = S::as_simd_f32s(&groups.counted).0;
        let width = groups.bins() / S::F32_LANES;
        let sums = S::as_mut_simd_f32s(&mut one.counted).0;
        for (chunk, sums) in sums.chunks_exact_mut(REGISTERS).enumerate() {
            let mut held = [simd.splat_f32s(0.0); REGISTERS];
            for &group in order.iter() {
                let row = &rows[group * width + chunk * REGISTERS..][..REGISTERS];
                for place in 0..REGISTERS {
                    held[place] = simd.add_f32s(held[place], row[place]);
                }
            }
            sums.copy_from_slice(&held);
        }
        for ((rest, &total), &one) in rest.counted.iter_mut().zip(&total.counted).zip(&one.counted) {
            *rest = total - one;
        }
        distance(one, rest, &groups.gaps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FILTERS: usize = 20;

    /// A window of perplexities (0: silent) with the group of each.
    fn window(instances: &[(usize, f64)]) -> GroupedPerplexities {
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

    fn instances(size: std::ops::Range<usize>) -> impl Strategy<Value = Vec<(usize, f64)>> {
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

        #[test]
        fn noise_equals_the_obvious_version(one in instances(1..80), two in instances(1..80), seed: u64) {
            prop_assert!((noise(&window(&one), &window(&two), seed) - reference(&one, &two, seed)).abs() < 1e-5);
        }
    }

    /// Deals out the instances of the same random halves, and compares their histograms by `drift`.
    fn reference(one: &[(usize, f64)], two: &[(usize, f64)], seed: u64) -> f64 {
        let pooled: Vec<(usize, f64)> =
            one.iter().copied().chain(two.iter().map(|&(group, value)| (group + GROUPS, value))).collect();
        let mut groups: Vec<usize> = pooled.iter().map(|&(group, _)| group).collect();
        groups.sort_unstable();
        groups.dedup();
        let numbered = Cumulative { silent: vec![0.0; groups.len()], ..Cumulative::default() };
        let halves = Halves { groups: &numbered, total: &Set::default(), seed };
        let mut drifts: Vec<f64> = (0..HALVES)
            .map(|half| {
                let mut order = Vec::new();
                halves.draw(half, &mut order);
                let chosen = |group: usize| order.iter().any(|&place| groups[place] == group);
                let (first, second): (Vec<_>, Vec<_>) = pooled.iter().partition(|&&(group, _)| chosen(group));
                let flat = |part: Vec<(usize, f64)>| {
                    window(&part.into_iter().map(|(_, value)| (0, value)).collect::<Vec<_>>())
                };
                drift(&flat(first), &flat(second))
            })
            .collect();
        drifts.sort_by(f64::total_cmp);
        drifts[998]
    }

    #[test]
    fn silence_that_appears_is_drift() {
        let loud = window(&[(0, 5.0), (1, 5.0)]);
        let half = window(&[(0, 5.0), (1, 0.0)]);
        assert_eq!(drift(&loud, &half), 0.5);
        assert_eq!(drift(&loud, &window(&[(0, 0.0)])), 1.0);
    }

    #[test]
    fn one_filter_never_drifts() {
        let (mut one, mut two) = (GroupedPerplexities::new(1), GroupedPerplexities::new(1));
        one.group_mut(0).0[0] = 3;
        *two.group_mut(0).1 = 3;
        assert_eq!((drift(&one, &two), noise(&one, &two, 0)), (0.0, 0.0));
    }
}
