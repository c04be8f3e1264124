//! Dropout by masks that a run draws again when it is resumed.

use crate::streams::{Purpose, stream};
use burn::tensor::{Tensor, TensorData};
use rand::Rng;

/// Inverted dropout (Srivastava et al. 2014): each value is zeroed with probability `rate`, else divided by
/// `1 - rate`. The mask of an input depends on the seed, the layer and the input's place in the run only, so neither
/// resuming nor sharding changes it.
pub(crate) fn dropout(x: Tensor<4>, rate: f64, seed: u64, layer: usize, place: u64) -> Tensor<4> {
    if rate <= 0.0 {
        return x;
    }
    let [n, channels, height, width] = x.dims();
    let mut mask = Vec::with_capacity(n * channels * height * width);
    for input in 0..n as u64 {
        append_mask(&mut mask, channels * height * width, rate, seed, [layer as u64, place + input]);
    }
    let mask = Tensor::from_data(TensorData::new(mask, x.dims()), &x.device().without_autodiff());
    x * mask
}

fn append_mask(mask: &mut Vec<f32>, values: usize, rate: f64, seed: u64, place: [u64; 2]) {
    let mut rng = stream(seed, Purpose::Dropout, place);
    let threshold = (rate * (f64::from(u32::MAX) + 1.0)) as u64;
    let kept = (1.0 / (1.0 - rate)) as f32;
    mask.extend((0..values).map(|_| if u64::from(rng.next_u32()) < threshold { 0.0 } else { kept }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    fn mask(n: usize, place: u64) -> Vec<f32> {
        let ones = Tensor::<4>::ones([n, 500, 2, 1], &Device::flex());
        dropout(ones, 0.3, 1, 2, place).into_data().try_into_vec().unwrap()
    }

    #[test]
    fn values_are_kept_at_the_rate_and_scaled_to_keep_the_mean() {
        let found = mask(20, 0);
        assert!(found.iter().all(|&v| v == 0.0 || (v - 1.0 / 0.7).abs() < 1e-6));
        let mean = found.iter().sum::<f32>() / found.len() as f32;
        assert!((mean - 1.0).abs() < 0.03, "{mean}");
    }

    #[test]
    fn the_mask_of_an_input_does_not_depend_on_its_shard() {
        let whole = mask(4, 100);
        assert_eq!(whole[2000..], mask(2, 102));
        assert_ne!(whole[..1000], whole[1000..2000]);
    }
}
