//! A linear classifier by ridge regression on one-hot targets, in closed form.
//!
//! With centred features X `[n, d]` and centred targets Y, the weights are (X^T X + lambda I)^-1 X^T Y, or, the same,
//! X^T (X X^T + lambda I)^-1 Y; whichever of the two systems is smaller is solved, by Cholesky in 64 bits. lambda is a
//! multiple of the mean eigenvalue; the multiple is the one that classifies a quarter of the fitting rows best after a fit
//! on the others.

use crate::cholesky::{Cholesky, dot};
use deepeyes_embed::dot_products;
use rayon::prelude::*;

/// Multiples of the mean eigenvalue that are tried, the strongest first: equals go to the simpler classifier.
const STRENGTHS: [f64; 4] = [1.0, 0.1, 0.01, 0.001];
/// Rows of a product that are computed together.
const BLOCK: usize = 64;

/// Labelled feature vectors `[labels.len(), width]`, row-major.
#[derive(Clone, Copy)]
pub(crate) struct Labelled<'a> {
    pub(crate) features: &'a [f32],
    pub(crate) width: usize,
    /// Dense class numbers, below `classes`.
    pub(crate) labels: &'a [usize],
    pub(crate) classes: usize,
}

/// Share of the rows of `tested` that a classifier fitted on `fitting` gets right. Features must be finite, centred and
/// of one scale (over the fitting rows); both sets must not be empty.
pub(crate) fn accuracy(fitting: Labelled, tested: Labelled) -> f64 {
    let (inner, validation) = split(fitting);
    let strength = if inner.labels.is_empty() || validation.labels.is_empty() {
        STRENGTHS[1]
    } else {
        let shares = fit(inner.view(fitting), validation.view(fitting), &STRENGTHS);
        let best = shares.iter().copied().fold(0.0, f64::max);
        STRENGTHS.into_iter().zip(shares).find(|&(_, share)| share == best).map_or(STRENGTHS[1], |(s, _)| s)
    };
    fit(fitting, tested, &[strength])[0]
}

struct Owned {
    features: Vec<f32>,
    labels: Vec<usize>,
}

impl Owned {
    fn view<'a>(&'a self, of: Labelled) -> Labelled<'a> {
        Labelled { features: &self.features, width: of.width, labels: &self.labels, classes: of.classes }
    }
}

