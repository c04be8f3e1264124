//! From raw activations of one input to rectified ones, invalid instances left out. Whole feature maps are gathered
//! `[F, positions]`, so that SIMD lanes run over the drawn positions; rows and dense layers stay `[n, F]`, and lanes run
//! over the filters.

use super::compress::{Compress, SLACK};
use crate::Rectify;
use crate::perplexity::Perplexities;
use crate::rectify::rectify_instance;
use pulp::{Arch, Simd, WithSimd};

/// Working memory of a window, and the valid instances of the input at hand.
#[derive(Debug, Clone, Default)]
pub(super) struct Scratch {
    filters: usize,
    /// Positions drawn from the input.
    pub(super) positions: Vec<u32>,
    /// Where each valid instance's first filter lies in the raw values.
    sources: Vec<usize>,
    values: Vec<f32>,
    maxima: Vec<f32>,
    sums: Vec<f32>,
    perplexities: Perplexities,
}

/// The valid instances of one input.
pub(super) struct Block<'a> {
    raw: &'a [f32],
    /// Distance of an instance's filters in `raw`.
    raw_step: usize,
    sources: &'a [usize],
    rectified: &'a [f32],
    /// Distances of instances and of filters in `rectified`.
    steps: (usize, usize),
    filters: usize,
    /// Position of each valid instance.
    pub(super) positions: &'a [u32],
    /// Largest rectified activation of each filter.
    pub(super) maxima: &'a [f32],
    /// Sum of each filter's rectified activations.
    pub(super) sums: &'a [f32],
    pub(super) perplexities: &'a Perplexities,
}

impl Block<'_> {
    /// Rectified activations of an instance.
    pub(super) fn rectified(&self, instance: usize) -> impl Iterator<Item = f32> + '_ {
        let (of_instance, of_filter) = self.steps;
        self.rectified[instance * of_instance..].iter().step_by(of_filter).take(self.filters).copied()
    }

    /// The same where they lie one after the other.
    pub(super) fn row(&self, instance: usize) -> Option<&[f32]> {
        let (of_instance, of_filter) = self.steps;
        (of_filter == 1).then(|| &self.rectified[instance * of_instance..][..self.filters])
    }

    /// Raw activations of an instance.
    pub(super) fn raw(&self, instance: usize) -> impl Iterator<Item = f32> + '_ {
        self.raw[self.sources[instance]..].iter().step_by(self.raw_step).take(self.filters).copied()
    }
}

impl Scratch {
    pub(super) fn new(filters: usize) -> Self {
        Self { filters, maxima: vec![0.0; filters], sums: vec![0.0; filters], ..Self::default() }
    }

