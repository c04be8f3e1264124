//! Solves symmetric positive definite systems, as ridge regression poses them.

use rayon::prelude::*;

/// The lower triangle L of a matrix A = L L^T, row-major `[n, n]`; entries above the diagonal mean nothing.
pub(crate) struct Cholesky {
    n: usize,
    lower: Vec<f64>,
}

impl Cholesky {
    /// Factors `matrix` `[n, n]`, of which only the lower triangle is read; `None` where it is not positive definite.
    pub(crate) fn new(mut matrix: Vec<f64>, n: usize) -> Option<Self> {
        for i in 0..n {
            let (above, row) = matrix.split_at_mut(i * n);
            for j in 0..i {
                let left = &above[j * n..][..=j];
                row[j] = (row[j] - dot(&row[..j], &left[..j])) / left[j];
            }
            let rest = row[i] - dot(&row[..i], &row[..i]);
            if rest.is_nan() || rest <= 0.0 {
                return None;
            }
            row[i] = rest.sqrt();
        }
        Some(Self { n, lower: matrix })
    }

    /// Replaces each right-hand side, a row of `sides` `[m, n]`, by its solution.
    pub(crate) fn solve(&self, sides: &mut [f64]) {
        let n = self.n;
        if n == 0 {
            return;
        }
        sides.par_chunks_exact_mut(n).for_each(|x| {
            for i in 0..n {
                let row = &self.lower[i * n..][..=i];
                x[i] = (x[i] - dot(&row[..i], &x[..i])) / row[i];
            }
            for i in (0..n).rev() {
                let row = &self.lower[i * n..][..=i];
                let value = x[i] / row[i];
                x[i] = value;
                for (x, &l) in x[..i].iter_mut().zip(row) {
                    *x -= value * l;
                }
            }
        });
    }
}

/// Dot product in eight sums side by side, which the compiler turns into vector instructions.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let (a_chunks, b_chunks) = (a.chunks_exact(8), b.chunks_exact(8));
    let tail: f64 = a_chunks.remainder().iter().zip(b_chunks.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in a_chunks.zip(b_chunks) {
        for lane in 0..8 {
            sums[lane] += x[lane] * y[lane];
        }
    }
    sums.iter().sum::<f64>() + tail
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_solution_solves(n in 1..24_usize, values in proptest::collection::vec(-1.0..1.0_f64, 24 * 24 + 3 * 24)) {
            // B B^T + I is positive definite whatever B is.
            let b = &values[..n * n];
            let mut matrix = vec![0.0; n * n];
            for i in 0..n {
                for j in 0..n {
                    let products: f64 = (0..n).map(|k| b[i * n + k] * b[j * n + k]).sum();
                    matrix[i * n + j] = products + f64::from(u8::from(i == j));
                }
            }
            let sides = &values[n * n..][..3 * n];
            let mut solved = sides.to_vec();
            Cholesky::new(matrix.clone(), n).unwrap().solve(&mut solved);
            for (side, x) in sides.chunks(n).zip(solved.chunks(n)) {
                for i in 0..n {
                    prop_assert!((dot(&matrix[i * n..][..n], x) - side[i]).abs() < 1e-9);
                }
            }
        }
    }

    #[test]
    fn what_is_not_positive_definite_is_refused() {
        assert!(Cholesky::new(vec![1.0, 2.0, 2.0, 1.0], 2).is_none());
        assert!(Cholesky::new(vec![f64::NAN], 1).is_none());
    }
}
