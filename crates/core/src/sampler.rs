//! Which positions of an input are drawn: uniformly, without replacement, in ascending order.

use crate::random::Random;

/// Positions drawn from each input of a layer: the share, rounded up; at least one, at most all.
pub fn positions_per_input(share: f64, positions: usize) -> usize {
    // The tolerance keeps a product such as 0.07 * 100 from being rounded up for its last bit.
    ((share * positions as f64 - 1e-9).ceil().max(1.0) as usize).min(positions)
}

/// Draws positions of a grid; keeps its working memory.
#[derive(Debug, Clone)]
pub struct PositionSampler {
    positions: usize,
    count: usize,
    /// The probability with which a position is drawn at first, in 256ths.
    chance: u32,
    /// One bit a position.
    mask: Vec<u64>,
}

impl PositionSampler {
    /// Draws `count` of `positions` positions (all where there are fewer).
    pub fn new(positions: usize, count: usize) -> Self {
        let count = count.min(positions);
        let chance = (256.0 * count as f64 / positions.max(1) as f64).round() as u32;
        Self { positions, count, chance, mask: vec![0; positions.div_ceil(64)] }
    }

    /// Replaces `out` with the sample that belongs to a key: equal keys give equal samples.
    ///
    /// Each position is drawn by itself first, 64 with a few random words; then random ones are added or taken away until
    /// their number is right. No step prefers a position, so that all samples of that number are equally likely.
    pub fn draw(&mut self, key: u64, out: &mut Vec<u32>) {
        let mut random = Random::new(key);
        for (word, bits) in self.mask.iter_mut().enumerate() {
            let valid = (self.positions - word * 64).min(64);
            *bits = random_bits(&mut random, self.chance) & (u64::MAX >> (64 - valid));
        }
        let mut drawn: usize = self.mask.iter().map(|bits| bits.count_ones() as usize).sum();
        while drawn != self.count {
            let place = random.below(self.positions);
            let (bits, bit) = (&mut self.mask[place / 64], 1 << (place % 64));
            if drawn < self.count && *bits & bit == 0 {
                *bits |= bit;
                drawn += 1;
            } else if drawn > self.count && *bits & bit != 0 {
                *bits &= !bit;
                drawn -= 1;
            }
        }
        out.clear();
        for (word, mut bits) in self.mask.iter().copied().enumerate() {
            while bits != 0 {
                out.push(word as u32 * 64 + bits.trailing_zeros());
                bits &= bits - 1;
            }
        }
    }

    /// The last sample, one bit a position.
    pub fn mask(&self) -> &[u64] {
        &self.mask
    }
}

/// 64 bits, each of them 1 with a probability of `chance` 256ths: its binary digits decide, from the lowest on, whether a
/// random word is joined with or met by what there is.
fn random_bits(random: &mut Random, chance: u32) -> u64 {
    if chance >= 256 {
        return u64::MAX;
    }
    let mut bits = 0;
    for digit in chance.trailing_zeros().min(8)..8 {
        let word = random.next();
        bits = if chance >> digit & 1 == 1 { bits | word } else { bits & word };
    }
    bits
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::hash;
    use proptest::prelude::*;

    #[test]
    fn the_share_is_rounded_up() {
        for (share, positions, expected) in
            [(0.5, 576, 288), (0.5, 1, 1), (0.5, 3, 2), (1.0, 7, 7), (0.07, 100, 7), (1e-9, 5, 1)]
        {
            assert_eq!(positions_per_input(share, positions), expected);
        }
    }

    proptest! {
        #[test]
        fn draws_the_exact_number_without_replacement(positions in 1..700_usize, count in 0..700_usize, key: u64) {
            let mut out = vec![7; 3];
            PositionSampler::new(positions, count).draw(key, &mut out);
            prop_assert_eq!(out.len(), count.min(positions));
            prop_assert!(out.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert!(out.iter().all(|&place| (place as usize) < positions));
        }
    }

    /// Pearson's chi-square of the counts of single positions and of pairs of neighbours against uniformity.
    #[test]
    fn draws_uniformly() {
        for (positions, count) in [(20, 10), (20, 3), (21, 17)] {
            let mut sampler = PositionSampler::new(positions, count);
            let draws = 20_000;
            let (mut single, mut pairs) = (vec![0.0; positions], vec![0.0; positions]);
            let mut out = Vec::new();
            for draw in 0..draws {
                sampler.draw(hash([5, draw]), &mut out);
                for &place in &out {
                    single[place as usize] += 1.0;
                    if out.contains(&((place + 1) % positions as u32)) {
                        pairs[place as usize] += 1.0;
                    }
                }
            }
            let (n, m, draws) = (positions as f64, count as f64, draws as f64);
            let chi_square = |counts: &[f64], share: f64| -> f64 {
                let expected = draws * share;
                counts.iter().map(|count| (count - expected).powi(2) / (expected * (1.0 - share))).sum()
            };
            // 20 degrees of freedom: 60 is exceeded with probability 1e-5.
            assert!(chi_square(&single, m / n) < 60.0);
            assert!(chi_square(&pairs, m * (m - 1.0) / (n * (n - 1.0))) < 60.0);
        }
    }
}
