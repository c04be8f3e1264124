//! Sparse matrices, row by row.

use rayon::prelude::*;

/// A sparse matrix in compressed rows; the columns of a row are in rising order.
#[derive(Debug, Clone, PartialEq)]
pub struct Sparse {
    columns: usize,
    offsets: Vec<usize>,
    indices: Vec<u32>,
    values: Vec<f32>,
}

impl Sparse {
    /// Takes the entries of each row, whose columns rise.
    pub(crate) fn from_rows(columns: usize, rows: &[Vec<(u32, f32)>]) -> Self {
        let mut offsets = Vec::with_capacity(rows.len() + 1);
        let entries = rows.iter().map(Vec::len).sum();
        let (mut indices, mut values) = (Vec::with_capacity(entries), Vec::with_capacity(entries));
        offsets.push(0);
        for row in rows {
            indices.extend(row.iter().map(|entry| entry.0));
            values.extend(row.iter().map(|entry| entry.1));
            offsets.push(indices.len());
        }
        Self { columns, offsets, indices, values }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Number of columns.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Number of entries that are stored.
    pub fn entries(&self) -> usize {
        self.values.len()
    }

    /// Columns and values of a row.
    pub fn row(&self, row: usize) -> (&[u32], &[f32]) {
        let range = self.range(row);
        (&self.indices[range.clone()], &self.values[range])
    }

    /// Where the entries of a row are among those of all rows.
    pub(crate) fn range(&self, row: usize) -> std::ops::Range<usize> {
        self.offsets[row]..self.offsets[row + 1]
    }

    /// Pairs of column and value of a row.
    pub fn pairs(&self, row: usize) -> impl Iterator<Item = (usize, f32)> {
        let (columns, values) = self.row(row);
        columns.iter().zip(values).map(|(&column, &value)| (column as usize, value))
    }

    /// The matrix with rows and columns exchanged.
    pub fn transpose(&self) -> Self {
        let mut offsets = vec![0; self.columns + 1];
        for &column in &self.indices {
            offsets[column as usize + 1] += 1;
        }
        for column in 0..self.columns {
            offsets[column + 1] += offsets[column];
        }
        let mut next = offsets.clone();
        let (mut indices, mut values) = (vec![0; self.entries()], vec![0.0; self.entries()]);
        for row in 0..self.rows() {
            for (column, value) in self.pairs(row) {
                let place = &mut next[column];
                indices[*place] = row as u32;
                values[*place] = value;
                *place += 1;
            }
        }
        Self { columns: self.rows(), offsets, indices, values }
    }

    /// The matrix times a vector, `[rows]`.
    pub fn times(&self, vector: &[f64]) -> Vec<f64> {
        let row = |row| self.pairs(row).map(|(column, value)| f64::from(value) * vector[column]).sum();
        (0..self.rows()).into_par_iter().map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transposing_exchanges_rows_and_columns() {
        let matrix = Sparse::from_rows(3, &[vec![(0, 1.0), (2, 2.0)], vec![], vec![(2, 3.0)]]);
        let transposed = matrix.transpose();
        assert_eq!(transposed, Sparse::from_rows(3, &[vec![(0, 1.0)], vec![], vec![(0, 2.0), (2, 3.0)]]));
        assert_eq!(transposed.transpose(), matrix);
        assert_eq!(matrix.times(&[1.0, 5.0, 10.0]), [21.0, 0.0, 30.0]);
    }
}
