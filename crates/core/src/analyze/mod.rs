//! Exact statistics of a set of instances, however many: two passes over the activations (plus one for the labels and one
//! for filters that may be always on), all sums in 64 bits, and no copy of them. Blocks of instances are summed in parallel
//! and added in order, so that the result is the same with any number of threads.

mod error;
mod labels;
mod levels;
mod passes;
mod rows;
#[cfg(test)]
mod tests;

pub use error::AnalyzeError;
pub use rows::Element;

use crate::findings::{FilterEvidence, LayerEvidence, filter_states, is_dead, layer_findings};
use crate::{
    AnalysisConfig, FilterStatistics, JaccardAccumulator, LayerStatistics, Rectify, Similarity,
    effective_filters, effective_filters_of_sample, lowest_similarity, redundant_groups,
};
use passes::Totals;
use rayon::prelude::*;
use rows::Instances;

/// The largest label; larger ones are taken for something else than labels.
const MAX_LABEL: i32 = 65_535;
/// Label strengths (filters times labels) that are held at most: a gigabyte.
const MAX_STRENGTHS: usize = 1 << 27;
/// A filter whose share of positive activations is not above this cannot be always on.
const POSITIVE_SHARE: f64 = 0.95;
/// Activations that are handed to the similarity kernel at a time.
const SIMILARITY_VALUES: usize = 1 << 24;
/// Products that the effective number of filters may take before it is estimated from some of the instances.
const CORRELATION_PRODUCTS: usize = 40_000_000_000;
/// Activations that the effective number of filters may hold at a time.
const CORRELATION_VALUES: usize = 1 << 26;

/// Instances to analyse.
#[derive(Debug, Clone, Copy)]
pub struct Rows<'a, T> {
    /// Raw activations `[n, filters]`, row-major.
    pub values: &'a [T],
    /// F.
    pub filters: usize,
    /// Label of each instance, -1 where it has none.
    pub labels: Option<&'a [i32]>,
}

/// How to analyse them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AnalyzeOptions {
    /// How activations become non-negative.
    pub rectify: Rectify,
    /// A filter fires where its activation is above this share of its maximum, in [0, 1).
    pub beta: f64,
    /// Whether label strengths are divided by the count of the label first.
    pub balanced: bool,
    /// Whether the similarity matrix is kept.
    pub similarity: bool,
}

impl Default for AnalyzeOptions {
    fn default() -> Self {
        let AnalysisConfig { beta, balanced, .. } = AnalysisConfig::default();
        Self { rectify: Rectify::default(), beta, balanced, similarity: false }
    }
}

/// Exact statistics of all finite instances, and what they support.
///
/// Only rows are known here, not which inputs they come from, so states and findings count instances alone. The effective
/// number of filters is exact up to 4e10 products (100,000 instances of 632 filters), and beyond that an unbiased estimate
/// from evenly spaced instances.
///
/// # Errors
/// See [`AnalyzeError`]: values that make no rows, labels that fit nothing, a beta out of range, a negative activation
/// without rectification.
pub fn analyze<T: Element>(
    data: &Rows<T>,
    options: &AnalyzeOptions,
) -> Result<LayerStatistics, AnalyzeError> {
    let n = check(data, options)?;
    let instances = Instances::new(data.values, data.filters, options.rectify)?;
    let totals = passes::totals(&instances);
    let frequencies = passes::frequencies(&instances, &totals.max, options.beta);
    let affinities = data.labels.and_then(|labels| labels::affinities(&instances, labels, options.balanced));
    let similarity = similarity(&instances, &totals);
    let mut statistics = LayerStatistics {
        instances: instances.len() as u64,
        invalid: (n - instances.len()) as u64,
        silent: totals.silent,
        perplexity: totals.perplexity(),
        filters: Vec::new(),
        redundant_groups: redundant_groups(&similarity),
        effective_filters: effective(&instances, &totals),
        similarity: None,
        findings: Vec::new(),
    };
    let evidence = evidence(&instances, &totals, options.beta);
    let layer = LayerEvidence {
        layer: None,
        output: options.rectify == Rectify::Softmax,
        instances: statistics.instances,
        inputs: None,
        invalid: statistics.invalid,
        beta: options.beta,
        theta: AnalysisConfig::default().theta,
        filters: &evidence,
        redundant_groups: &statistics.redundant_groups,
        lowest_similarity: lowest_similarity(&statistics.redundant_groups, &similarity),
        similarity_instances: statistics.instances,
        effective_filters: statistics.effective_filters,
        course: None,
    };
    let states = filter_states(&layer);
    statistics.findings = layer_findings(&layer);
    let mut affinities = affinities.map(Vec::into_iter);
    statistics.filters = (0..data.filters)
        .map(|filter| {
            let affinity = affinities.as_mut().and_then(Iterator::next);
            FilterStatistics {
                max: totals.max[filter] as f32,
                frequency: frequencies[filter],
                sum: totals.sum[filter],
                label: affinity.as_ref().and_then(|affinity| affinity.label),
                specificity: affinity.as_ref().and_then(|affinity| affinity.specificity),
                label_strength: affinity.map(|affinity| affinity.strength),
                state: states[filter],
            }
        })
        .collect();
    statistics.similarity = options.similarity.then_some(similarity);
    Ok(statistics)
}

