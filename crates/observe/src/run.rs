//! A run that a training's own code writes.

use crate::error::ObserveError;
use crate::layers::Shape;
use deepeyes_core::{
    Activations, AnalysisConfig, Batch, Event, Image, InputId, LayerSpec, Observer, RunDescription, Values,
};
use deepeyes_engine::{EngineOptions, Live, RunObserver, Summary};
use deepeyes_store::{Ending, RunOptions, Writer};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// What is known of a training before it starts.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The network's name.
    pub network: String,
    /// Class names by label.
    pub classes: Vec<String>,
    /// The layer that is the classifier's output; softmax is taken over its units.
    pub output: Option<String>,
    /// Trainable parameters of the whole network; 0 where unknown.
    pub parameters: u64,
    /// Planned iterations.
    pub iterations: Option<u64>,
    /// How the run is analysed.
    pub analysis: AnalysisConfig,
}

/// What a step says beside activations; every part may be left out.
#[derive(Debug, Clone)]
pub struct Step {
    /// The mini-batch's mean loss; NaN where unknown.
    pub loss: f64,
    /// Share of right answers in the mini-batch, in [0, 1].
    pub accuracy: Option<f64>,
    /// Label of each input, [`UNLABELLED`](crate::UNLABELLED) for one without; empty: none has one.
    pub labels: Vec<i32>,
    /// The network's answer for each input.
    pub predictions: Vec<i32>,
    /// Lasting identity of each input, such as its index in the data set; empty: inputs are told apart by when they came.
    pub inputs: Vec<InputId>,
    /// Each input's pixels.
    pub images: Vec<Arc<Image>>,
}

impl Default for Step {
    fn default() -> Self {
        Self {
            loss: f64::NAN,
            accuracy: None,
            labels: Vec::new(),
            predictions: Vec::new(),
            inputs: Vec::new(),
            images: Vec::new(),
        }
    }
}

/// A run that goes on. It begins to be written with its first [`step`](Self::step), when its layers are known.
#[derive(Debug)]
pub struct Run {
    logdir: PathBuf,
    name: String,
    options: Options,
    layers: Vec<LayerSpec>,
    given: Vec<Activations>,
    /// Inputs of the step at hand, by its first activations.
    inputs: Option<usize>,
    step: u64,
    last: Instant,
    state: State,
    problems: Vec<String>,
}

#[derive(Debug)]
enum State {
    /// Before the first step.
    New,
    Running(Box<Running>),
    /// It could not begin.
    Off(ObserveError),
}

#[derive(Debug)]
struct Running {
    run: deepeyes_engine::Run,
    observer: Arc<RunObserver>,
    live: Live,
}

impl Run {
    /// A run of that name in a log directory; one that exists gets `-2`.
    ///
    /// # Errors
    /// Where the log directory cannot be made.
    pub fn begin(logdir: impl AsRef<Path>, name: &str) -> Result<Self, ObserveError> {
        Self::with(logdir, name, Options::default())
    }

    /// As [`begin`](Self::begin), with what is known of the training.
    ///
    /// # Errors
    /// As for [`begin`](Self::begin).
    pub fn with(logdir: impl AsRef<Path>, name: &str, options: Options) -> Result<Self, ObserveError> {
        deepeyes_store::find_runs(&logdir)?;
        Ok(Self {
            logdir: logdir.as_ref().to_owned(),
            name: name.to_owned(),
            options,
            layers: Vec::new(),
            given: Vec::new(),
            inputs: None,
            step: 0,
            last: Instant::now(),
            state: State::New,
            problems: Vec::new(),
        })
    }

    /// Hands over a layer's raw activations for the step at hand: `[inputs, filters]`, `[inputs, filters, length]` or
    /// `[inputs, filters, height, width]`, row-major, after what belongs to the layer (its nonlinearity). Layers are those
    /// that are observed before the first step.
    pub fn observe(&mut self, layer: &str, shape: &[usize], values: Vec<f32>) {
        if let Err(problem) = self.take(layer, shape, values) {
            self.tell(problem);
        }
    }

