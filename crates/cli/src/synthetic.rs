//! Made-up runs for tests of what is drawn and printed.

use crate::run_view::{CoursePoint, FilterMapView, InputMapView, LayerView, RunView, Scalars, Status};
use deepeyes_core::{
    FilterState, FilterStatistics, Finding, FindingKind, LayerSnapshot, LayerSpec, LayerStatistics,
    MapMethod, PERPLEXITY_BINS, PerplexityHistogram, RunDescription, Separability, Severity, Similarity,
};
use deepeyes_network::ReceptiveField;
use std::sync::Arc;

/// A repeatable number in [0, 1).
fn noise(seed: u64) -> f64 {
    let mut x = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x2545_f491_4f6c_dd1d;
    for _ in 0..3 {
        x ^= x >> 31;
        x = x.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    }
    (x >> 11) as f64 / (1u64 << 53) as f64
}

/// A layer of `filters` filters.
pub(crate) fn spec(name: &str, filters: usize) -> LayerSpec {
    LayerSpec {
        name: name.to_owned(),
        kind: if name.starts_with("conv") { "conv2d" } else { "dense" }.to_owned(),
        filters,
        grid: if name.starts_with("conv") { [24, 24] } else { [1, 1] },
        receptive_field: Some(ReceptiveField { size: [5, 5], stride: [1, 1], offset: [-2, -2] }),
        parameters: 520,
        ..LayerSpec::default()
    }
}

fn histogram(centre: f64, seed: u64) -> Vec<u64> {
    let bump =
        |bin: usize| (-((bin as f64 - centre) / 5.0).powi(2)).exp() * (0.8 + 0.4 * noise(seed + bin as u64));
    (0..PERPLEXITY_BINS).map(|bin| (bump(bin) * 1000.0) as u64).collect()
}

fn filter(index: usize, labels: usize) -> FilterStatistics {
    let dead = index % 17 == 3;
    let strength: Vec<f64> =
        (0..labels).map(|label| noise((index * labels + label) as u64).powi(6)).collect();
    let sum: f64 = strength.iter().sum();
    let entropy: f64 = strength.iter().map(|s| s / sum).filter(|p| *p > 0.0).map(|p| -p * p.log2()).sum();
    let label = (0..labels).max_by(|a, b| strength[*a].total_cmp(&strength[*b])).filter(|_| !dead);
    FilterStatistics {
        max: if dead { 0.0 } else { (8.0 * noise(index as u64 + 99).powi(2)) as f32 },
        frequency: if dead { 0.0 } else { 0.4 * noise(index as u64 + 7).powi(3) },
        sum: if dead { 0.0 } else { 100.0 },
        label,
        label_strength: label.map(|_| strength),
        specificity: label.map(|_| 1.0 / entropy.exp2()),
        state: match index % 17 {
            3 => FilterState::Dead,
            5 => FilterState::AlwaysOn,
            _ => FilterState::Alive,
        },
    }
}

fn finding(kind: FindingKind, severity: Severity, layer: &str, text: &str) -> Finding {
    Finding {
        kind,
        layer: Some(layer.to_owned()),
        filters: Some(vec![3, 20]),
        instances: None,
        severity,
        evidence: [("instances".to_owned(), 15_360.0), ("upper_bound".to_owned(), 1.95e-4)].into(),
        text: text.to_owned(),
        suggestion: Some("Remove them.".to_owned()),
    }
}

