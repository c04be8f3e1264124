//! Runs: the list, and one of them.

use super::mirror;
use serde::{Deserialize, Serialize};
use ts_rs::TS;
use utoipa::ToSchema;

mirror! {
    /// Whether a run is still going, and how it ended.
    RunStatus = deepeyes_store::RunStatus {
        /// A writer holds it.
        Running,
        /// It reached its last iteration.
        Finished,
        /// Someone ended it early.
        Stopped,
        /// Its writer is gone without having ended it.
        Interrupted,
    }
}

mirror! {
    /// How raw activations become non-negative.
    Rectify = deepeyes_core::Rectify {
        /// `max(a, 0)`.
        Relu,
        /// `|a|`.
        Abs,
        /// Softmax over the filters of an instance.
        Softmax,
        /// As they are.
        None,
    }
}

/// The runs under the log directory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, ToSchema)]
pub struct RunList {
    /// Newest first.
    pub runs: Vec<RunSummary>,
}

/// A run in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, ToSchema)]
pub struct RunSummary {
    /// Opaque; lasts as long as the run's directory keeps its name.
    pub id: String,
    /// Its directory relative to the log directory.
    pub name: String,
    /// How it goes.
    pub status: RunStatus,
    /// The network's name.
    pub network: String,
    /// Where the data came from.
    pub data: String,
    /// The last iteration; 0 before the first.
    pub step: u64,
    /// Planned iterations.
    pub iterations: Option<u64>,
    /// The last mini-batch's loss.
    pub loss: Option<f64>,
    /// The last validation's accuracy, in [0, 1].
    pub accuracy: Option<f64>,
    /// When it began, in Unix seconds.
    pub created: f64,
    /// Wall-clock seconds of training so far.
    pub seconds: f64,
    /// Whether this process trains it.
    pub live: bool,
    /// Why it cannot be read; the other fields then say nothing.
    pub error: Option<String>,
}

/// A run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, ToSchema)]
pub struct RunDetail {
    /// As in the list.
    #[serde(flatten)]
    pub summary: RunSummary,
    /// Trainable parameters.
    pub parameters: u64,
    /// Multiply-adds of one input's forward pass.
    pub multiply_adds: Option<u64>,
    /// Class names by label; empty where there are none.
    pub classes: Vec<String>,
    /// `[channels, height, width]` of an input.
    pub input: Option<[usize; 3]>,
    /// Inputs of a mini-batch.
    pub batch: Option<usize>,
    /// The training's seed.
    pub seed: Option<u64>,
    /// Inputs of the training set.
    pub training_inputs: Option<u64>,
    /// The producer's settings, a JSON text; empty where unknown.
    pub settings: String,
    /// The network as TOML; empty where unknown.
    pub network_toml: String,
    /// Mini-batches in a window; null before the first window's end.
    pub window: Option<u64>,
    /// The watched layers, in the network's order.
    pub layers: Vec<LayerInfo>,
    /// What can be asked of the training; null where this process does not train it.
    pub control: Option<Controls>,
    /// Whether it is paused.
    pub paused: bool,
    /// What of the analysis failed and was switched off.
    pub problems: Vec<String>,
}

/// What can be asked of a training.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[ts(rename = "Control")]
pub struct Controls {
    /// Pausing and resuming.
    pub pause: bool,
    /// Stopping.
    pub stop: bool,
}

/// A watched layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, ToSchema)]
pub struct LayerInfo {
    /// Its index in the run, by which requests name it.
    pub index: usize,
    /// Its name in the network.
    pub name: String,
    /// `conv2d`, `dense`.
    pub kind: String,
    /// Output channels of a convolution, units of a dense layer.
    pub filters: usize,
    /// Rows and columns of the output grid; `[1, 1]` for a dense layer.
    pub grid: [usize; 2],
    /// Positions of the grid.
    pub positions: usize,
    /// Which input pixels a position sees; null where the input is not an image.
    pub receptive_field: Option<ReceptiveField>,
    /// Trainable parameters.
    pub parameters: u64,
    /// How its activations are rectified.
    pub rectify: Rectify,
    /// Whether it is the classifier's output.
    pub output: bool,
    /// Kinds of the layers between the watched one before it and it (`max_pool`, `relu`); empty where unknown.
    pub between: Vec<String>,
}

/// The rectangle that a position sees in the input: `offset + stride * position`, `size` pixels, vertical first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct ReceptiveField {
    /// Height and width.
    pub size: [usize; 2],
    /// Distance between neighbouring positions' rectangles.
    pub stride: [usize; 2],
    /// Top left corner of position (0, 0); negative with padding.
    pub offset: [i64; 2],
}

impl From<deepeyes_network::ReceptiveField> for ReceptiveField {
    fn from(field: deepeyes_network::ReceptiveField) -> Self {
        Self { size: field.size, stride: field.stride, offset: field.offset }
    }
}
