use super::*;
use crate::quality::preservation;
use crate::random::Random;
use crate::{Tsne, TsneConfig};
use proptest::prelude::*;

/// Groups of points in four dimensions, of falling size.
fn groups(n: usize, seed: u64) -> Vec<f32> {
    let mut random = Random::new(seed, 0);
    let mut value = |i: usize, column: usize| {
        let group = (i as f64).sqrt() as usize % 4;
        random.symmetric() as f32 + if group == column { 5.0 } else { 0.0 }
    };
    (0..n * 4).map(|place| value(place / 4, place % 4)).collect()
}

fn hierarchy(n: usize, seed: u64, scales: usize) -> Hsne {
    Hsne::of_points(&Points::new(&groups(n, seed), 4).unwrap(), scales, 5.0).unwrap()
}

fn dense(matrix: &Sparse) -> Vec<Vec<f64>> {
    let row = |i: usize| {
        let mut row = vec![0.0; matrix.columns()];
        for (j, value) in matrix.pairs(i) {
            row[j] = f64::from(value);
        }
        row
    };
    (0..matrix.rows()).map(row).collect()
}

/// Probabilities of first landmarks, by solving (1 - T_NN) I_N = T_NL with Gauss-Jordan elimination; then I_L = T_LL +
/// T_LN I_N.
fn influence_by_elimination(transitions: &Sparse, landmarks: &[u32]) -> Vec<Vec<f64>> {
    let t = dense(transitions);
    let n = t.len();
    let others: Vec<usize> = (0..n).filter(|&i| landmarks.binary_search(&(i as u32)).is_err()).collect();
    let mut system: Vec<Vec<f64>> = others
        .iter()
        .map(|&i| {
            let left = others.iter().map(|&k| f64::from(u8::from(k == i)) - t[i][k]);
            left.chain(landmarks.iter().map(|&j| t[i][j as usize])).collect()
        })
        .collect();
    for pivot in 0..others.len() {
        let best =
            (pivot..others.len()).max_by(|&a, &b| system[a][pivot].abs().total_cmp(&system[b][pivot].abs()));
        system.swap(pivot, best.unwrap());
        let scale = system[pivot][pivot];
        system[pivot].iter_mut().for_each(|x| *x /= scale);
        let row = system[pivot].clone();
        for (_, other) in system.iter_mut().enumerate().filter(|&(i, _)| i != pivot) {
            let factor = other[pivot];
            other.iter_mut().zip(&row).for_each(|(x, y)| *x -= factor * y);
        }
    }
    let from_others = |k: usize, j: usize| system[k][others.len() + j];
    let share = |i: usize, j: usize| match others.binary_search(&i) {
        Ok(place) => from_others(place, j),
        Err(_) => {
            let through = others.iter().enumerate().map(|(place, &k)| t[i][k] * from_others(place, j));
            t[i][landmarks[j] as usize] + through.sum::<f64>()
        }
    };
    (0..n).map(|i| (0..landmarks.len()).map(|j| share(i, j)).collect()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn influence_is_the_probability_of_the_first_landmark(n in 30..120_usize, seed in any::<u64>()) {
        let hierarchy = hierarchy(n, seed, 2);
        let transitions = &hierarchy.scales()[0].transitions;
        let top = hierarchy.top();
        let found = dense(top.influence.as_ref().unwrap());
        let expected = influence_by_elimination(transitions, &top.below);
        // Found by random walks: every point's shares scatter, and all points' together hardly.
        let mut total = 0.0;
        for (found, expected) in found.iter().zip(&expected) {
            prop_assert!((found.iter().sum::<f64>() - 1.0).abs() < 1e-5);
            let miss: f64 = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).sum();
            prop_assert!(miss < 0.4, "{miss}");
            total += miss;
        }
        prop_assert!(total < 0.08 * n as f64, "{}", total / n as f64);
    }

    #[test]
    fn scales_nest_and_weights_add_up(n in 30..400_usize, seed in any::<u64>()) {
        let hierarchy = hierarchy(n, seed, 3);
        for pair in hierarchy.scales().windows(2) {
            let (below, scale) = (&pair[0], &pair[1]);
            prop_assert!(scale.len() < below.len() && scale.below.is_sorted());
            for (index, &place) in scale.indices.iter().zip(&scale.below) {
                prop_assert_eq!(*index, below.indices[place as usize]);
            }
            prop_assert!((scale.weights.iter().sum::<f64>() - n as f64).abs() < 1e-3 * n as f64);
            prop_assert!(scale.weights.iter().all(|&weight| weight > 0.0));
            for i in 0..scale.len() {
                let (columns, values) = scale.transitions.row(i);
                prop_assert!(!columns.contains(&(i as u32)));
                prop_assert!(columns.is_empty() || (values.iter().sum::<f32>() - 1.0).abs() < 1e-4);
            }
        }
    }

    #[test]
    fn transitions_between_landmarks_are_shared_influence(n in 30..120_usize, seed in any::<u64>()) {
        let hierarchy = hierarchy(n, seed, 2);
        let top = hierarchy.top();
        let influence = dense(top.influence.as_ref().unwrap());
        let found = dense(&top.transitions);
        for i in 0..top.len() {
            let shared = |j: usize| if i == j { 0.0 } else { influence.iter().map(|row| row[i] * row[j]).sum::<f64>() };
            let total: f64 = (0..top.len()).map(shared).sum();
            for (j, found) in found[i].iter().enumerate() {
                let expected = if total > 0.0 { shared(j) / total } else { 0.0 };
                prop_assert!((found - expected).abs() < 0.02);
            }
        }
    }
}

