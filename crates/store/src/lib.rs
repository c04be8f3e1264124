//! The run store: one directory a run, one SQLite file per writer in it. One [`Writer`] applies what the engine hands
//! it, any number of [`Reader`]s look on, in this process or another, and change nothing.
//!
//! SQLite rather than files of our own: its transactions are what makes a kill lose at most the snapshot being written,
//! its pages are reused when old snapshots go, and other programs can read it. The format is `schema.sql`, beside this
//! file. TensorBoard's event files that lie beside it are read, too ([`EventFiles`]), and never written.

mod array;
mod error;
mod find;
mod host;
mod journal;
mod lock;
mod maps;
mod ranks;
mod reader;
mod retention;
mod schema;
mod tensorboard;
mod types;
mod writer;

pub use error::{Result, StoreError};
pub use find::{RunEntry, find_runs, resolve};
pub use journal::Journal;
pub use reader::Reader;
pub use retention::Retention;
pub use tensorboard::{EVENT_POINTS, EventFiles, EventNote, EventPoint, EventSeries};
pub use types::{
    CoursePoint, Ending, FilterMap, MapParts, Parent, RunInfo, RunStatus, Scalar, SnapshotParts,
    StoredCheckpoint, Validation,
};
pub use writer::{RunOptions, Writer, new_directory};
