//! Activations that are not finite.

use super::{LayerEvidence, wording};
use crate::{Finding, FindingKind, Severity};

/// Instances that hold NaN or infinity; any at all is worth knowing.
pub(super) fn finding(evidence: &LayerEvidence) -> Option<Finding> {
    if evidence.invalid == 0 {
        return None;
    }
    let all = evidence.instances + evidence.invalid;
    let share = evidence.invalid as f64 / all as f64;
    let text = format!(
        "{} of {} {} NaN or infinity and {} left out.",
        wording::thousands(evidence.invalid),
        wording::instances(all, None),
        wording::plural(evidence.invalid as usize, "holds", "hold"),
        wording::plural(evidence.invalid as usize, "is", "are"),
    );
    let mut finding = evidence.finding(
        FindingKind::Invalid,
        Severity::High,
        [("invalid", evidence.invalid as f64), ("n", all as f64), ("share", share)],
        text,
    );
    finding.suggestion =
        Some("Lower the learning rate, clip gradients, or look for a division by zero.".to_owned());
    Some(finding)
}
