//! What one layer does over a window of mini-batches. Everything in it merges over any split of the data, by inputs or by
//! steps, to what the whole would have given (sums up to rounding).

mod binned;
mod block;
mod compress;
mod kept;
#[cfg(test)]
mod tests;
mod totals;

pub use kept::KeptWindow;
pub(crate) use totals::Totals;

use crate::drift::group_of;
use crate::random::hash;
use crate::reservoir::Reservoir;
use crate::sampler::{PositionSampler, positions_per_input};
use crate::{Activations, AnalysisConfig, Batch, InputId, LayerSpec, Rectify, UNLABELLED, Values};
use block::Scratch;
use thiserror::Error;

/// Values taken into the sketches at a step, at most, and the fewest instances that are tried for.
const SKETCHED_VALUES: usize = 1 << 18;
const SKETCHED_INSTANCES: std::ops::RangeInclusive<usize> = 32..=256;

/// Keeps the draw of positions apart from other hashes.
const POSITIONS_KEY: u64 = 3;

/// Activations or windows that do not fit the layer. Nothing of them was taken in.
#[derive(Debug, Clone, PartialEq, Error)]
#[allow(missing_docs, reason = "the messages name every field")]
pub enum ObserveError {
    #[error("layer {layer} has {filters} filters on {positions} positions: there is nothing to observe")]
    EmptyLayer { layer: String, filters: usize, positions: usize },
    #[error(
        "layer {layer} was given activations of layer number {found}; expected those of number {expected}"
    )]
    WrongLayer { layer: String, expected: usize, found: usize },
    #[error("layer {layer} was given {found} values; expected a multiple of {unit} ({what})")]
    Values { layer: String, found: usize, unit: usize, what: &'static str },
    #[error(
        "layer {layer} was given {rows} activation vectors with {inputs} inputs and {positions} positions; expected one \
         of each for a vector"
    )]
    Rows { layer: String, rows: usize, inputs: usize, positions: usize },
    #[error("layer {layer} was given activations of input {found} of a mini-batch of {inputs} inputs")]
    Input { layer: String, found: usize, inputs: usize },
    #[error("layer {layer} was given position {found}; its grid has {positions}")]
    Position { layer: String, found: usize, positions: usize },
    #[error(
        "the mini-batch of step {step} has {found} {what} for {inputs} inputs; expected one for each, or none"
    )]
    Batch { step: u64, what: &'static str, found: usize, inputs: usize },
    #[error(
        "layer {layer} holds the negative activation {value}, and is not rectified; expected values of at least 0: \
         rectify it (relu, abs or softmax)"
    )]
    Negative { layer: String, value: f32 },
    #[error(
        "windows of layers {layer} and {other} cannot be merged: they differ in layer, shape or settings"
    )]
    Unlike { layer: String, other: String },
}

/// What is fixed about a window.
#[derive(Debug, Clone, PartialEq)]
struct Shape {
    name: String,
    layer: usize,
    filters: usize,
    positions: usize,
    /// Positions drawn from each input.
    drawn: usize,
    rectify: Rectify,
    seed: u64,
    sample_size: usize,
}

/// One input of a mini-batch, as far as the statistics need it.
#[derive(Debug, Clone, Copy)]
struct Input {
    id: InputId,
    label: i32,
    prediction: i32,
    step: u64,
    place: u32,
    /// Its group among those that the noise of drift permutes.
    group: usize,
    /// From which the hashes of its instances follow.
    key: u64,
    /// One instance of so many is sketched; 1 or more.
    sketch_interval: f64,
}

/// Statistics of one layer over some mini-batches.
#[derive(Debug, Clone)]
pub struct LayerWindow {
    shape: Shape,
    totals: Totals,
    sampler: PositionSampler,
    scratch: Scratch,
}

