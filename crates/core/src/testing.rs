//! What several tests need.

/// A number in [0, 1) that depends on the place alone and looks random (SplitMix64).
pub(crate) fn noise(place: usize) -> f32 {
    let mut hash = (place as u64).wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((hash ^ (hash >> 31)) >> 40) as f32 / (1_u64 << 24) as f32
}
