//! A sample of instances with lasting identities: bottom-k by a hash of seed, input and position (Cohen and Kaplan 2007).
//! Which instances are kept depends on the instances alone, so that samples of parts merge to that of the whole, and an
//! input that comes back in the next epoch takes its old place.

use crate::{InputId, InstanceSample};

/// The k instances with the smallest hashes; of one seen twice (a repeated input) the latest is kept once.
///
/// Instances enter in any order, and a few more than k of them are held: when there is no place left, the surplus goes at
/// once. Until then instances enter that a tree would refuse, which costs less than the tree.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reservoir {
    filters: usize,
    size: usize,
    /// The first ones, up to `size`, in order and of distinct instances; then those that came since.
    entries: Vec<Entry>,
    /// Raw activations, `filters` a slot.
    activations: Vec<f32>,
    /// What is known of the instance in each slot.
    identities: Vec<Identity>,
    /// Slots without an entry.
    free: Vec<u32>,
    /// Hashes above this one do not enter.
    limit: u64,
}

/// What is known of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Identity {
    pub(crate) input: InputId,
    pub(crate) position: u32,
    pub(crate) label: i32,
    pub(crate) prediction: i32,
    pub(crate) step: u64,
    /// The input's place in its mini-batch; decides between two instances of one step.
    pub(crate) place: u32,
}

/// In the order of hashes, and of one instance the latest last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    hash: u64,
    step: u64,
    place: u32,
    slot: u32,
}

impl Reservoir {
    pub(crate) fn new(filters: usize, size: usize) -> Self {
        Self { filters, size, limit: u64::MAX, ..Self::default() }
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
        let slot = self.slot();
        self.identities[slot as usize] = identity;
        self.entries.push(Entry { hash, step: identity.step, place: identity.place, slot });
        let row = &mut self.activations[slot as usize * self.filters..][..self.filters];
        for (value, activation) in row.iter_mut().zip(activations) {
            *value = activation;
        }
        if self.entries.len() == self.places() {
            self.settle();
        }
    }

    /// Instances that can be held.
    fn places(&self) -> usize {
        self.size + (self.size / 4).max(1)
    }

    /// A slot for another instance.
    fn slot(&mut self) -> u32 {
        if let Some(slot) = self.free.pop() {
            return slot;
        }
        let slot = self.identities.len();
        if slot == 0 {
            self.activations.reserve_exact(self.places() * self.filters);
        }
        self.activations.resize((slot + 1) * self.filters, 0.0);
        self.identities.push(Identity::default());
        slot as u32
    }

    /// Lets go of all that is not in the sample.
    fn settle(&mut self) {
        // A stable sort: it merges what is in order already.
        self.entries.sort();
        let Self { entries, free, size, .. } = self;
        entries.dedup_by(|later, kept| {
            let same = later.hash == kept.hash;
            if same {
                free.push(kept.slot);
                *kept = *later;
            }
            same
        });
        free.extend(entries.drain(entries.len().min(*size)..).map(|entry| entry.slot));
        if entries.len() == *size {
            self.limit = entries.last().map_or(u64::MAX, |largest| largest.hash);
        }
    }

    /// Takes in what another part of the data gave; both must be of the same layer and size.
    pub(crate) fn merge(&mut self, other: &Self) {
        for entry in &other.entries {
            let slot = entry.slot as usize;
            let row = &other.activations[slot * other.filters..][..other.filters];
            self.insert(entry.hash, other.identities[slot], row.iter().copied());
        }
    }

    /// The instances in the order of their hashes: any first part of them is itself an unbiased sample.
    pub(crate) fn into_sample(mut self) -> InstanceSample {
        self.settle();
        let mut sample = InstanceSample { filters: self.filters, ..InstanceSample::default() };
        sample.activations.reserve_exact(self.entries.len() * self.filters);
        for slot in self.entries.iter().map(|entry| entry.slot as usize) {
            let identity = &self.identities[slot];
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
    use std::collections::BTreeMap;

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
