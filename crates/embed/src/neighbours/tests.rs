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

/// Groups of points in eight dimensions.
fn groups(n: usize) -> Vec<f32> {
    let mut random = crate::random::Random::new(4, 0);
    let value = |place: usize| {
        let (point, axis) = (place / 8, place % 8);
        random.symmetric() as f32 + if point % 7 == axis { 0.5 } else { 0.0 }
    };
    (0..n * 8).map(value).collect()
}

#[test]
fn an_approximate_search_finds_nearly_all() {
    let points = groups(6000);
    let (found, exact) = (near_others(&points, 8, 5).unwrap(), nearest_others(&points, 8, 5).unwrap());
    let hits = |i: usize| exact.of(i).iter().filter(|&j| found.of(i).contains(j)).count();
    let recall = (0..6000).map(hits).sum::<usize>() as f64 / 30_000.0;
    assert!(recall > 0.9 && recall < 1.0, "{recall}");
    for i in 0..6000 {
        let point = |i: usize| &points[i * 8..][..8];
        for (rank, &j) in found.of(i).iter().enumerate() {
            let distance = squared_distance(point(i), point(j as usize)).sqrt() as f32;
            assert!(j as usize != i && found.distances[i * 5 + rank] == distance);
        }
        assert!(found.distances[i * 5..][..5].is_sorted());
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    assert_eq!(pool.install(|| near_others(&points, 8, 5)).unwrap(), found);
}

#[test]
fn an_approximate_search_takes_what_an_exact_one_takes() {
    let few = groups(300);
    assert_eq!(near_others(&few, 8, 5), nearest_others(&few, 8, 5));
    let equal = near_others(&[3.0; 10_000], 2, 3).unwrap();
    assert!(equal.distances.iter().all(|&distance| distance == 0.0));
    assert!((0..5000).all(|i| !equal.of(i).contains(&(i as u32))));
    let mut islands = groups(5000);
    islands[20_000..].iter_mut().for_each(|x| *x += 1e6);
    let found = near_others(&islands, 8, 3).unwrap();
    assert!((0..5000).all(|i| found.of(i).iter().all(|&j| (j < 2500) == (i < 2500))));
    assert_eq!(near_others(&few, 8, 300), Err(NeighbourError::Count { k: 300, available: 299 }));
    assert!(matches!(near_others(&[f32::NAN], 1, 1), Err(NeighbourError::NotFinite { .. })));
}
