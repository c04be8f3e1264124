//! The perplexity histogram (T1): 50 equal bins over [1, F] for the eye; F = 1 has [1, 2].

use crate::{PERPLEXITY_BINS, PerplexityHistogram};

/// A perplexity this close (in bins) below an edge counts as being on it: k equal activations have perplexity k, which
/// often is an edge, and which rounding must not put to either side by chance.
const EDGE_TOLERANCE: f64 = 1e-9;

/// The 51 edges of the bins of a layer with F filters.
pub fn perplexity_edges(filters: usize) -> Vec<f64> {
    let width = range(filters) / PERPLEXITY_BINS as f64;
    let mut edges: Vec<f64> = (0..=PERPLEXITY_BINS).map(|edge| 1.0 + width * edge as f64).collect();
    edges[PERPLEXITY_BINS] = 1.0 + range(filters);
    edges
}

/// The bin of a perplexity in [1, F]: a bin holds its lower edge; the last one its upper edge too.
pub fn perplexity_bin(perplexity: f64, filters: usize) -> usize {
    Bins::new(filters).bin(perplexity)
}

/// The bins of a layer, for many perplexities.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bins {
    per_unit: f64,
}

impl Bins {
    pub(crate) fn new(filters: usize) -> Self {
        Self { per_unit: PERPLEXITY_BINS as f64 / range(filters) }
    }

    #[inline(always)]
    pub(crate) fn bin(self, perplexity: f64) -> usize {
        let place = (perplexity - 1.0) * self.per_unit + EDGE_TOLERANCE;
        (place as u32 as usize).min(PERPLEXITY_BINS - 1)
    }
}

fn range(filters: usize) -> f64 {
    if filters > 1 { (filters - 1) as f64 } else { 1.0 }
}

impl PerplexityHistogram {
    /// Of the perplexities of all instances that are not silent, in a layer of F filters.
    pub fn of(perplexities: &[f64], filters: usize) -> Self {
        let mut counts = vec![0; PERPLEXITY_BINS];
        for &perplexity in perplexities {
            counts[perplexity_bin(perplexity, filters)] += 1;
        }
        let mean = perplexities.iter().sum::<f64>() / perplexities.len() as f64;
        Self { counts, mean: (!perplexities.is_empty()).then_some(mean) }
    }

    /// This histogram's normalised counts minus an earlier one's: 50 values that sum to 0. One without instances has
    /// normalised counts of 0.
    pub fn change(&self, earlier: &Self) -> Vec<f32> {
        let shares = |histogram: &Self| {
            let total = histogram.counts.iter().sum::<u64>().max(1) as f64;
            histogram.counts.iter().map(|&count| count as f64 / total).collect::<Vec<_>>()
        };
        shares(self).iter().zip(shares(earlier)).map(|(now, before)| (now - before) as f32).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn edges_span_one_to_f() {
        let edges = perplexity_edges(51);
        assert_eq!((edges.len(), edges[0], edges[1], edges[50]), (51, 1.0, 2.0, 51.0));
        assert_eq!((perplexity_edges(1)[0], perplexity_edges(1)[50]), (1.0, 2.0));
    }

    #[test]
    fn every_edge_is_in_the_bin_above_it_and_f_in_the_last() {
        for filters in [1, 2, 10, 51, 500, 4096] {
            for (bin, &edge) in perplexity_edges(filters).iter().enumerate() {
                assert_eq!(perplexity_bin(edge, filters), bin.min(PERPLEXITY_BINS - 1));
            }
        }
    }

    proptest! {
        #[test]
        fn a_perplexity_lies_between_the_edges_of_its_bin(filters in 1..5000_usize, share in 0.0..=1.0_f64) {
            let perplexity = 1.0 + share * (filters - 1) as f64;
            let bin = perplexity_bin(perplexity, filters);
            let edges = perplexity_edges(filters);
            prop_assert!(perplexity >= edges[bin] - 1e-6 && perplexity <= edges[bin + 1]);
        }

        #[test]
        fn a_change_sums_to_zero(one in proptest::collection::vec(1.0..20.0_f64, 1..50), two in proptest::collection::vec(1.0..20.0_f64, 1..50)) {
            let change = PerplexityHistogram::of(&one, 20).change(&PerplexityHistogram::of(&two, 20));
            prop_assert!(change.iter().sum::<f32>().abs() < 1e-5);
        }
    }
}
