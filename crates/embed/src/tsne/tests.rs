use super::*;
use crate::quality::{displacement, preservation};
use proptest::prelude::*;

fn cloud(n: usize, dimension: usize, seed: u64) -> Vec<f32> {
    let mut random = Random::new(seed, 0);
    (0..n * dimension).map(|_| (0..4).map(|_| random.symmetric()).sum::<f64>() as f32).collect()
}

fn plane(n: usize, scale: f32, seed: u64) -> Vec<[f32; 2]> {
    cloud(n, 2, seed).as_chunks::<2>().0.iter().map(|point| point.map(|x| x * scale)).collect()
}

/// Ten groups of points in ten dimensions.
fn groups(n: usize, seed: u64) -> Vec<f32> {
    let mut values = cloud(n, 10, seed);
    for (i, row) in values.chunks_mut(10).enumerate() {
        row[i % 10] += 8.0;
    }
    values
}

/// Root mean square of the differences of two fields of forces, as a share of that of the second.
fn mismatch(found: &[[f32; 2]], expected: &[[f32; 2]]) -> f64 {
    let square = |x: f32| f64::from(x).powi(2);
    let pairs = found.as_flattened().iter().zip(expected.as_flattened());
    let miss: f64 = pairs.map(|(a, b)| square(a - b)).sum();
    (miss / expected.as_flattened().iter().map(|&x| square(x)).sum::<f64>()).sqrt()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn repulsion_of_all_pairs_is_its_sum(n in 257..400_usize, exponent in -4.0..2.5_f32, seed in any::<u64>()) {
        let map = plane(n, 10_f32.powf(exponent), seed);
        let (found, expected) = (exact::repulsion(&map), exact::plain(&map));
        prop_assert!(mismatch(&found.forces, &expected.forces) < 1e-4);
        prop_assert!((found.total / expected.total - 1.0).abs() < 1e-4);
    }

    #[test]
    fn repulsion_on_a_grid_is_its_sum(n in 200..700_usize, exponent in -0.5..6.0_f32, seed in any::<u64>()) {
        // Maps have about one point a unit of area; thinner ones have weaker forces beside the same error.
        let density = 10_f32.powf(exponent);
        let map = plane(n, (n as f32 / density).sqrt() / 4.0, seed);
        let (found, expected) = (Grid::default().repulsion(&map), exact::plain(&map));
        let mismatch = mismatch(&found.forces, &expected.forces);
        prop_assert!(mismatch < 0.05, "{density}: {mismatch}");
        prop_assert!((found.total / expected.total - 1.0).abs() < 0.003, "{} {}", found.total, expected.total);
    }

    #[test]
    fn the_gradient_is_that_of_the_divergence(n in 3..24_usize, seed in any::<u64>()) {
        let values = cloud(n, 4, seed);
        let affinities = Affinities::of_points(&Points::new(&values, 4).unwrap(), 3.0).unwrap();
        let mut tsne = Tsne::new(affinities, &plane(n, 1.0, seed ^ 1), TsneConfig::default()).unwrap();
        tsne.map = plane(n, 1.0, seed ^ 1);
        tsne.set_exaggeration(1.0);
        let gradient = tsne.gradient();
        for i in 0..n {
            for axis in 0..2 {
                let along = |step: f32| {
                    let mut map = tsne.map.clone();
                    map[i][axis] += step;
                    kl_divergence(&tsne.affinities, &map).unwrap()
                };
                let slope = (along(1e-2) - along(-1e-2)) / 2e-2;
                prop_assert!((f64::from(gradient[i][axis]) - slope).abs() < 1e-4);
            }
        }
    }
}

#[test]
fn a_grid_is_kept_while_it_fits_and_one_for_far_points_is_coarser() {
    let mut grid = Grid::default();
    for scale in [1.0, 3.0, 12.0, 11.0, 1.0] {
        let map = plane(1000, scale, 1);
        assert!(mismatch(&grid.repulsion(&map).forces, &exact::plain(&map).forces) < 0.05);
    }
    let mut far = plane(300, 1.0, 1);
    far[0] = [1e6, -1e6];
    let found = grid.repulsion(&far);
    assert!(found.forces.iter().flatten().all(|x| x.is_finite()) && found.total.is_finite());
}

