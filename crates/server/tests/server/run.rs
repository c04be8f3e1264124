//! A small run with made-up activations, finished or live, and a server over it.

use crate::http::get;
use deepeyes_core::{
    Activations, AnalysisConfig, Batch, Event, Image, InputSplit, LayerInstances, LayerSpec, Observer,
    ProbedInstances, Rectify, RunDescription, Values,
};
use deepeyes_engine::{EngineOptions, Run};
use deepeyes_network::{Network, ReceptiveField};
use deepeyes_server::{Control, LiveRun, Server, ServerOptions};
use deepeyes_store::{Ending, RunOptions, Writer};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tempfile::TempDir;

pub(crate) const INPUTS: usize = 16;
pub(crate) const WINDOW: u64 = 10;

const NETWORK: &str = "
name = 'small'
[[layer]]
name = 'conv'
conv2d = { filters = 3, kernel = 3, padding = 1 }
[[layer]]
name = 'pool'
max_pool = { kernel = 2, stride = 2 }
[[layer]]
name = 'dense'
dense = { units = 5 }
[[layer]]
name = 'relu'
relu = {}
[[layer]]
name = 'answer'
dense = { units = 2 }
";

fn layer(name: &str, filters: usize, grid: [usize; 2], output: bool) -> LayerSpec {
    LayerSpec {
        name: name.to_owned(),
        kind: if grid == [1, 1] { "dense" } else { "conv2d" }.to_owned(),
        filters,
        grid,
        receptive_field: Some(ReceptiveField { size: [3, 3], stride: [1, 1], offset: [-1, -1] }),
        parameters: 1,
        rectify: Rectify::Relu,
        output,
    }
}

pub(crate) fn description() -> RunDescription {
    RunDescription {
        name: "run".to_owned(),
        network: "small".to_owned(),
        network_toml: Network::from_toml(NETWORK).unwrap().to_toml(),
        layers: vec![
            layer("conv", 3, [4, 4], false),
            layer("dense", 5, [1, 1], false),
            layer("answer", 2, [1, 1], true),
        ],
        parameters: 200,
        multiply_adds: Some(1000),
        classes: vec!["left".to_owned(), "right".to_owned()],
        data: "made up".to_owned(),
        input: Some([1, 4, 4]),
        training_inputs: Some(1000),
        iterations: Some(60),
        batch: Some(INPUTS),
        seed: Some(1),
        settings: "{}".to_owned(),
    }
}

/// Values in [0, 1) that depend on everything given; the first filter never fires.
fn values(step: u64, layer: usize, spec: &LayerSpec) -> Vec<f32> {
    let positions = spec.positions();
    let mut state = step * 31 + layer as u64 + 1;
    (0..INPUTS * spec.filters * positions)
        .map(|at| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let filter = at / positions % spec.filters;
            if filter == 0 && !spec.output { 0.0 } else { (state >> 40) as f32 / (1_u64 << 24) as f32 }
        })
        .collect()
}

pub(crate) fn batch(step: u64) -> Event {
    let layers = description().layers;
    let activations = layers.iter().enumerate().map(|(at, spec)| Activations {
        layer: at,
        values: Values::Maps { values: values(step, at, spec), first: 0 },
    });
    let first = step as i64 * INPUTS as i64;
    let image = |input: i64| {
        Arc::new(Image { height: 4, width: 4, channels: 1, pixels: Box::new([input as u8; 16]) })
    };
    Event::Batch(Batch {
        step,
        loss: if step == 7 { f64::NAN } else { 1.0 / step as f64 },
        accuracy: Some(0.5),
        seconds: 0.01,
        inputs: (first..first + INPUTS as i64).collect(),
        labels: (0..INPUTS as i32).map(|input| input % 2).collect(),
        images: (first..first + INPUTS as i64).map(image).collect(),
        activations: activations.collect(),
        ..Batch::default()
    })
}