    /// Tells a problem, once.
    pub(crate) fn tell(&mut self, problem: String) {
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    fn take(&mut self, name: &str, shape: &[usize], values: Vec<f32>) -> Result<(), String> {
        let shape = Shape::read(name, shape, values.len())?;
        let inputs = *self.inputs.get_or_insert(shape.inputs);
        if shape.inputs != inputs {
            return Err(format!("{name} was given {} inputs in a step of {inputs}", shape.inputs));
        }
        let known = self.layers.iter().position(|layer| layer.name == name);
        let layer = match (known, &self.state) {
            (Some(layer), _) if shape.is_of(&self.layers[layer]) => layer,
            (Some(layer), _) => {
                let LayerSpec { filters, grid, .. } = &self.layers[layer];
                return Err(format!(
                    "{name} answered in {} filters on a grid of {:?}, and in {filters} on {grid:?} at first",
                    shape.filters, shape.grid
                ));
            }
            (None, State::New) => {
                self.layers.push(shape.layer(name, self.options.output.as_deref() == Some(name)));
                self.layers.len() - 1
            }
            (None, _) => {
                return Err(format!("{name} is not watched: it was not observed before the first step"));
            }
        };
        self.given.push(Activations { layer, values: Values::Maps { values, first: 0 } });
        Ok(())
    }

    /// Ends a step of the training. Where the analysis finds no idle moments, and has fallen 16 steps behind, this does it, so that
    /// nothing is lost.
    pub fn step(&mut self, step: Step) {
        self.step += 1;
        let begun = Instant::now();
        let seconds = begun.duration_since(self.last).as_secs_f64();
        let activations = std::mem::take(&mut self.given);
        let inputs = self.inputs.take().unwrap_or(0);
        if matches!(self.state, State::New) && !self.layers.is_empty() {
            self.state = self.start().unwrap_or_else(|error| {
                self.tell(error.to_string());
                State::Off(error)
            });
        }
        if let State::Running(running) = &self.state {
            let first = self.step.cast_signed() << 32;
            let named = step.inputs.len() == inputs;
            let names = if named { step.inputs } else { (first..first + inputs as i64).collect() };
            running.observer.observe(Event::Batch(Batch {
                step: self.step,
                loss: step.loss,
                accuracy: step.accuracy,
                seconds,
                observed_seconds: begun.elapsed().as_secs_f64(),
                inputs: names.into(),
                labels: step.labels.into(),
                predictions: step.predictions.into(),
                images: step.images,
                activations,
            }));
        }
        self.last = Instant::now();
    }

    /// A measurement on held-out data.
    pub fn validate(&mut self, accuracy: f64, loss: f64) {
        if let State::Running(running) = &self.state {
            running.observer.observe(Event::Validation { step: self.step, accuracy, loss });
        }
    }

    /// The run's directory; `None` before its first step.
    pub fn directory(&self) -> Option<&Path> {
        match &self.state {
            State::Running(running) => Some(running.run.directory()),
            _ => None,
        }
    }

    /// What failed and was switched off, once each.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = self.problems.clone();
        if let State::Running(running) = &self.state {
            problems.extend(running.live.state().problems.iter().cloned());
        }
        problems
    }

    /// Stores what waits, and ends the run as finished. Dropped without it, a run counts as interrupted.
    ///
    /// # Errors
    /// Where the run could not begin, or nothing was observed.
    pub fn finish(self) -> Result<Summary, ObserveError> {
        match self.state {
            State::Running(running) => Ok(running.run.finish(Ending::Finished)?),
            State::Off(error) => Err(error),
            State::New => Err(ObserveError::Empty),
        }
    }

    fn start(&self) -> Result<State, ObserveError> {
        let Options { network, classes, parameters, iterations, analysis, .. } = self.options.clone();
        let description = RunDescription {
            name: self.name.clone(),
            network,
            layers: self.layers.clone(),
            parameters,
            classes,
            iterations,
            ..RunDescription::default()
        };
        let writer = Writer::create(&self.logdir, &description, &RunOptions::default())?;
        let run = deepeyes_engine::Run::start(writer, analysis, &EngineOptions::default())?;
        let (observer, live) = (run.observer(), run.live());
        Ok(State::Running(Box::new(Running { run, observer, live })))
    }
}
