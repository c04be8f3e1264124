//! Maps of a live run: they follow the probes, are settled at the end, and are stored as they were shown.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, helpers included")]

use deepeyes_core::{
    Activations, AnalysisConfig, Batch, Event, Image, InputSplit, LayerInstances, LayerSpec, MapMethod,
    Observer, ProbedInstances, RunDescription, Values,
};
use deepeyes_engine::{EngineOptions, LayerMaps, Maps, Run, stored_maps};
use deepeyes_store::{Ending, Reader, RunOptions, Writer};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const INPUTS: usize = 60;
const FILTERS: usize = 6;

fn layer(name: &str) -> LayerSpec {
    LayerSpec {
        name: name.to_owned(),
        kind: "dense".to_owned(),
        filters: FILTERS,
        grid: [1, 1],
        parameters: 1,
        ..LayerSpec::default()
    }
}

fn start(logdir: &Path) -> Run {
    let description = RunDescription {
        name: "run".to_owned(),
        network: "test".to_owned(),
        layers: vec![layer("a"), layer("b")],
        parameters: 2,
        iterations: Some(20),
        batch: Some(INPUTS),
        ..RunDescription::default()
    };
    let writer = Writer::create(logdir, &description, &RunOptions::default()).unwrap();
    let config = AnalysisConfig { window: 10, ..AnalysisConfig::default() };
    Run::start(writer, config, &EngineOptions::default()).unwrap()
}

fn values(seed: usize, count: usize) -> Vec<f32> {
    (0..count).map(|at| ((at * 7919 + seed * 104_729) % 1009) as f32 / 1009.0).collect()
}

fn batch(step: u64) -> Event {
    let activations = (0..2).map(|layer| Activations {
        layer,
        values: Values::Maps { values: values(step as usize + layer, INPUTS * FILTERS), first: 0 },
    });
    Event::Batch(Batch {
        step,
        loss: 1.0,
        seconds: 0.01,
        inputs: (0..INPUTS as i64).collect(),
        labels: vec![0; INPUTS].into(),
        activations: activations.collect(),
        ..Batch::default()
    })
}

/// A probe whose first layer always reads the same, and whose second one reads something new each time.
fn probe(step: u64) -> ProbedInstances {
    let layer = |seed: usize| LayerInstances {
        inputs: (0..INPUTS as u32).collect(),
        positions: vec![0; INPUTS],
        activations: values(step as usize + seed, INPUTS * FILTERS),
        fields: values(seed, INPUTS * 8),
    };
    let image = |input| {
        (input, Arc::new(Image { height: 1, width: 2, channels: 1, pixels: Box::new([input as u8; 2]) }))
    };
    ProbedInstances {
        step,
        inputs: (0..INPUTS as i64).collect(),
        splits: vec![InputSplit::Training; INPUTS].into(),
        labels: vec![1; INPUTS].into(),
        predictions: vec![2; INPUTS].into(),
        images: if step == 10 { (0..INPUTS as i64).map(image).collect() } else { Vec::new() },
        layers: vec![layer(1), layer(2 + step as usize)],
    }
}

/// Waits for a layer's maps to be as wanted.
fn wait(maps: &Maps, layer: usize, wanted: impl Fn(&LayerMaps) -> bool) -> Arc<LayerMaps> {
    let mut version = 0;
    for _ in 0..1000 {
        if let Some(found) = maps.layer(layer).filter(|maps| wanted(maps)) {
            return found;
        }
        version = maps.wait(version, Duration::from_millis(100));
    }
    panic!("the maps are not as wanted: {:?}", maps.layer(layer));
}

fn settled_at(step: u64) -> impl Fn(&LayerMaps) -> bool {
    move |maps| maps.input.as_ref().is_some_and(|map| map.settled && map.step == step)
}

