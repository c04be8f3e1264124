//! One iteration: forward, loss, backward on each shard, then one update.

use crate::loader::Loaded;
use crate::loss::{self, Scored};
use crate::model::{BatchStatistics, Mode, Model, Values};
use crate::shards::{Workers, ranges};
use burn::tensor::{Device, Tensor, TensorData};
use deepeyes_core::UNLABELLED;
use std::ops::Range;
use std::time::Instant;

/// What an iteration needs besides the mini-batch.
pub(crate) struct Context<'a> {
    pub(crate) model: &'a Model,
    pub(crate) values: &'a Values,
    /// For each parameter, whether it learns.
    pub(crate) learns: &'a [bool],
    /// Nodes whose outputs are wanted.
    pub(crate) watched: &'a [usize],
    /// `[channels, height, width]`.
    pub(crate) input: [usize; 3],
    pub(crate) seed: u64,
    pub(crate) device: &'a Device,
}

/// What an iteration computed, before the update.
pub(crate) struct Computed {
    /// Summed over shards.
    pub(crate) scored: Scored,
    /// The mean loss' gradient in each parameter that learns.
    pub(crate) gradients: Vec<Option<Tensor<4>>>,
    pub(crate) statistics: Vec<BatchStatistics>,
    /// For each shard, its first input and its outputs `[n, F, height, width]` at the watched nodes.
    pub(crate) activations: Vec<(usize, Vec<Vec<f32>>)>,
    /// Seconds that reading activations took, on the slowest shard.
    pub(crate) reading_seconds: f64,
}

impl Context<'_> {
    /// Computes a mini-batch, shard by shard, side by side.
    pub(crate) fn compute(&self, batch: &mut Loaded, workers: &Workers) -> Computed {
        let labelled = batch.labels.iter().filter(|&&label| label != UNLABELLED).count();
        let numbers = std::mem::take(&mut batch.numbers);
        let parts = ranges(batch.labels.len(), numbers.len()).zip(numbers);
        let batch = &*batch;
        let tasks: Vec<_> =
            parts.map(|(range, numbers)| move || self.shard(numbers, range, batch, labelled)).collect();
        let mut shards = workers.run(tasks).into_iter();
        let mut whole = shards.next().expect("a mini-batch has a shard");
        for shard in shards {
            whole.add(shard);
        }
        whole
    }

    fn shard(&self, numbers: Vec<f32>, range: Range<usize>, batch: &Loaded, labelled: usize) -> Computed {
        let labels = &batch.labels[range.clone()];
        let [channels, height, width] = self.input;
        let x =
            Tensor::from_data(TensorData::new(numbers, [labels.len(), channels, height, width]), self.device);
        let leaves = self.leaves();
        let mode = Mode::Train { seed: self.seed, place: batch.place + range.start as u64 };
        let pass = self.model.forward(&x, &leaves, mode, self.watched);
        let kept: Vec<Tensor<4>> = pass.kept.into_iter().map(Tensor::without_autodiff).collect();
        let logits = read(pass.logits.clone().without_autodiff());
        let scored = loss::score(&logits, labels);
        let gradients = self.backward(pass.logits, loss::gradient(&logits, labels, labelled), &leaves);
        // The backward pass has let go of them by now, so that most are handed over without a copy.
        let start = Instant::now();
        let activations = kept.into_iter().map(read).collect();
        Computed {
            scored,
            gradients,
            statistics: pass.statistics,
            activations: vec![(range.start, activations)],
            reading_seconds: start.elapsed().as_secs_f64(),
        }
    }

    /// The parameters as leaves of a graph that belongs to this shard alone: shards that shared one would wait for
    /// each other.
    fn leaves(&self) -> Values {
        let leaf = |(value, &learns): (&Tensor<4>, &bool)| {
            if learns { value.clone().autodiff().require_grad() } else { value.clone() }
        };
        Values {
            parameters: self.values.parameters.iter().zip(self.learns).map(leaf).collect(),
            buffers: self.values.buffers.clone(),
        }
    }

    /// The gradients of a loss whose gradient in the logits is known.
    fn backward(&self, logits: Tensor<4>, gradient: Vec<f32>, leaves: &Values) -> Vec<Option<Tensor<4>>> {
        if !logits.is_tracked() {
            return vec![None; leaves.parameters.len()];
        }
        let gradient = Tensor::from_data(TensorData::new(gradient, logits.dims()), self.device);
        let mut gradients = (logits * gradient).sum().backward();
        leaves.parameters.iter().map(|leaf| leaf.grad_remove(&mut gradients)).collect()
    }
}

impl Computed {
    fn add(&mut self, other: Self) {
        self.scored.loss += other.scored.loss;
        self.scored.labelled += other.scored.labelled;
        self.scored.right += other.scored.right;
        self.scored.predictions.extend(other.scored.predictions);
        for (sum, gradient) in self.gradients.iter_mut().zip(other.gradients) {
            *sum = match (sum.take(), gradient) {
                (Some(sum), Some(gradient)) => Some(sum + gradient),
                (sum, gradient) => sum.or(gradient),
            };
        }
        self.statistics.extend(other.statistics);
        self.activations.extend(other.activations);
        self.reading_seconds = self.reading_seconds.max(other.reading_seconds);
    }
}

/// A tensor's values, row-major.
pub(crate) fn read<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec_as::<f32>().expect("tensors here hold f32")
}
