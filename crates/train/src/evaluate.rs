//! Measurements outside of training: validation, and the features of probed inputs.

use crate::features::Features;
use crate::loader::numbers;
use crate::loss;
use crate::model::Mode;
use crate::preprocess::Preprocess;
use crate::shards::Workers;
use crate::step::{Context, read};
use crate::streams::{Purpose, stream};
use burn::tensor::{Tensor, TensorData};
use deepeyes_core::Probe;
use deepeyes_data::{DataError, Dataset, Split};

/// Inputs of a forward pass; bounds the memory that a measurement takes.
const INPUTS: usize = 64;

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
                let (logits, _) = run(context, split, indices, preprocess, &[])?;
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

/// The probed inputs: `count` of each split (all where it has fewer), the same for a seed, in order.
pub(crate) fn probed(dataset: &Dataset, count: usize, seed: u64) -> [Vec<usize>; 2] {
    let draw = |split: &Split, part: u64| {
        let mut rng = stream(seed, Purpose::Probe, [part, 0]);
        let mut drawn = rand::seq::index::sample(&mut rng, split.len(), count.min(split.len())).into_vec();
        drawn.sort_unstable();
        drawn
    };
    [draw(&dataset.train, 0), draw(&dataset.validation, 1)]
}

/// The features of the probed inputs: the training split's first, then the validation split's, which are held out.
pub(crate) fn probe(
    context: &Context<'_>,
    dataset: &Dataset,
    probed: &[Vec<usize>; 2],
    layers: &[Features],
    preprocess: &Preprocess,
    workers: &Workers,
    step: u64,
) -> Result<Probe, DataError> {
    let splits = [&dataset.train, &dataset.validation];
    let chunks =
        splits.into_iter().zip(probed).flat_map(|(split, all)| all.chunks(INPUTS).map(move |c| (split, c)));
    let tasks: Vec<_> = chunks
        .map(|(split, indices)| {
            move || {
                let (_, outputs) = run(context, split, indices, preprocess, context.watched)?;
                let narrowed = outputs.iter().zip(layers).map(|(output, layer)| {
                    let mut features = vec![];
                    layer.append(output, &mut features);
                    features
                });
                Ok::<_, DataError>(narrowed.collect::<Vec<_>>())
            }
        })
        .collect();
    let mut features = vec![vec![]; layers.len()];
    for part in workers.run(tasks) {
        features.iter_mut().zip(part?).for_each(|(all, part): (&mut Vec<f32>, _)| all.extend(part));
    }
    let inputs =
        || splits.into_iter().zip(probed).flat_map(|(split, all)| all.iter().map(move |&i| split.label(i)));
    let held_out = probed.iter().zip([false, true]).flat_map(|(all, held)| all.iter().map(move |_| held));
    Ok(Probe { step, labels: inputs().collect(), held_out: held_out.collect(), features })
}

/// Logits of some inputs, and their outputs at the nodes `keep`.
fn run(
    context: &Context<'_>,
    split: &Split,
    indices: &[usize],
    preprocess: &Preprocess,
    keep: &[usize],
) -> Result<(Vec<f32>, Vec<Vec<f32>>), DataError> {
    let [channels, height, width] = context.input;
    let data =
        TensorData::new(numbers(split, indices, preprocess)?, [indices.len(), channels, height, width]);
    let x = Tensor::from_data(data, context.device);
    let pass = context.model.forward(&x, context.values, Mode::Evaluate, keep);
    Ok((read(pass.logits), pass.kept.into_iter().map(read).collect()))
}
