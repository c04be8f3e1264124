//! Leading eigenvectors of symmetric positive semidefinite operators.
//!
//! Small matrices are diagonalised by cyclic Jacobi rotations (Golub & Van Loan, "Matrix Computations", section 8.5); of
//! large operators the leading eigenvectors are found by subspace iteration with Rayleigh-Ritz steps from a random start
//! (Halko, Martinsson & Tropp, SIAM Review 53, 2011). The operator works in 32 bits, the projections in 64.

use crate::random::Random;

/// Largest residual |A v - lambda v| that counts as converged, as a share of the largest eigenvalue.
const TOLERANCE: f64 = 1e-5;
const MAX_ITERATIONS: usize = 100;

/// Eigenvalues in falling order, and their unit eigenvectors: `vectors[k]` belongs to `values[k]`.
pub(crate) struct Eigen {
    pub(crate) values: Vec<f64>,
    pub(crate) vectors: Vec<Vec<f64>>,
}

/// All eigenvectors of a symmetric matrix `[m, m]`.
pub(crate) fn symmetric(mut a: Vec<f64>, m: usize) -> Eigen {
    let mut vectors: Vec<Vec<f64>> = (0..m).map(|i| unit(m, i)).collect();
    let largest = a.iter().fold(0.0, |largest: f64, value| largest.max(value.abs()));
    for _sweep in 0..60 {
        let mut rotated = false;
        for p in 0..m {
            for q in p + 1..m {
                let off = a[p * m + q];
                if off.abs() <= 1e-15 * largest {
                    continue;
                }
                rotated = true;
                let theta = (a[q * m + q] - a[p * m + p]) / (2.0 * off);
                let tangent = theta.signum() / (theta.abs() + theta.hypot(1.0));
                let cosine = 1.0 / tangent.hypot(1.0);
                let sine = tangent * cosine;
                for k in 0..m {
                    rotate(&mut a, k * m + p, k * m + q, cosine, sine);
                }
                for k in 0..m {
                    rotate(&mut a, p * m + k, q * m + k, cosine, sine);
                }
                let (before, after) = vectors.split_at_mut(q);
                for (x, y) in before[p].iter_mut().zip(&mut after[0]) {
                    (*x, *y) = (cosine * *x - sine * *y, sine * *x + cosine * *y);
                }
            }
        }
        if !rotated {
            break;
        }
    }
    let mut order: Vec<usize> = (0..m).collect();
    order.sort_by(|&i, &j| a[j * m + j].total_cmp(&a[i * m + i]).then(i.cmp(&j)));
    let values = order.iter().map(|&i| a[i * m + i]).collect();
    let vectors = order.iter().map(|&i| std::mem::take(&mut vectors[i])).collect();
    Eigen { values, vectors }
}

fn rotate(a: &mut [f64], p: usize, q: usize, cosine: f64, sine: f64) {
    (a[p], a[q]) = (cosine * a[p] - sine * a[q], sine * a[p] + cosine * a[q]);
}

fn unit(m: usize, i: usize) -> Vec<f64> {
    let mut vector = vec![0.0; m];
    vector[i] = 1.0;
    vector
}

/// The `count` leading eigenvectors of a symmetric positive semidefinite operator on vectors of length `m`.
///
/// `apply` takes any number of vectors, one after another, and gives their images in the same order. At least
/// `count` + 10 vectors are iterated, so `m` should be well above that.
pub(crate) fn leading(m: usize, count: usize, apply: impl Fn(&[f32]) -> Vec<f32>) -> Eigen {
    let width = (count + (count / 2).max(10)).min(m);
    let mut random = Random::new(0, 0);
    let mut basis: Vec<Vec<f64>> = (0..width).map(|_| (0..m).map(|_| random.symmetric()).collect()).collect();
    orthonormalise(&mut basis);
    let mut iteration = 0;
    loop {
        iteration += 1;
        let flat: Vec<f32> = basis.iter().flatten().map(|&x| x as f32).collect();
        let images: Vec<Vec<f64>> =
            apply(&flat).chunks(m).map(|image| image.iter().map(|&x| f64::from(x)).collect()).collect();
        let mut projected = vec![0.0; width * width];
        for i in 0..width {
            for j in i..width {
                let product = 0.5 * (dot(&basis[i], &images[j]) + dot(&basis[j], &images[i]));
                projected[i * width + j] = product;
                projected[j * width + i] = product;
            }
        }
        let ritz = symmetric(projected, width);
        let combine = |vectors: &[Vec<f64>], k: usize| combination(vectors, &ritz.vectors[k]);
        let scale = ritz.values[0].abs();
        let converged = || {
            (0..count.min(width)).all(|k| {
                let (vector, image) = (combine(&basis, k), combine(&images, k));
                let residual = image.iter().zip(&vector).map(|(y, x)| (y - ritz.values[k] * x).powi(2));
                residual.sum::<f64>().sqrt() <= TOLERANCE * scale
            })
        };
        if iteration == MAX_ITERATIONS || converged() {
            let mut vectors: Vec<Vec<f64>> = (0..count.min(width)).map(|k| combine(&basis, k)).collect();
            orthonormalise(&mut vectors);
            return Eigen { values: ritz.values[..vectors.len()].to_vec(), vectors };
        }
        basis = (0..width).map(|k| combine(&images, k)).collect();
        orthonormalise(&mut basis);
    }
}

