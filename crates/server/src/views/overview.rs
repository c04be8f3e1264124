//! Each layer's window at a step.

use super::findings::counts;
use crate::error::ApiResult;
use crate::runs::Source;
use crate::wire::{LayerSummary, Overview, Separability};
use deepeyes_core::{FilterState, LayerSnapshot};
use std::sync::Arc;

/// Each layer's newest window at or before a step; `None` before a layer's first.
pub(crate) type Snapshots = Vec<Option<Arc<LayerSnapshot>>>;

/// Reads every layer.
pub(crate) fn snapshots(source: &Source, at: Option<u64>) -> ApiResult<Snapshots> {
    if at.is_none()
        && let Some(moment) = source.live()
    {
        return Ok(moment.state.layers.to_vec());
    }
    let layers = source.description()?.layers.len();
    (0..layers).map(|layer| source.layer(layer, at)).collect()
}

/// Every layer without its filters.
pub(crate) fn overview(source: &Source, at: Option<u64>) -> ApiResult<Overview> {
    Ok(of_snapshots(&snapshots(source, at)?, at))
}

pub(crate) fn of_snapshots(snapshots: &Snapshots, at: Option<u64>) -> Overview {
    let present =
        || snapshots.iter().enumerate().filter_map(|(layer, snapshot)| Some((layer, snapshot.as_deref()?)));
    Overview {
        step: present().map(|(_, snapshot)| snapshot.to).max().unwrap_or(0),
        at,
        layers: present().map(|(layer, snapshot)| summary(layer, snapshot)).collect(),
    }
}

/// A layer without its filters.
pub(super) fn summary(layer: usize, snapshot: &LayerSnapshot) -> LayerSummary {
    let statistics = &snapshot.statistics;
    let in_state = |state| statistics.filters.iter().filter(|filter| filter.state == state).count();
    LayerSummary {
        layer,
        from: snapshot.from,
        to: snapshot.to,
        instances: statistics.instances,
        instances_possible: snapshot.instances_possible,
        instances_sampled: snapshot.instances_sampled,
        invalid: statistics.invalid,
        silent: statistics.silent,
        counts: statistics.perplexity.counts.clone(),
        change: snapshot.change.clone(),
        mean: statistics.perplexity.mean,
        drift: snapshot.drift,
        noise: snapshot.noise,
        trend: snapshot.trend,
        stable: snapshot.stable,
        stable_since: snapshot.stable_since,
        dead: in_state(FilterState::Dead),
        always_on: in_state(FilterState::AlwaysOn),
        weakening: in_state(FilterState::Weakening),
        redundant_groups: statistics.redundant_groups.len(),
        effective_filters: statistics.effective_filters,
        separability: snapshot.separability.as_ref().map(|separability| Separability {
            step: separability.step,
            neighbour_purity: separability.neighbour_purity,
            ridge_accuracy: separability.ridge_accuracy,
            held_out: separability.held_out,
        }),
        findings: counts(&statistics.findings),
    }
}
