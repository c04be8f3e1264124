//! Rectification: raw activations become non-negative before any statistic (DESIGN "Rectification").

use crate::Rectify;
use thiserror::Error;

/// A negative activation in a layer whose values are taken as they are ([`Rectify::None`]).
#[derive(Debug, Clone, Copy, PartialEq, Error)]
#[error(
    "filter {filter} has the negative activation {value}, and the layer is not rectified; expected values of at least 0: \
     rectify it (relu, abs or softmax)"
)]
pub struct NegativeActivation {
    /// The filter.
    pub filter: usize,
    /// Its raw activation.
    pub value: f32,
}

/// Writes the rectified activations of one instance (F values) to `out`, and says whether the instance is valid.
///
/// One that holds NaN or infinity is not: it is `Ok(false)`, whatever its rectification would hide (minus infinity under
/// ReLU, say), and `out` means nothing. Negative zero becomes zero.
pub fn rectify_instance(rectify: Rectify, raw: &[f32], out: &mut [f32]) -> Result<bool, NegativeActivation> {
    if !is_finite(raw) {
        return Ok(false);
    }
    match rectify {
        Rectify::Relu => zip(raw, out, |value| if value > 0.0 { value } else { 0.0 }),
        Rectify::Abs => zip(raw, out, f32::abs),
        Rectify::Softmax => softmax(raw, out),
        Rectify::None => {
            if let Some(filter) = raw.iter().position(|&value| value < 0.0) {
                return Err(NegativeActivation { filter, value: raw[filter] });
            }
            zip(raw, out, f32::abs);
        }
    }
    Ok(true)
}

/// Rectified instances, the invalid ones left out.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RectifiedRows {
    /// Rectified activations `[valid instances, F]`, row-major.
    pub values: Vec<f32>,
    /// For each of them, its row in the raw matrix; ascending.
    pub rows: Vec<usize>,
    /// Instances left out because they hold NaN or infinity.
    pub invalid: u64,
}

/// Rectifies all instances of a row-major matrix `[n, F]` (see [`rectify_instance`]); F of zero gives no rows.
pub fn rectify_rows(
    rectify: Rectify,
    raw: &[f32],
    filters: usize,
) -> Result<RectifiedRows, NegativeActivation> {
    let mut rectified = RectifiedRows::default();
    if filters == 0 {
        return Ok(rectified);
    }
    rectified.values.reserve(raw.len());
    let mut instance = vec![0.0; filters];
    for (row, values) in raw.chunks_exact(filters).enumerate() {
        if rectify_instance(rectify, values, &mut instance)? {
            rectified.values.extend_from_slice(&instance);
            rectified.rows.push(row);
        } else {
            rectified.invalid += 1;
        }
    }
    Ok(rectified)
}

/// Whether no value is NaN or infinite.
pub(crate) fn is_finite(values: &[f32]) -> bool {
    // A finite value times zero is zero; NaN and infinity become NaN, which survives the sum. No branch, so it vectorises.
    let mut sums = [0.0_f32; 16];
    let blocks = values.chunks_exact(16);
    let rest: f32 = blocks.remainder().iter().map(|value| value * 0.0).sum();
    for block in blocks {
        for (sum, value) in sums.iter_mut().zip(block) {
            *sum += value * 0.0;
        }
    }
    sums.iter().sum::<f32>() + rest == 0.0
}

fn zip(raw: &[f32], out: &mut [f32], rectify: impl Fn(f32) -> f32) {
    for (out, &value) in out.iter_mut().zip(raw) {
        *out = rectify(value);
    }
}

/// Softmax over the filters; the maximum is taken off first, so that nothing overflows.
fn softmax(raw: &[f32], out: &mut [f32]) {
    let max = raw.iter().fold(f32::NEG_INFINITY, |max, &value| max.max(value));
    zip(raw, out, |value| (value - max).exp());
    let sum: f64 = out.iter().map(|&value| f64::from(value)).sum();
    for value in out {
        *value = (f64::from(*value) / sum) as f32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn instances_that_are_not_finite_are_invalid_under_every_rectification() {
        for rectify in [Rectify::Relu, Rectify::Abs, Rectify::Softmax, Rectify::None] {
            for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                for place in 0..20 {
                    let mut raw = [1.0; 20];
                    raw[place] = bad;
                    assert_eq!(rectify_instance(rectify, &raw, &mut [0.0; 20]), Ok(false));
                }
            }
        }
    }

    #[test]
    fn rows_keep_their_place() {
        let raw = [1.0, -2.0, f32::NAN, 0.0, -0.0, 3.0];
        let rectified = rectify_rows(Rectify::Relu, &raw, 2).unwrap();
        assert_eq!(
            rectified,
            RectifiedRows { values: vec![1.0, 0.0, 0.0, 3.0], rows: vec![0, 2], invalid: 1 }
        );
    }

    #[test]
    fn without_rectification_a_negative_value_is_refused() {
        let error = rectify_rows(Rectify::None, &[1.0, 0.0, 2.0, -0.5], 2).unwrap_err();
        assert_eq!(error, NegativeActivation { filter: 1, value: -0.5 });
    }

    proptest! {
        #[test]
        fn softmax_sums_to_one_in_the_same_order(raw in proptest::collection::vec(-1e30..1e30_f32, 1..40)) {
            let mut out = vec![0.0; raw.len()];
            prop_assert_eq!(rectify_instance(Rectify::Softmax, &raw, &mut out), Ok(true));
            let sum: f64 = out.iter().map(|&value| f64::from(value)).sum();
            prop_assert!((sum - 1.0).abs() < 1e-6);
            for (one, two) in raw.iter().zip(&raw[1..]).zip(out.iter().zip(&out[1..])).map(|((a, b), (x, y))| ((a, x), (b, y))) {
                prop_assert!((one.0 < two.0) <= (one.1 <= two.1));
            }
        }

        #[test]
        fn what_is_rectified_is_not_negative(raw in proptest::collection::vec(-1e38..1e38_f32, 1..40)) {
            let mut out = vec![0.0; raw.len()];
            for rectify in [Rectify::Relu, Rectify::Abs, Rectify::Softmax] {
                prop_assert_eq!(rectify_instance(rectify, &raw, &mut out), Ok(true));
                prop_assert!(out.iter().all(|&value| value >= 0.0 && value.is_sign_positive()));
            }
        }
    }
}
