//! Filter similarity (DESIGN "Filter similarity", T4): the Jaccard index of activations
//! phi_ij = sum min(a_i, a_j) / sum max(a_i, a_j), with sum max = S_i + S_j - sum min.
//!
//! The sums of minima cost F^2 n / 2 operations, so they are tiled like a matrix product: instances are transposed to
//! filter-major blocks that fit the cache, and a tile of filters is held in registers. Sums are 32-bit within a block of
//! 256 instances and 64-bit across blocks. Every pair is summed in one order, whatever the number of threads.

use crate::Similarity;
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

/// Instances in a block: a tile's filters of it are 60 KiB.
const BLOCK: usize = 256;
/// Filters in a tile of the triangle.
const TILE: usize = 60;
/// Filters of the left and right side that are taken together: 9 sums in flight. One row more, and a sum would not fit the 16
/// registers of AVX2 and wait for memory at every step.
const LEFT: usize = 3;
const RIGHT: usize = 3;

/// Sums from which the similarity of any two filters follows; those of parts merge to those of the whole.
#[derive(Debug, Clone, PartialEq)]
pub struct JaccardAccumulator {
    filters: usize,
    instances: u64,
    /// S: sum of each filter's activations.
    sums: Vec<f64>,
    /// Sum of min(a_i, a_j) for i < j, row by row.
    minima: Vec<f64>,
}

impl JaccardAccumulator {
    /// Of no instances yet; holds F (F + 1) / 2 numbers.
    pub fn new(filters: usize) -> Self {
        let pairs = filters * filters.saturating_sub(1) / 2;
        // Written, not only promised to be zero: adding to a page that no one has written yet faults twice, and stops all
        // threads for a moment.
        let minima = std::iter::repeat_n(0.0, pairs).collect();
        Self { filters, instances: 0, sums: vec![0.0; filters], minima }
    }

    /// Takes in the rectified instances of a row-major matrix `[n, F]`.
    pub fn add_rows(&mut self, rows: &[f32]) {
        let filters = self.filters;
        if filters == 0 {
            return;
        }
        let blocks: Vec<Block> =
            rows.par_chunks(BLOCK * filters).map(|rows| Block::transposed(rows, filters)).collect();
        self.instances += (rows.len() / filters) as u64;
        self.sums.par_iter_mut().enumerate().for_each(|(filter, sum)| {
            *sum += blocks.iter().map(|block| block.sum(filter)).sum::<f64>();
        });
        // Each band of filters owns a contiguous part of the triangle.
        let mut bands = Vec::with_capacity(filters.div_ceil(TILE));
        let mut rest = self.minima.as_mut_slice();
        for first in (0..filters).step_by(TILE) {
            let last = (first + TILE).min(filters);
            let pairs = (first..last).map(|i| filters - 1 - i).sum();
            let (band, tail) = rest.split_at_mut(pairs);
            rest = tail;
            bands.push((first, last, band));
        }
        bands.into_par_iter().for_each(|(first, last, minima)| {
            Arch::new().dispatch(Band { blocks: &blocks, filters, first, last, minima });
        });
    }

    /// Takes in what another part of the data gave; both must be of the same layer.
    pub fn merge(&mut self, other: &Self) {
        self.instances += other.instances;
        for (sum, more) in self.sums.iter_mut().zip(&other.sums) {
            *sum += more;
        }
        for (minimum, more) in self.minima.iter_mut().zip(&other.minima) {
            *minimum += more;
        }
    }

    /// Instances taken in.
    pub fn instances(&self) -> u64 {
        self.instances
    }

    /// phi of all pairs; 0 for two all-zero filters.
    pub fn similarity(&self) -> Similarity {
        let mut upper = vec![0.0; self.minima.len()];
        let mut place = 0;
        for i in 0..self.filters {
            for j in i + 1..self.filters {
                let minimum = self.minima[place];
                let maximum = self.sums[i] + self.sums[j] - minimum;
                upper[place] = if maximum > 0.0 { (minimum / maximum).clamp(0.0, 1.0) as f32 } else { 0.0 };
                place += 1;
            }
        }
        Similarity { filters: self.filters, upper }
    }
}

