//! The Python module `deepeyes._native`: the engine, as the pure-Python package around it uses it. What it offers is written down in
//! `deepeyes/_native.pyi`.
#![allow(clippy::needless_pass_by_value, reason = "PyO3 hands arguments over as values")]

mod arrays;
mod recorder;
mod server;
mod sink;
mod stored;

use pyo3::prelude::*;

pyo3::create_exception!(deepeyes, Error, pyo3::exceptions::PyRuntimeError, "What the engine could not do.");

/// An error of ours from one of Rust's.
fn error(message: impl ToString) -> PyErr {
    Error::new_err(message.to_string())
}

/// The `deepeyes` program; gives its exit code.
#[pyfunction]
fn main(py: Python<'_>, arguments: Vec<String>) -> u8 {
    let arguments = std::iter::once("deepeyes".to_owned()).chain(arguments).map(Into::into);
    py.detach(|| deepeyes_cli::main(arguments))
}

#[pymodule]
#[pyo3(name = "_native")]
fn native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("Error", module.py().get_type::<Error>())?;
    module.add_class::<recorder::Recorder>()?;
    module.add_class::<server::Server>()?;
    module.add_function(wrap_pyfunction!(stored::inspect, module)?)?;
    module.add_function(wrap_pyfunction!(stored::instances, module)?)?;
    module.add_function(wrap_pyfunction!(stored::new_directory, module)?)?;
    module.add_function(wrap_pyfunction!(stored::tensorboard, module)?)?;
    module.add_function(wrap_pyfunction!(arrays::image_hashes, module)?)?;
    module.add_function(wrap_pyfunction!(main, module)?)
}
