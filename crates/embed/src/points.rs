//! Points as they enter the library: checked once, here, and trusted afterwards.

use crate::EmbedError;
use crate::neighbours::{Neighbours, near_others, nearest_others};

/// Points up to which [`Points::near_neighbours`] compares all pairs.
pub const EXACT_MOST: usize = 15_000;

/// Finite points, `[n, dimension]`, row-major.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Points<'a> {
    values: &'a [f32],
    dimension: usize,
}

impl<'a> Points<'a> {
    /// Takes a row-major matrix `[n, dimension]`.
    ///
    /// # Errors
    /// Where it has no columns, no whole rows, or a value that is not finite.
    pub fn new(values: &'a [f32], dimension: usize) -> Result<Self, EmbedError> {
        if dimension == 0 || !values.len().is_multiple_of(dimension) {
            return Err(EmbedError::Shape { values: values.len(), dimension });
        }
        match values.iter().position(|value| !value.is_finite()) {
            None => Ok(Self { values, dimension }),
            Some(place) => Err(EmbedError::NotFinite {
                row: place / dimension,
                column: place % dimension,
                value: f64::from(values[place]),
            }),
        }
    }

    /// The points of a map.
    ///
    /// # Errors
    /// Where a coordinate is not finite.
    pub fn of_map(map: &'a [[f32; 2]]) -> Result<Self, EmbedError> {
        Self::new(map.as_flattened(), 2)
    }

    /// How many points there are.
    pub fn len(&self) -> usize {
        self.values.len() / self.dimension
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Coordinates of a point.
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// All coordinates, `[n, dimension]`.
    pub fn values(&self) -> &'a [f32] {
        self.values
    }

    /// The coordinates of one point.
    pub fn row(&self, row: usize) -> &'a [f32] {
        &self.values[row * self.dimension..][..self.dimension]
    }

    /// All points, in order.
    pub fn rows(&self) -> std::slice::ChunksExact<'a, f32> {
        self.values.chunks_exact(self.dimension)
    }

    /// The `k` nearest other points of each point, exactly.
    ///
    /// # Errors
    /// Where `k` is zero or above n - 1.
    pub fn neighbours(&self, k: usize) -> Result<Neighbours, EmbedError> {
        Ok(nearest_others(self.values, self.dimension, k)?)
    }

    /// The `k` nearest other points of each point: exactly for up to [`EXACT_MOST`] points, by
    /// [`near_others`] above.
    ///
    /// # Errors
    /// Where `k` is zero or above n - 1.
    pub fn near_neighbours(&self, k: usize) -> Result<Neighbours, EmbedError> {
        if self.len() <= EXACT_MOST {
            return self.neighbours(k);
        }
        Ok(near_others(self.values, self.dimension, k)?)
    }

    /// Squared Euclidean distance of two points.
    pub(crate) fn squared_distance(&self, one: usize, other: usize) -> f64 {
        let pairs = self.row(one).iter().zip(self.row(other));
        pairs.map(|(&x, &y)| (f64::from(x) - f64::from(y)).powi(2)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_points_are_named() {
        assert_eq!(Points::new(&[1.0; 3], 2), Err(EmbedError::Shape { values: 3, dimension: 2 }));
        assert_eq!(Points::new(&[], 0), Err(EmbedError::Shape { values: 0, dimension: 0 }));
        let infinite = Points::new(&[0.0, 0.0, 0.0, f32::INFINITY], 2);
        assert_eq!(infinite, Err(EmbedError::NotFinite { row: 1, column: 1, value: f64::INFINITY }));
        assert!(Points::of_map(&[[0.0, f32::NAN]]).is_err());
        assert!(Points::new(&[], 3).is_ok_and(|points| points.is_empty()));
    }
}
