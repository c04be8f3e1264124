//! Elementary functions over SIMD lanes, as polynomials: the cost of perplexity is that of its logarithm.

use pulp::Simd;
use std::f32::consts::{LN_2, LOG2_E};

/// log2(1 + t) / t on [sqrt(1/2) - 1, sqrt(2) - 1], lowest power first; interpolated at the Chebyshev nodes.
const LOG2: [f32; 8] = [
    LOG2_E,
    -0.721_352_93,
    0.480_916_7,
    -0.360_225_2,
    0.287_288_88,
    -0.249_271_82,
    0.232_652_58,
    -0.142_759_73,
];
/// 2^t on [-1/2, 1/2], lowest power first; interpolated at the Chebyshev nodes.
const EXP2: [f32; 6] = [1.000_000_1, LN_2, 0.240_221_08, 0.055_503_57, 0.009_676_032, 0.001_339_086_3];
/// Bits of sqrt(1/2): mantissas are taken from [sqrt(1/2), sqrt(2)), where log2 has no jump at 1.
const SQRT_HALF_BITS: u32 = 0x3f35_04f3;
const ONE_BITS: u32 = 0x3f80_0000;
/// 2^23: a float with these upper bits has a small integer as its lower ones.
const TWO_23_BITS: u32 = 0x4b00_0000;

/// log2 of positive normal numbers, off by at most 3e-7 plus one rounding of the result; finite for zero, so that
/// `0 * log2(0)` is 0.
#[inline(always)]
pub(crate) fn log2_f32s<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let bits = simd.add_u32s(simd.transmute_u32s_f32s(x), simd.splat_u32s(ONE_BITS - SQRT_HALF_BITS));
    let exponent = simd.wrapping_dyn_shr_u32s(bits, simd.splat_u32s(23));
    let exponent = simd.transmute_f32s_u32s(simd.or_u32s(exponent, simd.splat_u32s(TWO_23_BITS)));
    let exponent = simd.sub_f32s(exponent, simd.splat_f32s(8_388_608.0 + 127.0));
    let mantissa = simd.and_u32s(bits, simd.splat_u32s(0x007f_ffff));
    let mantissa = simd.transmute_f32s_u32s(simd.add_u32s(mantissa, simd.splat_u32s(SQRT_HALF_BITS)));
    let t = simd.sub_f32s(mantissa, simd.splat_f32s(1.0));
    simd.mul_add_e_f32s(t, polynomial(simd, &LOG2, t), exponent)
}

/// 2^x for x in [-126, 127], off by at most 3e-7 of it.
#[inline(always)]
pub(crate) fn exp2_f32s<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    // Adding 1.5 * 2^23 rounds to a whole number and leaves it in the lower bits.
    let shift = simd.splat_f32s(12_582_912.0);
    let shifted = simd.add_f32s(x, shift);
    let t = simd.sub_f32s(x, simd.sub_f32s(shifted, shift));
    let whole = simd.add_u32s(simd.transmute_u32s_f32s(shifted), simd.splat_u32s(127));
    let power = simd.transmute_f32s_u32s(simd.wrapping_dyn_shl_u32s(whole, simd.splat_u32s(23)));
    simd.mul_f32s(polynomial(simd, &EXP2, t), power)
}

/// Horner's rule.
#[inline(always)]
fn polynomial<S: Simd, const N: usize>(simd: S, coefficients: &[f32; N], t: S::f32s) -> S::f32s {
    let mut value = simd.splat_f32s(coefficients[N - 1]);
    for &coefficient in coefficients[..N - 1].iter().rev() {
        value = simd.mul_add_e_f32s(value, t, simd.splat_f32s(coefficient));
    }
    value
}

/// The power of two that brings a number of magnitude `max` near 1, for any finite `max`, denormal ones included.
#[inline(always)]
pub(crate) fn scale_to_one(max: f32) -> f32 {
    let exponent = (max.to_bits() >> 23) & 0xff;
    f32::from_bits((254 - exponent).max(1) << 23)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use pulp::{Arch, WithSimd};

    struct Apply(Vec<f32>, bool);

    impl WithSimd for Apply {
        type Output = Vec<f32>;

        #[inline(always)]
        fn with_simd<S: Simd>(mut self, simd: S) -> Vec<f32> {
            let (head, _) = S::as_mut_simd_f32s(&mut self.0);
            for value in head {
                *value = if self.1 { log2_f32s(simd, *value) } else { exp2_f32s(simd, *value) };
            }
            self.0
        }
    }

    proptest! {
        #[test]
        fn log2_keeps_its_stated_error(values in proptest::collection::vec((-126.0..127.0_f64).prop_map(|x| x.exp2() as f32), 64)) {
            for (&x, y) in values.iter().zip(Arch::new().dispatch(Apply(values.clone(), true))) {
                let expected = f64::from(x).log2();
                prop_assert!((f64::from(y) - expected).abs() <= 3e-7 + 1.2e-7 * expected.abs(), "{x}: {y}, not {expected}");
            }
        }

        #[test]
        fn log2_is_accurate_near_one(values in proptest::collection::vec(0.5..2.0_f32, 64)) {
            for (&x, y) in values.iter().zip(Arch::new().dispatch(Apply(values.clone(), true))) {
                prop_assert!((f64::from(y) - f64::from(x).log2()).abs() <= 3e-7);
            }
        }

        #[test]
        fn exp2_keeps_its_stated_error(values in proptest::collection::vec(-126.0..127.0_f32, 64)) {
            for (&x, y) in values.iter().zip(Arch::new().dispatch(Apply(values.clone(), false))) {
                let expected = f64::from(x).exp2();
                prop_assert!((f64::from(y) - expected).abs() <= 3e-7 * expected, "{x}: {y}, not {expected}");
            }
        }

        #[test]
        fn scaling_brings_any_number_near_one(bits in 1..0x7f80_0000_u32) {
            let max = f32::from_bits(bits);
            let scaled = max * scale_to_one(max);
            prop_assert!(scaled <= 4.0 && (scaled >= 1.0 || max < f32::MIN_POSITIVE));
            prop_assert!(scaled > 0.0);
        }
    }
}
