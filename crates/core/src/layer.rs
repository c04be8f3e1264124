//! What is watched: a layer of a network, as the analysis needs to know it.

use deepeyes_network::ReceptiveField;
use serde::{Deserialize, Serialize};

/// How raw activations become non-negative before any statistic (DESIGN "Rectification").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rectify {
    /// `max(a, 0)`.
    #[default]
    Relu,
    /// `|a|`.
    Abs,
    /// Softmax over the filters of an instance; the classifier's output layer.
    Softmax,
    /// Values are taken as they are; a negative one is refused.
    None,
}

/// A watched layer.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct LayerSpec {
    /// Its name in the network, unique there.
    pub name: String,
    /// The field's word for it: `conv2d`, `dense`.
    pub kind: String,
    /// F: output channels of a convolution, units of a dense layer.
    pub filters: usize,
    /// Height and width of the output grid; `[1, 1]` for a dense layer.
    pub grid: [usize; 2],
    /// Which input pixels a position sees; `None` where the input is not an image.
    pub receptive_field: Option<ReceptiveField>,
    /// Trainable parameters of the layer's own module.
    pub parameters: u64,
    /// How its activations are rectified.
    pub rectify: Rectify,
    /// Whether it is the classifier's output (findings about width and need leave it alone).
    pub output: bool,
}

impl LayerSpec {
    /// Positions of the output grid.
    pub fn positions(&self) -> usize {
        self.grid[0] * self.grid[1]
    }
}

/// What a run is about: fixed when it starts.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct RunDescription {
    /// The run's name, before it is made unique in its log directory.
    pub name: String,
    /// The network's name.
    pub network: String,
    /// The network as TOML, so that a run can be reopened, continued or redesigned; empty where unknown.
    pub network_toml: String,
    /// The watched layers, in the network's order.
    pub layers: Vec<LayerSpec>,
    /// Trainable parameters of the whole network.
    pub parameters: u64,
    /// Multiply-adds of one input's forward pass; `None` where unknown.
    pub multiply_adds: Option<u64>,
    /// Class names by label; empty where there are none.
    pub classes: Vec<String>,
    /// Where the data came from, as given on the command line (`mnist`, `images:DIR`, ...); empty where unknown.
    pub data: String,
    /// The data's `[channels, height, width]` as the network reads it; `None` where it is not an image.
    pub input: Option<[usize; 3]>,
    /// Inputs of the training set; `None` where unknown.
    pub training_inputs: Option<u64>,
    /// Planned iterations; `None` where unknown.
    pub iterations: Option<u64>,
    /// Inputs of a mini-batch; `None` where unknown.
    pub batch: Option<usize>,
    /// The training's seed; `None` where unknown.
    pub seed: Option<u64>,
    /// Producer-defined settings as JSON (solver, flags), kept for the record.
    pub settings: String,
}
