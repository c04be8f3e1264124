//! A layer's sampled instances with the pixels that they see.

use super::arrays::Archive;
use crate::report::Raster;
use deepeyes_core::{Image, InputId, InstanceSample, LayerSpec};
use deepeyes_network::Rect;
use std::collections::HashMap;
use std::io::{self, Seek, Write};
use std::sync::Arc;

/// Pixels of inputs by identity.
pub(crate) type Images = HashMap<InputId, Arc<Image>>;

/// The instances of one layer.
#[derive(Debug)]
pub(crate) struct Instances<'a> {
    pub(crate) spec: &'a LayerSpec,
    pub(crate) sample: &'a InstanceSample,
    pub(crate) images: &'a Images,
}

impl Instances<'_> {
    /// Row and column of the layer's grid of each instance.
    pub(crate) fn positions(&self) -> Vec<[usize; 2]> {
        let width = self.spec.grid[1].max(1);
        self.sample
            .positions
            .iter()
            .map(|&position| [position as usize / width, position as usize % width])
            .collect()
    }

    /// Rectangle of the input that each instance sees: y, x, height, width; `None` where inputs are not images.
    pub(crate) fn rects(&self) -> Option<Vec<[i64; 4]>> {
        let field = self.spec.receptive_field?;
        let rect = |position| {
            let Rect { y, x, height, width } = field.rect(position);
            [y, x, height as i64, width as i64]
        };
        Some(self.positions().into_iter().map(rect).collect())
    }

    /// Channels of the images; `None` where the pixels are not at hand for every instance.
    fn channels(&self) -> Option<usize> {
        let channels = self.images.values().next()?.channels;
        self.sample.inputs.iter().all(|input| self.images.contains_key(input)).then_some(channels)
    }

    /// Writes DESIGN's layout; returns whether the patches are among it.
    pub(crate) fn write(&self, out: impl Write + Seek) -> io::Result<bool> {
        let (n, sample) = (self.sample.len(), self.sample);
        let mut archive = Archive::new(out);
        archive.array("activations", &[n, sample.filters], sample.activations.iter().copied())?;
        archive.array("labels", &[n], sample.labels.iter().map(|&label| i64::from(label)))?;
        archive.array("predictions", &[n], sample.predictions.iter().map(|&label| i64::from(label)))?;
        archive.array("inputs", &[n], sample.inputs.iter().copied())?;
        archive.array("steps", &[n], sample.steps.iter().map(|&step| step.cast_signed()))?;
        let positions = self.positions().into_iter().flatten().map(|place| place as i64);
        archive.array("positions", &[n, 2], positions)?;
        let Some(rects) = self.rects() else {
            archive.finish()?;
            return Ok(false);
        };
        archive.array("rects", &[n, 4], rects.iter().flatten().copied())?;
        let patches = self.patches();
        let found = patches.is_some();
        if let Some(([height, width, channels], pixels)) = patches {
            archive.array("patches", &[n, height, width, channels], pixels)?;
        }
        archive.finish()?;
        Ok(found)
    }

    /// Height, width and channels of a patch; `None` where the pixels are not at hand for every instance.
    fn patch_shape(&self) -> Option<[usize; 3]> {
        let [height, width] = self.spec.receptive_field?.size;
        Some([height, width, self.channels()?])
    }

    /// The pixels `[n, height, width, channels]` that the instances see, with that shape without `n`.
    pub(crate) fn patches(&self) -> Option<([usize; 3], Vec<u8>)> {
        let (shape, rects) = (self.patch_shape()?, self.rects()?);
        let inputs = self.sample.inputs.iter().zip(rects);
        Some((shape, inputs.flat_map(|(input, rect)| cut(&self.images[input], rect)).collect()))
    }

    /// The patch of one instance as a picture.
    pub(crate) fn patch(&self, row: usize) -> Option<Raster> {
        let image = self.images.get(self.sample.inputs.get(row)?)?;
        let rect = self.rects()?.get(row).copied()?;
        let [_, _, height, width] = rect;
        Some(Raster {
            width: width as usize,
            height: height as usize,
            channels: image.channels,
            pixels: cut(image, rect),
        })
    }
}

/// The pixels `[height, width, channels]` of a rectangle, zero outside of the image.
fn cut(image: &Image, [y, x, height, width]: [i64; 4]) -> Vec<u8> {
    let channels = image.channels;
    let mut pixels = vec![0; height as usize * width as usize * channels];
    // Columns of the rectangle that lie inside of the image.
    let (first, last) = (x.max(0), (x + width).min(image.width as i64));
    if first >= last {
        return pixels;
    }
    let length = (last - first) as usize * channels;
    for row in y.max(0)..(y + height).min(image.height as i64) {
        let from = (row as usize * image.width + first as usize) * channels;
        let to = ((row - y) as usize * width as usize + (first - x) as usize) * channels;
        pixels[to..to + length].copy_from_slice(&image.pixels[from..from + length]);
    }
    pixels
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// A cut is what a loop over pixels with a zero border finds.
        #[test]
        fn cuts_are_zero_padded(
            (h, w, c) in (1usize..6, 1usize..6, prop_oneof![Just(1usize), Just(3)]),
            (y, x) in (-8i64..8, -8i64..8),
            (height, width) in (1i64..7, 1i64..7),
        ) {
            let pixels: Box<[u8]> = (0..h * w * c).map(|i| i as u8 + 1).collect();
            let image = Image { height: h, width: w, channels: c, pixels };
            let cut = cut(&image, [y, x, height, width]);
            for row in 0..height {
                for column in 0..width {
                    for channel in 0..c {
                        let (r, k) = (y + row, x + column);
                        let inside = (0..h as i64).contains(&r) && (0..w as i64).contains(&k);
                        let want = if inside { image.pixels[(r as usize * w + k as usize) * c + channel] } else { 0 };
                        prop_assert_eq!(cut[(row * width + column) as usize * c + channel], want);
                    }
                }
            }
        }
    }
}
