//! Distribution of each filter's activations, mergeable and within 1 % of every value: DDSketch (Masson, Rim and Lee,
//! VLDB 2019) with its linearly interpolated mapping. A value's bucket is its exponent and the first six bits of its
//! mantissa, read off without a logarithm: 64 buckets for each factor of two, whose middle is within 1/129 of any value in
//! it. Only the buckets near a filter's largest value are kept; smaller values (below about 2^-16 of it) are only counted.

use serde::{Deserialize, Serialize};

/// Bits of a 32-bit float below those that name its bucket.
const SHIFT: u32 = 17;
/// Buckets kept for a filter: 16 factors of two.
const BUCKETS: usize = 1024;

/// Values that may wait to be taken in together, filter by filter, so that a filter's buckets stay in the fastest cache; at
/// least so many instances may.
const WAITING: usize = 1 << 18;
const WAITING_INSTANCES: usize = 64;
/// Instances whose buckets are found together, and filters: those of one line of the cache.
const ROWS: usize = 256;
const LINE: usize = 16;

/// One sketch for each filter.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Sketch {
    instances: u64,
    filters: Vec<FilterSketch>,
    /// Instances, one after the other.
    #[serde(skip)]
    waiting: Vec<f32>,
}

/// Counts of one filter's values.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct FilterSketch {
    zero: u32,
    /// Values below the kept buckets.
    low: u32,
    /// The bucket of `counts[0]`.
    first: usize,
    counts: Vec<u32>,
}

impl Sketch {
    /// Of no instances yet.
    pub fn new(filters: usize) -> Self {
        Self { instances: 0, filters: vec![FilterSketch::default(); filters], waiting: Vec::new() }
    }

    /// Whether it is of so many filters.
    pub(crate) fn is_of(&self, filters: usize) -> bool {
        self.filters.len() == filters
            && self
                .filters
                .iter()
                .all(|filter| filter.counts.len() <= BUCKETS && filter.first <= 1 << (31 - SHIFT))
    }

    /// Takes in one rectified instance (F values).
    pub fn add(&mut self, instance: impl IntoIterator<Item = f32>) {
        self.instances += 1;
        self.waiting.extend(instance);
        if self.waiting.len() >= WAITING.max(WAITING_INSTANCES * self.filters.len()) {
            self.settle();
        }
    }

    /// Takes in what waits.
    pub fn settle(&mut self) {
        let mut waiting = std::mem::take(&mut self.waiting);
        self.take(&waiting);
        waiting.clear();
        self.waiting = waiting;
    }

    /// Takes in some instances.
    fn take(&mut self, instances: &[f32]) {
        let width = self.filters.len();
        for (line, filters) in self.filters.chunks_mut(LINE).enumerate() {
            for rows in instances.chunks(ROWS * width) {
                let mut found = [[0; ROWS]; LINE];
                for (at, row) in rows.chunks_exact(width).enumerate() {
                    for (found, &value) in found.iter_mut().zip(&row[line * LINE..]) {
                        found[at] = bucket(value);
                    }
                }
                for (filter, found) in filters.iter_mut().zip(&found) {
                    filter.take(&found[..rows.len() / width]);
                }
            }
        }
    }

    /// Takes in what another part of the data gave; both must be of the same layer.
    pub fn merge(&mut self, other: &Self) {
        self.instances += other.instances;
        self.take(&other.waiting);
        for (filter, more) in self.filters.iter_mut().zip(&other.filters) {
            filter.merge(more);
        }
    }

    /// Instances taken in: each filter has as many values.
    pub fn instances(&self) -> u64 {
        self.instances
    }

    /// One filter's distribution, without what has not [settled](Self::settle).
    pub fn filter(&self, filter: usize) -> &FilterSketch {
        &self.filters[filter]
    }
}

/// The bucket of a non-negative value; 0 for zero (and what is below 2e-40).
#[inline(always)]
fn bucket(value: f32) -> u16 {
    (value.to_bits() >> SHIFT) as u16
}

/// The values at which a bucket begins and ends.
fn bounds(bucket: usize) -> (f64, f64) {
    let bound = |bucket: usize| f64::from(f32::from_bits((bucket as u32) << SHIFT));
    (bound(bucket), bound(bucket + 1))
}

/// The middle of a bucket.
fn middle(bucket: usize) -> f64 {
    let (low, high) = bounds(bucket);
    (low + high) / 2.0
}

