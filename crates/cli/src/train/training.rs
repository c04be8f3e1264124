//! One training: begun, carried out, ended.

use super::prepare::Prepared;
use crate::error::Failure;
use crate::live::{Display, Place};
use crate::output::note;
use anyhow::Context;
use deepeyes_core::{AnalysisConfig, Observer};
use deepeyes_engine::{EngineOptions, LiveState, Run};
use deepeyes_server::LiveRun;
use deepeyes_store::{Ending, RunOptions, Writer};
use deepeyes_train::{Control, Outcome, Progress, TrainError};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A training that has begun: its run is there, and its first iteration can come.
#[derive(Debug)]
pub(crate) struct Training {
    prepared: Prepared,
    run: Run,
    window: u64,
    control: Arc<Control>,
}

impl Training {
    /// Begins the run; `window` where it is not the default.
    pub(crate) fn begin(prepared: Prepared, window: Option<u64>, logdir: &Path) -> Result<Self, Failure> {
        let default = AnalysisConfig::default();
        let config = AnalysisConfig {
            window: window.unwrap_or(default.window),
            seed: prepared.session.description().seed.unwrap_or(default.seed),
            ..default
        };
        let window = config.window;
        let run = start(&prepared, logdir, config)?;
        note(&format!("run {}", run.directory().display()));
        Ok(Self { prepared, run, window, control: Arc::new(Control::new()) })
    }

    /// What holds and ends it.
    pub(crate) fn control(&self) -> Arc<Control> {
        Arc::clone(&self.control)
    }

    /// As a dashboard shows it.
    pub(crate) fn live_run(&self) -> LiveRun {
        LiveRun {
            directory: self.run.directory().to_owned(),
            description: self.run.description().clone(),
            live: self.run.live(),
            maps: self.run.maps(),
            control: Some(Arc::new(RunControl(self.control()))),
        }
    }

    /// Trains, with a summary in the terminal where `shown`, ends the run, and gives its directory.
    pub(crate) fn carry_out(mut self, shown: bool) -> Result<PathBuf, Failure> {
        let directory = self.run.directory().to_owned();
        let ended = self.train(shown);
        // An error ends the training, not what is known about it.
        let ending = match &ended {
            Ok(outcome) if outcome.finished => Ending::Finished,
            _ => Ending::Stopped,
        };
        let summary = self.run.finish(ending).context("cannot end the run")?;
        for problem in summary.problems.iter() {
            note(&format!("warning: {problem}"));
        }
        match ended {
            Ok(_) => Ok(directory),
            Err(error @ TrainError::Diverged { .. }) => {
                let error = anyhow::Error::new(error);
                Err(Failure::Failed(
                    error.context(format!("training ended early; see {}", directory.display())),
                ))
            }
            Err(error) => Err(Failure::Failed(error.into())),
        }
    }

    fn train(&mut self, shown: bool) -> Result<Outcome, TrainError> {
        let Self { prepared, run, window, control } = self;
        let session = &mut prepared.session;
        let description = session.description();
        let mut display = shown.then(|| {
            Display::new(description.layers, *window, session.step(), description.iterations.unwrap_or(0))
        });
        let (observer, live) = (run.observer(), run.live());
        let observer: &dyn Observer = &*observer;
        let mut validation = None;
        let outcome = session.train(Some(observer), control, |progress| {
            validation = progress.validation.or(validation);
            if let Some(display) = &mut display {
                display.update(progress.step, progress.validation.is_some(), || {
                    let state = live.state();
                    (place(progress, validation, &state), Arc::clone(&state.layers))
                });
            }
        });
        if let Some(display) = display {
            display.end();
        }
        outcome
    }
}

fn start(prepared: &Prepared, logdir: &Path, config: AnalysisConfig) -> Result<Run, Failure> {
    let store = RunOptions::default();
    let engine = EngineOptions { pool: Some(prepared.session.pool()), ..EngineOptions::default() };
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

/// A training's control as a dashboard has it.
#[derive(Debug)]
struct RunControl(Arc<Control>);

impl deepeyes_server::Control for RunControl {
    fn pause(&self) {
        self.0.pause();
    }

    fn resume(&self) {
        self.0.resume();
    }

    fn stop(&self) {
        self.0.stop();
    }

    fn is_paused(&self) -> bool {
        self.0.is_paused()
    }
}
