use super::*;
use crate::testing::noise;
use crate::{FilterState, FindingKind};
use proptest::prelude::*;

/// n sparse instances of some filters.
fn activations(n: usize, filters: usize) -> Vec<f32> {
    (0..n * filters).map(|place| (2.0 * noise(place) - 1.0) * (1.0 + noise(place / 7))).collect()
}

fn rows<'a, T>(values: &'a [T], filters: usize, labels: Option<&'a [i32]>) -> Rows<'a, T> {
    Rows { values, filters, labels }
}

fn run(values: &[f32], filters: usize) -> LayerStatistics {
    analyze(&rows(values, filters, None), &AnalyzeOptions { similarity: true, ..AnalyzeOptions::default() })
        .unwrap()
}

prop_compose! {
    fn matrices()(n in 1..80_usize, filters in 1..9_usize)(
        values in proptest::collection::vec(
            prop_oneof![4 => -2.0..2.0_f32, 1 => Just(0.0), 1 => 1e29..1e30_f32],
            n * filters,
        ),
        labels in proptest::collection::vec(-1..4_i32, n),
        filters in Just(filters),
    ) -> (usize, Vec<f32>, Vec<i32>) {
        (filters, values, labels)
    }
}

proptest! {
    #[test]
    fn statistics_are_their_definitions((filters, values, mut labels) in matrices(), balanced in any::<bool>()) {
        labels[0] = 3;
        let options = AnalyzeOptions { balanced, similarity: true, ..AnalyzeOptions::default() };
        let found = analyze(&rows(&values, filters, Some(&labels)), &options).unwrap();
        let n = labels.len();
        let a = |row: usize, filter: usize| f64::from(values[row * filters + filter].max(0.0));
        let close = |found: f64, expected: f64| (found - expected).abs() <= 1e-6 * expected.abs();
        let silent = (0..n).filter(|&row| (0..filters).all(|filter| a(row, filter) == 0.0)).count();
        prop_assert_eq!(found.silent, silent as u64);
        prop_assert_eq!(found.perplexity.counts.iter().sum::<u64>(), (n - silent) as u64);
        for (filter, statistics) in found.filters.iter().enumerate() {
            let column = || (0..n).map(|row| a(row, filter));
            let max = column().fold(0.0, f64::max);
            prop_assert!(close(f64::from(statistics.max), max));
            prop_assert!(close(statistics.sum, column().sum()));
            prop_assert_eq!(statistics.frequency, column().filter(|&value| value > 0.5 * max).count() as f64 / n as f64);
            let strengths = statistics.label_strength.as_ref().unwrap();
            prop_assert_eq!(strengths.len(), 4);
            for (label, &strength) in strengths.iter().enumerate() {
                let of_label = || (0..n).filter(|&row| labels[row] == label as i32);
                let sum: f64 = of_label().map(|row| a(row, filter)).sum();
                let divisor = if balanced { of_label().count().max(1) as f64 } else { 1.0 };
                prop_assert!(close(strength, sum / divisor));
            }
            prop_assert_eq!(statistics.label.is_some(), strengths.iter().any(|&strength| strength > 0.0));
        }
    }

    #[test]
    fn both_precisions_agree((filters, values, labels) in matrices()) {
        let wide: Vec<f64> = values.iter().map(|&value| value.into()).collect();
        let labels = labels.iter().any(|&label| label >= 0).then_some(labels.as_slice());
        let options = AnalyzeOptions { similarity: true, ..AnalyzeOptions::default() };
        let narrow = analyze(&rows(&values, filters, labels), &options);
        prop_assert_eq!(narrow, analyze(&rows(&wide, filters, labels), &options));
    }
}

#[test]
fn the_result_is_the_same_with_any_number_of_threads() {
    let (n, filters) = (3000, 33);
    let values = activations(n, filters);
    let labels: Vec<i32> = (0..n as i32).map(|row| row % 5 - 1).collect();
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let options = AnalyzeOptions { similarity: true, ..AnalyzeOptions::default() };
        pool.install(|| analyze(&rows(&values, filters, Some(&labels)), &options))
    };
    assert_eq!(with(1), with(3));
}

#[test]
fn planted_filters_are_found() {
    let (n, filters) = (4000, 12);
    let mut values = activations(n, filters);
    for (row, instance) in values.chunks_mut(filters).enumerate() {
        instance[2] = -1.0;
        instance[5] = 3.0 + 0.01 * noise(row);
        instance[6] = if row == 7 { 40.0 } else { 2.5 };
        instance[7] = 1.0 + noise(row);
        instance[9] = instance[8].max(0.0) * 1.02;
    }
    let found = run(&values, filters);
    let of = |state: FilterState| -> Vec<usize> {
        (0..filters).filter(|&filter| found.filters[filter].state == state).collect()
    };
    assert_eq!(of(FilterState::Dead), [2]);
    assert_eq!(of(FilterState::AlwaysOn), [5, 6], "an outlier does not hide a constant filter");
    assert!(found.redundant_groups.contains(&vec![8, 9]), "{:?}", found.redundant_groups);
    let kinds: Vec<FindingKind> = found.findings.iter().map(|finding| finding.kind).collect();
    for kind in [FindingKind::Dead, FindingKind::AlwaysOn, FindingKind::Redundant] {
        assert!(kinds.contains(&kind), "{kinds:?}");
    }
    let few = run(&values[..300 * filters], filters);
    assert!(few.filters.iter().all(|filter| filter.state == FilterState::Unknown));
    assert_eq!(few.findings, []);
}