    /// Instances of the drawn positions of feature maps `[F, area]`, which are the bits of `mask`.
    pub(super) fn maps<'a>(
        &'a mut self,
        rectify: Rectify,
        maps: &'a [f32],
        area: usize,
        mask: &[u64],
    ) -> Block<'a> {
        let mut stride = self.gather(&Compress { maps, area, mask });
        if !self.rectify_planes(rectify, stride) {
            let mut mask = mask.to_vec();
            self.positions.retain(|&position| {
                let position = position as usize;
                let finite = maps[position..].iter().step_by(area).all(|value| value.is_finite());
                mask[position / 64] &= !(u64::from(!finite) << (position % 64));
                finite
            });
            stride = self.gather(&Compress { maps, area, mask: &mask });
            self.rectify_planes(rectify, stride);
        }
        self.sources.clear();
        self.sources.extend(self.positions.iter().map(|&position| position as usize));
        self.perplexities.of_columns(&self.values, stride, self.filters);
        self.block(maps, area, (1, stride))
    }

    /// Instances given as rows `[n, F]`, one for each drawn position.
    pub(super) fn rows<'a>(&'a mut self, rectify: Rectify, rows: &'a [f32]) -> Block<'a> {
        let filters = self.filters;
        self.values.resize(rows.len(), 0.0);
        self.sources.clear();
        for (row, raw) in rows.chunks_exact(filters).enumerate() {
            let valid = self.sources.len();
            let out = &mut self.values[valid * filters..][..filters];
            // Negative values where they are refused were refused at the door; -inf was not, and is invalid here.
            if rectify_instance(rectify, raw, out) == Ok(true) {
                self.positions[valid] = self.positions[row];
                self.sources.push(row * filters);
            }
        }
        self.values.truncate(self.sources.len() * filters);
        self.positions.truncate(self.sources.len());
        let (maxima, sums) = (&mut self.maxima, &mut self.sums);
        Arch::new().dispatch(FoldRows { rows: &self.values, filters, maxima, sums });
        self.perplexities.of_rows(&self.values, filters);
        self.block(rows, 1, (filters, 1))
    }

    fn block<'a>(&'a self, raw: &'a [f32], raw_step: usize, steps: (usize, usize)) -> Block<'a> {
        Block {
            raw,
            raw_step,
            sources: &self.sources,
            rectified: &self.values,
            steps,
            filters: self.filters,
            positions: &self.positions,
            maxima: &self.maxima,
            sums: &self.sums,
            perplexities: &self.perplexities,
        }
    }

    /// Copies the drawn positions of each map to a plane, padded with zeros to a multiple of 16; gives the planes' width.
    fn gather(&mut self, drawn: &Compress) -> usize {
        let stride = self.positions.len().next_multiple_of(16);
        let size = self.filters * stride;
        if stride > 0 {
            self.values.resize(size + SLACK, 0.0);
            drawn.to_planes(&mut self.values, stride);
        }
        self.values.truncate(size);
        stride
    }

    /// Rectifies the planes in place and folds each filter's maximum and sum; false where a value is not finite (then all
    /// of it means nothing).
    fn rectify_planes(&mut self, rectify: Rectify, stride: usize) -> bool {
        if rectify == Rectify::Softmax && !self.softmax_columns(stride) {
            return false;
        }
        let abs = rectify == Rectify::Abs;
        let (maxima, sums) = (&mut self.maxima, &mut self.sums);
        Arch::new().dispatch(FoldPlanes { values: &mut self.values, stride, abs, maxima, sums })
    }

    fn softmax_columns(&mut self, stride: usize) -> bool {
        let (mut raw, mut out) = (vec![0.0; self.filters], vec![0.0; self.filters]);
        for column in 0..self.positions.len() {
            for (filter, value) in raw.iter_mut().enumerate() {
                *value = self.values[filter * stride + column];
            }
            if rectify_instance(Rectify::Softmax, &raw, &mut out) != Ok(true) {
                return false;
            }
            for (filter, &value) in out.iter().enumerate() {
                self.values[filter * stride + column] = value;
            }
        }
        true
    }
}

struct FoldPlanes<'a> {
    values: &'a mut [f32],
    stride: usize,
    abs: bool,
    maxima: &'a mut [f32],
    sums: &'a mut [f32],
}

impl WithSimd for FoldPlanes<'_> {
    type Output = bool;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> bool {
        let Self { values, stride, abs, maxima, sums } = self;
        if stride == 0 {
            maxima.fill(0.0);
            sums.fill(0.0);
            return true;
        }
        let zero = simd.splat_f32s(0.0);
        // Finite values times zero add up to zero; NaN and infinity become NaN, which survives.
        let mut check = zero;
        for ((plane, out_max), out_sum) in values.chunks_exact_mut(stride).zip(maxima).zip(sums) {
            let (mut max, mut sum) = (zero, zero);
            for value in S::as_mut_simd_f32s(plane).0 {
                check = simd.mul_add_e_f32s(*value, zero, check);
                let rectified = if abs { simd.abs_f32s(*value) } else { simd.max_f32s(*value, zero) };
                *value = rectified;
                max = simd.max_f32s(max, rectified);
                sum = simd.add_f32s(sum, rectified);
            }
            *out_max = simd.reduce_max_f32s(max);
            *out_sum = simd.reduce_sum_f32s(sum);
        }
        simd.reduce_sum_f32s(check) == 0.0
    }
}

struct FoldRows<'a> {
    rows: &'a [f32],
    filters: usize,
    maxima: &'a mut [f32],
    sums: &'a mut [f32],
}

impl WithSimd for FoldRows<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { rows, filters, maxima, sums } = self;
        maxima.fill(0.0);
        sums.fill(0.0);
        for row in rows.chunks_exact(filters) {
            let (head, tail) = S::as_simd_f32s(row);
            let (maxima, maxima_tail) = S::as_mut_simd_f32s(maxima);
            let (sums, sums_tail) = S::as_mut_simd_f32s(sums);
            for ((max, sum), &value) in maxima.iter_mut().zip(sums).zip(head) {
                *max = simd.max_f32s(*max, value);
                *sum = simd.add_f32s(*sum, value);
            }
            for ((max, sum), &value) in maxima_tail.iter_mut().zip(sums_tail).zip(tail) {
                *max = max.max(value);
                *sum += value;
            }
        }
    }
}
