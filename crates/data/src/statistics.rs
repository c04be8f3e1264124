//! Mean and standard deviation of each channel.

use rayon::prelude::*;

use crate::DataError;
use crate::dataset::Split;

/// Images of a folder that are measured: decoding all of a large one would keep the user waiting for a third digit.
const SAMPLED_FILES: usize = 1000;

/// Counts of each byte value, per channel. Integers, so that the sum over any order of images is the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Histogram(Vec<[u64; 256]>);

impl Histogram {
    /// Of all images in memory, or of an evenly spaced sample of those in files.
    pub(crate) fn of_split(split: &Split) -> Result<Self, DataError> {
        let channels = split.shape[2];
        let measured = if split.decodes() { split.len().min(SAMPLED_FILES) } else { split.len() };
        (0..measured)
            .into_par_iter()
            .with_min_len(64)
            .try_fold(
                || Self(vec![[0; 256]; channels]),
                |mut counts, k| {
                    counts.add(&split.bytes(k * split.len() / measured)?);
                    Ok(counts)
                },
            )
            .try_reduce(|| Self(vec![[0; 256]; channels]), |a, b| Ok(a.merged(&b)))
    }

    fn add(&mut self, pixels: &[u8]) {
        for pixel in pixels.chunks_exact(self.0.len()) {
            for (counts, &value) in self.0.iter_mut().zip(pixel) {
                counts[usize::from(value)] += 1;
            }
        }
    }

    fn merged(mut self, other: &Self) -> Self {
        for (a, b) in self.0.iter_mut().zip(&other.0) {
            for (a, b) in a.iter_mut().zip(b) {
                *a += b;
            }
        }
        self
    }

    /// Mean and standard deviation per channel in units of 255; the latter at least 1/255.
    pub(crate) fn mean_std(&self) -> (Vec<f32>, Vec<f32>) {
        self.0
            .iter()
            .map(|counts| {
                let n = counts.iter().sum::<u64>().max(1) as f64;
                let moment = |power: i32| -> f64 {
                    counts
                        .iter()
                        .enumerate()
                        .map(|(v, &k)| k as f64 * (v as f64 / 255.0).powi(power))
                        .sum::<f64>()
                        / n
                };
                let (mean, square) = (moment(1), moment(2));
                let std = (square - mean * mean).max(0.0).sqrt().max(1.0 / 255.0);
                (mean as f32, std as f32)
            })
            .unzip()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// The histogram's moments are those of the values themselves.
        #[test]
        fn moments_are_those_of_the_values(pixels in prop::collection::vec(any::<u8>(), 3..300)) {
            let images = pixels.len() / 3;
            let pixels = &pixels[..images * 3];
            let split = Split::in_memory(vec![0; images], [1, 1, 3], pixels.to_vec());
            let (mean, std) = Histogram::of_split(&split).unwrap().mean_std();
            for c in 0..3 {
                let values: Vec<f64> = pixels.iter().skip(c).step_by(3).map(|&v| f64::from(v) / 255.0).collect();
                let expected = values.iter().sum::<f64>() / images as f64;
                let variance = values.iter().map(|v| (v - expected).powi(2)).sum::<f64>() / images as f64;
                prop_assert!((f64::from(mean[c]) - expected).abs() < 1e-6);
                prop_assert!((f64::from(std[c]) - variance.sqrt().max(1.0 / 255.0)).abs() < 1e-6);
            }
        }
    }

    #[test]
    fn a_constant_channel_may_be_divided_by() {
        let split = Split::in_memory(vec![0], [1, 2, 1], vec![7, 7]);
        let (mean, std) = Histogram::of_split(&split).unwrap().mean_std();
        assert_eq!((mean, std), (vec![7.0 / 255.0], vec![1.0 / 255.0]));
    }
}
