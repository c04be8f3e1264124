//! The sums of a window, and how they merge.

use super::Input;
use super::binned::{Binned, CHUNK};
use super::block::Block;
use crate::drift::GroupedPerplexities;
use crate::histogram::Bins;
use crate::random::{hash, hash_of};
use crate::reservoir::{Identity, Reservoir};
use crate::sketch::Sketch;
use crate::{InputId, LabelAffinity, PERPLEXITY_BINS};
use pulp::{Arch, Simd, WithSimd};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// Keeps the draw for the sketches apart from other hashes.
const SKETCH_KEY: u64 = 4;

/// Everything that a window keeps.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Totals {
    /// First and last step; meaningless while nothing was sampled.
    pub(crate) from: u64,
    pub(crate) to: u64,
    /// Instances that the observed inputs held.
    pub(crate) possible: u64,
    /// Instances drawn, invalid ones included.
    pub(crate) sampled: u64,
    /// Instances that count: finite ones.
    pub(crate) instances: u64,
    pub(crate) invalid: u64,
    pub(crate) silent: u64,
    /// Distinct inputs.
    pub(crate) inputs: HashSet<InputId>,
    /// Counts of the 50 bins.
    pub(crate) counts: Vec<u64>,
    /// Sum of the perplexities of the instances that are not silent.
    pub(crate) perplexity_sum: f64,
    pub(crate) perplexities: GroupedPerplexities,
    pub(crate) maxima: Vec<f32>,
    pub(crate) sums: Vec<f64>,
    pub(crate) affinity: LabelAffinity,
    pub(crate) sketch: Sketch,
    /// `None`: some of its instances were not offered to a sample. Stored apart.
    #[serde(skip)]
    pub(crate) sample: Option<Reservoir>,
}

/// Each filter's maximum and sums.
struct Fold<'a> {
    maxima: &'a mut [f32],
    sums: &'a mut [f64],
    affinity: &'a mut LabelAffinity,
    label: i32,
    block: &'a Block<'a>,
}

impl WithSimd for Fold<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { maxima, sums, affinity, label, block } = self;
        for (max, &more) in maxima.iter_mut().zip(block.maxima) {
            *max = if more > *max { more } else { *max };
        }
        for (sum, &more) in sums.iter_mut().zip(block.sums) {
            *sum += f64::from(more);
        }
        affinity.add(label, block.positions.len() as u64, block.sums);
    }
}

impl Totals {
    /// Of nothing yet, without a sample.
    pub(super) fn new(filters: usize) -> Self {
        Self {
            from: u64::MAX,
            to: 0,
            possible: 0,
            sampled: 0,
            instances: 0,
            invalid: 0,
            silent: 0,
            inputs: HashSet::new(),
            counts: vec![0; PERPLEXITY_BINS],
            perplexity_sum: 0.0,
            perplexities: GroupedPerplexities::new(filters),
            maxima: vec![0.0; filters],
            sums: vec![0.0; filters],
            affinity: LabelAffinity::new(filters),
            sketch: Sketch::new(filters),
            sample: None,
        }
    }

    /// The same without its sample.
    pub(super) fn without_sample(&self) -> Self {
        Self {
            inputs: self.inputs.clone(),
            counts: self.counts.clone(),
            perplexities: self.perplexities.clone(),
            maxima: self.maxima.clone(),
            sums: self.sums.clone(),
            affinity: self.affinity.clone(),
            sketch: self.sketch.clone(),
            sample: None,
            ..*self
        }
    }

    /// Whether its parts are those of a layer with so many filters.
    pub(super) fn is_of(&self, filters: usize) -> bool {
        self.counts.len() == PERPLEXITY_BINS
            && self.maxima.len() == filters
            && self.sums.len() == filters
            && self.perplexities.is_of(filters)
            && self.affinity.is_of(filters)
            && self.sketch.is_of(filters)
    }

