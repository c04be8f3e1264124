//! Runs that trainers on other machines tell about: an engine's run each, in this process, stored under the log directory.
//!
//! A trainer begins a run, and sends its events in uploads that are numbered: what is sent again because an answer was lost
//! is applied once. It is let go when it ends the run, is silent for long, or the server ends.

pub(crate) mod body;
mod check;
mod groups;
mod session;
#[cfg(test)]
mod tests;

pub(crate) use session::{Refusal, Session};

use crate::app::ended;
use crate::error::{ApiError, ApiResult};
use crate::guard;
use crate::runs::{LiveRun, Runs};
use crate::wire::{IngestStart, IngestStarted};
use axum::http::StatusCode;
use deepeyes_core::AnalysisConfig;
use deepeyes_engine::{EngineError, Run};
use deepeyes_store::{Ending, RunOptions, StoreError, Writer};
use groups::Groups;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::{Semaphore, watch};

/// Runs at a time; each has threads of its own.
const MOST_RUNS: usize = 128;
/// Uploads that are read at a time: memory holds them.
const MOST_UPLOADS: usize = 16;
/// How often silence is looked for, at most and at least.
const LOOKS: std::ops::RangeInclusive<Duration> = Duration::from_millis(20)..=Duration::from_secs(30);

/// The runs of remote trainers; cheap to clone, shared by all.
#[derive(Debug, Clone)]
pub(crate) struct Ingest(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    runs: Runs,
    logdir: PathBuf,
    silence: Duration,
    /// Places of uploads.
    uploads: Arc<Semaphore>,
    groups: Mutex<Groups>,
    /// Held for moments only: requests wait for it where nothing may take long.
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// By key; those that have ended stay for a while, so that what is sent again is known.
    sessions: HashMap<String, Arc<Session>>,
    /// Threads that end runs.
    endings: Vec<JoinHandle<()>>,
}

