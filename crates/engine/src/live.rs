//! What readers see of a live run.

use crate::guard::lock;
use arc_swap::ArcSwap;
use deepeyes_core::{Finding, Image, InputId, LayerSnapshot};
use deepeyes_store::{RunStatus, Scalar, Validation};
use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// What the analysis costs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    /// Seconds that analysis and producer spent for us, as a share of the training's; a running mean over windows.
    /// `None` before the first window's end. An upper bound of the slowdown: the analysis runs beside the training.
    pub share: Option<f64>,
    /// Processor seconds that the analysis has taken so far.
    pub seconds: f64,
    /// The time that passes between two comparisons of a layer's filters with each other, at least.
    pub comparison_interval: Duration,
    /// Whether that is longer than was asked for, because the budget is used up.
    pub thinned: bool,
}

/// A run at one moment; immutable.
#[derive(Debug, Clone)]
pub struct LiveState {
    /// Grows with every change.
    pub version: u64,
    /// Whether it is still going.
    pub status: RunStatus,
    /// The last iteration; 0 before the first.
    pub step: u64,
    /// Planned iterations; `None` where unknown.
    pub iterations: Option<u64>,
    /// The last mini-batch's loss.
    pub loss: Option<f64>,
    /// Exponentially smoothed loss.
    pub smoothed_loss: Option<f64>,
    /// Share of right answers in the last mini-batch, in [0, 1].
    pub train_accuracy: Option<f64>,
    /// Iterations a second, smoothed; `None` before the first.
    pub iterations_per_second: Option<f64>,
    /// The last iterations (512 at most), oldest first; all of them are in the store.
    pub recent: Arc<[Scalar]>,
    /// Every validation, oldest first.
    pub validations: Arc<[Validation]>,
    /// What the analysis costs.
    pub cost: Cost,
    /// Each layer's last complete window; `None` before it.
    pub layers: Arc<[Option<Arc<LayerSnapshot>>]>,
    /// Pixels of the inputs in the layers' samples.
    pub images: Arc<HashMap<InputId, Arc<Image>>>,
    /// Findings of all layers, most severe first, otherwise in the network's order.
    pub findings: Arc<[Finding]>,
    /// What of ours failed and was switched off; one entry each.
    pub problems: Arc<[String]>,
}

/// Where the newest state is; read by anyone, from any thread, at any time.
#[derive(Debug, Clone)]
pub struct Live(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: ArcSwap<LiveState>,
    /// The version of `state`, for those who wait.
    version: Mutex<u64>,
    changed: Condvar,
}

impl Live {
    pub(crate) fn new(state: LiveState) -> Self {
        let version = Mutex::new(state.version);
        Self(Arc::new(Shared { state: ArcSwap::from_pointee(state), version, changed: Condvar::new() }))
    }

    /// The newest state.
    pub fn state(&self) -> Arc<LiveState> {
        self.0.state.load_full()
    }

    /// Waits until there is a state newer than version `seen`, at most for `timeout`; gives the newest either way.
    pub fn wait(&self, seen: u64, timeout: Duration) -> Arc<LiveState> {
        let version = lock(&self.0.version);
        // A poisoned lock holds a number all the same.
        drop(self.0.changed.wait_timeout_while(version, timeout, |version| *version <= seen));
        self.state()
    }

    /// Replaces the state; its version becomes the next one.
    pub(crate) fn publish(&self, mut state: LiveState) {
        let mut version = lock(&self.0.version);
        *version += 1;
        state.version = *version;
        self.0.state.store(Arc::new(state));
        drop(version);
        self.0.changed.notify_all();
    }
}
