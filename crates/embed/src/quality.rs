//! How faithful a map is to the data, and how still it keeps.
//!
//! Neighbourhood measures: Venna & Kaski, "Neighborhood preservation in nonlinear projection methods" (ICANN 2001) for
//! trustworthiness and continuity; Venna et al., "Information retrieval perspective to nonlinear dimensionality
//! reduction" (JMLR 11, 2010) for precision and recall. Stress is Kruskal's (Psychometrika 29, 1964).

use crate::neighbours::{self, NeighbourError, Neighbours};
use crate::{Dissimilarities, EmbedError, Points, Sparse};
use rayon::prelude::*;

/// Mean share of each point's neighbours in the data that are among its neighbours in the map, in [0, 1].
///
/// Both neighbourhoods are of the same points and may differ in size.
///
/// # Errors
/// Where they are of different numbers of points, or of none.
pub fn recall(data: &Neighbours, map: &Neighbours) -> Result<f64, EmbedError> {
    shared(data, map, data.k)
}

/// Mean share of each point's neighbours in the map that are among its neighbours in the data, in [0, 1].
///
/// With neighbourhoods of one size this is [`recall`]: the k-nearest-neighbour preservation.
///
/// # Errors
/// Where they are of different numbers of points, or of none.
pub fn precision(data: &Neighbours, map: &Neighbours) -> Result<f64, EmbedError> {
    shared(data, map, map.k)
}

/// Mean share of the `k` nearest neighbours in the data that are the `k` nearest in the map.
///
/// # Errors
/// Where the inputs are of different numbers of points, or of no more than `k`.
pub fn preservation(data: &Points<'_>, map: &[[f32; 2]], k: usize) -> Result<f64, EmbedError> {
    EmbedError::unless_equal("points of the map", map.len(), data.len())?;
    recall(&data.neighbours(k)?, &Points::of_map(map)?.neighbours(k)?)
}

/// [`preservation`] over `sample` of the points, evenly spaced by index: each of them still chooses among all.
///
/// # Errors
/// As for [`preservation`].
pub fn sampled_preservation(
    data: &Points<'_>,
    map: &[[f32; 2]],
    k: usize,
    sample: usize,
) -> Result<f64, EmbedError> {
    EmbedError::unless_equal("points of the map", map.len(), data.len())?;
    let chosen = spread(data.len(), sample);
    recall(&nearest_of(data, &chosen, k)?, &nearest_of(&Points::of_map(map)?, &chosen, k)?)
}

/// Mean share of a point's nearest neighbours that the columns of its row hold, over `sample` of the points, evenly spaced
/// by index: what an approximate search for [`crate::transitions`] found. Rows without entries do not count.
///
/// # Errors
/// Where the rows are of another number of points.
pub fn search_recall(data: &Points<'_>, found: &Sparse, sample: usize) -> Result<f64, EmbedError> {
    EmbedError::unless_equal("rows of neighbours", found.rows(), data.len())?;
    let chosen: Vec<usize> =
        spread(data.len(), sample).into_iter().filter(|&i| !found.row(i).0.is_empty()).collect();
    let Some(most) = chosen.iter().map(|&i| found.row(i).0.len()).max() else { return Ok(1.0) };
    let nearest = nearest_of(data, &chosen, most)?;
    let share = |(query, &i): (usize, &usize)| {
        let columns = found.row(i).0;
        let expected = &nearest.of(query)[..columns.len()];
        let hits = expected.iter().filter(|&j| columns.binary_search(j).is_ok()).count();
        hits as f64 / columns.len() as f64
    };
    Ok(chosen.iter().enumerate().map(share).sum::<f64>() / chosen.len() as f64)
}

/// Up to `sample` of n indices, evenly spaced.
fn spread(n: usize, sample: usize) -> Vec<usize> {
    let count = sample.min(n);
    (0..count).map(|i| (i as u64 * n as u64 / count as u64) as usize).collect()
}

/// The `k` nearest other points of some points.
fn nearest_of(points: &Points<'_>, chosen: &[usize], k: usize) -> Result<Neighbours, EmbedError> {
    if k >= points.len() {
        return Err(NeighbourError::Count { k, available: points.len().saturating_sub(1) }.into());
    }
    let queries: Vec<f32> = chosen.iter().flat_map(|&i| points.row(i)).copied().collect();
    let found = neighbours::nearest(points.values(), &queries, points.dimension(), k + 1)?;
    let (mut indices, mut distances) = (Vec::new(), Vec::new());
    for (query, &own) in chosen.iter().enumerate() {
        let others = (0..=k).filter(|&rank| found.of(query)[rank] as usize != own).take(k);
        for rank in others {
            indices.push(found.of(query)[rank]);
            distances.push(found.distances[query * (k + 1) + rank]);
        }
    }
    Ok(Neighbours { k, indices, distances })
}

