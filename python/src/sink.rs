//! Where a run's events go: to an engine in this process, or to a server's.

use crate::error;
use deepeyes_core::{AnalysisConfig, Event, Finding, Observer, RunDescription};
use deepeyes_engine::{EngineOptions, Live, Run, RunObserver};
use deepeyes_server::{UploadOptions, Uploader};
use deepeyes_store::{Ending, RunOptions, Writer};
use pyo3::PyResult;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Events that may wait; those of iterations without activations are a few numbers.
pub(crate) const QUEUE: usize = 4096;
/// Places for validations beside them.
const SPARE: usize = 64;
/// How long the end of a run waits for what is on its way to a server.
const FAREWELL: Duration = Duration::from_secs(30);

/// How a run is set up.
pub(crate) struct Setup {
    pub(crate) description: RunDescription,
    pub(crate) window: u64,
    pub(crate) seed: u64,
    pub(crate) rank: u32,
    pub(crate) ranks: u32,
}

/// Where a run's events go.
pub(crate) enum Sink {
    Engine(Box<Engine>),
    Server(Uploader),
}

/// An engine in this process.
pub(crate) struct Engine {
    observer: Arc<RunObserver>,
    live: Live,
    directory: PathBuf,
    /// `None` once it has ended.
    run: Mutex<Option<Run>>,
}

impl Sink {
    /// A run in a log directory: in a `directory` that was made for it there, otherwise in a new one.
    pub(crate) fn into_directory(logdir: &Path, directory: Option<&Path>, setup: &Setup) -> PyResult<Self> {
        let Setup { description, window, seed, rank, ranks } = setup;
        let options = RunOptions::default();
        let writer = match (ranks, directory) {
            (1, Some(directory)) => Writer::create_in(directory, description, &options),
            (1, None) => Writer::create(logdir, description, &options),
            _ => Writer::create_rank(logdir.join(&description.name), *rank, description, &options),
        };
        let config = AnalysisConfig { window: *window, seed: *seed, ..AnalysisConfig::default() };
        let queue = QUEUE + SPARE;
        let engine = EngineOptions { queue, keep_windows: *ranks > 1, ..EngineOptions::default() };
        let run = Run::start(writer.map_err(error)?, config, &engine).map_err(error)?;
        Ok(Self::Engine(Box::new(Engine {
            observer: run.observer(),
            live: run.live(),
            directory: run.directory().to_owned(),
            run: Mutex::new(Some(run)),
        })))
    }

    /// A run on a server.
    pub(crate) fn to_server(server: String, token: Option<String>, setup: Setup) -> PyResult<Self> {
        let Setup { description, window, seed, rank, ranks } = setup;
        let queue = QUEUE + SPARE;
        let options = UploadOptions { server, token, description, window, seed, rank, ranks, queue };
        Uploader::start(options).map(Self::Server).map_err(error)
    }

    /// The run's directory, or the address of its page.
    pub(crate) fn location(&self) -> String {
        match self {
            Self::Engine(engine) => engine.directory.display().to_string(),
            Self::Server(uploader) => uploader.location(),
        }
    }

    /// Events that wait.
    pub(crate) fn waiting(&self) -> usize {
        match self {
            Self::Engine(engine) => engine.observer.waiting(),
            Self::Server(uploader) => uploader.waiting(),
        }
    }

    /// Hands an event over where there is a free place; whether there was.
    pub(crate) fn offer(&self, event: Event) -> bool {
        match self {
            Self::Engine(engine) => engine.observer.try_observe(event).is_ok(),
            Self::Server(uploader) => uploader.offer(event).is_ok(),
        }
    }

    /// Hands a small event over, for which an engine may be waited for and a server not.
    pub(crate) fn tell(&self, event: Event) {
        match self {
            Self::Engine(engine) => engine.observer.observe(event),
            Self::Server(uploader) => uploader.tell(event),
        }
    }

    /// Seconds of processor time that analysing, or sending, has taken in this process.
    pub(crate) fn cost(&self) -> f64 {
        match self {
            Self::Engine(engine) => engine.live.state().cost.seconds,
            Self::Server(uploader) => uploader.spent().as_secs_f64(),
        }
    }

    /// The newest findings, most severe first.
    pub(crate) fn findings(&self) -> PyResult<Vec<Finding>> {
        match self {
            Self::Engine(engine) => Ok(engine.live.state().findings.to_vec()),
            Self::Server(uploader) => uploader.findings().map_err(error),
        }
    }

    /// What of ours failed.
    pub(crate) fn problems(&self) -> Vec<String> {
        match self {
            Self::Engine(engine) => engine.live.state().problems.to_vec(),
            Self::Server(uploader) => uploader.problems(),
        }
    }

    /// Ends the run, once.
    pub(crate) fn finish(&self, ending: Ending) -> PyResult<()> {
        match self {
            Self::Engine(engine) => {
                // A run that a panic left behind can still be ended.
                let run = engine.run.lock().unwrap_or_else(PoisonError::into_inner).take();
                run.map_or(Ok(()), |run| run.finish(ending).map(drop).map_err(error))
            }
            Self::Server(uploader) => uploader.finish(ending, FAREWELL).map_err(error),
        }
    }
}
