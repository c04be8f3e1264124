//! How fast windows of LeNet's size go into a run and come out: items are snapshots, bytes those of their arrays before
//! compression.

use deepeyes_core::{
    FilterState, FilterStatistics, InstanceSample, LayerSnapshot, LayerSpec, LayerStatistics,
    PERPLEXITY_BINS, PerplexityHistogram, RunDescription, Similarity,
};
use deepeyes_store::{Reader, RunOptions, SnapshotParts, Writer};
use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use std::path::Path;
use std::sync::Arc;

/// LeNet's layers.
const FILTERS: [usize; 4] = [20, 50, 500, 10];
const ROWS: usize = 2_048;

fn main() {
    divan::main();
}

fn begin(logdir: &Path) -> Writer {
    let layers = FILTERS.iter().map(|&filters| LayerSpec {
        name: format!("layer{filters}"),
        kind: "dense".to_owned(),
        filters,
        grid: [1, 1],
        ..LayerSpec::default()
    });
    let description = RunDescription {
        name: "bench".to_owned(),
        network: "lenet".to_owned(),
        layers: layers.collect(),
        ..RunDescription::default()
    };
    Writer::create(logdir, &description, &RunOptions::default()).expect("a temporary directory takes a run")
}

/// Half of the values zero, the others noise.
fn noise(count: usize) -> Vec<f32> {
    let mut state = 1_u64;
    (0..count)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((state >> 40) as f32 / (1_u64 << 24) as f32 - 0.5).max(0.0)
        })
        .collect()
}

fn snapshot(filters: usize) -> LayerSnapshot {
    let filter = FilterStatistics {
        max: 1.0,
        frequency: 0.3,
        sum: 17.0,
        label: Some(1),
        label_strength: Some(vec![0.1; 10]),
        specificity: Some(0.4),
        state: FilterState::Alive,
    };
    LayerSnapshot {
        from: 1,
        to: 20,
        instances_possible: 1,
        instances_sampled: 1,
        all_time_max: noise(filters),
        statistics: LayerStatistics {
            instances: 1,
            perplexity: PerplexityHistogram {
                counts: (0..PERPLEXITY_BINS as u64).collect(),
                mean: Some(2.0),
            },
            filters: vec![filter; filters],
            similarity: Some(Similarity { filters, upper: noise(filters * (filters - 1) / 2) }),
            ..LayerStatistics::default()
        },
        sample: Some(Arc::new(InstanceSample {
            filters,
            activations: noise(ROWS * filters),
            inputs: (0..ROWS as i64).collect(),
            positions: vec![0; ROWS],
            labels: vec![0; ROWS],
            predictions: vec![0; ROWS],
            steps: vec![1; ROWS],
        })),
        ..LayerSnapshot::default()
    }
}

fn layers() -> Vec<(usize, Arc<LayerSnapshot>)> {
    FILTERS.iter().enumerate().map(|(at, &filters)| (at, Arc::new(snapshot(filters)))).collect()
}

fn bytes() -> BytesCount {
    let of_layer = |filters: usize| 4 * ROWS * filters + filters * (filters - 1) + 113 * filters + 28 * ROWS;
    BytesCount::new(FILTERS.into_iter().map(of_layer).sum::<usize>())
}

#[divan::bench(args = [true, false])]
fn write(bencher: Bencher, full: bool) {
    let logdir = tempfile::tempdir().expect("a temporary directory");
    let mut writer = begin(logdir.path());
    let layers = layers();
    let mut step = 0;
    let bencher = bencher.counter(ItemsCount::new(1_usize));
    let bencher = if full { bencher.counter(bytes()) } else { bencher };
    bencher.bench_local(|| {
        step += 20;
        writer
            .write_snapshot(&SnapshotParts { step, layers: &layers, windows: &[], full, images: &[] })
            .expect("a temporary directory takes a window");
    });
}

#[divan::bench]
fn read(bencher: Bencher) {
    let logdir = tempfile::tempdir().expect("a temporary directory");
    let mut writer = begin(logdir.path());
    writer
        .write_snapshot(&SnapshotParts { step: 20, layers: &layers(), windows: &[], full: true, images: &[] })
        .expect("a temporary directory takes a window");
    let reader = Reader::open(writer.directory()).expect("the run is there");
    bencher.counter(ItemsCount::new(1_usize)).counter(bytes()).bench_local(|| {
        for layer in 0..FILTERS.len() {
            divan::black_box(reader.layer_snapshot(layer, None).expect("the window is there"));
            divan::black_box(reader.sample(layer, None).expect("the sample is there"));
        }
    });
}