fn shared(one: &Neighbours, other: &Neighbours, k: usize) -> Result<f64, EmbedError> {
    let count = |neighbours: &Neighbours| neighbours.indices.len() / neighbours.k.max(1);
    let n = count(one);
    EmbedError::unless_equal("points with neighbours in the map", count(other), n)?;
    if n == 0 {
        return Err(EmbedError::Empty { least: 1 });
    }
    let common = |i: usize| one.of(i).iter().filter(|&j| other.of(i).contains(j)).count();
    let total: usize = (0..n).into_par_iter().map(common).sum();
    Ok(total as f64 / (n * k) as f64)
}

/// Trustworthiness of a map: 1 - 2 / (n k (2n - 3k - 1)) * sum over i and over the points j that are among the k nearest
/// of i in the map but not in the data, of (rank of j from i in the data) - k. In [0, 1]; 1 where no neighbour is false.
///
/// # Errors
/// Where the inputs are of different numbers of points, or `k` is not in 1..n/2.
pub fn trustworthiness(data: &Points<'_>, map: &Points<'_>, k: usize) -> Result<f64, EmbedError> {
    let n = data.len();
    EmbedError::unless_equal("points of the map", map.len(), n)?;
    if k == 0 || 2 * k >= n {
        let expected = "at least 1 and less than half the number of points";
        return Err(EmbedError::Parameter { name: "k", value: k as f64, expected });
    }
    let near = map.neighbours(k)?;
    let penalty = |i: usize| -> u64 {
        let distances: Vec<f64> = (0..n).map(|j| data.squared_distance(i, j)).collect();
        let before = |l: usize, j: usize| (distances[l], l) < (distances[j], j);
        let rank = |j: usize| 1 + (0..n).filter(|&l| l != i && before(l, j)).count();
        near.of(i).iter().map(|&j| rank(j as usize).saturating_sub(k) as u64).sum()
    };
    let total: u64 = (0..n).into_par_iter().map(penalty).sum();
    Ok(1.0 - 2.0 * total as f64 / (n as f64 * k as f64 * (2.0 * n as f64 - 3.0 * k as f64 - 1.0)))
}

/// Continuity of a map: [`trustworthiness`] with the roles exchanged; 1 where no neighbour is lost.
///
/// # Errors
/// As for [`trustworthiness`].
pub fn continuity(data: &Points<'_>, map: &Points<'_>, k: usize) -> Result<f64, EmbedError> {
    trustworthiness(map, data, k)
}

/// Normalised stress sqrt(sum w (d - delta)^2 / sum w delta^2) of a map, over the known pairs; 0 is perfect, 1 is a map
/// that is one point.
///
/// # Errors
/// Where the map has another number of points than the dissimilarities are of.
pub fn normalised_stress(dissimilarities: &Dissimilarities, map: &[[f32; 2]]) -> Result<f64, EmbedError> {
    EmbedError::unless_equal("points of the map", map.len(), dissimilarities.len())?;
    let (mut raw, mut norm) = (0.0, 0.0);
    for (i, j, delta, weight) in dissimilarities.pairs() {
        let [x, y] = [0, 1].map(|axis| f64::from(map[i][axis]) - f64::from(map[j][axis]));
        raw += weight * (x.hypot(y) - delta).powi(2);
        norm += weight * delta * delta;
    }
    Ok(if norm > 0.0 { (raw / norm).sqrt() } else { raw.sqrt() })
}

/// Root mean square distance of a map's points from their mean; 0 for no points.
pub fn radius(map: &[[f32; 2]]) -> f64 {
    if map.is_empty() {
        return 0.0;
    }
    let n = map.len() as f64;
    let mean = [0, 1].map(|axis| map.iter().map(|point| f64::from(point[axis])).sum::<f64>() / n);
    let square = |point: &[f32; 2]| -> f64 {
        [0, 1].map(|axis| (f64::from(point[axis]) - mean[axis]).powi(2)).iter().sum()
    };
    (map.iter().map(square).sum::<f64>() / n).sqrt()
}

/// How far points moved between two maps, as shares of the first map's [`radius`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Displacement {
    /// The median; of an even number of points the lower one.
    pub median: f64,
    /// The mean.
    pub mean: f64,
    /// The largest.
    pub largest: f64,
}

