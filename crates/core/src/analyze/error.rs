//! Why a set of instances cannot be analysed.

use super::{MAX_LABEL, MAX_STRENGTHS};

/// Why a set of instances cannot be analysed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum AnalyzeError {
    /// There are no filters.
    #[error("the activations have no filters; expected at least one column")]
    NoFilters,
    /// There are no instances.
    #[error("the activations have no instances; expected at least one row")]
    NoInstances,
    /// The values are no whole number of rows.
    #[error("{values} values are no whole number of instances of {filters} filters")]
    Shape {
        /// How many values there are.
        values: usize,
        /// Values of one instance.
        filters: usize,
    },
    /// There is not one label an instance.
    #[error("{labels} labels for {instances} instances; expected one label an instance")]
    LabelCount {
        /// How many labels there are.
        labels: usize,
        /// How many instances there are.
        instances: usize,
    },
    /// A label is out of range.
    #[error("instance {row} has label {label}; expected 0 to {MAX_LABEL}, or -1 for none")]
    Label {
        /// The instance.
        row: usize,
        /// Its label.
        label: i32,
    },
    /// No instance has a label.
    #[error(
        "all {instances} labels are -1 (none); leave the labels out, or give at least one instance a label of 0 or more"
    )]
    NoLabel {
        /// How many instances there are.
        instances: usize,
    },
    /// There would be too many label strengths to hold.
    #[error(
        "{filters} filters and labels up to {label} make more than {MAX_STRENGTHS} label strengths; number the labels from 0 without gaps"
    )]
    TooManyLabels {
        /// How many filters there are.
        filters: usize,
        /// The largest label.
        label: usize,
    },
    /// beta is out of range.
    #[error("beta is {0}; expected a number from 0 up to, but not including, 1")]
    Beta(f64),
    /// A negative value where none may be.
    #[error(
        "instance {row} holds {value} for filter {filter}, and without rectification activations must not be negative; rectify by relu, abs or softmax"
    )]
    Negative {
        /// The instance.
        row: usize,
        /// The filter.
        filter: usize,
        /// Its activation.
        value: f64,
    },
    /// A value that 32 bits cannot hold.
    #[error(
        "instance {row} holds {value:e} for filter {filter}, beyond the range of 32-bit numbers (3.4e38)"
    )]
    Range {
        /// The instance.
        row: usize,
        /// The filter.
        filter: usize,
        /// Its activation.
        value: f64,
    },
}
