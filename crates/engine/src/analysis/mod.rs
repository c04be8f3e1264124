//! Applies events, one after the other: the only place where a run's state changes.

mod closing;

use crate::background::{Moment, State};
use crate::budget::Budget;
use crate::gaps::{Gaps, Way};
use crate::guard::guarded;
use crate::layer::Layer;
use crate::live::{Live, LiveState};
use crate::maps::MapMaker;
use crate::recorder::{Record, Recorder};
use crate::run::{EngineOptions, Summary};
use crate::saved::Saved;
use crate::window_images::WindowImages;
use cpu_time::ThreadTime;
use deepeyes_core::{
    Activations, AnalysisConfig, Batch, Checkpoint, Event, Probe, RunDescription, Separability, separability,
};
use deepeyes_store::{Ending, Reader, RunStatus, Scalar, StoredCheckpoint, Validation};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Iterations that the live state holds.
const RECENT: usize = 512;
/// Weight of the newest loss, and of the newest iteration's seconds, in the smoothed ones.
const NEWEST: f64 = 0.05;
/// Iterations are stored at least this often.
const FLUSH: Duration = Duration::from_secs(1);
/// Problems told; a failing layer tells one.
const MAX_PROBLEMS: usize = 1000;

/// The state of a run that events change.
pub(crate) struct Analysis {
    description: RunDescription,
    config: AnalysisConfig,
    keep_windows: bool,
    gaps: Gaps,
    /// In which the running event is applied.
    moment: Moment,
    layers: Vec<Layer>,
    separability: Vec<Option<Separability>>,
    images: WindowImages,
    /// Mini-batches with activations in the running window; W of them are a window.
    taken: u64,
    /// Whether the running window has a sample.
    sampled: bool,
    /// Last iteration of the last closed window, and whether the store has all of it.
    closed: Option<(u64, bool)>,
    last_full: Option<Instant>,
    budget: Budget,
    recent: VecDeque<Scalar>,
    seconds_per_step: Option<f64>,
    unsaved: Vec<Scalar>,
    last_flush: Instant,
    state: LiveState,
    live: Live,
    recorder: Recorder,
    maps: MapMaker,
}

impl Analysis {
    /// Of a run before its first iteration.
    pub(crate) fn new(
        description: RunDescription,
        config: AnalysisConfig,
        options: &EngineOptions,
        recorder: Recorder,
        maps: MapMaker,
    ) -> Self {
        let layers: Vec<Layer> =
            description.layers.iter().enumerate().map(|(at, spec)| Layer::new(spec, at, &config)).collect();
        let budget = Budget::new(config.budget, options.full_interval);
        let state = LiveState {
            version: 0,
            status: RunStatus::Running,
            step: 0,
            iterations: description.iterations,
            loss: None,
            smoothed_loss: None,
            train_accuracy: None,
            iterations_per_second: None,
            recent: Arc::new([]),
            validations: Arc::new([]),
            cost: budget.cost(),
            layers: vec![None; layers.len()].into(),
            images: Arc::default(),
            findings: Arc::new([]),
            problems: Arc::new([]),
        };
        Self {
            gaps: Gaps::of(options.pool.clone()),
            moment: Moment::Idle,
            keep_windows: options.keep_windows,
            separability: vec![None; layers.len()],
            layers,
            images: WindowImages::default(),
            taken: 0,
            sampled: true,
            closed: None,
            last_full: None,
            budget,
            recent: VecDeque::new(),
            seconds_per_step: None,
            unsaved: Vec::new(),
            last_flush: Instant::now(),
            live: Live::new(state.clone()),
            state,
            recorder,
            maps,
            description,
            config,
        }
    }

