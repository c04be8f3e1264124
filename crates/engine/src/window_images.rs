//! The pixels of the inputs that a window saw, until its samples say which of them are wanted.

use deepeyes_core::{Batch, Image, InputId, LayerSnapshot};
use std::collections::HashMap;
use std::sync::Arc;

/// Images of more bytes are not kept; samples then name inputs without pixels.
const MAX_BYTES: usize = 256 << 20;

/// Images by input.
#[derive(Debug, Default)]
pub(crate) struct WindowImages {
    images: HashMap<InputId, Arc<Image>>,
    bytes: usize,
}

impl WindowImages {
    pub(crate) fn observe(&mut self, batch: &Batch) {
        for (&input, image) in batch.inputs.iter().zip(&batch.images) {
            if self.bytes + image.pixels.len() > MAX_BYTES {
                return;
            }
            if self.images.insert(input, Arc::clone(image)).is_none() {
                self.bytes += image.pixels.len();
            }
        }
    }

    /// The images of the inputs in the layers' samples; the window starts anew.
    pub(crate) fn close<'a>(
        &mut self,
        layers: impl Iterator<Item = &'a LayerSnapshot>,
    ) -> HashMap<InputId, Arc<Image>> {
        let images = std::mem::take(self).images;
        let samples = layers.filter_map(|layer| layer.sample.as_ref());
        samples
            .flat_map(|sample| &sample.inputs)
            .filter_map(|input| Some((*input, Arc::clone(images.get(input)?))))
            .collect()
    }
}
