//! Trainings that are started from the page.

use crate::error::Failure;
use crate::output::note;
use crate::train::{Named, TrainArgs, Training, prepare_network};
use deepeyes_network::{Network, PRESETS};
use deepeyes_server::wire::{StartRequest, Starting};
use deepeyes_server::{Launcher, LiveRun, StartError};
use deepeyes_train::Control;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// Starts trainings in this process, one at a time: two would only share the processors.
#[derive(Debug)]
pub(crate) struct TrainLauncher {
    logdir: PathBuf,
    current: Mutex<Option<Current>>,
    /// Whether the program is about to end.
    stopping: AtomicBool,
}

/// The training that goes on, or went on last.
#[derive(Debug)]
struct Current {
    control: Arc<Control>,
    /// `None`: the command line carries it out, and says when it has ended.
    thread: Option<JoinHandle<()>>,
}

impl Current {
    fn goes_on(&self) -> bool {
        self.thread.as_ref().is_none_or(|thread| !thread.is_finished())
    }
}

impl TrainLauncher {
    pub(crate) fn new(logdir: impl Into<PathBuf>) -> Arc<Self> {
        Arc::new(Self { logdir: logdir.into(), current: Mutex::new(None), stopping: AtomicBool::new(false) })
    }

    /// The command line trains, and nothing else may.
    pub(crate) fn occupy(&self, control: Arc<Control>) {
        let mut current = self.lock();
        if self.stopping.load(Ordering::Relaxed) {
            control.stop();
        }
        *current = Some(Current { control, thread: None });
    }

    /// The command line's training has ended.
    pub(crate) fn release(&self) {
        *self.lock() = None;
    }

    /// Asks what goes on, or is about to, to end; whether something does.
    pub(crate) fn stop(&self) -> bool {
        let current = self.lock();
        self.stopping.store(true, Ordering::Relaxed);
        let going = current.as_ref().filter(|current| current.goes_on());
        going.inspect(|current| current.control.stop()).is_some()
    }

    /// Waits until nothing goes on.
    pub(crate) fn finish(&self) {
        self.stop();
        let thread = self.lock().take().and_then(|current| current.thread);
        if let Some(thread) = thread {
            // What went wrong in there has been told.
            let _ = thread.join();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Current>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, request: &StartRequest) -> Result<Training, StartError> {
        let args = arguments(request);
        let named = named(&request.network)?;
        let prepared = prepare_network(named, &args, &self.logdir).map_err(|failure| refused(&failure))?;
        Training::begin(prepared, args.window, &self.logdir).map_err(|failure| refused(&failure))
    }
}

impl Launcher for TrainLauncher {
    fn offers(&self) -> Starting {
        let built_in = deepeyes_data::known().iter().filter(|data| data.built_in);
        Starting {
            networks: PRESETS.iter().map(|preset| preset.name.to_owned()).collect(),
            data: built_in.map(|data| data.name.to_owned()).collect(),
        }
    }

    fn start(&self, request: &StartRequest) -> Result<LiveRun, StartError> {
        let mut current = self.lock();
        if current.as_ref().is_some_and(Current::goes_on) {
            return Err(StartError::Busy(
                "another training goes on here; stop it first, or let it end".to_owned(),
            ));
        }
        let training = self.begin(request)?;
        let (run, control) = (training.live_run(), training.control());
        let thread = std::thread::Builder::new()
            .name("deepeyes-train".to_owned())
            .spawn(move || {
                if let Err(failure) = training.carry_out(false) {
                    note(failure.report().trim_end());
                }
            })
            .map_err(|error| StartError::Failed(format!("cannot start a thread: {error}")))?;
        *current = Some(Current { control, thread: Some(thread) });
        Ok(run)
    }
}

fn arguments(request: &StartRequest) -> TrainArgs {
    TrainArgs {
        network: request.network.clone(),
        data: request.data.clone(),
        iterations: request.iterations,
        batch: request.batch,
        lr: request.lr,
        seed: request.seed,
        name: request.name.clone().filter(|name| !name.is_empty()),
        ..TrainArgs::default()
    }
}

/// A preset by name, everything else as TOML: a page names no files.
fn named(network: &str) -> Result<Named, StartError> {
    let name = network.trim();
    if let Some(preset) = PRESETS.iter().find(|preset| preset.name == name) {
        return Ok(Named::Preset(preset.name));
    }
    if !name.contains('=') {
        let presets = PRESETS.map(|preset| preset.name).join(", ");
        return Err(StartError::Request(format!(
            "unknown network {name:?}; expected a preset ({presets}), or a network as TOML"
        )));
    }
    let network = Network::from_toml(network).map_err(|error| StartError::Request(error.to_string()))?;
    Ok(Named::File(Box::new(network)))
}

fn refused(failure: &Failure) -> StartError {
    // One line with its causes; hints are about the command line.
    let told = |error: &anyhow::Error| format!("{error:#}");
    match failure {
        Failure::Usage(error) => StartError::Request(told(error)),
        Failure::Failed(error) => StartError::Failed(told(error)),
    }
}
