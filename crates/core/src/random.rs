//! Hashes and a small counter-based generator. What they give depends on their keys alone, so that no order of events,
//! number of threads or use elsewhere changes a sample.

/// 2^64 divided by the golden ratio: consecutive multiples are spread evenly.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// SplitMix64's finaliser (Steele, Lea and Flood 2014): a bijection in which every output bit depends on every input bit.
#[inline(always)]
pub(crate) fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// Hash of some keys in their order.
#[inline(always)]
pub(crate) fn hash<const N: usize>(keys: [u64; N]) -> u64 {
    keys.into_iter().fold(GOLDEN, |hash, key| mix(hash.wrapping_add(GOLDEN) ^ key))
}

/// Hash number `place` of a key's: the `place`-th number of [`Random`], out of turn.
#[inline(always)]
pub(crate) fn hash_of(key: u64, place: u32) -> u64 {
    mix(key.wrapping_add((u64::from(place) + 1).wrapping_mul(GOLDEN)))
}

/// SplitMix64.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(key: u64) -> Self {
        Self(key)
    }

    #[inline(always)]
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        mix(self.0)
    }

    /// A number in [0, bound), uniform up to bound / 2^32.
    #[inline(always)]
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (((self.next() >> 32) * bound as u64) >> 32) as usize
    }
}