impl FilterSketch {
    /// Counts up to [`ROWS`] values by their buckets.
    fn take(&mut self, buckets: &[u16]) {
        // About half of all values are zero, in no order that a processor could foresee: no branch depends on them.
        let (mut kept, mut positive) = ([0; ROWS], 0);
        // Zero is not the lowest: one less than it is more than any.
        let (mut lowest, mut highest) = (u16::MAX, 0);
        for &bucket in buckets {
            kept[positive] = bucket;
            positive += usize::from(bucket > 0);
            lowest = lowest.min(bucket.wrapping_sub(1));
            highest = highest.max(bucket);
        }
        self.zero += (buckets.len() - positive) as u32;
        if positive > 0 {
            self.reach(usize::from(lowest) + 1, usize::from(highest));
        }
        for &bucket in &kept[..positive] {
            self.add(usize::from(bucket), 1);
        }
    }

    fn merge(&mut self, other: &Self) {
        self.zero += other.zero;
        self.low += other.low;
        let counted = || other.counts.iter().enumerate().filter(|&(_, &count)| count > 0);
        if let (Some((lowest, _)), Some((highest, _))) = (counted().next(), counted().next_back()) {
            self.reach(other.first + lowest, other.first + highest);
        }
        for (place, &count) in counted() {
            self.add(other.first + place, count);
        }
    }

    /// Adds to a bucket that is [within reach](Self::reach), or below it.
    #[inline(always)]
    fn add(&mut self, bucket: usize, count: u32) {
        match self.counts.get_mut(bucket.wrapping_sub(self.first)) {
            Some(place) => *place += count,
            None => self.low += count,
        }
    }

    /// Makes room for some buckets, as far down from the highest as buckets are kept.
    #[inline(always)]
    fn reach(&mut self, lowest: usize, highest: usize) {
        let end = self.first + self.counts.len();
        if highest >= end || (lowest < self.first && self.counts.len() < BUCKETS) {
            self.extend(lowest, highest);
        }
    }

    /// As [`reach`](Self::reach), which has found that there is too little.
    #[cold]
    fn extend(&mut self, lowest: usize, highest: usize) {
        if self.counts.is_empty() {
            self.first = highest + 1;
        }
        let end = (self.first + self.counts.len()).max(highest + 1);
        let floor = end.saturating_sub(BUCKETS).max(1);
        self.counts.resize(end - self.first, 0);
        if self.first < floor {
            self.low += self.counts.drain(..floor - self.first).sum::<u32>();
            self.first = floor;
        } else if lowest < self.first {
            // A few more than needed: values often spread downwards.
            let first = lowest.saturating_sub(64).max(floor);
            self.counts.splice(0..0, std::iter::repeat_n(0, self.first - first));
            self.first = first;
        }
    }

    /// Buckets with their counts, the largest values first; then the values too small to be told apart, as zero.
    fn descending(&self) -> impl Iterator<Item = (f64, u32)> {
        let stored = self.counts.iter().enumerate().rev().filter(|&(_, &count)| count > 0);
        stored
            .map(|(place, &count)| (middle(self.first + place), count))
            .chain(std::iter::once((0.0, self.zero + self.low)))
    }

    /// Values taken in.
    pub fn count(&self) -> u64 {
        u64::from(self.zero)
            + u64::from(self.low)
            + self.counts.iter().map(|&count| u64::from(count)).sum::<u64>()
    }

    /// The smallest value that at least a share `q` of all values do not exceed, within 1 % of it; 0 without values.
    pub fn quantile(&self, q: f64) -> f64 {
        let above = self.count() as f64 * (1.0 - q);
        let mut seen = 0.0;
        for (value, count) in self.descending() {
            seen += f64::from(count);
            if seen > above {
                return value;
            }
        }
        0.0
    }

    /// Share of the values above a threshold, in [0, 1]. Exact up to the values within 1 % of the threshold: those in its
    /// own bucket are taken to lie evenly.
    pub fn share_above(&self, threshold: f64) -> f64 {
        let count = self.count();
        if count == 0 {
            return 0.0;
        }
        let mut above = 0.0;
        for (place, &count) in self.counts.iter().enumerate().rev() {
            let (low, high) = bounds(self.first + place);
            if high <= threshold {
                break;
            }
            above += f64::from(count) * ((high - threshold.max(low)) / (high - low));
        }
        if threshold < 0.0 {
            above += f64::from(self.zero + self.low);
        }
        above / count as f64
    }

