//! Features of a layer's output for label separability: averaged to a coarse grid, narrowed where they are many.

use crate::projection::{Projection, WIDTH};
use crate::streams::Purpose;

/// Most rows and columns of the coarse grid.
const GRID: usize = 4;

/// Makes a layer's features `[n, width]` from its output `[n, F, height, width]`.
#[derive(Debug)]
pub(crate) struct Features {
    filters: usize,
    grid: [usize; 2],
    coarse: [usize; 2],
    /// `None` where the features are few.
    projection: Option<Projection>,
}

impl Features {
    /// For a layer of `filters` filters on a `grid`, the `layer`-th that is watched.
    pub(crate) fn new(filters: usize, grid: [usize; 2], seed: u64, layer: usize) -> Self {
        let coarse = grid.map(|side| side.min(GRID));
        let many = filters * coarse[0] * coarse[1];
        Self { filters, grid, coarse, projection: Projection::new(many, seed, Purpose::Projection, layer) }
    }

    /// Features of one input.
    pub(crate) fn width(&self) -> usize {
        if self.projection.is_some() { WIDTH } else { self.filters * self.coarse[0] * self.coarse[1] }
    }

    /// Appends the features of each input of `output`.
    pub(crate) fn append(&self, output: &[f32], features: &mut Vec<f32>) {
        for input in output.chunks_exact(self.filters * self.grid[0] * self.grid[1]) {
            let start = features.len();
            features.resize(start + self.width(), 0.0);
            let out = &mut features[start..];
            for (at, value) in self.averages(input).enumerate() {
                match &self.projection {
                    Some(projection) => projection.add(at, value, out),
                    None => out[at] = value,
                }
            }
        }
    }

    /// Averages over the cells of the coarse grid, filter by filter. Cell i of k spans the rows from `i h / k`, rounded
    /// down, to `(i + 1) h / k`, rounded up, as in PyTorch's adaptive average pooling.
    fn averages<'a>(&'a self, input: &'a [f32]) -> impl Iterator<Item = f32> + 'a {
        let [height, width] = self.grid;
        let [rows, columns] = self.coarse;
        input.chunks_exact(height * width).flat_map(move |map| {
            (0..rows * columns).map(move |cell| {
                let (y, x) = (span(cell / columns, rows, height), span(cell % columns, columns, width));
                let count = (y.len() * x.len()) as f32;
                y.map(|row| map[row * width..][x.clone()].iter().sum::<f32>()).sum::<f32>() / count
            })
        })
    }
}

fn span(cell: usize, cells: usize, side: usize) -> std::ops::Range<usize> {
    cell * side / cells..((cell + 1) * side).div_ceil(cells)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_grids_are_kept_and_large_ones_averaged() {
        let mut found = vec![];
        Features::new(2, [1, 2], 0, 0).append(&[1.0, 2.0, 3.0, 4.0], &mut found);
        assert_eq!(found, [1.0, 2.0, 3.0, 4.0]);

        let rows: Vec<f32> = (0..8).flat_map(|row| [row as f32; 5]).collect();
        let features = Features::new(1, [8, 5], 0, 0);
        found.clear();
        features.append(&rows, &mut found);
        assert_eq!(features.width(), 16);
        for (cell, value) in found.iter().enumerate() {
            assert_eq!(*value, (cell / 4) as f32 * 2.0 + 0.5);
        }
    }

    #[test]
    fn a_projection_keeps_squared_distances_on_average() {
        let many = 3000;
        let output: Vec<f32> = (0..many).map(|at| ((at * 37 % 101) as f32 - 50.0) / 50.0).collect();
        let expected: f32 = output.iter().map(|v| v * v).sum();
        let mean = (0..20)
            .map(|seed| {
                let features = Features::new(many, [1, 1], seed, 0);
                let mut found = vec![];
                features.append(&output, &mut found);
                assert_eq!(found.len(), WIDTH);
                found.iter().map(|v| v * v).sum::<f32>()
            })
            .sum::<f32>()
            / 20.0;
        assert!((mean / expected - 1.0).abs() < 0.05, "{mean} {expected}");
    }
}
