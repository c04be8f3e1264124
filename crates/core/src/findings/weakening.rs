//! T2: filters whose maxima have fallen well below what they once were.

use super::{LayerEvidence, wording};
use crate::{FilterState, Finding, FindingKind, Severity};

/// Filters below theta times their all-time maximum. Maxima come and go while a network learns: only one that is below half
/// of theta is worth a look, the others are a plain statement.
pub(super) fn finding(evidence: &LayerEvidence, states: &[FilterState]) -> Option<Finding> {
    let filters = wording::of_state(states, FilterState::Weakening);
    if filters.is_empty() {
        return None;
    }
    let ratio = |&filter: &usize| {
        let filter = &evidence.filters[filter];
        f64::from(filter.max) / f64::from(filter.all_time_max)
    };
    let lowest = filters.iter().map(ratio).fold(f64::INFINITY, f64::min);
    let text = format!(
        "{} fell below {} of the largest activation that {} once reached; the weakest is at {}, in {}.",
        wording::of_filters(filters.len(), states.len()),
        wording::percent(evidence.theta),
        if filters.len() == 1 { "it" } else { "they" },
        wording::percent(lowest),
        wording::instances(evidence.instances, evidence.inputs),
    );
    let mut finding = evidence.finding(
        FindingKind::Weakening,
        if lowest < evidence.theta / 2.0 { Severity::Low } else { Severity::Info },
        [
            ("n", evidence.instances as f64),
            ("inputs", evidence.inputs.map_or(f64::NAN, |inputs| inputs as f64)),
            ("threshold", evidence.theta),
            ("lowest", lowest),
            ("share", filters.len() as f64 / states.len() as f64),
        ],
        text,
    );
    finding.filters = Some(filters);
    finding.suggestion = Some("Watch them: filters that keep falling may die.".to_owned());
    Some(finding)
}
