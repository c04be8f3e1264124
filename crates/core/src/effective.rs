//! How many filters' worth of independent variation a layer holds: the participation ratio (tr C)^2 / tr(C^2) of the
//! correlation matrix C `[F, F]` of its rectified activations.
//!
//! F uncorrelated filters give F, F copies of one give 1. With standardised columns Z `[n, F]`, C = Z^T Z / n and
//! tr(C^2) = |Z^T Z|^2 / n^2 = |Z Z^T|^2 / n^2 (squared Frobenius norms), so that the Gram matrix of the smaller side is
//! enough: 4,096 filters on 1,024 instances take a 1,024 x 1,024 matrix.

use deepeyes_embed::dot_products;
use rayon::prelude::*;

/// Rows of the Gram matrix that are computed together.
const BLOCK: usize = 128;
/// Columns that are multiplied before the sums go on in 64 bits.
const PANEL: usize = 1024;

/// (tr C)^2 / tr(C^2) of the filters that vary over these very instances; `None` where none does.
///
/// `rows` is `[n, filters]`, rectified, row-major. Scaling a filter changes nothing. In [1, number of varying filters].
pub fn effective_filters(rows: &[f32], filters: usize) -> Option<f64> {
    participation_ratio(rows, filters, false)
}

/// The same for the population from which the instances were drawn.
///
/// Chance correlations alone would add F^2 / n to tr(C^2) and make wide layers look narrow; leaving out the products of an
/// instance with itself (a U-statistic) makes the estimate of tr(C^2) unbiased.
pub fn effective_filters_of_sample(rows: &[f32], filters: usize) -> Option<f64> {
    participation_ratio(rows, filters, true)
}

fn participation_ratio(rows: &[f32], filters: usize, sample: bool) -> Option<f64> {
    let n = rows.len().checked_div(filters)?;
    let columns = varying_columns(rows, filters);
    let live = columns.len();
    if live == 0 || n < 2 {
        return None;
    }
    let (count, n) = (n, n as f64);
    let value = |row: usize, (column, mean, deviation): (usize, f64, f64)| {
        ((f64::from(rows[row * filters + column]) - mean) / deviation) as f32
    };
    // One side of the Gram matrix numbers instances, or filters, whichever are fewer.
    let by_instance = count <= live;
    let norm = if by_instance {
        squared_gram_norm(count, live, |row, column| value(row, columns[column]))
    } else {
        squared_gram_norm(live, count, |column, row| value(row, columns[column]))
    };
    let trace_of_square = if sample {
        let own =
            |row| columns.iter().map(|&column| f64::from(value(row, column)).powi(2)).sum::<f64>().powi(2);
        let own: f64 = (0..count).into_par_iter().map(own).collect::<Vec<f64>>().iter().sum();
        (norm - own) / (n * (n - 1.0))
    } else {
        norm / (n * n)
    };
    let live = live as f64;
    let ratio = live * live / trace_of_square.max(live);
    Some(ratio.clamp(1.0, live))
}

/// Column, mean and deviation of each filter that varies.
fn varying_columns(rows: &[f32], filters: usize) -> Vec<(usize, f64, f64)> {
    let n = (rows.len() / filters) as f64;
    let sums = |term: &(dyn Fn(usize, f64) -> f64 + Sync)| -> Vec<f64> {
        let blocks: Vec<Vec<f64>> = rows
            .par_chunks(filters * PANEL)
            .map(|block| {
                let mut sums = vec![0.0; filters];
                for row in block.chunks_exact(filters) {
                    for (column, (sum, &value)) in sums.iter_mut().zip(row).enumerate() {
                        *sum += term(column, f64::from(value));
                    }
                }
                sums
            })
            .collect();
        (0..filters).map(|column| blocks.iter().map(|sums| sums[column]).sum::<f64>() / n).collect()
    };
    let means = sums(&|_, value| value);
    let variances = sums(&|column, value| (value - means[column]).powi(2));
    let columns = means.into_iter().zip(variances).enumerate();
    columns
        .map(|(column, (mean, variance))| (column, mean, variance.sqrt()))
        .filter(|&(_, mean, deviation)| deviation > 1e-10 * mean.abs())
        .collect()
}

