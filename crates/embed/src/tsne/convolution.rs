//! Convolution of a density on a grid with the kernel 1 / (1 + r^2), by Fourier transforms.

use super::spline;
use rayon::prelude::*;
use realfft::num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use rustfft::{Fft, FftPlanner};
use std::sync::Arc;

/// Rows or columns that are moved together: a cache line of complex numbers.
const STRIP: usize = 8;

/// A grid of `side` x `side` nodes within one of twice the side, which keeps the periodic images apart.
pub(super) struct Convolution {
    side: usize,
    spacing: f32,
    forward: Arc<dyn RealToComplex<f32>>,
    backward: Arc<dyn ComplexToReal<f32>>,
    column_forward: Arc<dyn Fft<f32>>,
    column_backward: Arc<dyn Fft<f32>>,
    /// Spectrum of the kernel over that of the splines, column by column: `[side + 1, 2 side]`.
    kernel: Vec<f32>,
    rows: Vec<Complex<f32>>,
    columns: Vec<Complex<f32>>,
}

impl Convolution {
    pub(super) fn new(side: usize, spacing: f32) -> Self {
        let mut real = RealFftPlanner::new();
        let mut complex = FftPlanner::new();
        let spectrum = vec![Complex::default(); side * (side + 1)];
        Self {
            side,
            spacing,
            forward: real.plan_fft_forward(2 * side),
            backward: real.plan_fft_inverse(2 * side),
            column_forward: complex.plan_fft_forward(2 * side),
            column_backward: complex.plan_fft_inverse(2 * side),
            kernel: kernel(side, f64::from(spacing)),
            columns: spectrum.clone(),
            rows: spectrum,
        }
    }

    pub(super) fn side(&self) -> usize {
        self.side
    }

    pub(super) fn spacing(&self) -> f32 {
        self.spacing
    }

    /// Turns a density `[side, 2 side]`, of which the right half is zero, into the potential of which the left half holds.
    pub(super) fn apply(&mut self, density: &mut [f32]) {
        let (side, length, width) = (self.side, 2 * self.side, self.side + 1);
        self.rows.par_chunks_mut(width).zip(density.par_chunks_mut(length)).for_each_init(
            || self.forward.make_scratch_vec(),
            |scratch, (spectrum, row)| {
                let done = self.forward.process_with_scratch(row, spectrum, scratch);
                debug_assert!(done.is_ok(), "lengths are those of the plan");
            },
        );
        let rows = &self.rows;
        self.columns.par_chunks_mut(STRIP * side).enumerate().for_each(|(strip, columns)| {
            let count = columns.len() / side;
            let mut strips = vec![Complex::default(); count * length];
            for row in 0..side {
                let values = &rows[row * width + strip * STRIP..][..count];
                for (column, &value) in values.iter().enumerate() {
                    strips[column * length + row] = value;
                }
            }
            self.column_forward.process(&mut strips);
            let kernel = &self.kernel[strip * STRIP * length..][..count * length];
            for (value, factor) in strips.iter_mut().zip(kernel) {
                *value *= factor;
            }
            self.column_backward.process(&mut strips);
            for (column, values) in columns.chunks_mut(side).zip(strips.chunks(length)) {
                column.copy_from_slice(&values[..side]);
            }
        });
        let columns = &self.columns;
        density.par_chunks_mut(STRIP * length).enumerate().for_each_init(
            || (vec![Complex::default(); STRIP * width], self.backward.make_scratch_vec()),
            |(strips, scratch), (strip, potential)| {
                let count = potential.len() / length;
                for column in 0..width {
                    let values = &columns[column * side + strip * STRIP..][..count];
                    for (row, &value) in values.iter().enumerate() {
                        strips[row * width + column] = value;
                    }
                }
                for (spectrum, potential) in strips.chunks_mut(width).zip(potential.chunks_mut(length)) {
                    // Rounding leaves traces where the spectrum of a real row has none.
                    spectrum[0].im = 0.0;
                    spectrum[width - 1].im = 0.0;
                    let done = self.backward.process_with_scratch(spectrum, potential, scratch);
                    debug_assert!(done.is_ok(), "lengths are those of the plan");
                }
            },
        );
    }
}

/// Spectrum of the sampled kernel, divided by those of the two splines that spread and gather, and by the length of both
/// transforms. All of it is real, as the kernel is even.
fn kernel(side: usize, spacing: f64) -> Vec<f32> {
    let (length, width) = (2 * side, side + 1);
    let plan = FftPlanner::new().plan_fft_forward(length);
    let even = |values: &dyn Fn(usize) -> f32| -> Vec<Complex<f32>> {
        let fold = |place: usize| place.min(length - place);
        let mut row: Vec<_> = (0..length).map(|place| Complex::new(values(fold(place)), 0.0)).collect();
        plan.process(&mut row);
        row
    };
    let value = |row: usize, column: usize| {
        let (x, y) = (column as f64 * spacing, row as f64 * spacing);
        (1.0 / (1.0 + x * x + y * y)) as f32
    };
    let rows: Vec<Vec<f32>> = (0..width)
        .into_par_iter()
        .map(|row| even(&|column| value(row, column))[..width].iter().map(|z| z.re).collect())
        .collect();
    let splines: Vec<f64> =
        (0..length).map(|k| spline::transform(k as f64 / length as f64).powi(2)).collect();
    let scale = 1.0 / (length * length) as f64;
    let column = |column: usize| -> Vec<f32> {
        let spectrum = even(&|row| rows[row][column]);
        let deconvolved = |(row, z): (usize, Complex<f32>)| {
            (f64::from(z.re) * scale / splines[row] / splines[column]) as f32
        };
        spectrum.into_iter().enumerate().map(deconvolved).collect()
    };
    let columns: Vec<Vec<f32>> = (0..width).into_par_iter().map(column).collect();
    columns.concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_the_sum_over_nodes_once_the_splines_are_convolved_back() {
        let (side, spacing) = (12, 0.5);
        let mut density = vec![0.0; side * 2 * side];
        let mut random = crate::random::Random::new(1, 0);
        for row in 5..7 {
            for column in 5..7 {
                density[row * 2 * side + column] = random.uniform() as f32;
            }
        }
        let original = density.clone();
        let mut convolution = Convolution::new(side, spacing);
        convolution.apply(&mut density);
        // Twice the splines' values at the nodes: convolved with the potential they give the plain sum back.
        let twice = |offset: i64| -> f64 {
            let at = |k: i64| {
                usize::try_from(k + 2).ok().and_then(|k| spline::AT_NODES.get(k)).copied().unwrap_or(0.0)
            };
            (-2..=2).map(|k| at(k) * at(offset - k)).sum()
        };
        let plain = |row: usize, column: usize| -> f64 {
            let term = |place: usize| {
                let (y, x) = (place / (2 * side), place % (2 * side));
                let (dx, dy) = (x.abs_diff(column) as f64 * 0.5, y.abs_diff(row) as f64 * 0.5);
                f64::from(original[place]) / (1.0 + dx * dx + dy * dy)
            };
            (0..original.len()).map(term).sum()
        };
        for (row, column) in [(4, 4), (6, 5), (5, 7)] {
            let mut found = 0.0;
            for dy in -4..=4_i64 {
                for dx in -4..=4_i64 {
                    let place = (row as i64 + dy) as usize * 2 * side + (column as i64 + dx) as usize;
                    found += twice(dy) * twice(dx) * f64::from(density[place]);
                }
            }
            assert!((found - plain(row, column)).abs() < 1e-4, "{found} {}", plain(row, column));
        }
    }
}
