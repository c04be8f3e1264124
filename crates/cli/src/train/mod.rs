//! `deepeyes train` and `deepeyes demo`: a training that is watched, stored and shown.

mod args;
mod network;
mod prepare;

pub(crate) use args::{DemoArgs, TrainArgs};

use crate::error::Failure;
use crate::live::{Display, Place};
use crate::numbers::grouped;
use crate::output::{self, note};
use crate::run_view;
use anyhow::Context;
use deepeyes_core::{AnalysisConfig, Observer};
use deepeyes_engine::{EngineOptions, LiveState, Run};
use deepeyes_store::{Ending, RunOptions, Writer};
use deepeyes_train::{Control, Outcome, Progress, TrainError};
use prepare::{Prepared, prepare};
use std::path::Path;
use std::sync::Arc;

/// Exit code after a second Ctrl-C, as shells have it for SIGINT.
const INTERRUPTED: i32 = 130;

/// Runs `deepeyes demo`.
pub(crate) fn demo(args: &DemoArgs, logdir: &Path) -> Result<(), Failure> {
    if !args.headless {
        note(
            "The browser dashboard is not part of this version; this is the live summary, as with --headless.",
        );
    }
    train(&args.training(), logdir)
}

/// Runs `deepeyes train`.
pub(crate) fn train(args: &TrainArgs, logdir: &Path) -> Result<(), Failure> {
    let prepared = prepare(args, logdir)?;
    let control = Arc::new(Control::new());
    stop_on_interrupt(&control)?;
    let config = analysis(args, &prepared);
    let window = config.window;
    let run = start(&prepared, logdir, config)?;
    let directory = run.directory().to_owned();
    note(&format!("run {}", directory.display()));
    let ended = carry_out(prepared, &run, window, &control);
    // An error ends the training, not what is known about it.
    let ending = match &ended {
        Ok(outcome) if outcome.finished => Ending::Finished,
        _ => Ending::Stopped,
    };
    let summary = run.finish(ending).context("cannot end the run")?;
    for problem in summary.problems.iter() {
        note(&format!("warning: {problem}"));
    }
    ended.map_err(|error| match error {
        error @ TrainError::Diverged { .. } => Failure::Failed(
            anyhow::Error::new(error).context(format!("training ended early; see {}", directory.display())),
        ),
        error => Failure::Failed(error.into()),
    })?;
    report(&directory, logdir)
}

fn analysis(args: &TrainArgs, prepared: &Prepared) -> AnalysisConfig {
    let default = AnalysisConfig::default();
    AnalysisConfig {
        window: args.window.unwrap_or(default.window),
        seed: prepared.session.description().seed.unwrap_or(default.seed),
        ..default
    }
}

/// The first Ctrl-C lets the training end well, the second ends the program.
fn stop_on_interrupt(control: &Arc<Control>) -> Result<(), Failure> {
    let control = Arc::clone(control);
    let handler = move || {
        if control.is_stopped() {
            std::process::exit(INTERRUPTED);
        }
        control.stop();
        note("\nstopping after this iteration; Ctrl-C again ends at once");
    };
    Ok(ctrlc::set_handler(handler).context("cannot watch for Ctrl-C")?)
}

fn start(prepared: &Prepared, logdir: &Path, config: AnalysisConfig) -> Result<Run, Failure> {
    let (store, engine) = (RunOptions::default(), EngineOptions::default());
    let run = match &prepared.resumed {
        None => {
            let description = prepared.session.description();
            let writer = Writer::create(logdir, &description, &store).context("cannot begin the run")?;
            Run::start(writer, config, &engine)
        }
        Some(resumed) => {
            let writer = Writer::reopen(&resumed.directory, &store).context("cannot continue the run")?;
            Run::resume(writer, &resumed.checkpoint, config, &engine)
        }
    };
    Ok(run.context("cannot watch the training")?)
}

fn carry_out(prepared: Prepared, run: &Run, window: u64, control: &Control) -> Result<Outcome, TrainError> {
    let mut session = prepared.session;
    let description = session.description();
    let mut display =
        Display::new(description.layers, window, session.step(), description.iterations.unwrap_or(0));
    let (observer, live) = (run.observer(), run.live());
    let observer: &dyn Observer = &*observer;
    let mut validation = None;
    let outcome = session.train(Some(observer), control, |progress| {
        validation = progress.validation.or(validation);
        display.update(progress.step, progress.validation.is_some(), || {
            let state = live.state();
            (place(progress, validation, &state), Arc::clone(&state.layers))
        });
    });
    display.end();
    outcome
}

fn place(progress: &Progress, validation: Option<f64>, state: &LiveState) -> Place {
    let recent: Vec<f64> =
        state.recent.iter().rev().take(50).filter_map(|scalar| scalar.train_accuracy).collect();
    let mean = recent.iter().sum::<f64>() / recent.len() as f64;
    Place {
        step: progress.step,
        iterations: progress.iterations,
        loss: state.smoothed_loss.unwrap_or(progress.loss),
        training: (!recent.is_empty()).then_some(mean),
        validation,
        iterations_per_second: state.iterations_per_second,
        cost: state.cost.share,
    }
}

/// What the training came to, and what can be done with it now.
fn report(directory: &Path, logdir: &Path) -> Result<(), Failure> {
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
