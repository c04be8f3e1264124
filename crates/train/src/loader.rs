//! Mini-batches, made ready on a thread of their own while the training computes.

use crate::order::Order;
use crate::preprocess::Preprocess;
use crate::shards::ranges;
use deepeyes_core::{Image, InputId};
use deepeyes_data::{DataError, Dataset, Pixels, Split};
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

/// Mini-batches that may lie ready; more would only hold memory.
pub(crate) const AHEAD: usize = 2;

/// A mini-batch, ready to be computed.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// Position of the first input in the run's stream of inputs.
    pub(crate) place: u64,
    /// Index of each input in the training set.
    pub(crate) inputs: Arc<[InputId]>,
    /// Label of each input.
    pub(crate) labels: Arc<[i32]>,
    /// Pixels of each input as the network sees it; empty where nobody watches.
    pub(crate) images: Vec<Arc<Image>>,
    /// For each shard its numbers `[n, channels, height, width]`.
    pub(crate) numbers: Vec<Vec<f32>>,
}

/// What the loading thread needs to know.
pub(crate) struct Plan {
    pub(crate) dataset: Arc<Dataset>,
    pub(crate) preprocess: Preprocess,
    pub(crate) seed: u64,
    pub(crate) batch: usize,
    pub(crate) shards: usize,
    /// Whether the images themselves are wanted.
    pub(crate) images: bool,
}

impl Plan {
    /// Makes `batches` mini-batches ready from `place` on, until that many are taken, the receiver is gone, or an image
    /// cannot be read (which is the last thing sent).
    pub(crate) fn load(&self, place: u64, batches: u64, ready: &SyncSender<Result<Loaded, DataError>>) {
        let mut order = Order::new(self.seed, self.dataset.train.len());
        for at in 0..batches {
            let loaded = self.mini_batch(&mut order, place + at * self.batch as u64);
            let failed = loaded.is_err();
            if ready.send(loaded).is_err() || failed {
                return;
            }
        }
    }

    fn mini_batch(&self, order: &mut Order, place: u64) -> Result<Loaded, DataError> {
        let split = &self.dataset.train;
        let indices = order.take(place, self.batch);
        let mut images = Vec::with_capacity(if self.images { self.batch } else { 0 });
        let mut numbers = Vec::with_capacity(self.shards);
        for range in ranges(self.batch, self.shards) {
            let mut shard = Vec::new();
            for at in range {
                let pixels = self.preprocess.varied(split, indices[at], self.seed, place + at as u64)?;
                self.preprocess.append(&pixels, &mut shard);
                if self.images {
                    images.push(Arc::new(image(pixels)));
                }
            }
            numbers.push(shard);
        }
        Ok(Loaded {
            place,
            inputs: indices.iter().map(|&input| input as InputId).collect(),
            labels: indices.iter().map(|&input| split.label(input)).collect(),
            images,
            numbers,
        })
    }
}

/// The numbers `[n, channels, height, width]` of some images of a split, as the network sees them outside of training.
pub(crate) fn numbers(
    split: &Split,
    indices: &[usize],
    preprocess: &Preprocess,
) -> Result<Vec<f32>, DataError> {
    let mut numbers = Vec::new();
    for &index in indices {
        preprocess.append(&preprocess.plain(split, index)?, &mut numbers);
    }
    Ok(numbers)
}

/// An image's pixels, as observers get them.
pub(crate) fn image(pixels: Pixels) -> Image {
    let Pixels { height, width, channels, pixels } = pixels;
    Image { height, width, channels, pixels }
}
