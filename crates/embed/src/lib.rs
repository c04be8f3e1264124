//! Maps: neighbours, projections and their quality. Arrays in, coordinates out.
//!
//! The crate does no IO and reads no clock, so nothing in it can fail but its input, which is checked at the door
//! ([`Points`], [`Dissimilarities`]). Progressive algorithms are objects that take one step at a time. Results depend on
//! the input and the seed alone, never on the number of threads: every sum over parts is taken in a fixed order.

mod affinities;
mod dissimilarity;
mod dot;
mod eigen;
mod error;
mod exchange;
mod hsne;
mod mds;
pub mod neighbours;
mod panels;
mod pca;
mod points;
mod procrustes;
pub mod quality;
mod random;
mod sparse;
mod tsne;

pub use affinities::{Affinities, transitions, transitions_of_points};
pub use dissimilarity::Dissimilarities;
pub use dot::dot_products;
pub use error::EmbedError;
pub use hsne::{DrillIn, Hsne, Scale};
pub use mds::Mds;
pub use pca::{Pca, pca_map};
pub use points::{EXACT_MOST, Points};
pub use procrustes::{Motion, align};
pub use sparse::Sparse;
pub use tsne::{Tsne, TsneConfig, TsneReport, kl_divergence};
