//! Findings: statements about a layer that the data supports, each with its evidence.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a finding states (the tasks T1-T5 of DESIGN section 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// T1: the layer's perplexity no longer changes beyond sampling noise.
    Stable,
    /// T2: filters that never fire.
    Dead,
    /// T2: filters that fire at one level whatever they see.
    AlwaysOn,
    /// T2: filters whose maxima have fallen well below what they once were.
    Weakening,
    /// T3: patterns that no filter answers to.
    Undetected,
    /// T4: filters that answer alike.
    Redundant,
    /// T4: the layer holds more filters than it uses.
    Oversized,
    /// T5: the labels are no better separable after this layer than before it.
    UnnecessaryLayer,
    /// T5: separability still rises at the last hidden layer.
    MissingLayer,
    /// Activations that are not finite.
    Invalid,
}

/// How much a finding matters; orders findings, most severe first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Training or its result suffers.
    High,
    /// Capacity is wasted.
    Medium,
    /// Worth a look.
    Low,
    /// A plain statement.
    Info,
}

/// A statement about a layer with the numbers that support it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// What it states.
    pub kind: FindingKind,
    /// The layer's name; `None` from `analyze`, which knows no layer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layer: Option<String>,
    /// The filters it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filters: Option<Vec<usize>>,
    /// The instances it is about: rows of the layer's instance sample.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instances: Option<Vec<usize>>,
    /// How much it matters.
    pub severity: Severity,
    /// The numbers behind it, by name.
    pub evidence: BTreeMap<String, f64>,
    /// One sentence for a person.
    pub text: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<String>,
}

impl Finding {
    /// Its evidence without the numbers that are not known, for which JSON has no word.
    pub fn known_evidence(&self) -> BTreeMap<String, f64> {
        let known = self.evidence.iter().filter(|(_, value)| value.is_finite());
        known.map(|(name, value)| (name.clone(), *value)).collect()
    }
}

/// What the data supports about a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FilterState {
    /// It fires, and varies.
    Alive,
    /// It has not fired in any instance since it last did.
    Dead,
    /// It fires everywhere at one level.
    AlwaysOn,
    /// Its window maximum is below theta times its all-time maximum.
    Weakening,
    /// Too few instances or inputs to say.
    Unknown,
}

impl FilterState {
    /// All of them, each at the place that its [`code`](Self::code) names.
    const ALL: [Self; 5] = [Self::Alive, Self::Dead, Self::AlwaysOn, Self::Weakening, Self::Unknown];

    /// The number that stands for it in arrays, stored and sent.
    pub fn code(self) -> u8 {
        self as u8
    }

    /// The state of a number; `None` where it is none's.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_places() {
        for (place, state) in FilterState::ALL.into_iter().enumerate() {
            assert_eq!(usize::from(state.code()), place);
            assert_eq!(FilterState::from_code(state.code()), Some(state));
        }
        assert_eq!(FilterState::from_code(5), None);
    }
}
