//! How far sampling alone would move a layer's perplexities between two windows (T1).
//!
//! Noise permutes groups of inputs instead of single inputs. That is an approximation: groups of independent inputs are
//! exchangeable between two windows exactly as the inputs are, and their halves vary as much, but there are only
//! C(128, 64) of them.

use crate::drift::{Cumulative, GroupedPerplexities, changed, scales};
use crate::random::{Random, hash};
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

/// Random halves from which the noise quantile is read, and how many of them are looked at together.
const HALVES: u32 = 1000;
const TOGETHER: u32 = 100;
/// The quantile of the halves' drift that counts as noise.
const QUANTILE: f64 = 0.999;
/// Bins that are summed at a time: a multiple of what so many registers hold, however wide they are.
const CHUNK: usize = 16 * REGISTERS;
const REGISTERS: usize = 4;
/// Keeps the hash of halves apart from other hashes.
const HALF_KEY: u64 = 2;

/// The drift that sampling alone explains: the 99.9 % quantile of the drift between random halves of two pooled windows.
/// 0 for F = 1.
pub(crate) fn noise(one: &GroupedPerplexities, two: &GroupedPerplexities, seed: u64) -> f64 {
    if one.filters() <= 1 {
        return 0.0;
    }
    let pooled = Pooled::of(&Cumulative::of(&[one, two]), seed);
    let starts: Vec<u32> = (0..HALVES).step_by(TOGETHER as usize).collect();
    let mut drifts: Vec<f64> = starts
        .into_par_iter()
        .flat_map_iter(|first| Arch::new().dispatch(Part { pooled: &pooled, first }))
        .collect();
    drifts.sort_unstable_by(f64::total_cmp);
    drifts[(QUANTILE * f64::from(HALVES)).ceil() as usize - 1]
}

/// The groups of two windows, as sums over many choices of them read them.
struct Pooled {
    /// Instances of each group up to each bin: `[chunks, groups, CHUNK]`, so that a chunk of all groups fits the fastest
    /// cache. Only bins that are not empty in all groups: up to an empty one there are as many instances as up to the one
    /// before, which takes its distance over. What is missing to a whole chunk has no distance.
    counted: Vec<f32>,
    /// For each of these bins: the instances of all groups up to it, and its distance to the next.
    total: Vec<f32>,
    gaps: Vec<f32>,
    /// For each group: its instances, counted and silent.
    instances: Vec<[f32; 2]>,
    seed: u64,
}

impl Pooled {
    fn of(groups: &Cumulative, seed: u64) -> Self {
        let all = groups.total().counted;
        let (mut bins, mut gaps) = (Vec::new(), Vec::new());
        let mut before = 0.0;
        for (bin, (&count, &gap)) in all.iter().zip(&groups.gaps).enumerate() {
            if count > before {
                bins.push(bin);
                gaps.push(gap);
            } else if let Some(last) = gaps.last_mut() {
                *last += gap;
            }
            before = count;
        }
        let width = bins.len().next_multiple_of(CHUNK);
        bins.resize(width, groups.bins() - 1);
        gaps.resize(width, 0.0);
        let rows = || groups.counted.chunks_exact(groups.bins());
        let chunks = bins.chunks_exact(CHUNK);
        let counted = chunks.flat_map(|bins| rows().flat_map(|row| bins.iter().map(|&bin| row[bin])));
        let last = rows().map(|row| row[row.len() - 1]);
        Self {
            counted: counted.collect(),
            total: bins.iter().map(|&bin| all[bin]).collect(),
            gaps,
            instances: last.zip(&groups.silent).map(|(counted, &silent)| [counted, silent]).collect(),
            seed,
        }
    }
}

/// Appends one random half of `groups` groups, of which there are at most 256.
#[inline(always)]
fn draw(seed: u64, half: u32, groups: usize, to: &mut Vec<u8>) {
    let start = to.len();
    to.extend((0..groups).map(|group| group as u8));
    let order = &mut to[start..];
    let mut random = Random::new(hash([seed, half.into(), HALF_KEY]));
    for place in 0..groups / 2 {
        order.swap(place, place + random.below(groups - place));
    }
    to.truncate(start + groups / 2);
}

/// The drifts of some halves, from the first on.
struct Part<'a> {
    pooled: &'a Pooled,
    first: u32,
}

impl WithSimd for Part<'_> {
    type Output = Vec<f64>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Vec<f64> {
        let Self { pooled, first } = self;
        let (groups, drawn) = (pooled.instances.len(), pooled.instances.len() / 2);
        let sum = |one: [f32; 2], more: &[f32; 2]| [one[0] + more[0], one[1] + more[1]];
        let all = pooled.instances.iter().fold([0.0; 2], sum);
        let (mut orders, mut windows) = (Vec::new(), Vec::new());
        for half in first..HALVES.min(first + TOGETHER) {
            draw(pooled.seed, half, groups, &mut orders);
            let order = orders[orders.len() - drawn..].iter();
            let one = order.map(|&group| &pooled.instances[usize::from(group)]).fold([0.0; 2], sum);
            windows.push([one, [all[0] - one[0], all[1] - one[1]]]);
        }
        let [counted, total, gaps] =
            [&pooled.counted, &pooled.total, &pooled.gaps].map(|values| S::as_simd_f32s(values).0);
        let registers = CHUNK / S::F32_LANES;
        let mut moved = vec![simd.splat_f32s(0.0); windows.len()];
        for (chunk, start) in (0..gaps.len()).step_by(registers).enumerate() {
            let rows = &counted[chunk * groups * registers..][..groups * registers];
            for (half, (moved, windows)) in moved.iter_mut().zip(&windows).enumerate() {
                let [one, rest] = scales([windows[0][0], windows[1][0]]);
                // one * half - rest * (total - half)
                let (both, rest) = (simd.splat_f32s(one + rest), simd.splat_f32s(rest));
                for part in (0..registers).step_by(REGISTERS) {
                    let mut held = [simd.splat_f32s(0.0); REGISTERS];
                    for &group in &orders[half * drawn..][..drawn] {
                        let row = &rows[usize::from(group) * registers + part..][..REGISTERS];
                        for (held, &row) in held.iter_mut().zip(row) {
                            *held = simd.add_f32s(*held, row);
                        }
                    }
                    for (place, &held) in (start + part..).zip(&held) {
                        let apart =
                            simd.sub_f32s(simd.mul_f32s(held, both), simd.mul_f32s(total[place], rest));
                        *moved = simd.mul_add_f32s(simd.abs_f32s(apart), gaps[place], *moved);
                    }
                }
            }
        }
        let moved = moved.into_iter().map(|moved| simd.reduce_sum_f32s(moved));
        moved.zip(windows).map(|(moved, windows)| changed(moved, windows)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drift::tests::{instances, of_one_filter, window};
    use crate::drift::{GROUPS, drift};
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn noise_equals_the_obvious_version(one in instances(0..80), two in instances(0..80), seed: u64) {
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
        let mut drifts: Vec<f64> = (0..HALVES)
            .map(|half| {
                let mut order = Vec::new();
                draw(seed, half, groups.len(), &mut order);
                let chosen = |group: usize| order.iter().any(|&place| groups[usize::from(place)] == group);
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
    fn one_filter_has_no_noise() {
        let [one, two] = of_one_filter();
        assert_eq!(noise(&one, &two, 0), 0.0);
    }
}
