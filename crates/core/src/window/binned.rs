//! Where perplexities are counted, found for many of them at a time: which bins they fall into does not wait for the
//! counting.

use crate::drift::FINE_BINS;
use crate::histogram::Bins;
use crate::perplexity::Perplexities;
use pulp::{Arch, Simd, WithSimd};
use std::ops::Range;

/// Instances whose bins are found together.
pub(super) const CHUNK: usize = 64;

/// Where some instances are to be counted.
pub(super) struct Binned {
    /// 1, or 0 for a silent instance.
    pub(super) counts: [u32; CHUNK],
    /// The bin for drift.
    pub(super) fine: [u16; CHUNK],
    /// The bin for the eye.
    pub(super) coarse: [u8; CHUNK],
    /// The perplexity; 0 of a silent instance.
    pub(super) value: [f64; CHUNK],
}

impl Default for Binned {
    fn default() -> Self {
        Self { counts: [0; CHUNK], fine: [0; CHUNK], coarse: [0; CHUNK], value: [0.0; CHUNK] }
    }
}

impl Binned {
    /// Finds the bins of up to [`CHUNK`] instances; fine ones at `bits * scale`.
    pub(super) fn find(&mut self, of: &Perplexities, chunk: Range<usize>, scale: f32, bins: Bins) {
        let [max, bits, value] = [&of.max, &of.bits, &of.value].map(|values| &values[chunk.clone()]);
        Arch::new().dispatch(Find { binned: self, max, bits, value, scale, bins });
    }
}

struct Find<'a> {
    binned: &'a mut Binned,
    max: &'a [f32],
    bits: &'a [f32],
    value: &'a [f32],
    scale: f32,
    bins: Bins,
}

impl WithSimd for Find<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { binned, max, bits, value, scale, bins } = self;
        for (at, ((&max, &bits), &value)) in max.iter().zip(bits).zip(value).enumerate() {
            let is_counted = max > 0.0;
            binned.counts[at] = u32::from(is_counted);
            binned.fine[at] = ((bits * scale) as u32).min(FINE_BINS as u32 - 1) as u16;
            binned.coarse[at] = bins.bin(f64::from(value)) as u8;
            binned.value[at] = if is_counted { f64::from(value) } else { 0.0 };
        }
    }
}
