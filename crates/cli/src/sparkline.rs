//! A histogram in one line of text.

const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The counts resampled to `cells` characters; blank where nothing is. Heights are shares of the largest cell.
pub(crate) fn sparkline(counts: &[u64], cells: usize) -> String {
    let values: Vec<f64> = (0..cells).map(|cell| mass(counts, cell, cells)).collect();
    let top = values.iter().copied().fold(0.0, f64::max);
    let block = |value: &f64| {
        if *value <= 0.0 || top <= 0.0 {
            return ' ';
        }
        BLOCKS[((value / top * 8.0).ceil() as usize).clamp(1, 8) - 1]
    };
    values.iter().map(block).collect()
}

/// Instances in one of `cells` equal parts of the axis; a bin on a border is shared out by its parts.
fn mass(counts: &[u64], cell: usize, cells: usize) -> f64 {
    let scale = counts.len() as f64 / cells as f64;
    let (from, to) = (cell as f64 * scale, (cell + 1) as f64 * scale);
    let share = |bin: usize| (to.min(bin as f64 + 1.0) - from.max(bin as f64)).max(0.0);
    let bins = from as usize..(to.ceil() as usize).min(counts.len());
    bins.map(|bin| counts[bin] as f64 * share(bin)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn heights_follow_counts() {
        assert_eq!(sparkline(&[0, 1, 8], 3), " ▁█");
        assert_eq!(sparkline(&[0; 50], 4), "    ");
        assert_eq!(sparkline(&[], 2), "  ");
    }

    proptest! {
        #[test]
        fn resampling_keeps_the_whole(counts in proptest::collection::vec(0u64..1000, 1..60), cells in 1usize..40) {
            let whole: f64 = (0..cells).map(|cell| mass(&counts, cell, cells)).sum();
            prop_assert!((whole - counts.iter().sum::<u64>() as f64).abs() < 1e-6);
        }
    }
}