/// A run that goes on.
pub(crate) fn begin(logdir: &Path) -> Run {
    let writer = Writer::create(logdir, &description(), &RunOptions::default()).unwrap();
    let config = AnalysisConfig { window: WINDOW, ..AnalysisConfig::default() };
    Run::start(writer, config, &EngineOptions::default()).unwrap()
}

pub(crate) fn feed(run: &Run, steps: std::ops::RangeInclusive<u64>) {
    let observer = run.observer();
    steps.for_each(|step| observer.observe(batch(step)));
}

/// A probe of forty inputs, at one position each, whose receptive fields fall into two groups.
pub(crate) fn probe(step: u64) -> Event {
    let n = 40;
    let layer = |spec: &LayerSpec| LayerInstances {
        inputs: (0..n as u32).collect(),
        positions: (0..n as u32).map(|input| input % spec.positions() as u32).collect(),
        activations: (0..n * spec.filters).map(|at| (at % 7) as f32).collect(),
        fields: (0..n * 4).map(|at| (at * 37 % 161) as f32 + if at < 2 * n { 500.0 } else { 0.0 }).collect(),
    };
    let image = |input: i64| {
        let pixels = Box::new([input as u8; 16]);
        (input, Arc::new(Image { height: 4, width: 4, channels: 1, pixels }))
    };
    Event::Instances(ProbedInstances {
        step,
        inputs: (0..n as i64).collect(),
        splits: vec![InputSplit::Validation; n].into(),
        labels: (0..n as i32).map(|input| input % 2).collect(),
        predictions: vec![0; n].into(),
        images: (0..n as i64).map(image).collect(),
        layers: description().layers.iter().map(layer).collect(),
    })
}

/// Waits until what was fed has been taken in.
pub(crate) fn settle(run: &Run, step: u64) {
    let live = run.live();
    let mut state = live.state();
    while state.step < step {
        state = live.wait(state.version, std::time::Duration::from_secs(60));
    }
}

/// A finished run of that many steps.
pub(crate) fn finished(logdir: &Path, steps: u64) {
    let run = begin(logdir);
    feed(&run, 1..=steps);
    run.observer().observe(Event::Validation { step: steps, accuracy: 0.75, loss: 0.4 });
    run.finish(Ending::Finished).unwrap();
}

#[derive(Debug, Default)]
pub(crate) struct Wishes {
    pub(crate) paused: AtomicBool,
    pub(crate) stopped: AtomicBool,
}

impl Control for Wishes {
    fn pause(&self) {
        self.paused.store(true, Ordering::Relaxed);
    }

    fn resume(&self) {
        self.paused.store(false, Ordering::Relaxed);
    }

    fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    fn is_paused(&self) -> bool {
        self.paused.load(Ordering::Relaxed)
    }
}

pub(crate) fn live_run(run: &Run, control: &Arc<Wishes>) -> LiveRun {
    LiveRun {
        directory: run.directory().to_owned(),
        description: run.description().clone(),
        live: run.live(),
        maps: run.maps(),
        control: Some(control.clone()),
    }
}

/// A server over a log directory of its own.
pub(crate) struct Fixture {
    pub(crate) logdir: TempDir,
    pub(crate) server: Server,
}

impl Fixture {
    /// With a finished run of 35 iterations.
    pub(crate) fn new() -> Self {
        Self::with(|options| options)
    }

    pub(crate) fn with(change: impl FnOnce(ServerOptions) -> ServerOptions) -> Self {
        let logdir = tempfile::tempdir().unwrap();
        finished(logdir.path(), 35);
        Self::over(logdir, change)
    }

    pub(crate) fn over(logdir: TempDir, change: impl FnOnce(ServerOptions) -> ServerOptions) -> Self {
        let options = ServerOptions { port: Some(0), ..ServerOptions::new(logdir.path()) };
        let server = Server::start(change(options)).unwrap();
        Self { logdir, server }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// The path of the only run.
    pub(crate) fn run(&self) -> String {
        let runs = get(self.address(), "/api/runs").json();
        format!("/api/runs/{}", runs["runs"][0]["id"].as_str().unwrap())
    }
}
