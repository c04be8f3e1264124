//! Pure maps: neighbours, projections and their quality.

mod dot;
pub mod neighbours;

pub use dot::dot_products;
