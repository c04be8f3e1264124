//! T2: filters that never fire.

use super::{LayerEvidence, wording};
use crate::{FilterState, Finding, FindingKind, Severity};

/// A filter fires where its activation is above this share of the layer's largest; below it is rounding noise.
pub const DEAD_SHARE: f64 = 1e-6;
/// Above this share of dead filters the layer has lost much of what it could learn.
const SEVERE_SHARE: f64 = 0.25;

/// Whether a filter with this maximum never fired in a layer with this largest activation.
pub(crate) fn is_dead(max: f64, largest: f64) -> bool {
    max <= DEAD_SHARE * largest
}

/// Filters that did not fire once in n instances: 95 % confidence that their firing rate is below 3 / n (rule of three).
pub(super) fn finding(evidence: &LayerEvidence, states: &[FilterState]) -> Option<Finding> {
    let filters = wording::of_state(states, FilterState::Dead);
    if filters.is_empty() {
        return None;
    }
    // Filters died at different times: the bound that holds for all of them is the one of the shortest silence.
    let instances = filters.iter().map(|&filter| evidence.filters[filter].instances).min().unwrap_or(0);
    let inputs = filters.iter().filter_map(|&filter| evidence.filters[filter].inputs).min();
    let bound = 3.0 / instances as f64;
    let share = filters.len() as f64 / states.len() as f64;
    let text = format!(
        "{} never fired in {} (firing rate below {} with 95 % confidence).",
        wording::of_filters(filters.len(), states.len()),
        wording::instances(instances, inputs),
        wording::percent(bound),
    );
    let severity = if share >= SEVERE_SHARE { Severity::High } else { Severity::Medium };
    let mut finding = evidence.finding(
        FindingKind::Dead,
        severity,
        [
            ("n", instances as f64),
            ("inputs", inputs.map_or(f64::NAN, |inputs| inputs as f64)),
            ("fired", 0.0),
            ("upper_bound", bound),
            ("threshold", DEAD_SHARE),
            ("share", share),
        ],
        text,
    );
    finding.suggestion = Some(if severity == Severity::High {
        "Lower the learning rate or change the initialisation; or remove these filters.".to_owned()
    } else {
        "Remove these filters: the network computes the same without them.".to_owned()
    });
    finding.filters = Some(filters);
    Some(finding)
}
