//! Pure network description: layers, shapes, receptive fields, costs, presets and readers.
//!
//! A [`Network`] is what a description says: read from TOML ([`Network::from_toml`]) or Caffe's text format
//! ([`caffe::read_prototxt`]), or made by a [`preset`]. [`Network::resolve`] checks it against an input's shape and
//! yields a [`Graph`]: layers in order, with shapes, costs and receptive fields. Nothing here reads a file, knows a
//! weight or trains; that is left to those who do, so that this crate can fail on nothing but its input.

pub mod caffe;
mod description;
mod error;
mod geometry;
mod graph;
mod layer;
mod limits;
mod network;
mod op;
mod plan;
mod presets;
mod receptive_field;
mod shape;
mod solver;
mod watched;

pub use error::{NetworkError, Problem};
pub use graph::{Graph, Node, Source};
pub use layer::{Filler, INPUT_NAMES, Layer, ParameterSpec, VarianceNorm};
pub use network::{Network, Preprocessing};
pub use op::{BatchNorm, Conv2d, Dense, Lrn, LrnRegion, Op, Pool};
pub use plan::{Action, ActionKind, Cost, Costs, Kept, PLAN_VERSION, Plan, Redesigned};
pub use presets::{PRESETS, PresetInfo, preset};
pub use receptive_field::{ReceptiveField, Rect};
pub use shape::Shape;
pub use solver::{Policy, Solver, SolverKind};
pub use watched::Watched;
