//! From runs to what the wire says of them.

mod course;
mod detail;
mod filters;
mod findings;
mod maps;
mod overview;
mod patches;
mod plan;
mod scalars;
mod tensorboard;
mod weights;

pub(crate) use course::course;
pub(crate) use detail::detail;
pub(crate) use filters::filters;
pub(crate) use findings::{findings, of_layers as findings_of_layers};
pub(crate) use maps::{activations, closer_map, filter_map, input_map};
pub(crate) use overview::{Snapshots, of_snapshots as overview_of_snapshots, overview, snapshots};
pub(crate) use patches::{Item, image, patches};
pub(crate) use plan::{cost, suggested};
pub(crate) use scalars::{columns, scalars, thin, validations};
pub(crate) use tensorboard::tensorboard;
pub(crate) use weights::weights;
