//! Perplexity of an activation vector: 2^H of the shares p = a+ / sum(a+), between 1 (one filter answers) and F (all
//! answer alike). [`perplexity`] is the plain 64-bit formula; the live analysis uses SIMD versions of
//! H = log2 S - E / S with S = sum a, E = sum a log2 a, in one pass and with one logarithm a value. Activations are scaled
//! by a power of two near the instance's largest first, so that 1e-30 and 1e30 are as good as 1.

use crate::simd::{exp2_f32s, log2_f32s, scale_to_one};
use pulp::{Arch, Simd, WithSimd};

/// Perplexity of one rectified activation vector, in [1, F]; `None` where all are zero. NaN and infinity have no meaning
/// here: see [`rectify_instance`](crate::rectify_instance).
pub fn perplexity(instance: &[f32]) -> Option<f64> {
    let sum: f64 = instance.iter().map(|&a| f64::from(a)).sum();
    perplexity_of(instance.iter().map(|&a| f64::from(a)), sum, instance.len())
}

/// As [`perplexity`], of 64-bit strengths (of labels, say).
pub fn strength_perplexity(strengths: &[f64]) -> Option<f64> {
    perplexity_of(strengths.iter().copied(), strengths.iter().sum(), strengths.len())
}

fn perplexity_of(values: impl Iterator<Item = f64>, sum: f64, count: usize) -> Option<f64> {
    if sum <= 0.0 {
        return None;
    }
    let entropy: f64 = values
        .filter(|&value| value > 0.0)
        .map(|value| value / sum)
        .map(|share| if share > 0.0 { -share * share.log2() } else { 0.0 })
        .sum();
    Some(entropy.exp2().clamp(1.0, count as f64))
}

/// H and 2^H of some instances; both are meaningless where the instance's largest activation is 0 (silent).
#[derive(Debug, Clone, Default)]
pub(crate) struct Perplexities {
    /// Largest activation of each instance.
    pub(crate) max: Vec<f32>,
    /// H in bits, in [0, log2 F].
    pub(crate) bits: Vec<f32>,
    /// 2^H, in [1, F].
    pub(crate) value: Vec<f32>,
    /// Scale of each instance, then E; scratch.
    scale: Vec<f32>,
    weighted: Vec<f32>,
}

impl Perplexities {
    fn reset(&mut self, instances: usize) {
        for values in [&mut self.max, &mut self.bits, &mut self.value, &mut self.scale, &mut self.weighted] {
            values.clear();
            values.resize(instances, 0.0);
        }
    }

    /// Perplexities of the columns of a rectified planar matrix `[F, stride]`: lanes run over the instances, so `stride`
    /// should be a multiple of 16 (columns of padding are silent).
    pub(crate) fn of_columns(&mut self, values: &[f32], stride: usize, filters: usize) {
        self.reset(stride);
        Arch::new().dispatch(Columns { values, stride, filters, out: self });
    }

    /// Perplexities of the rows of a rectified matrix `[n, F]`: lanes run over the filters.
    pub(crate) fn of_rows(&mut self, values: &[f32], filters: usize) {
        self.reset(values.len() / filters.max(1));
        Arch::new().dispatch(Rows { values, filters, out: self });
    }
}

struct Columns<'a> {
    values: &'a [f32],
    stride: usize,
    filters: usize,
    out: &'a mut Perplexities,
}

impl WithSimd for Columns<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { values, stride, filters, out } = self;
        if stride == 0 {
            return;
        }
        debug_assert!(stride.is_multiple_of(16));
        for plane in values.chunks_exact(stride) {
            let (maxima, _) = S::as_mut_simd_f32s(&mut out.max);
            for (max, &value) in maxima.iter_mut().zip(S::as_simd_f32s(plane).0) {
                *max = simd.max_f32s(*max, value);
            }
        }
        for (scale, &max) in out.scale.iter_mut().zip(&out.max) {
            *scale = scale_to_one(max);
        }
        let scales = S::as_simd_f32s(&out.scale).0;
        // `value` holds S and `weighted` E until both are complete.
        let sums = S::as_mut_simd_f32s(&mut out.value).0;
        let weighted = S::as_mut_simd_f32s(&mut out.weighted).0;
        for plane in values.chunks_exact(stride) {
            let columns = S::as_simd_f32s(plane).0.iter().zip(scales);
            for ((&value, &scale), (sum, weight)) in columns.zip(sums.iter_mut().zip(weighted.iter_mut())) {
                let a = simd.mul_f32s(value, scale);
                *sum = simd.add_f32s(*sum, a);
                *weight = simd.mul_add_e_f32s(a, log2_f32s(simd, a), *weight);
            }
        }
        finish(simd, out, filters);
    }
}

struct Rows<'a> {
    values: &'a [f32],
    filters: usize,
    out: &'a mut Perplexities,
}

impl WithSimd for Rows<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { values, filters, out } = self;
        if filters == 0 {
            return;
        }
        for (row, instance) in values.chunks_exact(filters).enumerate() {
            let (head, tail) = S::as_simd_f32s(instance);
            let tail = simd.partial_load_f32s(tail);
            // Loops, not closures: a closure would not be compiled for the SIMD instructions at hand.
            let mut max = tail;
            for &value in head {
                max = simd.max_f32s(max, value);
            }
            let max = simd.reduce_max_f32s(max);
            let scale = simd.splat_f32s(scale_to_one(max));
            let a = simd.mul_f32s(tail, scale);
            let mut sum = a;
            let mut weighted = simd.mul_f32s(a, log2_f32s(simd, a));
            for &value in head {
                let a = simd.mul_f32s(value, scale);
                sum = simd.add_f32s(sum, a);
                weighted = simd.mul_add_e_f32s(a, log2_f32s(simd, a), weighted);
            }
            out.max[row] = max;
            out.value[row] = simd.reduce_sum_f32s(sum);
            out.weighted[row] = simd.reduce_sum_f32s(weighted);
        }
        finish(simd, out, filters);
    }
}

