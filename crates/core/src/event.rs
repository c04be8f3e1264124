//! The one closed type in which every producer (embedded trainer, Python hooks) tells what happened.

use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// An input's identity: its index in the training set (the validation set's are counted on after that), or a hash of its
/// content; lasts over the whole run.
pub type InputId = i64;

/// The part of the data that an input is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InputSplit {
    /// The network is trained on it.
    Training,
    /// It is held out.
    Validation,
}

/// The label of an input that has none.
pub const UNLABELLED: i32 = -1;

/// What a producer tells.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Event {
    /// One iteration of the training.
    Batch(Batch),
    /// A measurement on held-out data.
    Validation {
        /// The iteration after which it was measured.
        step: u64,
        /// Share of right answers, in [0, 1].
        accuracy: f64,
        /// Mean loss.
        loss: f64,
    },
    /// The layers' features of a fixed set of inputs, for label separability (T5).
    Probe(Probe),
    /// Instances of a fixed set of inputs, for input maps (T3).
    Instances(ProbedInstances),
    /// The training's state, from which it continues exactly.
    Checkpoint(Checkpoint),
}

/// One mini-batch of the training.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Batch {
    /// The iteration, counted from 1.
    pub step: u64,
    /// The mini-batch's mean loss.
    pub loss: f64,
    /// Share of right answers in the mini-batch, in [0, 1]; `None` where unknown.
    pub accuracy: Option<f64>,
    /// Wall-clock seconds that the iteration took, ours included.
    pub seconds: f64,
    /// Seconds of it that the producer spent for us (copying activations, waiting for a free place).
    pub observed_seconds: f64,
    /// Identity of each input.
    pub inputs: Arc<[InputId]>,
    /// Label of each input, [`UNLABELLED`] where it has none.
    pub labels: Arc<[i32]>,
    /// The network's answer for each input; empty where unknown.
    pub predictions: Arc<[i32]>,
    /// The pixels of each input as the network saw it; empty where it is not an image.
    pub images: Vec<Arc<Image>>,
    /// Activations of the watched layers; a layer may come in several parts (shards of the batch).
    pub activations: Vec<Activations>,
}

/// An input's pixels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// 1 (grey) or 3 (red, green, blue).
    pub channels: usize,
    /// `[height, width, channels]`.
    pub pixels: Box<[u8]>,
}

/// Raw (not yet rectified) activations of one layer for some inputs of a mini-batch.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Activations {
    /// Index of the layer in the run's [`RunDescription::layers`](crate::RunDescription::layers).
    pub layer: usize,
    /// The values.
    pub values: Values,
}

/// Where activations lie in memory.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Values {
    /// Whole feature maps `[inputs, F, height, width]` (dense: `[inputs, F, 1, 1]`) of consecutive inputs.
    Maps {
        /// The values, row-major.
        values: Vec<f32>,
        /// Place in the mini-batch of the first input.
        first: usize,
    },
    /// Activation vectors `[rows, F]` that the producer has sampled already.
    Rows {
        /// The values, row-major.
        values: Vec<f32>,
        /// For each row, the input's place in the mini-batch.
        inputs: Vec<u32>,
        /// For each row, its position in the layer's grid (`row * width + column`).
        positions: Vec<u32>,
    },
}

impl Values {
    /// Numbers that they are.
    pub fn len(&self) -> usize {
        match self {
            Self::Maps { values, .. } | Self::Rows { values, .. } => values.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// One vector of features for each probed input and layer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Probe {
    /// The iteration after which it was taken.
    pub step: u64,
    /// Label of each probed input.
    pub labels: Arc<[i32]>,
    /// For each input, whether it is held out from fitting (the validation set's).
    pub held_out: Arc<[bool]>,
    /// For each watched layer its features `[inputs, width]`, row-major: its output averaged to a coarse grid.
    pub features: Vec<Vec<f32>>,
}

/// Instances of a fixed set of inputs at fixed positions: who they are lasts over the run, what the layers read and answer
/// there is of one state of the network.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ProbedInstances {
    /// The iteration after which they were taken.
    pub step: u64,
    /// Identity of each probed input.
    pub inputs: Arc<[InputId]>,
    /// The part of the data that each is of.
    pub splits: Arc<[InputSplit]>,
    /// Label of each, [`UNLABELLED`] where it has none.
    pub labels: Arc<[i32]>,
    /// The network's answer for each.
    pub predictions: Arc<[i32]>,
    /// Pixels of probed inputs that were not sent with earlier instances.
    pub images: Vec<(InputId, Arc<Image>)>,
    /// The instances of each watched layer.
    pub layers: Vec<LayerInstances>,
}

/// The probed instances of one layer; all vectors have one row an instance.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct LayerInstances {
    /// For each instance, the input's place in the probe.
    pub inputs: Vec<u32>,
    /// For each instance, its position in the layer's grid (`row * width + column`).
    pub positions: Vec<u32>,
    /// Raw activations `[n, F]`, row-major.
    pub activations: Vec<f32>,
    /// Neuronal receptive fields `[n, width]`, row-major: what the layer's own module reads there, zero in the padding;
    /// narrowed by a fixed projection where they are very wide.
    pub fields: Vec<f32>,
}

/// Everything from which a training continues to the very same losses.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The iteration after which it was taken.
    pub step: u64,
    /// Parameters and buffers by name, as a safetensors document.
    pub weights: Arc<[u8]>,
    /// The producer's own state (optimizer, generators, place in the data), opaque to everyone else.
    pub state: Arc<[u8]>,
}

/// Takes a producer's events. Implementations must not fail into the training.
pub trait Observer: Send + Sync {
    /// Hands an event over; may wait for a free place, so that nothing is lost.
    fn observe(&self, event: Event);
}
