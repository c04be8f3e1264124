//! Reading a stored run.

use crate::error;
use deepeyes_cli::InstanceArrays;
use numpy::{Element, IntoPyArray, PyArrayMethods};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::path::PathBuf;

/// What `deepeyes inspect RUN --json` prints.
#[pyfunction]
#[pyo3(signature = (run, logdir=PathBuf::from("runs")))]
pub(crate) fn inspect(py: Python<'_>, run: &str, logdir: PathBuf) -> PyResult<String> {
    py.detach(|| deepeyes_cli::inspect_json(run, &logdir)).map_err(error)
}

/// The newest sampled instances of a layer.
#[pyfunction]
#[pyo3(signature = (run, layer, logdir=PathBuf::from("runs")))]
pub(crate) fn instances<'py>(
    py: Python<'py>,
    run: &str,
    layer: &str,
    logdir: PathBuf,
) -> PyResult<Bound<'py, PyDict>> {
    let InstanceArrays {
        filters,
        activations,
        labels,
        predictions,
        inputs,
        steps,
        positions,
        rects,
        patches,
    } = py.detach(|| deepeyes_cli::instances(run, layer, &logdir)).map_err(error)?;
    let n = inputs.len();
    let arrays = PyDict::new(py);
    put(&arrays, "activations", activations, &[n, filters])?;
    for (name, values) in
        [("labels", labels), ("predictions", predictions), ("inputs", inputs), ("steps", steps)]
    {
        put(&arrays, name, values, &[n])?;
    }
    put(&arrays, "positions", positions, &[n, 2])?;
    if let Some(rects) = rects {
        put(&arrays, "rects", rects, &[n, 4])?;
    }
    if let Some(([height, width, channels], pixels)) = patches {
        put(&arrays, "patches", pixels, &[n, height, width, channels])?;
    }
    Ok(arrays)
}

fn put<T: Element>(arrays: &Bound<'_, PyDict>, name: &str, values: Vec<T>, shape: &[usize]) -> PyResult<()> {
    arrays.set_item(name, values.into_pyarray(arrays.py()).reshape(shape)?)
}
