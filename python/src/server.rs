//! The dashboard in a thread of this process.

use crate::error;
use deepeyes_server::ServerOptions;
use pyo3::prelude::*;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// The dashboard over a log directory.
#[pyclass(frozen)]
pub(crate) struct Server {
    url: String,
    /// `None` once it is closed.
    server: Mutex<Option<deepeyes_server::Server>>,
}

#[pymethods]
impl Server {
    #[new]
    #[pyo3(signature = (logdir, *, host="127.0.0.1".to_owned(), port=0, token=None, base_path=None, allow_hosts=Vec::new()))]
    fn new(
        py: Python<'_>,
        logdir: PathBuf,
        host: String,
        port: u16,
        token: Option<String>,
        base_path: Option<String>,
        allow_hosts: Vec<String>,
    ) -> PyResult<Self> {
        let options = ServerOptions {
            host,
            port: Some(port),
            token,
            base_path: base_path.unwrap_or_default(),
            allow_hosts,
            ..ServerOptions::new(logdir)
        };
        let server = py.detach(|| deepeyes_server::Server::start(options)).map_err(error)?;
        Ok(Self { url: server.url().to_owned(), server: Mutex::new(Some(server)) })
    }

    /// Its address.
    #[getter]
    fn url(&self) -> &str {
        &self.url
    }

    /// Ends it.
    fn close(&self, py: Python<'_>) {
        py.detach(|| {
            let server = self.server.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(server) = server {
                server.stopper().stop();
                server.wait();
            }
        });
    }
}