impl LayerWindow {
    /// Of no mini-batch yet; `layer` is the layer's index in the run.
    pub fn new(spec: &LayerSpec, layer: usize, config: &AnalysisConfig) -> Self {
        let mut window = Self::without_sample(spec, layer, config);
        window.totals.sample = Some(Reservoir::new(spec.filters, config.sample_size));
        window
    }

    /// As [`new`](Self::new), but it keeps no sample, nor does what it is merged with.
    pub fn without_sample(spec: &LayerSpec, layer: usize, config: &AnalysisConfig) -> Self {
        let (filters, positions) = (spec.filters, spec.positions());
        let drawn = positions_per_input(config.position_share, positions);
        let shape = Shape {
            name: spec.name.clone(),
            layer,
            filters,
            positions,
            drawn,
            rectify: spec.rectify,
            seed: config.seed,
            sample_size: config.sample_size,
        };
        Self {
            totals: Totals::new(filters),
            sampler: PositionSampler::new(positions, drawn),
            scratch: Scratch::new(filters),
            shape,
        }
    }

    /// Takes in activations of a mini-batch, or of a part of it: draws positions from whole maps, takes sampled rows as
    /// they are. Rows of one input should lie together; of inputs without any row nothing is known, so that
    /// [`instances_possible`](crate::LayerSnapshot::instances_possible) counts the inputs that have one.
    ///
    /// On an error nothing is taken in.
    pub fn observe(&mut self, batch: &Batch, activations: &Activations) -> Result<(), ObserveError> {
        self.observe_pausing(batch, activations, |_| ())
    }

    /// As [`observe`](Self::observe); calls `pause` after each input with the number of its values that it had given.
    pub fn observe_pausing(
        &mut self,
        batch: &Batch,
        activations: &Activations,
        pause: impl FnMut(usize),
    ) -> Result<(), ObserveError> {
        self.check(batch, activations)?;
        match &activations.values {
            Values::Maps { values, first } => self.observe_maps(batch, values, *first, pause),
            Values::Rows { values, inputs, positions } => {
                self.observe_rows(batch, values, inputs, positions, pause);
            }
        }
        Ok(())
    }

    /// Takes in what another part of the data gave.
    pub fn merge(&mut self, other: &Self) -> Result<(), ObserveError> {
        if self.shape != other.shape {
            let (layer, other) = (self.shape.name.clone(), other.shape.name.clone());
            return Err(ObserveError::Unlike { layer, other });
        }
        self.totals.merge(&other.totals);
        Ok(())
    }

    /// Whether nothing was taken in yet.
    pub fn is_empty(&self) -> bool {
        self.totals.sampled == 0
    }

    /// First and last step of the mini-batches taken in; `None` without any.
    pub fn steps(&self) -> Option<(u64, u64)> {
        (!self.is_empty()).then_some((self.totals.from, self.totals.to))
    }

    pub(crate) fn into_totals(mut self) -> Totals {
        self.totals.sketch.settle();
        self.totals
    }

