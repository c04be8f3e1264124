//! T4: the layer holds more filters than it uses.

use super::{LayerEvidence, redundant, wording};
use crate::{FilterState, Finding, FindingKind, Severity};

/// From this share of filters that are dead or a copy of another, a layer is oversized.
pub const WASTED_SHARE: f64 = 0.2;
/// Below this share of filters that vary independently, a layer is oversized.
pub const EFFECTIVE_SHARE: f64 = 0.1;
/// In a narrower layer the effective number of filters says little.
const MIN_FILTERS: usize = 16;

/// A layer in which many filters are dead or copies, or whose filters vary along few directions only.
pub(super) fn finding(evidence: &LayerEvidence, states: &[FilterState]) -> Option<Finding> {
    if evidence.output || !evidence.enough() {
        return None;
    }
    let all = states.len();
    let dead = wording::of_state(states, FilterState::Dead).len();
    let surplus = redundant::surplus(evidence);
    let wasted = (dead + surplus) as f64 / all as f64;
    let effective = evidence.effective_filters;
    let narrow = all >= MIN_FILTERS && effective.is_some_and(|number| number < EFFECTIVE_SHARE * all as f64);
    let severity = match (wasted >= WASTED_SHARE, narrow) {
        (true, _) => Severity::Medium,
        (false, true) => Severity::Low,
        (false, false) => return None,
    };
    let mut text = format!(
        "{} are dead and {} copy another ({} wasted)",
        wording::of_filters(dead, all),
        wording::thousands(surplus as u64),
        wording::percent(wasted),
    );
    if let Some(number) = effective {
        text += &format!("; the live ones vary like {number:.1} independent filters");
    }
    text += &format!(", in {}.", wording::instances(evidence.instances, evidence.inputs));
    let mut finding = evidence.finding(
        FindingKind::Oversized,
        severity,
        [
            ("n", evidence.instances as f64),
            ("inputs", evidence.inputs.map_or(f64::NAN, |inputs| inputs as f64)),
            ("dead", dead as f64),
            ("surplus", surplus as f64),
            ("share", wasted),
            ("threshold", WASTED_SHARE),
            ("effective_filters", effective.unwrap_or(f64::NAN)),
        ],
        text,
    );
    finding.suggestion = Some(if wasted >= WASTED_SHARE {
        format!("Try the layer with {} filters.", wording::thousands((all - dead - surplus).max(1) as u64))
    } else {
        "Try the layer with half of its filters.".to_owned()
    });
    Some(finding)
}
