//! What an iteration of LeNet on MNIST takes (mini-batches of 64): alone, with an observer that drops what it gets (the
//! price of reading activations out of the network), and with everything that a run has: all statistics, and the store.
//! Three trainings in one process take turns of [`TURN`] iterations, so that whatever else the machine does meets them
//! alike. A turn lasts until what it gave to analyse is analysed, the ends of its windows included.
//!
//! `cargo bench -p deepeyes-train --bench step [-- TURNS [SHARDS]]`

#![allow(clippy::print_stdout, clippy::print_stderr)]

use cpu_time::ProcessTime;
use deepeyes_core::{AnalysisConfig, Event, Observer};
use deepeyes_data::{Dataset, OpenOptions, Source};
use deepeyes_engine::{EngineOptions, Live, Run};
use deepeyes_network::preset;
use deepeyes_store::{Ending, RunOptions, Writer};
use deepeyes_train::{Control, Session, TrainConfig};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Iterations of a turn: two windows. Turns begin and end in the middle of a window, after [`WARM`] iterations that do
/// not count.
const TURN: u64 = 40;
const WARM: u64 = 30;

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

/// Seconds of a turn's iteration, on the clock and of the processors.
type Turn = [f64; 2];

/// Lets one training run at a time.
#[derive(Default)]
struct Baton {
    holder: Mutex<usize>,
    passed: Condvar,
}

impl Baton {
    fn wait(&self, place: usize) {
        let holder = self.holder.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.passed.wait_while(holder, |holder| *holder != place));
    }

    fn pass(&self, place: usize) {
        *self.holder.lock().unwrap_or_else(PoisonError::into_inner) = (place + 1) % MODES.len();
        self.passed.notify_all();
    }
}

fn main() -> Result<()> {
    let mut numbers = std::env::args().skip(1).filter_map(|argument| argument.parse().ok());
    let turns: u64 = numbers.next().unwrap_or(100).max(2);
    let shards = numbers.next().map(|shards| shards as usize);
    let mut dataset = deepeyes_data::open(&Source::Mnist, &OpenOptions::default())?;
    dataset.validation = few(&dataset)?;
    let (dataset, baton) = (Arc::new(dataset), Baton::default());
    let measured: Vec<Vec<Turn>> = std::thread::scope(|scope| {
        let start = |(place, (mode, name))| {
            let (dataset, baton) = (&dataset, &baton);
            scope.spawn(move || {
                train(dataset, shards, turns, mode, (baton, place)).unwrap_or_else(|error| {
                    // The others would wait for its turn to end.
                    eprintln!("{name}: {error}");
                    std::process::exit(1)
                })
            })
        };
        let trainings: Vec<_> = MODES.into_iter().enumerate().map(start).collect();
        trainings.into_iter().map(|training| training.join().expect("a training does not panic")).collect()
    });
    for ((_, name), turns) in MODES.iter().zip(&measured) {
        let [seconds, processor] = [0, 1].map(|at| median(turns.iter().map(|turn| turn[at]).collect()));
        let ratios = [0, 1].map(|at| {
            let pairs = turns.iter().zip(&measured[0]);
            ratio(pairs.map(|(with, without)| with[at] / without[at]).collect())
        });
        println!(
            "{name:<9} {:6.2} ms an iteration, {} x alone; {:6.2} ms of the processors, {} x",
            seconds * 1e3,
            ratios[0],
            processor * 1e3,
            ratios[1],
        );
    }
    Ok(())
}

/// Trains in turns; gives all of them.
fn train(
    dataset: &Arc<Dataset>,
    shards: Option<usize>,
    turns: u64,
    mode: Mode,
    (baton, place): (&Baton, usize),
) -> Result<Vec<Turn>> {
    let network = preset("lenet", dataset.classes.len()).ok_or("a preset is missing")?;
    let mut config = TrainConfig::new(network, Arc::clone(dataset), "mnist");
    config.solver.iterations = WARM + turns * TURN;
    config.solver.validate_every = config.solver.iterations;
    config.probe = 0;
    config.shards = shards;
    let mut session = Session::prepare(config)?;
    let folder = tempfile::tempdir()?;
    let run = match mode {
        Mode::Analysed => {
            let writer = Writer::create(folder.path(), &session.description(), &RunOptions::default())?;
            // The clock goes on while others have their turns.
            let full_interval = EngineOptions::default().full_interval * MODES.len() as u32;
            let options =
                EngineOptions { pool: Some(session.pool()), full_interval, ..EngineOptions::default() };
            Some(Run::start(writer, AnalysisConfig::default(), &options)?)
        }
        Mode::Alone | Mode::Dropped => None,
    };
    let analysing = run.as_ref().map(|run| (run.observer(), run.live()));
    let observer: Option<&dyn Observer> = match (mode, &analysing) {
        (Mode::Alone, _) => None,
        (_, Some((observer, _))) => Some(observer.as_ref()),
        (_, None) => Some(&Dropping),
    };
    let mut measured = vec![];
    baton.wait(place);
    let mut start = (Instant::now(), ProcessTime::now());
    session.train(observer, &Control::new(), |progress| {
        if progress.step >= WARM && (progress.step - WARM).is_multiple_of(TURN) {
            if let Some((_, live)) = &analysing {
                catch_up(live, progress.step);
            }
            let [seconds, processor] = [start.0.elapsed(), start.1.elapsed()].map(|time| time.as_secs_f64());
            measured.push([seconds / TURN as f64, processor / TURN as f64]);
            baton.pass(place);
            if progress.step < progress.iterations {
                baton.wait(place);
            }
            start = (Instant::now(), ProcessTime::now());
        }
    })?;
    if let Some(run) = run {
        run.finish(Ending::Finished)?;
    }
    // The first were the iterations to warm up.
    Ok(measured.split_off(1))
}

/// Waits until the analysis has taken iteration `step` in.
fn catch_up(live: &Live, step: u64) {
    let mut state = live.state();
    while state.step < step {
        state = live.wait(state.version, Duration::from_secs(1));
    }
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

/// The median of some ratios, with its 95 % interval: of so many numbers, those whose ranks a median leaves that rarely.
fn ratio(mut ratios: Vec<f64>) -> String {
    ratios.sort_by(f64::total_cmp);
    let (count, last) = (ratios.len() as f64, ratios.len() - 1);
    let margin = 0.98 * count.sqrt();
    let [least, most] =
        [count / 2.0 - margin, count / 2.0 + margin].map(|rank| ratios[(rank as usize).min(last)]);
    format!("{:.3} ({least:.3} to {most:.3})", ratios[ratios.len() / 2])
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
