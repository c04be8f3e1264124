//! The layers' maps: placed by a thread of their own, published while they refine, read by anyone.

mod board;
mod drill;
mod filter;
mod inbox;
mod input;
mod neighbourhood;
mod optimised;
mod points;
mod stored;
mod worker;
mod workers;

pub use board::{LayerMaps, Maps, Watch};
pub use drill::{Chosen, DrillError};
pub use stored::stored_maps;
pub(crate) use worker::{MapMaker, StoredMaps};
