//! What an iteration of LeNet on MNIST takes (mini-batches of 64), alone and with an observer that drops what it gets:
//! the price of reading activations out of the network. Blocks of both alternate in one process, so that whatever else
//! the machine does meets both alike.
//!
//! `cargo bench -p deepeyes-train --bench step [-- BLOCKS [SHARDS]]`

#![allow(clippy::print_stdout)]

use deepeyes_core::{Event, Observer};
use deepeyes_data::{Dataset, OpenOptions, Source};
use deepeyes_network::preset;
use deepeyes_train::{Control, Session, TrainConfig};
use std::sync::Arc;

/// Iterations of a block, and how many of its first do not count.
const BLOCK: [usize; 2] = [40, 5];

struct Dropping;

impl Observer for Dropping {
    fn observe(&self, event: Event) {
        drop(event);
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut numbers = std::env::args().skip(1).filter_map(|argument| argument.parse().ok());
    let blocks: usize = numbers.next().unwrap_or(8);
    let shards: Option<usize> = numbers.next();
    let mut dataset = deepeyes_data::open(&Source::Mnist, &OpenOptions::default())?;
    dataset.validation = few(&dataset)?;
    let dataset = Arc::new(dataset);
    let mut medians = [vec![], vec![]];
    for _ in 0..blocks {
        for (observed, medians) in medians.iter_mut().enumerate() {
            medians.push(block(&dataset, shards, observed == 1)?);
        }
    }
    let mut ratios: Vec<f64> = medians[1].iter().zip(&medians[0]).map(|(on, off)| on / off).collect();
    let [off, on] = medians.map(|mut medians| median(&mut medians));
    println!("alone     {:7.2} ms an iteration, {:6.1} it/s", off * 1e3, 1.0 / off);
    println!("observed  {:7.2} ms an iteration, {:6.1} it/s", on * 1e3, 1.0 / on);
    let ratio = median(&mut ratios);
    println!(
        "ratio     {ratio:.4} (median of {blocks} pairs of blocks, from {:.4} to {:.4})",
        ratios[0],
        ratios[blocks - 1]
    );
    Ok(())
}

/// Median seconds of an iteration.
fn block(
    dataset: &Arc<Dataset>,
    shards: Option<usize>,
    observed: bool,
) -> Result<f64, Box<dyn std::error::Error>> {
    let network = preset("lenet", dataset.classes.len()).ok_or("a preset is missing")?;
    let mut config = TrainConfig::new(network, Arc::clone(dataset), "mnist");
    config.solver.iterations = BLOCK[0] as u64;
    config.probe = 0;
    config.shards = shards;
    let mut seconds = vec![];
    let observer = observed.then_some(&Dropping as &dyn Observer);
    Session::prepare(config)?.train(observer, &Control::new(), |progress| seconds.push(progress.seconds))?;
    Ok(median(&mut seconds[BLOCK[1]..]))
}

/// A validation split that takes no time to measure: it is no part of what is timed.
fn few(dataset: &Dataset) -> Result<deepeyes_data::Split, Box<dyn std::error::Error>> {
    let dir = tempfile::tempdir()?;
    let [_, height, width] = dataset.shape;
    let header = |dims: &[usize]| -> Vec<u8> {
        let sizes = dims.iter().flat_map(|&size| (size as u32).to_be_bytes());
        [0, 0, 8, dims.len() as u8].into_iter().chain(sizes).collect()
    };
    for part in ["train", "t10k"] {
        let images = [header(&[1, height, width]), vec![0; height * width]].concat();
        std::fs::write(dir.path().join(format!("{part}-images-idx3-ubyte")), images)?;
        std::fs::write(
            dir.path().join(format!("{part}-labels-idx1-ubyte")),
            [header(&[1]), vec![0]].concat(),
        )?;
    }
    let source = Source::Idx { dir: dir.path().to_owned() };
    Ok(deepeyes_data::open(&source, &OpenOptions::default())?.validation)
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
