//! What stays when a run grows: newest dense, older ones thinned, so that the file's size is bounded and the course
//! from the first window on stays visible.

/// How much of a run is kept. Scalars and validations always are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Bytes that the file may hold. Above it, samples, similarities, maps, older checkpoints and older snapshots go, in
    /// this order; scalars, the newest snapshot and the newest checkpoint stay whatever their size.
    pub max_bytes: u64,
    /// Newest snapshots of which each is kept; for each doubling of age beyond, half as many.
    pub dense_snapshots: u64,
    /// The same for their similarities and label strengths.
    pub detailed_snapshots: u64,
    /// Newest instance samples (with their images) that are kept.
    pub samples: u64,
    /// Newest maps of which each is kept; for each doubling of age beyond, half as many.
    pub maps: u64,
    /// Newest checkpoints that keep their weights; only the newest keeps the training's state.
    pub checkpoints: u64,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            max_bytes: 2 << 30,
            dense_snapshots: 100,
            detailed_snapshots: 2,
            samples: 2,
            maps: 4,
            checkpoints: 3,
        }
    }
}

impl Retention {
    /// Ever smaller retentions, tried in turn while a file is too large.
    pub(crate) fn smaller(self) -> impl Iterator<Item = Self> {
        let least = Self { samples: 1, ..self };
        let plain = Self { detailed_snapshots: 1, ..least };
        let flat = Self { maps: 1, ..plain };
        let single = Self { checkpoints: 1, ..flat };
        let halved = std::iter::successors(Some(single.dense_snapshots / 2), |dense| Some(dense / 2))
            .take_while(|&dense| dense > 0)
            .map(move |dense_snapshots| Self { dense_snapshots, ..single });
        [least, plain, flat, single].into_iter().chain(halved)
    }
}

/// Whether the entry `ordinal` (counted from 0) of a growing series stays when `newest` is its last: the `dense` newest
/// do, and of those at ages in [dense 2^(k-1), dense 2^k) the multiples of 2^k. What stays later stayed before, so
/// thinning can go on in place.
pub(crate) fn keeps(ordinal: u64, newest: u64, dense: u64) -> bool {
    let dense = dense.max(1);
    let age = newest.saturating_sub(ordinal);
    if age < dense {
        return true;
    }
    let level = (age / dense).ilog2() + 1;
    ordinal.is_multiple_of(1 << level.min(63))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn thinning_in_place_leaves_what_the_rule_says(dense in 1_u64..20, newest in 0_u64..2_000) {
            let mut kept: Vec<u64> = Vec::new();
            for last in 0..=newest {
                kept.push(last);
                kept.retain(|&ordinal| keeps(ordinal, last, dense));
            }
            let direct: Vec<u64> = (0..=newest).filter(|&ordinal| keeps(ordinal, newest, dense)).collect();
            prop_assert_eq!(kept, direct);
        }

        #[test]
        fn the_first_and_the_newest_stay_and_the_rest_grows_with_the_logarithm(
            dense in 1_u64..50,
            newest in 0_u64..1_000_000,
        ) {
            prop_assert!(keeps(0, newest, dense) && keeps(newest, newest, dense));
            let kept = (0..=newest).filter(|&ordinal| keeps(ordinal, newest, dense)).count() as u64;
            let octaves = u64::from((newest / dense).max(1).ilog2()) + 1;
            prop_assert!(kept <= dense + octaves * (dense / 2 + 2), "{} kept", kept);
        }
    }
}
