//! The training loop.

use crate::evaluate;
use crate::loader::{AHEAD, Loaded, Plan};
use crate::model::ParameterSlot;
use crate::probe::ProbePlan;
use crate::step::{Computed, Context};
use crate::{Control, Session, TrainError};
use deepeyes_core::{Activations, Batch, Event, Observer, Values as Placed};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Instant;

/// Where a training is, after an iteration.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// Iterations done.
    pub step: u64,
    /// Iterations planned.
    pub iterations: u64,
    /// The mini-batch's mean loss.
    pub loss: f64,
    /// Share of right answers in the mini-batch, in [0, 1]; `None` where it has no labels.
    pub accuracy: Option<f64>,
    /// Validation accuracy in [0, 1], where it was measured after this iteration.
    pub validation: Option<f64>,
    /// Seconds that the iteration took, without validation and pauses.
    pub seconds: f64,
}

/// How a training ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outcome {
    /// Whether all planned iterations are done; otherwise it was stopped.
    pub finished: bool,
    /// Iterations done, those before a resume included.
    pub step: u64,
    /// The last mini-batch's mean loss; `None` where there was none.
    pub loss: Option<f64>,
    /// Validation accuracy in [0, 1] after the last iteration; `None` where there was none.
    pub accuracy: Option<f64>,
    /// Seconds from start to end, pauses included.
    pub seconds: f64,
}

impl Session {
    /// Trains up to the planned iterations, or until stopped. `observer` takes every event; without one nothing is
    /// read out of the network, and the training is the same. `progress` is called after every iteration.
    ///
    /// At the end, be it planned or not, validation accuracy is measured and a checkpoint sent. What the observer took
    /// before an error remains as it is.
    ///
    /// # Errors
    /// [`TrainError::Data`] where an image cannot be read, [`TrainError::Diverged`] at the first loss that is not a
    /// number: its mini-batch is still sent, but no parameter follows it.
    pub fn train(
        &mut self,
        observer: Option<&dyn Observer>,
        control: &Control,
        progress: impl FnMut(&Progress),
    ) -> Result<Outcome, TrainError> {
        let plan = Plan {
            dataset: Arc::clone(&self.config.dataset),
            preprocess: self.preprocess.clone(),
            seed: self.seed,
            batch: self.config.solver.batch,
            shards: self.shards,
            images: observer.is_some(),
        };
        let left = self.config.solver.iterations.saturating_sub(self.step);
        let place = self.place;
        let (sender, ready) = sync_channel(AHEAD);
        std::thread::scope(|scope| {
            scope.spawn(move || plan.load(place, left, &sender));
            // Moved in, so that a loader which waits for a place is let go when the loop ends.
            let ready = ready;
            Loop {
                session: self,
                observer,
                progress,
                start: Instant::now(),
                waited_seconds: 0.0,
                last: None,
                images_sent: false,
            }
            .run(control, ready.iter())
        })
    }

    fn context<'a>(&'a self, watched: &'a [usize]) -> Context<'a> {
        Context {
            model: &self.model,
            values: &self.values,
            learns: &self.learns,
            watched,
            input: self.config.input(),
            seed: self.seed,
            device: &self.device,
        }
    }

    /// Moves the parameters along the gradients.
    fn update(&mut self, computed: &mut Computed) {
        let Self { config, model, values, moments, rule, workers, step, .. } = self;
        let (solver, updates) = (&config.solver, *step + 1);
        let rate = solver.lr_at(*step);
        let old = std::mem::take(&mut values.parameters);
        let gradients = std::mem::take(&mut computed.gradients);
        let slots = model.parameters.iter().zip(moments);
        let new = |((value, gradient), (slot, moments)): ((_, Option<_>), (&ParameterSlot, _))| match gradient
        {
            Some(gradient) => {
                let (rate, decay) = (rate * slot.lr_mult, solver.weight_decay * slot.decay_mult);
                rule.update(value, gradient, moments, rate, decay, updates)
            }
            None => value,
        };
        values.parameters = workers.install(|| old.into_iter().zip(gradients).zip(slots).map(new).collect());
        for statistics in std::mem::take(&mut computed.statistics) {
            statistics.update(&mut self.values.buffers);
        }
        self.step += 1;
        self.place += solver.batch as u64;
    }
}

struct Loop<'a, P> {
    session: &'a mut Session,
    observer: Option<&'a dyn Observer>,
    progress: P,
    start: Instant,
    /// Seconds that the last mini-batch waited for the observer; told with the next one.
    waited_seconds: f64,
    /// The last iteration.
    last: Option<Progress>,
    /// Whether the probe's pixels were sent.
    images_sent: bool,
}