impl Ingest {
    /// A trainer that is silent for longer than `silence` is let go.
    pub(crate) fn new(runs: Runs, logdir: PathBuf, silence: Duration) -> Self {
        let uploads = Arc::new(Semaphore::new(MOST_UPLOADS));
        Self(Arc::new(Inner {
            runs,
            logdir,
            silence,
            uploads,
            groups: Mutex::default(),
            state: Mutex::default(),
        }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Each change of it is whole.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Places of uploads that are read at a time.
    pub(crate) fn uploads(&self) -> Arc<Semaphore> {
        Arc::clone(&self.0.uploads)
    }

    /// Begins a run. Works on files.
    ///
    /// # Errors
    /// Where the request makes no sense, too many runs go on, or a file cannot be made.
    pub(crate) fn start(&self, start: &IngestStart) -> ApiResult<IngestStarted> {
        let unusable = |reason: String| ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, reason);
        if start.format != body::FORMAT {
            return Err(unusable(format!(
                "the trainer sends events of format {}, this server reads format {}; install the same version of deepeyes on both",
                start.format,
                body::FORMAT
            )));
        }
        check::start(start).map_err(unusable)?;
        let key = guard::make_token().map_err(ApiError::internal)?;
        if self.lock().sessions.values().filter(|session| session.goes_on()).count() >= MOST_RUNS {
            return Err(ApiError::new(
                StatusCode::SERVICE_UNAVAILABLE,
                format!("{MOST_RUNS} trainers send their runs to this server already; try again later"),
            ));
        }
        let run = self.begin(start)?;
        let id = self.list(start.rank, &run).map_err(|error| match error {
            StoreError::Unknown { .. } => unusable(format!(
                "{:?} lies within another run, or too deep; choose another name",
                start.description.name
            )),
            error => error.into(),
        })?;
        let session = Arc::new(Session::new(id.clone(), run));
        self.lock().sessions.insert(key.clone(), session);
        Ok(IngestStarted { id, key })
    }

    fn begin(&self, start: &IngestStart) -> ApiResult<Run> {
        let logdir = &self.0.logdir;
        let writer = match start.ranks {
            1 => Writer::create(logdir, &start.description, &RunOptions::default()),
            _ => self.0.groups.lock().unwrap_or_else(PoisonError::into_inner).begin(logdir, start),
        };
        let unusable = |error: String| ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, error);
        let writer = writer.map_err(|error| match error {
            StoreError::Name { .. } => unusable(error.to_string()),
            error => error.into(),
        })?;
        let config = AnalysisConfig { window: start.window, seed: start.seed, ..AnalysisConfig::default() };
        Run::start(writer, config, &session::options(start.ranks)).map_err(|error| match error {
            EngineError::Setting { .. } => unusable(error.to_string()),
            error => ApiError::internal(error),
        })
    }

    /// Shows the run; of ranks that train together the first is the one that is live.
    fn list(&self, rank: u32, run: &Run) -> deepeyes_store::Result<String> {
        match rank {
            0 => self.0.runs.add(LiveRun {
                directory: run.directory().to_owned(),
                description: run.description().clone(),
                live: run.live(),
                maps: run.maps(),
                control: None,
            }),
            _ => self.0.runs.listed(run.directory()),
        }
    }

    /// The run of an id, for the trainer that has its key.
    ///
    /// # Errors
    /// Where there is none, or none any more.
    pub(crate) fn session(&self, id: &str, key: &str) -> ApiResult<Arc<Session>> {
        let session = self.lock().sessions.get(key).filter(|session| session.id == id).cloned();
        session.ok_or_else(gone)
    }

    /// Ends a run; what waits is still applied and stored, in the background.
    ///
    /// # Errors
    /// Where events are missing.
    pub(crate) fn end(&self, session: &Session, sequence: u64, ending: Ending) -> Result<(), Refusal> {
        if let Some(run) = session.end(sequence)? {
            self.finish(run, Some(ending));
        }
        Ok(())
    }

    /// Carries a run's end out, on a thread of its own.
    fn finish(&self, run: Run, ending: Option<Ending>) {
        let carry_out = move || match ending {
            // What failed on the way was told when it did.
            Some(ending) => drop(run.finish(ending)),
            None => drop(run),
        };
        let mut state = self.lock();
        state.endings.retain(|thread| !thread.is_finished());
        // Without a thread the run has been dropped, and counts as interrupted.
        let thread = std::thread::Builder::new().name("deepeyes-ending".to_owned()).spawn(carry_out);
        state.endings.extend(thread);
    }

    /// Lets go of trainers that are silent for long, until the server ends.
    pub(crate) async fn watch(self, mut ending: watch::Receiver<bool>) {
        let pause = (self.0.silence / 10).clamp(*LOOKS.start(), *LOOKS.end());
        loop {
            tokio::select! {
                () = tokio::time::sleep(pause) => self.let_go_of_silent(),
                () = ended(&mut ending) => return,
            }
        }
    }

    fn let_go_of_silent(&self) {
        let mut silent = Vec::new();
        self.lock().sessions.retain(|_, session| {
            let is_silent = session.is_silent(self.0.silence);
            silent.extend(is_silent.then(|| Arc::clone(session)));
            !is_silent
        });
        for run in silent.iter().filter_map(|session| session.abandon()) {
            tracing::warn!("nothing was heard of {} for long: it is interrupted", run.directory().display());
            self.finish(run, None);
        }
    }

    /// Ends every run, as interrupted: their trainings go on elsewhere. Waits until all is stored.
    pub(crate) fn close(&self) {
        let sessions = std::mem::take(&mut self.lock().sessions);
        for run in sessions.values().filter_map(|session| session.abandon()) {
            self.finish(run, None);
        }
        let endings = std::mem::take(&mut self.lock().endings);
        for thread in endings {
            // The engine catches its panics.
            let _ = thread.join();
        }
    }
}

/// What a trainer is told whose run is no longer written.
pub(crate) fn gone() -> ApiError {
    ApiError::new(
        StatusCode::GONE,
        "this run is no longer written: it has ended, the server was restarted, or nothing came for long; begin a new one",
    )
}
