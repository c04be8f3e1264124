//! What maps and patches say beside their arrays.

use serde::{Deserialize, Serialize};
use ts_rs::TS;
use utoipa::ToSchema;

/// `meta` of a `filter_map` frame.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, ToSchema)]
pub struct FilterMapMeta {
    /// `mds` or `tsne`.
    pub method: String,
    /// Iterations done.
    pub iterations: u64,
    /// Whether nothing moves any more.
    pub settled: bool,
    /// The iteration of the similarity that it is embedded from.
    pub from_step: u64,
    /// Filters that are not placed because they answer to nothing.
    pub all_zero: usize,
}

/// `meta` of an `input_map` frame.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, ToSchema)]
pub struct InputMapMeta {
    /// `hsne`, `tsne` or `pca`.
    pub method: String,
    /// The scale that is shown; 0: all instances.
    pub scale: usize,
    /// Scales of the hierarchy.
    pub scales: usize,
    /// Iterations done.
    pub iterations: u64,
    /// Iterations after which it counts as settled.
    pub planned_iterations: u64,
    /// Whether nothing moves any more.
    pub settled: bool,
    /// Share of the nearest neighbours that the map keeps, in [0, 1]; null before it is measured.
    pub preservation: Option<f64>,
    /// The iteration of the features.
    pub step: u64,
    /// 99.9 % quantile of the instances' largest activations; null where unknown.
    pub level: Option<f32>,
    /// Whether instances that are chosen in it may have a map of their own (`drill`).
    pub finer: bool,
}

/// Instances that were chosen in an input map, to be placed by themselves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, ToSchema)]
pub struct DrillRequest {
    /// The iteration of the map.
    pub step: u64,
    /// The scale that it shows.
    pub scale: usize,
    /// The instances by identity (`input:row:column`).
    pub items: Vec<String>,
    /// Where the map shows each.
    pub places: Vec<[f32; 2]>,
}

/// `meta` of a `patches` frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct PatchesMeta {
    /// Rows of a patch.
    pub height: usize,
    /// Columns of a patch.
    pub width: usize,
    /// 1 (grey) or 3 (red, green, blue).
    pub channels: usize,
}
