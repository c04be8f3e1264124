//! Several ranks' files read as one run.

use super::common::{Noise, description, layer};
use deepeyes_core::{Activations, AnalysisConfig, Batch, KeptWindow, LayerMonitor, LayerSnapshot, Values};
use deepeyes_store::{Ending, Reader, RunOptions, RunStatus, Scalar, SnapshotParts, StoreError, Writer};
use std::path::Path;
use std::sync::Arc;

const FILTERS: usize = 5;
const WINDOW: u64 = 4;
const WINDOWS: u64 = 3;
/// Inputs of a mini-batch, over all ranks.
const INPUTS: usize = 8;

fn config() -> AnalysisConfig {
    AnalysisConfig { window: WINDOW, sample_size: 16, ..AnalysisConfig::default() }
}

/// The inputs of a mini-batch whose places are given.
fn batch(step: u64, places: std::ops::Range<usize>) -> Batch {
    let mut noise = Noise(step);
    let all: Vec<f32> = (0..INPUTS * FILTERS).map(|_| noise.normal() * step as f32).collect();
    let ids = |place: usize| (step as usize * INPUTS + place) as i64;
    Batch {
        step,
        inputs: places.clone().map(ids).collect(),
        labels: places.clone().map(|place| (place % 3) as i32).collect(),
        activations: vec![Activations {
            layer: 0,
            values: Values::Rows {
                values: all[places.start * FILTERS..places.end * FILTERS].to_vec(),
                inputs: (0..places.len() as u32).collect(),
                positions: vec![0; places.len()],
            },
        }],
        ..Batch::default()
    }
}

/// The windows of the inputs at some places of each mini-batch, with the windows themselves.
fn windows(places: &std::ops::Range<usize>) -> Vec<(LayerSnapshot, KeptWindow)> {
    let mut monitor = LayerMonitor::new(&layer("fc1", FILTERS), 0, &config());
    let window = |number: u64| {
        let mut window = monitor.open();
        for step in number * WINDOW + 1..=(number + 1) * WINDOW {
            let batch = batch(step, places.clone());
            window.observe(&batch, &batch.activations[0]).unwrap();
        }
        let kept = window.keep(&config());
        (monitor.close(window, true), kept)
    };
    (0..WINDOWS).map(window).collect()
}

fn write_rank(directory: &Path, rank: u32, places: &std::ops::Range<usize>, loss: f64) -> Writer {
    let description = description("ddp", vec![layer("fc1", FILTERS)]);
    let mut writer = Writer::create_rank(directory, rank, &description, &RunOptions::default()).unwrap();
    for (snapshot, kept) in windows(places) {
        let step = snapshot.to;
        let scalars: Vec<Scalar> = (snapshot.from..=step)
            .map(|step| Scalar {
                step,
                loss,
                train_accuracy: Some(loss / 4.0),
                seconds: loss,
                observed_seconds: 0.0,
            })
            .collect();
        writer.append_scalars(&scalars).unwrap();
        let (layers, windows) = ([(0, Arc::new(snapshot))], [(0, Arc::new(kept))]);
        let parts = SnapshotParts { step, layers: &layers, windows: &windows, full: true, images: &[] };
        writer.write_snapshot(&parts).unwrap();
    }
    writer
}

#[test]
fn ranks_read_as_the_run_that_saw_all_inputs() {
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().join("ddp");
    let first = write_rank(&directory, 0, &(0..3), 1.0);
    write_rank(&directory, 1, &(3..INPUTS), 2.0).finish(Ending::Finished).unwrap();

    let reader = Reader::open(&directory).unwrap();
    let info = reader.info().unwrap();
    assert_eq!((info.name.as_str(), info.status, info.step), ("ddp", RunStatus::Running, 12));
    let scalars = reader.scalars().unwrap();
    assert_eq!(scalars.len(), 12);
    assert!(scalars.iter().all(|scalar| (scalar.loss, scalar.seconds) == (1.5, 2.0)));
    assert_eq!(scalars[0].train_accuracy, Some(0.375));

    for (whole, _) in windows(&(0..INPUTS)) {
        let merged = reader.layer_snapshot(0, Some(whole.to)).unwrap().unwrap();
        let LayerSnapshot { instances_possible, instances_sampled, all_time_max, .. } = &whole;
        assert_eq!((merged.from, merged.to), (whole.from, whole.to));
        assert_eq!(
            (merged.instances_possible, merged.instances_sampled),
            (*instances_possible, *instances_sampled)
        );
        assert_eq!(&merged.all_time_max, all_time_max);
        assert_eq!((merged.change, merged.drift, merged.noise), (whole.change, whole.drift, whole.noise));
        let (one, other) = (&merged.statistics, &whole.statistics);
        assert_eq!(one.perplexity.counts, other.perplexity.counts);
        assert_eq!((one.instances, one.silent), (other.instances, other.silent));
        for (merged, whole) in one.filters.iter().zip(&other.filters) {
            assert_eq!(
                (merged.max, merged.frequency, merged.state),
                (whole.max, whole.frequency, whole.state)
            );
            assert!((merged.sum - whole.sum).abs() <= 1e-9 * whole.sum);
            assert_eq!(merged.label, whole.label);
        }
    }
    let (step, sample) = reader.sample(0, None).unwrap().unwrap();
    let (last, _) = windows(&(0..INPUTS)).pop().unwrap();
    assert_eq!((step, &sample), (12, &**last.sample.as_ref().unwrap()));

    first.finish(Ending::Stopped).unwrap();
    assert_eq!(reader.info().unwrap().status, RunStatus::Stopped);
}

#[test]
fn a_window_counts_once_every_rank_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().join("ddp");
    write_rank(&directory, 0, &(0..3), 1.0).finish(Ending::Finished).unwrap();
    let description = description("ddp", vec![layer("fc1", FILTERS)]);
    let mut late = Writer::create_rank(&directory, 1, &description, &RunOptions::default()).unwrap();
    let reader = Reader::open(&directory).unwrap();
    assert!(reader.snapshot_steps().unwrap().is_empty() && reader.scalars().unwrap().is_empty());

    let (snapshot, kept) = windows(&(3..INPUTS)).swap_remove(0);
    let (layers, windows) = ([(0, Arc::new(snapshot))], [(0, Arc::new(kept))]);
    let parts = SnapshotParts { step: WINDOW, layers: &layers, windows: &windows, full: false, images: &[] };
    late.write_snapshot(&parts).unwrap();
    reader.refresh().unwrap();
    assert_eq!(reader.snapshot_steps().unwrap(), [WINDOW]);
    late.finish(Ending::Finished).unwrap();
    reader.refresh().unwrap();
    assert_eq!(reader.snapshot_steps().unwrap(), [4, 8, 12]);
    assert_eq!(reader.scalars().unwrap().len(), 12);
}

#[test]
fn files_of_different_networks_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().join("mixed");
    for (rank, filters) in [(0, 4), (1, 5)] {
        let description = description("mixed", vec![layer("fc1", filters)]);
        let writer = Writer::create_rank(&directory, rank, &description, &RunOptions::default()).unwrap();
        writer.finish(Ending::Finished).unwrap();
    }
    let error = Reader::open(&directory).unwrap_err();
    assert!(matches!(error, StoreError::NotARun { .. }), "{error}");
    assert!(error.to_string().contains("rank-0001.db"), "{error}");
}
