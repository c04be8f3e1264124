//! A run fed with made-up mini-batches: what readers and the store say is what core says of the same data.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, helpers included")]

use deepeyes_core::{
    Activations, AnalysisConfig, Batch, Checkpoint, Event, Image, LayerMonitor, LayerSnapshot, LayerSpec,
    Observer, Probe, Rectify, RunDescription, Values,
};
use deepeyes_engine::{EngineOptions, Run, Summary};
use deepeyes_store::{Ending, Reader, RunOptions, RunStatus, Writer};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const INPUTS: usize = 16;

fn layer(name: &str, filters: usize, grid: [usize; 2], rectify: Rectify) -> LayerSpec {
    LayerSpec {
        name: name.to_owned(),
        kind: "conv2d".to_owned(),
        filters,
        grid,
        parameters: 1,
        rectify,
        ..LayerSpec::default()
    }
}

fn layers() -> Vec<LayerSpec> {
    vec![layer("conv", 3, [2, 2], Rectify::Relu), layer("dense", 5, [1, 1], Rectify::None)]
}

fn writer(logdir: &Path) -> Writer {
    let description = RunDescription {
        name: "run".to_owned(),
        network: "test".to_owned(),
        layers: layers(),
        parameters: 2,
        iterations: Some(60),
        batch: Some(INPUTS),
        ..RunDescription::default()
    };
    Writer::create(logdir, &description, &RunOptions::default()).unwrap()
}

/// Thinning depends on time: it is off, so that runs can be compared.
fn config() -> AnalysisConfig {
    AnalysisConfig { window: 10, budget: f64::INFINITY, sample_size: 64, ..AnalysisConfig::default() }
}

fn options() -> EngineOptions {
    EngineOptions { full_interval: Duration::ZERO, ..EngineOptions::default() }
}

/// Values in [0, 1) that depend on everything given.
fn values(step: u64, layer: usize, count: usize) -> Vec<f32> {
    let mut state = step * 31 + layer as u64 + 1;
    (0..count)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1_u64 << 24) as f32
        })
        .collect()
}

fn batch(step: u64) -> Batch {
    let activations = layers()
        .iter()
        .enumerate()
        .map(|(layer, spec)| Activations {
            layer,
            values: Values::Maps {
                values: values(step, layer, INPUTS * spec.filters * spec.positions()),
                first: 0,
            },
        })
        .collect();
    let first = step as i64 * INPUTS as i64;
    let image = Arc::new(Image { height: 2, width: 2, channels: 1, pixels: Box::new([step as u8; 4]) });
    Batch {
        step,
        loss: 1.0 / step as f64,
        accuracy: Some(0.5),
        seconds: 0.01,
        observed_seconds: 0.0,
        inputs: (first..first + INPUTS as i64).collect(),
        labels: (0..INPUTS as i32).map(|input| input % 4).collect(),
        predictions: Arc::new([]),
        images: vec![image; INPUTS],
        activations,
    }
}

/// What core says of the windows up to `steps`, last first forgotten.
fn direct(steps: u64, at: usize) -> Option<LayerSnapshot> {
    let mut monitor = LayerMonitor::new(&layers()[at], at, &config());
    let (mut window, mut last) = (monitor.open(), None);
    for step in 1..=steps {
        let batch = batch(step);
        window.observe(&batch, &batch.activations[at]).unwrap();
        if step % config().window == 0 {
            last = Some(monitor.close(std::mem::replace(&mut window, monitor.open()), true));
        }
    }
    last
}

/// Without what a reader gives separately or within a quantum.
fn bare(mut snapshot: LayerSnapshot) -> LayerSnapshot {
    snapshot.sample = None;
    snapshot.statistics.similarity = None;
    snapshot.statistics.findings.clear();
    snapshot
}

fn run(logdir: &Path, steps: u64, options: &EngineOptions) -> Summary {
    let run = Run::start(writer(logdir), config(), options).unwrap();
    let observer = run.observer();
    for step in 1..=steps {
        observer.observe(Event::Batch(batch(step)));
    }
    observer.observe(Event::Validation { step: steps, accuracy: 0.9, loss: 0.1 });
    run.finish(Ending::Finished).unwrap()
}

#[test]
fn stored_statistics_are_those_of_a_direct_computation() {
    stores_what_core_computes(&options());
}