/// From S (in `value`) and E (in `weighted`) to H and 2^H.
#[inline(always)]
fn finish<S: Simd>(simd: S, out: &mut Perplexities, filters: usize) {
    let (highest, limit) = ((filters as f32).log2(), filters as f32);
    let (sums, sums_rest) = S::as_mut_simd_f32s(&mut out.value);
    let (weights, weights_rest) = S::as_simd_f32s(&out.weighted);
    let (bits, bits_rest) = S::as_mut_simd_f32s(&mut out.bits);
    for ((value, &weighted), bits) in sums.iter_mut().zip(weights).zip(bits) {
        (*bits, *value) = entropy(simd, *value, weighted, highest, limit);
    }
    if !sums_rest.is_empty() {
        let (sum, weighted) = (simd.partial_load_f32s(sums_rest), simd.partial_load_f32s(weights_rest));
        let (entropy, value) = entropy(simd, sum, weighted, highest, limit);
        simd.partial_store_f32s(bits_rest, entropy);
        simd.partial_store_f32s(sums_rest, value);
    }
}

#[inline(always)]
fn entropy<S: Simd>(
    simd: S,
    sum: S::f32s,
    weighted: S::f32s,
    highest: f32,
    limit: f32,
) -> (S::f32s, S::f32s) {
    let bits = simd.sub_f32s(log2_f32s(simd, sum), simd.div_f32s(weighted, sum));
    // In this order, so that a silent instance's NaN becomes a number: `min` and `max` answer with their second operand.
    let bits = simd.min_f32s(simd.max_f32s(bits, simd.splat_f32s(0.0)), simd.splat_f32s(highest));
    let value = exp2_f32s(simd, bits);
    let value = simd.min_f32s(simd.max_f32s(value, simd.splat_f32s(1.0)), simd.splat_f32s(limit));
    (bits, value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    prop_compose! {
        /// A matrix `[n, F]` of sparse activations whose magnitudes span 1e-30 to 1e30.
        fn matrices()(filters in 1..70_usize, n in 1..40_usize, spread in 0.0..30.0_f64)(
            values in proptest::collection::vec(
                prop_oneof![1 => Just(0.0_f32), 3 => (-spread..=spread).prop_map(|x| 10_f64.powf(x) as f32)],
                filters * n,
            ),
            filters in Just(filters),
        ) -> (usize, Vec<f32>) {
            (filters, values)
        }
    }

    fn check(found: &Perplexities, row: usize, instance: &[f32]) -> Result<(), TestCaseError> {
        let largest = instance.iter().fold(0.0_f32, |max, &a| max.max(a));
        prop_assert_eq!(found.max[row], largest);
        match perplexity(instance) {
            None => prop_assert_eq!(largest, 0.0),
            Some(expected) => {
                prop_assert!((1.0..=instance.len() as f64).contains(&expected));
                let value = f64::from(found.value[row]);
                prop_assert!((value / expected - 1.0).abs() < 1e-5, "{value}, not {expected}");
                prop_assert!((f64::from(found.bits[row]) - expected.log2()).abs() < 1e-5);
                prop_assert!(value >= 1.0 && value <= instance.len() as f64);
            }
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn rows_equal_the_formula((filters, values) in matrices()) {
            let mut found = Perplexities::default();
            found.of_rows(&values, filters);
            for (row, instance) in values.chunks_exact(filters).enumerate() {
                check(&found, row, instance)?;
            }
        }

        #[test]
        fn columns_equal_the_formula((filters, values) in matrices()) {
            let n = values.len() / filters;
            let stride = n.next_multiple_of(16);
            let mut planar = vec![0.0; filters * stride];
            for (row, instance) in values.chunks_exact(filters).enumerate() {
                for (filter, &a) in instance.iter().enumerate() {
                    planar[filter * stride + row] = a;
                }
            }
            let mut found = Perplexities::default();
            found.of_columns(&planar, stride, filters);
            for (row, instance) in values.chunks_exact(filters).enumerate() {
                check(&found, row, instance)?;
            }
            prop_assert!(found.max[n..].iter().all(|&max| max == 0.0));
        }

        #[test]
        fn k_equal_activations_have_perplexity_k(k in 1..200_usize, a in 1e-30..1e30_f32, zeros in 0..50_usize) {
            let mut instance = vec![a; k];
            instance.resize(k + zeros, 0.0);
            prop_assert!((perplexity(&instance).unwrap() / k as f64 - 1.0).abs() < 1e-12);
        }

        #[test]
        fn is_unchanged_by_scale(instance in proptest::collection::vec(0.1..1.0_f32, 1..50), power in -90..90_i32) {
            let scaled: Vec<f32> = instance.iter().map(|a| a * 2_f32.powi(power)).collect();
            prop_assert_eq!(perplexity(&instance), perplexity(&scaled));
        }
    }

    #[test]
    fn a_silent_instance_has_none() {
        assert_eq!(perplexity(&[0.0; 5]), None);
        assert_eq!(perplexity(&[]), None);
    }
}
