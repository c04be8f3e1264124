//! Principal component analysis (Pearson 1901; Hotelling 1933).
//!
//! The eigenvectors are those of the smaller of the two products X'X and X X' of the centred data, as long as that has at
//! most [`DENSE`] rows; beyond, the product is applied without being formed. Data are centred and scaled block by block,
//! so that nothing as large as the data is copied, and every sum over blocks is taken in one order.

use crate::dot::dot_products;
use crate::eigen::{Eigen, leading, orthonormalise, symmetric};
use crate::panels::{PANEL, Panels};
use crate::{EmbedError, Points};
use rayon::prelude::*;

/// Rows and columns of the largest product that is formed.
const DENSE: usize = 2048;
/// Rows and columns up to which a matrix is diagonalised as a whole.
const SMALL: usize = 64;
/// Length of the blocks over which the product is summed in 32 bits.
const BLOCK: usize = 512;
/// Rows of the product that are computed together.
const TILE: usize = 64;

/// The principal components of points of dimension d.
#[derive(Debug, Clone, PartialEq)]
pub struct Pca {
    /// Mean of the points, `[d]`.
    pub mean: Vec<f64>,
    /// Unit directions of falling variance, `[components, d]`; the entry of largest size is positive. Directions that the
    /// data do not have are zero.
    pub directions: Vec<f32>,
    /// Variance along each direction (divisor n - 1), `[components]`.
    pub variances: Vec<f64>,
}

impl Pca {
    /// Finds the `components` directions of largest variance.
    ///
    /// # Errors
    /// Where there are no points or `components` is zero.
    pub fn new(points: &Points<'_>, components: usize) -> Result<Self, EmbedError> {
        if points.is_empty() {
            return Err(EmbedError::Empty { least: 1 });
        }
        if components == 0 {
            return Err(EmbedError::Parameter { name: "components", value: 0.0, expected: "at least 1" });
        }
        let centred = Centred::new(points);
        let Eigen { mut values, mut vectors } = centred.eigen(components);
        if centred.by_rows {
            vectors = centred.columns_from_rows(&vectors);
        }
        values.resize(components, 0.0);
        vectors.resize(components, vec![0.0; points.dimension()]);
        let freedom = points.len().max(2) as f64 - 1.0;
        let variances =
            values.iter().map(|value| value.max(0.0) / freedom / centred.scale / centred.scale).collect();
        let directions = vectors.into_iter().flat_map(oriented).map(|x| x as f32).collect();
        Ok(Self { mean: centred.mean, directions, variances })
    }

    /// Coordinates of points along the directions, `[n, components]`.
    ///
    /// # Errors
    /// Where the points are of another dimension.
    pub fn project(&self, points: &Points<'_>) -> Result<Vec<f32>, EmbedError> {
        let d = self.mean.len();
        EmbedError::unless_equal("columns of the points", points.dimension(), d)?;
        let components = self.variances.len();
        let mut scores = vec![0.0; points.len() * components];
        scores.par_chunks_mut(TILE * components).zip(points.values().par_chunks(TILE * d)).for_each(
            |(scores, rows)| {
                let rows: Vec<f32> = rows.chunks(d).flat_map(|row| centre(row, &self.mean, 1.0)).collect();
                dot_products(&rows, &self.directions, d, scores);
                // Differences near the end of the 32-bit range may have overflowed.
                for score in scores {
                    *score = if score.is_nan() { 0.0 } else { score.clamp(f32::MIN, f32::MAX) };
                }
            },
        );
        Ok(scores)
    }
}

/// The first two principal components of points: the first picture of a map.
///
/// # Errors
/// Where there are no points.
pub fn pca_map(points: &Points<'_>) -> Result<Vec<[f32; 2]>, EmbedError> {
    let scores = Pca::new(points, 2)?.project(points)?;
    Ok(scores.as_chunks::<2>().0.to_vec())
}

fn centre(row: &[f32], mean: &[f64], scale: f64) -> impl Iterator<Item = f32> {
    row.iter().zip(mean).map(move |(&x, mean)| ((f64::from(x) - mean) * scale) as f32)
}