fn combination(vectors: &[Vec<f64>], weights: &[f64]) -> Vec<f64> {
    let mut sum = vec![0.0; vectors[0].len()];
    for (vector, weight) in vectors.iter().zip(weights) {
        for (sum, value) in sum.iter_mut().zip(vector) {
            *sum += weight * value;
        }
    }
    sum
}

/// Gram-Schmidt, twice over ("twice is enough"); vectors that depend on earlier ones become zero.
pub(crate) fn orthonormalise(vectors: &mut [Vec<f64>]) {
    for k in 0..vectors.len() {
        let (before, rest) = vectors.split_at_mut(k);
        let vector = &mut rest[0];
        let original = dot(vector, vector).sqrt();
        for _ in 0..2 {
            for earlier in &*before {
                let share = dot(earlier, vector);
                for (value, direction) in vector.iter_mut().zip(earlier) {
                    *value -= share * direction;
                }
            }
        }
        let norm = dot(vector, vector).sqrt();
        let inverse = if norm > 1e-12 * original { 1.0 / norm } else { 0.0 };
        for value in vector {
            *value *= inverse;
        }
    }
}

/// Dot product in four parallel sums.
pub(crate) fn dot(x: &[f64], y: &[f64]) -> f64 {
    let (x_parts, x_rest) = x.as_chunks::<4>();
    let (y_parts, y_rest) = y.as_chunks::<4>();
    let mut sums = [0.0; 4];
    for (x, y) in x_parts.iter().zip(y_parts) {
        for lane in 0..4 {
            sums[lane] += x[lane] * y[lane];
        }
    }
    let rest: f64 = x_rest.iter().zip(y_rest).map(|(x, y)| x * y).sum();
    (sums[0] + sums[1]) + (sums[2] + sums[3]) + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// B B' for a random B of the given rank.
    fn semidefinite(m: usize, rank: usize, raw: &[f64]) -> Vec<f64> {
        let b = |i: usize, k: usize| raw[(i * rank + k) % raw.len()];
        let entry = |place: usize| (0..rank).map(|k| b(place / m, k) * b(place % m, k)).sum();
        (0..m * m).map(entry).collect()
    }

    fn image(a: &[f64], m: usize, x: &[f64]) -> Vec<f64> {
        a.chunks(m).map(|row| dot(row, x)).collect()
    }

    proptest! {
        #[test]
        fn eigenvectors_are_only_scaled(m in 1..14_usize, rank in 1..14_usize, raw in proptest::collection::vec(-1.0..1.0_f64, 211)) {
            let a = semidefinite(m, rank, &raw);
            let found = symmetric(a.clone(), m);
            prop_assert!(found.values.is_sorted_by(|x, y| x >= y));
            for (i, (value, vector)) in found.values.iter().zip(&found.vectors).enumerate() {
                for (y, x) in image(&a, m, vector).iter().zip(vector) {
                    prop_assert!((y - value * x).abs() < 1e-10);
                }
                for (j, other) in found.vectors.iter().enumerate() {
                    prop_assert!((dot(vector, other) - f64::from(i == j)).abs() < 1e-10);
                }
            }
        }

        #[test]
        fn leading_ones_equal_those_of_all(m in 40..60_usize, raw in proptest::collection::vec(-1.0..1.0_f64, 211)) {
            let a = semidefinite(m, 30, &raw);
            let all = symmetric(a.clone(), m);
            let apply = |vectors: &[f32]| {
                let one = |x: &[f32]| image(&a, m, &x.iter().map(|&x| f64::from(x)).collect::<Vec<_>>());
                vectors.chunks(m).flat_map(one).map(|x| x as f32).collect()
            };
            let found = leading(m, 3, apply);
            for k in 0..3 {
                prop_assert!((found.values[k] - all.values[k]).abs() < 1e-4 * all.values[0]);
                let residual = image(&a, m, &found.vectors[k]);
                for (y, x) in residual.iter().zip(&found.vectors[k]) {
                    prop_assert!((y - found.values[k] * x).abs() < 1e-4 * all.values[0]);
                }
            }
        }
    }
}
