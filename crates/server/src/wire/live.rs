//! Messages of the live socket.

use super::{Overview, RunStatus, Validations};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What a page says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum ClientMessage {
    /// What it wants to see; replaces what it wanted before.
    Subscribe {
        /// The run's id.
        run: String,
        /// The layer's index; null: none.
        layer: Option<usize>,
        /// Which views.
        views: Vec<View>,
        /// The last iteration that the page's curves hold: `scalars` go on after it; null or absent: after now.
        #[serde(default)]
        #[ts(optional = nullable)]
        since: Option<u64>,
    },
    /// It wants to see nothing.
    Unsubscribe,
}

/// A view that is sent when it changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(rename = "ViewName")]
pub enum View {
    /// Every layer's window: JSON.
    Overview,
    /// The subscribed layer's filters: a `layer` frame.
    Layer,
    /// The subscribed layer's filter map: a `filter_map` frame.
    FilterMap,
    /// The subscribed layer's input map: an `input_map` frame.
    InputMap,
    /// Activations of the input map's instances: an `activations` frame.
    Activations,
}

/// What the server says in JSON; views that are arrays come as binary frames.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerMessage {
    /// Where the run is.
    Run(RunMessage),
    /// What the curves gained since the last message.
    Scalars(ScalarsMessage),
    /// A new window.
    Overview(OverviewMessage),
    /// The list of runs has changed.
    RunsChanged,
    /// Something asked for cannot be had.
    Error {
        /// One sentence.
        error: String,
    },
}

/// Where a run is; at most 5 a second.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct RunMessage {
    /// The run's id.
    pub run: String,
    /// How it goes.
    pub status: RunStatus,
    /// Whether it is paused.
    pub paused: bool,
    /// The last iteration.
    pub step: u64,
    /// Planned iterations.
    pub iterations: Option<u64>,
    /// The last mini-batch's loss.
    pub loss: Option<f64>,
    /// Exponentially smoothed loss.
    pub smoothed_loss: Option<f64>,
    /// Share of right answers in the last mini-batch, in [0, 1].
    pub train_accuracy: Option<f64>,
    /// Iterations a second, smoothed.
    pub iterations_per_second: Option<f64>,
    /// Seconds to the planned end.
    pub eta_seconds: Option<f64>,
    /// Time for the analysis as a share of the training's; null where unknown.
    pub cost_share: Option<f64>,
    /// Whether the analysis looks less often than asked for, because its budget is used up.
    pub thinned: bool,
    /// What of the analysis failed and was switched off.
    pub problems: Vec<String>,
    /// Grows with every change while this server runs.
    pub version: u64,
}

/// What a run's curves gained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ScalarsMessage {
    /// The run's id.
    pub run: String,
    /// Iterations.
    pub step: Vec<u64>,
    /// Loss of each; null where it was not finite.
    pub loss: Vec<Option<f64>>,
    /// Share of right answers in the mini-batch.
    pub train_accuracy: Vec<Option<f64>>,
    /// New validations.
    pub validations: Validations,
}

/// A run's new window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct OverviewMessage {
    /// The run's id.
    pub run: String,
    /// The layers.
    #[serde(flatten)]
    pub overview: Overview,
    /// Whether the findings may differ from those of the last message.
    pub findings_changed: bool,
}