/// Turns a direction so that its largest entry is positive.
fn oriented(mut direction: Vec<f64>) -> Vec<f64> {
    let largest = direction.iter().fold(0.0_f64, |best, &x| if x.abs() > best.abs() { x } else { best });
    if largest < 0.0 {
        for value in &mut direction {
            *value = -*value;
        }
    }
    direction
}

/// Points moved to their mean and scaled by a power of two to at most 1.
struct Centred<'a> {
    points: &'a Points<'a>,
    mean: Vec<f64>,
    scale: f64,
    /// Whether the eigenvectors have one entry a row (X X') rather than one a column (X'X).
    by_rows: bool,
}

impl<'a> Centred<'a> {
    fn new(points: &'a Points<'a>) -> Self {
        let d = points.dimension();
        let partial = |rows: &[f32]| {
            let mut sums = vec![0.0; d];
            for row in rows.chunks(d) {
                for (sum, &x) in sums.iter_mut().zip(row) {
                    *sum += f64::from(x);
                }
            }
            sums
        };
        let sums: Vec<Vec<f64>> = points.values().par_chunks(4096 * d).map(partial).collect();
        let n = points.len() as f64;
        let mean: Vec<f64> = (0..d).map(|c| sums.iter().map(|sums| sums[c]).sum::<f64>() / n).collect();
        let extent = |row: &[f32]| {
            row.iter().zip(&mean).map(|(&x, mean)| (f64::from(x) - mean).abs()).fold(0.0, f64::max)
        };
        let largest = points.values().par_chunks(d).map(extent).reduce(|| 0.0, f64::max);
        let scale = if largest > 0.0 { (-largest.log2().ceil()).exp2() } else { 1.0 };
        Self { points, mean, scale, by_rows: points.len() < d }
    }

    /// Rows of the product.
    fn side(&self) -> usize {
        if self.by_rows { self.points.len() } else { self.points.dimension() }
    }

    /// Terms of each of its sums.
    fn depth(&self) -> usize {
        if self.by_rows { self.points.dimension() } else { self.points.len() }
    }

    /// Terms `first..first + count` of the factors, `[side, count]`.
    fn block(&self, first: usize, count: usize) -> Vec<f32> {
        let points = self.points;
        if self.by_rows {
            let mean = &self.mean[first..][..count];
            return points.rows().flat_map(|row| centre(&row[first..][..count], mean, self.scale)).collect();
        }
        let mut block = vec![0.0; self.side() * count];
        // A few columns of a few points at a time, as both go across each other's lines.
        block.par_chunks_mut(PANEL * count).enumerate().for_each(|(band, block)| {
            for start in (0..count).step_by(PANEL) {
                for (place, row) in block.chunks_mut(count).enumerate() {
                    let column = band * PANEL + place;
                    let mean = self.mean[column];
                    for (term, value) in row.iter_mut().enumerate().skip(start).take(PANEL) {
                        let x = f64::from(points.row(first + term)[column]);
                        *value = ((x - mean) * self.scale) as f32;
                    }
                }
            }
        });
        block
    }

    fn blocks(&self) -> impl Iterator<Item = (usize, usize)> {
        let depth = self.depth();
        (0..depth).step_by(BLOCK).map(move |first| (first, BLOCK.min(depth - first)))
    }

    fn eigen(&self, components: usize) -> Eigen {
        let m = self.side();
        if m > DENSE {
            return leading(m, components, |vectors| self.apply(vectors));
        }
        let product = self.product();
        if m <= SMALL.max(2 * components + 20) {
            let mut all = symmetric(product, m);
            all.values.truncate(components);
            all.vectors.truncate(components);
            return all;
        }
        let product: Vec<f32> = product.into_iter().map(|x| x as f32).collect();
        leading(m, components, |vectors| {
            let mut images = vec![0.0; vectors.len()];
            images.par_chunks_mut(4 * m).zip(vectors.par_chunks(4 * m)).for_each(|(images, vectors)| {
                dot_products(vectors, &product, m, images);
            });
            images
        })
    }

