//! Pure analysis: activations in, statistics and findings out. It does no IO and reads no clock, so it cannot fail on
//! either; everything that it keeps can be merged over any split of the data.

mod affinity;
mod analyze;
mod cholesky;
mod config;
mod effective;
mod event;
mod finding;
pub mod findings;
mod grouping;
mod histogram;
mod layer;
mod perplexity;
mod rectify;
mod ridge;
mod separability;
mod simd;
mod similarity;
mod snapshot;
#[cfg(test)]
mod testing;

pub use affinity::{FilterAffinity, LabelAffinity};
pub use analyze::{AnalyzeError, AnalyzeOptions, Element, Rows, analyze};
pub use config::AnalysisConfig;
pub use effective::{effective_filters, effective_filters_of_sample};
pub use event::{Activations, Batch, Checkpoint, Event, Image, InputId, Observer, Probe, UNLABELLED, Values};
pub use finding::{FilterState, Finding, FindingKind, Severity};
pub use grouping::{REDUNDANT_SIMILARITY, redundant_groups};
pub use histogram::{perplexity_bin, perplexity_edges};
pub use layer::{LayerSpec, Rectify, RunDescription};
pub use perplexity::{perplexity, strength_perplexity};
pub use rectify::{NegativeActivation, RectifiedRows, rectify_instance, rectify_rows};
pub use separability::separability;
pub use similarity::{JaccardAccumulator, jaccard};
pub use snapshot::{
    FilterStatistics, InstanceSample, LayerSnapshot, LayerStatistics, PERPLEXITY_BINS, PerplexityHistogram,
    Separability, Similarity,
};
