//! Independent random streams, each found again from the run's seed and its own place.
//!
//! Nothing holds a generator's state: whatever is drawn at an iteration depends on the seed and the iteration only, so a
//! resumed run draws the very same numbers, and so do any number of threads.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

/// What a stream is for; keeps streams of equal places apart.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Purpose {
    /// Initial parameters; the place is the parameter's index.
    Parameters = 1,
    /// The order of an epoch; the place is the epoch.
    Order = 2,
    /// A dropout mask; the place is the layer's index and the input's position in the run's stream of inputs.
    Dropout = 3,
    /// The choice of probed inputs; the place is the data set's part.
    Probe = 4,
    /// A projection of probe features; the place is the layer's index.
    Projection = 5,
    /// Cropping and mirroring of a training input; the place is its position in the run's stream of inputs.
    Augmentation = 6,
    /// The positions at which a layer is probed; the place is the layer's index and the input's identity.
    Positions = 7,
    /// A projection of receptive fields; the place is the layer's index.
    Fields = 8,
}

/// The stream of `seed` for a purpose at a place.
pub(crate) fn stream(seed: u64, purpose: Purpose, place: [u64; 2]) -> ChaCha8Rng {
    let mut bytes = [0; 32];
    for (part, word) in bytes.chunks_exact_mut(8).zip([seed, purpose as u64, place[0], place[1]]) {
        part.copy_from_slice(&word.to_le_bytes());
    }
    ChaCha8Rng::from_seed(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::Rng;

    #[test]
    fn a_stream_is_found_again_and_differs_from_every_other() {
        let first = |seed, purpose, place| stream(seed, purpose, place).next_u64();
        let all = [
            first(1, Purpose::Order, [0, 0]),
            first(2, Purpose::Order, [0, 0]),
            first(1, Purpose::Dropout, [0, 0]),
            first(1, Purpose::Order, [1, 0]),
            first(1, Purpose::Order, [0, 1]),
        ];
        assert_eq!(all[0], first(1, Purpose::Order, [0, 0]));
        let distinct: std::collections::HashSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
    }
}