/// Similarity of all filters over the rectified instances of a row-major matrix `[n, F]`.
pub fn jaccard(rows: &[f32], filters: usize) -> Similarity {
    let mut accumulator = JaccardAccumulator::new(filters);
    accumulator.add_rows(rows);
    accumulator.similarity()
}

/// Up to [`BLOCK`] instances, filter by filter; padded with zeros, which add nothing to a minimum.
struct Block {
    values: Vec<f32>,
    stride: usize,
}

impl Block {
    fn transposed(rows: &[f32], filters: usize) -> Self {
        let n = rows.len() / filters;
        let stride = n.next_multiple_of(16);
        let mut values = vec![0.0; filters * stride];
        // Tiles of 16 filters: a cache line of the source is read once.
        for first in (0..filters).step_by(16) {
            let last = (first + 16).min(filters);
            for (instance, row) in rows.chunks_exact(filters).enumerate() {
                for filter in first..last {
                    values[filter * stride + instance] = row[filter];
                }
            }
        }
        Self { values, stride }
    }

    fn filter(&self, filter: usize) -> &[f32] {
        &self.values[filter * self.stride..][..self.stride]
    }

    fn sum(&self, filter: usize) -> f64 {
        self.filter(filter).iter().map(|&a| f64::from(a)).sum()
    }
}

/// Adds the sums of minima of filters `first..last` with all later ones.
struct Band<'a> {
    blocks: &'a [Block],
    filters: usize,
    first: usize,
    last: usize,
    minima: &'a mut [f64],
}

impl WithSimd for Band<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { blocks, filters, first, last, minima } = self;
        let mut tile = vec![0.0_f64; TILE * TILE];
        for start in (first..filters).step_by(TILE) {
            let end = (start + TILE).min(filters);
            tile.fill(0.0);
            for block in blocks {
                add_tile(simd, block, first..last, start..end, &mut tile);
            }
            let mut row = 0;
            for i in first..last {
                for j in start.max(i + 1)..end {
                    minima[row + j - i - 1] += tile[(i - first) * TILE + j - start];
                }
                row += filters - 1 - i;
            }
        }
    }
}

/// Adds the minima of one block for all pairs of two ranges of filters (both halves where the ranges are one: the waste is
/// one tile a band).
#[inline(always)]
fn add_tile<S: Simd>(
    simd: S,
    block: &Block,
    left: std::ops::Range<usize>,
    right: std::ops::Range<usize>,
    tile: &mut [f64],
) {
    let mut i = left.start;
    while i < left.end {
        let mut left_rows = [S::as_simd_f32s(block.filter(i)).0; LEFT];
        for (r, row) in left_rows.iter_mut().enumerate() {
            *row = S::as_simd_f32s(block.filter((i + r).min(left.end - 1))).0;
        }
        let mut j = right.start;
        while j < right.end {
            let mut columns = [S::as_simd_f32s(block.filter(j)).0; RIGHT];
            for (c, column) in columns.iter_mut().enumerate() {
                *column = S::as_simd_f32s(block.filter((j + c).min(right.end - 1))).0;
            }
            let sums = minima(simd, left_rows, columns);
            for (r, sums) in sums.iter().enumerate().take(left.end - i) {
                for (c, sum) in sums.iter().enumerate().take(right.end - j) {
                    tile[(i - left.start + r) * TILE + j - right.start + c] += f64::from(*sum);
                }
            }
            j += RIGHT;
        }
        i += LEFT;
    }
}

