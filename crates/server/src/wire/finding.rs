//! Findings.

use super::mirror;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use ts_rs::TS;
use utoipa::ToSchema;

mirror! {
    /// What a finding states.
    FindingKind = deepeyes_core::FindingKind {
        /// The layer's perplexity no longer changes beyond sampling noise.
        Stable,
        /// Filters that never fire.
        Dead,
        /// Filters that fire at one level whatever they see.
        AlwaysOn,
        /// Filters whose maxima have fallen well below what they once were.
        Weakening,
        /// Patterns that no filter answers to.
        Undetected,
        /// Filters that answer alike.
        Redundant,
        /// The layer holds more filters than it uses.
        Oversized,
        /// The labels are no better separable after this layer than before it.
        UnnecessaryLayer,
        /// Separability still rises at the last hidden layer.
        MissingLayer,
        /// Activations that are not finite.
        Invalid,
    }
}

mirror! {
    /// How much a finding matters.
    Severity = deepeyes_core::Severity {
        /// Training or its result suffers.
        High,
        /// Capacity is wasted.
        Medium,
        /// Worth a look.
        Low,
        /// A plain statement.
        Info,
    }
}

/// The findings at a step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, ToSchema)]
pub struct Findings {
    /// The last iteration of the newest window that they are from; 0 without any.
    pub step: u64,
    /// Most severe first, otherwise in the network's order.
    pub findings: Vec<FindingItem>,
}

/// A statement about a layer with the numbers that support it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, ToSchema)]
#[ts(rename = "Finding")]
pub struct FindingItem {
    /// Stable within the step.
    pub id: String,
    /// What it states.
    pub kind: FindingKind,
    /// The layer's name.
    pub layer: String,
    /// The layer's index.
    pub layer_index: usize,
    /// The last iteration of the window that it is from.
    pub step: u64,
    /// The filters it is about.
    pub filters: Option<Vec<usize>>,
    /// The instances it is about: rows of the layer's instance sample.
    pub instances: Option<Vec<usize>>,
    /// The first of them by identity (`input:row:column`), as `patches` takes them; null where the sample is not kept.
    pub items: Option<Vec<String>>,
    /// The label of each of `items`, -1 without one.
    pub item_labels: Option<Vec<i32>>,
    /// How much it matters.
    pub severity: Severity,
    /// The numbers behind it, by name.
    pub evidence: BTreeMap<String, f64>,
    /// One sentence for a person.
    pub text: String,
    /// What to do about it.
    pub suggestion: Option<String>,
}

/// Findings of a layer by severity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, TS, ToSchema)]
pub struct FindingCounts {
    /// Training or its result suffers.
    pub high: usize,
    /// Capacity is wasted.
    pub medium: usize,
    /// Worth a look.
    pub low: usize,
    /// Plain statements.
    pub info: usize,
}
