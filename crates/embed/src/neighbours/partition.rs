//! Approximate nearest neighbours: points are compared with those of nearby cells only.
//!
//! The cells are those of k-means centres (an inverted file: Sivic & Zisserman, ICCV 2003), found on a part of the points.
//! The queries of a cell share the cells they look into, so that each look is a product of two blocks; distances of what
//! the products leave are measured in 64 bits, as in the exact search. Other than a graph (HNSW, NN-descent), the result
//! depends neither on an order of insertion nor on threads.

use super::bounds::{Bounds, Frame};
use super::candidates::{Candidates, PANELS};
use super::{NeighbourError, Neighbours, check, measure, search, write};
use crate::panels::{PANEL, Panels};
use rayon::prelude::*;

/// Points of an average cell.
const CELL: usize = 64;
/// Points among which the centres are sought, in units of their number, and rounds of that search.
const SOUGHT: usize = 24;
const ROUNDS: usize = 4;
/// Nearest cells of a query that count when its cell's queries choose where to look.
const VOTES: usize = 24;
/// Points that a query is compared with: at least, and in units of the neighbours it seeks.
const LEAST_LOOKS: usize = 2000;
const LOOKS: usize = 60;

/// The `k` points nearest to each point, itself left out, but for a few that lie in cells that were not looked into: on
/// images of digits in 50 dimensions, 98 % are found. Where n is not far above 100 k, all points are compared.
///
/// `points` is `[n, dimension]`, row-major.
///
/// # Errors
/// As for [`super::nearest_others`].
pub fn near_others(points: &[f32], dimension: usize, k: usize) -> Result<Neighbours, NeighbourError> {
    check("points", points, dimension)?;
    let n = points.len() / dimension;
    let looks = k.saturating_mul(LOOKS).max(LEAST_LOOKS);
    if k == 0 || 2 * looks >= n || u32::try_from(n).is_err() {
        return search(points, points, dimension, k, true);
    }
    let frame = Frame::new(points, &[], dimension);
    let placed = frame.place(points);
    let cells = Cells::new(&placed, dimension);
    let bounds = Bounds::new(&placed, dimension);
    let sorted = (Panels::new(&placed, dimension, &cells.order), bounds.in_order(&cells.order));
    let found: Vec<Vec<(f64, u32)>> = cells
        .starts
        .par_windows(2)
        .flat_map_iter(|cell| {
            let members = &cells.order[cell[0]..cell[1]];
            let rows = gather(&placed, dimension, members);
            let queries = bounds.in_order(members);
            let mut candidates = Candidates::new(members.len(), k);
            for range in cells.looks(&rows, &queries, looks) {
                let own = |query| Some(cell[0] + query);
                candidates.compare((&sorted.0, &sorted.1), (&rows, &queries), range, own);
            }
            let nearest = members.iter().zip(candidates.finish().collect::<Vec<_>>());
            nearest.map(|(&member, mut candidates)| {
                for place in &mut candidates {
                    *place = cells.order[*place as usize];
                }
                measure(points, &points[member as usize * dimension..][..dimension], &candidates, k)
            })
        })
        .collect();
    let (mut indices, mut distances) = (vec![0; n * k], vec![0.0; n * k]);
    for (measured, &point) in found.into_iter().zip(&cells.order) {
        let range = point as usize * k..(point as usize + 1) * k;
        write(measured, &mut indices[range.clone()], &mut distances[range]);
    }
    Ok(Neighbours { k, indices, distances })
}

fn gather(points: &[f32], dimension: usize, which: &[u32]) -> Vec<f32> {
    which.iter().flat_map(|&point| &points[point as usize * dimension..][..dimension]).copied().collect()
}

/// Points by cells.
struct Cells {
    /// Points, those of a cell together.
    order: Vec<u32>,
    /// Where each cell begins in the order, and the end; no cell is empty.
    starts: Vec<usize>,
    centres: Panels,
    /// Squared norms of the centres.
    norms: Vec<f32>,
}

impl Cells {
    fn new(points: &[f32], dimension: usize) -> Self {
        let n = points.len() / dimension;
        let count = (n / CELL).max(1);
        let spread = |count: usize| (0..count).map(move |i| (i as u64 * n as u64 / count as u64) as u32);
        let mut centres = gather(points, dimension, &spread(count).collect::<Vec<_>>());
        let sought = gather(points, dimension, &spread((count * SOUGHT).min(n)).collect::<Vec<_>>());
        for _ in 0..ROUNDS {
            let cells = assigned(&sought, &centres, dimension);
            centres = means(&sought, &cells, &centres, dimension);
        }
        let cells = assigned(points, &centres, dimension);
        let mut order: Vec<u32> = (0..n as u32).collect();
        order.sort_by_key(|&point| cells[point as usize]);
        let mut starts: Vec<usize> = (0..n)
            .filter(|&place| place == 0 || cells[order[place] as usize] != cells[order[place - 1] as usize])
            .collect();
        let used: Vec<u32> = starts.iter().map(|&place| cells[order[place] as usize]).collect();
        starts.push(n);
        let centres = gather(&centres, dimension, &used);
        let norms = norms(&centres, dimension);
        let centres = Panels::new(&centres, dimension, &(0..norms.len() as u32).collect::<Vec<_>>());
        Self { order, starts, centres, norms }
    }