#[test]
fn the_divergence_is_its_definition_whatever_the_exaggeration() {
    let values = cloud(40, 3, 2);
    let mut tsne = Tsne::from_points(&Points::new(&values, 3).unwrap(), TsneConfig::default()).unwrap();
    tsne.map = plane(40, 1.0, 3);
    let kernel = |i: usize, j: usize| {
        let [x, y] = [0, 1].map(|axis| f64::from(tsne.map[i][axis] - tsne.map[j][axis]));
        if i == j { 0.0 } else { 1.0 / (1.0 + x * x + y * y) }
    };
    let total: f64 = (0..40).flat_map(|i| (0..40).map(move |j| (i, j))).map(|(i, j)| kernel(i, j)).sum();
    let pairs =
        (0..40).flat_map(|i| tsne.affinities.joint().pairs(i).map(move |(j, p)| (i, j, f64::from(p))));
    let expected: f64 = pairs.map(|(i, j, p)| p * (p / (kernel(i, j) / total)).ln()).sum();
    assert!((tsne.kl_divergence() - expected).abs() < 1e-5);
    tsne.set_exaggeration(4.0);
    assert!((tsne.kl_divergence() - expected).abs() < 1e-5);
}

#[test]
fn groups_are_kept_together_and_the_divergence_falls() {
    let values = groups(300, 1);
    let points = Points::new(&values, 10).unwrap();
    let mut tsne =
        Tsne::from_points(&points, TsneConfig { perplexity: 10.0, ..TsneConfig::default() }).unwrap();
    let first = tsne.kl_divergence();
    tsne.run_while(|report| report.iteration < 300);
    assert!(!tsne.report().finished);
    let between = tsne.kl_divergence();
    tsne.run_while(|_| true);
    let last = tsne.kl_divergence();
    assert!(tsne.report().finished && last < between && between < first, "{first} {between} {last}");
    let near = Points::of_map(tsne.map()).unwrap().neighbours(5).unwrap();
    let strangers = (0..300).flat_map(|i| near.of(i).iter().map(move |&j| (i, j as usize)));
    assert_eq!(strangers.filter(|(i, j)| i % 10 != j % 10).count(), 0);
    assert!(preservation(&points, tsne.map(), 10).unwrap() > 0.5);
}

#[test]
fn the_number_of_threads_does_not_matter() {
    let values = groups(EXACT + 100, 4);
    for n in [300, EXACT + 100] {
        let maps = [1, 2, 4].map(|threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let points = Points::new(&values[..n * 10], 10).unwrap();
                let mut tsne = Tsne::from_points(&points, TsneConfig::default()).unwrap();
                tsne.run_while(|report| report.iteration < 15);
                tsne.map().to_vec()
            })
        });
        assert!(maps[0] == maps[1] && maps[0] == maps[2]);
    }
}

#[test]
fn resetting_repeats_the_run() {
    let values = groups(60, 1);
    let config = TsneConfig { perplexity: 5.0, seed: 9, ..TsneConfig::default() };
    let mut tsne = Tsne::from_points(&Points::new(&values, 10).unwrap(), config).unwrap();
    tsne.run_while(|report| report.iteration < 20);
    let first = tsne.map().to_vec();
    tsne.reset();
    assert_eq!(tsne.report().iteration, 0);
    tsne.run_while(|report| report.iteration < 20);
    assert_eq!(tsne.map(), first);
}