    /// Goes on after a checkpoint, with what the store holds up to it.
    pub(crate) fn restore(
        &mut self,
        checkpoint: &StoredCheckpoint,
        stored: &Reader,
    ) -> deepeyes_store::Result<()> {
        let count = self.layers.len();
        let saved =
            checkpoint.analysis.as_deref().and_then(|bytes| Saved::from_bytes(bytes, &self.config, count));
        if let Some(saved) = saved {
            let specs = self.description.layers.iter();
            self.layers =
                specs.zip(saved.monitors).map(|(spec, monitor)| Layer::restored(spec, monitor)).collect();
            self.separability = saved.separability;
        }
        for (at, layer) in self.layers.iter_mut().enumerate() {
            if let Some(mut snapshot) = stored.layer_snapshot(at, None)? {
                let sample = stored.sample(at, None)?.filter(|(step, _)| *step == snapshot.to);
                snapshot.sample = sample.map(|(_, sample)| Arc::new(sample));
                self.closed = self.closed.max(Some((snapshot.to, true)));
                layer.latest = Some(Arc::new(snapshot));
            }
        }
        let scalars = stored.scalars()?;
        self.recent.extend(&scalars[scalars.len().saturating_sub(RECENT)..]);
        for scalar in &scalars {
            self.follow(scalar);
        }
        self.state.step = checkpoint.step;
        self.taken = checkpoint.step % self.config.window;
        self.state.validations = stored.validations()?.into();
        self.publish_layers();
        self.publish();
        Ok(())
    }

    pub(crate) fn live(&self) -> Live {
        self.live.clone()
    }

    /// Takes an event in.
    fn take(&mut self, event: Event) {
        if let Some(failure) = self.recorder.failure().cloned() {
            self.problem(failure);
        }
        match event {
            Event::Batch(batch) => self.batch(&batch),
            Event::Validation { step, accuracy, loss } => {
                self.validation(Validation { step, accuracy, loss });
            }
            Event::Probe(probe) => self.probe(&probe),
            Event::Instances(probe) => self.maps.probe(probe),
            Event::Checkpoint(checkpoint) => self.checkpoint(checkpoint),
        }
        self.publish();
    }

    fn batch(&mut self, batch: &Batch) {
        let scalar = Scalar {
            step: batch.step,
            loss: batch.loss,
            train_accuracy: batch.accuracy,
            seconds: batch.seconds,
            observed_seconds: batch.observed_seconds,
        };
        if self.recent.len() == RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back(scalar);
        self.follow(&scalar);
        self.unsaved.push(scalar);

        self.budget.step(batch.seconds, batch.observed_seconds);
        self.maps.step(batch.seconds);
        self.observe(batch);
        if self.ends_window(batch) {
            self.close_window();
        } else if self.last_flush.elapsed() >= FLUSH {
            self.flush();
        }
    }

    /// Whether a mini-batch is its window's last. Where activations are taken of every one, windows end at multiples of W,
    /// also after a resume.
    fn ends_window(&mut self, batch: &Batch) -> bool {
        if batch.activations.is_empty() {
            return false;
        }
        self.taken = (self.taken + 1) % self.config.window;
        self.taken == 0
    }

    /// The latest values and running means.
    fn follow(&mut self, scalar: &Scalar) {
        let smooth = |mean: Option<f64>, value: f64| match mean {
            Some(mean) if value.is_finite() => Some(mean + NEWEST * (value - mean)),
            None if value.is_finite() => Some(value),
            _ => mean,
        };
        self.state.step = scalar.step;
        self.state.loss = Some(scalar.loss);
        self.state.train_accuracy = scalar.train_accuracy;
        self.state.smoothed_loss = smooth(self.state.smoothed_loss, scalar.loss);
        self.seconds_per_step = smooth(self.seconds_per_step, scalar.seconds);
        self.state.iterations_per_second =
            self.seconds_per_step.filter(|&seconds| seconds > 0.0).map(f64::recip);
    }

