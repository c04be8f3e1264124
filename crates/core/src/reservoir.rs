//! A sample of instances with lasting identities: bottom-k by a hash of seed, input and position (Cohen and Kaplan 2007).
//! Which instances are kept depends on the instances alone, so that samples of parts merge to that of the whole, and an
//! input that comes back in the next epoch takes its old place.

use crate::{InputId, InstanceSample};
use std::collections::BTreeMap;

/// The k instances with the smallest hashes; of one seen twice (a repeated input) the latest is kept once.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reservoir {
    filters: usize,
    size: usize,
    entries: BTreeMap<u64, Entry>,
    /// Raw activations, `filters` a slot.
    activations: Vec<f32>,
    /// Hashes above this one do not enter.
    limit: u64,
}

/// What is known of an instance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Identity {
    pub(crate) input: InputId,
    pub(crate) position: u32,
    pub(crate) label: i32,
    pub(crate) prediction: i32,
    pub(crate) step: u64,
    /// The input's place in its mini-batch; decides between two instances of one step.
    pub(crate) place: u32,
}

#[derive(Debug, Clone)]
struct Entry {
    slot: usize,
    identity: Identity,
}

impl Reservoir {
    pub(crate) fn new(filters: usize, size: usize) -> Self {
        Self { filters, size, entries: BTreeMap::new(), activations: Vec::new(), limit: u64::MAX }
    }

    /// Whether an instance with this hash may enter; almost all do not, so this comes before anything is copied.
    #[inline(always)]
    pub(crate) fn wants(&self, hash: u64) -> bool {
        hash <= self.limit && self.size > 0
    }

    /// Takes in an instance with its raw activations (F values).
    pub(crate) fn insert(
        &mut self,
        hash: u64,
        identity: Identity,
        activations: impl IntoIterator<Item = f32>,
    ) {
        if !self.wants(hash) {
            return;
        }
        let slot = match self.entries.get_mut(&hash) {
            Some(entry) => {
                let seen = (entry.identity.step, entry.identity.place);
                if (identity.step, identity.place) < seen {
                    return;
                }
                entry.identity = identity;
                entry.slot
            }
            None => {
                let slot = if self.entries.len() < self.size {
                    let slot = self.entries.len();
                    if slot == 0 {
                        self.activations.reserve_exact(self.size * self.filters);
                    }
                    self.activations.resize((slot + 1) * self.filters, 0.0);
                    slot
                } else {
                    match self.entries.pop_last() {
                        Some((_, evicted)) => evicted.slot,
                        None => return,
                    }
                };
                self.entries.insert(hash, Entry { slot, identity });
                if self.entries.len() == self.size {
                    self.limit = self.entries.last_key_value().map_or(u64::MAX, |(&largest, _)| largest);
                }
                slot
            }
        };
        let row = &mut self.activations[slot * self.filters..][..self.filters];
        for (value, activation) in row.iter_mut().zip(activations) {
            *value = activation;
        }
    }

    /// Takes in what another part of the data gave; both must be of the same layer and size.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (&hash, entry) in &other.entries {
            if !self.wants(hash) {
                break;
            }
            let row = &other.activations[entry.slot * other.filters..][..other.filters];
            self.insert(hash, entry.identity, row.iter().copied());
        }
    }

    /// The instances in the order of their hashes: any first part of them is itself an unbiased sample.
    pub(crate) fn into_sample(self) -> InstanceSample {
        let mut sample = InstanceSample { filters: self.filters, ..InstanceSample::default() };
        sample.activations.reserve_exact(self.activations.len());
        for Entry { slot, identity } in self.entries.values() {
            sample.activations.extend_from_slice(&self.activations[slot * self.filters..][..self.filters]);
            sample.inputs.push(identity.input);
            sample.positions.push(identity.position);
            sample.labels.push(identity.label);
            sample.predictions.push(identity.prediction);
            sample.steps.push(identity.step);
        }
        sample
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::hash;
    use proptest::prelude::*;

    fn insert(reservoir: &mut Reservoir, (input, step): (i64, u64)) {
        let identity = Identity { input, position: 0, label: -1, prediction: -1, step, place: 0 };
        reservoir.insert(hash([input as u64]), identity, [input as f32, step as f32]);
    }

    proptest! {
        #[test]
        fn holds_the_smallest_hashes_with_their_latest_step_over_any_split(
            seen in proptest::collection::vec((0..40_i64, 0..6_u64, 0..3_usize), 0..120),
            size in 0..20_usize,
        ) {
            let mut parts = [(); 3].map(|()| Reservoir::new(2, size));
            let mut whole = Reservoir::new(2, size);
            for &(input, step, part) in &seen {
                insert(&mut whole, (input, step));
                insert(&mut parts[part], (input, step));
            }
            let mut latest: BTreeMap<u64, (i64, u64)> = BTreeMap::new();
            for &(input, step, _) in &seen {
                let entry = latest.entry(hash([input as u64])).or_insert((input, step));
                entry.1 = entry.1.max(step);
            }
            let expected: Vec<(i64, u64)> = latest.into_values().take(size).collect();
            let [mut merged, two, three] = parts;
            merged.merge(&two);
            merged.merge(&three);
            for sample in [whole.into_sample(), merged.into_sample()] {
                let found: Vec<(i64, u64)> = sample.inputs.iter().copied().zip(sample.steps.iter().copied()).collect();
                prop_assert_eq!(&found, &expected);
                for (row, &(input, step)) in expected.iter().enumerate() {
                    prop_assert_eq!(sample.activation(row), &[input as f32, step as f32]);
                }
            }
        }
    }
}
