//! Exact k nearest neighbours (Euclidean) by blocked matrix products.
//!
//! |x - y|^2 = |x|^2 + |y|^2 - 2 x.y makes a matrix product of the distances, many times faster than subtracting, but it
//! cancels where points are close to each other and far from the origin. So the data is centred, every product carries a
//! bound on its rounding error, and whatever may be among the k nearest by that bound is measured again by differences in
//! 64 bits. The result is that of the slow way, ties (by index) included.

mod bounds;
mod candidates;
mod exchange;
mod partition;

use crate::panels::Panels;
use bounds::{Bounds, Frame};
use candidates::{Candidates, PANELS};
pub use partition::near_others;
use rayon::prelude::*;

/// Queries that are compared together.
const QUERY_BLOCK: usize = 48;

/// The nearest points of each query, nearest first; equally near ones by index.
#[derive(Debug, Clone, PartialEq)]
pub struct Neighbours {
    /// Neighbours of each query.
    pub k: usize,
    /// Indices of points, `[queries, k]`, row-major.
    pub indices: Vec<u32>,
    /// Euclidean distances to them, `[queries, k]`; at most the largest 32-bit number.
    pub distances: Vec<f32>,
}

impl Neighbours {
    /// Indices of the neighbours of a query.
    pub fn of(&self, query: usize) -> &[u32] {
        &self.indices[query * self.k..][..self.k]
    }
}

/// Why neighbours cannot be found.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum NeighbourError {
    /// A matrix has no columns, or its values do not fill its rows.
    #[error("{what} hold {values} values, which are no whole number of rows of {dimension}")]
    Shape {
        /// Which matrix.
        what: &'static str,
        /// How many values it has.
        values: usize,
        /// How many a row must have.
        dimension: usize,
    },
    /// More neighbours are asked for than there are points.
    #[error(
        "{k} neighbours are asked for, but there are {available} points to choose from; ask for 1 to {available}"
    )]
    Count {
        /// What was asked for.
        k: usize,
        /// How many points could be neighbours.
        available: usize,
    },
    /// More points than an index can number.
    #[error("{points} points are more than 32-bit indices can number")]
    TooMany {
        /// How many there are.
        points: usize,
    },
    /// A coordinate is NaN or infinite.
    #[error("row {row} of the {what} holds {value} in column {column}; coordinates must be finite")]
    NotFinite {
        /// Which matrix.
        what: &'static str,
        /// The row.
        row: usize,
        /// The column.
        column: usize,
        /// The value.
        value: f32,
    },
}

/// The `k` points nearest to each query.
///
/// `points` is `[n, dimension]` and `queries` `[m, dimension]`, row-major.
///
/// # Errors
/// Where a matrix has no whole rows or a value that is not finite, or where `k` is zero or above n.
pub fn nearest(
    points: &[f32],
    queries: &[f32],
    dimension: usize,
    k: usize,
) -> Result<Neighbours, NeighbourError> {
    check("points", points, dimension)?;
    check("queries", queries, dimension)?;
    search(points, queries, dimension, k, false)
}

/// The `k` points nearest to each point, itself left out (an equal point is not itself).
///
/// `points` is `[n, dimension]`, row-major.
///
/// # Errors
/// As for [`nearest`]; `k` may be at most n - 1.
pub fn nearest_others(points: &[f32], dimension: usize, k: usize) -> Result<Neighbours, NeighbourError> {
    check("points", points, dimension)?;
    search(points, points, dimension, k, true)
}

fn check(what: &'static str, values: &[f32], dimension: usize) -> Result<(), NeighbourError> {
    if dimension == 0 || !values.len().is_multiple_of(dimension) {
        return Err(NeighbourError::Shape { what, values: values.len(), dimension });
    }
    match values.iter().position(|value| !value.is_finite()) {
        None => Ok(()),
        Some(place) => Err(NeighbourError::NotFinite {
            what,
            row: place / dimension,
            column: place % dimension,
            value: values[place],
        }),
    }
}

fn search(
    points: &[f32],
    queries: &[f32],
    dimension: usize,
    k: usize,
    others: bool,
) -> Result<Neighbours, NeighbourError> {
    let n = points.len() / dimension;
    if u32::try_from(n).is_err() {
        return Err(NeighbourError::TooMany { points: n });
    }
    let available = n.saturating_sub(usize::from(others));
    if k == 0 || k > available {
        return Err(NeighbourError::Count { k, available });
    }
    let frame = Frame::new(points, queries, dimension);
    let bounds = Bounds::placed(&frame, points, dimension);
    let panels = Panels::of_rows(n, dimension, |point, row| {
        frame.place_row(&points[point * dimension..][..dimension], row);
    });
    let m = queries.len() / dimension;
    let mut indices = vec![0; m * k];
    let mut distances = vec![0.0; m * k];
    indices
        .par_chunks_mut(QUERY_BLOCK * k)
        .zip(distances.par_chunks_mut(QUERY_BLOCK * k))
        .zip(queries.par_chunks(QUERY_BLOCK * dimension))
        .enumerate()
        .for_each(|(block, ((indices, distances), originals))| {
            let first = block * QUERY_BLOCK;
            let rows = frame.place(originals);
            let queries = Bounds::new(&rows, dimension);
            let mut candidates = Candidates::new(queries.low.len(), k);
            for start in (0..panels.len()).step_by(PANELS) {
                let range = (start, PANELS.min(panels.len() - start));
                let own = |query| others.then_some(first + query);
                candidates.compare((&panels, &bounds), (&rows, &queries), range, own);
            }
            let found = indices.chunks_mut(k).zip(distances.chunks_mut(k));
            for ((query, candidates), (indices, distances)) in
                originals.chunks(dimension).zip(candidates.finish()).zip(found)
            {
                write(measure(points, query, &candidates, k), indices, distances);
            }
        });
    Ok(Neighbours { k, indices, distances })
}

fn write(measured: Vec<(f64, u32)>, indices: &mut [u32], distances: &mut [f32]) {
    for (rank, (squared, point)) in measured.into_iter().enumerate() {
        indices[rank] = point;
        distances[rank] = (squared.sqrt() as f32).min(f32::MAX);
    }
}

/// Squared distances in 64 bits to the `k` nearest of some points, nearest first.
fn measure(points: &[f32], query: &[f32], candidates: &[u32], k: usize) -> Vec<(f64, u32)> {
    let mut measured: Vec<(f64, u32)> = candidates
        .iter()
        .map(|&point| {
            (squared_distance(&points[point as usize * query.len()..][..query.len()], query), point)
        })
        .collect();
    let order = |one: &(f64, u32), other: &(f64, u32)| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1));
    if measured.len() > k {
        measured.select_nth_unstable_by(k - 1, order);
        measured.truncate(k);
    }
    measured.sort_unstable_by(order);
    measured
}

fn squared_distance(x: &[f32], y: &[f32]) -> f64 {
    x.iter().zip(y).map(|(&x, &y)| (f64::from(x) - f64::from(y)).powi(2)).sum()
}

#[cfg(test)]
mod tests;
