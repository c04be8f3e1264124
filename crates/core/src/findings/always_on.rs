//! T2: filters that fire at one level whatever they see.

use super::{FilterEvidence, LayerEvidence, wording};
use crate::{FilterState, Finding, FindingKind, Severity};

/// A filter that is always on has a coefficient of variation below this.
pub const ALWAYS_ON_VARIATION: f64 = 0.1;
/// And fires in more than this share of all instances, with 95 % confidence.
pub(crate) const FIRING_SHARE: f64 = 0.95;
/// Two-sided 95 % quantile of the standard normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// Lower end of the Wilson score interval (95 %) of a share seen in `n` instances.
pub(super) fn wilson_lower(share: f64, n: u64) -> f64 {
    if n == 0 {
        return 0.0;
    }
    let n = n as f64;
    let centre = share + Z * Z / (2.0 * n);
    let half = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    ((centre - half) / (1.0 + Z * Z / n)).max(0.0)
}

/// Whether a filter fires everywhere at one level.
pub(super) fn is_always_on(filter: &FilterEvidence, instances: u64) -> bool {
    wilson_lower(filter.share_above, instances) > FIRING_SHARE && filter.variation < ALWAYS_ON_VARIATION
}

/// Filters that act as a constant.
pub(super) fn finding(evidence: &LayerEvidence, states: &[FilterState]) -> Option<Finding> {
    let filters = wording::of_state(states, FilterState::AlwaysOn);
    if filters.is_empty() {
        return None;
    }
    let each = || filters.iter().map(|&filter| &evidence.filters[filter]);
    let firing = each().map(|filter| filter.share_above).fold(1.0, f64::min);
    let variation = each().map(|filter| filter.variation).fold(0.0, f64::max);
    let share = filters.len() as f64 / states.len() as f64;
    let text = format!(
        "{} fired in at least {} of {} at nearly one level (variation at most {} of the mean).",
        wording::of_filters(filters.len(), states.len()),
        wording::percent(firing),
        wording::instances(evidence.instances, evidence.inputs),
        wording::percent(variation),
    );
    let mut finding = evidence.finding(
        FindingKind::AlwaysOn,
        Severity::Medium,
        [
            ("n", evidence.instances as f64),
            ("inputs", evidence.inputs.map_or(f64::NAN, |inputs| inputs as f64)),
            ("firing_share", firing),
            ("lower_bound", wilson_lower(firing, evidence.instances)),
            ("variation", variation),
            ("threshold", evidence.beta),
            ("share", share),
        ],
        text,
    );
    finding.filters = Some(filters);
    finding.suggestion =
        Some("Remove these filters and fold their level into the next layer's biases.".to_owned());
    Some(finding)
}
