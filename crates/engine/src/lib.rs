//! The live run: takes a producer's events, keeps every watched layer's windows, publishes what they say to any number
//! of readers, and feeds the run store.
//!
//! One thread applies events in idle moments, and where there are none the producer does; another writes the store, so that
//! a slow disk does not hold up statistics. Readers get immutable snapshots and wait for nobody; one that is slow skips to the
//! newest. What goes wrong in here is told in [`LiveState::problems`] and never reaches the producer.

mod analysis;
mod background;
mod budget;
mod error;
mod gaps;
mod guard;
mod layer;
mod live;
mod maps;
mod priority;
mod recorder;
mod run;
mod saved;
mod undetected;
mod window_images;

pub use error::EngineError;
pub use live::{Cost, Live, LiveState};
pub use maps::{Chosen, DrillError, LayerMaps, Maps, Watch, stored_maps};
pub use run::{EngineOptions, Run, RunObserver, Summary};
