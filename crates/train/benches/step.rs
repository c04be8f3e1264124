//! What an iteration of LeNet on MNIST takes (mini-batches of 64): alone, with an observer that drops what it gets (the
//! price of reading activations out of the network), and with everything that a run has: all statistics, and the store.
//! Blocks of the three alternate in one process, so that whatever else the machine does meets them alike. A block's time is
//! that of all its iterations, the ends of windows included.
//!
//! `cargo bench -p deepeyes-train --bench step [-- BLOCKS [SHARDS]]`

#![allow(clippy::print_stdout)]

use deepeyes_core::{AnalysisConfig, Event, Observer};
use deepeyes_data::{Dataset, OpenOptions, Source};
use deepeyes_engine::{EngineOptions, Run};
use deepeyes_network::preset;
use deepeyes_store::{Ending, RunOptions, Writer};
use deepeyes_train::{Control, Session, TrainConfig};
use std::sync::Arc;
use std::time::Instant;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Iterations of a block, and how many of its first do not count: whole windows of 20 remain.
const BLOCK: [usize; 2] = [420, 20];

#[derive(Clone, Copy)]
enum Mode {
    Alone,
    Dropped,
    Analysed,
}

const MODES: [(Mode, &str); 3] =
    [(Mode::Alone, "alone"), (Mode::Dropped, "read out"), (Mode::Analysed, "analysed")];

struct Dropping;

impl Observer for Dropping {
    fn observe(&self, event: Event) {
        drop(event);
    }
}

fn main() -> Result<()> {
    let mut numbers = std::env::args().skip(1).filter_map(|argument| argument.parse().ok());
    let blocks: usize = numbers.next().unwrap_or(8).max(1);
    let shards: Option<usize> = numbers.next();
    let mut dataset = deepeyes_data::open(&Source::Mnist, &OpenOptions::default())?;
    dataset.validation = few(&dataset)?;
    let dataset = Arc::new(dataset);
    let mut times = [vec![], vec![], vec![]];
    for _ in 0..blocks {
        for ((mode, _), times) in MODES.iter().zip(&mut times) {
            times.push(block(&dataset, shards, *mode)?);
        }
    }
    let alone = times[0].clone();
    for ((_, name), mut times) in MODES.into_iter().zip(times) {
        let mut ratios: Vec<f64> = times.iter().zip(&alone).map(|(with, without)| with / without).collect();
        let (seconds, ratio) = (median(&mut times), median(&mut ratios));
        let [least, most] = [ratios[0], ratios[blocks - 1]];
        println!(
            "{name:<9} {:7.2} ms an iteration, {:6.1} it/s, {ratio:.3} x alone ({least:.3} to {most:.3}, {blocks} blocks)",
            seconds * 1e3,
            1.0 / seconds,
        );
    }
    Ok(())
}

/// Mean seconds of an iteration.
fn block(dataset: &Arc<Dataset>, shards: Option<usize>, mode: Mode) -> Result<f64> {
    let network = preset("lenet", dataset.classes.len()).ok_or("a preset is missing")?;
    let mut config = TrainConfig::new(network, Arc::clone(dataset), "mnist");
    config.solver.iterations = BLOCK[0] as u64;
    config.probe = 0;
    config.shards = shards;
    let mut session = Session::prepare(config)?;
    let folder = tempfile::tempdir()?;
    let run = match mode {
        Mode::Analysed => {
            let writer = Writer::create(folder.path(), &session.description(), &RunOptions::default())?;
            let options = EngineOptions { pool: Some(session.pool()), ..EngineOptions::default() };
            Some(Run::start(writer, AnalysisConfig::default(), &options)?)
        }
        Mode::Alone | Mode::Dropped => None,
    };
    let analysing = run.as_ref().map(Run::observer);
    let observer: Option<&dyn Observer> = match (mode, &analysing) {
        (Mode::Alone, _) => None,
        (_, Some(observer)) => Some(observer.as_ref()),
        (_, None) => Some(&Dropping),
    };
    let mut moments = vec![];
    session.train(observer, &Control::new(), |_| moments.push(Instant::now()))?;
    if let Some(run) = run {
        run.finish(Ending::Finished)?;
    }
    let counted = moments[BLOCK[1] - 1..BLOCK[0]].to_vec();
    Ok((counted[counted.len() - 1] - counted[0]).as_secs_f64() / (counted.len() - 1) as f64)
}

/// A validation split that takes no time to measure: it is no part of what is timed.
fn few(dataset: &Dataset) -> Result<deepeyes_data::Split> {
    let dir = tempfile::tempdir()?;
    let [_, height, width] = dataset.shape;
    let header = |dims: &[usize]| -> Vec<u8> {
        let sizes = dims.iter().flat_map(|&size| (size as u32).to_be_bytes());
        [0, 0, 8, dims.len() as u8].into_iter().chain(sizes).collect()
    };
    for part in ["train", "t10k"] {
        let images = [header(&[1, height, width]), vec![0; height * width]].concat();
        std::fs::write(dir.path().join(format!("{part}-images-idx3-ubyte")), images)?;
        std::fs::write(
            dir.path().join(format!("{part}-labels-idx1-ubyte")),
            [header(&[1]), vec![0]].concat(),
        )?;
    }
    let source = Source::Idx { dir: dir.path().to_owned() };
    Ok(deepeyes_data::open(&source, &OpenOptions::default())?.validation)
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
