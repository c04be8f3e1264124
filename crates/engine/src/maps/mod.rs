//! The layers' maps: placed by a thread of their own, published while they refine, read by anyone.

mod board;
mod filter;
mod inbox;
mod input;
mod neighbourhood;
mod points;
mod stored;
mod worker;

pub use board::{LayerMaps, Maps, Watch};
pub use stored::stored_maps;
pub(crate) use worker::MapMaker;
