//! How alike a layer's filters are, on a part of a window's sample.

use crate::{
    InstanceSample, JaccardAccumulator, LayerSpec, Similarity, effective_filters_of_sample,
    lowest_similarity, rectify_rows, redundant_groups,
};
use serde::{Deserialize, Serialize};

/// Activations on which the effective number of filters is estimated, and the fewest instances: the estimate is unbiased, and
/// more of them cost more than the rest of the window.
const CORRELATED_VALUES: usize = 1 << 17;
const CORRELATED_INSTANCES: usize = 256;

/// What a comparison of the filters with each other leaves.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Alike {
    /// Instances on which they were compared.
    pub(crate) instances: u64,
    /// Groups of redundant filters.
    pub(crate) groups: Vec<Vec<usize>>,
    /// The smallest similarity within a group.
    pub(crate) lowest: Option<f64>,
    pub(crate) effective_filters: Option<f64>,
}

impl Alike {
    /// On the first instances of the sample, which by its order are an unbiased part of it; with the similarity itself.
    pub(crate) fn of(sample: &InstanceSample, spec: &LayerSpec, instances: usize) -> (Self, Similarity) {
        let raw = &sample.activations[..sample.len().min(instances) * sample.filters];
        // Every sampled instance is finite, and negative ones were refused at the door where they must be.
        let rows = rectify_rows(spec.rectify, raw, spec.filters).unwrap_or_default();
        let mut accumulator = JaccardAccumulator::new(spec.filters);
        accumulator.add_rows(&rows.values);
        let similarity = accumulator.similarity();
        let groups = redundant_groups(&similarity);
        let correlated = (CORRELATED_VALUES / spec.filters.max(1)).max(CORRELATED_INSTANCES) * spec.filters;
        let correlated = &rows.values[..rows.values.len().min(correlated)];
        let alike = Self {
            instances: accumulator.instances(),
            lowest: lowest_similarity(&groups, &similarity),
            groups,
            effective_filters: effective_filters_of_sample(correlated, spec.filters),
        };
        (alike, similarity)
    }
}
