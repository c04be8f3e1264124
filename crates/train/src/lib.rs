//! The embedded trainer on Burn: a network description and a data set in, a training's events out.
//!
//! [`Session::prepare`] checks a [`TrainConfig`] and builds the network; [`Session::train`] trains it, and tells a
//! [`deepeyes_core::Observer`] of every mini-batch, validation, probe and checkpoint. Framework types never leave this
//! crate, so that nothing else depends on Burn; and nothing here knows what becomes of the events, so that the training
//! is the same with an observer and without.
//!
//! A training is a function of its configuration: everything random is drawn from the seed and a place in the training,
//! a mini-batch is cut into a fixed number of shards, and sums run over shards in order. So the same seed gives the same
//! losses, digit for digit, on any number of cores, and a resumed training those of an uninterrupted one.

mod checkpoint;
mod config;
mod control;
mod error;
mod evaluate;
mod features;
mod instances;
mod load;
mod loader;
mod loss;
mod model;
mod optimizer;
mod order;
mod preprocess;
mod probe;
mod projection;
mod session;
mod settings;
mod shards;
mod step;
mod streams;
mod train;
pub mod weights;

pub use config::{DEFAULT_PROBE, DEFAULT_SHARDS, TrainConfig};
pub use control::Control;
pub use error::TrainError;
pub use load::LoadReport;
pub use session::Session;
pub use train::{Outcome, Progress};
