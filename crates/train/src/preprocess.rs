//! From an image's bytes to the numbers that the network reads.

use crate::streams::{Purpose, stream};
use deepeyes_data::{DataError, Pixels, Split};
use rand::RngExt;

/// How bytes become numbers: `(byte - mean) * scale` for each channel, after a crop and a mirroring where asked for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Preprocess {
    /// What is subtracted from each channel, in units of a byte.
    pub(crate) mean: Vec<f32>,
    /// What each channel is then multiplied with.
    pub(crate) scale: Vec<f32>,
    /// Height and width that is cut out: anywhere while training, in the middle otherwise.
    pub(crate) crop: Option<[usize; 2]>,
    /// Whether half of the training images are mirrored.
    pub(crate) mirror: bool,
}

impl Preprocess {
    /// The pixels of image `index` as the network sees them outside of training.
    pub(crate) fn plain(&self, split: &Split, index: usize) -> Result<Pixels, DataError> {
        let image = split.image(index)?;
        Ok(match self.crop {
            Some([height, width]) => image.centre_crop(height, width).unwrap_or(image),
            None => image,
        })
    }

    /// The pixels of image `index` as the training sees them at a place in its stream of inputs.
    pub(crate) fn varied(
        &self,
        split: &Split,
        index: usize,
        seed: u64,
        place: u64,
    ) -> Result<Pixels, DataError> {
        let image = split.image(index)?;
        if self.crop.is_none() && !self.mirror {
            return Ok(image);
        }
        let [height, width] = self.crop.unwrap_or([image.height, image.width]);
        let mut rng = stream(seed, Purpose::Augmentation, [place, 0]);
        let y = rng.random_range(0..=image.height.saturating_sub(height));
        let x = rng.random_range(0..=image.width.saturating_sub(width));
        let mirror = self.mirror && rng.random_bool(0.5);
        Ok(image.crop(y, x, height, width, mirror).unwrap_or(image))
    }

    /// Appends an image's numbers `[channels, height, width]`.
    pub(crate) fn append(&self, image: &Pixels, numbers: &mut Vec<f32>) {
        for (channel, (&mean, &scale)) in self.mean.iter().zip(&self.scale).enumerate() {
            let bytes = image.pixels.iter().skip(channel).step_by(image.channels);
            numbers.extend(bytes.map(|&byte| (f32::from(byte) - mean) * scale));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_planes_of_scaled_bytes() {
        let image = Pixels { height: 1, width: 2, channels: 3, pixels: Box::new([10, 20, 30, 40, 50, 60]) };
        let preprocess =
            Preprocess { mean: vec![10.0, 0.0, 30.0], scale: vec![1.0, 0.5, 2.0], crop: None, mirror: false };
        let mut numbers = vec![];
        preprocess.append(&image, &mut numbers);
        assert_eq!(numbers, [0.0, 30.0, 10.0, 25.0, 0.0, 60.0]);
    }
}
