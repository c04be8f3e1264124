//! Metric multidimensional scaling: a map whose distances are the dissimilarities, as well as two dimensions allow.
//!
//! The start is classical scaling: the leading eigenvectors of -1/2 J D^2 J (Torgerson, Psychometrika 17, 1952). The raw
//! stress sum w (delta - d)^2 is then lowered by majorisation (SMACOF: de Leeuw 1977; Borg & Groenen, "Modern
//! Multidimensional Scaling", chapter 8): X becomes the solution of V X = B(Z) Z for the current Z, where V is the Laplacian
//! of w and B(Z) that of w delta / d(Z). Without weights the solution is B(Z) Z / n; with them it is approached by
//! conjugate gradients from Z, every step of which lowers the majorising function, and so the stress.

use crate::eigen::{leading, symmetric};
use crate::random::Random;
use crate::{Dissimilarities, EmbedError};
use rayon::prelude::*;

/// Points up to which classical scaling diagonalises the whole matrix.
const SMALL: usize = 64;
/// Steps of conjugate gradients in each step of majorisation.
const SOLVER_STEPS: usize = 20;
/// Relative decrease of the stress below which the map counts as settled.
const SETTLED: f64 = 1e-6;

/// A map that is being scaled. Give it steps until [`Mds::is_settled`].
#[derive(Debug, Clone)]
pub struct Mds {
    n: usize,
    /// delta of all ordered pairs, `[n, n]`.
    deltas: Vec<f32>,
    /// w of all ordered pairs; none: all 1.
    weights: Option<Vec<f32>>,
    map: Vec<[f64; 2]>,
    stress: f64,
    norm: f64,
    iterations: usize,
    settled: bool,
}

impl Mds {
    /// Starts from classical scaling.
    ///
    /// # Errors
    /// Where there are no points.
    pub fn new(dissimilarities: &Dissimilarities) -> Result<Self, EmbedError> {
        let mut mds = Self::unplaced(dissimilarities)?;
        mds.map = mds.classical();
        mds.stress = mds.raw_stress();
        Ok(mds)
    }

    /// Starts from a map, to refine it.
    ///
    /// # Errors
    /// Where there are no points, or the map has another number of them or a coordinate that is not finite.
    pub fn from_map(dissimilarities: &Dissimilarities, map: &[[f32; 2]]) -> Result<Self, EmbedError> {
        let mut mds = Self::unplaced(dissimilarities)?;
        EmbedError::unless_equal("points of the map", map.len(), mds.n)?;
        crate::Points::of_map(map)?;
        mds.map = map.iter().map(|point| point.map(f64::from)).collect();
        mds.stress = mds.raw_stress();
        Ok(mds)
    }

    fn unplaced(dissimilarities: &Dissimilarities) -> Result<Self, EmbedError> {
        let n = dissimilarities.len();
        if n == 0 {
            return Err(EmbedError::Empty { least: 1 });
        }
        let mut deltas = vec![0.0; n * n];
        let mut weights = vec![0.0; n * n];
        let mut norm = 0.0;
        for (i, j, delta, weight) in dissimilarities.pairs() {
            for place in [i * n + j, j * n + i] {
                deltas[place] = delta as f32;
                weights[place] = weight as f32;
            }
            norm += weight * delta * delta;
        }
        let weights = (!dissimilarities.is_complete()).then_some(weights);
        Ok(Self { n, deltas, weights, map: Vec::new(), stress: 0.0, norm, iterations: 0, settled: false })
    }

    /// One step of majorisation; the stress never rises.
    pub fn step(&mut self) {
        let guided = self.guide();
        self.map = match &self.weights {
            None => guided.into_iter().map(|sum| sum.map(|x| x / self.n as f64)).collect(),
            Some(weights) => solve(weights, &self.map, &guided),
        };
        let stress = self.raw_stress();
        self.settled = self.stress - stress <= SETTLED * self.stress;
        self.stress = stress;
        self.iterations += 1;
    }

    /// Steps until the map is settled or the caller, asked before each step, says no.
    pub fn run_while(&mut self, mut go_on: impl FnMut(&Self) -> bool) {
        while !self.settled && go_on(self) {
            self.step();
        }
    }

