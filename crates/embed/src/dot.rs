//! All dot products between the rows of two matrices: the inner loop of distances and Gram matrices.

use pulp::{Arch, Simd, WithSimd};

/// Rows of `a` that a tile of the product holds in registers; with [`TILE_B`] rows of `b` that is 12 sums in flight.
const TILE_A: usize = 4;
const TILE_B: usize = 3;

/// Writes `out[i, j] = a_i . b_j` for `a` of shape `[n, dimension]`, `b` of `[m, dimension]` and `out` of `[n, m]`, all
/// row-major. Sums are 32-bit: relative to |a_i| |b_j| they are off by at most `dimension` rounding errors.
///
/// Meant for blocks that fit the cache (a few hundred rows each). With zero dimensions nothing is written; rows beyond
/// what `out` can hold are left out.
pub fn dot_products(a: &[f32], b: &[f32], dimension: usize, out: &mut [f32]) {
    Arch::new().dispatch(Products { a, b, dimension, out });
}

struct Products<'a> {
    a: &'a [f32],
    b: &'a [f32],
    dimension: usize,
    out: &'a mut [f32],
}

impl WithSimd for Products<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { a, b, dimension: d, out } = self;
        if d == 0 || b.len() < d {
            return;
        }
        let m = b.len() / d;
        let mut a_tiles = a.chunks_exact(TILE_A * d);
        let mut out_tiles = out.chunks_exact_mut(TILE_A * m);
        for (rows, out) in a_tiles.by_ref().zip(out_tiles.by_ref()) {
            band::<S, TILE_A>(simd, rows, b, d, out);
        }
        let rest = out_tiles.into_remainder().chunks_exact_mut(m);
        for (row, out) in a_tiles.remainder().chunks_exact(d).zip(rest) {
            band::<S, 1>(simd, row, b, d, out);
        }
    }
}

/// The products of `R` rows with all rows of `b`.
#[inline(always)]
fn band<S: Simd, const R: usize>(simd: S, rows: &[f32], b: &[f32], d: usize, out: &mut [f32]) {
    let m = b.len() / d;
    let rows: [&[f32]; R] = std::array::from_fn(|r| &rows[r * d..][..d]);
    let mut tiles = b.chunks_exact(TILE_B * d);
    let mut first = 0;
    for columns in tiles.by_ref() {
        let columns: [&[f32]; TILE_B] = std::array::from_fn(|c| &columns[c * d..][..d]);
        write(tile(simd, rows, columns), first, m, out);
        first += TILE_B;
    }
    for column in tiles.remainder().chunks_exact(d) {
        write(tile(simd, rows, [column]), first, m, out);
        first += 1;
    }
}

#[inline(always)]
fn write<const R: usize, const C: usize>(tile: [[f32; C]; R], first: usize, m: usize, out: &mut [f32]) {
    for (r, products) in tile.into_iter().enumerate() {
        out[r * m + first..][..C].copy_from_slice(&products);
    }
}

/// The products of `R` rows with `C` rows; all of one length.
#[inline(always)]
fn tile<S: Simd, const R: usize, const C: usize>(
    simd: S,
    rows: [&[f32]; R],
    columns: [&[f32]; C],
) -> [[f32; C]; R] {
    let rows = rows.map(|row| S::as_simd_f32s(row));
    let columns = columns.map(|column| S::as_simd_f32s(column));
    let steps = rows[0].0.len();
    let row_heads = rows.map(|(head, _)| &head[..steps]);
    let column_heads = columns.map(|(head, _)| &head[..steps]);
    let mut sums = [[simd.splat_f32s(0.0); C]; R];
    for step in 0..steps {
        let right = column_heads.map(|head| head[step]);
        for r in 0..R {
            let left = row_heads[r][step];
            for c in 0..C {
                sums[r][c] = simd.mul_add_e_f32s(left, right[c], sums[r][c]);
            }
        }
    }
    std::array::from_fn(|r| {
        std::array::from_fn(|c| {
            let tail: f32 = rows[r].1.iter().zip(columns[c].1).map(|(x, y)| x * y).sum();
            simd.reduce_sum_f32s(sums[r][c]) + tail
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn equals_the_sum_of_products(
            n in 0..11_usize,
            m in 0..11_usize,
            d in 1..40_usize,
            values in proptest::collection::vec(-2.0..2.0_f32, 22 * 40),
        ) {
            let (a, b) = (&values[..n * d], &values[n * d..][..m * d]);
            let mut out = vec![f32::NAN; n * m];
            dot_products(a, b, d, &mut out);
            for i in 0..n {
                for j in 0..m {
                    let products = a[i * d..][..d].iter().zip(&b[j * d..][..d]);
                    let expected: f64 = products.map(|(x, y)| f64::from(*x) * f64::from(*y)).sum();
                    prop_assert!((f64::from(out[i * m + j]) - expected).abs() < 1e-4);
                }
            }
        }
    }
}