    /// Counts an input with the instances that it holds and those drawn from it.
    pub(super) fn begin_input(&mut self, input: &Input, possible: usize, sampled: usize) {
        self.from = self.from.min(input.step);
        self.to = self.to.max(input.step);
        self.possible += possible as u64;
        self.sampled += sampled as u64;
        self.inputs.insert(input.id);
    }

    /// Takes in the valid instances of one input, of which `sampled` were drawn.
    pub(super) fn take(&mut self, input: &Input, block: &Block, sampled: usize) {
        let valid = block.positions.len();
        self.instances += valid as u64;
        self.invalid += (sampled - valid) as u64;
        let (maxima, sums) = (&mut self.maxima, &mut self.sums);
        Arch::new().dispatch(Fold { maxima, sums, affinity: &mut self.affinity, label: input.label, block });
        self.count_perplexities(input, block);
        self.draw(input, block);
        self.sketch(input, block);
    }

    fn count_perplexities(&mut self, input: &Input, block: &Block) {
        let scale = self.perplexities.bins_per_bit();
        let (fine, silent) = self.perplexities.group_mut(input.group);
        let bins = Bins::new(self.maxima.len());
        let mut binned = Binned::default();
        let (mut coarse, mut sum) = ([0_u32; PERPLEXITY_BINS], 0.0);
        for start in (0..block.positions.len()).step_by(CHUNK) {
            let chunk = start..(start + CHUNK).min(block.positions.len());
            binned.find(block.perplexities, chunk.clone(), scale, bins);
            for at in 0..chunk.len() {
                let counts = binned.counts[at];
                fine[usize::from(binned.fine[at])] += counts;
                coarse[usize::from(binned.coarse[at])] += counts;
                sum += binned.value[at];
                *silent += 1 - counts;
                self.silent += u64::from(1 - counts);
            }
        }
        self.perplexity_sum += sum;
        for (count, more) in self.counts.iter_mut().zip(coarse) {
            *count += u64::from(more);
        }
    }

    /// Lets each instance enter the sample by its hash.
    fn draw(&mut self, input: &Input, block: &Block) {
        let Some(sample) = &mut self.sample else { return };
        for (instance, &position) in block.positions.iter().enumerate() {
            let hash = hash_of(input.key, position);
            if sample.wants(hash) {
                let Input { id, label, prediction, step, place, .. } = *input;
                let identity = Identity { input: id, position, label, prediction, step, place };
                sample.insert(hash, identity, block.raw(instance));
            }
        }
    }

    /// Takes evenly spaced instances, from a random first one on, into the sketches.
    fn sketch(&mut self, input: &Input, block: &Block) {
        let first = hash([input.key, input.step, SKETCH_KEY]) as f64 / u64::MAX as f64;
        let mut next = first * input.sketch_interval;
        while (next as usize) < block.positions.len() {
            match block.row(next as usize) {
                Some(row) => self.sketch.add(row.iter().copied()),
                None => self.sketch.add(block.rectified(next as usize)),
            }
            next += input.sketch_interval;
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.from = self.from.min(other.from);
        self.to = self.to.max(other.to);
        self.possible += other.possible;
        self.sampled += other.sampled;
        self.instances += other.instances;
        self.invalid += other.invalid;
        self.silent += other.silent;
        self.inputs.extend(&other.inputs);
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self.perplexity_sum += other.perplexity_sum;
        self.perplexities.merge(&other.perplexities);
        for (max, &more) in self.maxima.iter_mut().zip(&other.maxima) {
            *max = max.max(more);
        }
        for (sum, more) in self.sums.iter_mut().zip(&other.sums) {
            *sum += more;
        }
        self.affinity.merge(&other.affinity);
        self.sketch.merge(&other.sketch);
        match (&mut self.sample, &other.sample) {
            (Some(sample), Some(more)) => sample.merge(more),
            _ => self.sample = None,
        }
    }
}