    /// Standard deviation over mean of the values clipped at `limit`; infinite where all are zero.
    pub fn variation(&self, limit: f64) -> f64 {
        let (mut sum, mut squares) = (0.0, 0.0);
        for (value, count) in self.descending() {
            let value = value.min(limit);
            sum += value * f64::from(count);
            squares += value * value * f64::from(count);
        }
        if sum <= 0.0 {
            return f64::INFINITY;
        }
        let count = self.count() as f64;
        let mean = sum / count;
        (squares / count - mean * mean).max(0.0).sqrt() / mean
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sketch(values: &[f32]) -> Sketch {
        let mut sketch = Sketch::new(1);
        for &value in values {
            sketch.add([value]);
        }
        sketch.settle();
        sketch
    }

    fn values() -> impl Strategy<Value = Vec<f32>> {
        let value = prop_oneof![1 => Just(0.0_f32), 4 => (-2.0..2.0_f64).prop_map(|x| 10_f64.powf(x) as f32)];
        proptest::collection::vec(value, 1..300)
    }

    proptest! {
        #[test]
        fn a_bucket_holds_values_within_one_per_cent_of_its_middle(power in -37.0..38.0_f64) {
            let value = 10_f64.powf(power) as f32;
            prop_assert!((middle(bucket(value).into()) / f64::from(value) - 1.0).abs() < 0.008);
        }

        #[test]
        fn quantiles_are_within_one_per_cent(mut values in values(), q in 0.0..=1.0_f64) {
            let found = sketch(&values).filter(0).quantile(q);
            values.sort_by(f32::total_cmp);
            let rank = (q * values.len() as f64 - 1e-9).ceil().max(1.0) as usize - 1;
            // The rank itself may round either way.
            let close = |rank: usize| {
                let exact = f64::from(values[rank.min(values.len() - 1)]);
                (found - exact).abs() <= 0.01 * exact
            };
            prop_assert!(close(rank) || close(rank + 1) || close(rank.saturating_sub(1)), "{found}, not {}", values[rank]);
        }

        #[test]
        fn shares_are_exact_up_to_values_within_one_per_cent_of_the_threshold(values in values(), threshold in 0.01..100.0_f64) {
            let found = sketch(&values).filter(0).share_above(threshold);
            let exact = |threshold: f64| values.iter().filter(|&&value| f64::from(value) > threshold).count() as f64 / values.len() as f64;
            prop_assert!(found >= exact(threshold * 1.017) - 1e-9 && found <= exact(threshold / 1.017) + 1e-9);
        }

        #[test]
        fn variation_is_that_of_the_clipped_values(values in proptest::collection::vec(1.0..50.0_f32, 2..300), limit in 1.0..60.0_f64) {
            let clipped: Vec<f64> = values.iter().map(|&value| f64::from(value).min(limit)).collect();
            let n = clipped.len() as f64;
            let mean = clipped.iter().sum::<f64>() / n;
            let exact = (clipped.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n).sqrt() / mean;
            prop_assert!((sketch(&values).filter(0).variation(limit) - exact).abs() < 0.01);
        }

        #[test]
        fn parts_merge_to_the_whole(
            values in proptest::collection::vec((prop_oneof![1 => Just(0.0_f32), 4 => (-30.0..30.0_f64).prop_map(|x| 10_f64.powf(x) as f32)], 0..3_usize), 1..200),
        ) {
            let all: Vec<f32> = values.iter().map(|&(value, _)| value).collect();
            let mut merged = Sketch::new(1);
            for part in 0..3 {
                let part: Vec<f32> = values.iter().filter(|value| value.1 == part).map(|value| value.0).collect();
                merged.merge(&sketch(&part));
            }
            let whole = sketch(&all);
            prop_assert_eq!(merged.instances(), whole.instances());
            // The stored range may reach further down by empty buckets; what is counted where may not differ.
            let counts = |sketch: &Sketch| (sketch.filter(0).descending().collect::<Vec<_>>(), sketch.filter(0).count());
            prop_assert_eq!(counts(&merged), counts(&whole));
        }
    }

    #[test]
    fn memory_is_bounded() {
        let values: Vec<f32> = (-300..300).map(|power| 10_f64.powf(f64::from(power) / 10.0) as f32).collect();
        let sketch = sketch(&values);
        assert!(sketch.filter(0).counts.len() <= BUCKETS);
        assert_eq!(sketch.filter(0).count(), 600);
        assert!((sketch.filter(0).quantile(1.0) / f64::from(values[599]) - 1.0).abs() < 0.01);
    }

    #[test]
    fn an_all_zero_filter_never_fires() {
        let sketch = sketch(&[0.0; 10]);
        let filter = sketch.filter(0);
        assert_eq!((filter.share_above(0.0), filter.quantile(0.999)), (0.0, 0.0));
        assert_eq!(filter.variation(1.0), f64::INFINITY);
    }
}
