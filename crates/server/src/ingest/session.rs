//! One trainer's run: what has been taken of it, and its end.

use super::{body, check};
use deepeyes_core::Observer;
use deepeyes_engine::{EngineOptions, Run, RunObserver};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

/// Nothing more is taken while so many events wait: they are what memory holds.
const CROWDED: usize = 16;

/// How an engine's run is carried out here: whoever is let in finds room for all of its events.
pub(super) fn options(ranks: u32) -> EngineOptions {
    EngineOptions { queue: CROWDED + body::MOST_EVENTS, keep_windows: ranks > 1, ..EngineOptions::default() }
}

/// Why events, or an end, are not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Too much waits for the analysis.
    Crowded,
    /// They do not follow the last ones.
    Gap {
        /// The sequence number that is expected.
        expected: u64,
    },
    /// The run has ended.
    Ended,
    /// What is wrong with them.
    Unusable(String),
}

#[derive(Debug)]
struct State {
    /// `None` once it has ended.
    run: Option<Run>,
    observer: Arc<RunObserver>,
    /// Sequence number of the next events.
    next: u64,
    heard: Instant,
}

/// One trainer's run.
#[derive(Debug)]
pub(crate) struct Session {
    /// The run's id.
    pub(super) id: String,
    state: Mutex<State>,
}

impl Session {
    pub(super) fn new(id: String, run: Run) -> Self {
        let state = State { observer: run.observer(), run: Some(run), next: 0, heard: Instant::now() };
        Self { id, state: Mutex::new(state) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Events are applied one by one: a panic between two of them leaves a state like any other.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Without waiting; `None` while an upload is taken.
    fn try_lock(&self) -> Option<MutexGuard<'_, State>> {
        match self.state.try_lock() {
            Ok(state) => Some(state),
            Err(TryLockError::Poisoned(state)) => Some(state.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// Takes an upload: all of its events or none, and once however often it comes. Gives the sequence number of the next one.
    ///
    /// # Errors
    /// Why it is not taken.
    pub(crate) fn take(&self, sequence: u64, body: &[u8]) -> Result<u64, Refusal> {
        let mut state = self.lock();
        state.heard = Instant::now();
        if sequence < state.next {
            return Ok(state.next);
        }
        if sequence > state.next {
            return Err(Refusal::Gap { expected: state.next });
        }
        if state.run.is_none() {
            return Err(Refusal::Ended);
        }
        if state.observer.waiting() >= CROWDED {
            return Err(Refusal::Crowded);
        }
        let events = body::read(body).map_err(Refusal::Unusable)?;
        check::events(&events).map_err(Refusal::Unusable)?;
        for event in events {
            state.observer.observe(event);
        }
        state.next += 1;
        Ok(state.next)
    }

    /// Gives the run to be ended, where everything of it has come; `None` where that has been done.
    ///
    /// # Errors
    /// Where events are missing.
    pub(super) fn end(&self, sequence: u64) -> Result<Option<Run>, Refusal> {
        let mut state = self.lock();
        state.heard = Instant::now();
        if sequence != state.next {
            return Err(Refusal::Gap { expected: state.next });
        }
        Ok(state.run.take())
    }

    /// Gives the run, wherever it is.
    pub(super) fn abandon(&self) -> Option<Run> {
        self.lock().run.take()
    }

    /// Whether the run goes on. Waits for nobody: one whose events are being taken does.
    pub(super) fn goes_on(&self) -> bool {
        self.try_lock().is_none_or(|state| state.run.is_some())
    }

    /// Whether nothing was heard of the trainer for so long. One that is just being heard is not waited for.
    pub(super) fn is_silent(&self, silence: Duration) -> bool {
        self.try_lock().is_some_and(|state| state.heard.elapsed() >= silence)
    }
}