#[test]
fn instances_that_are_not_finite_are_left_out() {
    let mut values = activations(1200, 4);
    let kept = run(&values[8..], 4);
    (values[1], values[6]) = (f32::NAN, f32::NEG_INFINITY);
    let found = run(&values, 4);
    assert_eq!((found.instances, found.invalid), (1198, 2));
    assert_eq!(found.filters, kept.filters);
    assert_eq!(found.findings[0].kind, FindingKind::Invalid);
    let none_left = run(&[f32::NAN; 8], 4);
    assert_eq!((none_left.instances, none_left.invalid, none_left.perplexity.mean), (0, 2, None));
    assert!(none_left.filters.iter().all(|filter| filter.frequency == 0.0));
}

#[test]
fn an_all_silent_layer_has_no_mean_and_no_effective_filters() {
    let found = run(&[-1.0; 6000], 5);
    assert_eq!(found.silent, 1200);
    assert_eq!((found.perplexity.mean, found.effective_filters), (None, None));
    assert!(found.filters.iter().all(|filter| filter.state == FilterState::Dead));
    assert!(found.redundant_groups.is_empty());
}

#[test]
fn softmax_perplexity_of_equal_scores_is_the_number_of_filters() {
    let options = AnalyzeOptions { rectify: Rectify::Softmax, ..AnalyzeOptions::default() };
    let found = analyze(&rows(&[1000.0_f32; 800], 8, None), &options).unwrap();
    assert!((found.perplexity.mean.unwrap() - 8.0).abs() < 1e-9);
    assert!((found.filters[3].sum - 100.0 / 8.0).abs() < 1e-9);
}

#[test]
fn activations_of_any_size_are_compared() {
    for size in [1e-200, 1e-40, 1.0, 3e38] {
        let values: Vec<f64> = (0..3600).map(|place| if place % 3 == 2 { 0.0 } else { size }).collect();
        let options = AnalyzeOptions { similarity: true, ..AnalyzeOptions::default() };
        let found = analyze(&rows(&values, 3, None), &options).unwrap();
        let similarity = found.similarity.unwrap();
        assert!(
            (similarity.get(0, 1) - 1.0).abs() < 1e-5 && similarity.get(0, 2) == 0.0,
            "{size}: {similarity:?}"
        );
        assert_eq!(found.filters[2].state, FilterState::Dead);
        assert_ne!(found.filters[0].state, FilterState::Dead, "{size}");
    }
}

#[test]
fn bad_input_is_named() {
    let analyzed = |data: Rows<f32>, options: AnalyzeOptions| analyze(&data, &options).map(|_| ());
    let plain = AnalyzeOptions::default();
    let ones = [1.0_f32; 12];
    assert_eq!(analyzed(rows(&ones, 0, None), plain), Err(AnalyzeError::NoFilters));
    assert_eq!(analyzed(rows(&[], 3, None), plain), Err(AnalyzeError::NoInstances));
    assert_eq!(analyzed(rows(&ones, 5, None), plain), Err(AnalyzeError::Shape { values: 12, filters: 5 }));
    let labels = |labels| analyzed(rows(&ones, 4, Some(labels)), plain);
    assert_eq!(labels(&[0, 1]), Err(AnalyzeError::LabelCount { labels: 2, instances: 3 }));
    assert_eq!(labels(&[0, -2, 1]), Err(AnalyzeError::Label { row: 1, label: -2 }));
    assert_eq!(labels(&[0, 0, 70_000]), Err(AnalyzeError::Label { row: 2, label: 70_000 }));
    assert_eq!(labels(&[-1; 3]), Err(AnalyzeError::NoLabel { instances: 3 }));
    for beta in [f64::NAN, -0.1, 1.0] {
        assert!(matches!(
            analyzed(rows(&ones, 4, None), AnalyzeOptions { beta, ..plain }),
            Err(AnalyzeError::Beta(_))
        ));
    }
    let none = AnalyzeOptions { rectify: Rectify::None, ..plain };
    assert_eq!(
        analyzed(rows(&[1.0, 0.0, 2.0, -0.5], 2, None), none),
        Err(AnalyzeError::Negative { row: 1, filter: 1, value: -0.5 })
    );
    assert_eq!(
        analyze(&rows(&[1.0, 1e300], 2, None), &plain).map(|_| ()),
        Err(AnalyzeError::Range { row: 0, filter: 1, value: 1e300 })
    );
}
