//! A run that a training in this process tells about.

mod messages;

use crate::arrays::{self, values};
use crate::error;
use crate::sink::{QUEUE, Setup, Sink};
use deepeyes_core::{
    Activations, Batch, Event, LayerInstances, Probe, ProbedInstances, RunDescription, Values,
};
use deepeyes_store::Ending;
use messages::{InstanceLayer, RowsLayer, optional};
use numpy::{PyReadonlyArray1, PyReadonlyArray2, PyReadonlyArrayDyn};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use std::path::PathBuf;

/// Iterations with activations are refused while so many events wait: they are what memory holds.
const CROWDED: usize = 16;

/// A run that is being written.
#[pyclass(frozen)]
pub(crate) struct Recorder(Sink);

impl Recorder {
    fn is_crowded(&self) -> bool {
        self.0.waiting() >= CROWDED
    }

    /// Hands an event over unless too much waits already; whether it did.
    fn offer(&self, event: Event) -> bool {
        !self.is_crowded() && self.0.offer(event)
    }
}

#[pymethods]
impl Recorder {
    #[new]
    #[pyo3(signature = (description, *, logdir=None, directory=None, server=None, token=None, window=20, seed=0, rank=0, ranks=1))]
    #[allow(clippy::too_many_arguments, reason = "they are keywords in Python")]
    fn new(
        py: Python<'_>,
        description: &str,
        logdir: Option<PathBuf>,
        directory: Option<PathBuf>,
        server: Option<String>,
        token: Option<String>,
        window: u64,
        seed: u64,
        rank: u32,
        ranks: u32,
    ) -> PyResult<Self> {
        let description: RunDescription = serde_json::from_str(description)
            .map_err(|error| PyValueError::new_err(format!("the run's description: {error}")))?;
        let setup = Setup { description, window, seed, rank, ranks };
        let sink = match (logdir, server, token) {
            (Some(logdir), None, None) => {
                py.detach(|| Sink::into_directory(&logdir, directory.as_deref(), &setup))
            }
            (None, Some(server), token) => py.detach(|| Sink::to_server(server, token, setup)),
            _ => Err(PyValueError::new_err("expected `logdir`, or `server` and where it needs one `token`")),
        };
        Ok(Self(sink?))
    }

    /// The run's directory, or the address of its page.
    #[getter]
    fn location(&self) -> String {
        self.0.location()
    }

    /// Iterations of which no activations were taken. False where none of them was taken because too much waits.
    fn scalars(
        &self,
        steps: Vec<u64>,
        losses: Vec<f64>,
        accuracies: Vec<f64>,
        seconds: Vec<f64>,
        observed_seconds: Vec<f64>,
    ) -> PyResult<bool> {
        let n = steps.len();
        if [&losses, &accuracies, &seconds, &observed_seconds].iter().any(|column| column.len() != n) {
            return Err(PyValueError::new_err(format!(
                "expected {n} values in each list, one for each step"
            )));
        }
        if self.0.waiting() + n > QUEUE {
            return Ok(false);
        }
        for (at, step) in steps.into_iter().enumerate() {
            self.0.offer(Event::Batch(Batch {
                step,
                loss: losses[at],
                accuracy: optional(accuracies[at]),
                seconds: seconds[at],
                observed_seconds: observed_seconds[at],
                ..Batch::default()
            }));
        }
        Ok(true)
    }

    /// One iteration with activations. False where it was not taken because too much waits.
    #[allow(clippy::too_many_arguments, reason = "they are what an iteration has")]
    fn batch(
        &self,
        step: u64,
        loss: f64,
        accuracy: f64,
        seconds: f64,
        observed_seconds: f64,
        inputs: PyReadonlyArray1<'_, i64>,
        labels: PyReadonlyArray1<'_, i32>,
        predictions: PyReadonlyArray1<'_, i32>,
        images: Option<PyReadonlyArrayDyn<'_, u8>>,
        layers: Vec<RowsLayer<'_>>,
    ) -> PyResult<bool> {
        if self.is_crowded() {
            return Ok(false);
        }
        let rows = |(layer, activations, inputs, positions): &RowsLayer<'_>| Activations {
            layer: *layer,
            values: Values::Rows {
                values: values(activations),
                inputs: values(inputs),
                positions: values(positions),
            },
        };
        let inputs = values(&inputs);
        let batch = Batch {
            step,
            loss,
            accuracy: optional(accuracy),
            seconds,
            observed_seconds,
            labels: values(&labels).into(),
            predictions: values(&predictions).into(),
            images: arrays::images(images.as_ref(), inputs.len())?,
            inputs: inputs.into(),
            activations: layers.iter().map(rows).collect(),
        };
        Ok(self.offer(Event::Batch(batch)))
    }

    /// Instances for the input maps, of each watched layer. False where too much waits.
    fn instances(
        &self,
        step: u64,
        inputs: PyReadonlyArray1<'_, i64>,
        labels: PyReadonlyArray1<'_, i32>,
        predictions: PyReadonlyArray1<'_, i32>,
        images: Option<PyReadonlyArrayDyn<'_, u8>>,
        layers: Vec<InstanceLayer<'_>>,
    ) -> PyResult<bool> {
        if self.is_crowded() {
            return Ok(false);
        }
        let inputs = values(&inputs);
        let pixels = arrays::images(images.as_ref(), inputs.len())?;
        let probed = ProbedInstances {
            step,
            splits: messages::training(inputs.len()),
            labels: messages::filled(values(&labels), inputs.len(), deepeyes_core::UNLABELLED),
            predictions: messages::filled(values(&predictions), inputs.len(), -1),
            images: inputs.iter().copied().zip(pixels).collect(),
            inputs: inputs.into(),
            layers: layers
                .iter()
                .map(|layer| messages::instances(layer))
                .collect::<PyResult<Vec<LayerInstances>>>()?,
        };
        Ok(self.offer(Event::Instances(probed)))
    }

    /// Features of each watched layer for label separability. False where too much waits.
    fn probe(
        &self,
        step: u64,
        labels: PyReadonlyArray1<'_, i32>,
        held_out: PyReadonlyArray1<'_, bool>,
        features: Vec<PyReadonlyArray2<'_, f32>>,
    ) -> bool {
        let features = features.iter().map(values).collect();
        let probe =
            Probe { step, labels: values(&labels).into(), held_out: values(&held_out).into(), features };
        self.offer(Event::Probe(probe))
    }

    /// A measurement on held-out data; NaN where unknown.
    fn validation(&self, py: Python<'_>, step: u64, accuracy: f64, loss: f64) {
        py.detach(|| self.0.tell(Event::Validation { step, accuracy, loss }));
    }

    /// Events that were not taken on yet.
    fn waiting(&self) -> usize {
        self.0.waiting()
    }

    /// Seconds of processor time that analysing, or sending, has taken so far.
    fn cost(&self) -> f64 {
        self.0.cost()
    }

    /// The newest findings, as a JSON list, most severe first.
    fn findings(&self, py: Python<'_>) -> PyResult<String> {
        let findings = py.detach(|| self.0.findings())?;
        serde_json::to_string(&findings).map_err(error)
    }

    /// What of ours failed and was switched off.
    fn problems(&self) -> Vec<String> {
        self.0.problems()
    }

    /// Applies and stores what waits, and ends the run: as finished, or as stopped. Further calls do nothing.
    fn finish(&self, py: Python<'_>, finished: bool) -> PyResult<()> {
        let ending = if finished { Ending::Finished } else { Ending::Stopped };
        py.detach(|| self.0.finish(ending))
    }
}