/// Sums of minima of a few filters with a few others; all of one length.
#[inline(always)]
fn minima<S: Simd>(simd: S, left: [&[S::f32s]; LEFT], right: [&[S::f32s]; RIGHT]) -> [[f32; RIGHT]; LEFT] {
    let steps = left[0].len();
    // Loops, not closures: a closure would not be compiled for the SIMD instructions at hand.
    let (mut rows, mut columns) = (left, right);
    for row in &mut rows {
        *row = &row[..steps];
    }
    for column in &mut columns {
        *column = &column[..steps];
    }
    let mut sums = [[simd.splat_f32s(0.0); RIGHT]; LEFT];
    for step in 0..steps {
        for r in 0..LEFT {
            let left = rows[r][step];
            for c in 0..RIGHT {
                sums[r][c] = simd.add_f32s(sums[r][c], simd.min_f32s(left, columns[c][step]));
            }
        }
    }
    let mut reduced = [[0.0; RIGHT]; LEFT];
    for r in 0..LEFT {
        for c in 0..RIGHT {
            reduced[r][c] = simd.reduce_sum_f32s(sums[r][c]);
        }
    }
    reduced
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The formula, in 64 bits.
    fn reference(rows: &[f32], filters: usize, i: usize, j: usize) -> f64 {
        let sum = |choose: fn(f64, f64) -> f64| -> f64 {
            rows.chunks_exact(filters).map(|row| choose(f64::from(row[i]), f64::from(row[j]))).sum()
        };
        let maximum = sum(f64::max);
        if maximum > 0.0 { sum(f64::min) / maximum } else { 0.0 }
    }

    fn compare(rows: &[f32], filters: usize) -> Result<(), TestCaseError> {
        let found = jaccard(rows, filters);
        for i in 0..filters {
            for j in 0..filters {
                if i == j {
                    prop_assert_eq!(found.get(i, j), 1.0);
                } else {
                    let expected = reference(rows, filters, i, j);
                    prop_assert!((f64::from(found.get(i, j)) - expected).abs() < 2e-6 + 1e-5 * expected);
                }
            }
        }
        Ok(())
    }

    prop_compose! {
        fn matrices()(filters in 1..90_usize, n in 0..30_usize, spread in 0.0..30.0_f64)(
            values in proptest::collection::vec(
                prop_oneof![1 => Just(0.0_f32), 2 => (-spread..=spread).prop_map(|x| 10_f64.powf(x) as f32)],
                filters * n,
            ),
            filters in Just(filters),
        ) -> (usize, Vec<f32>) {
            (filters, values)
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn equals_the_formula((filters, rows) in matrices()) {
            compare(&rows, filters)?;
        }

        #[test]
        fn parts_merge_to_the_whole((filters, rows) in matrices(), cut in 0.0..1.0_f64) {
            let n = rows.len() / filters;
            let (one, two) = rows.split_at((cut * n as f64) as usize * filters);
            let (mut first, mut second) = (JaccardAccumulator::new(filters), JaccardAccumulator::new(filters));
            first.add_rows(one);
            second.add_rows(two);
            first.merge(&second);
            prop_assert_eq!(first.instances(), n as u64);
            let (merged, whole) = (first.similarity(), jaccard(&rows, filters));
            for (merged, whole) in merged.upper.iter().zip(&whole.upper) {
                prop_assert!((merged - whole).abs() <= 1e-6 + 1e-5 * whole);
            }
        }
    }

    #[test]
    fn many_instances_of_a_huge_range_equal_the_formula() {
        let filters = 7;
        let mut state = 1_u64;
        let rows: Vec<f32> = (0..1500 * filters)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                10_f64.powf((state >> 40) as f64 / (1 << 24) as f64 * 60.0 - 30.0) as f32
            })
            .collect();
        compare(&rows, filters).unwrap();
    }

    #[test]
    fn is_the_same_at_any_number_of_threads() {
        let filters = 150;
        let rows: Vec<f32> = (0..filters * 300).map(|k| ((k * 7919) % 1013) as f32 / 7.0).collect();
        let with = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| jaccard(&rows, filters))
        };
        assert_eq!(with(1), with(4));
    }

    #[test]
    fn two_all_zero_filters_are_not_alike() {
        assert_eq!(jaccard(&[0.0, 0.0, 1.0, 0.0, 0.0, 2.0], 3).upper, [0.0, 0.0, 0.0]);
    }
}
