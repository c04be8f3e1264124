//! The slow obvious versions, to which tests hold the model.

/// A block of numbers `[n, channels, height, width]`.
#[derive(Debug, Clone)]
pub(crate) struct Block {
    pub(crate) dims: [usize; 4],
    pub(crate) values: Vec<f64>,
}

impl Block {
    pub(crate) fn from_fn(dims: [usize; 4], mut value: impl FnMut([usize; 4]) -> f64) -> Self {
        let mut values = Vec::new();
        for n in 0..dims[0] {
            for c in 0..dims[1] {
                for y in 0..dims[2] {
                    for x in 0..dims[3] {
                        values.push(value([n, c, y, x]));
                    }
                }
            }
        }
        Self { dims, values }
    }

    pub(crate) fn at(&self, [n, c, y, x]: [usize; 4]) -> f64 {
        self.values[((n * self.dims[1] + c) * self.dims[2] + y) * self.dims[3] + x]
    }

    /// The value at a row and column that may lie outside.
    fn inside(&self, n: usize, c: usize, y: isize, x: isize) -> Option<f64> {
        let inside = |at: isize, side: usize| (0..side as isize).contains(&at);
        (inside(y, self.dims[2]) && inside(x, self.dims[3])).then(|| self.at([n, c, y as usize, x as usize]))
    }
}

/// Where windows lie.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Windows {
    pub(crate) kernel: [usize; 2],
    pub(crate) stride: [usize; 2],
    pub(crate) padding: [usize; 2],
    pub(crate) dilation: [usize; 2],
    pub(crate) ceil: bool,
}

impl Windows {
    fn outputs(&self, side: usize, axis: usize) -> usize {
        let span = self.dilation[axis] * (self.kernel[axis] - 1) + 1;
        let free = side + 2 * self.padding[axis] - span;
        if !self.ceil {
            return free / self.stride[axis] + 1;
        }
        let outputs = free.div_ceil(self.stride[axis]) + 1;
        // A last window that would begin outside of the image and its first padding is none.
        let begins = (outputs - 1) * self.stride[axis];
        if begins >= side + self.padding[axis] { outputs - 1 } else { outputs }
    }

    fn start(&self, at: usize, axis: usize) -> isize {
        (at * self.stride[axis]) as isize - self.padding[axis] as isize
    }
}

/// Cross-correlation in groups; `weight` is `[filters, channels / groups, kernel]`.
pub(crate) fn convolution(
    x: &Block,
    weight: &Block,
    bias: Option<&[f64]>,
    windows: Windows,
    groups: usize,
) -> Block {
    let [n, _, height, width] = x.dims;
    let [filters, depth, ..] = weight.dims;
    let dims = [n, filters, windows.outputs(height, 0), windows.outputs(width, 1)];
    Block::from_fn(dims, |[n, f, row, column]| {
        let first = f / (filters / groups) * depth;
        let mut sum = bias.map_or(0.0, |bias| bias[f]);
        for c in 0..depth {
            for ky in 0..windows.kernel[0] {
                for kx in 0..windows.kernel[1] {
                    let y = windows.start(row, 0) + (ky * windows.dilation[0]) as isize;
                    let x_at = windows.start(column, 1) + (kx * windows.dilation[1]) as isize;
                    sum += weight.at([f, c, ky, kx]) * x.inside(n, first + c, y, x_at).unwrap_or(0.0);
                }
            }
        }
        sum
    })
}

/// Largest or mean value of each window. A mean counts the padding, but not what a last window has beyond it (Caffe).
pub(crate) fn pool(x: &Block, windows: Windows, largest: bool) -> Block {
    let [n, channels, height, width] = x.dims;
    let dims = [n, channels, windows.outputs(height, 0), windows.outputs(width, 1)];
    Block::from_fn(dims, |[n, c, row, column]| {
        let (top, left) = (windows.start(row, 0), windows.start(column, 1));
        let end = |start: isize, axis: usize, side: usize| {
            (start + windows.kernel[axis] as isize).min((side + windows.padding[axis]) as isize)
        };
        let (bottom, right) = (end(top, 0, height), end(left, 1, width));
        let values =
            || (top..bottom).flat_map(|y| (left..right).filter_map(move |x_at| x.inside(n, c, y, x_at)));
        if largest {
            values().fold(f64::NEG_INFINITY, f64::max)
        } else {
            values().sum::<f64>() / ((bottom - top) * (right - left)) as f64
        }
    })
}

/// Local response normalisation across channels.
pub(crate) fn local_response(x: &Block, size: usize, alpha: f64, beta: f64, k: f64) -> Block {
    Block::from_fn(x.dims, |[n, c, y, column]| {
        let near = (c + 1).saturating_sub(size / 2 + 1)..(c + (size - 1) / 2 + 1).min(x.dims[1]);
        let sum: f64 = near.map(|c| x.at([n, c, y, column]).powi(2)).sum();
        x.at([n, c, y, column]) / (k + alpha / size as f64 * sum).powf(beta)
    })
}