    /// Takes a mini-batch in.
    fn observe(&mut self, batch: &Batch) {
        if self.sampled {
            self.images.observe(batch);
        }
        let mut given: Vec<Vec<&Activations>> = vec![Vec::new(); self.layers.len()];
        for activations in &batch.activations {
            match given.get_mut(activations.layer) {
                Some(given) => given.push(activations),
                None => self.problem(format!(
                    "activations of layer number {} are not watched: the run has {} layers",
                    activations.layer,
                    self.layers.len()
                )),
            }
        }
        let layers = self.layers.iter_mut().zip(&given).map(|(layer, given)| {
            move |way: &mut Way| {
                given.iter().try_for_each(|given| layer.observe(batch, given, |values| way.took(values)))
            }
        });
        let (observed, seconds) = self.gaps.run(self.moment, layers.collect());
        self.budget.analysed(seconds);
        observed.into_iter().filter_map(Result::err).for_each(|problem| self.problem(problem));
    }

    fn validation(&mut self, validation: Validation) {
        self.flush();
        self.state.validations = self.state.validations.iter().copied().chain([validation]).collect();
        self.recorder.send(Record::Validation(validation));
    }

    /// Measures separability, and says so in the last windows' snapshots, which it belongs to.
    fn probe(&mut self, probe: &Probe) {
        let start = ThreadTime::now();
        let measured = guarded(|| separability(probe));
        self.budget.analysed(start.elapsed().as_secs_f64());
        match measured {
            Ok(measured) if measured.len() == self.layers.len() => {
                self.separability = measured;
                self.amend();
            }
            Ok(measured) => self.problem(format!(
                "separability is not measured: the probe has features of {} layers, the run {}",
                measured.len(),
                self.layers.len()
            )),
            Err(panic) => self.problem(format!("separability is not measured: {panic}")),
        }
    }

    fn checkpoint(&mut self, checkpoint: Checkpoint) {
        self.flush();
        let monitors = self.layers.iter().map(Layer::monitor).collect();
        let analysis = Saved::new(&self.config, monitors, self.separability.clone()).to_bytes();
        let analysis = analysis.unwrap_or_else(|problem| {
            self.problem(problem);
            Vec::new()
        });
        self.recorder.send(Record::Checkpoint { checkpoint, analysis });
    }

    /// Hands the iterations since the last time to the store.
    fn flush(&mut self) {
        self.last_flush = Instant::now();
        if !self.unsaved.is_empty() {
            self.recorder.send(Record::Scalars(std::mem::take(&mut self.unsaved)));
        }
    }

    /// Tells a problem, once.
    pub(crate) fn problem(&mut self, problem: String) {
        if self.state.problems.contains(&problem) || self.state.problems.len() >= MAX_PROBLEMS {
            return;
        }
        tracing::warn!("{problem}; the training goes on");
        self.state.problems = self.state.problems.iter().cloned().chain([problem]).collect();
    }

    /// Switches the analysis of all layers off: what they hold cannot be trusted.
    fn switch_off(&mut self, reason: &str) {
        for layer in &mut self.layers {
            layer.fail(reason);
        }
        self.images = WindowImages::default();
        self.problem(format!("the layers are no longer watched: {reason}"));
        self.publish();
    }

    fn publish(&mut self) {
        self.state.recent = self.recent.iter().copied().collect();
        self.live.publish(self.state.clone());
    }

    /// Stores what is left, ends the run, and says how it went.
    pub(crate) fn finish(mut self, ending: Option<Ending>) -> Summary {
        self.moment = Moment::Awaited;
        if self.closed.is_none() {
            self.close_window();
        }
        self.complete_store();
        self.flush();
        for problem in self.maps.finish(ending.is_some()) {
            self.problem(problem);
        }
        if let Some(failure) = self.recorder.finish(ending) {
            self.problem(failure);
        }
        self.state.status = ending.map_or(RunStatus::Interrupted, RunStatus::from);
        self.publish();
        let directory = self.recorder.directory().to_owned();
        let LiveState { step, loss, validations, findings, problems, .. } = self.state;
        Summary { directory, step, loss, validation: validations.last().copied(), findings, problems }
    }
}

impl State<Event> for Analysis {
    fn apply(&mut self, event: Event, moment: Moment) {
        self.moment = moment;
        if let Err(panic) = guarded(|| self.take(event)) {
            self.switch_off(&panic);
        }
    }
}
