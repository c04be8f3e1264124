//! Receptive-field geometry: which pixels of the input an output position sees.

use serde::{Deserialize, Serialize};

/// A rectangle in input pixels; `y` and `x` are negative where it reaches into the padding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Rect {
    /// First row.
    pub y: i64,
    /// First column.
    pub x: i64,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

/// The rectangle that each position of a layer's output grid sees in the input:
/// `offset + stride * position`, `size` pixels, all as `[vertical, horizontal]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceptiveField {
    /// Height and width of the rectangle, in input pixels.
    pub size: [usize; 2],
    /// Distance between the rectangles of neighbouring positions, in input pixels.
    pub stride: [usize; 2],
    /// Top left corner of position (0, 0); negative with padding.
    pub offset: [i64; 2],
}

impl ReceptiveField {
    /// The rectangle of the position at `[row, column]` of the output grid.
    pub fn rect(&self, position: [usize; 2]) -> Rect {
        let start = |axis: usize| self.offset[axis] + (self.stride[axis] * position[axis]) as i64;
        Rect { y: start(0), x: start(1), height: self.size[0], width: self.size[1] }
    }
}