/// Squared Frobenius norm of M M^T for the matrix M `[size, width]` with the given entries.
fn squared_gram_norm(size: usize, width: usize, entry: impl Fn(usize, usize) -> f32 + Sync) -> f64 {
    // Panels of columns, each row-major, so that a block of rows of one panel stays in the cache.
    let panels: Vec<(usize, Vec<f32>)> = (0..width.div_ceil(PANEL))
        .into_par_iter()
        .map(|panel| {
            let columns = panel * PANEL..((panel + 1) * PANEL).min(width);
            let rows = (0..size).flat_map(|row| columns.clone().map(move |column| (row, column)));
            (columns.len(), rows.map(|(row, column)| entry(row, column)).collect())
        })
        .collect();
    let blocks = size.div_ceil(BLOCK);
    let pairs: Vec<(usize, usize)> = (0..blocks).flat_map(|i| (i..blocks).map(move |j| (i, j))).collect();
    let norms: Vec<f64> = pairs
        .into_par_iter()
        .map(|(i, j)| {
            let rows = |block: usize| block * BLOCK..((block + 1) * BLOCK).min(size);
            let (left, right) = (rows(i), rows(j));
            let mut sums = vec![0.0_f64; left.len() * right.len()];
            let mut products = vec![0.0_f32; sums.len()];
            for (width, panel) in &panels {
                let part = |rows: &std::ops::Range<usize>| &panel[rows.start * width..rows.end * width];
                dot_products(part(&left), part(&right), *width, &mut products);
                for (sum, &product) in sums.iter_mut().zip(&products) {
                    *sum += f64::from(product);
                }
            }
            let norm: f64 = sums.iter().map(|sum| sum * sum).sum();
            if i == j { norm } else { 2.0 * norm }
        })
        .collect();
    norms.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::noise;
    use proptest::prelude::*;

    /// Straight from the definition, over the filters that vary.
    fn reference(rows: &[f32], filters: usize) -> Option<f64> {
        let n = rows.len() / filters;
        let column = |filter: usize| -> Vec<f64> {
            let values: Vec<f64> =
                rows[filter..].iter().step_by(filters).map(|&value| value.into()).collect();
            let mean = values.iter().sum::<f64>() / n as f64;
            values.into_iter().map(|value| value - mean).collect()
        };
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
        let live: Vec<Vec<f64>> =
            (0..filters).map(column).filter(|column| dot(column, column) > 0.0).collect();
        let mut square = 0.0;
        for a in &live {
            for b in &live {
                square += dot(a, b).powi(2) / (dot(a, a) * dot(b, b));
            }
        }
        (!live.is_empty()).then(|| (live.len() as f64).powi(2) / square)
    }

    proptest! {
        #[test]
        fn equals_the_definition(
            filters in 1..30_usize,
            n in 2..40_usize,
            mut values in proptest::collection::vec((-1.0..1.0_f32).prop_map(|value| value.max(0.0)), 30 * 40),
        ) {
            values.truncate(filters * n);
            let (fast, slow) = (effective_filters(&values, filters), reference(&values, filters));
            match (fast, slow) {
                (Some(fast), Some(slow)) => prop_assert!((fast - slow).abs() < 1e-4 * slow, "{fast} {slow}"),
                (fast, slow) => prop_assert_eq!(fast, slow),
            }
        }
    }

    #[test]
    fn copies_count_once_and_independent_filters_each() {
        let (n, filters) = (3000, 40);
        let copies: Vec<f32> =
            (0..n * filters).map(|place| noise(place / filters) * (1 + place % filters) as f32).collect();
        assert!((effective_filters(&copies, filters).unwrap() - 1.0).abs() < 1e-4);
        let independent: Vec<f32> = (0..n * filters).map(noise).collect();
        assert!(effective_filters(&independent, filters).unwrap() > 39.0);
    }

    #[test]
    fn a_sample_estimates_the_whole_without_bias() {
        // 600 independent filters seen in 200 instances: by themselves these have rank 199.
        let (n, filters) = (200, 600);
        let rows: Vec<f32> = (0..n * filters).map(noise).collect();
        assert!(effective_filters(&rows, filters).unwrap() < 199.0);
        assert!(effective_filters_of_sample(&rows, filters).unwrap() > 540.0);
    }

    #[test]
    fn filters_that_do_not_vary_count_nothing() {
        assert_eq!(effective_filters(&[0.0; 30], 3), None);
        assert_eq!(effective_filters(&[], 3), None);
        assert_eq!(effective_filters(&[], 0), None);
        let two_of_three: Vec<f32> =
            (0..300).map(|place| if place % 3 == 2 { 5.0 } else { noise(place) }).collect();
        assert!(effective_filters(&two_of_three, 3).unwrap() <= 2.0);
    }
}