    /// The product of the factors with themselves, `[side, side]`.
    fn product(&self) -> Vec<f64> {
        let m = self.side();
        let mut product = vec![0.0; m * m];
        let order: Vec<u32> = (0..m as u32).collect();
        for (first, count) in self.blocks() {
            let block = self.block(first, count);
            let panels = Panels::new(&block, count, &order);
            product.par_chunks_mut(TILE * m).enumerate().for_each(|(band, sums)| {
                let rows = &block[band * TILE * count..][..sums.len() / m * count];
                // Below the diagonal only.
                let across = ((band + 1) * TILE / PANEL).min(panels.len());
                let width = across * PANEL;
                let mut tile = vec![0.0; rows.len() / count * width];
                panels.products(rows, 0, across, &mut tile);
                for (sums, products) in sums.chunks_mut(m).zip(tile.chunks(width)) {
                    for (sum, &product) in sums.iter_mut().zip(products) {
                        *sum += f64::from(product);
                    }
                }
            });
        }
        for i in 0..m {
            for j in 0..i {
                product[j * m + i] = product[i * m + j];
            }
        }
        product
    }

    /// The product applied to vectors `[l, side]`.
    fn apply(&self, vectors: &[f32]) -> Vec<f32> {
        let m = self.side();
        let l = vectors.len() / m;
        let mut sums = vec![0.0; l * m];
        let blocks: Vec<(usize, usize)> = self.blocks().collect();
        for batch in blocks.chunks(8) {
            let partial: Vec<Vec<f32>> = batch
                .par_iter()
                .map(|&(first, count)| {
                    let block = self.block(first, count);
                    let weights = inner(vectors, &block, m, count);
                    let mut images = vec![0.0; l * m];
                    dot_products(&weights, &block, count, &mut images);
                    images
                })
                .collect();
            for images in partial {
                for (sum, image) in sums.iter_mut().zip(images) {
                    *sum += f64::from(image);
                }
            }
        }
        sums.into_iter().map(|sum| sum as f32).collect()
    }

    /// Directions X'u / |X'u| from eigenvectors u of X X'.
    fn columns_from_rows(&self, vectors: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let m = self.side();
        let flat: Vec<f32> = vectors.iter().flatten().map(|&x| x as f32).collect();
        let mut directions = vec![Vec::with_capacity(self.depth()); vectors.len()];
        for (first, count) in self.blocks() {
            let parts = inner(&flat, &self.block(first, count), m, count);
            for (direction, part) in directions.iter_mut().zip(parts.chunks(count)) {
                direction.extend(part.iter().map(|&x| f64::from(x)));
            }
        }
        orthonormalise(&mut directions);
        directions
    }
}

