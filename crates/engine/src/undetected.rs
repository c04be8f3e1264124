//! T3 on a window's sample: what no filter answers to, with the pixels that it looks at.

use deepeyes_core::findings::{
    PatchFeatures, Patches, UNDETECTED_SHARE, UndetectedEvidence, patch_features, undetected_findings,
};
use deepeyes_core::{Finding, Image, InputId, InstanceSample, LayerSpec, level, max_activations};
use deepeyes_network::Rect;
use std::collections::HashMap;
use std::sync::Arc;

/// The undetected patterns among a layer's sampled instances.
pub(crate) fn findings(
    spec: &LayerSpec,
    sample: &InstanceSample,
    images: &HashMap<InputId, Arc<Image>>,
    classes: &[String],
) -> Vec<Finding> {
    let maxima = max_activations(sample, spec.rectify);
    let reference = level(&maxima).unwrap_or(0.0);
    let threshold = (UNDETECTED_SHARE * f64::from(reference)) as f32;
    let features = features(spec, sample, images, |row| maxima[row] < threshold);
    undetected_findings(&UndetectedEvidence {
        layer: Some(&spec.name),
        reference,
        max_activations: &maxima,
        inputs: &sample.inputs,
        labels: &sample.labels,
        classes,
        patches: features.as_deref().map(|features| Patches { features }),
    })
}

/// What the wanted rows' patches look like; `None` where one of them has no pixels.
fn features(
    spec: &LayerSpec,
    sample: &InstanceSample,
    images: &HashMap<InputId, Arc<Image>>,
    wanted: impl Fn(usize) -> bool,
) -> Option<Vec<PatchFeatures>> {
    let field = spec.receptive_field?;
    let nothing = || PatchFeatures { values: Vec::new(), contrast: 0.0 };
    (0..sample.len())
        .map(|row| {
            if !wanted(row) {
                return Some(nothing());
            }
            let image = images.get(&sample.inputs[row])?;
            let position = sample.positions[row] as usize;
            let rect = field.rect([position / spec.grid[1].max(1), position % spec.grid[1].max(1)]);
            let (pixels, size) = patch(image, rect);
            Some(patch_features(&pixels, size))
        })
        .collect()
}

/// The part of an image in a rectangle, `[height, width, channels]`; black outside of the image, no larger than it.
fn patch(image: &Image, rect: Rect) -> (Vec<u8>, [usize; 3]) {
    let size = [rect.height.min(image.height), rect.width.min(image.width), image.channels];
    let mut pixels = vec![0; size.iter().product()];
    // A field larger than the image sees all of it: the part beyond tells nothing.
    let y = if rect.height > image.height { 0 } else { rect.y };
    let x = if rect.width > image.width { 0 } else { rect.x };
    for (row, line) in pixels.chunks_exact_mut((size[1] * size[2]).max(1)).enumerate() {
        let Some(source_row) = inside(y + row as i64, image.height) else { continue };
        for (column, pixel) in line.chunks_exact_mut(size[2].max(1)).enumerate() {
            if let Some(source_column) = inside(x + column as i64, image.width) {
                let start = (source_row * image.width + source_column) * image.channels;
                if let Some(source) = image.pixels.get(start..start + image.channels) {
                    pixel.copy_from_slice(source);
                }
            }
        }
    }
    (pixels, size)
}

fn inside(at: i64, size: usize) -> Option<usize> {
    usize::try_from(at).ok().filter(|&at| at < size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patches_are_cut_where_the_rectangle_says_and_black_outside() {
        let image = Image { height: 2, width: 3, channels: 1, pixels: [1, 2, 3, 4, 5, 6].into() };
        let cut = |y, x, height, width| patch(&image, Rect { y, x, height, width });
        assert_eq!(cut(0, 1, 2, 2), (vec![2, 3, 5, 6], [2, 2, 1]));
        assert_eq!(cut(-1, -1, 2, 2), (vec![0, 0, 0, 1], [2, 2, 1]));
        assert_eq!(cut(-4, -4, 9, 9), (vec![1, 2, 3, 4, 5, 6], [2, 3, 1]));
    }
}
