//! A small data set, networks for it, and an observer that keeps what it is told.

use deepeyes_core::{Batch, Checkpoint, Event, Observer, Probe, ProbedInstances};
use deepeyes_data::{Dataset, OpenOptions, Source};
use deepeyes_network::{BatchNorm, Conv2d, Dense, Layer, Lrn, Network, Op, Pool, Solver, SolverKind};
use deepeyes_train::{Control, Outcome, Session, TrainConfig, TrainError};
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};

pub(crate) const CLASSES: usize = 3;
pub(crate) const SIDE: usize = 8;
pub(crate) const TRAINING: usize = 50;
pub(crate) const VALIDATION: usize = 21;

/// Grey images whose bright third tells the class, with noise.
pub(crate) fn dataset() -> Arc<Dataset> {
    static DATASET: OnceLock<Arc<Dataset>> = OnceLock::new();
    Arc::clone(DATASET.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), "train", TRAINING);
        write(dir.path(), "t10k", VALIDATION);
        let source = Source::Idx { dir: dir.path().to_owned() };
        Arc::new(deepeyes_data::open(&source, &OpenOptions::default()).unwrap())
    }))
}

fn write(dir: &Path, part: &str, images: usize) {
    let mut state = images as u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8 / 2
    };
    let header = |kind: u8, dims: &[usize]| -> Vec<u8> {
        let sizes = dims.iter().flat_map(|&size| (size as u32).to_be_bytes());
        [0, 0, kind, dims.len() as u8].into_iter().chain(sizes).collect()
    };
    let mut pixels = header(8, &[images, SIDE, SIDE]);
    let mut labels = header(8, &[images]);
    for image in 0..images {
        let class = image % CLASSES;
        labels.push(class as u8);
        for at in 0..SIDE * SIDE {
            let bright = at / SIDE * CLASSES / SIDE == class;
            pixels.push(noise() + if bright { 100 } else { 0 });
        }
    }
    std::fs::write(dir.join(format!("{part}-images-idx3-ubyte")), pixels).unwrap();
    std::fs::write(dir.join(format!("{part}-labels-idx1-ubyte")), labels).unwrap();
}

/// Convolution, pooling, normalisation across channels, dropout, two dense layers.
pub(crate) fn plain() -> Network {
    network(vec![
        Layer::new("conv1", Op::Conv2d(Conv2d::new(4, 3))),
        Layer::new("relu1", Op::Relu),
        Layer::new("norm1", Op::Lrn(Lrn { size: 3, ..Lrn::default() })),
        Layer::new("pool1", Op::MaxPool(Pool::new(2, 2))),
        Layer::new("fc1", Op::Dense(Dense { units: 16, bias: true })),
        Layer::new("relu2", Op::Relu),
        Layer::new("drop", Op::Dropout { rate: 0.3 }),
        Layer::new("fc2", Op::Dense(Dense { units: CLASSES, bias: true })),
        Layer::new("softmax", Op::Softmax),
    ])
}

/// The same with batch norm.
pub(crate) fn normalised() -> Network {
    let mut network = plain();
    network.layers[2] = Layer::new("bn1", Op::BatchNorm(BatchNorm::default()));
    network.layers.swap(1, 2);
    network
}

fn network(layers: Vec<Layer>) -> Network {
    let solver = Solver { batch: 7, iterations: 12, validate_every: 5, lr: 0.05, ..Solver::default() };
    Network { name: "small".to_owned(), layers, solver: Some(solver), ..Network::default() }
}

pub(crate) fn config(network: Network) -> TrainConfig {
    TrainConfig { probe: 10, ..TrainConfig::new(network, dataset(), "idx:somewhere") }
}

pub(crate) fn with_adam(mut config: TrainConfig) -> TrainConfig {
    config.solver.kind = SolverKind::ADAM;
    config.solver.lr = 0.003;
    config
}

#[derive(Default)]
pub(crate) struct Recorder(Mutex<Vec<Event>>);

impl Observer for Recorder {
    fn observe(&self, event: Event) {
        self.0.lock().unwrap().push(event);
    }
}

/// What was told, by kind.
#[derive(Default)]
pub(crate) struct Told {
    pub(crate) batches: Vec<Batch>,
    /// Step, accuracy, loss.
    pub(crate) validations: Vec<(u64, f64, f64)>,
    pub(crate) probes: Vec<Probe>,
    pub(crate) instances: Vec<ProbedInstances>,
    pub(crate) checkpoints: Vec<Checkpoint>,
}

impl Told {
    /// The losses' bits, so that NaN equals itself.
    pub(crate) fn losses(&self) -> Vec<u64> {
        self.batches.iter().map(|batch| batch.loss.to_bits()).collect()
    }
}

/// Trains to the end, and tells what happened.
pub(crate) fn run(session: &mut Session) -> (Result<Outcome, TrainError>, Told) {
    run_under(session, &Control::new())
}

pub(crate) fn run_under(session: &mut Session, control: &Control) -> (Result<Outcome, TrainError>, Told) {
    let recorder = Recorder::default();
    let outcome = session.train(Some(&recorder), control, |_| {});
    let mut told = Told::default();
    for event in recorder.0.into_inner().unwrap() {
        match event {
            Event::Batch(batch) => told.batches.push(batch),
            Event::Validation { step, accuracy, loss } => told.validations.push((step, accuracy, loss)),
            Event::Probe(probe) => told.probes.push(probe),
            Event::Instances(instances) => told.instances.push(instances),
            Event::Checkpoint(checkpoint) => told.checkpoints.push(checkpoint),
        }
    }
    (outcome, told)
}

pub(crate) fn trained(config: TrainConfig) -> (Session, Outcome, Told) {
    let mut session = Session::prepare(config).unwrap();
    let (outcome, told) = run(&mut session);
    (session, outcome.unwrap(), told)
}
