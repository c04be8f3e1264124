//! What can be wrong with the input of a map.

use crate::neighbours::NeighbourError;

/// Why a map, or a measure of one, cannot be computed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum EmbedError {
    /// A matrix has no columns, or its values do not fill its rows.
    #[error(
        "{values} values are no whole number of rows of {dimension}; give [n, dimension] values, row by row"
    )]
    Shape {
        /// How many values there are.
        values: usize,
        /// How many a row must have.
        dimension: usize,
    },
    /// A value is NaN or infinite.
    #[error("row {row}, column {column} holds {value}; leave out or repair such rows, values must be finite")]
    NotFinite {
        /// The row.
        row: usize,
        /// The column.
        column: usize,
        /// The value.
        value: f64,
    },
    /// There is nothing to embed.
    #[error("there are no rows; at least {least} is needed")]
    Empty {
        /// How few rows would do.
        least: usize,
    },
    /// A parameter is outside its range.
    #[error("{name} is {value}, but must be {expected}")]
    Parameter {
        /// Which parameter.
        name: &'static str,
        /// Its value.
        value: f64,
        /// What would be accepted.
        expected: &'static str,
    },
    /// Two inputs that describe the same points differ in number.
    #[error("{what}: {found} given, {expected} expected")]
    Length {
        /// Which input.
        what: &'static str,
        /// Its length.
        found: usize,
        /// The length of what it must fit.
        expected: usize,
    },
    /// Neighbours cannot be found.
    #[error(transparent)]
    Neighbours(#[from] NeighbourError),
}

impl EmbedError {
    /// An error where `found` and `expected` differ.
    pub(crate) fn unless_equal(what: &'static str, found: usize, expected: usize) -> Result<(), Self> {
        if found == expected { Ok(()) } else { Err(Self::Length { what, found, expected }) }
    }
}
