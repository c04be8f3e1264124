//! Random numbers that are a function of a seed and a stream: no state is shared, so the number of threads cannot matter.

/// SplitMix64 (Steele, Lea & Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014).
#[derive(Debug, Clone)]
pub(crate) struct Random {
    state: u64,
}

impl Random {
    /// The numbers of one stream (a row, say) of a seed.
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        let mut outer = Self { state: seed };
        Self { state: outer.bits() ^ stream.wrapping_mul(0xd134_2543_de82_ef95) }
    }

    pub(crate) fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in [0, 1).
    pub(crate) fn uniform(&mut self) -> f64 {
        (self.bits() >> 11) as f64 * (-53.0_f64).exp2()
    }

    /// Uniform in [-1, 1).
    pub(crate) fn symmetric(&mut self) -> f64 {
        2.0 * self.uniform() - 1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_uniform_and_differ() {
        for stream in 0..4 {
            let mut random = Random::new(7, stream);
            let values: Vec<f64> = (0..4000).map(|_| random.symmetric()).collect();
            let mean = values.iter().sum::<f64>() / 4000.0;
            let square = values.iter().map(|x| x * x).sum::<f64>() / 4000.0;
            assert!(mean.abs() < 0.05 && (square - 1.0 / 3.0).abs() < 0.03);
        }
        assert_ne!(Random::new(7, 0).bits(), Random::new(7, 1).bits());
        assert_ne!(Random::new(7, 0).bits(), Random::new(8, 0).bits());
    }
}
