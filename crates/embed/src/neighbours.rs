//! Exact k nearest neighbours (Euclidean) by blocked matrix products.
//!
//! |x - y|^2 = |x|^2 + |y|^2 - 2 x.y makes a matrix product of the distances, many times faster than subtracting, but it
//! cancels where points are close to each other and far from the origin. So the data is centred, every product carries a
//! bound on its rounding error, and whatever may be among the k nearest by that bound is measured again by differences in
//! 64 bits. The result is that of the slow way, ties (by index) included.

use crate::dot::dot_products;
use rayon::prelude::*;

/// Queries that are compared together.
const QUERY_BLOCK: usize = 32;
/// Points that are compared together.
const POINT_BLOCK: usize = 384;

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
    let near = Bounded::new(frame.place(points), dimension);
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
            let placed = Bounded::new(frame.place(originals), dimension);
            let candidates = candidates(&near, &placed, k, others.then_some(first));
            let rows = indices.chunks_mut(k).zip(distances.chunks_mut(k));
            for ((query, candidates), (indices, distances)) in
                originals.chunks(dimension).zip(candidates).zip(rows)
            {
                let measured = measure(points, query, &candidates, k);
                for (rank, (squared, point)) in measured.into_iter().enumerate() {
                    indices[rank] = point;
                    distances[rank] = (squared.sqrt() as f32).min(f32::MAX);
                }
            }
        });
    Ok(Neighbours { k, indices, distances })
}

/// Moves the data to its mean and scales it by a power of two, so that products neither cancel needlessly nor overflow.
struct Frame {
    centre: Vec<f64>,
    scale: f64,
}

impl Frame {
    fn new(points: &[f32], queries: &[f32], dimension: usize) -> Self {
        let mut centre = vec![0.0; dimension];
        for row in points.chunks_exact(dimension) {
            for (sum, &value) in centre.iter_mut().zip(row) {
                *sum += f64::from(value);
            }
        }
        let n = (points.len() / dimension) as f64;
        for sum in &mut centre {
            *sum /= n;
        }
        let largest = |values: &[f32]| {
            let rows = values.chunks_exact(dimension);
            let differences =
                rows.flat_map(|row| row.iter().zip(&centre).map(|(&x, c)| (f64::from(x) - c).abs()));
            differences.fold(0.0, f64::max)
        };
        let largest = largest(points).max(largest(queries));
        let scale = if largest > 0.0 { (-largest.log2().ceil()).exp2() } else { 1.0 };
        Self { centre, scale }
    }

    fn place(&self, values: &[f32]) -> Vec<f32> {
        let rows = values.chunks_exact(self.centre.len());
        rows.flat_map(|row| {
            row.iter().zip(&self.centre).map(|(&x, c)| ((f64::from(x) - c) * self.scale) as f32)
        })
        .collect()
    }
}

/// Rows with lower and upper bounds on what their norm adds to a squared distance, rounding errors of the product with
/// any other row included (half of them are charged to either row, as |x||y| <= (|x|^2 + |y|^2) / 2).
struct Bounded {
    values: Vec<f32>,
    dimension: usize,
    low: Vec<f32>,
    high: Vec<f32>,
}

impl Bounded {
    fn new(values: Vec<f32>, dimension: usize) -> Self {
        let error = (dimension + 16) as f64 * f64::from(f32::EPSILON);
        let underflow = dimension as f64 * f64::from(f32::MIN_POSITIVE);
        let squares = values
            .chunks_exact(dimension)
            .map(|row| row.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>());
        let (low, high) = squares
            .map(|square| {
                let error = error * square + underflow;
                ((square - error) as f32, (square + error) as f32)
            })
            .unzip();
        Self { values, dimension, low, high }
    }

    fn len(&self) -> usize {
        self.low.len()
    }
}

/// For each query, the points that may be among its `k` nearest. `own` is the index of the first query where queries are
/// points themselves and must not be their own neighbours.
fn candidates(points: &Bounded, queries: &Bounded, k: usize, own: Option<usize>) -> Vec<Vec<u32>> {
    let d = points.dimension;
    let mut kept: Vec<Kept> = (0..queries.len()).map(|_| Kept::new(k)).collect();
    let mut products = vec![0.0; queries.len() * POINT_BLOCK];
    for (block, rows) in points.values.chunks(POINT_BLOCK * d).enumerate() {
        let first = block * POINT_BLOCK;
        let count = rows.len() / d;
        let products = &mut products[..queries.len() * count];
        dot_products(&queries.values, rows, d, products);
        let (low, high) = (&points.low[first..][..count], &points.high[first..][..count]);
        for (query, (kept, products)) in kept.iter_mut().zip(products.chunks_exact(count)).enumerate() {
            let own = own.map_or(usize::MAX, |start| start + query);
            let (query_low, query_high) = (queries.low[query], queries.high[query]);
            for (j, &product) in products.iter().enumerate() {
                let lower = query_low + low[j] - 2.0 * product;
                if lower <= kept.limit && first + j != own {
                    kept.add(lower, query_high + high[j] - 2.0 * product, (first + j) as u32);
                }
            }
        }
    }
    kept.into_iter().map(Kept::finish).collect()
}

