//! Label affinity: for which label a filter answers, and how selectively (DESIGN "Label affinity").

use crate::perplexity::strength_perplexity;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The largest label; a larger one stands for something else than a class, and would cost memory for all below it.
const MAX_LABEL: usize = 65_535;

/// Sums of rectified activations for each label and filter; merging those of any parts gives those of the whole.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct LabelAffinity {
    filters: usize,
    labels: BTreeMap<usize, LabelSums>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct LabelSums {
    instances: u64,
    sums: Vec<f64>,
}

/// For which label one filter answers.
#[derive(Debug, Clone, PartialEq)]
pub struct FilterAffinity {
    /// The label of the largest strength, the first of equals; `None` for an all-zero filter.
    pub label: Option<usize>,
    /// t: one strength a label, from label 0 to the largest that was seen.
    pub strength: Vec<f64>,
    /// 1 / perplexity of the strengths, in (0, 1]; `None` for an all-zero filter.
    pub specificity: Option<f64>,
}

impl LabelAffinity {
    /// Of no instances yet, of a layer with F filters.
    pub fn new(filters: usize) -> Self {
        Self { filters, labels: BTreeMap::new() }
    }

    /// Whether it is of a layer with so many filters.
    pub(crate) fn is_of(&self, filters: usize) -> bool {
        let mut labels = self.labels.iter();
        self.filters == filters && labels.all(|(&label, of)| label <= MAX_LABEL && of.sums.len() == filters)
    }

    /// Takes in instances of one label, by the sum of their rectified activations (F values). Unlabelled ones
    /// (any negative label) and labels above 65,535 are left out.
    #[inline(always)]
    pub fn add(&mut self, label: i32, instances: u64, activation_sums: &[f32]) {
        let Some(label) = usize::try_from(label).ok().filter(|&label| label <= MAX_LABEL) else { return };
        let filters = self.filters;
        let entry =
            self.labels.entry(label).or_insert_with(|| LabelSums { instances: 0, sums: vec![0.0; filters] });
        entry.instances += instances;
        for (sum, &more) in entry.sums.iter_mut().zip(activation_sums) {
            *sum += f64::from(more);
        }
    }

    /// Takes in what another part of the data gave; both must be of the same layer.
    pub fn merge(&mut self, other: &Self) {
        for (&label, more) in &other.labels {
            match self.labels.get_mut(&label) {
                Some(entry) => {
                    entry.instances += more.instances;
                    for (sum, &more) in entry.sums.iter_mut().zip(&more.sums) {
                        *sum += more;
                    }
                }
                None => drop(self.labels.insert(label, more.clone())),
            }
        }
    }

    /// The affinity of each filter; `None` where no instance had a label. `balanced` divides a label's sums by its
    /// count of instances first, so that frequent labels do not win by their number.
    pub fn affinities(&self, balanced: bool) -> Option<Vec<FilterAffinity>> {
        let count = self.labels.keys().next_back()? + 1;
        let of_filter = |filter: usize| {
            let mut strength = vec![0.0; count];
            for (&label, sums) in &self.labels {
                let divisor = if balanced { sums.instances.max(1) as f64 } else { 1.0 };
                strength[label] = sums.sums[filter] / divisor;
            }
            filter_affinity(strength)
        };
        Some((0..self.filters).map(of_filter).collect())
    }
}

/// The affinity of a filter with these label strengths.
pub(crate) fn filter_affinity(strength: Vec<f64>) -> FilterAffinity {
    let Some(perplexity) = strength_perplexity(&strength) else {
        return FilterAffinity { label: None, strength, specificity: None };
    };
    let mut label = 0;
    for (other, &value) in strength.iter().enumerate() {
        if value > strength[label] {
            label = other;
        }
    }
    FilterAffinity { label: Some(label), strength, specificity: Some(1.0 / perplexity) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::UNLABELLED;
    use proptest::prelude::*;

    #[test]
    fn balancing_takes_the_label_frequency_out() {
        let mut affinity = LabelAffinity::new(2);
        affinity.add(0, 9, &[9.0, 0.0]);
        affinity.add(2, 1, &[3.0, 0.0]);
        affinity.add(UNLABELLED, 5, &[100.0, 100.0]);
        let plain = affinity.affinities(false).unwrap();
        assert_eq!((plain[0].label, &plain[0].strength[..]), (Some(0), &[9.0, 0.0, 3.0][..]));
        let balanced = affinity.affinities(true).unwrap();
        assert_eq!((balanced[0].label, &balanced[0].strength[..]), (Some(2), &[1.0, 0.0, 3.0][..]));
        assert_eq!(plain[1], FilterAffinity { label: None, strength: vec![0.0; 3], specificity: None });
    }

    #[test]
    fn specificity_is_one_for_one_label_and_one_over_k_for_k_equal_ones() {
        let mut affinity = LabelAffinity::new(2);
        for label in 0..4 {
            affinity.add(label, 1, &[if label == 3 { 2.0 } else { 0.0 }, 0.5]);
        }
        let found = affinity.affinities(false).unwrap();
        assert_eq!((found[0].label, found[0].specificity), (Some(3), Some(1.0)));
        assert_eq!((found[1].label, found[1].specificity), (Some(0), Some(0.25)));
    }

    #[test]
    fn without_labels_there_is_none() {
        let mut affinity = LabelAffinity::new(1);
        affinity.add(UNLABELLED, 1, &[1.0]);
        assert_eq!(affinity.affinities(false), None);
    }

    proptest! {
        #[test]
        fn parts_merge_to_the_whole(rows in proptest::collection::vec((-1..5_i32, 0..100_u8, proptest::bool::ANY), 0..60)) {
            // Small whole numbers: their sums are exact in any order.
            let (mut whole, mut one, mut two) = (LabelAffinity::new(1), LabelAffinity::new(1), LabelAffinity::new(1));
            for (label, value, first) in rows {
                whole.add(label, 1, &[f32::from(value)]);
                if first { &mut one } else { &mut two }.add(label, 1, &[f32::from(value)]);
            }
            one.merge(&two);
            prop_assert_eq!(one, whole);
        }
    }
}
