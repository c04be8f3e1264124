//! Affinities of points: how likely each is to choose each other as its neighbour (van der Maaten & Hinton, "Visualizing
//! data using t-SNE", JMLR 9, 2008, equation 1), over the nearest 3 x perplexity points.

use crate::neighbours::Neighbours;
use crate::{Dissimilarities, EmbedError, Points, Sparse};
use rayon::prelude::*;

/// Neighbours of a point, in units of the perplexity.
const NEIGHBOURS_PER_PERPLEXITY: f64 = 3.0;

/// Symmetric joint probabilities of pairs of n points, `[n, n]`, zero on the diagonal; they sum to 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Affinities {
    joint: Sparse,
}

impl Affinities {
    /// P = (T + T') / 2n of a row-stochastic matrix T. Rows without entries keep none of their own.
    ///
    /// # Errors
    /// Where T is not square or has no rows.
    pub fn from_transitions(transitions: &Sparse) -> Result<Self, EmbedError> {
        let n = transitions.rows();
        EmbedError::unless_equal("columns of the transitions", transitions.columns(), n)?;
        if n == 0 {
            return Err(EmbedError::Empty { least: 1 });
        }
        let transposed = transitions.transpose();
        let total: f64 = transitions_total(transitions);
        let scale = if total > 0.0 { 0.5 / total } else { 0.0 };
        let rows: Vec<_> =
            (0..n).into_par_iter().map(|i| merged(transitions.row(i), transposed.row(i), scale)).collect();
        Ok(Self { joint: Sparse::from_rows(n, &rows) })
    }

    /// Affinities of points of the given perplexity, over their nearest neighbours ([`Points::near_neighbours`]).
    ///
    /// # Errors
    /// Where there are no points, or the perplexity is below 1 or not finite.
    pub fn of_points(points: &Points<'_>, perplexity: f64) -> Result<Self, EmbedError> {
        Self::from_transitions(&transitions_of_points(points, perplexity)?)
    }

    /// Affinities of what only dissimilarities are known of; unknown pairs are no neighbours, weights do not matter.
    ///
    /// # Errors
    /// As for [`Self::of_points`].
    pub fn of_dissimilarities(known: &Dissimilarities, perplexity: f64) -> Result<Self, EmbedError> {
        let n = known.len();
        let (perplexity, k) = feasible(perplexity, n)?;
        let mut near: Vec<Vec<(f64, u32)>> = vec![Vec::new(); n];
        for (i, j, delta, _) in known.pairs() {
            near[i].push((delta, j as u32));
            near[j].push((delta, i as u32));
        }
        let row = |mut near: Vec<(f64, u32)>| {
            near.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            near.truncate(k);
            conditional(&near, perplexity)
        };
        let rows: Vec<_> = near.into_par_iter().map(row).collect();
        Self::from_transitions(&Sparse::from_rows(n, &rows))
    }

    /// How many points there are.
    pub fn len(&self) -> usize {
        self.joint.rows()
    }

    /// Whether there is none (never: an empty input is refused).
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The joint probabilities.
    pub fn joint(&self) -> &Sparse {
        &self.joint
    }
}

fn transitions_total(transitions: &Sparse) -> f64 {
    (0..transitions.rows()).map(|i| transitions.row(i).1.iter().map(|&p| f64::from(p)).sum::<f64>()).sum()
}

/// Transition probabilities of points to their nearest neighbours; the perplexity of each row is the one asked for, but
/// at most a third of the other points. Neighbours are those of [`Points::near_neighbours`].
///
/// # Errors
/// Where there are no points, or the perplexity is below 1 or not finite.
pub fn transitions_of_points(points: &Points<'_>, perplexity: f64) -> Result<Sparse, EmbedError> {
    let (perplexity, k) = feasible(perplexity, points.len())?;
    if k == 0 {
        return Ok(Sparse::from_rows(points.len(), &vec![Vec::new(); points.len()]));
    }
    Ok(transitions(&points.near_neighbours(k)?, perplexity))
}

