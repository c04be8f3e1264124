//! The column matrix of a convolution: a row for each value that a filter reads, a column for each output position.

use deepeyes_network::Conv2d;
use std::ops::Range;

/// Values of a tile of the column matrix; about half of a core's second-level cache.
const TILE: usize = 1 << 17;
/// Columns of a tile below which matrix products become inefficient.
const COLUMNS: usize = 256;

/// The sizes of a convolution.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes {
    pub(super) conv: Conv2d,
    /// Channels, height and width of an input image.
    pub(super) input: [usize; 3],
    /// Height and width of the output grid.
    pub(super) grid: [usize; 2],
}

/// Some output rows of some consecutive images.
#[derive(Debug, Clone)]
pub(super) struct Tile {
    pub(super) images: Range<usize>,
    pub(super) rows: Range<usize>,
}

impl Sizes {
    pub(super) fn new(conv: Conv2d, input: [usize; 3]) -> Self {
        let extent = |axis: usize| {
            let span = conv.dilation[axis] * (conv.kernel[axis] - 1) + 1;
            (input[axis + 1] + 2 * conv.padding[axis] - span) / conv.stride[axis] + 1
        };
        Self { conv, input, grid: [extent(0), extent(1)] }
    }

    /// Input channels of a group.
    fn depth(&self) -> usize {
        self.input[0] / self.conv.groups
    }

    /// Values that a filter reads: rows of the column matrix.
    pub(super) fn reads(&self) -> usize {
        self.depth() * self.conv.kernel[0] * self.conv.kernel[1]
    }

    /// Filters of a group.
    pub(super) fn filters(&self) -> usize {
        self.conv.filters / self.conv.groups
    }

    /// Positions of the output grid.
    pub(super) fn positions(&self) -> usize {
        self.grid[0] * self.grid[1]
    }

    /// Values of an input image.
    pub(super) fn image(&self) -> usize {
        self.input.iter().product()
    }

    /// Values of an output image.
    pub(super) fn output(&self) -> usize {
        self.conv.filters * self.positions()
    }

    /// Columns of a tile.
    pub(super) fn columns(&self, tile: &Tile) -> usize {
        tile.images.len() * tile.rows.len() * self.grid[1]
    }

    /// Cuts `images` images into tiles: several small images, or a band of a large one.
    pub(super) fn tiles(&self, images: usize) -> Vec<Tile> {
        let band = (TILE / (self.reads() * self.grid[1])).clamp(1, self.grid[0]);
        let together = if band < self.grid[0] { 1 } else { (COLUMNS / self.positions()).clamp(1, images) };
        let mut tiles = vec![];
        for first in (0..images).step_by(together) {
            for row in (0..self.grid[0]).step_by(band) {
                let rows = row..(row + band).min(self.grid[0]);
                tiles.push(Tile { images: first..(first + together).min(images), rows });
            }
        }
        tiles
    }

    /// Fills the column matrix `[reads, columns]` of a tile and group from the images around it.
    pub(super) fn gather(&self, images: &[f32], group: usize, tile: &Tile, columns: &mut [f32]) {
        let step = self.conv.stride[1];
        self.runs(group, tile, |run| {
            let target = &mut columns[run.column..run.column + self.grid[1]];
            let Some(source) = run.source else { return target.fill(0.0) };
            target[..run.inside.start].fill(0.0);
            target[run.inside.end..].fill(0.0);
            let target = &mut target[run.inside];
            let source = &images[source..source + (target.len() - 1) * step + 1];
            if step == 1 {
                target.copy_from_slice(source);
            } else {
                target.iter_mut().zip(source.iter().step_by(step)).for_each(|(to, &from)| *to = from);
            }
        });
    }

    /// Adds a column matrix to the images that it would have been gathered from.
    pub(super) fn scatter(&self, columns: &[f32], group: usize, tile: &Tile, images: &mut [f32]) {
        let step = self.conv.stride[1];
        self.runs(group, tile, |run| {
            let Some(target) = run.source else { return };
            let source = &columns[run.column..run.column + self.grid[1]][run.inside];
            let target = &mut images[target..target + (source.len() - 1) * step + 1];
            if step == 1 {
                target.iter_mut().zip(source).for_each(|(to, from)| *to += from);
            } else {
                target.iter_mut().step_by(step).zip(source).for_each(|(to, from)| *to += from);
            }
        });
    }

    /// Visits every run of the column matrix: one row of it, along one output row.
    fn runs(&self, group: usize, tile: &Tile, mut visit: impl FnMut(Run)) {
        let Conv2d { kernel, stride, padding, dilation, .. } = self.conv;
        let [_, height, width] = self.input;
        let mut column = 0;
        for channel in group * self.depth()..(group + 1) * self.depth() {
            for (ky, kx) in (0..kernel[0]).flat_map(|ky| (0..kernel[1]).map(move |kx| (ky, kx))) {
                let reach = kx * dilation[1];
                // Column x of the grid reads column x * stride + reach - padding of the image.
                let before = |bound: usize| bound.saturating_sub(reach).div_ceil(stride[1]).min(self.grid[1]);
                let start = before(padding[1]);
                let inside = start..before(width + padding[1]).max(start);
                for image in tile.images.clone() {
                    for row in tile.rows.clone() {
                        let y = (row * stride[0] + ky * dilation[0]).wrapping_sub(padding[0]);
                        let source = (y < height && !inside.is_empty()).then(|| {
                            let first = start * stride[1] + reach - padding[1];
                            image * self.image() + (channel * height + y) * width + first
                        });
                        visit(Run { column, source, inside: inside.clone() });
                        column += self.grid[1];
                    }
                }
            }
        }
    }
}

/// Part of one row of the column matrix, as long as an output row.
struct Run {
    /// Where it lies in the matrix.
    column: usize,
    /// Where its first value inside of the image lies; `None` where all is padding.
    source: Option<usize>,
    /// Which of its values are inside of the image.
    inside: Range<usize>,
}
