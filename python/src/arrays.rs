//! NumPy's arrays as the engine takes them.

use deepeyes_core::Image;
use numpy::{
    Element, IntoPyArray, PyArray1, PyReadonlyArray, PyReadonlyArrayDyn, PyUntypedArray,
    PyUntypedArrayMethods,
};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use std::sync::Arc;
use twox_hash::XxHash3_64;

/// A copy of an array's values, row-major.
pub(crate) fn values<T: Element + Clone, D: numpy::ndarray::Dimension>(
    array: &PyReadonlyArray<'_, T, D>,
) -> Vec<T> {
    match array.as_slice() {
        Ok(values) => values.to_vec(),
        Err(_) => array.as_array().iter().cloned().collect(),
    }
}

/// Images `[n, h, w, 1 or 3]`, one by one.
pub(crate) fn images(array: Option<&PyReadonlyArrayDyn<'_, u8>>, inputs: usize) -> PyResult<Vec<Arc<Image>>> {
    let Some(array) = array else { return Ok(Vec::new()) };
    let &[n, height, width, channels @ (1 | 3)] = array.shape() else {
        return Err(PyValueError::new_err(format!(
            "images have shape {:?}; expected [inputs, height, width, 1 or 3]",
            array.shape()
        )));
    };
    if n != inputs {
        return Err(PyValueError::new_err(format!(
            "{n} images were given for {inputs} inputs; expected one for each"
        )));
    }
    let size = height * width * channels;
    if size == 0 {
        return Ok(Vec::new());
    }
    let image = |pixels: &[u8]| Arc::new(Image { height, width, channels, pixels: pixels.into() });
    Ok(values(array).chunks_exact(size).map(image).collect())
}

/// A hash of each row of a C-contiguous array, never negative: an input's identity where it has no index.
#[pyfunction]
pub(crate) fn image_hashes<'py>(
    py: Python<'py>,
    values: &Bound<'py, PyUntypedArray>,
) -> PyResult<Bound<'py, PyArray1<i64>>> {
    let rows = values.shape().first().copied().unwrap_or(0);
    let bytes =
        values.call_method1("view", ("uint8",)).and_then(|bytes| bytes.call_method1("reshape", (-1,)));
    let bytes = bytes.map_err(|_| PyValueError::new_err("expected a C-contiguous array [n, ...]"))?;
    let bytes: PyReadonlyArrayDyn<'_, u8> = bytes.extract()?;
    let bytes =
        bytes.as_slice().map_err(|_| PyValueError::new_err("expected a C-contiguous array [n, ...]"))?;
    let size = bytes.len().checked_div(rows).unwrap_or(0);
    let hashes: Vec<i64> = py.detach(|| (0..rows).map(|row| hash(&bytes[row * size..][..size])).collect());
    Ok(hashes.into_pyarray(py))
}

/// XXH3 without its last bit: the same for the same bytes on every machine, and never negative.
fn hash(bytes: &[u8]) -> i64 {
    (XxHash3_64::oneshot(bytes) >> 1).cast_signed()
}
