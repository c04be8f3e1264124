//! Copies the drawn positions of feature maps together: with AVX-512 sixteen neighbours at a time, with AVX2 eight, by a
//! permutation that their bits of the mask look up; elsewhere value by value.

/// Floats that a copy may write beyond its last one.
pub(super) const SLACK: usize = 16;

/// Feature maps, and which of their positions are wanted.
pub(super) struct Compress<'a> {
    /// `[F, area]`.
    pub(super) maps: &'a [f32],
    pub(super) area: usize,
    /// One bit a position.
    pub(super) mask: &'a [u64],
}

impl Compress<'_> {
    /// Fills planes of width `stride` in `out` (`[F, stride]`, and [`SLACK`] more) with each map's wanted values in their
    /// order and then zeros; `stride` is at least the number of wanted positions, and not 0.
    pub(super) fn to_planes(&self, out: &mut [f32], stride: usize) {
        #[cfg(target_arch = "x86_64")]
        if let Some(simd) = pulp::x86::V4::try_new() {
            return simd.vectorize(x86::Planes { simd, given: self, out, stride });
        } else if let Some(simd) = pulp::x86::V3::try_new() {
            return simd.vectorize(x86::Planes { simd, given: self, out, stride });
        }
        self.one_by_one(out, stride);
    }

    fn one_by_one(&self, out: &mut [f32], stride: usize) {
        for (plane, map) in out.chunks_exact_mut(stride).zip(self.maps.chunks_exact(self.area)) {
            let wanted = map.iter().enumerate().filter(|&(position, _)| is_wanted(self.mask, position));
            let mut places = plane.iter_mut();
            for ((_, &value), place) in wanted.zip(&mut places) {
                *place = value;
            }
            places.for_each(|place| *place = 0.0);
        }
    }

    /// As [`to_planes`](Self::to_planes); `together` moves those of some neighbours to the front that their bits want.
    #[inline(always)]
    fn by_lanes<const LANES: usize>(
        &self,
        out: &mut [f32],
        stride: usize,
        together: impl Fn(u64, [f32; LANES]) -> [f32; LANES],
    ) {
        for (plane, map) in self.maps.chunks_exact(self.area).enumerate() {
            let mut end = plane * stride;
            let (head, tail) = map.as_chunks::<LANES>();
            for (place, &lanes) in head.iter().enumerate() {
                let first = place * LANES;
                let bits = (self.mask[first / 64] >> (first % 64)) & ((1 << LANES) - 1);
                // What lies beyond the wanted ones is overwritten by what follows.
                out[end..][..LANES].copy_from_slice(&together(bits, lanes));
                end += bits.count_ones() as usize;
            }
            for (lane, &value) in tail.iter().enumerate() {
                if is_wanted(self.mask, head.len() * LANES + lane) {
                    out[end] = value;
                    end += 1;
                }
            }
            out[end..(plane + 1) * stride].fill(0.0);
        }
    }
}

#[inline(always)]
fn is_wanted(mask: &[u64], position: usize) -> bool {
    mask[position / 64] >> (position % 64) & 1 == 1
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::Compress;
    use pulp::NullaryFnOnce;
    use pulp::x86::{V3, V4};

    /// Lanes of a register of AVX2.
    const LANES: usize = 8;
    /// For each mask of so many lanes, the lanes that are wanted, in their order.
    static WANTED: [[u32; LANES]; 256] = {
        let mut wanted = [[0; LANES]; 256];
        let mut mask = 0;
        while mask < 256 {
            let (mut lane, mut count) = (0, 0);
            while lane < LANES {
                if mask >> lane & 1 == 1 {
                    wanted[mask][count] = lane as u32;
                    count += 1;
                }
                lane += 1;
            }
            mask += 1;
        }
        wanted
    };

    pub(super) struct Planes<'a, S> {
        pub(super) simd: S,
        pub(super) given: &'a Compress<'a>,
        pub(super) out: &'a mut [f32],
        pub(super) stride: usize,
    }

    impl NullaryFnOnce for Planes<'_, V3> {
        type Output = ();

        #[inline(always)]
        fn call(self) {
            let Self { simd, given, out, stride } = self;
            given.by_lanes::<LANES>(out, stride, |bits, lanes| {
                let wanted = pulp::cast(WANTED[bits as usize]);
                pulp::cast(simd.avx2._mm256_permutevar8x32_ps(pulp::cast(lanes), wanted))
            });
        }
    }

    impl NullaryFnOnce for Planes<'_, V4> {
        type Output = ();

        #[inline(always)]
        fn call(self) {
            let Self { simd, given, out, stride } = self;
            given.by_lanes::<16>(out, stride, |bits, lanes| {
                pulp::cast(simd.avx512f._mm512_maskz_compress_ps(bits as u16, pulp::cast(lanes)))
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn planes_hold_the_wanted_values_in_their_order(
            wanted in proptest::collection::vec(any::<bool>(), 1..300),
            filters in 1..5_usize,
            more in 0..20_usize,
        ) {
            let area = wanted.len();
            let maps: Vec<f32> = (1..=filters * area).map(|value| value as f32).collect();
            let mut mask = vec![0; area.div_ceil(64)];
            for position in (0..area).filter(|&position| wanted[position]) {
                mask[position / 64] |= 1 << (position % 64);
            }
            let stride = (wanted.iter().filter(|&&wanted| wanted).count() + more).max(1);
            let expected = maps.chunks(area).flat_map(|map| {
                let mut plane: Vec<f32> = (0..area).filter(|&position| wanted[position]).map(|position| map[position]).collect();
                plane.resize(stride, 0.0);
                plane
            });
            let expected: Vec<f32> = expected.collect();
            let given = Compress { maps: &maps, area, mask: &mask };
            let mut out = vec![7.0; filters * stride + SLACK];
            given.to_planes(&mut out, stride);
            prop_assert_eq!(&out[..filters * stride], &expected);
            #[cfg(target_arch = "x86_64")]
            if let Some(simd) = pulp::x86::V3::try_new() {
                let mut out = vec![7.0; filters * stride + SLACK];
                simd.vectorize(x86::Planes { simd, given: &given, out: &mut out, stride });
                prop_assert_eq!(&out[..filters * stride], &expected);
            }
            let mut out = vec![7.0; filters * stride];
            given.one_by_one(&mut out, stride);
            prop_assert_eq!(out, expected);
        }
    }
}
