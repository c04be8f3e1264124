//! Reading a stored run.

use crate::error;
use deepeyes_cli::InstanceArrays;
use deepeyes_store::{EventFiles, EventPoint, EventSeries};
use numpy::{Element, IntoPyArray, PyArray1, PyArrayMethods};
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

/// Makes a directory for a run under a log directory.
#[pyfunction]
pub(crate) fn new_directory(py: Python<'_>, logdir: PathBuf, name: &str) -> PyResult<String> {
    let directory = py.detach(|| deepeyes_store::new_directory(&logdir, name));
    directory.map(|directory| directory.display().to_string()).map_err(error)
}

/// Folder, tag, steps, values and wall times of a curve.
type Curve<'py> =
    (String, String, Bound<'py, PyArray1<i64>>, Bound<'py, PyArray1<f64>>, Bound<'py, PyArray1<f64>>);

/// Scalars of TensorBoard's event files beside a run, all of their points, and what could not be read.
#[pyfunction]
#[pyo3(signature = (run, logdir=PathBuf::from("runs")))]
pub(crate) fn tensorboard<'py>(
    py: Python<'py>,
    run: &str,
    logdir: PathBuf,
) -> PyResult<(Vec<Curve<'py>>, Vec<String>)> {
    let files = py.detach(|| {
        let mut files = EventFiles::new(deepeyes_store::resolve(run, &logdir).map_err(error)?, usize::MAX);
        files.refresh();
        PyResult::Ok(files)
    })?;
    let curve = |series: EventSeries<'_>| {
        let floats = |number: fn(EventPoint) -> f64| {
            series.points().map(number).collect::<Vec<f64>>().into_pyarray(py)
        };
        let steps: Vec<i64> = series.points().map(|point| point.step).collect();
        let (values, walls) = (floats(|point| point.value), floats(|point| point.wall_time));
        (series.folder(), series.tag().to_owned(), steps.into_pyarray(py), values, walls)
    };
    let notes = files.notes().iter().map(ToString::to_string).collect();
    Ok((files.series().map(curve).collect(), notes))
}

fn put<T: Element>(arrays: &Bound<'_, PyDict>, name: &str, values: Vec<T>, shape: &[usize]) -> PyResult<()> {
    arrays.set_item(name, values.into_pyarray(arrays.py()).reshape(shape)?)
}
