//! Measurements outside of training.

use crate::loader::numbers;
use crate::loss;
use crate::model::Mode;
use crate::preprocess::Preprocess;
use crate::shards::Workers;
use crate::step::{Context, read};
use burn::tensor::{Tensor, TensorData};
use deepeyes_data::{DataError, Split};

/// Inputs of a forward pass; bounds the memory that a measurement takes.
pub(crate) const INPUTS: usize = 64;

/// Accuracy in [0, 1] and mean loss over the labelled images of a split.
pub(crate) fn validate(
    context: &Context<'_>,
    split: &Split,
    preprocess: &Preprocess,
    workers: &Workers,
) -> Result<[f64; 2], DataError> {
    let all: Vec<usize> = (0..split.len()).collect();
    let tasks: Vec<_> = all
        .chunks(INPUTS)
        .map(|indices| {
            move || {
                let (_, logits, _) = run(context, split, indices, preprocess, &[])?;
                let labels: Vec<i32> = indices.iter().map(|&index| split.label(index)).collect();
                Ok(loss::score(&logits, &labels))
            }
        })
        .collect();
    let (mut right, mut labelled, mut loss) = (0, 0, 0.0);
    for scored in workers.run(tasks) {
        let scored = scored?;
        right += scored.right;
        labelled += scored.labelled;
        loss += scored.loss;
    }
    let labelled = f64::max(labelled as f64, 1.0);
    Ok([right as f64 / labelled, loss / labelled])
}

/// Inputs' numbers, their logits, and their outputs at some nodes.
type Ran = (Vec<f32>, Vec<f32>, Vec<Vec<f32>>);

/// Some inputs' numbers, their logits, and their outputs at the nodes `keep`.
pub(crate) fn run(
    context: &Context<'_>,
    split: &Split,
    indices: &[usize],
    preprocess: &Preprocess,
    keep: &[usize],
) -> Result<Ran, DataError> {
    let [channels, height, width] = context.input;
    let numbers = numbers(split, indices, preprocess)?;
    let data = TensorData::new(numbers.clone(), [indices.len(), channels, height, width]);
    let x = Tensor::from_data(data, context.device);
    let pass = context.model.forward(&x, context.values, Mode::Evaluate, keep);
    Ok((numbers, read(pass.logits), pass.kept.into_iter().map(read).collect()))
}
