//! Caffe's networks and solvers in protobuf text format (`.prototxt`).
//!
//! Read are files for training (`train_val`, both phases in one), for use (`deploy`), and solvers, in the present
//! (`layer`) and the older (`layers`) syntax. The network is the one of the TRAIN phase up to what its main loss reads.
//! What has no counterpart here is refused by name rather than approximated. Read without Caffe's schema: fields of
//! layers and parameters that matter here are checked, those of data layers that do not are passed over.

mod fields;
mod layers;
mod message;
mod network;
mod ops;
mod solver;

#[cfg(test)]
mod tests;

pub use network::read_prototxt;
pub use solver::{SolverFile, read_solver};