/// The number of instances, finite or not, where everything fits together.
fn check<T>(data: &Rows<T>, options: &AnalyzeOptions) -> Result<usize, AnalyzeError> {
    let Rows { values, filters, labels } = *data;
    if !(0.0..1.0).contains(&options.beta) {
        return Err(AnalyzeError::Beta(options.beta));
    }
    if filters == 0 {
        return Err(AnalyzeError::NoFilters);
    }
    if values.is_empty() {
        return Err(AnalyzeError::NoInstances);
    }
    if !values.len().is_multiple_of(filters) {
        return Err(AnalyzeError::Shape { values: values.len(), filters });
    }
    let n = values.len() / filters;
    if let Some(labels) = labels {
        labels::check(labels, n, filters)?;
    }
    Ok(n)
}

/// phi of all pairs, from all instances.
fn similarity<T: Element>(instances: &Instances<T>, totals: &Totals) -> Similarity {
    let scale = scale(totals);
    let mut sums = JaccardAccumulator::new(instances.filters);
    let together = (SIMILARITY_VALUES / instances.filters).max(1);
    let mut first = 0;
    while first < instances.len() {
        let last = (first + together).min(instances.len());
        sums.add_rows(&matrix(instances, last - first, |place| first + place, |_, value| value * scale));
        first = last;
    }
    sums.similarity()
}

/// A common factor that brings the layer's activations into the range of 32 bits, where they are not well inside it; shares
/// and ratios do not change with it. A power of two, so that nothing is rounded.
fn scale(totals: &Totals) -> f64 {
    let largest = totals.max.iter().copied().fold(0.0, f64::max);
    if largest == 0.0 || (1e-20..1e30).contains(&largest) { 1.0 } else { (-largest.log2().floor()).exp2() }
}

/// Rectified instances `[count, F]`; `place` numbers them, and `value` changes each activation of a filter.
fn matrix<T: Element>(
    instances: &Instances<T>,
    count: usize,
    place: impl Fn(usize) -> usize + Sync,
    value: impl Fn(usize, f64) -> f64 + Sync,
) -> Vec<f32> {
    let filters = instances.filters;
    let mut rows = vec![0.0_f32; count * filters];
    rows.par_chunks_mut(filters).enumerate().with_min_len(64).for_each_init(
        || vec![0.0; filters],
        |rectified, (row, out)| {
            instances.rectified(place(row), rectified);
            for (filter, (out, &activation)) in out.iter_mut().zip(rectified.iter()).enumerate() {
                *out = value(filter, activation) as f32;
            }
        },
    );
    rows
}

/// The effective number of filters over those that are not dead.
fn effective<T: Element>(instances: &Instances<T>, totals: &Totals) -> Option<f64> {
    let (n, filters) = (instances.len(), instances.filters);
    let largest = totals.max.iter().copied().fold(0.0, f64::max);
    // Correlations do not change with a filter's scale: with maxima of one, 32 bits are enough.
    let scales: Vec<f64> =
        totals.max.iter().map(|&max| if is_dead(max, largest) { 0.0 } else { 1.0 / max }).collect();
    let rows_of = |count: usize| {
        matrix(instances, count, |row| row * n / count, |filter, value| (value * scales[filter]).min(1.0))
    };
    let smaller = n.min(filters);
    let products = smaller.saturating_mul(smaller).saturating_mul(n.max(filters));
    if products <= CORRELATION_PRODUCTS && n.saturating_mul(filters) <= CORRELATION_VALUES {
        return effective_filters(&rows_of(n), filters);
    }
    let affordable = (CORRELATION_PRODUCTS / (filters * filters)).min(CORRELATION_VALUES / filters);
    effective_filters_of_sample(&rows_of(affordable.max(2048).min(n)), filters)
}

/// The numbers on which each filter's state rests.
fn evidence<T: Element>(instances: &Instances<T>, totals: &Totals, beta: f64) -> Vec<FilterEvidence> {
    let n = instances.len();
    let scale = scale(totals);
    let share = |filter: usize| totals.positive[filter] as f64 / n.max(1) as f64;
    // Only a filter that is nearly always above zero can be nearly always above a threshold.
    let candidates: Vec<usize> =
        (0..instances.filters).filter(|&filter| share(filter) > POSITIVE_SHARE).collect();
    let mut evidence: Vec<FilterEvidence> = (0..instances.filters)
        .map(|filter| FilterEvidence {
            max: (totals.max[filter] * scale) as f32,
            all_time_max: (totals.max[filter] * scale) as f32,
            instances: n as u64,
            inputs: None,
            share_above: share(filter),
            variation: f64::INFINITY,
        })
        .collect();
    for (&filter, level) in candidates.iter().zip(levels::levels(instances, &candidates, beta)) {
        evidence[filter].share_above = level.share_above;
        evidence[filter].variation = level.variation;
    }
    evidence
}