/// Transition probabilities p_(j|i) proportional to exp(-beta_i d_ij^2), with beta_i such that each row has the given
/// perplexity. Of equal distances, all are equally likely, whatever perplexity that gives.
pub fn transitions(neighbours: &Neighbours, perplexity: f64) -> Sparse {
    let n = neighbours.indices.len() / neighbours.k.max(1);
    let row = |i: usize| {
        let distances = neighbours.distances[i * neighbours.k..][..neighbours.k].iter();
        let near: Vec<_> = distances.map(|&d| f64::from(d)).zip(neighbours.of(i).iter().copied()).collect();
        conditional(&near, perplexity)
    };
    let rows: Vec<_> = (0..n).into_par_iter().map(row).collect();
    Sparse::from_rows(n, &rows)
}

/// The perplexity that n points allow, and the number of neighbours it needs.
fn feasible(perplexity: f64, n: usize) -> Result<(f64, usize), EmbedError> {
    if !(perplexity >= 1.0 && perplexity.is_finite()) {
        let expected = "finite and at least 1 (5 to 50 is common)";
        return Err(EmbedError::Parameter { name: "perplexity", value: perplexity, expected });
    }
    if n == 0 {
        return Err(EmbedError::Empty { least: 1 });
    }
    let perplexity = perplexity.min((n as f64 - 1.0) / NEIGHBOURS_PER_PERPLEXITY).max(1.0);
    Ok((perplexity, ((NEIGHBOURS_PER_PERPLEXITY * perplexity).ceil() as usize).min(n - 1)))
}

/// Probabilities of the neighbours at the given distances, by index.
fn conditional(near: &[(f64, u32)], perplexity: f64) -> Vec<(u32, f32)> {
    let largest = near.iter().fold(0.0, |largest: f64, entry| largest.max(entry.0));
    if near.is_empty() {
        return Vec::new();
    }
    // Distances are scaled first: their squares might be beyond any number.
    let scale = if largest > 0.0 { 1.0 / largest } else { 1.0 };
    let mut squares: Vec<f64> = near.iter().map(|&(d, _)| (d * scale).powi(2)).collect();
    let least = squares.iter().copied().fold(f64::INFINITY, f64::min);
    for square in &mut squares {
        *square -= least;
    }
    let weights = of_perplexity(&squares, perplexity);
    let total: f64 = weights.iter().sum();
    let mut row: Vec<(u32, f32)> =
        near.iter().zip(weights).map(|(&(_, j), weight)| (j, (weight / total) as f32)).collect();
    row.sort_unstable_by_key(|entry| entry.0);
    row
}

/// Weights exp(-beta d^2) whose entropy is that of the perplexity: Newton's method for log beta, kept within the bracket
/// that bisection would have. `squares` are differences from the least, which makes one weight 1.
fn of_perplexity(squares: &[f64], perplexity: f64) -> Vec<f64> {
    let mean = squares.iter().sum::<f64>() / squares.len() as f64;
    if mean == 0.0 {
        return vec![1.0; squares.len()];
    }
    let target = perplexity.ln();
    let mut weights = vec![0.0; squares.len()];
    let (mut low, mut high) = (f64::NEG_INFINITY, f64::INFINITY);
    let mut log_beta = -mean.ln();
    for _ in 0..100 {
        let beta = log_beta.exp();
        let (mut total, mut first, mut second) = (0.0, 0.0, 0.0);
        for (weight, &square) in weights.iter_mut().zip(squares) {
            *weight = (-beta * square).exp();
            total += *weight;
            first += *weight * square;
            second += *weight * square * square;
        }
        let mean = first / total;
        let excess = beta * mean + total.ln() - target;
        if excess.abs() < 1e-7 {
            break;
        }
        if excess > 0.0 {
            low = log_beta;
        } else {
            high = log_beta;
        }
        // dH / d log beta = -beta^2 Var(d^2); steps are at most e-fold.
        let slope = beta * beta * (second / total - mean * mean);
        let step = (excess / slope.max(1e-12)).clamp(-1.0, 1.0);
        log_beta += step;
        if log_beta <= low || log_beta >= high {
            log_beta = 0.5 * (low + high);
        }
    }
    weights
}

