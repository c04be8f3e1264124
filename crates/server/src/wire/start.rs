//! Starting a training.

use serde::{Deserialize, Serialize};
use ts_rs::TS;
use utoipa::ToSchema;

/// What a new training can use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct Starting {
    /// Presets; a network may also be given as TOML.
    pub networks: Vec<String>,
    /// Data sets by name; a word such as `images:DIR` may name others on the server's machine.
    pub data: Vec<String>,
}

/// A training to start. What is absent is as the network's own solver says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, ToSchema)]
#[serde(deny_unknown_fields)]
#[ts(rename = "NewRun")]
pub struct StartRequest {
    /// A preset, or a network as TOML.
    pub network: String,
    /// The data, as on the command line.
    pub data: String,
    /// Iterations.
    #[serde(default)]
    #[ts(optional = nullable)]
    pub iterations: Option<u64>,
    /// Base learning rate.
    #[serde(default)]
    #[ts(optional = nullable)]
    pub lr: Option<f64>,
    /// Inputs of a mini-batch.
    #[serde(default)]
    #[ts(optional = nullable)]
    pub batch: Option<usize>,
    /// Seed of initial values, order and sampling.
    #[serde(default)]
    #[ts(optional = nullable)]
    pub seed: Option<u64>,
    /// The run's name; the network's where absent.
    #[serde(default)]
    #[ts(optional = nullable)]
    pub name: Option<String>,
}

/// A training that has started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct Started {
    /// The run's id.
    pub id: String,
}