/// With one place, the producer applies most of them.
#[test]
fn stored_statistics_are_the_same_whoever_applies_the_events() {
    let pool = Arc::new(rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap());
    for pool in [None, Some(pool)] {
        stores_what_core_computes(&EngineOptions { queue: 1, pool, ..options() });
    }
}

fn stores_what_core_computes(options: &EngineOptions) {
    let logdir = tempfile::tempdir().unwrap();
    let summary = run(logdir.path(), 35, options);
    assert!(summary.problems.is_empty(), "{:?}", summary.problems);
    assert_eq!((summary.step, summary.validation.map(|validation| validation.accuracy)), (35, Some(0.9)));
    let reader = Reader::open(&summary.directory).unwrap();
    assert_eq!(reader.info().unwrap().status, RunStatus::Finished);
    assert_eq!(reader.snapshot_steps().unwrap(), [10, 20, 30]);
    assert_eq!(reader.scalars().unwrap().len(), 35);
    for at in 0..2 {
        for steps in [10, 20, 30] {
            let expected = direct(steps, at).unwrap();
            let (step, sample) = reader.sample(at, Some(30)).unwrap().unwrap();
            if steps == step {
                assert_eq!(Some(&sample), expected.sample.as_deref());
            }
            assert_eq!(bare(reader.layer_snapshot(at, Some(steps)).unwrap().unwrap()), bare(expected));
        }
    }
    let (_, sample) = reader.sample(0, None).unwrap().unwrap();
    let image = reader.image(sample.inputs[0]).unwrap().unwrap();
    assert_eq!(i64::from(image.pixels[0]), sample.inputs[0] / INPUTS as i64);
}

#[test]
fn a_short_run_has_its_only_window_and_a_long_one_no_half_ones() {
    let logdir = tempfile::tempdir().unwrap();
    let short = Reader::open(run(logdir.path(), 7, &options()).directory).unwrap();
    assert_eq!(short.snapshot_steps().unwrap(), [7]);
    let empty = Reader::open(run(logdir.path(), 0, &options()).directory).unwrap();
    assert!(empty.snapshot_steps().unwrap().is_empty());
}

#[test]
fn a_window_is_of_the_mini_batches_that_were_looked_at() {
    let logdir = tempfile::tempdir().unwrap();
    let run = Run::start(writer(logdir.path()), config(), &options()).unwrap();
    let observer = run.observer();
    for step in 1..=60 {
        let mut batch = batch(step);
        if step % 3 != 0 {
            batch.activations.clear();
        }
        observer.observe(Event::Batch(batch));
    }
    let directory = run.finish(Ending::Finished).unwrap().directory;
    let reader = Reader::open(directory).unwrap();
    assert_eq!(reader.snapshot_steps().unwrap(), [30, 60]);
    let window = reader.layer_snapshot(0, None).unwrap().unwrap();
    assert_eq!((window.from, window.to), (33, 60));
    assert_eq!(reader.scalars().unwrap().len(), 60);
}

#[test]
fn readers_see_the_newest_state_and_can_wait_for_it() {
    let logdir = tempfile::tempdir().unwrap();
    let run = Run::start(writer(logdir.path()), config(), &options()).unwrap();
    let (live, observer) = (run.live(), run.observer());
    assert_eq!(live.state().step, 0);
    let mut state = live.state();
    for step in 1..=20 {
        observer.observe(Event::Batch(batch(step)));
    }
    while state.step < 20 {
        let newer = live.wait(state.version, Duration::from_secs(60));
        assert!(newer.version > state.version, "a state in time");
        state = newer;
    }
    assert_eq!(state.layers[1].as_ref().map(|layer| layer.to), Some(20));
    assert_eq!(state.recent.len(), 20);
    assert!(state.cost.share.is_some() && !state.cost.thinned);
    assert_eq!(state.status, RunStatus::Running);
    let reader = Reader::open(run.directory()).unwrap();
    assert_eq!(reader.info().unwrap().status, RunStatus::Running);
    run.finish(Ending::Stopped).unwrap();
    assert_eq!(live.state().status, RunStatus::Stopped);
    assert_eq!(reader.info().unwrap().status, RunStatus::Stopped);
    // After the end, events are taken and forgotten.
    observer.observe(Event::Batch(batch(21)));
    assert!(observer.try_observe(Event::Batch(batch(22))).is_ok());
}

