//! `deepeyes train` and `deepeyes demo`: a training that is watched, stored and shown.

mod args;
mod network;
mod prepare;
mod training;

pub(crate) use args::{DemoArgs, TrainArgs};
pub(crate) use network::Named;
pub(crate) use prepare::{prepare, prepare_network};
pub(crate) use training::Training;

use crate::error::Failure;
use crate::numbers::grouped;
use crate::output;
use crate::run_view;
use crate::serve::{self, Interrupts};
use std::path::Path;

/// Runs `deepeyes demo`.
pub(crate) fn demo(args: &DemoArgs, logdir: &Path) -> Result<(), Failure> {
    if args.headless {
        return headless(&args.training(), logdir);
    }
    serve::beside_training(&args.training(), args.port, !args.no_open, logdir)
}

/// Runs `deepeyes train`.
pub(crate) fn train(args: &TrainArgs, logdir: &Path) -> Result<(), Failure> {
    if args.serve { serve::beside_training(args, None, false, logdir) } else { headless(args, logdir) }
}

fn headless(args: &TrainArgs, logdir: &Path) -> Result<(), Failure> {
    let training = Training::begin(prepare(args, logdir)?, args.window, logdir)?;
    let control = training.control();
    let _interrupts = Interrupts::watch(move || {
        control.stop();
        true
    })?;
    let directory = training.carry_out(true)?;
    report(&directory, logdir)
}

/// What the training came to, and what can be done with it now.
pub(crate) fn report(directory: &Path, logdir: &Path) -> Result<(), Failure> {
    let reader = run_view::open(&directory.to_string_lossy(), logdir)?;
    let run = run_view::load(&reader, None, None)?;
    let shown = directory.display();
    let mut text = format!("\n{}", crate::inspect::summary(&run));
    if !run.layers.is_empty() {
        text.push_str(&format!("\n{}", crate::inspect::layers(&run)));
    }
    text.push_str(&format!("\n{}", crate::report::findings_text(&run.findings())));
    text.push_str(&format!("\nRun directory  {shown}  ({} iterations)\n", grouped(run.step)));
    text.push_str(&format!("Next           deepeyes inspect {shown}\n"));
    text.push_str(&format!("               deepeyes report {shown} --html report.html\n"));
    output::print(&text)
}
