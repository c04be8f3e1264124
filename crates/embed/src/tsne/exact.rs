//! Repulsion of all pairs: n^2 work, but at SIMD speed the fastest way for a few thousand points.

use super::Repulsion;
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

/// Points up to which plain 64-bit sums are taken: with few far points, the kernel at 0 would drown the others.
const PLAIN: usize = 256;
/// Points whose sums are taken together.
const ROWS: usize = 4;
/// Where padding lies: so far that its kernel is nothing, so near that its square is finite.
const FAR: f32 = 1e18;

/// Sums over all pairs, in 32 bits.
pub(super) fn repulsion(map: &[[f32; 2]]) -> Repulsion {
    if map.len() <= PLAIN {
        return plain(map);
    }
    let padded = map.len().next_multiple_of(16);
    let axis = |axis: usize| {
        let mut values: Vec<f32> = map.iter().map(|point| point[axis]).collect();
        values.resize(padded, FAR);
        values
    };
    let (x, y) = (axis(0), axis(1));
    let mut forces = vec![[0.0; 2]; map.len()];
    let totals: Vec<f64> = forces
        .par_chunks_mut(16 * ROWS)
        .zip(map.par_chunks(16 * ROWS))
        .map(|(forces, points)| Arch::new().dispatch(Rows { points, x: &x, y: &y, forces }))
        .collect();
    Repulsion { forces, total: totals.iter().sum() }
}

/// The sums as they are written, in 64 bits.
pub(super) fn plain(map: &[[f32; 2]]) -> Repulsion {
    let mut total = 0.0;
    let force = |(i, one): (usize, &[f32; 2])| {
        let mut force = [0.0; 2];
        for (_, other) in map.iter().enumerate().filter(|&(j, _)| j != i) {
            let [x, y] = [0, 1].map(|axis| f64::from(one[axis]) - f64::from(other[axis]));
            let kernel = 1.0 / (1.0 + x * x + y * y);
            total += kernel;
            force = [force[0] + kernel * kernel * x, force[1] + kernel * kernel * y];
        }
        force.map(|x| x as f32)
    };
    let forces = map.iter().enumerate().map(force).collect();
    Repulsion { forces, total }
}

struct Rows<'a> {
    points: &'a [[f32; 2]],
    x: &'a [f32],
    y: &'a [f32],
    forces: &'a mut [[f32; 2]],
}

impl WithSimd for Rows<'_> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f64 {
        let (x, y) = (S::as_simd_f32s(self.x).0, S::as_simd_f32s(self.y).0);
        let mut total = 0.0;
        for (points, forces) in self.points.chunks(ROWS).zip(self.forces.chunks_mut(ROWS)) {
            let mut padded = [[0.0; 2]; ROWS];
            padded[..points.len()].copy_from_slice(points);
            let sums = rows(simd, padded, x, y);
            for (force, [kernel, x, y]) in forces.iter_mut().zip(sums) {
                *force = [x, y];
                // The kernel of a point with itself is 1.
                total += f64::from(kernel) - 1.0;
            }
        }
        total
    }
}

/// For each of a few points: sums of the kernel and of its square times the difference, over all points.
#[inline(always)]
fn rows<S: Simd>(simd: S, points: [[f32; 2]; ROWS], x: &[S::f32s], y: &[S::f32s]) -> [[f32; 3]; ROWS] {
    let one = simd.splat_f32s(1.0);
    let mut sums = [[simd.splat_f32s(0.0); 3]; ROWS];
    for (&x, &y) in x.iter().zip(y) {
        for r in 0..ROWS {
            let dx = simd.sub_f32s(simd.splat_f32s(points[r][0]), x);
            let dy = simd.sub_f32s(simd.splat_f32s(points[r][1]), y);
            let square = simd.mul_add_e_f32s(dx, dx, simd.mul_add_e_f32s(dy, dy, one));
            let kernel = simd.div_f32s(one, square);
            let squared = simd.mul_f32s(kernel, kernel);
            sums[r][0] = simd.add_f32s(sums[r][0], kernel);
            sums[r][1] = simd.mul_add_e_f32s(squared, dx, sums[r][1]);
            sums[r][2] = simd.mul_add_e_f32s(squared, dy, sums[r][2]);
        }
    }
    let mut reduced = [[0.0; 3]; ROWS];
    for r in 0..ROWS {
        for c in 0..3 {
            reduced[r][c] = simd.reduce_sum_f32s(sums[r][c]);
        }
    }
    reduced
}
