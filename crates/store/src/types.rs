//! What goes into a run and comes out of it.

use deepeyes_core::{self as core, Image, InputId, InputMap, KeptWindow, LayerSnapshot, RunDescription};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::Arc;

/// Whether a run is still going, and how it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// A writer holds it.
    Running,
    /// It reached its last iteration.
    Finished,
    /// Someone ended it early.
    Stopped,
    /// Its writer is gone without having ended it.
    Interrupted,
}

impl RunStatus {
    /// The word that people and JSON read.
    pub fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Finished => "finished",
            Self::Stopped => "stopped",
            Self::Interrupted => "interrupted",
        }
    }
}

/// How a writer ends a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// It reached its last iteration.
    Finished,
    /// Someone ended it early.
    Stopped,
}

impl From<Ending> for RunStatus {
    fn from(ending: Ending) -> Self {
        match ending {
            Ending::Finished => Self::Finished,
            Ending::Stopped => Self::Stopped,
        }
    }
}

/// What one iteration measured.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Scalar {
    /// The iteration.
    pub step: u64,
    /// The mini-batch's mean loss; may be NaN or infinite.
    pub loss: f64,
    /// Share of right answers in the mini-batch, in [0, 1]; `None` where unknown.
    pub train_accuracy: Option<f64>,
    /// Wall-clock seconds of the iteration.
    pub seconds: f64,
    /// Seconds of it that the producer spent for us.
    pub observed_seconds: f64,
}

/// A measurement on held-out data.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Validation {
    /// The iteration after which it was measured.
    pub step: u64,
    /// Share of right answers, in [0, 1].
    pub accuracy: f64,
    /// Mean loss.
    pub loss: f64,
}

/// The layers at the end of one window, as [`Writer::write_snapshot`](crate::Writer::write_snapshot) takes them.
#[derive(Debug, Clone)]
pub struct SnapshotParts<'a> {
    /// The last iteration of the window.
    pub step: u64,
    /// Layers, by index in the description, that have a snapshot.
    pub layers: &'a [(usize, Arc<LayerSnapshot>)],
    /// The windows themselves, by the layer's index, where they are to merge with those of other ranks.
    pub windows: &'a [(usize, Arc<KeptWindow>)],
    /// Whether similarity, sample and images are stored, too; they are most of the bytes.
    pub full: bool,
    /// Pixels of the inputs in the samples; the store keeps those that a kept sample names.
    pub images: &'a [(InputId, Arc<Image>)],
}

/// The layers' maps at one step, as [`Writer::write_maps`](crate::Writer::write_maps) takes them.
#[derive(Debug, Clone)]
pub struct MapParts<'a> {
    /// The iteration after which the probe was taken.
    pub step: u64,
    /// Input maps, by the layer's index in the description.
    pub inputs: &'a [(usize, Arc<InputMap>)],
    /// Filter maps, by the layer's index in the description; they name the windows that they are of.
    pub filters: &'a [(usize, Arc<core::FilterMap>)],
}

/// The light part of a layer's window: how its perplexity was distributed, and whether that still moves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CoursePoint {
    /// First iteration of the window.
    pub from: u64,
    /// Last iteration of the window.
    pub to: u64,
    /// Finite instances.
    pub instances: u64,
    /// Instances whose activations are all zero.
    pub silent: u64,
    /// Instances in each of the 50 bins.
    pub counts: Vec<u64>,
    /// Mean perplexity; `None` where all are silent.
    pub mean: Option<f64>,
    /// Change of the normalised histogram; `None` in the first window.
    pub change: Option<Vec<f32>>,
    /// Distance from the window before, in [0, 1]; `None` in the first window.
    pub drift: Option<f64>,
    /// The drift that sampling alone explains; `None` in the first window.
    pub noise: Option<f64>,
    /// Signed change of the mean perplexity; `None` in the first window.
    pub trend: Option<f64>,
    /// Whether the layer is stable.
    pub stable: bool,
    /// The iteration at which it became stable.
    pub stable_since: Option<u64>,
}

/// A checkpoint read back.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredCheckpoint {
    /// The iteration after which it was taken.
    pub step: u64,
    /// Parameters and buffers by name, as a safetensors document.
    pub weights: Vec<u8>,
    /// The producer's state; only the newest checkpoint keeps it.
    pub state: Option<Vec<u8>>,
    /// The engine's state; only the newest checkpoint keeps it.
    pub analysis: Option<Vec<u8>>,
}

/// The run that another one was redesigned from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parent {
    /// Its run id.
    pub run_id: String,
    /// Its directory when this run began.
    pub path: PathBuf,
    /// Where its filters went; layers that are not listed kept theirs.
    pub filter_maps: Vec<FilterMap>,
}

/// Where each filter of a layer went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilterMap {
    /// The layer's name.
    pub layer: String,
    /// For each old filter its new index; `None` where it was removed.
    pub new_from_old: Vec<Option<usize>>,
}

/// What a run is, and how far it has come.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunInfo {
    /// Opaque, random, lasting.
    pub id: String,
    /// The name of its directory.
    pub name: String,
    /// Its directory.
    pub path: PathBuf,
    /// Whether it is still going.
    pub status: RunStatus,
    /// The last stored iteration; 0 before the first.
    pub step: u64,
    /// Wall-clock seconds of training up to the last stored event, over all of its sessions.
    pub seconds: f64,
    /// When it began, in Unix seconds.
    pub created: f64,
    /// When its writer last gave a sign of life, in Unix seconds.
    pub heartbeat: f64,
    /// The host that writes, or wrote, it.
    pub host: String,
    /// The run that it was redesigned from.
    pub parent: Option<Parent>,
    /// What it is about.
    pub description: RunDescription,
}
