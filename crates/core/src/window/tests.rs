use super::*;
use crate::{LayerMonitor, LayerSnapshot, perplexity, rectify_rows};
use proptest::prelude::*;
use std::collections::BTreeMap;

fn spec(filters: usize, grid: [usize; 2], rectify: Rectify) -> LayerSpec {
    LayerSpec {
        name: "conv1".to_owned(),
        kind: "conv2d".to_owned(),
        filters,
        grid,
        rectify,
        ..LayerSpec::default()
    }
}

fn config() -> AnalysisConfig {
    AnalysisConfig { sample_size: 40, ..AnalysisConfig::default() }
}

fn batch(step: u64, inputs: &[InputId]) -> Batch {
    Batch {
        step,
        inputs: inputs.into(),
        labels: inputs.iter().map(|input| (input % 4) as i32 - 1).collect(),
        predictions: inputs.iter().map(|input| (input % 3) as i32).collect(),
        ..Batch::default()
    }
}

fn maps(values: Vec<f32>, first: usize) -> Activations {
    Activations { layer: 0, values: Values::Maps { values, first } }
}

/// Steps of a small layer: the inputs of each with their maps.
#[derive(Debug, Clone)]
struct Course {
    filters: usize,
    grid: [usize; 2],
    steps: Vec<(Vec<InputId>, Vec<f32>)>,
}

prop_compose! {
    fn courses()(filters in 1..6_usize, height in 1..5_usize, width in 1..5_usize, inputs in proptest::collection::vec(1..5_usize, 1..5))(
        ids in proptest::collection::vec(proptest::collection::vec(0..30_i64, 5), inputs.len()),
        // Multiples of 1/8 below 64: sums are exact in any order.
        values in proptest::collection::vec(
            prop_oneof![1 => Just(f32::NAN), 40 => Just(0.0), 100 => (-200..500_i32).prop_map(|x| x as f32 / 8.0)],
            inputs.iter().sum::<usize>() * filters * height * width,
        ),
        filters in Just(filters), height in Just(height), width in Just(width), inputs in Just(inputs),
    ) -> Course {
        let mut rest = &values[..];
        let steps = inputs.iter().zip(ids).map(|(&count, ids)| {
            let (now, later) = rest.split_at(count * filters * height * width);
            rest = later;
            (ids[..count].to_vec(), now.to_vec())
        });
        let steps = steps.collect();
        Course { filters, grid: [height, width], steps }
    }
}

