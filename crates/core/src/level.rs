//! A layer's level: what the largest activations of its instances reach, without the outliers.

use crate::{InstanceSample, Rectify, rectify_instance};

/// The share of the instances whose largest activation is not above the level.
const QUANTILE: f64 = 0.999;

/// Largest rectified activation of each sampled instance; infinite for one that is not valid.
pub fn max_activations(sample: &InstanceSample, rectify: Rectify) -> Vec<f32> {
    let mut rectified = vec![0.0; sample.filters];
    (0..sample.len())
        .map(|row| match rectify_instance(rectify, sample.activation(row), &mut rectified) {
            Ok(true) => rectified.iter().fold(0.0, |max: f32, &value| max.max(value)),
            _ => f32::INFINITY,
        })
        .collect()
}

/// The smallest finite value that 99.9 % of the finite values do not exceed; `None` without any.
pub fn level(max_activations: &[f32]) -> Option<f32> {
    let mut finite: Vec<f32> = max_activations.iter().copied().filter(|value| value.is_finite()).collect();
    finite.sort_by(f32::total_cmp);
    let rank = (QUANTILE * finite.len() as f64).ceil() as usize;
    finite.get(rank.saturating_sub(1)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_leaves_out_what_is_not_finite() {
        let values: Vec<f32> = (1..=1000_u16).map(f32::from).chain([f32::INFINITY]).collect();
        assert_eq!(level(&values), Some(999.0));
        assert_eq!(level(&[]), None);
    }
}
