//! Which points may be among the nearest of a query, as far as products can tell.

use super::bounds::Bounds;
use crate::panels::{PANEL, Panels};

/// Panels that are compared together.
pub(super) const PANELS: usize = 24;

/// The candidates of a few queries.
pub(super) struct Candidates {
    kept: Vec<Kept>,
    products: Vec<f32>,
}

impl Candidates {
    /// Of `queries` queries, the `k` nearest each.
    pub(super) fn new(queries: usize, k: usize) -> Self {
        let kept = (0..queries).map(|_| Kept::new(k)).collect();
        Self { kept, products: vec![0.0; queries * PANELS * PANEL] }
    }

    /// Compares the queries with the points of at most [`PANELS`] panels from `first` on. `own[query]` is the place of the
    /// point that the query is itself, and must not find; none where there is no such point.
    pub(super) fn compare(
        &mut self,
        (panels, points): (&Panels, &Bounds),
        (rows, queries): (&[f32], &Bounds),
        (first, count): (usize, usize),
        own: impl Fn(usize) -> Option<usize>,
    ) {
        let start = first * PANEL;
        let width = count * PANEL;
        let products = &mut self.products[..self.kept.len() * width];
        panels.products(rows, first, count, products);
        let end = (start + width).min(points.low.len());
        let (low, high) = (&points.low[start..end], &points.high[start..end]);
        for (query, (kept, products)) in self.kept.iter_mut().zip(products.chunks_exact(width)).enumerate() {
            let own = own(query).map_or(usize::MAX, |place| place.wrapping_sub(start));
            let (query_low, query_high) = (queries.low[query], queries.high[query]);
            let chunks = products.chunks(PANEL).zip(low.chunks(PANEL)).zip(high.chunks(PANEL));
            for (chunk, ((products, low), high)) in chunks.enumerate() {
                let pairs = || low.iter().zip(products);
                let least = pairs().fold(f32::INFINITY, |least, (low, product)| {
                    let lower = low - 2.0 * product;
                    if lower < least { lower } else { least }
                });
                if query_low + least > kept.limit {
                    continue;
                }
                for (j, ((low, product), high)) in pairs().zip(high).enumerate() {
                    let (lower, place) = (query_low + (low - 2.0 * product), chunk * PANEL + j);
                    if lower <= kept.limit && place != own {
                        let upper = query_high + (high - 2.0 * product);
                        kept.add(Bounded { lower, upper, place: (start + place) as u32 });
                    }
                }
            }
        }
    }

    /// For each query, the places of the points that may be among its nearest.
    pub(super) fn finish(self) -> impl Iterator<Item = Vec<u32>> {
        self.kept.into_iter().map(Kept::finish)
    }
}

/// A point with bounds on its squared distance from a query.
#[derive(Clone, Copy)]
struct Bounded {
    lower: f32,
    upper: f32,
    place: u32,
}

/// The points that may be among the k nearest of one query, so far.
struct Kept {
    k: usize,
    /// No point with a lower bound above this can be among the k nearest.
    limit: f32,
    points: Vec<Bounded>,
    /// How many points are kept before those beyond the limit are looked for.
    room: usize,
}

impl Kept {
    fn new(k: usize) -> Self {
        Self { k, limit: f32::INFINITY, points: Vec::new(), room: 2 * k + 16 }
    }

    fn add(&mut self, point: Bounded) {
        self.points.push(point);
        if self.points.len() >= self.room {
            self.prune();
            self.room = (2 * self.points.len()).max(2 * self.k + 16);
        }
    }

    /// Lowers the limit to the k-th smallest upper bound.
    fn prune(&mut self) {
        if self.points.len() > self.k {
            let order = |a: &Bounded, b: &Bounded| a.upper.total_cmp(&b.upper);
            let (_, kth, _) = self.points.select_nth_unstable_by(self.k - 1, order);
            self.limit = self.limit.min(kth.upper);
            let limit = self.limit;
            self.points.retain(|point| point.lower <= limit);
        }
    }

    fn finish(mut self) -> Vec<u32> {
        self.prune();
        self.points.into_iter().map(|point| point.place).collect()
    }
}
