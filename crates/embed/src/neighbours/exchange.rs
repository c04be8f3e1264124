//! Neighbours of points of which some are exchanged for others: only what changes is searched again.

use super::{NeighbourError, Neighbours, check, measure, nearest, nearest_others, write};
use crate::EmbedError;
use crate::exchange::inverse;
use rayon::prelude::*;

impl Neighbours {
    /// The same as [`nearest_others`] of `points` `[n, dimension]`, given the neighbours of the points before: `from[i]` is the
    /// index that point i had among them, with the same coordinates, none for a new point; indices that do not occur are
    /// removed.
    ///
    /// Of points that are equally far away, those that were neighbours before stay, where a search from scratch goes by index.
    /// Points that lost a neighbour, and new ones, are searched among all; the others among the new ones alone.
    ///
    /// # Errors
    /// As for [`nearest_others`], and where `from` has another length than the points, or names an index twice or one that
    /// does not exist.
    pub fn exchanged(
        &self,
        points: &[f32],
        dimension: usize,
        from: &[Option<usize>],
    ) -> Result<Self, EmbedError> {
        check("points", points, dimension)?;
        let (n, k) = (points.len() / dimension, self.k);
        EmbedError::unless_equal("origins of the points", from.len(), n)?;
        let to = inverse(from, self.indices.len() / k)?;
        let available = n.saturating_sub(1);
        if k > available {
            return Err(NeighbourError::Count { k, available }.into());
        }
        let new: Vec<u32> = (0..n as u32).filter(|&point| from[point as usize].is_none()).collect();
        let fresh = rows(points, dimension, &new);
        let kept: Vec<Option<Vec<u32>>> = from
            .iter()
            .map(|&old| self.of(old?).iter().map(|&of| to[of as usize].map(|i| i as u32)).collect())
            .collect();
        let (whole, complete): (Vec<u32>, Vec<u32>) =
            (0..n as u32).partition(|&point| kept[point as usize].is_none());

        let mut found = Self { k, indices: vec![0; n * k], distances: vec![0.0; n * k] };
        let mut put = |point: u32, measured: Vec<(f64, u32)>| {
            let place = point as usize * k..(point as usize + 1) * k;
            write(measured, &mut found.indices[place.clone()], &mut found.distances[place]);
        };
        let coordinates = |point: u32| &points[point as usize * dimension..][..dimension];
        if whole.len() == n {
            return Ok(nearest_others(points, dimension, k)?);
        }
        if !whole.is_empty() {
            // One more, since each finds itself, unless that many equal points come before it.
            let among_all = nearest(points, &rows(points, dimension, &whole), dimension, k + 1)?;
            for (row, &point) in whole.iter().enumerate() {
                let others: Vec<u32> =
                    among_all.of(row).iter().copied().filter(|&other| other != point).take(k).collect();
                put(point, measure(points, coordinates(point), &others, k));
            }
        }
        let nearest_new = match k.min(new.len()) {
            0 => None,
            most => Some(nearest(&fresh, &rows(points, dimension, &complete), dimension, most)?),
        };
        let merged: Vec<Vec<(f64, u32)>> = complete
            .par_iter()
            .enumerate()
            .map(|(row, &point)| {
                let added = nearest_new.iter().flat_map(|found| found.of(row)).map(|&at| new[at as usize]);
                let candidates: Vec<u32> =
                    kept[point as usize].iter().flatten().copied().chain(added).collect();
                measure(points, coordinates(point), &candidates, k)
            })
            .collect();
        complete.iter().zip(merged).for_each(|(&point, measured)| put(point, measured));
        Ok(found)
    }
}

fn rows(points: &[f32], dimension: usize, of: &[u32]) -> Vec<f32> {
    of.iter().flat_map(|&point| &points[point as usize * dimension..][..dimension]).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::super::squared_distance;
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// What is exchanged is what a search from scratch finds, up to points that are equally far away.
        #[test]
        fn exchanging_is_searching_anew(
            before in 5_usize..40,
            kept in proptest::collection::vec(any::<bool>(), 40),
            added in 0_usize..12,
            coordinates in proptest::collection::vec(-3_i8..3, 52 * 2),
            turn in any::<usize>(),
            k in 1_usize..4,
        ) {
            let point = |at: usize| [f32::from(coordinates[2 * at]), f32::from(coordinates[2 * at + 1])];
            let old: Vec<f32> = (0..before).flat_map(point).collect();
            let mut from: Vec<Option<usize>> = (0..before).filter(|&at| kept[at]).map(Some).collect();
            from.extend((0..added).map(|_| None));
            let n = from.len();
            prop_assume!(n > k);
            from.rotate_left(turn % n);
            let mut next = before;
            let points: Vec<f32> = from
                .iter()
                .flat_map(|old| point(old.unwrap_or_else(|| { next += 1; next - 1 })))
                .collect();
            let neighbours = nearest_others(&old, 2, k).unwrap();
            let found = neighbours.exchanged(&points, 2, &from).unwrap();
            prop_assert_eq!(&found.distances, &nearest_others(&points, 2, k).unwrap().distances);
            for (point, row) in points.chunks(2).enumerate() {
                let mut others = found.of(point).to_vec();
                for (&other, &distance) in others.iter().zip(&found.distances[point * k..]) {
                    let place = &points[2 * other as usize..][..2];
                    prop_assert_eq!(squared_distance(row, place).sqrt() as f32, distance);
                }
                others.sort_unstable();
                others.dedup();
                prop_assert!(others.len() == k && !others.contains(&(point as u32)));
            }
        }
    }

    #[test]
    fn origins_that_do_not_fit_are_refused() {
        let neighbours = nearest_others(&[0.0, 1.0, 3.0], 1, 1).unwrap();
        for from in [&[Some(0)][..], &[Some(0), Some(0)], &[Some(0), Some(3)]] {
            assert!(neighbours.exchanged(&[0.0, 1.0], 1, from).is_err(), "{from:?}");
        }
        assert!(neighbours.exchanged(&[0.0], 1, &[Some(0)]).is_err());
    }
}
