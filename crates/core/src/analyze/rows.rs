//! The instances that count, rectified one at a time in 64 bits, so that no copy of the activations is made.

use super::AnalyzeError;
use crate::Rectify;
use rayon::prelude::*;

/// A number type in which activations may come: `f32` or `f64`.
pub trait Element: Copy + Send + Sync + Into<f64> + private::Sealed {}
impl Element for f32 {}
impl Element for f64 {}

mod private {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// Rows of a block of work at least.
const BLOCK: usize = 256;
/// Blocks at most: what each of them sums up is held until all are added, in order.
const BLOCKS: usize = 512;

/// The finite instances of a matrix of activations.
pub(super) struct Instances<'a, T> {
    values: &'a [T],
    pub(super) filters: usize,
    rectify: Rectify,
    /// Rows of the finite instances; `None` where all are.
    finite: Option<Vec<usize>>,
}

/// What one row is, before it is rectified.
enum Row {
    Fine,
    Invalid,
    Refused(AnalyzeError),
}

impl<'a, T: Element> Instances<'a, T> {
    /// Looks at every value once.
    pub(super) fn new(values: &'a [T], filters: usize, rectify: Rectify) -> Result<Self, AnalyzeError> {
        let rows: Vec<Row> = values
            .par_chunks_exact(filters)
            .with_min_len(BLOCK)
            .enumerate()
            .map(|(row, values)| inspect(row, values, rectify))
            .collect();
        let n = rows.len();
        let mut finite = Vec::new();
        for (row, kind) in rows.into_iter().enumerate() {
            match kind {
                Row::Fine => finite.push(row),
                Row::Invalid => {}
                Row::Refused(error) => return Err(error),
            }
        }
        let finite = (finite.len() < n).then_some(finite);
        Ok(Self { values, filters, rectify, finite })
    }

    /// Number of finite instances.
    pub(super) fn len(&self) -> usize {
        self.finite.as_ref().map_or(self.values.len() / self.filters, Vec::len)
    }

    /// The row of an instance in the matrix that was given.
    pub(super) fn row(&self, instance: usize) -> usize {
        self.finite.as_ref().map_or(instance, |rows| rows[instance])
    }

    /// Writes the rectified activation vector of an instance.
    pub(super) fn rectified(&self, instance: usize, out: &mut [f64]) {
        let raw = &self.values[self.row(instance) * self.filters..][..self.filters];
        let raw = raw.iter().map(|&value| value.into());
        match self.rectify {
            Rectify::Relu => fill(out, raw.map(|value: f64| if value > 0.0 { value } else { 0.0 })),
            Rectify::Abs => fill(out, raw.map(f64::abs)),
            // Adding zero turns -0 into 0.
            Rectify::None => fill(out, raw.map(|value| value + 0.0)),
            Rectify::Softmax => {
                let largest = raw.clone().fold(f64::NEG_INFINITY, f64::max);
                fill(out, raw.map(|value| (value - largest).exp()));
                let sum: f64 = out.iter().sum();
                out.iter_mut().for_each(|value| *value /= sum);
            }
        }
    }

    /// Instances of a block of work; depends on their number alone, so that results are the same on any machine.
    pub(super) fn block(&self) -> usize {
        self.len().div_ceil(BLOCKS).max(BLOCK)
    }

    /// Lets `add` see every rectified instance, block by block, and returns what each block made of its own, in order.
    pub(super) fn by_block<A: Send>(
        &self,
        start: impl Fn() -> A + Sync,
        add: impl Fn(&mut A, &[f64]) + Sync,
    ) -> Vec<A> {
        let (n, block) = (self.len(), self.block());
        (0..n.div_ceil(block))
            .into_par_iter()
            .map(|place| {
                let mut own = start();
                let mut rectified = vec![0.0; self.filters];
                for instance in place * block..((place + 1) * block).min(n) {
                    self.rectified(instance, &mut rectified);
                    add(&mut own, &rectified);
                }
                own
            })
            .collect()
    }
}

fn fill(out: &mut [f64], values: impl Iterator<Item = f64>) {
    for (out, value) in out.iter_mut().zip(values) {
        *out = value;
    }
}

fn inspect<T: Element>(row: usize, values: &[T], rectify: Rectify) -> Row {
    let mut refused = None;
    for (filter, &value) in values.iter().enumerate() {
        let value: f64 = value.into();
        if !value.is_finite() {
            return Row::Invalid;
        }
        if refused.is_none() {
            if value.abs() > f64::from(f32::MAX) {
                refused = Some(AnalyzeError::Range { row, filter, value });
            } else if rectify == Rectify::None && value < 0.0 {
                refused = Some(AnalyzeError::Negative { row, filter, value });
            }
        }
    }
    refused.map_or(Row::Fine, Row::Refused)
}