/// Displacement of the same points between two maps; align them first ([`crate::align`]) where rotation does not count.
/// A map without extent moves by 0 where it stays and by infinity where it does not.
///
/// # Errors
/// Where the maps differ in length or are empty.
pub fn displacement(before: &[[f32; 2]], after: &[[f32; 2]]) -> Result<Displacement, EmbedError> {
    EmbedError::unless_equal("points of the second map", after.len(), before.len())?;
    if before.is_empty() {
        return Err(EmbedError::Empty { least: 1 });
    }
    let radius = radius(before);
    let moved = |(from, to): (&[f32; 2], &[f32; 2])| {
        let distance = (f64::from(to[0]) - f64::from(from[0])).hypot(f64::from(to[1]) - f64::from(from[1]));
        if distance == 0.0 { 0.0 } else { distance / radius }
    };
    let mut shares: Vec<f64> = before.iter().zip(after).map(moved).collect();
    shares.sort_unstable_by(f64::total_cmp);
    let n = shares.len();
    Ok(Displacement {
        median: shares[(n - 1) / 2],
        mean: shares.iter().sum::<f64>() / n as f64,
        largest: shares[n - 1],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn plane(n: usize, values: &[f32]) -> Vec<[f32; 2]> {
        (0..n).map(|i| [values[2 * i], values[2 * i + 1]]).collect()
    }

    proptest! {
        #[test]
        fn a_map_is_faithful_to_itself(n in 8..60_usize, values in proptest::collection::vec(-9.0..9.0_f32, 120)) {
            let map = plane(n, &values);
            let points = Points::of_map(&map).unwrap();
            prop_assert_eq!(preservation(&points, &map, 3).unwrap(), 1.0);
            prop_assert_eq!(trustworthiness(&points, &points, 3).unwrap(), 1.0);
            prop_assert_eq!(continuity(&points, &points, 3).unwrap(), 1.0);
            let dissimilarities = Dissimilarities::of_points(&points);
            prop_assert!(normalised_stress(&dissimilarities, &map).unwrap() < 1e-6);
            prop_assert_eq!(displacement(&map, &map).unwrap(), Displacement { median: 0.0, mean: 0.0, largest: 0.0 });
        }

        #[test]
        fn a_sample_of_all_points_is_no_sample(values in proptest::collection::vec(-9.0..9.0_f32, 250), cut in 1..50_usize) {
            let (data, map) = (Points::new(&values[..150], 3).unwrap(), plane(50, &values[150..]));
            let whole = preservation(&data, &map, 5).unwrap();
            prop_assert_eq!(sampled_preservation(&data, &map, 5, 50).unwrap(), whole);
            prop_assert!((0.0..=1.0).contains(&sampled_preservation(&data, &map, 5, cut).unwrap()));
            let rows = data.neighbours(6).unwrap();
            prop_assert_eq!(search_recall(&data, &crate::transitions(&rows, 2.0), cut).unwrap(), 1.0);
        }

        #[test]
        fn precision_and_recall_count_the_same_pairs(values in proptest::collection::vec(-9.0..9.0_f32, 200)) {
            let (data, map) = (Points::new(&values[..120], 3).unwrap(), Points::new(&values[120..], 2).unwrap());
            let (data, map) = (data.neighbours(4).unwrap(), map.neighbours(10).unwrap());
            let pairs = 4.0 * recall(&data, &map).unwrap();
            prop_assert!((pairs - 10.0 * precision(&data, &map).unwrap()).abs() < 1e-12);
        }

        #[test]
        fn measures_are_shares(values in proptest::collection::vec(-9.0..9.0_f32, 200)) {
            let (data, map) = (Points::new(&values[..120], 3).unwrap(), Points::new(&values[120..], 2).unwrap());
            for k in [1, 5, 19] {
                prop_assert!((0.0..=1.0).contains(&trustworthiness(&data, &map, k).unwrap()));
                prop_assert!((0.0..=1.0).contains(&continuity(&data, &map, k).unwrap()));
            }
        }
    }

    #[test]
    fn a_false_neighbour_costs_its_rank() {
        // On a line 0 1 2 3 4 the last point is moved beside the first: 0 and 4 become false neighbours of rank 4,
        // 3 keeps 2, and 1 keeps 0.
        let data = [0.0, 1.1, 2.0, 3.0, 4.0];
        let map = [0.0, 1.1, 2.0, 3.0, -0.1];
        let (data, map) = (Points::new(&data, 1).unwrap(), Points::new(&map, 1).unwrap());
        let expected = 1.0 - 2.0 * (3.0 + 3.0) / (5.0 * 1.0 * (10.0 - 3.0 - 1.0));
        assert!((trustworthiness(&data, &map, 1).unwrap() - expected).abs() < 1e-12);
    }

    #[test]
    fn displacement_is_in_radii() {
        let before = [[-1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, -1.0]];
        let mut after = before;
        after[0][0] -= 0.5;
        let found = displacement(&before, &after).unwrap();
        assert_eq!((found.median, found.largest, found.mean), (0.0, 0.5, 0.125));
        assert_eq!(displacement(&[[1.0, 1.0]], &[[1.0, 2.0]]).unwrap().median, f64::INFINITY);
        assert_eq!(displacement(&[], &[]), Err(EmbedError::Empty { least: 1 }));
    }

    #[test]
    fn unequal_inputs_are_refused() {
        let points = Points::new(&[0.0, 1.0, 2.0], 1).unwrap();
        assert!(matches!(preservation(&points, &[[0.0; 2]], 1), Err(EmbedError::Length { .. })));
        assert!(matches!(trustworthiness(&points, &points, 2), Err(EmbedError::Parameter { name: "k", .. })));
        assert!(matches!(preservation(&points, &[[0.0; 2]; 3], 3), Err(EmbedError::Neighbours(_))));
    }
}