    fn check(&self, batch: &Batch, activations: &Activations) -> Result<(), ObserveError> {
        let Shape { filters, positions, .. } = self.shape;
        let layer = || self.shape.name.clone();
        if filters == 0 || positions == 0 {
            return Err(ObserveError::EmptyLayer { layer: layer(), filters, positions });
        }
        if activations.layer != self.shape.layer {
            let (expected, found) = (self.shape.layer, activations.layer);
            return Err(ObserveError::WrongLayer { layer: layer(), expected, found });
        }
        let inputs = batch.inputs.len();
        for (what, found) in [("labels", batch.labels.len()), ("predictions", batch.predictions.len())] {
            if found != 0 && found != inputs {
                return Err(ObserveError::Batch { step: batch.step, what, found, inputs });
            }
        }
        let values = match &activations.values {
            Values::Maps { values, first } => {
                let unit = filters * positions;
                if !values.len().is_multiple_of(unit) {
                    let (found, what) = (values.len(), "filters x positions");
                    return Err(ObserveError::Values { layer: layer(), found, unit, what });
                }
                let end = first.saturating_add(values.len() / unit);
                if end > inputs {
                    return Err(ObserveError::Input { layer: layer(), found: end - 1, inputs });
                }
                values
            }
            Values::Rows { values, inputs: places, positions: drawn } => {
                if !values.len().is_multiple_of(filters) {
                    let (found, what) = (values.len(), "filters");
                    return Err(ObserveError::Values { layer: layer(), found, unit: filters, what });
                }
                let rows = values.len() / filters;
                if places.len() != rows || drawn.len() != rows {
                    let (inputs, positions) = (places.len(), drawn.len());
                    return Err(ObserveError::Rows { layer: layer(), rows, inputs, positions });
                }
                if let Some(&found) = places.iter().find(|&&place| place as usize >= inputs) {
                    return Err(ObserveError::Input { layer: layer(), found: found as usize, inputs });
                }
                if let Some(&found) = drawn.iter().find(|&&position| position as usize >= positions) {
                    return Err(ObserveError::Position { layer: layer(), found: found as usize, positions });
                }
                values
            }
        };
        if self.shape.rectify == Rectify::None
            && let Some(&value) = values.iter().find(|&&value| value < 0.0 && value.is_finite())
        {
            return Err(ObserveError::Negative { layer: layer(), value });
        }
        Ok(())
    }

    fn observe_maps(&mut self, batch: &Batch, values: &[f32], first: usize, mut pause: impl FnMut(usize)) {
        let Shape { filters, positions, layer, seed, .. } = self.shape;
        for (offset, maps) in values.chunks_exact(filters * positions).enumerate() {
            let input = self.input(batch, first + offset);
            let key = hash([seed, layer as u64, batch.step, input.place.into(), POSITIONS_KEY]);
            self.sampler.draw(key, &mut self.scratch.positions);
            let sampled = self.scratch.positions.len();
            self.totals.begin_input(&input, positions, sampled);
            let block = if positions == 1 {
                self.scratch.rows(self.shape.rectify, maps)
            } else {
                self.scratch.maps(self.shape.rectify, maps, positions, self.sampler.mask())
            };
            self.totals.take(&input, &block, sampled);
            pause(maps.len());
        }
    }

    fn observe_rows(
        &mut self,
        batch: &Batch,
        values: &[f32],
        inputs: &[u32],
        positions: &[u32],
        mut pause: impl FnMut(usize),
    ) {
        let filters = self.shape.filters;
        let mut distinct = vec![false; batch.inputs.len()];
        let mut start = 0;
        for run in inputs.chunk_by(|one, other| one == other) {
            let end = start + run.len();
            let place = run[0] as usize;
            let input = self.input(batch, place);
            self.scratch.positions.clear();
            self.scratch.positions.extend_from_slice(&positions[start..end]);
            let possible =
                if std::mem::replace(&mut distinct[place], true) { 0 } else { self.shape.positions };
            self.totals.begin_input(&input, possible, run.len());
            let rows = &values[start * filters..end * filters];
            let block = self.scratch.rows(self.shape.rectify, rows);
            self.totals.take(&input, &block, run.len());
            pause(rows.len());
            start = end;
        }
    }

    fn input(&self, batch: &Batch, place: usize) -> Input {
        let id = batch.inputs[place];
        let Shape { seed, filters, drawn, .. } = self.shape;
        // Depends on the whole mini-batch alone, so that its parts are sketched alike.
        let wanted =
            (SKETCHED_VALUES / filters).clamp(*SKETCHED_INSTANCES.start(), *SKETCHED_INSTANCES.end());
        Input {
            id,
            label: batch.labels.get(place).copied().unwrap_or(UNLABELLED),
            prediction: batch.predictions.get(place).copied().unwrap_or(-1),
            step: batch.step,
            place: place as u32,
            group: group_of(seed, id, batch.step),
            key: hash([seed, id as u64]),
            sketch_interval: ((batch.inputs.len() * drawn) as f64 / wanted as f64).max(1.0),
        }
    }
}
