//! T4: filters that answer alike.

use super::{LayerEvidence, wording};
use crate::grouping::REDUNDANT_SIMILARITY;
use crate::{Finding, FindingKind, Severity};

/// Filters of which all but one in each group could go.
pub(super) fn surplus(evidence: &LayerEvidence) -> usize {
    evidence.redundant_groups.iter().map(|group| group.len() - 1).sum()
}

/// Groups of filters with similarity phi of at least 0.9 between any two.
pub(super) fn finding(evidence: &LayerEvidence) -> Option<Finding> {
    let groups = evidence.redundant_groups;
    if groups.is_empty() || evidence.output || !evidence.enough() {
        return None;
    }
    let all = evidence.filters.len();
    let mut filters = groups.concat();
    filters.sort_unstable();
    let surplus = surplus(evidence);
    let text = format!(
        "{} answer alike in {} {} (similarity at least {:.2} in {}): {} could go.",
        wording::of_filters(filters.len(), all),
        wording::thousands(groups.len() as u64),
        wording::plural(groups.len(), "group", "groups"),
        evidence.lowest_similarity.unwrap_or(REDUNDANT_SIMILARITY),
        wording::instances(evidence.similarity_instances, None),
        wording::thousands(surplus as u64),
    );
    let share = surplus as f64 / all as f64;
    let mut finding = evidence.finding(
        FindingKind::Redundant,
        if share >= super::WASTED_SHARE { Severity::Medium } else { Severity::Low },
        [
            ("n", evidence.similarity_instances as f64),
            ("inputs", evidence.inputs.map_or(f64::NAN, |inputs| inputs as f64)),
            ("phi", evidence.lowest_similarity.unwrap_or(f64::NAN)),
            ("threshold", REDUNDANT_SIMILARITY),
            ("groups", groups.len() as f64),
            ("surplus", surplus as f64),
            ("share", share),
        ],
        text,
    );
    finding.filters = Some(filters);
    finding.suggestion =
        Some("Merge each group into one filter and add up its weights in the next layer.".to_owned());
    Some(finding)
}
