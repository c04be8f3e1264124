//! Findings at a step.

use super::overview::{Snapshots, snapshots};
use crate::error::ApiResult;
use crate::runs::Source;
use crate::wire::{FindingCounts, FindingItem, Findings};
use deepeyes_core::{Finding, InstanceSample, LayerSpec, Severity};

/// Instances that a finding names by identity.
const MOST_ITEMS: usize = 64;

/// The findings of every layer's newest window at or before a step.
pub(crate) fn findings(source: &Source, at: Option<u64>) -> ApiResult<Findings> {
    let layers = source.description()?.layers;
    let snapshots = snapshots(source, at)?;
    let mut all = of_layers(&layers, &snapshots);
    for finding in &mut all.findings {
        let Some(rows) = &finding.instances else { continue };
        let Some(snapshot) = &snapshots[finding.layer_index] else { continue };
        let sample = source.sample(finding.layer_index, snapshot)?;
        let Some(sample) = sample else { continue };
        let shown = rows.iter().copied().filter(|&row| row < sample.len()).take(MOST_ITEMS);
        let shown: Vec<usize> = shown.collect();
        finding.items = Some(items(&sample, &layers[finding.layer_index], &shown));
        finding.item_labels = Some(shown.iter().map(|&row| sample.labels[row]).collect());
    }
    Ok(all)
}

/// The identities of rows of a sample.
fn items(sample: &InstanceSample, layer: &LayerSpec, rows: &[usize]) -> Vec<String> {
    let columns = layer.grid[1].max(1);
    let item = |&row: &usize| {
        let (input, position) = (sample.inputs[row], sample.positions[row] as usize);
        format!("{input}:{}:{}", position / columns, position % columns)
    };
    rows.iter().map(item).collect()
}

/// Most severe first, otherwise in the network's order.
pub(crate) fn of_layers(layers: &[LayerSpec], snapshots: &Snapshots) -> Findings {
    let present = || {
        layers
            .iter()
            .zip(snapshots)
            .enumerate()
            .filter_map(|(index, (layer, snapshot))| Some((index, layer, snapshot.as_deref()?)))
    };
    let mut found: Vec<(Severity, FindingItem)> = present()
        .flat_map(|(index, layer, snapshot)| {
            let all = snapshot.statistics.findings.iter().enumerate();
            all.map(move |(number, finding)| {
                (finding.severity, item(finding, layer, index, snapshot.to, number))
            })
        })
        .collect();
    found.sort_by_key(|(severity, _)| *severity);
    Findings {
        step: present().map(|(_, _, snapshot)| snapshot.to).max().unwrap_or(0),
        findings: found.into_iter().map(|(_, item)| item).collect(),
    }
}

fn item(finding: &Finding, layer: &LayerSpec, index: usize, step: u64, number: usize) -> FindingItem {
    FindingItem {
        id: format!("{index}-{number}"),
        kind: finding.kind.into(),
        layer: layer.name.clone(),
        layer_index: index,
        step,
        filters: finding.filters.clone(),
        instances: finding.instances.clone(),
        items: None,
        item_labels: None,
        severity: finding.severity.into(),
        evidence: finding.known_evidence(),
        text: finding.text.clone(),
        suggestion: finding.suggestion.clone(),
    }
}

/// How many there are of each severity.
pub(super) fn counts(findings: &[Finding]) -> FindingCounts {
    let of = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
    FindingCounts {
        high: of(Severity::High),
        medium: of(Severity::Medium),
        low: of(Severity::Low),
        info: of(Severity::Info),
    }
}