/// `[l, m]` times `[m, count]`.
fn inner(vectors: &[f32], block: &[f32], m: usize, count: usize) -> Vec<f32> {
    let mut transposed = vec![0.0; block.len()];
    for (row, values) in block.chunks(count).enumerate() {
        for (column, &value) in values.iter().enumerate() {
            transposed[column * m + row] = value;
        }
    }
    let mut products = vec![0.0; vectors.len() / m * count];
    dot_products(vectors, &transposed, m, &mut products);
    products
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eigen::dot;
    use proptest::prelude::*;

    /// Eigenvectors of the covariance, in 64 bits.
    fn reference(values: &[f32], d: usize) -> Eigen {
        let n = values.len() / d;
        let mean: Vec<f64> =
            (0..d).map(|c| values.chunks(d).map(|row| f64::from(row[c])).sum::<f64>() / n as f64).collect();
        let entry = |i: usize, j: usize| {
            let products =
                values.chunks(d).map(|row| (f64::from(row[i]) - mean[i]) * (f64::from(row[j]) - mean[j]));
            products.sum::<f64>() / (n.max(2) - 1) as f64
        };
        symmetric((0..d * d).map(|place| entry(place / d, place % d)).collect(), d)
    }

    fn compare(values: &[f32], d: usize, components: usize) -> Result<(), TestCaseError> {
        let points = Points::new(values, d).unwrap();
        let (found, expected) = (Pca::new(&points, components).unwrap(), reference(values, d));
        let top = expected.values[0];
        let scores = found.project(&points).unwrap();
        for k in 0..components {
            let value = expected.values.get(k).copied().unwrap_or(0.0);
            prop_assert!((found.variances[k] - value).abs() <= 1e-4 * top, "{} {value}", found.variances[k]);
            let sum: f64 = scores.iter().skip(k).step_by(components).map(|&x| f64::from(x).powi(2)).sum();
            let variance = sum / (points.len().max(2) - 1) as f64;
            prop_assert!((variance - value).abs() <= 1e-3 * top, "{variance} {value}");
        }
        // Directions are eigenvectors: neighbouring variances may be too close to tell apart, so the image is compared.
        for k in 0..components.min(d).min(points.len() - 1) {
            let direction: Vec<f64> = found.directions[k * d..][..d].iter().map(|&x| f64::from(x)).collect();
            let along = |vector: &Vec<f64>| dot(vector, &direction);
            let spread: f64 = expected
                .vectors
                .iter()
                .zip(&expected.values)
                .map(|(v, value)| along(v).powi(2) * value)
                .sum();
            prop_assert!((spread - expected.values[k]).abs() <= 1e-3 * top);
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn equals_the_eigenvectors_of_the_covariance(
            d in 1..12_usize,
            n in 2..40_usize,
            components in 1..5_usize,
            offset in prop_oneof![Just(0.0_f32), Just(300.0)],
            raw in proptest::collection::vec(-1.0..1.0_f32, 40 * 12),
        ) {
            let values: Vec<f32> = raw[..n * d].iter().enumerate().map(|(i, x)| offset + x / (1 + i % d) as f32).collect();
            compare(&values, d, components)?;
        }
    }

    fn cloud(n: usize, d: usize) -> Vec<f32> {
        let mut random = crate::random::Random::new(3, 0);
        (0..n * d).map(|place| random.symmetric() as f32 / (1.0 + (place % d) as f32).sqrt()).collect()
    }

    #[test]
    fn wide_and_tall_data_agree_with_the_covariance() {
        compare(&cloud(700, 130), 130, 4).unwrap();
        compare(&cloud(90, 130), 130, 4).unwrap();
    }

    #[test]
    fn a_product_that_is_not_formed_is_applied_alike() {
        let values = cloud(300, 150);
        let points = Points::new(&values, 150).unwrap();
        let centred = Centred::new(&points);
        let product = centred.product();
        let vectors = &cloud(3, 150)[..];
        for (image, vector) in centred.apply(vectors).chunks(150).zip(vectors.chunks(150)) {
            for (found, row) in image.iter().zip(product.chunks(150)) {
                let expected: f64 = row.iter().zip(vector).map(|(a, &x)| a * f64::from(x)).sum();
                assert!((f64::from(*found) - expected).abs() < 1e-2);
            }
        }
    }

    #[test]
    fn degenerate_data_have_defined_maps() {
        let map = |values: &[f32], d| pca_map(&Points::new(values, d).unwrap());
        assert_eq!(map(&[], 3), Err(EmbedError::Empty { least: 1 }));
        assert_eq!(map(&[5.0, 6.0, 7.0], 3), Ok(vec![[0.0, 0.0]]));
        assert_eq!(map(&[2.0; 12], 3), Ok(vec![[0.0, 0.0]; 4]));
        let line = map(&[1.0, 3.0, 2.0], 1).unwrap();
        assert_eq!(line, [[-1.0, 0.0], [1.0, 0.0], [0.0, 0.0]]);
        assert!(
            map(&[f32::MAX, f32::MIN, f32::MIN, f32::MAX], 2)
                .unwrap()
                .iter()
                .flatten()
                .all(|x| x.is_finite())
        );
        let points = Points::new(&[1.0, 2.0], 2).unwrap();
        assert!(matches!(Pca::new(&points, 0), Err(EmbedError::Parameter { .. })));
    }
}
