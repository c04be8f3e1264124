//! A run's curves, thinned so that their peaks stay.

use crate::error::ApiResult;
use crate::runs::Source;
use crate::wire::{Scalars, Validations, finite};
use deepeyes_store::{Scalar, Validation};

/// Iterations over which the rate is taken where no live run tells it.
const RATE_OVER: usize = 100;

/// A run's curves, of at most about `points` iterations.
pub(crate) fn scalars(source: &Source, points: usize) -> ApiResult<Scalars> {
    let all = source.scalars_after(None)?;
    let rate = source.live().map_or_else(|| rate(&all), |moment| moment.state.iterations_per_second);
    let (step, loss, train_accuracy) = columns(&thin(&all, points));
    let validations = validations(&source.validations()?);
    Ok(Scalars { step, loss, train_accuracy, validations, iterations_per_second: rate })
}

fn rate(scalars: &[Scalar]) -> Option<f64> {
    let last = &scalars[scalars.len().saturating_sub(RATE_OVER)..];
    let seconds: f64 = last.iter().map(|scalar| scalar.seconds).sum();
    finite(last.len() as f64 / seconds)
}

/// Steps, losses and accuracies of iterations.
pub(crate) fn columns(scalars: &[Scalar]) -> (Vec<u64>, Vec<Option<f64>>, Vec<Option<f64>>) {
    (
        scalars.iter().map(|scalar| scalar.step).collect(),
        scalars.iter().map(|scalar| finite(scalar.loss)).collect(),
        scalars.iter().map(|scalar| scalar.train_accuracy.and_then(finite)).collect(),
    )
}

pub(crate) fn validations(validations: &[Validation]) -> Validations {
    Validations {
        step: validations.iter().map(|validation| validation.step).collect(),
        accuracy: validations.iter().map(|validation| finite(validation.accuracy)).collect(),
        loss: validations.iter().map(|validation| finite(validation.loss)).collect(),
    }
}

/// At most `points` iterations (never fewer than 8): of each of equal stretches those of the smallest and the largest
/// loss, and the first that is not finite; the first and the last iteration of all.
pub(crate) fn thin(scalars: &[Scalar], points: usize) -> Vec<Scalar> {
    let points = points.max(8);
    if scalars.len() <= points {
        return scalars.to_vec();
    }
    let each = if scalars.iter().all(|scalar| scalar.loss.is_finite()) { 2 } else { 3 };
    let stretch = scalars.len().div_ceil((points - 2) / each);
    let mut kept: Vec<usize> = vec![0, scalars.len() - 1];
    for (number, stretch_of) in scalars.chunks(stretch).enumerate() {
        let losses = || stretch_of.iter().map(|scalar| scalar.loss).enumerate();
        let of_finite = || losses().filter(|(_, loss)| loss.is_finite());
        let least = of_finite().min_by(|a, b| a.1.total_cmp(&b.1));
        let most = of_finite().max_by(|a, b| a.1.total_cmp(&b.1));
        let broken = losses().find(|(_, loss)| !loss.is_finite());
        kept.extend([least, most, broken].into_iter().flatten().map(|(at, _)| number * stretch + at));
    }
    kept.sort_unstable();
    kept.dedup();
    kept.into_iter().map(|at| scalars[at]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn run(losses: &[f64]) -> Vec<Scalar> {
        let scalar = |(at, &loss): (usize, &f64)| Scalar {
            step: at as u64 + 1,
            loss,
            train_accuracy: None,
            seconds: 0.1,
            observed_seconds: 0.0,
        };
        losses.iter().enumerate().map(scalar).collect()
    }

    proptest! {
        #[test]
        fn thinning_keeps_the_ends_the_extremes_and_the_order(
            losses in prop::collection::vec(prop_oneof![9 => 0.0..9.0_f64, 1 => Just(f64::NAN)], 1..400),
            points in 0..300_usize,
        ) {
            let all = run(&losses);
            let thinned = thin(&all, points);
            prop_assert!(thinned.len() <= points.max(8).min(all.len()));
            prop_assert!(thinned.windows(2).all(|pair| pair[0].step < pair[1].step));
            prop_assert_eq!(thinned[0].step, 1);
            prop_assert_eq!(thinned[thinned.len() - 1].step, all.len() as u64);
            let extremes = |scalars: &[Scalar]| {
                let finite = || scalars.iter().map(|scalar| scalar.loss).filter(|loss| loss.is_finite());
                (finite().fold(f64::MAX, f64::min), finite().fold(f64::MIN, f64::max))
            };
            prop_assert_eq!(extremes(&thinned), extremes(&all));
            let broken = |scalars: &[Scalar]| scalars.iter().any(|scalar| scalar.loss.is_nan());
            prop_assert_eq!(broken(&thinned), broken(&all));
        }
    }
}
