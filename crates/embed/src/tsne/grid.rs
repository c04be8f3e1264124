//! Repulsion by interpolation on a grid: linear in the number of points.
//!
//! As in FIt-SNE (Linderman et al., Nature Methods 16, 2019) the points are spread to a regular grid, the sums become a
//! convolution, and the result is gathered at the points. Here B-splines of degree 5 spread and gather, and the
//! convolution undoes their smoothing (smooth particle mesh: Essmann et al., J. Chem. Phys. 103, 1995), so that nodes half
//! a unit apart suffice. The force is half the negative gradient of the potential sum 1 / (1 + d^2), so one convolution
//! gives both; what all forces sum to, which should be nothing, is taken off them. The spacing does not grow with the
//! map: the kernel's spectrum is kept until the grid grows, and 32 bits are enough.

use super::Repulsion;
use super::convolution::Convolution;
use super::spline::{ORDER, weights};
use rayon::prelude::*;

/// Distance of neighbouring nodes, where the map allows it.
const SPACING: f32 = 0.5;
/// Distance of nodes of a map so small that it costs next to nothing: its forces hang on the kernel's curvature alone.
const FINE_SPACING: f32 = 0.25;
/// Nodes along each axis up to which a grid is fine.
const FINE_MOST: usize = 64;
/// Nodes along each axis at least, and at most; maps that would need more get a coarser grid.
const LEAST: usize = 32;
const MOST: usize = 1536;
/// Rows of the grid that one task fills.
const BAND: usize = 16;
/// Points that one task gathers.
const CHUNK: usize = 512;

/// The grid, kept between calls.
#[derive(Default)]
pub(super) struct Grid {
    convolution: Option<Convolution>,
    density: Vec<f32>,
}

impl Grid {
    /// Sums over all pairs, interpolated.
    pub(super) fn repulsion(&mut self, map: &[[f32; 2]]) -> Repulsion {
        let corner = [0, 1].map(|axis| map.iter().map(|point| point[axis]).fold(f32::INFINITY, f32::min));
        let far = [0, 1].map(|axis| map.iter().map(|point| point[axis]).fold(f32::NEG_INFINITY, f32::max));
        let extent = (far[0] - corner[0]).max(far[1] - corner[1]);
        let convolution = match self.convolution.take() {
            Some(convolution) if fits(&convolution, extent) => convolution,
            _ => fresh(extent),
        };
        let (side, scale) = (convolution.side(), 1.0 / convolution.spacing());
        let place = |point: &[f32; 2]| Place::new(point, corner, scale, side);
        self.density.clear();
        self.density.resize(side * 2 * side, 0.0);
        spread(map, &place, side, &mut self.density);
        let convolution = self.convolution.insert(convolution);
        convolution.apply(&mut self.density);
        let density = &self.density;
        let mut forces = vec![[0.0; 2]; map.len()];
        let totals: Vec<f64> = forces
            .par_chunks_mut(CHUNK)
            .zip(map.par_chunks(CHUNK))
            .map(|(forces, points)| {
                let mut total = 0.0;
                for (force, point) in forces.iter_mut().zip(points) {
                    let [potential, slope_x, slope_y] = gather(density, &place(point), 2 * side);
                    *force = [-0.5 * scale * slope_x, -0.5 * scale * slope_y];
                    // The kernel of a point with itself is 1.
                    total += f64::from(potential) - 1.0;
                }
                total
            })
            .collect();
        super::centre(&mut forces);
        Repulsion { forces, total: totals.iter().sum::<f64>().max(0.0) }
    }
}

/// Nodes that an extent needs at a spacing.
fn needed(extent: f32, spacing: f32) -> usize {
    (extent / spacing) as usize + ORDER + 1
}

/// Whether a grid has room for an extent, and not far too much.
fn fits(convolution: &Convolution, extent: f32) -> bool {
    let (side, spacing) = (convolution.side(), convolution.spacing());
    let needed = needed(extent, spacing);
    needed <= side && (side <= 2 * needed || spacing == FINE_SPACING)
}

