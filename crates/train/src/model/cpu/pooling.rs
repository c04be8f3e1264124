//! Maximum pooling of 2 x 2 windows side by side, the most common kind.

use super::{IMAGES, Tracked, memory, tensor, values};
use burn::backend::Flex;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::NoCheckpointing;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::tensor::{Float, Tensor};
use deepeyes_network::Pool;
use rayon::prelude::*;

/// The maximum of each 2 x 2 window on the CPU backend; `None`: leave it to Burn. A window's first largest value gets
/// the gradient, as in Burn; NaN is passed on where it comes first only.
pub(crate) fn max_pool(x: &Tensor<4>, pool: &Pool) -> Option<Tensor<4>> {
    let dims = x.dims();
    let [n, channels, height, width] = dims;
    let plain = pool.kernel == [2, 2] && pool.stride == [2, 2] && pool.padding == [0, 0];
    if !plain || height % 2 != 0 || width % 2 != 0 {
        return None;
    }
    let (largest, places) = largest(values(&memory(x)?), width, channels * height * width);
    let output = tensor(largest, &[n, channels, height / 2, width / 2]);
    if !x.is_autodiff() {
        return Some(Tensor::<4, Float>::from_primitive::<Flex>(output));
    }
    let x = x.clone().try_into_primitive::<Tracked>().ok()?;
    let output = match Gradient.prepare::<NoCheckpointing>([x.node()]).compute_bound().stateful() {
        OpsKind::Tracked(step) => step.finish((places, dims), output),
        OpsKind::UnTracked(step) => step.finish(output),
    };
    Some(Tensor::<4, Float>::from_primitive::<Tracked>(output))
}

#[derive(Debug)]
struct Gradient;

impl Backward<Flex, 1> for Gradient {
    type State = (Vec<u8>, [usize; 4]);

    fn backward(self, step: Ops<Self::State, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let [x] = step.parents;
        let above = gradients.consume::<Flex>(&step.node).to_contiguous();
        let (places, dims) = step.state;
        if let Some(x) = x {
            let [_, channels, height, width] = dims;
            let found = spread(values(&above), &places, width, channels * height * width);
            gradients.register::<Flex>(x.id, tensor(found, &dims));
        }
    }
}

/// The largest value of each window, and which of its four values that is (row by row). `image`: values of an image.
fn largest(x: &[f32], width: usize, image: usize) -> (Vec<f32>, Vec<u8>) {
    let mut found = vec![0.0; x.len() / 4];
    let mut places = vec![0; x.len() / 4];
    let pieces = x.par_chunks(image * IMAGES);
    let targets = found.par_chunks_mut(image / 4 * IMAGES).zip(places.par_chunks_mut(image / 4 * IMAGES));
    pieces.zip(targets).for_each(|(x, (found, places))| {
        let rows = found.chunks_exact_mut(width / 2).zip(places.chunks_exact_mut(width / 2));
        for (two, (found, places)) in x.chunks_exact(2 * width).zip(rows) {
            let (upper, lower) = two.split_at(width);
            let windows = upper.as_chunks::<2>().0.iter().zip(lower.as_chunks::<2>().0);
            for ((&[a, b], &[c, d]), (found, place)) in windows.zip(found.iter_mut().zip(places)) {
                let (top, above) = if b > a { (b, 1) } else { (a, 0) };
                let (bottom, below) = if d > c { (d, 3) } else { (c, 2) };
                (*found, *place) = if bottom > top { (bottom, below) } else { (top, above) };
            }
        }
    });
    (found, places)
}

/// Sends each window's gradient to its largest value.
fn spread(above: &[f32], places: &[u8], width: usize, image: usize) -> Vec<f32> {
    let mut found = vec![0.0; above.len() * 4];
    let sources = above.par_chunks(image / 4 * IMAGES).zip(places.par_chunks(image / 4 * IMAGES));
    found.par_chunks_mut(image * IMAGES).zip(sources).for_each(|(found, (above, places))| {
        let rows = above.chunks_exact(width / 2).zip(places.chunks_exact(width / 2));
        for (two, (above, places)) in found.chunks_exact_mut(2 * width).zip(rows) {
            for (column, (&gradient, &place)) in above.iter().zip(places).enumerate() {
                let place = usize::from(place);
                two[place / 2 * width + 2 * column + place % 2] = gradient;
            }
        }
    });
    found
}