/// What a window gave, in a form in which equal means equal.
fn fields(window: &LayerWindow) -> impl PartialEq + std::fmt::Debug {
    let Totals { from, to, possible, sampled, instances, invalid, silent, .. } = window.totals;
    let totals = &window.totals;
    let inputs: std::collections::BTreeSet<InputId> = totals.inputs.iter().copied().collect();
    let mut settled = totals.sketch.clone();
    settled.settle();
    let sketch: Vec<(f64, f64)> = (0..window.shape.filters)
        .map(|filter| settled.filter(filter))
        .map(|sketch| (sketch.quantile(0.5), sketch.share_above(3.0)))
        .collect();
    (
        (from, to, possible, sampled, instances, invalid, silent, inputs),
        (totals.counts.clone(), totals.perplexities.clone(), totals.maxima.clone(), totals.sums.clone()),
        (
            totals.affinity.clone(),
            totals.sketch.instances(),
            sketch,
            totals.sample.clone().map(Reservoir::into_sample),
        ),
        (totals.perplexity_sum * 1e3).round(),
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn parts_merge_to_the_whole_over_any_split(course in courses(), by_input: bool, parts in 1..4_usize) {
        let spec = spec(course.filters, course.grid, Rectify::Relu);
        let open = || LayerWindow::new(&spec, 0, &config());
        let mut whole = open();
        let mut split: Vec<LayerWindow> = (0..parts).map(|_| open()).collect();
        let size = course.filters * spec.positions();
        for (step, (ids, values)) in course.steps.iter().enumerate() {
            let batch = batch(step as u64 + 1, ids);
            whole.observe(&batch, &maps(values.clone(), 0)).unwrap();
            for (first, values) in values.chunks(size).enumerate() {
                let part = if by_input { first } else { step } % parts;
                split[part].observe(&batch, &maps(values.to_vec(), first)).unwrap();
            }
        }
        let mut merged = split.pop().unwrap();
        for part in &split {
            merged.merge(part).unwrap();
        }
        prop_assert_eq!(fields(&merged), fields(&whole));
    }

    #[test]
    fn a_part_without_a_sample_leaves_the_rest_and_takes_the_sample(course in courses()) {
        let spec = spec(course.filters, course.grid, Rectify::Relu);
        let (mut whole, mut sampled) = (LayerWindow::new(&spec, 0, &config()), LayerWindow::new(&spec, 0, &config()));
        let mut other = LayerWindow::without_sample(&spec, 0, &config());
        for (step, (ids, values)) in course.steps.iter().enumerate() {
            let batch = batch(step as u64 + 1, ids);
            whole.observe(&batch, &maps(values.clone(), 0)).unwrap();
            let part = if step % 2 == 0 { &mut other } else { &mut sampled };
            part.observe(&batch, &maps(values.clone(), 0)).unwrap();
        }
        sampled.merge(&other).unwrap();
        let has_sample = [&whole, &sampled, &other].map(|window| window.totals.sample.is_some());
        prop_assert_eq!(has_sample, [true, false, false]);
        whole.totals.sample = None;
        prop_assert_eq!(fields(&sampled), fields(&whole));
    }

    #[test]
    fn pauses_tell_all_values_and_change_nothing(course in courses()) {
        let spec = spec(course.filters, course.grid, Rectify::Relu);
        let (mut whole, mut paused) = (LayerWindow::new(&spec, 0, &config()), LayerWindow::new(&spec, 0, &config()));
        for (step, (ids, values)) in course.steps.iter().enumerate() {
            let (batch, activations) = (batch(step as u64 + 1, ids), maps(values.clone(), 0));
            whole.observe(&batch, &activations).unwrap();
            let mut told = vec![];
            paused.observe_pausing(&batch, &activations, |values| told.push(values)).unwrap();
            prop_assert_eq!((told.len(), told.iter().sum::<usize>()), (ids.len(), values.len()));
        }
        prop_assert_eq!(fields(&paused), fields(&whole));
    }

    #[test]
    fn rows_and_maps_say_the_same(course in courses(), all in prop_oneof![Just(1.0), Just(0.5)]) {
        let spec = spec(course.filters, course.grid, Rectify::Relu);
        let config = AnalysisConfig { position_share: all, ..config() };
        let (mut of_maps, mut of_rows) = (LayerWindow::new(&spec, 0, &config), LayerWindow::new(&spec, 0, &config));
        let area = spec.positions();
        for (step, (ids, values)) in course.steps.iter().enumerate() {
            let batch = batch(step as u64 + 1, ids);
            of_maps.observe(&batch, &maps(values.clone(), 0)).unwrap();
            let (mut rows, mut inputs, mut positions) = (Vec::new(), Vec::new(), Vec::new());
            for (place, maps) in values.chunks(course.filters * area).enumerate() {
                let key = hash([config.seed, 0, batch.step, place as u64, POSITIONS_KEY]);
                let mut drawn = Vec::new();
                PositionSampler::new(area, positions_per_input(all, area)).draw(key, &mut drawn);
                for position in drawn {
                    rows.extend((0..course.filters).map(|filter| maps[filter * area + position as usize]));
                    inputs.push(place as u32);
                    positions.push(position);
                }
            }
            let values = Values::Rows { values: rows, inputs, positions };
            of_rows.observe(&batch, &Activations { layer: 0, values }).unwrap();
        }
        // Perplexities are summed over lanes in another order: the mean agrees, bins at their edges may not.
        let (maps, rows) = (&of_maps.totals, &of_rows.totals);
        prop_assert_eq!((maps.sampled, maps.instances, maps.silent), (rows.sampled, rows.instances, rows.silent));
        prop_assert_eq!((&maps.maxima, &maps.sums, &maps.affinity), (&rows.maxima, &rows.sums, &rows.affinity));
        prop_assert_eq!(maps.sample.clone().map(Reservoir::into_sample), rows.sample.clone().map(Reservoir::into_sample));
        prop_assert_eq!(maps.sketch.instances(), rows.sketch.instances());
        prop_assert!((maps.perplexity_sum - rows.perplexity_sum).abs() < 1e-3);
    }

    /// Everything that a window says about all positions, against the plain formulas.
    #[test]
    fn equals_the_formulas(course in courses()) {
        let spec = spec(course.filters, course.grid, Rectify::Relu);
        let config = AnalysisConfig { position_share: 1.0, ..config() };
        let mut window = LayerWindow::new(&spec, 0, &config);
        let area = spec.positions();
        let mut raw = Vec::new();
        for (step, (ids, values)) in course.steps.iter().enumerate() {
            window.observe(&batch(step as u64 + 1, ids), &maps(values.clone(), 0)).unwrap();
            for maps in values.chunks(course.filters * area) {
                for position in 0..area {
                    raw.extend((0..course.filters).map(|filter| maps[filter * area + position]));
                }
            }
        }
        let rectified = rectify_rows(Rectify::Relu, &raw, course.filters).unwrap();
        let rows: Vec<&[f32]> = rectified.values.chunks(course.filters).collect();
        let perplexities: Vec<f64> = rows.iter().filter_map(|row| perplexity(row)).collect();
        let totals = &window.totals;
        prop_assert_eq!(totals.invalid, rectified.invalid);
        prop_assert_eq!(totals.instances, rows.len() as u64);
        prop_assert_eq!(totals.silent, (rows.len() - perplexities.len()) as u64);
        prop_assert!((totals.perplexity_sum - perplexities.iter().sum::<f64>()).abs() < 1e-3);
        for filter in 0..course.filters {
            let of_filter = || rows.iter().map(|row| row[filter]);
            prop_assert_eq!(totals.maxima[filter], of_filter().fold(0.0, f32::max));
            prop_assert_eq!(totals.sums[filter], of_filter().map(f64::from).sum::<f64>());
        }
    }
}

#[test]
fn what_does_not_fit_is_refused_and_changes_nothing() {
    let spec = spec(2, [1, 3], Rectify::None);
    let mut window = LayerWindow::new(&spec, 0, &config());
    let batch_of_two = batch(1, &[4, 5]);
    let rows = |values: Vec<f32>, inputs: Vec<u32>, positions: Vec<u32>| Activations {
        layer: 0,
        values: Values::Rows { values, inputs, positions },
    };
    let refused = [
        maps(vec![0.0; 7], 0),
        maps(vec![0.0; 12], 1),
        maps(vec![0.0; 6], usize::MAX),
        maps(vec![-1.0; 6], 0),
        rows(vec![0.0; 3], vec![0], vec![0]),
        rows(vec![0.0; 2], vec![0, 1], vec![0]),
        rows(vec![0.0; 2], vec![2], vec![0]),
        rows(vec![0.0; 2], vec![1], vec![3]),
        Activations { layer: 1, values: Values::Maps { values: vec![0.0; 6], first: 0 } },
    ];
    for activations in refused {
        assert!(window.observe(&batch_of_two, &activations).is_err(), "{activations:?}");
    }
    let labels = Batch { labels: [1].into(), ..batch(1, &[4, 5]) };
    assert!(window.observe(&labels, &maps(vec![0.0; 6], 0)).is_err());
    let empty = LayerSpec { filters: 0, ..spec.clone() };
    assert!(LayerWindow::new(&empty, 0, &config()).observe(&batch_of_two, &maps(Vec::new(), 0)).is_err());
    assert!(window.is_empty() && window.steps().is_none());
    let other = LayerWindow::new(&LayerSpec { filters: 3, ..spec }, 0, &config());
    assert!(window.merge(&other).is_err());
    window.observe(&batch_of_two, &maps(vec![1.0; 12], 0)).unwrap();
    assert_eq!(window.steps(), Some((1, 1)));
}

/// Closes `windows` windows of 4 steps of 64 inputs on a 2 x 2 grid; `value` gives an activation.
fn run(
    monitor: &mut LayerMonitor,
    windows: u64,
    value: impl Fn(u64, i64, usize) -> f32,
) -> Vec<LayerSnapshot> {
    (0..windows)
        .map(|_| {
            let start = monitor.windows() * 4 + 1;
            let mut window = monitor.open();
            for step in start..start + 4 {
                let ids: Vec<InputId> = (0..64).map(|place| (step as i64 * 64 + place) % 400).collect();
                let values = ids.iter().flat_map(|&id| {
                    let value = &value;
                    (0..3)
                        .flat_map(move |filter| (0..4).map(move |place| value(step, id * 4 + place, filter)))
                });
                window.observe(&batch(step, &ids), &maps(values.collect(), 0)).unwrap();
            }
            monitor.close(window, true)
        })
        .collect()
}

fn random(instance: i64, filter: usize) -> f32 {
    (hash([instance as u64, filter as u64]) >> 40) as f32 / (1 << 24) as f32
}

#[test]
fn a_monitor_follows_a_filter_that_dies_and_revives() {
    let spec = spec(3, [2, 2], Rectify::Relu);
    let config = AnalysisConfig { position_share: 1.0, ..AnalysisConfig::default() };
    let mut monitor = LayerMonitor::new(&spec, 0, &config);
    // Windows of 4 steps: filter 0 is silent in windows 1 and 2, filter 2 has halved from window 2 on.
    let snapshots = run(&mut monitor, 4, |step, instance, filter| {
        let window = (step - 1) / 4;
        match filter {
            0 if window == 1 || window == 2 => -1.0,
            2 if window >= 2 => 0.5 * random(instance, filter),
            _ => random(instance, filter),
        }
    });
    let states: Vec<Vec<crate::FilterState>> = snapshots
        .iter()
        .map(|snapshot| snapshot.statistics.filters.iter().map(|filter| filter.state).collect())
        .collect();
    use crate::FilterState::{Alive, Dead, Weakening};
    assert_eq!(states[0], [Alive, Alive, Alive]);
    assert_eq!(states[2], [Dead, Alive, Weakening]);
    assert_eq!(states[3], [Alive, Alive, Weakening]);
    let dead = snapshots[2]
        .statistics
        .findings
        .iter()
        .find(|finding| finding.kind == crate::FindingKind::Dead)
        .unwrap();
    // Two windows of 256 inputs, which go round the 400 that there are.
    assert_eq!((dead.evidence["n"], dead.evidence["inputs"]), (2048.0, 400.0));
    assert_eq!((snapshots[0].drift, snapshots[0].noise, &snapshots[0].change), (None, None, &None));
    assert!(snapshots[1].drift.is_some() && snapshots[1].trend.is_some());
    assert_eq!((snapshots[3].from, snapshots[3].to), (13, 16));
    assert_eq!((snapshots[3].instances_possible, snapshots[3].instances_sampled), (1024, 1024));
}

#[test]
fn a_frozen_layer_is_stable_at_its_fourth_window_and_a_restored_monitor_goes_on() {
    let spec = spec(3, [2, 2], Rectify::Relu);
    let mut monitor = LayerMonitor::new(&spec, 0, &AnalysisConfig::default());
    let snapshots = run(&mut monitor, 3, |_, instance, filter| random(instance, filter));
    assert!(snapshots.iter().all(|snapshot| !snapshot.stable));
    let mut restored: LayerMonitor = serde_json::from_str(&serde_json::to_string(&monitor).unwrap()).unwrap();
    let next = run(&mut monitor, 2, |_, instance, filter| random(instance, filter));
    assert_eq!(next[0].stable_since, Some(16));
    assert_eq!(run(&mut restored, 2, |_, instance, filter| random(instance, filter)), next);
    assert_eq!(restored, monitor);
}

#[test]
fn live_statistics_are_within_one_per_cent() {
    let spec = spec(3, [2, 2], Rectify::Relu);
    let config = AnalysisConfig { position_share: 1.0, ..AnalysisConfig::default() };
    let mut monitor = LayerMonitor::new(&spec, 0, &config);
    let snapshot = run(&mut monitor, 1, |_, instance, filter| random(instance, filter)).remove(0);
    let exact = |filter: usize| {
        let values: Vec<f32> =
            (64..320).flat_map(|id| (0..4).map(move |place| random(id * 4 + place, filter))).collect();
        let max = values.iter().copied().fold(0.0, f32::max);
        (max, values.iter().filter(|&&value| value > 0.5 * max).count() as f64 / values.len() as f64)
    };
    let mut labels = BTreeMap::new();
    for (filter, found) in snapshot.statistics.filters.iter().enumerate() {
        let (max, frequency) = exact(filter);
        assert_eq!(found.max, max);
        assert!((found.frequency - frequency).abs() < 0.01);
        *labels.entry(found.label_strength.as_ref().unwrap().len()).or_insert(0) += 1;
    }
    assert_eq!(labels, BTreeMap::from([(3, 3)]));
}

#[test]
fn a_window_without_instances_closes() {
    let spec = spec(3, [2, 2], Rectify::Relu);
    let mut monitor = LayerMonitor::new(&spec, 0, &AnalysisConfig::default());
    let window = monitor.open();
    let snapshot = monitor.close(window, true);
    assert_eq!((snapshot.statistics.instances, snapshot.statistics.perplexity.mean), (0, None));
    assert!(!snapshot.stable && snapshot.statistics.filters.len() == 3);
}
