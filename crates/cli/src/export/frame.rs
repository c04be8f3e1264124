//! What is exported: named columns of one length.

/// A column's values.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Column {
    /// Whole numbers; `None` where there is none.
    Int(Vec<Option<i64>>),
    /// Real numbers; `None` where there is none.
    Real(Vec<Option<f64>>),
    /// Single-precision numbers, one for each row.
    Single(Vec<f32>),
    /// Words.
    Text(Vec<String>),
}

impl Column {
    /// Number of rows.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Int(values) => values.len(),
            Self::Real(values) => values.len(),
            Self::Single(values) => values.len(),
            Self::Text(values) => values.len(),
        }
    }

    /// A column of whole numbers, all of them there.
    pub(crate) fn whole(values: impl IntoIterator<Item = u64>) -> Self {
        Self::Int(values.into_iter().map(|value| Some(value.cast_signed())).collect())
    }
}

/// A table of columns.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Frame {
    pub(crate) columns: Vec<(String, Column)>,
}

impl Frame {
    /// Adds a column.
    pub(crate) fn push(&mut self, name: impl Into<String>, column: Column) {
        debug_assert!(self.columns.is_empty() || self.rows() == column.len());
        self.columns.push((name.into(), column));
    }

    /// Number of rows.
    pub(crate) fn rows(&self) -> usize {
        self.columns.first().map_or(0, |(_, column)| column.len())
    }
}
