//! The dashboard's server: the embedded page, a JSON and frame API, and one WebSocket for what changes.
//!
//! It is the only place that knows the wire ([`wire`]). Live runs reach it as [`LiveRun`]s through [`Runs::add`]; starting
//! a training is someone else's work behind [`Launcher`]. Everything that reads a run's files does so on threads where
//! blocking is allowed; a live run is read through its immutable snapshots and waits for nobody.

mod api;
mod app;
mod error;
mod frame;
mod guard;
mod ingest;
mod launch;
mod options;
mod page;
mod runs;
mod serve;
mod socket;
mod uploader;
mod views;
pub mod wire;

pub use api::openapi;
pub use error::ServerError;
pub use launch::{Launcher, StartError};
pub use options::{DEFAULT_PORT, ServerOptions};
pub use runs::{Control, LiveRun, Runs};
pub use serve::{Server, Stop};
pub use uploader::{UploadError, UploadOptions, Uploader};