/// The sum of two sparse rows, scaled.
fn merged(one: (&[u32], &[f32]), other: (&[u32], &[f32]), scale: f64) -> Vec<(u32, f32)> {
    let mut row = Vec::with_capacity(one.0.len() + other.0.len());
    let (mut i, mut j) = (0, 0);
    while i < one.0.len() || j < other.0.len() {
        let left = one.0.get(i).copied().unwrap_or(u32::MAX);
        let right = other.0.get(j).copied().unwrap_or(u32::MAX);
        let column = left.min(right);
        let mut sum = 0.0;
        if left == column && i < one.0.len() {
            sum += f64::from(one.1[i]);
            i += 1;
        }
        if right == column && j < other.0.len() {
            sum += f64::from(other.1[j]);
            j += 1;
        }
        row.push((column, (sum * scale) as f32));
    }
    row
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn perplexity_of(row: &[f32]) -> f64 {
        let entropy: f64 = row.iter().map(|&p| f64::from(p)).filter(|&p| p > 0.0).map(|p| -p * p.ln()).sum();
        entropy.exp()
    }

    proptest! {
        #[test]
        fn rows_have_the_perplexity_asked_for(
            n in 20..60_usize,
            scale in prop_oneof![Just(1.0_f32), Just(1e-15), Just(1e30)],
            perplexity in 1.5..6.0_f64,
            raw in proptest::collection::vec(-1.0..1.0_f32, 180),
        ) {
            let values: Vec<f32> = raw[..3 * n].iter().map(|x| x * scale).collect();
            let t = transitions_of_points(&Points::new(&values, 3).unwrap(), perplexity).unwrap();
            for i in 0..n {
                let row = t.row(i).1;
                prop_assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-5);
                prop_assert!((perplexity_of(row) - perplexity).abs() < 1e-3, "{}", perplexity_of(row));
            }
        }

        #[test]
        fn joint_probabilities_are_symmetric_and_sum_to_one(n in 2..40_usize, raw in proptest::collection::vec(-1.0..1.0_f32, 80)) {
            let points = Points::new(&raw[..2 * n], 2).unwrap();
            let t = transitions_of_points(&points, 5.0).unwrap();
            let joint = Affinities::from_transitions(&t).unwrap().joint;
            prop_assert_eq!(&joint, &joint.transpose());
            prop_assert!((transitions_total(&joint) - 1.0).abs() < 1e-5);
            let dense = |matrix: &Sparse, i: usize, j: usize| matrix.pairs(i).find(|entry| entry.0 == j).map_or(0.0, |entry| entry.1);
            for i in 0..n {
                prop_assert_eq!(dense(&joint, i, i), 0.0);
                for j in 0..n {
                    let expected = (dense(&t, i, j) + dense(&t, j, i)) / (2 * n) as f32;
                    prop_assert!((dense(&joint, i, j) - expected).abs() < 1e-6);
                }
            }
            let pairs = Affinities::of_dissimilarities(&Dissimilarities::of_points(&points), 5.0).unwrap().joint;
            for i in 0..n {
                for (j, p) in pairs.pairs(i) {
                    prop_assert!((p - dense(&joint, i, j)).abs() < 1e-5);
                }
            }
        }
    }

    #[test]
    fn degenerate_points_have_defined_affinities() {
        let joint = |values: &[f32], d, perplexity| {
            Affinities::of_points(&Points::new(values, d).unwrap(), perplexity)
                .map(|affinities| affinities.joint)
        };
        assert_eq!(joint(&[], 2, 5.0), Err(EmbedError::Empty { least: 1 }));
        assert_eq!(joint(&[1.0, 2.0], 2, 5.0), Ok(Sparse::from_rows(1, &[vec![]])));
        assert_eq!(joint(&[1.0, 2.0], 1, 5.0), Ok(Sparse::from_rows(2, &[vec![(1, 0.5)], vec![(0, 0.5)]])));
        let equal = joint(&[3.0; 10], 1, 5.0).unwrap();
        assert!(equal.row(0).1.iter().all(|p| p.is_finite()));
        for perplexity in [-3.0, 0.0, f64::NAN, f64::INFINITY] {
            assert!(matches!(joint(&[1.0, 2.0], 1, perplexity), Err(EmbedError::Parameter { .. })));
        }
    }
}