    /// Whether the last step lowered the stress by less than a millionth.
    pub fn is_settled(&self) -> bool {
        self.settled
    }

    /// Steps so far.
    pub fn iterations(&self) -> usize {
        self.iterations
    }

    /// Raw stress sum w (delta - d)^2 over pairs i < j.
    pub fn stress(&self) -> f64 {
        self.stress
    }

    /// Normalised stress sqrt(sum w (delta - d)^2 / sum w delta^2); 0 is perfect.
    pub fn normalised_stress(&self) -> f64 {
        if self.norm > 0.0 { (self.stress / self.norm).sqrt() } else { self.stress.sqrt() }
    }

    /// The map, `[n]`.
    pub fn map(&self) -> Vec<[f32; 2]> {
        self.map.iter().map(|point| point.map(|x| (x as f32).clamp(f32::MIN, f32::MAX))).collect()
    }

    /// Leading eigenvectors of the doubly centred squares; an unknown pair counts as the mean known one.
    fn classical(&self) -> Vec<[f64; 2]> {
        let n = self.n;
        let largest = f64::from(self.deltas.iter().copied().fold(0.0, f32::max));
        if largest == 0.0 {
            return vec![[0.0; 2]; n];
        }
        let known = |i: usize, j: usize| self.weights.as_ref().is_none_or(|w| i == j || w[i * n + j] > 0.0);
        let square = |i: usize, j: usize| (f64::from(self.deltas[i * n + j]) / largest).powi(2);
        let (mut total, mut count) = (0.0, 0.0);
        for i in 0..n {
            for j in (0..n).filter(|&j| j != i && known(i, j)) {
                total += square(i, j);
                count += 1.0;
            }
        }
        let mean = total / f64::max(count, 1.0);
        let mut b: Vec<f64> = (0..n * n)
            .map(|place| if known(place / n, place % n) { square(place / n, place % n) } else { mean })
            .collect();
        let row_means: Vec<f64> = b.chunks(n).map(|row| row.iter().sum::<f64>() / n as f64).collect();
        let grand = row_means.iter().sum::<f64>() / n as f64;
        for (place, value) in b.iter_mut().enumerate() {
            *value = -0.5 * (*value - row_means[place / n] - row_means[place % n] + grand);
        }
        let eigen =
            if n <= SMALL { symmetric(b, n) } else { leading(n, 2, |vectors| multiply(&b, vectors, n)) };
        let lengths: Vec<f64> = eigen.values.iter().map(|value| value.max(0.0).sqrt() * largest).collect();
        // A start without a second dimension could never leave its line.
        let flat = lengths.get(1).copied().unwrap_or(0.0) <= 1e-6 * lengths[0];
        let jitter = if flat && n > 2 { 1e-3 * lengths[0] / (n as f64).sqrt() } else { 0.0 };
        let coordinate =
            |i: usize, axis: usize| eigen.vectors.get(axis).map_or(0.0, |vector| vector[i] * lengths[axis]);
        let place =
            |i: usize| [coordinate(i, 0), coordinate(i, 1) + jitter * Random::new(0, i as u64).symmetric()];
        (0..n).map(place).collect()
    }

    /// B(Z) Z: for each i the sum of w delta / d (z_i - z_j) over j.
    fn guide(&self) -> Vec<[f64; 2]> {
        let row = |i: usize| {
            let mut sum = [0.0; 2];
            self.over_row(i, |j, delta, weight| {
                let difference = [0, 1].map(|axis| self.map[i][axis] - self.map[j][axis]);
                // Not `hypot`, which takes five times as long: squares of f32 fit.
                let distance = (difference[0] * difference[0] + difference[1] * difference[1]).sqrt();
                if distance > 0.0 {
                    let ratio = weight * delta / distance;
                    sum = [sum[0] + ratio * difference[0], sum[1] + ratio * difference[1]];
                }
            });
            sum
        };
        (0..self.n).into_par_iter().map(row).collect()
    }

    fn raw_stress(&self) -> f64 {
        let row = |i: usize| {
            let mut sum = 0.0;
            self.over_row(i, |j, delta, weight| {
                let [x, y] = [0, 1].map(|axis| self.map[i][axis] - self.map[j][axis]);
                sum += weight * ((x * x + y * y).sqrt() - delta).powi(2);
            });
            sum
        };
        let rows: Vec<f64> = (0..self.n).into_par_iter().map(row).collect();
        0.5 * rows.iter().sum::<f64>()
    }

