//! Points packed for products with few rows: the inner loop of a neighbour search.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

/// Points whose coordinates lie side by side, so that one load serves as many sums.
pub(crate) const PANEL: usize = 16;
/// Rows that share a load; with two vectors of eight a panel that makes 12 sums in flight.
const ROWS: usize = 6;

/// Points in panels of [`PANEL`], each `[dimension, PANEL]`; the last one is filled up with zeros.
pub(crate) struct Panels {
    dimension: usize,
    values: Vec<f32>,
}

impl Panels {
    /// Packs points `[n, dimension]` in the given order.
    pub(crate) fn new(points: &[f32], dimension: usize, order: &[u32]) -> Self {
        Self::of_rows(order.len(), dimension, |place, row| {
            row.copy_from_slice(&points[order[place] as usize * dimension..][..dimension]);
        })
    }

    /// Packs `n` points, each written by `fill`.
    pub(crate) fn of_rows(n: usize, dimension: usize, fill: impl Fn(usize, &mut [f32]) + Sync) -> Self {
        let mut values = vec![0.0; n.div_ceil(PANEL) * PANEL * dimension];
        values.par_chunks_mut(PANEL * dimension).enumerate().for_each_init(
            || vec![0.0; dimension],
            |row, (number, panel)| {
                for place in number * PANEL..n.min((number + 1) * PANEL) {
                    fill(place, row);
                    for (axis, &value) in row.iter().enumerate() {
                        panel[axis * PANEL + place % PANEL] = value;
                    }
                }
            },
        );
        Self { dimension, values }
    }

    /// How many panels there are.
    pub(crate) fn len(&self) -> usize {
        self.values.len() / (PANEL * self.dimension)
    }

    /// Writes `out[i, j] = rows_i . point_j` for the points of `count` panels from `first` on, `[rows, count PANEL]`. Sums
    /// are 32-bit: relative to the norms they are off by at most `dimension` rounding errors.
    pub(crate) fn products(&self, rows: &[f32], first: usize, count: usize, out: &mut [f32]) {
        let length = PANEL * self.dimension;
        let panels = &self.values[first * length..][..count * length];
        Arch::new().dispatch(Products { rows, panels, dimension: self.dimension, out });
    }
}

struct Products<'a> {
    rows: &'a [f32],
    panels: &'a [f32],
    dimension: usize,
    out: &'a mut [f32],
}

impl WithSimd for Products<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match S::F32_LANES {
            16 => self.run::<S, 1>(simd),
            8 => self.run::<S, 2>(simd),
            4 => self.run::<S, 4>(simd),
            _ => self.run::<S, PANEL>(simd),
        }
    }
}

impl Products<'_> {
    /// `V` vectors make a panel.
    #[inline(always)]
    fn run<S: Simd, const V: usize>(self, simd: S) {
        let Self { rows, panels, dimension: d, out } = self;
        let width = panels.len() / d;
        for (number, panel) in panels.chunks_exact(PANEL * d).enumerate() {
            let panel = S::as_simd_f32s(panel).0.as_chunks::<V>().0;
            let place = |row: usize| row * width + number * PANEL;
            let mut tiles = rows.chunks_exact(ROWS * d);
            let mut row = 0;
            for tile in tiles.by_ref() {
                sums::<S, V, ROWS>(simd, tile, panel, &mut out[place(row)..], width);
                row += ROWS;
            }
            for one in tiles.remainder().chunks_exact(d) {
                sums::<S, V, 1>(simd, one, panel, &mut out[place(row)..], width);
                row += 1;
            }
        }
    }
}

/// The products of `R` rows with one panel.
#[inline(always)]
fn sums<S: Simd, const V: usize, const R: usize>(
    simd: S,
    rows: &[f32],
    panel: &[[S::f32s; V]],
    out: &mut [f32],
    width: usize,
) {
    let d = panel.len();
    let rows: [&[f32]; R] = std::array::from_fn(|r| &rows[r * d..][..d]);
    let mut sums = [[simd.splat_f32s(0.0); V]; R];
    for (axis, points) in panel.iter().enumerate() {
        for r in 0..R {
            let x = simd.splat_f32s(rows[r][axis]);
            for v in 0..V {
                sums[r][v] = simd.mul_add_e_f32s(x, points[v], sums[r][v]);
            }
        }
    }
    for (r, sums) in sums.iter().enumerate() {
        let out = S::as_mut_simd_f32s(&mut out[r * width..][..PANEL]).0;
        out.copy_from_slice(sums);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn equals_the_sum_of_products(
            n in 1..70_usize,
            m in 1..15_usize,
            d in 1..20_usize,
            values in proptest::collection::vec(-2.0..2.0_f32, 85 * 20),
        ) {
            let (points, rows) = (&values[..n * d], &values[n * d..][..m * d]);
            let order: Vec<u32> = (0..n as u32).rev().collect();
            let panels = Panels::new(points, d, &order);
            let (first, count) = (panels.len() / 2, panels.len() - panels.len() / 2);
            let mut out = vec![f32::NAN; m * count * PANEL];
            panels.products(rows, first, count, &mut out);
            for i in 0..m {
                for (place, j) in order.iter().copied().enumerate().skip(first * PANEL) {
                    let pairs = rows[i * d..][..d].iter().zip(&points[j as usize * d..][..d]);
                    let expected: f64 = pairs.map(|(x, y)| f64::from(*x) * f64::from(*y)).sum();
                    let found = out[i * count * PANEL + place - first * PANEL];
                    prop_assert!((f64::from(found) - expected).abs() < 1e-4);
                }
            }
        }
    }
}