/// Three quarters of the rows and the other quarter. Rows are drawn by a hash of their place, as labels may take turns.
fn split(rows: Labelled) -> (Owned, Owned) {
    let mut parts = [(); 2].map(|()| Owned { features: Vec::new(), labels: Vec::new() });
    for (place, (features, &label)) in rows.features.chunks(rows.width).zip(rows.labels).enumerate() {
        let hash = (place as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 62;
        let part = &mut parts[usize::from(hash == 0)];
        part.features.extend_from_slice(features);
        part.labels.push(label);
    }
    let [inner, validation] = parts;
    (inner, validation)
}

/// Shares of right answers on `tested` for each strength.
fn fit(fitting: Labelled, tested: Labelled, strengths: &[f64]) -> Vec<f64> {
    let (n, d, classes) = (fitting.labels.len(), fitting.width, fitting.classes);
    let mut means = vec![0.0; classes];
    for &label in fitting.labels {
        means[label] += 1.0 / n as f64;
    }
    let target = |class: usize, row: usize| f64::from(u8::from(fitting.labels[row] == class)) - means[class];
    // Scores are products of a row of `queries` with each solution: of X_tested X^T (dual), or of X_tested (primal).
    let (size, gram, sides, queries): (usize, Vec<f64>, Vec<f64>, Vec<f64>) = if n <= d {
        let gram = products(fitting.features, fitting.features, d);
        let sides = (0..classes).flat_map(|class| (0..n).map(move |row| target(class, row))).collect();
        (n, gram, sides, products(tested.features, fitting.features, d))
    } else {
        let columns = transposed(fitting.features, d);
        let gram = products(&columns, &columns, n);
        let project = |class: usize| {
            let targets: Vec<f64> = (0..n).map(|row| target(class, row)).collect();
            columns
                .chunks(n)
                .map(move |column| column.iter().zip(&targets).map(|(&x, y)| f64::from(x) * y).sum::<f64>())
                .collect::<Vec<f64>>()
        };
        let sides = (0..classes).into_par_iter().flat_map_iter(project).collect();
        (d, gram, sides, tested.features.iter().map(|&x| f64::from(x)).collect())
    };
    let solve = |&strength: &f64| right_share(&gram, size, strength, &sides, &queries, &means, tested.labels);
    strengths.par_iter().map(solve).collect()
}

/// Solves for one strength and counts right answers.
fn right_share(
    gram: &[f64],
    size: usize,
    strength: f64,
    sides: &[f64],
    queries: &[f64],
    means: &[f64],
    labels: &[usize],
) -> f64 {
    let mean_eigenvalue = (0..size).map(|i| gram[i * size + i]).sum::<f64>() / size as f64;
    let lambda = strength * mean_eigenvalue.max(f64::MIN_POSITIVE);
    let mut matrix = gram.to_vec();
    for i in 0..size {
        matrix[i * size + i] += lambda;
    }
    let Some(factor) = Cholesky::new(matrix, size) else { return 0.0 };
    let mut solutions = sides.to_vec();
    factor.solve(&mut solutions);
    let right = queries.chunks(size).zip(labels).filter(|&(query, &label)| {
        let scores = solutions.chunks(size).zip(means).map(|(solution, mean)| dot(query, solution) + mean);
        let best = scores.enumerate().reduce(|best, one| if one.1 > best.1 { one } else { best });
        best.is_some_and(|(class, _)| class == label)
    });
    right.count() as f64 / labels.len() as f64
}

/// All products of the rows of two matrices.
fn products(a: &[f32], b: &[f32], width: usize) -> Vec<f64> {
    let m = b.len() / width;
    let mut all = vec![0.0; a.len() / width * m];
    all.par_chunks_mut(BLOCK * m).zip(a.par_chunks(BLOCK * width)).for_each(|(out, rows)| {
        let mut block = vec![0.0; out.len()];
        dot_products(rows, b, width, &mut block);
        for (out, value) in out.iter_mut().zip(block) {
            *out = f64::from(value);
        }
    });
    all
}

fn transposed(values: &[f32], width: usize) -> Vec<f32> {
    (0..width).flat_map(|column| values[column..].iter().step_by(width).copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::noise;

    /// Rows of three classes: noise of the given width, and one column that says the class.
    fn rows(n: usize, width: usize, first: usize) -> (Vec<f32>, Vec<usize>) {
        let labels: Vec<usize> = (0..n).map(|row| (row + first) % 3).collect();
        let features = (0..n * width).map(|place| {
            let (row, column) = (place / width, place % width);
            let signal = if column == labels[row] { 3.0 } else { 0.0 };
            noise(place + first * 7919) + signal - if column < 3 { 1.0 } else { 0.0 }
        });
        (features.collect(), labels)
    }

    #[test]
    fn the_smaller_and_the_larger_system_agree() {
        let width = 40;
        let (features, labels) = rows(40, width, 0);
        let (test_features, test_labels) = rows(30, width, 1000);
        let labelled =
            |n: usize| Labelled { features: &features[..n * width], width, labels: &labels[..n], classes: 3 };
        let tested = Labelled { features: &test_features, width, labels: &test_labels, classes: 3 };
        assert_eq!(fit(labelled(40), tested, &STRENGTHS), [1.0; 4], "dual");
        // One more constant-zero row than columns makes the same problem primal.
        let mut more = features.clone();
        more.extend(vec![0.0; width]);
        let mut more_labels = labels.clone();
        more_labels.push(0);
        let primal = Labelled { features: &more, width, labels: &more_labels, classes: 3 };
        assert_eq!(fit(primal, tested, &STRENGTHS), [1.0; 4], "primal");
    }

    #[test]
    fn noise_is_classified_at_chance() {
        let width = 20;
        let features: Vec<f32> = (0..900 * width).map(noise).collect();
        let labels: Vec<usize> =
            (0..900).map(|row| (noise(row * 31 + 7) * 1000.0).abs() as usize % 3).collect();
        let part = |rows: std::ops::Range<usize>| Labelled {
            features: &features[rows.start * width..rows.end * width],
            width,
            labels: &labels[rows],
            classes: 3,
        };
        let share = accuracy(part(0..600), part(600..900));
        assert!((0.2..0.47).contains(&share), "{share}");
    }
}
