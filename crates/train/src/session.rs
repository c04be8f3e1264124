//! A training: prepared, continued, described and carried out.

use crate::TrainError;
use crate::checkpoint::{self, State};
use crate::config::{DEFAULT_SHARDS, TrainConfig};
use crate::error::nearest;
use crate::model::{Model, Values};
use crate::optimizer::{Moments, Rule};
use crate::preprocess::Preprocess;
use crate::probe::ProbePlan;
use crate::shards::Workers;
use burn::tensor::Device;
use deepeyes_core::{Checkpoint, LayerSpec, Rectify, RunDescription};
use deepeyes_network::{Graph, SolverKind, Watched};
use rayon::ThreadPool;
use std::sync::Arc;

/// A training that can start: everything that can be checked beforehand has been.
#[derive(Debug)]
pub struct Session {
    pub(crate) config: TrainConfig,
    pub(crate) model: Model,
    pub(crate) values: Values,
    pub(crate) moments: Vec<Moments>,
    pub(crate) rule: Rule,
    /// For each parameter, whether it learns.
    pub(crate) learns: Vec<bool>,
    /// Nodes whose outputs are the watched layers' activations.
    pub(crate) observed: Vec<usize>,
    pub(crate) probe: ProbePlan,
    pub(crate) preprocess: Preprocess,
    pub(crate) workers: Workers,
    pub(crate) device: Device,
    pub(crate) shards: usize,
    pub(crate) seed: u64,
    /// Iterations done.
    pub(crate) step: u64,
    /// Inputs seen.
    pub(crate) place: u64,
    layers: Vec<LayerSpec>,
    parameters: u64,
    multiply_adds: u64,
}

impl Session {
    /// Checks a configuration, and draws initial parameters. Nothing outside of memory is touched.
    ///
    /// # Errors
    /// Where the network is none, does not fit the data's images or classes, a setting cannot be used, or a layer to be
    /// frozen does not exist.
    pub fn prepare(config: TrainConfig) -> Result<Self, TrainError> {
        config.check()?;
        let graph = config.network.resolve(config.input())?;
        let mut model = Model::new(&config.network, &graph);
        check_classes(&graph, &model, config.dataset.classes.len())?;
        check_freeze(&model, &config.freeze)?;
        model.freeze(&config.freeze);

        let seed = config.seed();
        let watched = graph.watched();
        let layers: Vec<LayerSpec> = watched.iter().map(layer_spec).collect();
        let device = Device::default();
        let shards = if model.normalises_batches() { 1 } else { config.shards.unwrap_or(DEFAULT_SHARDS) };
        Ok(Self {
            values: model.start(seed, &device),
            moments: vec![Moments::default(); model.parameters.len()],
            rule: rule(config.solver.kind),
            learns: model.learns(),
            observed: observed(&watched, &model),
            probe: ProbePlan::new(&graph, &watched, &config.dataset, config.probe, seed),
            preprocess: config.preprocess(),
            workers: Workers::new(shards)?,
            device,
            shards,
            seed,
            step: 0,
            place: 0,
            layers,
            parameters: graph.parameters(),
            multiply_adds: graph.multiply_adds(),
            model,
            config,
        })
    }

    /// Continues from a checkpoint: the losses that follow are those of the run that wrote it, digit for digit, as long
    /// as the configuration is the same. The checkpoint's seed and shards count.
    ///
    /// # Errors
    /// [`TrainError::Checkpoint`] where it is broken, or of another network, version or data set; nothing has changed
    /// then.
    pub fn resume(&mut self, checkpoint: &Checkpoint) -> Result<(), TrainError> {
        let (values, moments, state) = checkpoint::unpack(checkpoint, &self.model, &self.device)?;
        let wrong = |reason: String| TrainError::Checkpoint { step: checkpoint.step, reason };
        let inputs = self.config.dataset.train.len();
        if state.training_inputs != inputs {
            let then = state.training_inputs;
            return Err(wrong(format!("it was trained on {then} images, and the data now has {inputs}")));
        }
        if moments.iter().any(|m| !m.0.is_empty() && m.0.len() != self.rule.moments()) {
            return Err(wrong("it was trained by another kind of solver".to_owned()));
        }
        if state.shards == 0 {
            return Err(wrong("its number of shards is 0".to_owned()));
        }
        let graph = self.config.network.resolve(self.config.input())?;
        self.workers = Workers::new(state.shards)?;
        let State { step, place, seed, shards, .. } = state;
        (self.step, self.place, self.seed, self.shards) = (step, place, seed, shards);
        (self.values, self.moments) = (values, moments);
        self.probe = ProbePlan::new(&graph, &graph.watched(), &self.config.dataset, self.config.probe, seed);
        Ok(())
    }

