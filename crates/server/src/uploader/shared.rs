//! What the sending thread and its owner both see.

use super::UploadError;
use crate::wire::IngestStarted;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Problems told.
const MOST_PROBLEMS: usize = 100;

#[derive(Debug)]
struct State {
    started: Arc<IngestStarted>,
    problems: Vec<String>,
    /// Whether the run ends as finished; `None` where it is not ended.
    ending: Option<bool>,
    ended: Option<Result<(), UploadError>>,
    /// Whether nobody waits for what is unsent.
    abandoned: bool,
}

/// What the sending thread and its owner both see.
#[derive(Debug)]
pub(super) struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    /// Events that wait or are on their way.
    pub(super) unsent: AtomicUsize,
    spent_nanos: AtomicU64,
}

impl Shared {
    pub(super) fn new(started: IngestStarted) -> Self {
        let started = Arc::new(started);
        let state = State { started, problems: Vec::new(), ending: None, ended: None, abandoned: false };
        Self {
            state: Mutex::new(state),
            changed: Condvar::new(),
            unsent: AtomicUsize::new(0),
            spent_nanos: AtomicU64::new(0),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Each change of it is whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The run, as the server knows it.
    pub(super) fn started(&self) -> Arc<IngestStarted> {
        Arc::clone(&self.lock().started)
    }

    /// The server knows it as another one from now on.
    pub(super) fn restart(&self, started: IngestStarted) {
        self.lock().started = Arc::new(started);
    }

    /// Tells a problem, once.
    pub(super) fn tell(&self, problem: String) {
        let mut state = self.lock();
        if state.problems.len() < MOST_PROBLEMS && !state.problems.contains(&problem) {
            tracing::warn!("{problem}; the training goes on");
            state.problems.push(problem);
        }
    }

    pub(super) fn problems(&self) -> Vec<String> {
        self.lock().problems.clone()
    }

    /// Counts processor time.
    pub(super) fn spend(&self, time: Duration) {
        self.spent_nanos.fetch_add(time.as_nanos() as u64, Ordering::Relaxed);
    }

    pub(super) fn spent(&self) -> Duration {
        Duration::from_nanos(self.spent_nanos.load(Ordering::Relaxed))
    }

    /// How the run ends, where it does.
    pub(super) fn ending(&self) -> Option<bool> {
        self.lock().ending
    }

    /// Says how it ends. Before nothing comes any more.
    pub(super) fn end(&self, finished: bool) {
        self.lock().ending = Some(finished);
    }

    /// It has ended, well or not.
    pub(super) fn ended(&self, how: Result<(), UploadError>) {
        self.lock().ended = Some(how);
        self.changed.notify_all();
    }

    /// Waits for the end; `None` where it takes longer.
    pub(super) fn wait_for_end(&self, timeout: Duration) -> Option<Result<(), UploadError>> {
        let waited = self.changed.wait_timeout_while(self.lock(), timeout, |state| state.ended.is_none());
        waited.unwrap_or_else(PoisonError::into_inner).0.ended.take()
    }

    /// Lets the thread go: nobody waits for what is unsent.
    pub(super) fn abandon(&self) {
        self.lock().abandoned = true;
        self.changed.notify_all();
    }

    /// Waits; whether the thread is to go.
    pub(super) fn wait_unless_abandoned(&self, time: Duration) -> bool {
        let until = Instant::now() + time;
        let mut state = self.lock();
        while !state.abandoned {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}
