//! Pure analysis: activations in, statistics and findings out. It does no IO and reads no clock, so it cannot fail on
//! either; everything that it keeps can be merged over any split of the data.

mod affinity;
mod alike;
mod analyze;
mod cholesky;
mod config;
mod drift;
mod effective;
mod event;
mod finding;
pub mod findings;
mod grouping;
mod histogram;
mod layer;
mod level;
mod map;
mod monitor;
mod noise;
mod perplexity;
mod random;
mod recent;
mod rectify;
mod reservoir;
mod ridge;
mod sampler;
mod separability;
mod simd;
mod similarity;
mod sketch;
mod snapshot;
mod stability;
#[cfg(test)]
mod testing;
mod window;

pub use affinity::{FilterAffinity, LabelAffinity};
pub use analyze::{AnalyzeError, AnalyzeOptions, Element, Rows, analyze};
pub use config::AnalysisConfig;
pub use effective::{effective_filters, effective_filters_of_sample};
pub use event::{
    Activations, Batch, Checkpoint, Event, Image, InputId, InputSplit, LayerInstances, Observer, Probe,
    ProbedInstances, UNLABELLED, Values,
};
pub use finding::{FilterState, Finding, FindingKind, Severity};
pub use grouping::{REDUNDANT_SIMILARITY, lowest_similarity, redundant_groups};
pub use histogram::{perplexity_bin, perplexity_edges};
pub use layer::{LayerSpec, Rectify, RunDescription};
pub use level::{level, max_activations};
pub use map::{FilterLink, FilterMap, InputMap, MapFields, MapMethod, MapPoints, MapWhole};
pub use monitor::LayerMonitor;
pub use perplexity::{perplexity, strength_perplexity};
pub use rectify::{NegativeActivation, RectifiedRows, rectify_instance, rectify_rows};
pub use sampler::{PositionSampler, positions_per_input};
pub use separability::separability;
pub use similarity::{JaccardAccumulator, jaccard};
pub use sketch::{FilterSketch, Sketch};
pub use snapshot::{
    FilterStatistics, InstanceSample, LayerSnapshot, LayerStatistics, PERPLEXITY_BINS, PerplexityHistogram,
    Separability, Similarity,
};
pub use stability::{SMALLEST_LIMIT, Stability, drift_limit};
pub use window::{KeptWindow, LayerWindow, ObserveError};
