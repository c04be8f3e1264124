//! Trains two dense layers on MNIST with Burn's tensors alone, and watches them.
//!
//! `cargo run --release -p deepeyes-observe --example burn_mnist -- [LOGDIR [STEPS]]`, then `deepeyes serve --logdir LOGDIR`.

#![allow(clippy::print_stdout, reason = "it is a program")]

use burn::tensor::{Device, Int, Tensor, TensorData, activation};
use deepeyes_data::{OpenOptions, Source, Split};
use deepeyes_observe::{Image, Options, Run, Step};
use std::sync::Arc;

const BATCH: usize = 64;
const HIDDEN: usize = 64;
const RATE: f32 = 0.1;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let logdir = arguments.next().unwrap_or_else(|| "runs".to_owned());
    let steps: usize = arguments.next().map_or(Ok(600), |steps| steps.parse())?;
    let dataset = deepeyes_data::open(&"mnist".parse::<Source>()?, &OpenOptions::default())?;
    let device = Device::flex();
    let mut parameters = [weights([784, HIDDEN], &device), weights([HIDDEN, 10], &device)];

    let options = Options {
        network: "two dense layers".to_owned(),
        classes: dataset.classes.clone(),
        output: Some("fc2".to_owned()),
        parameters: (784 * HIDDEN + HIDDEN * 10) as u64,
        iterations: Some(steps as u64),
        ..Options::default()
    };
    let mut run = Run::with(&logdir, "burn-mnist", options)?;
    for step in 0..steps {
        let places: Vec<usize> =
            (0..BATCH).map(|at| (step * BATCH + at) * 7919 % dataset.train.len()).collect();
        let (x, labels, images) = batch(&dataset.train, &places, &device)?;
        let [one, two] = parameters.map(|weights| weights.autodiff().require_grad());
        let hidden = activation::relu(x.autodiff().matmul(one.clone()));
        let logits = hidden.clone().matmul(two.clone());
        let targets: Tensor<2, Int> = Tensor::from_data(TensorData::new(labels.clone(), [BATCH, 1]), &device);
        let picked = activation::log_softmax(logits.clone(), 1).gather(1, targets.autodiff());
        let loss = picked.mean().neg();
        let mut gradients = loss.backward();

        run.tensor("fc1", &hidden);
        run.tensor("fc2", &logits);
        let answers = logits.without_autodiff().argmax(1).into_data().try_into_vec_as::<i32>()?;
        let right = answers.iter().zip(&labels).filter(|(answer, label)| answer == label).count();
        run.step(Step {
            loss: f64::from(loss.without_autodiff().into_data().try_into_vec_as::<f32>()?[0]),
            accuracy: Some(right as f64 / BATCH as f64),
            predictions: answers,
            inputs: places.iter().map(|&place| place as i64).collect(),
            labels,
            images,
        });

        parameters = [one, two].map(|weights| {
            let gradient = weights.grad_remove(&mut gradients);
            let weights = weights.without_autodiff();
            match gradient {
                Some(gradient) => weights - gradient * RATE,
                None => weights,
            }
        });
    }
    for problem in run.problems() {
        println!("warning: {problem}");
    }
    let summary = run.finish()?;
    println!(
        "{} steps, loss {:.3}, in {}",
        summary.step,
        summary.loss.unwrap_or(f64::NAN),
        summary.directory.display()
    );
    Ok(())
}

/// Weights that keep the activations' scale, the same in each run.
fn weights(shape: [usize; 2], device: &Device) -> Tensor<2> {
    let scale = (6.0 / shape[0] as f32).sqrt();
    let mut state = 1_u32;
    let mut draw = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        ((state >> 8) as f32 / (1 << 23) as f32 - 1.0) * scale
    };
    Tensor::from_data(TensorData::new((0..shape[0] * shape[1]).map(|_| draw()).collect(), shape), device)
}

type Loaded = (Tensor<2>, Vec<i32>, Vec<Arc<Image>>);

fn batch(split: &Split, places: &[usize], device: &Device) -> Result<Loaded, deepeyes_data::DataError> {
    let (mut values, mut labels, mut images) = (Vec::new(), Vec::new(), Vec::new());
    for &place in places {
        let pixels = split.bytes(place)?.into_owned();
        values.extend(pixels.iter().map(|&pixel| f32::from(pixel) / 255.0));
        labels.push(split.label(place));
        images.push(Arc::new(Image { height: 28, width: 28, channels: 1, pixels: pixels.into() }));
    }
    Ok((Tensor::from_data(TensorData::new(values, [places.len(), 784]), device), labels, images))
}