    fn over_row(&self, i: usize, mut visit: impl FnMut(usize, f64, f64)) {
        let n = self.n;
        for (j, &delta) in self.deltas[i * n..][..n].iter().enumerate() {
            let weight = self.weights.as_ref().map_or(1.0, |weights| weights[i * n + j]);
            if j != i && weight > 0.0 {
                visit(j, f64::from(delta), f64::from(weight));
            }
        }
    }
}

fn multiply(matrix: &[f64], vectors: &[f32], n: usize) -> Vec<f32> {
    let image = |vector: &[f32]| -> Vec<f32> {
        let row = |row: &[f64]| row.iter().zip(vector).map(|(a, &x)| a * f64::from(x)).sum::<f64>() as f32;
        matrix.chunks(n).map(row).collect()
    };
    vectors.par_chunks(n).flat_map_iter(image).collect()
}

/// Conjugate gradients for V X = `goal` from `start`, V the Laplacian of the weights; each axis by itself. V has the
/// constants of every connected part as its null space, which neither the residuals nor the steps ever enter.
fn solve(weights: &[f32], start: &[[f64; 2]], goal: &[[f64; 2]]) -> Vec<[f64; 2]> {
    let axes = [0, 1].map(|axis| {
        let mut x: Vec<f64> = start.iter().map(|point| point[axis]).collect();
        let image = laplacian(weights, &x);
        let mut residual: Vec<f64> =
            goal.iter().zip(&image).map(|(goal, image)| goal[axis] - image).collect();
        let mut direction = residual.clone();
        let mut square: f64 = residual.iter().map(|r| r * r).sum();
        // Below this the residual is rounding, part of it in the null space, where a step would have no bound.
        let enough = 1e-24 * goal.iter().map(|goal| goal[axis] * goal[axis]).sum::<f64>();
        for _ in 0..SOLVER_STEPS {
            let image = laplacian(weights, &direction);
            let curvature: f64 = direction.iter().zip(&image).map(|(x, y)| x * y).sum();
            if curvature <= 0.0 || square <= enough {
                break;
            }
            let length = square / curvature;
            for (((x, r), d), image) in x.iter_mut().zip(&mut residual).zip(&direction).zip(&image) {
                *x += length * d;
                *r -= length * image;
            }
            let next: f64 = residual.iter().map(|r| r * r).sum();
            for (d, r) in direction.iter_mut().zip(&residual) {
                *d = r + next / square * *d;
            }
            square = next;
        }
        x
    });
    axes[0].iter().zip(&axes[1]).map(|(&x, &y)| [x, y]).collect()
}

