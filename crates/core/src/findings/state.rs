//! What the data supports about a filter.

use super::{FilterEvidence, LayerEvidence, always_on, dead};
use crate::FilterState;

/// Fewer instances support no statement about a filter.
pub const MIN_INSTANCES: u64 = 1000;
/// Fewer distinct inputs support no statement about a filter, however many positions each has.
pub const MIN_INPUTS: u64 = 200;

/// Whether there is enough data for a statement.
pub(super) fn enough(instances: u64, inputs: Option<u64>) -> bool {
    instances >= MIN_INSTANCES && inputs.is_none_or(|inputs| inputs >= MIN_INPUTS)
}

/// The state of one filter of a layer whose largest activation is `largest` (DESIGN "Findings").
pub fn filter_state(filter: &FilterEvidence, largest: f32, layer: &LayerEvidence) -> FilterState {
    if !enough(filter.instances, filter.inputs) {
        FilterState::Unknown
    } else if dead::is_dead(filter.max.into(), largest.into()) {
        FilterState::Dead
    } else if !layer.enough() {
        FilterState::Unknown
    } else if always_on::is_always_on(filter, layer.instances) {
        FilterState::AlwaysOn
    } else if f64::from(filter.max) < layer.theta * f64::from(filter.all_time_max) {
        FilterState::Weakening
    } else {
        FilterState::Alive
    }
}