#[test]
fn a_dropped_run_is_interrupted_with_everything_that_waited() {
    let logdir = tempfile::tempdir().unwrap();
    let run = Run::start(writer(logdir.path()), config(), &options()).unwrap();
    let directory = run.directory().to_owned();
    for step in 1..=13 {
        run.observer().observe(Event::Batch(batch(step)));
    }
    drop(run);
    let info = Reader::open(directory).unwrap().info().unwrap();
    assert_eq!((info.status, info.step), (RunStatus::Interrupted, 13));
}

#[test]
fn bad_activations_switch_their_layer_off_once_and_nothing_else() {
    let logdir = tempfile::tempdir().unwrap();
    let run = Run::start(writer(logdir.path()), config(), &options()).unwrap();
    let observer = run.observer();
    for step in 1..=30 {
        let mut batch = batch(step);
        if step > 14 {
            let Values::Maps { values, .. } = &mut batch.activations[1].values else { panic!("maps") };
            values[0] = -1.0;
            batch.activations.push(Activations { layer: 9, values: batch.activations[0].values.clone() });
        }
        observer.observe(Event::Batch(batch));
    }
    let summary = run.finish(Ending::Finished).unwrap();
    assert_eq!(summary.problems.len(), 2, "{:?}", summary.problems);
    let told =
        |words: [&str; 2]| summary.problems.iter().any(|told| words.iter().all(|word| told.contains(word)));
    assert!(told(["layer dense", "-1"]) && told(["layer number 9", "not watched"]), "{:?}", summary.problems);
    let reader = Reader::open(summary.directory).unwrap();
    assert_eq!(reader.layer_snapshot(0, None).unwrap().unwrap().to, 30);
    assert_eq!(reader.layer_snapshot(1, None).unwrap().unwrap().to, 10);
}

#[test]
fn a_store_that_fails_is_told_and_the_analysis_goes_on() {
    let logdir = tempfile::tempdir().unwrap();
    let writer = writer(logdir.path());
    let database = writer.path().to_owned();
    let run = Run::start(writer, config(), &options()).unwrap();
    rusqlite::Connection::open(database).unwrap().execute_batch("DROP TABLE scalars").unwrap();
    let (live, observer) = (run.live(), run.observer());
    for step in 1..=50 {
        observer.observe(Event::Batch(batch(step)));
    }
    let summary = run.finish(Ending::Finished).unwrap();
    assert_eq!(summary.problems.len(), 1, "{:?}", summary.problems);
    assert!(summary.problems[0].contains("run.db"), "{:?}", summary.problems);
    assert_eq!(live.state().layers[0].as_ref().map(|layer| layer.to), Some(50));
}

fn probe(step: u64) -> Probe {
    let labels: Vec<i32> = (0..400).map(|input| input % 2).collect();
    let features = labels.iter().map(|&label| label as f32).collect();
    Probe {
        step,
        held_out: (0..400).map(|input| input >= 200).collect(),
        features: vec![features, vec![0.0; 400]],
        labels: labels.into(),
    }
}

#[test]
fn a_probe_is_told_with_the_window_that_it_follows() {
    let logdir = tempfile::tempdir().unwrap();
    let run = Run::start(writer(logdir.path()), config(), &EngineOptions::default()).unwrap();
    let observer = run.observer();
    for step in 1..=20 {
        observer.observe(Event::Batch(batch(step)));
    }
    observer.observe(Event::Probe(probe(20)));
    let reader = Reader::open(run.finish(Ending::Finished).unwrap().directory).unwrap();
    let snapshot = reader.layer_snapshot(0, None).unwrap().unwrap();
    let separability = snapshot.separability.unwrap();
    assert_eq!((snapshot.to, separability.step), (20, 20));
    assert!(separability.neighbour_purity > 0.99);
    assert!(reader.sample(0, None).unwrap().is_some_and(|(step, _)| step == 20));
}

