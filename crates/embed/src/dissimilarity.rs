//! Dissimilarities of all pairs of points, some of them unknown or known less well than others.

use crate::{EmbedError, Points};
use rayon::prelude::*;

/// Dissimilarities delta and weights w of the pairs i < j of n points.
#[derive(Debug, Clone, PartialEq)]
pub struct Dissimilarities {
    n: usize,
    /// Row by row: (0, 1), (0, 2), ..., (n - 2, n - 1); NaN is unknown.
    upper: Vec<f32>,
    /// In the same order; none: all known pairs weigh 1.
    weights: Option<Vec<f32>>,
}

impl Dissimilarities {
    /// Takes the pairs (0, 1), (0, 2), ..., (n - 2, n - 1); NaN stands for an unknown one.
    ///
    /// # Errors
    /// Where there are not n (n - 1) / 2 of them, or one is negative or infinite.
    pub fn new(n: usize, upper: Vec<f32>) -> Result<Self, EmbedError> {
        EmbedError::unless_equal("pairs of points", upper.len(), pairs(n))?;
        check("a dissimilarity", &upper, |x| x.is_nan() || (x >= 0.0 && x.is_finite()))?;
        Ok(Self { n, upper, weights: None })
    }

    /// Weighs the pairs, which come in the order of [`Self::new`]; a pair of weight 0 counts as unknown.
    ///
    /// # Errors
    /// Where there is not one weight a pair, or one is negative or not finite.
    pub fn with_weights(mut self, weights: Vec<f32>) -> Result<Self, EmbedError> {
        EmbedError::unless_equal("weights of pairs", weights.len(), self.upper.len())?;
        check("a weight", &weights, |x| x >= 0.0 && x.is_finite())?;
        self.weights = Some(weights);
        Ok(self)
    }

    /// Euclidean distances of points.
    pub fn of_points(points: &Points<'_>) -> Self {
        let n = points.len();
        let distance = |i: usize, j: usize| (points.squared_distance(i, j).sqrt() as f32).min(f32::MAX);
        let rows: Vec<Vec<f32>> =
            (0..n).into_par_iter().map(|i| (i + 1..n).map(|j| distance(i, j)).collect()).collect();
        Self { n, upper: rows.concat(), weights: None }
    }

    /// How many points there are.
    pub fn len(&self) -> usize {
        self.n
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.n == 0
    }

    /// The known pairs: i < j, delta, weight.
    pub fn pairs(&self) -> impl Iterator<Item = (usize, usize, f64, f64)> {
        let pairs = (0..self.n).flat_map(|i| (i + 1..self.n).map(move |j| (i, j)));
        pairs.enumerate().filter_map(|(place, (i, j))| {
            let delta = self.upper[place];
            let weight = self.weights.as_ref().map_or(1.0, |weights| weights[place]);
            (!delta.is_nan() && weight > 0.0).then_some((i, j, f64::from(delta), f64::from(weight)))
        })
    }

    /// Whether all pairs are known and weigh the same.
    pub(crate) fn is_complete(&self) -> bool {
        self.weights.is_none() && self.upper.iter().all(|delta| !delta.is_nan())
    }
}

fn pairs(n: usize) -> usize {
    n * n.saturating_sub(1) / 2
}

fn check(name: &'static str, values: &[f32], accept: impl Fn(f32) -> bool) -> Result<(), EmbedError> {
    match values.iter().find(|&&value| !accept(value)) {
        None => Ok(()),
        Some(&value) => {
            let expected = "finite and not negative";
            Err(EmbedError::Parameter { name, value: f64::from(value), expected })
        }
    }
}