fn fresh(extent: f32) -> Convolution {
    // A little room to grow, so that the kernel is not computed anew in every step.
    let wanted = |spacing: f32| (needed(extent, spacing).saturating_mul(17) / 16).max(LEAST);
    for (spacing, most) in [(FINE_SPACING, FINE_MOST), (SPACING, MOST)] {
        if wanted(spacing) <= most {
            return Convolution::new(smooth(wanted(spacing)), spacing);
        }
    }
    Convolution::new(MOST, extent * 1.05 / (MOST - ORDER - 1) as f32)
}

/// The least number not below `least` that has no prime factor above 5: sizes that are transformed fast.
fn smooth(least: usize) -> usize {
    let is_smooth = |mut size: usize| {
        for prime in [2, 3, 5] {
            while size.is_multiple_of(prime) {
                size /= prime;
            }
        }
        size == 1
    };
    (least..).find(|&size| is_smooth(size)).unwrap_or(least)
}

/// Where a point lies on the grid: its first node, and how far beyond that it is.
struct Place {
    column: usize,
    row: usize,
    fraction: [f32; 2],
}

impl Place {
    #[inline(always)]
    fn new(point: &[f32; 2], corner: [f32; 2], scale: f32, side: usize) -> Self {
        let [x, y] = [0, 1].map(|axis| (point[axis] - corner[axis]) * scale);
        let [column, row] = [x, y].map(|t| (t as usize).min(side - ORDER));
        Self { column, row, fraction: [x - column as f32, y - row as f32] }
    }
}

/// Adds each point's weights to the nodes. Bands of rows are filled by themselves, each by its points in one order.
fn spread(map: &[[f32; 2]], place: &(impl Fn(&[f32; 2]) -> Place + Sync), side: usize, density: &mut [f32]) {
    let rows: Vec<u32> = map.par_iter().map(|point| place(point).row as u32).collect();
    let mut starts = vec![0_usize; side + 1];
    for &row in &rows {
        starts[row as usize + 1] += 1;
    }
    for row in 0..side {
        starts[row + 1] += starts[row];
    }
    let mut next = starts.clone();
    let mut order = vec![0_u32; map.len()];
    for (point, &row) in rows.iter().enumerate() {
        order[next[row as usize]] = point as u32;
        next[row as usize] += 1;
    }
    density.par_chunks_mut(BAND * 2 * side).enumerate().for_each(|(band, density)| {
        let first = band * BAND;
        let last = first + density.len() / (2 * side);
        for &point in &order[starts[(first + 1).saturating_sub(ORDER)]..starts[last]] {
            let place = place(&map[point as usize]);
            let (x, y) = (weights(place.fraction[0]).0, weights(place.fraction[1]).0);
            for (row, y) in (place.row..).zip(y).filter(|&(row, _)| row >= first && row < last) {
                let nodes = &mut density[(row - first) * 2 * side + place.column..][..ORDER];
                for (node, x) in nodes.iter_mut().zip(x) {
                    *node += x * y;
                }
            }
        }
    });
}

/// The potential at a point and its slopes, per node, along both axes.
#[inline(always)]
fn gather(potential: &[f32], place: &Place, stride: usize) -> [f32; 3] {
    let (x, slope_x) = weights(place.fraction[0]);
    let (y, slope_y) = weights(place.fraction[1]);
    let mut sums = [0.0; 3];
    for k in 0..ORDER {
        let nodes = &potential[(place.row + k) * stride + place.column..][..ORDER];
        let (mut value, mut slope) = (0.0, 0.0);
        for c in 0..ORDER {
            value += nodes[c] * x[c];
            slope += nodes[c] * slope_x[c];
        }
        sums[0] += y[k] * value;
        sums[1] += y[k] * slope;
        sums[2] += slope_y[k] * value;
    }
    sums
}
