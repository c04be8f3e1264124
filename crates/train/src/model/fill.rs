//! Initial values of parameters (Caffe's fillers).

use deepeyes_network::Filler;
use rand::{Rng, RngExt};

/// Draws `count` values. `fans` are the values that one output reads, and the outputs that one input value feeds.
pub(crate) fn fill(filler: Filler, count: usize, fans: [f64; 2], rng: &mut impl Rng) -> Vec<f32> {
    let mut uniform = |min: f64, max: f64| (min + (max - min) * rng.random::<f64>()) as f32;
    match filler {
        Filler::Constant { value } => vec![value as f32; count],
        Filler::Uniform { min, max } => (0..count).map(|_| uniform(min, max)).collect(),
        Filler::Xavier { norm } => {
            let bound = (3.0 / norm.count(fans[0], fans[1])).sqrt();
            (0..count).map(|_| uniform(-bound, bound)).collect()
        }
        Filler::Gaussian { mean, std } => normal(count, mean, std, rng),
        Filler::Msra { norm } => normal(count, 0.0, (2.0 / norm.count(fans[0], fans[1])).sqrt(), rng),
    }
}

/// The Box-Muller transform.
fn normal(count: usize, mean: f64, std: f64, rng: &mut impl Rng) -> Vec<f32> {
    let mut values = Vec::with_capacity(count + 1);
    while values.len() < count {
        // 1 - u is in (0, 1], so its logarithm is finite.
        let radius = (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt();
        let (sine, cosine) = (std::f64::consts::TAU * rng.random::<f64>()).sin_cos();
        values.extend([cosine, sine].map(|direction| (mean + std * radius * direction) as f32));
    }
    values.truncate(count);
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::streams::{Purpose, stream};
    use deepeyes_network::VarianceNorm;

    fn moments(filler: Filler) -> (f64, f64, f64) {
        let values = fill(filler, 20_001, [50.0, 20.0], &mut stream(0, Purpose::Parameters, [0, 0]));
        let n = values.len() as f64;
        let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
        let variance = values.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / n;
        (mean, variance.sqrt(), values.iter().fold(0.0, |top, &v| f64::from(v.abs()).max(top)))
    }

    #[test]
    fn fillers_have_their_moments() {
        let (_, std, largest) = moments(Filler::Xavier { norm: VarianceNorm::FanIn });
        let bound = (3.0f64 / 50.0).sqrt();
        assert!((std - bound / 3f64.sqrt()).abs() < 0.003 && largest <= bound && largest > 0.99 * bound);

        let (mean, std, _) = moments(Filler::Msra { norm: VarianceNorm::FanOut });
        assert!(mean.abs() < 0.01 && (std - 0.1f64.sqrt()).abs() < 0.01, "{mean} {std}");

        let (mean, std, _) = moments(Filler::Gaussian { mean: 1.0, std: 0.01 });
        assert!((mean - 1.0).abs() < 0.001 && (std - 0.01).abs() < 0.001);

        assert_eq!(moments(Filler::Constant { value: 0.5 }), (0.5, 0.0, 0.5));
        let (mean, ..) = moments(Filler::Uniform { min: 2.0, max: 4.0 });
        assert!((mean - 3.0).abs() < 0.02);
    }
}
