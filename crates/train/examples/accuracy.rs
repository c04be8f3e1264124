//! Trains a preset with several seeds, and prints validation accuracy and speed.
//!
//! `cargo run --release -p deepeyes-train --example accuracy -- NETWORK DATA [SEEDS [ITERATIONS]]`

#![allow(clippy::print_stdout)]

use deepeyes_data::{OpenOptions, Source};
use deepeyes_network::preset;
use deepeyes_train::{Control, Session, TrainConfig};
use std::sync::Arc;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [network, data, numbers @ ..] = &arguments[..] else {
        return Err("usage: accuracy NETWORK DATA [SEEDS [ITERATIONS]]".into());
    };
    let dataset = deepeyes_data::open(&data.parse::<Source>()?, &OpenOptions::default())?;
    println!("{}", dataset.description);
    let dataset = Arc::new(dataset);
    let seeds: u64 = numbers.first().map_or(Ok(1), |number| number.parse())?;
    for seed in 0..seeds {
        let network = preset(network, dataset.classes.len()).ok_or("there is no such preset")?;
        let mut config =
            TrainConfig { seed: Some(seed), ..TrainConfig::new(network, Arc::clone(&dataset), data) };
        if let Some(iterations) = numbers.get(1) {
            config.solver.iterations = iterations.parse()?;
        }
        let mut seconds = vec![];
        let outcome = Session::prepare(config)?.train(None, &Control::new(), |progress| {
            seconds.push(progress.seconds);
            if let Some(accuracy) = progress.validation {
                println!(
                    "seed {seed}, iteration {}: loss {:.4}, accuracy {accuracy:.4}",
                    progress.step, progress.loss
                );
            }
        })?;
        seconds.sort_by(f64::total_cmp);
        let median = seconds.get(seconds.len() / 2).copied().unwrap_or(f64::NAN);
        println!("seed {seed}: {:.1} s, median iteration {:.2} ms", outcome.seconds, median * 1e3);
    }
    Ok(())
}
