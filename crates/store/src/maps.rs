//! What is kept of a map beside its arrays.

use deepeyes_core::MapMethod;
use serde::{Deserialize, Serialize};

/// A map's kind as stored.
pub(crate) const INPUT: &str = "input";
pub(crate) const FILTER: &str = "filter";
/// All points, of which the input map of the same step shows landmarks; only the newest of a layer is kept.
pub(crate) const WHOLE: &str = "whole";
/// The arrays of an input map's fields, which only the newest map of a layer keeps.
pub(crate) const FIELDS: &str = "fields";
pub(crate) const FIELD_STEPS: &str = "field_steps";

/// Of an input map.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct InputProperties {
    pub(crate) method: MapMethod,
    pub(crate) iterations: usize,
    pub(crate) planned_iterations: usize,
    pub(crate) settled: bool,
    pub(crate) preservation: Option<f64>,
    pub(crate) scale_sizes: Vec<usize>,
    pub(crate) filters: usize,
    pub(crate) level: f32,
}

/// Of all points behind a map of landmarks.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct WholeProperties {
    pub(crate) filters: usize,
    pub(crate) level: f32,
}

/// Of a filter map.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct FilterProperties {
    pub(crate) step: u64,
    pub(crate) method: MapMethod,
    pub(crate) iterations: usize,
    pub(crate) settled: bool,
    pub(crate) all_zero: usize,
}
