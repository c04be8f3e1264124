//! T1: the layer's perplexity no longer changes beyond sampling noise.

use super::LayerEvidence;
use crate::{Finding, FindingKind, Severity};

/// A layer that has become stable, and since when.
pub(super) fn finding(evidence: &LayerEvidence) -> Option<Finding> {
    let course = evidence.course?;
    let since = course.stable_since?;
    let text = format!(
        "Stable since iteration {}: the perplexity moved by {:.4} in the last window (limit {:.4}).",
        super::wording::thousands(since),
        course.drift,
        course.limit,
    );
    let mut finding = evidence.finding(
        FindingKind::Stable,
        Severity::Info,
        [
            ("since", since as f64),
            ("drift", course.drift),
            ("threshold", course.limit),
            ("n", evidence.instances as f64),
            ("inputs", evidence.inputs.map_or(f64::NAN, |inputs| inputs as f64)),
        ],
        text,
    );
    finding.suggestion = Some("Its filters can be judged now.".to_owned());
    Some(finding)
}
