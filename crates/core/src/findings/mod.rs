//! What the statistics support: one file a kind of finding, each a pure function of the numbers behind it. Exact
//! analysis and the live run fill the same evidence, so that both say the same things.

mod always_on;
mod dead;
mod depth;
mod invalid;
mod oversized;
mod redundant;
mod stable;
mod state;
#[cfg(test)]
mod tests;
mod undetected;
mod weakening;
mod wording;

pub use always_on::ALWAYS_ON_VARIATION;
pub(crate) use always_on::FIRING_SHARE;
pub use dead::DEAD_SHARE;
pub(crate) use dead::is_dead;
pub use depth::{DepthEvidence, LayerSeparability, depth_findings};
pub use oversized::{EFFECTIVE_SHARE, WASTED_SHARE};
pub use state::{MIN_INPUTS, MIN_INSTANCES, filter_state};
pub use undetected::{
    PatchFeatures, Patches, UNDETECTED_INPUTS, UNDETECTED_SHARE, UndetectedEvidence, patch_features,
    undetected_findings,
};

use crate::{FilterState, Finding, FindingKind, Severity};
use std::collections::BTreeMap;

/// The numbers about one filter on which its state rests.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FilterEvidence {
    /// Largest rectified activation of the window.
    pub max: f32,
    /// Largest rectified activation ever seen; equal to `max` where there is only one set of instances.
    pub all_time_max: f32,
    /// Instances since the filter last fired, at least those of the window.
    pub instances: u64,
    /// Distinct inputs since the filter last fired, at least those of the window; `None` where inputs are unknown.
    pub inputs: Option<u64>,
    /// Share of the window's instances above beta times the 99.9 % quantile of the filter's activations, in [0, 1].
    pub share_above: f64,
    /// Standard deviation over mean of the window's activations clipped at that quantile; infinite for an all-zero filter,
    /// and where the filter fires too rarely for it to matter.
    pub variation: f64,
}

/// The numbers about one layer on which its findings rest.
#[derive(Debug, Clone, Copy)]
pub struct LayerEvidence<'a> {
    /// The layer's name; `None` from `analyze`, which knows no layer.
    pub layer: Option<&'a str>,
    /// Whether it is the classifier's output: its width is given, so findings about width leave it alone.
    pub output: bool,
    /// Instances of the window that are finite.
    pub instances: u64,
    /// Distinct inputs of the window; `None` where inputs are unknown.
    pub inputs: Option<u64>,
    /// Instances of the window that hold NaN or infinity.
    pub invalid: u64,
    /// beta: a filter fires where its activation is above this share of its maximum.
    pub beta: f64,
    /// theta: a filter whose window maximum is below this share of its all-time maximum is weakening.
    pub theta: f64,
    /// One entry a filter.
    pub filters: &'a [FilterEvidence],
    /// Groups of filters that answer alike.
    pub redundant_groups: &'a [Vec<usize>],
    /// The smallest similarity of two filters of one group; `None` without groups.
    pub lowest_similarity: Option<f64>,
    /// Instances on which similarity was computed.
    pub similarity_instances: u64,
    /// (tr C)^2 / tr(C^2) of the live filters' correlations.
    pub effective_filters: Option<f64>,
    /// What is known about the layer's course; `None` from `analyze`, which sees one set of instances.
    pub course: Option<Course>,
}

/// Whether a layer's perplexity still moves (T1).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Course {
    /// The iteration at which the layer became stable; `None` where it is not.
    pub stable_since: Option<u64>,
    /// Distance of the window's perplexities from the previous window's, in [0, 1].
    pub drift: f64,
    /// The drift below which the layer counts as unchanged.
    pub limit: f64,
}

/// The state of every filter of a layer.
pub fn filter_states(evidence: &LayerEvidence) -> Vec<FilterState> {
    let largest = evidence.largest();
    evidence.filters.iter().map(|filter| filter_state(filter, largest, evidence)).collect()
}

/// Everything that the evidence supports about a layer by itself, most severe first (for T3 see
/// [`undetected_findings`], for T5 [`depth_findings`]).
pub fn layer_findings(evidence: &LayerEvidence) -> Vec<Finding> {
    let states = filter_states(evidence);
    let mut findings: Vec<Finding> = [
        invalid::finding(evidence),
        dead::finding(evidence, &states),
        always_on::finding(evidence, &states),
        weakening::finding(evidence, &states),
        redundant::finding(evidence),
        oversized::finding(evidence, &states),
        stable::finding(evidence),
    ]
    .into_iter()
    .flatten()
    .collect();
    sort(&mut findings);
    findings
}

/// Orders findings most severe first, and otherwise keeps their order.
pub fn sort(findings: &mut [Finding]) {
    findings.sort_by_key(|finding| finding.severity);
}

impl LayerEvidence<'_> {
    /// The largest activation of the window over all filters.
    fn largest(&self) -> f32 {
        self.filters.iter().fold(0.0, |largest, filter| largest.max(filter.max))
    }

    /// Whether there is enough data to say anything about the window.
    fn enough(&self) -> bool {
        state::enough(self.instances, self.inputs)
    }

    /// A finding of this layer without a suggestion.
    fn finding<const N: usize>(
        &self,
        kind: FindingKind,
        severity: Severity,
        evidence: [(&str, f64); N],
        text: String,
    ) -> Finding {
        Finding {
            kind,
            layer: self.layer.map(str::to_owned),
            filters: None,
            instances: None,
            severity,
            evidence: named(evidence),
            text,
            suggestion: None,
        }
    }
}

/// Evidence by name; numbers that are not finite carry nothing and are left out.
fn named<const N: usize>(evidence: [(&str, f64); N]) -> BTreeMap<String, f64> {
    evidence
        .into_iter()
        .filter(|(_, value)| value.is_finite())
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}
