//! Project tasks: `cargo xtask test | tidy | gen | bench`.

#![allow(clippy::print_stdout)] // a program for people at a terminal

mod bench;
mod course;
mod r#gen;
mod maps;
mod peers;
mod python;
mod shell;
mod svg;
mod test;
mod tidy;
mod web;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Project tasks", version)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Install what the tests need, then run formatting, lints and all tests, and print a summary.
    Test {
        /// Go on to the last step even where one fails.
        #[arg(long)]
        keep_going: bool,
    },
    /// Check what no compiler checks: dependency arrows, file sizes, the references in METHODS.md, generated files.
    Tidy,
    /// Write the generated files anew: docs/cli.md, web/src/wire.
    Gen,
    /// Run the benchmarks.
    Bench {
        /// Only benchmarks of this crate (core, store, train); `peers`: maps beside nptsne and openTSNE.
        name: Option<String>,
    },
    /// Map MNIST's first images with every method and draw docs/embedding.md's picture.
    Maps,
    /// Train LeNet with several seeds and draw the course of its histograms: docs/mnist-course.md's pictures and tables.
    Course {
        /// Seeds to train with.
        #[arg(long, value_delimiter = ',', default_values_t = [1, 2, 3, 4, 5])]
        seeds: Vec<u64>,
        /// Iterations of each training.
        #[arg(long, default_value_t = 2000)]
        iterations: u64,
        /// Draw from the runs of the last time where there are some.
        #[arg(long)]
        keep: bool,
    },
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().task {
        Task::Test { keep_going } => test::run(keep_going),
        Task::Tidy => tidy::run(),
        Task::Gen => r#gen::write(),
        Task::Bench { name } => bench::run(name.as_deref()),
        Task::Maps => maps::run(),
        Task::Course { seeds, iterations, keep } => course::run(&seeds, iterations, keep),
    }
}