#[test]
fn degenerate_points_have_a_finite_map() {
    let map = |values: &[f32], dimension: usize| {
        let config = TsneConfig { iterations: 300, ..TsneConfig::default() };
        let mut tsne = Tsne::from_points(&Points::new(values, dimension)?, config)?;
        tsne.run_while(|_| true);
        assert!(tsne.kl_divergence().is_finite());
        Ok::<_, EmbedError>(tsne.map().to_vec())
    };
    assert_eq!(map(&[], 3), Err(EmbedError::Empty { least: 1 }));
    let copies: Vec<f32> = cloud(10, 4, 1).chunks(4).flat_map(|row| row.repeat(20)).collect();
    let huge: Vec<f32> = cloud(30, 2, 1).iter().map(|x| x * 1e37).collect();
    let inputs: [(&[f32], usize); 7] = [
        (&[1.0, 2.0], 2),
        (&[1.0, 2.0], 1),
        (&[1.0, 2.0, 4.0], 1),
        (&[3.0; 40], 2),
        (&copies, 4),
        (&huge, 2),
        (&cloud(12, 5, 2), 5),
    ];
    for (values, dimension) in inputs {
        let map = map(values, dimension).unwrap();
        assert_eq!(map.len(), values.len() / dimension);
        assert!(map.iter().flatten().all(|x| x.is_finite()));
    }
    let config = TsneConfig { momentum: 1.0, ..TsneConfig::default() };
    let points = Points::new(&[1.0, 2.0], 1).unwrap();
    assert!(matches!(
        Tsne::from_points(&points, config),
        Err(EmbedError::Parameter { name: "momentum", .. })
    ));
}

fn settled(values: &[f32]) -> Tsne {
    let points = Points::new(values, 10).unwrap();
    let config = TsneConfig { perplexity: 10.0, iterations: 500, ..TsneConfig::default() };
    let mut tsne = Tsne::from_points(&points, config).unwrap();
    tsne.run_while(|_| true);
    tsne
}

#[test]
fn unchanged_points_do_not_move() {
    let values = groups(200, 1);
    let mut tsne = settled(&values);
    let (before, affinities) = (tsne.map().to_vec(), tsne.affinities().clone());
    tsne.replace(affinities, &(0..200).map(Some).collect::<Vec<_>>()).unwrap();
    tsne.run_while(|_| true);
    assert_eq!(tsne.map(), before);
}

#[test]
fn survivors_stay_near_their_places_and_new_points_find_theirs() {
    let values = groups(500, 1);
    let mut tsne = settled(&values[..400 * 10]);
    let before = tsne.map().to_vec();
    // The first 100 points go, 100 new ones come.
    let points = Points::new(&values[100 * 10..], 10).unwrap();
    let from: Vec<Option<usize>> = (100..500).map(|i| (i < 400).then_some(i)).collect();
    tsne.replace(Affinities::of_points(&points, 10.0).unwrap(), &from).unwrap();
    tsne.run_while(|_| true);
    let moved = displacement(&before[100..], &tsne.map()[..300]).unwrap();
    assert!(moved.median < 0.05, "{moved:?}");
    let fresh = preservation(&points, settled(&values[100 * 10..]).map(), 10).unwrap();
    let kept = preservation(&points, tsne.map(), 10).unwrap();
    assert!(kept > 0.93 * fresh, "{kept} {fresh}");
}

#[test]
fn impossible_origins_are_refused() {
    let values = groups(20, 1);
    let points = Points::new(&values, 10).unwrap();
    let mut tsne = Tsne::from_points(&points, TsneConfig::default()).unwrap();
    let affinities = || Affinities::of_points(&points, 5.0).unwrap();
    assert!(matches!(tsne.replace(affinities(), &[None; 3]), Err(EmbedError::Length { .. })));
    assert!(matches!(tsne.replace(affinities(), &[Some(20); 20]), Err(EmbedError::Parameter { .. })));
    assert!(matches!(tsne.replace(affinities(), &[Some(1); 20]), Err(EmbedError::Parameter { .. })));
    tsne.replace(affinities(), &[None; 20]).unwrap();
    tsne.step();
    assert!(tsne.map().iter().flatten().all(|x| x.is_finite()));
}
