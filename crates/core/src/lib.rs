//! Pure analysis: activations in, statistics and findings out. It does no IO and reads no clock, so it cannot fail on
//! either; everything that it keeps can be merged over any split of the data.

mod config;
mod event;
mod finding;
mod layer;
mod snapshot;

pub use config::AnalysisConfig;
pub use event::{Activations, Batch, Checkpoint, Event, Image, InputId, Observer, Probe, UNLABELLED, Values};
pub use finding::{FilterState, Finding, FindingKind, Severity};
pub use layer::{LayerSpec, Rectify, RunDescription};
pub use snapshot::{
    FilterStatistics, InstanceSample, LayerSnapshot, LayerStatistics, PERPLEXITY_BINS, PerplexityHistogram,
    Separability, Similarity,
};
