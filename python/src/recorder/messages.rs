//! What Python tells, in the engine's terms.

use crate::arrays::values;
use deepeyes_core::{InputSplit, LayerInstances};
use numpy::{PyReadonlyArray1, PyReadonlyArray2};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use std::sync::Arc;

/// A layer's number, its activation vectors `[rows, F]`, and each row's place in the mini-batch and position.
pub(super) type RowsLayer<'py> =
    (usize, PyReadonlyArray2<'py, f32>, PyReadonlyArray1<'py, u32>, PyReadonlyArray1<'py, u32>);

/// Each instance's place in the probe and position, its activations `[n, F]`, its neuronal receptive field `[n, width]`.
pub(super) type InstanceLayer<'py> = (
    PyReadonlyArray1<'py, u32>,
    PyReadonlyArray1<'py, u32>,
    PyReadonlyArray2<'py, f32>,
    PyReadonlyArray2<'py, f32>,
);

/// NaN stands for unknown.
pub(super) fn optional(value: f64) -> Option<f64> {
    (!value.is_nan()).then_some(value)
}

/// Inputs that are all of the training.
pub(super) fn training(inputs: usize) -> Arc<[InputSplit]> {
    vec![InputSplit::Training; inputs].into()
}

/// One value for each input, also where none were given.
pub(super) fn filled(values: Vec<i32>, inputs: usize, unknown: i32) -> Arc<[i32]> {
    if values.is_empty() { vec![unknown; inputs].into() } else { values.into() }
}

pub(super) fn instances(layer: &InstanceLayer<'_>) -> PyResult<LayerInstances> {
    let (inputs, positions, activations, fields) = layer;
    let n = inputs.as_array().len();
    let rows = [positions.as_array().len(), activations.as_array().nrows(), fields.as_array().nrows()];
    if rows.iter().any(|&rows| rows != n) {
        return Err(PyValueError::new_err(format!(
            "{n} instances were given with {} positions, {} activation vectors and {} receptive fields; expected one of each",
            rows[0], rows[1], rows[2]
        )));
    }
    Ok(LayerInstances {
        inputs: values(inputs),
        positions: values(positions),
        activations: values(activations),
        fields: values(fields),
    })
}
