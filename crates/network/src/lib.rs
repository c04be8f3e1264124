//! Pure network description: layers, shapes, receptive fields, costs, presets and readers.

mod receptive_field;

pub use receptive_field::{ReceptiveField, Rect};