/// The points that may be among the k nearest of one query, so far.
struct Kept {
    /// The k smallest upper bounds, a heap with the largest first.
    upper: std::collections::BinaryHeap<Ordered>,
    k: usize,
    /// No point with a lower bound above this can be among the k nearest.
    limit: f32,
    /// Lower bounds and points.
    points: Vec<(f32, u32)>,
    /// How many points are kept before those beyond the limit are looked for.
    room: usize,
}

#[derive(PartialEq)]
struct Ordered(f32);
impl Eq for Ordered {}
impl PartialOrd for Ordered {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Ordered {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl Kept {
    fn new(k: usize) -> Self {
        Self {
            upper: std::collections::BinaryHeap::with_capacity(k + 1),
            k,
            limit: f32::INFINITY,
            points: Vec::with_capacity(4 * k),
            room: 4 * k + 32,
        }
    }

    fn add(&mut self, lower: f32, upper: f32, point: u32) {
        self.points.push((lower, point));
        if upper < self.limit || self.upper.len() < self.k {
            self.upper.push(Ordered(upper));
            if self.upper.len() > self.k {
                self.upper.pop();
            }
            if self.upper.len() == self.k {
                self.limit = self.upper.peek().map_or(f32::INFINITY, |largest| largest.0);
            }
        }
        if self.points.len() >= self.room {
            self.prune();
            self.room = (2 * self.points.len()).max(self.room);
        }
    }

    fn prune(&mut self) {
        let limit = self.limit;
        self.points.retain(|&(lower, _)| lower <= limit);
    }

    fn finish(mut self) -> Vec<u32> {
        self.prune();
        self.points.into_iter().map(|(_, point)| point).collect()
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
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Measures every distance by differences.
    fn reference(points: &[f32], queries: &[f32], d: usize, k: usize, others: bool) -> Neighbours {
        let mut found = Neighbours { k, indices: Vec::new(), distances: Vec::new() };
        for (own, query) in queries.chunks(d).enumerate() {
            let all: Vec<u32> =
                (0..(points.len() / d) as u32).filter(|&point| !others || point as usize != own).collect();
            for (squared, point) in measure(points, query, &all, k) {
                found.indices.push(point);
                found.distances.push((squared.sqrt() as f32).min(f32::MAX));
            }
        }
        found
    }

    prop_compose! {
        /// Points far from the origin, with ties, duplicates, outliers and extreme scales.
        fn clouds()(
            d in 1..20_usize,
            n in 2..120_usize,
            m in 1..80_usize,
            offset in prop_oneof![Just(0.0_f32), Just(1000.0)],
            scale in prop_oneof![Just(1.0_f32), Just(1e-20), Just(1e30)],
            step in prop_oneof![Just(0.0_f32), Just(0.5)],
            outlier in any::<bool>(),
            raw in proptest::collection::vec(-1.0..1.0_f32, 200 * 20),
        ) -> (usize, Vec<f32>, Vec<f32>) {
            let value = |x: f32| (offset + if step > 0.0 { (x / step).round() * step } else { x }) * scale;
            let mut points: Vec<f32> = raw[..n * d].iter().map(|&x| value(x)).collect();
            let queries = raw[n * d..][..m * d].iter().map(|&x| value(x)).collect();
            if outlier {
                points[0] *= 1e4;
            }
            (d, points, queries)
        }
    }

    proptest! {
        #[test]
        fn equals_the_slow_way((d, points, queries) in clouds(), k in 1..12_usize) {
            let k = k.min(points.len() / d);
            prop_assert_eq!(nearest(&points, &queries, d, k).unwrap(), reference(&points, &queries, d, k, false));
        }

        #[test]
        fn no_point_is_its_own_neighbour((d, points, _) in clouds(), k in 1..12_usize) {
            let k = k.min(points.len() / d - 1);
            prop_assert_eq!(nearest_others(&points, d, k).unwrap(), reference(&points, &points, d, k, true));
        }
    }

    #[test]
    fn more_points_than_a_block() {
        let points: Vec<f32> = (0..5000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 8) as f32).collect();
        assert_eq!(nearest_others(&points, 5, 7).unwrap(), reference(&points, &points, 5, 7, true));
    }

    #[test]
    fn equal_points_come_by_index() {
        let found = nearest_others(&[3.0; 8], 2, 3).unwrap();
        assert_eq!(found.indices, [1, 2, 3, 0, 2, 3, 0, 1, 3, 0, 1, 2]);
        assert_eq!(found.distances, [0.0; 12]);
    }

    #[test]
    fn bad_input_is_named() {
        let shape = NeighbourError::Shape { what: "points", values: 3, dimension: 2 };
        assert_eq!(nearest(&[0.0; 3], &[0.0; 2], 2, 1), Err(shape));
        assert!(matches!(nearest(&[], &[], 0, 1), Err(NeighbourError::Shape { .. })));
        assert_eq!(nearest(&[], &[1.0], 1, 1), Err(NeighbourError::Count { k: 1, available: 0 }));
        assert_eq!(nearest_others(&[1.0, 2.0], 1, 2), Err(NeighbourError::Count { k: 2, available: 1 }));
        assert!(matches!(
            nearest(&[1.0, 2.0], &[0.0, f32::NAN], 1, 1),
            Err(NeighbourError::NotFinite { what: "queries", row: 1, column: 0, .. })
        ));
    }
}