    /// The ranges of panels that the queries of a cell are compared with, `count` points or somewhat more: the cells that are
    /// among the nearest of most of them.
    fn looks(&self, rows: &[f32], queries: &Bounds, count: usize) -> Vec<(usize, usize)> {
        let width = self.centres.len() * PANEL;
        let cells = self.norms.len();
        let mut products = vec![0.0; queries.low.len() * width];
        self.centres.products(rows, 0, self.centres.len(), &mut products);
        let mut votes = vec![0_u32; cells];
        let mut sums = vec![0.0_f32; cells];
        for products in products.chunks_exact(width) {
            let mut distances: Vec<(f32, u32)> =
                (0..cells).map(|cell| (self.norms[cell] - 2.0 * products[cell], cell as u32)).collect();
            for &(distance, cell) in &distances {
                sums[cell as usize] += distance;
            }
            if cells > VOTES {
                distances.select_nth_unstable_by(VOTES, |a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            }
            for &(_, cell) in distances.iter().take(VOTES) {
                votes[cell as usize] += 1;
            }
        }
        let mut nearest: Vec<usize> = (0..cells).collect();
        nearest.sort_unstable_by(|&a, &b| {
            votes[b].cmp(&votes[a]).then(sums[a].total_cmp(&sums[b])).then(a.cmp(&b))
        });
        let mut seen = 0;
        let enough = nearest.iter().position(|&cell| {
            seen += self.starts[cell + 1] - self.starts[cell];
            seen >= count
        });
        nearest.truncate(enough.map_or(cells, |last| last + 1));
        nearest.sort_unstable();
        self.ranges(&nearest)
    }

    /// Panels of some cells, in rising order, each once.
    fn ranges(&self, cells: &[usize]) -> Vec<(usize, usize)> {
        let mut ranges: Vec<(usize, usize)> = Vec::new();
        for &cell in cells {
            let (mut first, end) = (self.starts[cell] / PANEL, self.starts[cell + 1].div_ceil(PANEL));
            if let Some((start, count)) = ranges.last_mut() {
                first = first.max(*start + *count);
                if first == *start + *count {
                    let added = end.saturating_sub(first).min(PANELS - *count);
                    *count += added;
                    first += added;
                }
            }
            while first < end {
                let count = (end - first).min(PANELS);
                ranges.push((first, count));
                first += count;
            }
        }
        ranges
    }
}

fn norms(points: &[f32], dimension: usize) -> Vec<f32> {
    points.chunks_exact(dimension).map(|row| row.iter().map(|x| x * x).sum()).collect()
}

/// The nearest centre of each point.
fn assigned(points: &[f32], centres: &[f32], dimension: usize) -> Vec<u32> {
    let norms = norms(centres, dimension);
    let panels = Panels::new(centres, dimension, &(0..norms.len() as u32).collect::<Vec<_>>());
    let width = panels.len() * PANEL;
    let nearest = |products: &[f32]| {
        let mut best = (f32::INFINITY, 0);
        for (centre, (norm, product)) in norms.iter().zip(products).enumerate() {
            let distance = norm - 2.0 * product;
            if distance < best.0 {
                best = (distance, centre as u32);
            }
        }
        best.1
    };
    points
        .par_chunks(48 * dimension)
        .flat_map_iter(|rows| {
            let mut products = vec![0.0; rows.len() / dimension * width];
            panels.products(rows, 0, panels.len(), &mut products);
            products.chunks_exact(width).map(nearest).collect::<Vec<_>>()
        })
        .collect()
}

/// The mean of each cell; that of an empty one stays.
fn means(points: &[f32], cells: &[u32], before: &[f32], dimension: usize) -> Vec<f32> {
    let mut sums = vec![0.0_f64; before.len()];
    let mut counts = vec![0_u32; before.len() / dimension];
    for (row, &cell) in points.chunks_exact(dimension).zip(cells) {
        counts[cell as usize] += 1;
        for (sum, &x) in sums[cell as usize * dimension..].iter_mut().zip(row) {
            *sum += f64::from(x);
        }
    }
    let mean = |(place, &sum): (usize, &f64)| match counts[place / dimension] {
        0 => before[place],
        count => (sum / f64::from(count)) as f32,
    };
    sums.iter().enumerate().map(mean).collect()
}