/// The layer after `windows` windows.
pub(crate) fn layer(spec: LayerSpec, windows: usize, labels: usize) -> LayerView {
    let filters = spec.filters;
    let centre = |window: usize| 10.0 + 25.0 / (1.0 + 0.3 * window as f64);
    let mut course: Vec<CoursePoint> = Vec::new();
    for window in 0..windows {
        let counts = histogram(centre(window), (window * 50) as u64);
        let total: f64 = counts.iter().sum::<u64>() as f64;
        let share = |counts: &[u64]| {
            counts.iter().map(|&c| c as f64 / counts.iter().sum::<u64>() as f64).collect::<Vec<_>>()
        };
        let change = course.last().map(|before| {
            share(&counts)
                .iter()
                .zip(share(&before.counts))
                .map(|(now, was)| (now - was) as f32)
                .collect::<Vec<f32>>()
        });
        course.push(CoursePoint {
            from: 20 * window as u64 + 1,
            to: 20 * window as u64 + 20,
            instances: total as u64 + 900,
            silent: 900,
            counts,
            mean: Some(1.0 + centre(window) * (filters as f64 - 1.0) / 50.0),
            drift: change.as_ref().map(|_| 0.05 / (1.0 + window as f64)),
            noise: change.as_ref().map(|_| 0.004),
            change,
            trend: None,
            stable: window > 12,
            stable_since: (window > 12).then_some(280),
        });
    }
    let snapshot = course.last().map(|last| LayerSnapshot {
        from: last.from,
        to: last.to,
        instances_possible: 2 * last.instances,
        instances_sampled: last.instances,
        change: last.change.clone(),
        drift: last.drift,
        noise: last.noise,
        trend: Some(-0.1),
        stable: last.stable,
        stable_since: last.stable.then_some(280),
        all_time_max: vec![9.0; filters],
        statistics: LayerStatistics {
            instances: last.instances,
            invalid: 0,
            silent: last.silent,
            perplexity: PerplexityHistogram { counts: last.counts.clone(), mean: last.mean },
            filters: (0..filters).map(|index| filter(index, labels)).collect(),
            redundant_groups: vec![vec![0, 1]],
            effective_filters: Some(filters as f64 * 0.4),
            similarity: Some(Similarity {
                filters,
                upper: (0..filters * filters.saturating_sub(1) / 2).map(|pair| noise(pair as u64).powi(4) as f32).collect(),
            }),
            findings: vec![
                finding(FindingKind::Dead, Severity::Medium, &spec.name, "2 of 20 filters <never> fired in 15,360 instances of 640 inputs; they fire on less than 0.02 % of instances."),
                finding(FindingKind::Stable, Severity::Info, &spec.name, "Its perplexity has not changed beyond sampling noise since iteration 280."),
            ],
        },
        sample: Some(Arc::default()),
        separability: Some(Separability { step: last.to, neighbour_purity: 0.93, ridge_accuracy: 0.91, held_out: 500 }),
    });
    let similarity_step = snapshot.as_ref().map(|s| s.to);
    let input_map = similarity_step.map(|step| InputMapView {
        step,
        points: 2_935,
        method: MapMethod::Tsne,
        settled: true,
        preservation: Some(0.62),
    });
    let filter_map = similarity_step.map(|step| FilterMapView {
        step,
        points: filters,
        method: MapMethod::Mds,
        settled: true,
    });
    LayerView { spec, similarity_step, snapshot, course, input_map, filter_map }
}

/// A run of `steps` iterations with layers of the given widths.
pub(crate) fn run(steps: u64, layers: &[(&str, usize)]) -> RunView {
    let loss = |step: u64| 2.3 * (-(step as f64) / 150.0).exp() + 0.1 + 0.08 * noise(step);
    let accuracy = |step: u64| 0.98 - 0.88 * (-(step as f64) / 120.0).exp();
    let steps_of = || 1..=steps;
    let layers: Vec<LayerView> =
        layers.iter().map(|(name, filters)| layer(spec(name, *filters), steps as usize / 20, 10)).collect();
    RunView {
        id: "lenet".to_owned(),
        name: "lenet <b>".to_owned(),
        status: Status::Finished,
        step: steps,
        seconds: 62.0,
        description: RunDescription {
            name: "lenet <b>".to_owned(),
            network: "lenet".to_owned(),
            layers: layers.iter().map(|layer| layer.spec.clone()).collect(),
            parameters: 431_080,
            multiply_adds: Some(2_293_000),
            classes: (0..10).map(|class| class.to_string()).collect(),
            data: "mnist".to_owned(),
            input: Some([1, 28, 28]),
            training_inputs: Some(55_000),
            iterations: Some(steps),
            batch: Some(64),
            seed: Some(7),
            ..RunDescription::default()
        },
        scalars: Scalars {
            step: steps_of().collect(),
            loss: steps_of().map(loss).collect(),
            accuracy: steps_of()
                .map(|step| (step % 50 == 0 || step == steps).then(|| accuracy(step)))
                .collect(),
            train_accuracy: steps_of()
                .map(|step| Some((accuracy(step) + 0.06 * (noise(step) - 0.5)).clamp(0.0, 1.0)))
                .collect(),
        },
        layers,
    }
}
