//! Label affinity: how strongly each filter answers to each label.

use super::rows::{Element, Instances};
use super::{AnalyzeError, MAX_LABEL, MAX_STRENGTHS};
use crate::affinity::{FilterAffinity, filter_affinity};
use rayon::prelude::*;

/// Instances of one label that are summed up together.
const BLOCK: usize = 1024;

/// Refuses labels that cannot be right.
pub(super) fn check(labels: &[i32], instances: usize, filters: usize) -> Result<(), AnalyzeError> {
    if labels.len() != instances {
        return Err(AnalyzeError::LabelCount { labels: labels.len(), instances });
    }
    if let Some(row) = labels.iter().position(|label| !(-1..=MAX_LABEL).contains(label)) {
        return Err(AnalyzeError::Label { row, label: labels[row] });
    }
    let largest = labels.iter().copied().max().and_then(|label| usize::try_from(label).ok());
    match largest {
        None => Err(AnalyzeError::NoLabel { instances }),
        Some(label) if (label + 1).saturating_mul(filters) > MAX_STRENGTHS => {
            Err(AnalyzeError::TooManyLabels { filters, label })
        }
        Some(_) => Ok(()),
    }
}

/// The affinity of each filter, from the sums of its activations over the instances of each label, divided by their number
/// where `balanced`. `None` where no finite instance has a label.
pub(super) fn affinities<T: Element>(
    instances: &Instances<T>,
    labels: &[i32],
    balanced: bool,
) -> Option<Vec<FilterAffinity>> {
    let of_instance = |instance: usize| usize::try_from(labels[instances.row(instance)]).ok();
    let mut by_label: Vec<Vec<usize>> = Vec::new();
    for instance in 0..instances.len() {
        if let Some(label) = of_instance(instance) {
            if by_label.len() <= label {
                by_label.resize(label + 1, Vec::new());
            }
            by_label[label].push(instance);
        }
    }
    if by_label.is_empty() {
        return None;
    }
    let parts: Vec<(usize, &[usize])> = by_label
        .iter()
        .enumerate()
        .flat_map(|(label, members)| members.chunks(BLOCK).map(move |part| (label, part)))
        .collect();
    let sums: Vec<(usize, Vec<f64>)> = parts
        .into_par_iter()
        .map(|(label, members)| {
            let mut sums = vec![0.0; instances.filters];
            let mut rectified = vec![0.0; instances.filters];
            for &instance in members {
                instances.rectified(instance, &mut rectified);
                sums.iter_mut().zip(&rectified).for_each(|(sum, value)| *sum += value);
            }
            (label, sums)
        })
        .collect();
    let mut strengths = vec![vec![0.0; by_label.len()]; instances.filters];
    for (label, sums) in sums {
        for (strengths, sum) in strengths.iter_mut().zip(sums) {
            strengths[label] += sum;
        }
    }
    if balanced {
        for strengths in &mut strengths {
            for (strength, members) in strengths.iter_mut().zip(&by_label) {
                *strength /= members.len().max(1) as f64;
            }
        }
    }
    Some(strengths.into_iter().map(filter_affinity).collect())
}