/// V x: for each i the sum of w (x_i - x_j) over j.
fn laplacian(weights: &[f32], x: &[f64]) -> Vec<f64> {
    let row = |(i, row): (usize, &[f32])| -> f64 {
        row.iter().zip(x).map(|(&weight, other)| f64::from(weight) * (x[i] - other)).sum()
    };
    weights.par_chunks(x.len()).enumerate().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quality::normalised_stress;
    use crate::{Points, align};
    use proptest::prelude::*;

    fn settle(mds: &mut Mds) {
        mds.run_while(|mds| mds.iterations() < 500);
    }

    fn plane(n: usize) -> Vec<[f32; 2]> {
        let mut random = Random::new(5, 0);
        (0..n).map(|_| [random.symmetric() as f32, random.symmetric() as f32]).collect()
    }

    fn largest_miss(map: &[[f32; 2]], expected: &[[f32; 2]]) -> f32 {
        let motion = align(map, expected).unwrap();
        let miss = |(a, b): (&[f32; 2], &[f32; 2])| {
            let a = motion.apply(*a);
            (a[0] - b[0]).hypot(a[1] - b[1])
        };
        map.iter().zip(expected).map(miss).fold(0.0, f32::max)
    }

    proptest! {
        #[test]
        fn the_stress_never_rises(
            n in 2..20_usize,
            deltas in proptest::collection::vec(0.0..5.0_f32, 190),
            weights in proptest::collection::vec(0.0..2.0_f32, 190),
            unknown in 0..6_usize,
            weighted in any::<bool>(),
        ) {
            let pairs = n * (n - 1) / 2;
            let mut deltas = deltas[..pairs].to_vec();
            let lost = unknown.min(pairs);
            deltas[..lost].fill(f32::NAN);
            let mut dissimilarities = Dissimilarities::new(n, deltas).unwrap();
            if weighted {
                let weights = weights[..pairs].iter().map(|w| (w - 0.3).max(0.0)).collect();
                dissimilarities = dissimilarities.with_weights(weights).unwrap();
            }
            let mut mds = Mds::new(&dissimilarities).unwrap();
            for _ in 0..30 {
                let before = mds.stress();
                mds.step();
                prop_assert!(mds.stress() <= before * (1.0 + 1e-9) + 1e-9, "{before} to {}", mds.stress());
            }
            let expected = normalised_stress(&dissimilarities, &mds.map()).unwrap();
            prop_assert!((mds.normalised_stress() - expected).abs() < 1e-4);
        }
    }

    #[test]
    fn planar_distances_are_recovered() {
        for n in [3, 40, 100] {
            let expected = plane(n);
            let distances = Dissimilarities::of_points(&Points::of_map(&expected).unwrap());
            let mut mds = Mds::new(&distances).unwrap();
            settle(&mut mds);
            assert!(largest_miss(&mds.map(), &expected) < 1e-3);
        }
    }

    #[test]
    fn unknown_and_worthless_pairs_do_not_matter() {
        let expected = plane(30);
        let mut upper: Vec<f32> = Vec::new();
        let mut weights = Vec::new();
        for (place, (_, _, delta, _)) in
            Dissimilarities::of_points(&Points::of_map(&expected).unwrap()).pairs().enumerate()
        {
            upper.push(match place % 10 {
                0 => f32::NAN,
                1 => 9.0,
                _ => delta as f32,
            });
            weights.push(if place % 10 == 1 { 0.0 } else { 0.5 + (place % 3) as f32 });
        }
        let mut mds =
            Mds::new(&Dissimilarities::new(30, upper).unwrap().with_weights(weights).unwrap()).unwrap();
        settle(&mut mds);
        assert!(largest_miss(&mds.map(), &expected) < 0.02, "{}", mds.normalised_stress());
    }

    #[test]
    fn equal_weights_are_no_weights() {
        let distances = Dissimilarities::new(6, (1..16_u8).map(f32::from).collect()).unwrap();
        let mut plain = Mds::new(&distances).unwrap();
        let mut weighted = Mds::new(&distances.with_weights(vec![1.0; 15]).unwrap()).unwrap();
        for _ in 0..5 {
            plain.step();
            weighted.step();
        }
        assert!((plain.stress() - weighted.stress()).abs() < 1e-6 * plain.stress());
    }

    #[test]
    fn degenerate_input_has_a_defined_map() {
        let map = |n: usize, upper: Vec<f32>| {
            let mut mds = Mds::new(&Dissimilarities::new(n, upper)?)?;
            settle(&mut mds);
            Ok::<_, EmbedError>(mds.map())
        };
        assert_eq!(map(0, vec![]), Err(EmbedError::Empty { least: 1 }));
        assert_eq!(map(1, vec![]), Ok(vec![[0.0, 0.0]]));
        let pair = map(2, vec![3.0]).unwrap();
        assert!(((pair[0][0] - pair[1][0]).hypot(pair[0][1] - pair[1][1]) - 3.0).abs() < 1e-5);
        assert_eq!(map(3, vec![0.0; 3]), Ok(vec![[0.0, 0.0]; 3]));
        assert!(map(3, vec![f32::NAN; 3]).unwrap().iter().flatten().all(|x| x.is_finite()));
        assert!(map(4, vec![1e30; 6]).unwrap().iter().flatten().all(|x| x.is_finite()));
        assert!(matches!(map(2, vec![-1.0]), Err(EmbedError::Parameter { name: "a dissimilarity", .. })));
        assert!(matches!(map(2, vec![]), Err(EmbedError::Length { .. })));
    }
}
