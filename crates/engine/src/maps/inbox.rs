//! What the maps' thread is told: the newest of everything, so that a slow thread skips and nobody waits for it.

use crate::guard::lock;
use deepeyes_core::{LayerSnapshot, ProbedInstances};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A training that was silent for this long, and for this many of its steps, rests: it validates, say, or waits for data.
const SILENCE: Duration = Duration::from_secs(2);
const SILENT_STEPS: f64 = 5.0;

/// How the run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// All maps are to be settled first, until then at the latest.
    Settle(Instant),
    /// As the maps are.
    AtOnce,
}

/// What the training does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Training {
    /// It computes, and must not be held up.
    #[default]
    Busy,
    /// It tells nothing for the moment.
    Silent,
    /// It is paused: all processors are free.
    Paused,
}

/// What has arrived since the thread last looked.
#[derive(Debug, Default)]
pub(super) struct Orders {
    pub(super) probe: Option<ProbedInstances>,
    /// Each layer's newest window with similarity.
    pub(super) windows: Vec<Option<Arc<LayerSnapshot>>>,
    /// Layers that somebody looks at.
    pub(super) watched: Vec<usize>,
    pub(super) end: Option<End>,
    pub(super) training: Training,
}

#[derive(Debug)]
struct Contents {
    probe: Option<ProbedInstances>,
    windows: Vec<Option<Arc<LayerSnapshot>>>,
    watching: Vec<usize>,
    end: Option<End>,
    /// Whether somebody has paused the training.
    paused: bool,
    /// When the last iteration was told, and how long it took.
    heard: Instant,
    step_seconds: f64,
    /// Whether something has arrived that the thread has not seen.
    news: bool,
}

/// Where orders wait.
#[derive(Debug)]
pub(super) struct Inbox {
    contents: Mutex<Contents>,
    arrived: Condvar,
}

impl Inbox {
    pub(super) fn new(layers: usize) -> Self {
        let contents = Contents {
            probe: None,
            windows: vec![None; layers],
            watching: vec![0; layers],
            end: None,
            paused: false,
            heard: Instant::now(),
            step_seconds: 0.0,
            news: false,
        };
        Self { contents: Mutex::new(contents), arrived: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Contents> {
        lock(&self.contents)
    }

    fn tell(&self, change: impl FnOnce(&mut Contents)) {
        let mut contents = self.lock();
        change(&mut contents);
        contents.news = true;
        drop(contents);
        self.arrived.notify_one();
    }

    /// An iteration took `seconds`.
    pub(super) fn step(&self, seconds: f64) {
        let mut contents = self.lock();
        contents.heard = Instant::now();
        contents.step_seconds = seconds;
    }

    pub(super) fn probe(&self, mut probe: ProbedInstances) {
        self.tell(|contents| {
            // Images come once: those of a probe that is skipped go with the next one.
            if let Some(skipped) = contents.probe.take() {
                probe.images.splice(0..0, skipped.images);
            }
            contents.probe = Some(probe);
        });
    }

    pub(super) fn window(&self, layer: usize, window: Arc<LayerSnapshot>) {
        self.tell(|contents| {
            if let Some(place) = contents.windows.get_mut(layer) {
                *place = Some(window);
            }
        });
    }

    pub(super) fn watch(&self, layer: usize) {
        self.tell(|contents| {
            if let Some(count) = contents.watching.get_mut(layer) {
                *count += 1;
            }
        });
    }

    pub(super) fn unwatch(&self, layer: usize) {
        self.tell(|contents| {
            if let Some(count) = contents.watching.get_mut(layer) {
                *count = count.saturating_sub(1);
            }
        });
    }

    pub(super) fn pause(&self, paused: bool) {
        self.tell(|contents| contents.paused = paused);
    }

    pub(super) fn end(&self, end: End) {
        self.tell(|contents| contents.end = Some(end));
    }

    /// What has arrived. With `idle`, waits for something new first, or with `until_silent` for the training to rest.
    pub(super) fn take(&self, idle: bool, until_silent: bool) -> Orders {
        let mut contents = self.lock();
        while idle && !contents.news && !(until_silent && contents.training() != Training::Busy) {
            contents = if until_silent {
                let waited = self.arrived.wait_timeout(contents, SILENCE);
                waited.unwrap_or_else(PoisonError::into_inner).0
            } else {
                self.arrived.wait(contents).unwrap_or_else(PoisonError::into_inner)
            };
        }
        contents.news = false;
        let layers = contents.windows.len();
        Orders {
            probe: contents.probe.take(),
            windows: std::mem::replace(&mut contents.windows, vec![None; layers]),
            watched: (0..layers).filter(|&layer| contents.watching[layer] > 0).collect(),
            end: contents.end,
            training: contents.training(),
        }
    }
}

impl Contents {
    fn training(&self) -> Training {
        let silent = self.heard.elapsed();
        if self.paused {
            Training::Paused
        } else if silent >= SILENCE && silent.as_secs_f64() >= SILENT_STEPS * self.step_seconds {
            Training::Silent
        } else {
            Training::Busy
        }
    }
}
