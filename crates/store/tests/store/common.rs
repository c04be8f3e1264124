//! Runs and snapshots made up from a seed.

use deepeyes_core::{
    FilterState, FilterStatistics, Finding, FindingKind, Image, InputId, InstanceSample, LayerSnapshot,
    LayerSpec, LayerStatistics, PERPLEXITY_BINS, PerplexityHistogram, RunDescription, Separability, Severity,
    Similarity,
};
use deepeyes_store::{RunOptions, Scalar, SnapshotParts, Writer};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// A small generator, so that arrays are noise to a compressor.
pub(crate) struct Noise(pub(crate) u64);

impl Noise {
    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Uniform in [0, 1).
    pub(crate) fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Roughly normal.
    pub(crate) fn normal(&mut self) -> f32 {
        ((0..12).map(|_| self.unit()).sum::<f64>() - 6.0) as f32
    }
}

pub(crate) fn layer(name: &str, filters: usize) -> LayerSpec {
    LayerSpec {
        name: name.to_owned(),
        kind: "dense".to_owned(),
        filters,
        grid: [1, 1],
        parameters: 10,
        ..LayerSpec::default()
    }
}

pub(crate) fn description(name: &str, layers: Vec<LayerSpec>) -> RunDescription {
    RunDescription {
        name: name.to_owned(),
        network: "lenet".to_owned(),
        network_toml: "name = \"lenet\"".to_owned(),
        layers,
        parameters: 431_080,
        multiply_adds: Some(2_293_000),
        classes: vec!["zero".to_owned(), "one".to_owned()],
        data: "mnist".to_owned(),
        input: Some([1, 28, 28]),
        training_inputs: Some(60_000),
        iterations: Some(2_000),
        batch: Some(64),
        seed: Some(1),
        settings: "{}".to_owned(),
    }
}

pub(crate) fn small(logdir: &Path, options: &RunOptions) -> Writer {
    Writer::create(logdir, &description("small", vec![layer("a", 5), layer("b", 3)]), options).unwrap()
}

pub(crate) fn scalar(step: u64) -> Scalar {
    let loss = if step.is_multiple_of(7) { f64::INFINITY } else { 1.0 / step as f64 };
    Scalar {
        step,
        loss,
        train_accuracy: (!step.is_multiple_of(2)).then_some(0.5),
        seconds: 0.1,
        observed_seconds: 0.01,
    }
}

/// A snapshot of `filters` filters with everything in it; `rows` sampled instances of inputs from `first` on.
pub(crate) fn snapshot(
    seed: u64,
    to: u64,
    filters: usize,
    labels: usize,
    rows: usize,
    first: InputId,
) -> LayerSnapshot {
    let noise = &mut Noise(seed ^ (to << 20));
    let some = |noise: &mut Noise| Some(noise.unit()).filter(|value| *value > 0.2);
    let states = [
        FilterState::Alive,
        FilterState::Dead,
        FilterState::AlwaysOn,
        FilterState::Weakening,
        FilterState::Unknown,
    ];
    let statistics = (0..filters)
        .map(|filter| FilterStatistics {
            max: noise.normal().abs(),
            frequency: noise.unit(),
            sum: 1000.0 * noise.unit(),
            label: (filter % 4 != 1).then_some(filter % labels.max(1)),
            label_strength: (labels > 0 && filter % 4 != 1)
                .then(|| (0..labels).map(|_| noise.unit()).collect()),
            specificity: (filter % 4 != 1).then(|| noise.unit()),
            state: states[filter % states.len()],
        })
        .collect();
    let finding = Finding {
        kind: FindingKind::Dead,
        layer: Some("a".to_owned()),
        filters: Some(vec![1, 2]),
        instances: None,
        severity: Severity::Medium,
        evidence: BTreeMap::from([("instances".to_owned(), 0.5)]),
        text: format!("at {to}"),
        suggestion: None,
    };
    // Half of the activations are zero, as after a ReLU.
    let activations = (0..rows * filters).map(|_| noise.normal().max(0.0)).collect();
    LayerSnapshot {
        from: to.saturating_sub(19),
        to,
        instances_possible: 2_000,
        instances_sampled: 1_000,
        change: (to > 20).then(|| (0..PERPLEXITY_BINS).map(|_| noise.normal()).collect()),
        drift: some(noise),
        noise: some(noise),
        trend: some(noise),
        stable: noise.bits().is_multiple_of(2),
        stable_since: Some(to).filter(|to| to % 3 == 0),
        all_time_max: (0..filters).map(|_| noise.normal().abs()).collect(),
        statistics: LayerStatistics {
            instances: noise.bits() >> 40,
            invalid: 3,
            silent: noise.bits() >> 50,
            perplexity: PerplexityHistogram {
                counts: (0..PERPLEXITY_BINS).map(|_| noise.bits() >> 50).collect(),
                mean: some(noise),
            },
            filters: statistics,
            redundant_groups: vec![vec![0, 2], vec![1, 3, 4]],
            effective_filters: some(noise),
            similarity: Some(Similarity {
                filters,
                upper: (0..filters * filters.saturating_sub(1) / 2).map(|_| noise.unit() as f32).collect(),
            }),
            findings: vec![finding],
        },
        sample: Some(Arc::new(InstanceSample {
            filters,
            activations,
            inputs: (0..rows).map(|row| first + (row % 1_280) as InputId).collect(),
            positions: (0..rows as u32).collect(),
            labels: (0..rows as i32).map(|row| row % 10 - 1).collect(),
            predictions: (0..rows as i32).map(|row| row % 10).collect(),
            steps: vec![to; rows],
        })),
        separability: Some(Separability {
            step: to,
            neighbour_purity: 0.5,
            ridge_accuracy: 0.25,
            held_out: 500,
        }),
    }
}

pub(crate) fn image(input: InputId) -> Arc<Image> {
    let noise = &mut Noise(input as u64);
    // A digit: some strokes on black.
    let pixels = (0..28 * 28)
        .map(|at| if (at / 28) % 5 == 2 && at % 3 == 0 { noise.bits() as u8 } else { 0 })
        .collect();
    Arc::new(Image { height: 28, width: 28, channels: 1, pixels })
}

/// Writes a window of the small run.
pub(crate) fn write_window(writer: &mut Writer, to: u64, full: bool) {
    let layers = [
        (0, Arc::new(snapshot(1, to, 5, 2, 20, to as i64))),
        (1, Arc::new(snapshot(2, to, 3, 2, 20, to as i64))),
    ];
    let images: Vec<_> = (0..20).map(|row| (to as i64 + row, image(to as i64 + row))).collect();
    writer
        .write_snapshot(&SnapshotParts { step: to, layers: &layers, windows: &[], full, images: &images })
        .unwrap();
}
