//! Why a server does not start, and why a request is refused.

use crate::wire::ErrorBody;
use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use deepeyes_store::StoreError;
use std::io;

/// Why a server does not start, or ended badly.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// The host is no address of this machine.
    #[error(
        "cannot listen on host {host:?}: {source}; expected an address of this machine, such as 127.0.0.1 or 0.0.0.0"
    )]
    Host {
        /// As given.
        host: String,
        /// The system's answer.
        source: io::Error,
    },
    /// Another program has the port.
    #[error("port {port} on {host} is taken; name another with --port, or --port 0 for any that is free")]
    PortTaken {
        /// As given.
        host: String,
        /// The port.
        port: u16,
    },
    /// The system refuses the port.
    #[error("cannot listen on {host}, port {port}: {source}")]
    Listen {
        /// As given.
        host: String,
        /// The port.
        port: u16,
        /// The system's answer.
        source: io::Error,
    },
    /// A setting that cannot be used.
    #[error("{name} is {value:?}; expected {expected}")]
    Setting {
        /// The setting.
        name: &'static str,
        /// What it is.
        value: String,
        /// What it may be.
        expected: &'static str,
    },
    /// Threads, random numbers.
    #[error("cannot start the server: {source}")]
    System {
        /// The system's answer.
        source: io::Error,
    },
}

/// Why a request is refused, as the page reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiError {
    pub(crate) status: StatusCode,
    pub(crate) message: String,
}

/// What a handler gives.
pub(crate) type ApiResult<T> = Result<T, ApiError>;

impl ApiError {
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    pub(crate) fn conflict(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, message)
    }

    pub(crate) fn internal(error: impl std::fmt::Display) -> Self {
        tracing::error!("{error}");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, format!("internal error: {error}"))
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
    }
}

impl From<serde_json::Error> for ApiError {
    fn from(error: serde_json::Error) -> Self {
        Self::internal(error)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        (self.status, Json(ErrorBody { error: self.message })).into_response()
    }
}
