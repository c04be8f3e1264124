//! The largest networks that are described: far beyond what is trained, small enough that nothing overflows or hangs.

/// Layers of a network.
pub(crate) const MAX_LAYERS: usize = 4096;
/// Rows or columns of a map, a kernel, a stride or a padding.
pub(crate) const MAX_AXIS: usize = 16_384;
/// Filters of a convolution, units of a dense layer.
pub(crate) const MAX_FILTERS: usize = 1 << 20;
/// Values that a layer puts out for one input.
pub(crate) const MAX_VALUES: u64 = 1 << 32;
/// Input pixels that a receptive field or its stride may span.
pub(crate) const MAX_FIELD: i64 = 1 << 40;
/// Kernel taps that the exact receptive fields of one network may visit.
pub(crate) const MAX_TAPS: u64 = 1 << 28;