#[test]
fn a_resumed_run_says_what_an_uninterrupted_one_does() {
    let logdir = tempfile::tempdir().unwrap();
    let checkpoint =
        |step| Event::Checkpoint(Checkpoint { step, weights: Arc::new([1, 2]), state: Arc::new([3]) });
    let run = Run::start(writer(logdir.path()), config(), &options()).unwrap();
    let directory = run.directory().to_owned();
    for step in 1..=37 {
        run.observer().observe(Event::Batch(batch(step)));
        if step == 20 {
            run.observer().observe(checkpoint(step));
        }
    }
    drop(run);

    let stored = Reader::open(&directory).unwrap().checkpoint(None).unwrap().unwrap();
    assert_eq!((stored.step, stored.state.as_deref()), (20, Some(&[3][..])));
    let writer = Writer::reopen(&directory, &RunOptions::default()).unwrap();
    let run = Run::resume(writer, &stored, config(), &options()).unwrap();
    let state = run.live().state();
    assert_eq!((state.step, state.recent.len()), (20, 20));
    assert_eq!(state.layers[0].as_ref().map(|layer| layer.to), Some(20));
    for step in 21..=40 {
        run.observer().observe(Event::Batch(batch(step)));
    }
    run.finish(Ending::Finished).unwrap();

    let whole = tempfile::tempdir().unwrap();
    let [resumed, whole] = [directory, self::run(whole.path(), 40, &options()).directory]
        .map(|path| Reader::open(path).unwrap());
    assert_eq!(resumed.snapshot_steps().unwrap(), whole.snapshot_steps().unwrap());
    assert_eq!(resumed.scalars().unwrap(), whole.scalars().unwrap());
    for layer in 0..2 {
        assert_eq!(resumed.layer_snapshot(layer, None).unwrap(), whole.layer_snapshot(layer, None).unwrap());
        assert_eq!(resumed.sample(layer, None).unwrap(), whole.sample(layer, None).unwrap());
    }
}

#[test]
fn settings_that_cannot_be_used_are_named() {
    let logdir = tempfile::tempdir().unwrap();
    let config = AnalysisConfig { window: 0, ..config() };
    let error = Run::start(writer(logdir.path()), config, &options()).unwrap_err();
    assert!(error.to_string().contains("window"), "{error}");
}

#[test]
fn windows_between_whole_ones_say_the_last_sample_and_the_last_window_its_own() {
    let logdir = tempfile::tempdir().unwrap();
    let options = EngineOptions { full_interval: Duration::from_secs(3600), ..options() };
    let run = Run::start(writer(logdir.path()), config(), &options).unwrap();
    let (observer, live) = (run.observer(), run.live());
    for step in 1..=60 {
        observer.observe(Event::Batch(batch(step)));
        let mut state = live.state();
        while state.step < step {
            state = live.wait(state.version, Duration::from_secs(10));
        }
        if step % 10 == 0 {
            // Sixty iterations are planned.
            let of = if step < 60 { 10 } else { 60 };
            let found = state.layers[0].as_ref().unwrap();
            let expected = direct(of, 0).unwrap().sample.unwrap();
            assert_eq!(found.sample.as_deref(), Some(&*expected), "{step}");
            assert!(expected.inputs.iter().all(|input| state.images.contains_key(input)), "{step}");
            assert_eq!(found.statistics.filters, direct(step, 0).unwrap().statistics.filters);
        }
    }
    let reader = Reader::open(run.finish(Ending::Finished).unwrap().directory).unwrap();
    assert_eq!(reader.sample(0, None).unwrap().map(|(step, _)| step), Some(60));
    assert_eq!(reader.sample(0, Some(50)).unwrap().map(|(step, _)| step), Some(10));
}

#[test]
fn the_last_window_has_its_own_sample_where_activations_come_now_and_then() {
    let logdir = tempfile::tempdir().unwrap();
    let options = EngineOptions { full_interval: Duration::from_secs(3600), ..options() };
    let run = Run::start(writer(logdir.path()), config(), &options).unwrap();
    for step in 1..=60 {
        let mut batch = batch(step);
        if step % 2 == 1 {
            batch.activations.clear();
        }
        run.observer().observe(Event::Batch(batch));
    }
    let reader = Reader::open(run.finish(Ending::Finished).unwrap().directory).unwrap();
    let (step, sample) = reader.sample(0, None).unwrap().unwrap();
    assert_eq!(step, 60);
    assert!(sample.steps.iter().all(|step| (41..=60).contains(step)), "{:?}", sample.steps);
}
