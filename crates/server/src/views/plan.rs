//! Redesign plans: what the findings suggest, and what a plan does to the network's cost.

use super::overview::snapshots;
use crate::error::{ApiError, ApiResult};
use crate::runs::Source;
use crate::wire::{Plan, PlanCosts};
use axum::http::StatusCode;
use deepeyes_core::{Finding, FindingKind, LayerSpec, RunDescription};
use deepeyes_network::{Action, ActionKind, Network};

/// How sure the kinds of suggestion are to do no harm.
const CONFIDENCE: [(FindingKind, f64); 6] = [
    (FindingKind::Dead, 0.99),
    (FindingKind::AlwaysOn, 0.8),
    (FindingKind::Redundant, 0.8),
    (FindingKind::Oversized, 0.5),
    (FindingKind::UnnecessaryLayer, 0.6),
    (FindingKind::MissingLayer, 0.4),
];

/// The plan that the newest findings suggest, and its cost.
pub(crate) fn suggested(source: &Source) -> ApiResult<PlanCosts> {
    let description = source.description()?;
    let snapshots = snapshots(source, None)?;
    let mut actions = Vec::new();
    for (spec, snapshot) in description.layers.iter().zip(&snapshots) {
        let Some(snapshot) = snapshot else { continue };
        let of_layer: Vec<Action> = snapshot
            .statistics
            .findings
            .iter()
            .flat_map(|finding| of_finding(spec, finding, &snapshot.statistics.redundant_groups))
            .collect();
        // Filters that are named say better than a number which of them can go.
        let named = of_layer.iter().any(|action| action.filters.is_some());
        actions
            .extend(of_layer.into_iter().filter(|action| !named || action.kind != ActionKind::ResizeLayer));
    }
    cost_of(&description, actions)
}

/// What a plan makes of the run's network.
pub(crate) fn cost(source: &Source, actions: Vec<Action>) -> ApiResult<PlanCosts> {
    cost_of(&source.description()?, actions)
}

fn of_finding(spec: &LayerSpec, finding: &Finding, groups: &[Vec<usize>]) -> Vec<Action> {
    if spec.output {
        return Vec::new();
    }
    let Some((_, confidence)) = CONFIDENCE.iter().find(|(kind, _)| *kind == finding.kind) else {
        return Vec::new();
    };
    let action = |kind, filters: Option<Vec<usize>>| Action {
        kind,
        layer: spec.name.clone(),
        filters,
        size: None,
        reason: finding.text.clone(),
        evidence: finding.known_evidence(),
        confidence: *confidence,
    };
    match finding.kind {
        FindingKind::Redundant => {
            groups.iter().map(|group| action(ActionKind::MergeFilters, Some(group.clone()))).collect()
        }
        FindingKind::Oversized if spec.filters > 1 => {
            vec![Action { size: Some(spec.filters / 2), ..action(ActionKind::ResizeLayer, None) }]
        }
        FindingKind::UnnecessaryLayer => vec![action(ActionKind::RemoveLayer, None)],
        FindingKind::MissingLayer => vec![action(ActionKind::AddLayer, None)],
        _ => match &finding.filters {
            Some(filters) if filters.len() < spec.filters => {
                vec![action(ActionKind::RemoveFilters, Some(filters.clone()))]
            }
            _ => Vec::new(),
        },
    }
}

fn cost_of(description: &RunDescription, actions: Vec<Action>) -> ApiResult<PlanCosts> {
    let cannot = |reason: String| ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, reason);
    let unknown = || cannot("the run's network is not known, so that no plan can be counted".to_owned());
    let input = description.input.ok_or_else(unknown)?;
    if description.network_toml.is_empty() {
        return Err(unknown());
    }
    let network = Network::from_toml(&description.network_toml).map_err(|error| cannot(error.to_string()))?;
    let plan = deepeyes_network::Plan::new(actions);
    let costs = plan.cost(&network, input).map_err(|error| cannot(error.to_string()))?;
    Ok(PlanCosts {
        plan: Plan { version: plan.version, actions: plan.actions.into_iter().map(Into::into).collect() },
        before: costs.before.into(),
        after: costs.after.into(),
        exact: true,
    })
}