#[test]
fn a_probe_that_reads_the_same_moves_nothing() {
    let logdir = tempfile::tempdir().unwrap();
    let run = start(logdir.path());
    let (maps, observer) = (run.maps(), run.observer());
    assert!(maps.layer(0).is_none() && maps.layer(9).is_none());
    maps.set_paused(true);
    observer.observe(Event::Instances(probe(10)));
    let first = wait(&maps, 0, settled_at(10)).input.clone().unwrap();
    observer.observe(Event::Instances(probe(20)));
    let second = wait(&maps, 0, settled_at(20)).input.clone().unwrap();
    assert_eq!(first.places, second.places);
    assert_ne!(first.points.activations, second.points.activations);
    assert_eq!(maps.image(7).unwrap().pixels[0], 7);
    run.finish(Ending::Finished).unwrap();
}

#[test]
fn a_watched_layer_is_refined_while_the_training_goes_on() {
    let logdir = tempfile::tempdir().unwrap();
    let run = start(logdir.path());
    let (maps, observer) = (run.maps(), run.observer());
    let watch = maps.watch(1);
    assert_eq!(watch.layer(), 1);
    observer.observe(Event::Instances(probe(10)));
    let found = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| wait(&maps, 1, settled_at(10)));
        let mut step = 1;
        while !waiting.is_finished() {
            observer.observe(batch(step));
            step += 1;
            std::thread::sleep(Duration::from_millis(5));
        }
        waiting.join().unwrap()
    });
    assert_eq!(found.input.as_ref().unwrap().method, MapMethod::Tsne);
}

#[test]
fn all_maps_are_settled_at_the_end_and_stored_as_they_are_shown() {
    let logdir = tempfile::tempdir().unwrap();
    let run = start(logdir.path());
    let (maps, observer) = (run.maps(), run.observer());
    for step in 1..=20 {
        observer.observe(batch(step));
        if step % 10 == 0 {
            observer.observe(Event::Instances(probe(step)));
        }
    }
    let summary = run.finish(Ending::Finished).unwrap();
    assert!(summary.problems.is_empty(), "{:?}", summary.problems);
    let reader = Reader::open(&summary.directory).unwrap();
    assert_eq!(reader.map_steps().unwrap().last(), Some(&20));
    for layer in 0..2 {
        let shown = maps.layer(layer).unwrap();
        let (input, filter) = (shown.input.as_ref().unwrap(), shown.filter.as_ref().unwrap());
        assert!(input.settled && filter.settled);
        assert_eq!((input.step, filter.step, shown.step), (20, 20, 20));
        let stored = stored_maps(&reader, layer, None).unwrap().unwrap();
        assert_eq!(stored, LayerMaps { version: 0, ..(*shown).clone() });
        assert_eq!(reader.image(5).unwrap().unwrap().pixels[0], 5);
    }
    assert!(stored_maps(&reader, 0, Some(5)).unwrap().is_none());
}

#[test]
fn a_run_without_a_probe_still_has_filter_maps() {
    let logdir = tempfile::tempdir().unwrap();
    let run = start(logdir.path());
    let (maps, observer) = (run.maps(), run.observer());
    for step in 1..=10 {
        observer.observe(batch(step));
    }
    let directory = run.finish(Ending::Stopped).unwrap().directory;
    let shown = maps.layer(1).unwrap();
    assert!(shown.input.is_none() && shown.filter.as_ref().unwrap().settled);
    let reader = Reader::open(directory).unwrap();
    assert!(reader.map_steps().unwrap().is_empty() && reader.filter_map(1, None).unwrap().is_none());
    let placed = stored_maps(&reader, 1, None).unwrap().unwrap().filter.unwrap();
    assert_eq!((placed.step, placed.filters.len(), placed.settled), (10, FILTERS, true));
}

#[test]
fn a_probe_that_does_not_fit_is_told_and_costs_its_layer_only() {
    let logdir = tempfile::tempdir().unwrap();
    let run = start(logdir.path());
    let (maps, observer) = (run.maps(), run.observer());
    let mut broken = probe(10);
    broken.layers[0].fields.pop();
    observer.observe(Event::Instances(broken));
    let summary = run.finish(Ending::Finished).unwrap();
    assert!(maps.layer(0).is_none());
    assert!(maps.layer(1).unwrap().input.as_ref().unwrap().settled);
    assert_eq!(summary.problems.len(), 1);
    assert!(summary.problems[0].contains("layer a"), "{:?}", summary.problems);
}
