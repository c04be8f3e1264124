//! Narrowing of very wide vectors, so that distances stay what they are.

use crate::streams::{Purpose, stream};
use rand::RngExt;

/// Values of a narrowed vector; shorter ones stay as they are.
pub(crate) const WIDTH: usize = 1024;
/// Outputs to which each value is sent.
const SENDS: usize = 4;

/// Sparse Johnson-Lindenstrauss transform (Kane and Nelson 2014): each value goes with random signs to `SENDS` outputs,
/// one in each quarter of them, scaled so that squared distances keep their expectation.
#[derive(Debug)]
pub(crate) struct Projection(Vec<[(u16, f32); SENDS]>);

impl Projection {
    /// For vectors of `values` values, the same for a seed and a place; `None` where they are short.
    pub(crate) fn new(values: usize, seed: u64, purpose: Purpose, layer: usize) -> Option<Self> {
        if values <= WIDTH {
            return None;
        }
        let mut rng = stream(seed, purpose, [layer as u64, 0]);
        let block = WIDTH / SENDS;
        let scale = 1.0 / (SENDS as f32).sqrt();
        let mut send = |part: usize| {
            let to = (part * block + rng.random_range(0..block)) as u16;
            (to, if rng.random_bool(0.5) { scale } else { -scale })
        };
        Some(Self((0..values).map(|_| std::array::from_fn(&mut send)).collect()))
    }

    /// Adds value number `at` to the `WIDTH` outputs.
    pub(crate) fn add(&self, at: usize, value: f32, out: &mut [f32]) {
        for &(to, sign) in &self.0[at] {
            out[usize::from(to)] += sign * value;
        }
    }
}
