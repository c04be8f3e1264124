//! A stored run as the Python package reads it.

use crate::error::Failure;
use crate::export::{Instances, sampled};
use crate::inspect::InspectJson;
use crate::run_view;
use anyhow::Context;
use std::path::Path;

/// The newest sampled instances of a layer, `n` of them.
#[derive(Debug, Clone)]
pub struct InstanceArrays {
    /// F.
    pub filters: usize,
    /// Raw activations `[n, F]`, row-major.
    pub activations: Vec<f32>,
    /// Label of each, -1 without one.
    pub labels: Vec<i64>,
    /// The network's answer for each, -1 where unknown.
    pub predictions: Vec<i64>,
    /// Identity of each one's input.
    pub inputs: Vec<i64>,
    /// Iteration in which each was seen.
    pub steps: Vec<i64>,
    /// Row and column of the layer's grid `[n, 2]`.
    pub positions: Vec<i64>,
    /// What each sees of its input `[n, 4]`: y, x, height, width; `None` where inputs are not images.
    pub rects: Option<Vec<i64>>,
    /// Height, width and channels of a patch, and the pixels `[n, height, width, channels]`; `None` where they are not kept.
    pub patches: Option<([usize; 3], Vec<u8>)>,
}

/// The document that `deepeyes inspect RUN --json` prints.
///
/// # Errors
/// What the program would have told: no such run, or one that cannot be read.
pub fn inspect_json(run: &str, logdir: &Path) -> Result<String, String> {
    told(|| {
        let run = run_view::load(&run_view::open(run, logdir)?, None, None)?;
        Ok(serde_json::to_string(&InspectJson::new(&run, false)).context("cannot write the run as JSON")?)
    })
}

/// What `deepeyes export RUN --layer LAYER --what instances` writes.
///
/// # Errors
/// As for [`inspect_json`], and where the run has no such layer or no complete window yet.
pub fn instances(run: &str, layer: &str, logdir: &Path) -> Result<InstanceArrays, String> {
    told(|| {
        let reader = run_view::open(run, logdir)?;
        let view = run_view::load(&reader, Some(layer), None)?;
        let index = view.description.layers.iter().position(|spec| spec.name == layer);
        let index = index.context("the run's layers have changed")?;
        let (sample, images) = sampled(&reader, index, layer)?;
        let instances = Instances { spec: &view.description.layers[index], sample: &sample, images: &images };
        Ok(InstanceArrays {
            filters: sample.filters,
            positions: instances.positions().into_iter().flatten().map(|place| place as i64).collect(),
            rects: instances.rects().map(|rects| rects.into_iter().flatten().collect()),
            patches: instances.patches(),
            labels: sample.labels.iter().copied().map(i64::from).collect(),
            predictions: sample.predictions.iter().copied().map(i64::from).collect(),
            steps: sample.steps.iter().map(|step| step.cast_signed()).collect(),
            inputs: sample.inputs,
            activations: sample.activations,
        })
    })
}

fn told<T>(read: impl FnOnce() -> Result<T, Failure>) -> Result<T, String> {
    read().map_err(|failure| failure.report().trim_end().trim_start_matches("error: ").to_owned())
}