#[test]
fn all_points_are_placed_near_their_landmarks() {
    let values = groups(1500, 1);
    let points = Points::new(&values, 4).unwrap();
    let hierarchy = Hsne::of_points(&points, 2, 10.0).unwrap();
    let top = hierarchy.top();
    let selected: Vec<f32> = top.indices.iter().flat_map(|&i| points.row(i as usize)).copied().collect();
    let landmarks = Points::new(&selected, 4).unwrap();
    let config = TsneConfig { iterations: 500, ..TsneConfig::default() };
    let start = crate::pca_map(&landmarks).unwrap();
    let mut tsne = Tsne::new(top.affinities().unwrap(), &start, config).unwrap();
    tsne.run_while(|_| true);
    assert!(preservation(&landmarks, tsne.map(), 10).unwrap() > 0.4);
    let placed = hierarchy.place_all(1, tsne.map()).unwrap();
    for (&index, place) in top.indices.iter().zip(tsne.map()) {
        assert_eq!(placed[index as usize], *place);
    }
    assert!(preservation(&points, &placed, 10).unwrap() > 0.1);
}

#[test]
fn a_selection_stands_for_its_group() {
    let hierarchy = hierarchy(900, 2, 3);
    let group = |index: u32| (f64::from(index)).sqrt() as usize % 4;
    let top = hierarchy.top();
    let selection: Vec<usize> = (0..top.len()).filter(|&i| group(top.indices[i]) == 1).collect();
    let data = hierarchy.data_of(2, &selection).unwrap();
    let expected: Vec<usize> = (0..900).filter(|&i| group(i as u32) == 1).collect();
    assert_eq!(data, expected);
    let map: Vec<[f32; 2]> = top.indices.iter().map(|&i| [group(i) as f32, 0.0]).collect();
    let part = hierarchy.drill_in(2, &selection, &map).unwrap();
    assert!(part.points.iter().all(|&i| group(hierarchy.scales()[1].indices[i]) == 1));
    assert!(part.start.iter().all(|place| (place[0] - 1.0).abs() < 1e-5));
    assert_eq!((part.affinities.len(), part.start.len()), (part.points.len(), part.points.len()));
}

#[test]
fn the_number_of_threads_does_not_matter() {
    let found = [1, 2, 4].map(|threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| hierarchy(600, 3, 3))
    });
    assert!(found[0] == found[1] && found[0] == found[2]);
}

#[test]
fn degenerate_data_have_a_hierarchy() {
    let of = |values: &[f32], d| Hsne::of_points(&Points::new(values, d).unwrap(), 3, 5.0);
    assert_eq!(of(&[], 2), Err(EmbedError::Empty { least: 1 }));
    assert_eq!(of(&[1.0, 2.0], 2).unwrap().scales().len(), 1);
    let mut islands: Vec<f32> = groups(100, 1);
    islands[200..].iter_mut().for_each(|x| *x += 1e4);
    let inputs: [(&[f32], usize); 4] =
        [(&[1.0, 2.0], 1), (&[3.0; 60], 2), (&islands, 4), (&groups(12, 1), 4)];
    for (values, d) in inputs {
        let hierarchy = of(values, d).unwrap();
        let n = values.len() / d;
        for (scale, content) in hierarchy.scales().iter().enumerate() {
            assert!((content.weights.iter().sum::<f64>() - n as f64).abs() < 1e-3 * n as f64);
            let placed = hierarchy.place_all(scale, &vec![[1.0, 2.0]; content.len()]).unwrap();
            assert!(
                placed.iter().all(|place| (place[0] - 1.0).abs() < 1e-5 && (place[1] - 2.0).abs() < 1e-5)
            );
        }
    }
}

#[test]
fn impossible_requests_are_refused() {
    let hierarchy = hierarchy(60, 1, 2);
    let map = vec![[0.0; 2]; hierarchy.top().len()];
    assert!(matches!(hierarchy.place_all(2, &map), Err(EmbedError::Parameter { name: "scale", .. })));
    assert!(matches!(hierarchy.place_all(1, &[]), Err(EmbedError::Length { .. })));
    assert!(matches!(hierarchy.drill_in(1, &[], &map), Err(EmbedError::Empty { .. })));
    assert!(matches!(hierarchy.drill_in(1, &[60], &map), Err(EmbedError::Parameter { .. })));
    assert!(matches!(hierarchy.drill_in(0, &[1], &[[0.0; 2]; 60]), Err(EmbedError::Parameter { .. })));
    assert!(matches!(hierarchy.data_of(1, &[60]), Err(EmbedError::Parameter { .. })));
    let points = Points::new(&[1.0, 2.0], 1).unwrap();
    assert!(matches!(Hsne::of_points(&points, 0, 5.0), Err(EmbedError::Parameter { name: "scales", .. })));
}
