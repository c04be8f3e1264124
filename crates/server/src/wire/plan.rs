//! Redesign plans.

use super::mirror;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use ts_rs::TS;
use utoipa::ToSchema;

mirror! {
    /// What an action does.
    #[ts(rename = "PlanActionKind")]
    ActionKind = deepeyes_network::ActionKind {
        /// Takes filters out.
        RemoveFilters,
        /// Lets the first of a group of filters stand for all of it.
        MergeFilters,
        /// Gives a layer another number of filters.
        ResizeLayer,
        /// Takes a layer out.
        RemoveLayer,
        /// Puts a layer of the same kind after a layer.
        AddLayer,
    }
}

impl From<ActionKind> for deepeyes_network::ActionKind {
    fn from(kind: ActionKind) -> Self {
        match kind {
            ActionKind::RemoveFilters => Self::RemoveFilters,
            ActionKind::MergeFilters => Self::MergeFilters,
            ActionKind::ResizeLayer => Self::ResizeLayer,
            ActionKind::RemoveLayer => Self::RemoveLayer,
            ActionKind::AddLayer => Self::AddLayer,
        }
    }
}

/// What to change in a network, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, ToSchema)]
pub struct Plan {
    /// The version of the plan document.
    pub version: u32,
    /// The changes. Filter indices are those of the network before any of them.
    pub actions: Vec<PlanAction>,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanAction {
    /// What to do.
    pub action: ActionKind,
    /// The layer's name.
    pub layer: String,
    /// Filters: those that go, a group that becomes its first, or those that stay in a layer of another size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub filters: Option<Vec<usize>>,
    /// Filters afterwards, or of a new layer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub size: Option<usize>,
    /// Why, in one sentence.
    #[serde(default)]
    pub reason: String,
    /// The numbers behind it, by name.
    #[serde(default)]
    pub evidence: BTreeMap<String, f64>,
    /// How sure it is to do no harm, in [0, 1].
    #[serde(default)]
    pub confidence: f64,
}

impl From<deepeyes_network::Action> for PlanAction {
    fn from(action: deepeyes_network::Action) -> Self {
        let deepeyes_network::Action { kind, layer, filters, size, reason, evidence, confidence } = action;
        Self { action: kind.into(), layer, filters, size, reason, evidence, confidence }
    }
}

impl From<PlanAction> for deepeyes_network::Action {
    fn from(action: PlanAction) -> Self {
        let PlanAction { action, layer, filters, size, reason, evidence, confidence } = action;
        Self { kind: action.into(), layer, filters, size, reason, evidence, confidence }
    }
}

/// A plan to be costed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, ToSchema)]
pub struct PlanRequest {
    /// The changes.
    pub actions: Vec<PlanAction>,
}

/// A plan and what it makes of the network's cost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, ToSchema)]
#[ts(rename = "PlanReply")]
pub struct PlanCosts {
    /// The plan.
    pub plan: Plan,
    /// As the network is.
    pub before: Cost,
    /// As the plan makes it.
    pub after: Cost,
    /// Whether the costs are counted from the network's description, not estimated.
    pub exact: bool,
}

/// What a network costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[ts(rename = "PlanCost")]
pub struct Cost {
    /// Trainable parameters.
    pub parameters: u64,
    /// Multiply-adds of one input's forward pass.
    pub macs: u64,
}

impl From<deepeyes_network::Cost> for Cost {
    fn from(cost: deepeyes_network::Cost) -> Self {
        Self { parameters: cost.parameters, macs: cost.macs }
    }
}