impl<P: FnMut(&Progress)> Loop<'_, P> {
    fn run(
        mut self,
        control: &Control,
        mut ready: impl Iterator<Item = Result<Loaded, deepeyes_data::DataError>>,
    ) -> Result<Outcome, TrainError> {
        while self.session.step < self.session.config.solver.iterations && control.proceed() {
            let start = Instant::now();
            let Some(batch) = ready.next() else { break };
            self.iterate(batch?, start)?;
        }
        let Session { step, config, .. } = &*self.session;
        let finished = *step >= config.solver.iterations;
        let stopped_early = self.last.is_some_and(|last| last.validation.is_none());
        if stopped_early {
            let accuracy = self.measure()?;
            self.checkpoint();
            self.last = self.last.map(|last| Progress { validation: Some(accuracy), ..last });
        }
        Ok(Outcome {
            finished,
            step: self.session.step,
            loss: self.last.map(|last| last.loss),
            accuracy: self.last.and_then(|last| last.validation),
            seconds: self.start.elapsed().as_secs_f64(),
        })
    }

    fn iterate(&mut self, mut batch: Loaded, start: Instant) -> Result<(), TrainError> {
        let session = &mut *self.session;
        let watched: &[usize] = if self.observer.is_some() { &session.observed } else { &[] };
        let mut computed = session.context(watched).compute(&mut batch, &session.workers);
        let scored = &computed.scored;
        let loss = scored.loss / scored.labelled.max(1) as f64;
        let accuracy = (scored.labelled > 0).then(|| scored.right as f64 / scored.labelled as f64);
        let rate = session.config.solver.lr_at(session.step);
        let diverged = !loss.is_finite();
        if !diverged {
            session.update(&mut computed);
        }
        let step = session.step + u64::from(diverged);
        let told = Instant::now();
        let seconds = start.elapsed().as_secs_f64();
        if self.observer.is_some() {
            self.tell(batch, computed, step, [loss, seconds], accuracy);
        }
        self.waited_seconds = told.elapsed().as_secs_f64();
        if diverged {
            return Err(TrainError::Diverged { step, loss, rate });
        }
        self.after(Progress {
            step,
            iterations: self.session.config.solver.iterations,
            loss,
            accuracy,
            validation: None,
            seconds: seconds + self.waited_seconds,
        })
    }

    fn tell(
        &mut self,
        batch: Loaded,
        computed: Computed,
        step: u64,
        [loss, seconds]: [f64; 2],
        accuracy: Option<f64>,
    ) {
        let Computed { scored, activations, reading_seconds, .. } = computed;
        let activations = activations
            .into_iter()
            .flat_map(|(first, layers)| {
                let place =
                    move |(layer, values)| Activations { layer, values: Placed::Maps { values, first } };
                layers.into_iter().enumerate().map(place)
            })
            .collect();
        self.send(Event::Batch(Batch {
            step,
            loss,
            accuracy,
            seconds,
            observed_seconds: reading_seconds + self.waited_seconds,
            inputs: batch.inputs,
            labels: batch.labels,
            predictions: scored.predictions.into(),
            images: batch.images,
            activations,
        }));
    }

    /// Validates and writes checkpoints where they are due, and reports.
    fn after(&mut self, mut progress: Progress) -> Result<(), TrainError> {
        let (step, config) = (progress.step, &self.session.config);
        let due = |every: u64| step.is_multiple_of(every) || step == progress.iterations;
        let validate = due(config.solver.validate_every);
        let checkpoint = config.checkpoint_every.map_or(validate, due);
        let early = ProbePlan::is_early(step, config.solver.validate_every);
        if validate {
            progress.validation = Some(self.measure()?);
        } else if early {
            self.probe(false)?;
        }
        if checkpoint {
            self.checkpoint();
        }
        self.last = Some(progress);
        (self.progress)(&progress);
        Ok(())
    }

    /// Measures validation accuracy and the probe.
    fn measure(&mut self) -> Result<f64, TrainError> {
        let Session { config, preprocess, workers, step, .. } = &*self.session;
        let context = self.session.context(&self.session.observed);
        let [accuracy, loss] = evaluate::validate(&context, &config.dataset.validation, preprocess, workers)?;
        self.send(Event::Validation { step: *step, accuracy, loss });
        self.probe(true)?;
        Ok(accuracy)
    }

    /// Takes the probe's instances, and with `features` its features too.
    fn probe(&mut self, features: bool) -> Result<(), TrainError> {
        let Session { config, preprocess, workers, step, probe: plan, .. } = &*self.session;
        if self.observer.is_none() || config.probe == 0 {
            return Ok(());
        }
        let context = self.session.context(&self.session.observed);
        let (probe, mut instances) =
            plan.take(&context, &config.dataset, preprocess, workers, *step, features)?;
        if !self.images_sent {
            instances.images = plan.images(&config.dataset, preprocess)?;
        }
        self.images_sent = true;
        self.send(Event::Instances(instances));
        if let Some(probe) = probe {
            self.send(Event::Probe(probe));
        }
        Ok(())
    }

    fn checkpoint(&self) {
        if self.observer.is_some() {
            self.send(Event::Checkpoint(self.session.checkpoint()));
        }
    }

    fn send(&self, event: Event) {
        if let Some(observer) = self.observer {
            observer.observe(event);
        }
    }
}
