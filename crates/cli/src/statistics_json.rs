//! The one JSON form of a layer's statistics, which `analyze` and `inspect` share.

use deepeyes_core::{
    FilterState, Finding, LayerStatistics, PERPLEXITY_BINS, PerplexityHistogram, Similarity,
};
use serde::Serialize;
use serde::ser::{SerializeSeq, Serializer};

/// Statistics of a set of instances as `analyze --json` prints them.
#[derive(Debug, Serialize)]
pub(crate) struct StatisticsJson<'a> {
    instances: u64,
    invalid: u64,
    silent: u64,
    filters: usize,
    perplexity: PerplexityJson,
    filters_detail: Vec<FilterJson<'a>>,
    redundant_groups: &'a [Vec<usize>],
    effective_filters: Option<f64>,
    findings: &'a [Finding],
    #[serde(skip_serializing_if = "Option::is_none")]
    similarity: Option<SimilarityRows<'a>>,
}

impl<'a> StatisticsJson<'a> {
    /// `similarity` asks for the similarity matrix, which is left out where it was not computed.
    pub(crate) fn new(statistics: &'a LayerStatistics, similarity: bool) -> Self {
        let filters = statistics.filters.len();
        Self {
            instances: statistics.instances,
            invalid: statistics.invalid,
            silent: statistics.silent,
            filters,
            perplexity: PerplexityJson::new(&statistics.perplexity, filters),
            filters_detail: statistics.filters.iter().enumerate().map(FilterJson::new).collect(),
            redundant_groups: &statistics.redundant_groups,
            effective_filters: statistics.effective_filters.filter(|value| value.is_finite()),
            findings: &statistics.findings,
            similarity: statistics.similarity.as_ref().filter(|_| similarity).map(SimilarityRows),
        }
    }

    /// The statistics of a layer of which no window is complete yet.
    pub(crate) fn none(filters: usize) -> Self {
        Self {
            instances: 0,
            invalid: 0,
            silent: 0,
            filters,
            perplexity: PerplexityJson {
                edges: perplexity_edges(filters),
                counts: vec![0; PERPLEXITY_BINS],
                mean: None,
            },
            filters_detail: Vec::new(),
            redundant_groups: &[],
            effective_filters: None,
            findings: &[],
            similarity: None,
        }
    }
}

/// The 51 edges of the equal perplexity bins over [1, F]; [1, 2] for a single filter.
pub(crate) fn perplexity_edges(filters: usize) -> Vec<f64> {
    let width = (filters.max(2) - 1) as f64 / PERPLEXITY_BINS as f64;
    (0..=PERPLEXITY_BINS).map(|bin| 1.0 + width * bin as f64).collect()
}

#[derive(Debug, Serialize)]
struct PerplexityJson {
    edges: Vec<f64>,
    counts: Vec<u64>,
    mean: Option<f64>,
}

impl PerplexityJson {
    fn new(histogram: &PerplexityHistogram, filters: usize) -> Self {
        Self {
            edges: perplexity_edges(filters),
            counts: histogram.counts.clone(),
            mean: histogram.mean.filter(|mean| mean.is_finite()),
        }
    }
}

#[derive(Debug, Serialize)]
struct FilterJson<'a> {
    filter: usize,
    max: f32,
    frequency: f64,
    sum: f64,
    label: Option<usize>,
    label_strength: Option<&'a [f64]>,
    specificity: Option<f64>,
    state: FilterState,
}

impl<'a> FilterJson<'a> {
    fn new((filter, statistics): (usize, &'a deepeyes_core::FilterStatistics)) -> Self {
        Self {
            filter,
            max: statistics.max,
            frequency: statistics.frequency,
            sum: statistics.sum,
            label: statistics.label,
            label_strength: statistics.label_strength.as_deref(),
            specificity: statistics.specificity,
            state: statistics.state,
        }
    }
}

/// The full symmetric matrix, written row by row: 4,096 filters would be 16 million values in memory otherwise.
#[derive(Debug)]
struct SimilarityRows<'a>(&'a Similarity);

impl Serialize for SimilarityRows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let filters = self.0.filters;
        let mut rows = serializer.serialize_seq(Some(filters))?;
        for i in 0..filters {
            rows.serialize_element(&(0..filters).map(|j| self.0.get(i, j)).collect::<Vec<f32>>())?;
        }
        rows.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_span_one_to_the_number_of_filters() {
        for (filters, last) in [(1, 2.0), (2, 2.0), (20, 20.0), (4096, 4096.0)] {
            let edges = perplexity_edges(filters);
            assert_eq!(edges.len(), 51);
            assert_eq!(edges[0], 1.0);
            assert!((edges[50] - last).abs() < 1e-9);
        }
    }

    #[test]
    fn similarity_is_the_full_symmetric_matrix() {
        let similarity = Similarity { filters: 3, upper: vec![0.1, 0.2, 0.3] };
        let rows = serde_json::to_string(&SimilarityRows(&similarity)).unwrap();
        assert_eq!(rows, "[[1.0,0.1,0.2],[0.1,1.0,0.3],[0.2,0.3,1.0]]");
    }
}
