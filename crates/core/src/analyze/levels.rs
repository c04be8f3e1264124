//! At which level a filter fires: the evidence for filters that are always on.

use super::rows::{Element, Instances};
use rayon::prelude::*;

/// Activations that are held at a time, for the quantiles of some filters.
const HELD_VALUES: usize = 1 << 26;
/// Instances that are rectified together.
const BLOCK: usize = 1024;

/// How steadily a filter fires.
#[derive(Clone, Copy)]
pub(super) struct Level {
    /// Share of instances above beta times the 99.9 % quantile.
    pub(super) share_above: f64,
    /// Coefficient of variation of the activations clipped at that quantile; infinite for an all-zero filter.
    pub(super) variation: f64,
}

/// The levels of some filters, in the order asked for.
pub(super) fn levels<T: Element>(instances: &Instances<T>, filters: &[usize], beta: f64) -> Vec<Level> {
    let n = instances.len();
    let together = (HELD_VALUES / n.max(1)).max(1);
    filters.chunks(together).flat_map(|filters| some_levels(instances, filters, beta)).collect()
}

fn some_levels<T: Element>(instances: &Instances<T>, filters: &[usize], beta: f64) -> Vec<Level> {
    let n = instances.len();
    // Block by block, each with one row a filter: blocks are filled in parallel.
    let mut held = vec![0.0_f32; n * filters.len()];
    held.par_chunks_mut(BLOCK * filters.len()).enumerate().for_each(|(block, held)| {
        let mut rectified = vec![0.0; instances.filters];
        let length = held.len() / filters.len();
        for place in 0..length {
            instances.rectified(block * BLOCK + place, &mut rectified);
            for (row, &filter) in filters.iter().enumerate() {
                held[row * length + place] = rectified[filter] as f32;
            }
        }
    });
    (0..filters.len())
        .into_par_iter()
        .map(|row| {
            let blocks = held.chunks(BLOCK * filters.len());
            let part = |held: &[f32]| {
                let length = held.len() / filters.len();
                row * length..(row + 1) * length
            };
            level(blocks.flat_map(|held| held[part(held)].iter().copied()).collect(), beta)
        })
        .collect()
}

/// The level of one filter from all its activations.
fn level(mut values: Vec<f32>, beta: f64) -> Level {
    let n = values.len();
    if n == 0 {
        return Level { share_above: 0.0, variation: f64::INFINITY };
    }
    // The order statistic below the quantile, not a value between two: one outlier in a thousand must not raise it.
    let rank = (0.999 * (n - 1) as f64).floor() as usize;
    let (_, &mut quantile, _) = values.select_nth_unstable_by(rank, f32::total_cmp);
    let threshold = beta * f64::from(quantile);
    let above = values.iter().filter(|&&value| f64::from(value) > threshold).count();
    let clipped = || values.iter().map(|&value| f64::from(value.min(quantile)));
    let mean = clipped().sum::<f64>() / n as f64;
    let variance = clipped().map(|value| (value - mean).powi(2)).sum::<f64>() / n as f64;
    let variation = if mean > 0.0 { variance.sqrt() / mean } else { f64::INFINITY };
    Level { share_above: above as f64 / n as f64, variation }
}