    /// What the run is about.
    pub fn description(&self) -> RunDescription {
        let Self { config, .. } = self;
        RunDescription {
            name: config.name.clone(),
            network: config.network.name.clone(),
            network_toml: config.network.to_toml(),
            layers: self.layers.clone(),
            parameters: self.parameters,
            multiply_adds: Some(self.multiply_adds),
            classes: config.dataset.classes.clone(),
            data: config.data.clone(),
            input: Some(config.input()),
            training_inputs: Some(config.dataset.train.len() as u64),
            iterations: Some(config.solver.iterations),
            batch: Some(config.solver.batch),
            seed: Some(self.seed),
            settings: crate::settings::json(self),
        }
    }

    /// The thread pool on which it computes. Resuming may replace it.
    pub fn pool(&self) -> Arc<ThreadPool> {
        self.workers.first()
    }

    /// Iterations done.
    pub fn step(&self) -> u64 {
        self.step
    }

    /// Parameters and buffers by name (`conv1.weight`, `bn1.running_mean`), as a safetensors document.
    pub fn weights(&self) -> Vec<u8> {
        checkpoint::weights(&self.model, &self.values)
    }

    /// Everything from which the training continues exactly.
    pub fn checkpoint(&self) -> Checkpoint {
        let state = State {
            step: self.step,
            place: self.place,
            seed: self.seed,
            shards: self.shards,
            training_inputs: self.config.dataset.train.len(),
            moments: checkpoint::plain(&self.moments),
        };
        checkpoint::pack(&self.model, &self.values, &state)
    }
}

fn rule(kind: SolverKind) -> Rule {
    match kind {
        SolverKind::Sgd { momentum } => Rule::Sgd { momentum },
        SolverKind::Adam { beta1, beta2, eps } => Rule::Adam { beta1, beta2, epsilon: eps },
    }
}

fn layer_spec(watched: &Watched) -> LayerSpec {
    LayerSpec {
        name: watched.name.clone(),
        kind: watched.kind.to_owned(),
        filters: watched.filters,
        grid: watched.grid,
        receptive_field: Some(watched.receptive_field),
        parameters: watched.parameters,
        rectify: if watched.output { Rectify::Softmax } else { Rectify::Relu },
        output: watched.output,
    }
}

/// Where each watched layer is read. What follows the logits is the loss' business.
fn observed(watched: &[Watched], model: &Model) -> Vec<usize> {
    watched.iter().map(|layer| layer.observed.min(model.logits())).collect()
}

fn check_classes(graph: &Graph, model: &Model, classes: usize) -> Result<(), TrainError> {
    let last = &graph.nodes[model.logits()];
    if last.output.grid() == [1, 1] && last.output.channels == classes {
        return Ok(());
    }
    Err(TrainError::Classes { layer: last.name.clone(), found: last.output.to_string(), classes })
}

fn check_freeze(model: &Model, freeze: &[String]) -> Result<(), TrainError> {
    for name in freeze {
        if !model.learners().any(|known| known == name) {
            return Err(TrainError::UnknownLayer {
                name: name.clone(),
                suggestion: nearest(name, model.learners()).map(str::to_owned),
                known: model.learners().map(str::to_owned).collect(),
            });
        }
    }
    Ok(())
}
