//! The order in which a training sees its inputs: one endless stream of shuffled epochs.

use crate::streams::{Purpose, stream};
use rand::seq::SliceRandom;

/// The endless stream of training inputs. A place in it (the number of inputs seen) is all the state that there is.
#[derive(Debug)]
pub(crate) struct Order {
    seed: u64,
    epoch: Option<u64>,
    permutation: Vec<u32>,
}

impl Order {
    /// The stream over `inputs` inputs (at least one) for a seed.
    pub(crate) fn new(seed: u64, inputs: usize) -> Self {
        debug_assert!(inputs > 0);
        Self { seed, epoch: None, permutation: (0..inputs as u32).collect() }
    }

    /// The `count` inputs from `place` on. A mini-batch at the end of an epoch goes on into the next one.
    pub(crate) fn take(&mut self, place: u64, count: usize) -> Vec<usize> {
        (place..place + count as u64).map(|place| self.at(place)).collect()
    }

    fn at(&mut self, place: u64) -> usize {
        let inputs = self.permutation.len() as u64;
        let epoch = place / inputs;
        if self.epoch != Some(epoch) {
            self.permutation.iter_mut().enumerate().for_each(|(at, input)| *input = at as u32);
            self.permutation.shuffle(&mut stream(self.seed, Purpose::Order, [epoch, 0]));
            self.epoch = Some(epoch);
        }
        self.permutation[(place % inputs) as usize] as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_epoch_sees_each_input_once_in_an_order_of_its_own() {
        let mut order = Order::new(7, 10);
        let epochs: Vec<Vec<usize>> = (0..3).map(|epoch| order.take(epoch * 10, 10)).collect();
        for epoch in &epochs {
            let mut sorted = epoch.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, (0..10).collect::<Vec<_>>());
        }
        assert_ne!(epochs[0], epochs[1]);
        assert_ne!(epochs[1], epochs[2]);
    }

    #[test]
    fn the_stream_does_not_depend_on_how_it_is_cut_or_where_it_is_entered() {
        let whole = Order::new(3, 10).take(0, 40);
        let mut order = Order::new(3, 10);
        let cut: Vec<usize> = (0..10).flat_map(|batch| order.take(batch * 4, 4)).collect();
        assert_eq!(whole, cut);
        assert_eq!(Order::new(3, 10).take(26, 14), whole[26..]);
    }
}
