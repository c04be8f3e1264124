//! Convolution as matrix products over tiles of the column matrix.

use super::columns::{Sizes, Tile};
use super::{IMAGES, Tracked, matrix, memory, release, tensor, values};
use burn::backend::Flex;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::NoCheckpointing;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::tensor::{Float, Tensor};
use deepeyes_network::Conv2d;
use rayon::prelude::*;

/// Filters of a group below which products over columns do not pay.
const FILTERS: usize = 4;

/// A convolution, on the CPU backend where it pays; `None`: leave it to Burn. `bias` may be zeros.
pub(crate) fn convolution(
    x: &Tensor<4>,
    weight: &Tensor<4>,
    bias: Option<&Tensor<1>>,
    conv: &Conv2d,
) -> Option<Tensor<4>> {
    if conv.groups > 1 && conv.filters / conv.groups < FILTERS {
        return None;
    }
    let [n, channels, height, width] = x.dims();
    let sizes = Sizes::new(*conv, [channels, height, width]);
    let zeros = Tensor::<1>::zeros([conv.filters], &weight.device().without_autodiff());
    let bias = bias.unwrap_or(&zeros);
    let (images, filters) = (memory(x)?, memory(weight)?);
    let output = forward(&sizes, values(&images), filters.clone(), values(&memory(bias)?));
    let output = tensor(output, &[n, conv.filters, sizes.grid[0], sizes.grid[1]]);
    if ![x.is_autodiff(), weight.is_autodiff(), bias.is_autodiff()].contains(&true) {
        return Some(Tensor::<4, Float>::from_primitive::<Flex>(output));
    }
    let x = x.clone().autodiff().try_into_primitive::<Tracked>().ok()?;
    let weight = weight.clone().autodiff().try_into_primitive::<Tracked>().ok()?;
    let bias = bias.clone().autodiff().try_into_primitive::<Tracked>().ok()?;
    let nodes = [x.node(), weight.node(), bias.node()];
    let output = match Gradient.prepare::<NoCheckpointing>(nodes).compute_bound().stateful() {
        OpsKind::Tracked(step) => step.finish((images, filters, sizes), output),
        OpsKind::UnTracked(step) => step.finish(output),
    };
    Some(Tensor::<4, Float>::from_primitive::<Tracked>(output))
}

#[derive(Debug)]
struct Gradient;

impl Backward<Flex, 3> for Gradient {
    type State = (FlexTensor, FlexTensor, Sizes);

    fn backward(self, step: Ops<Self::State, 3>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let [x, weight, bias] = step.parents;
        let above = gradients.consume::<Flex>(&step.node).to_contiguous();
        let (images, filters, sizes) = step.state;
        let n = values(&images).len() / sizes.image();
        let found = backward(&sizes, values(&images), &filters, values(&above), x.is_some());
        let [channels, height, width] = sizes.input;
        let conv = sizes.conv;
        if let Some(x) = x {
            gradients.register::<Flex>(x.id, tensor(found.images, &[n, channels, height, width]));
        }
        if let Some(weight) = weight {
            let shape = [conv.filters, channels / conv.groups, conv.kernel[0], conv.kernel[1]];
            gradients.register::<Flex>(weight.id, tensor(found.weight, &shape));
        }
        if let Some(bias) = bias {
            gradients.register::<Flex>(bias.id, tensor(found.bias, &[conv.filters]));
        }
    }
}

/// Each group's filters as a matrix `[filters, reads]`.
fn matrices(sizes: &Sizes, filters: &FlexTensor) -> Vec<Tensor<2>> {
    let [rows, columns] = [sizes.filters(), sizes.reads()];
    values(filters)
        .chunks_exact(rows * columns)
        .map(|group| matrix(group.to_vec(), [rows, columns]))
        .collect()
}

fn forward(sizes: &Sizes, images: &[f32], filters: FlexTensor, bias: &[f32]) -> Vec<f32> {
    let groups = &matrices(sizes, &filters);
    drop(filters);
    let mut output = vec![0.0; images.len() / sizes.image() * sizes.output()];
    let pieces =
        images.par_chunks(sizes.image() * IMAGES).zip(output.par_chunks_mut(sizes.output() * IMAGES));
    pieces.for_each(|(images, output)| {
        let mut buffer = vec![];
        for tile in sizes.tiles(images.len() / sizes.image()) {
            for (group, filters) in groups.iter().enumerate() {
                let columns = gathered(sizes, images, group, &tile, std::mem::take(&mut buffer));
                let product = release(filters.clone().matmul(columns.clone()));
                buffer = release(columns);
                for (filter, part, at) in parts(sizes, group, &tile) {
                    let target = &mut output[part];
                    let source = &product[at..at + target.len()];
                    target.iter_mut().zip(source).for_each(|(to, from)| *to = from + bias[filter]);
                }
            }
        }
    });
    output
}

struct Found {
    /// Empty where it was not wanted.
    images: Vec<f32>,
    weight: Vec<f32>,
    bias: Vec<f32>,
}

fn backward(sizes: &Sizes, images: &[f32], filters: &FlexTensor, above: &[f32], wants_images: bool) -> Found {
    let groups: Vec<Tensor<2>> = matrices(sizes, filters).into_iter().map(Tensor::transpose).collect();
    let pieces = images.par_chunks(sizes.image() * IMAGES).zip(above.par_chunks(sizes.output() * IMAGES));
    let pieces: Vec<Found> =
        pieces.map(|(images, above)| backward_piece(sizes, images, &groups, above, wants_images)).collect();
    let mut pieces = pieces.into_iter();
    let mut whole = pieces.next().expect("a convolution has an image");
    for piece in pieces {
        whole.images.extend(piece.images);
        whole.weight.iter_mut().zip(piece.weight).for_each(|(sum, value)| *sum += value);
        whole.bias.iter_mut().zip(piece.bias).for_each(|(sum, value)| *sum += value);
    }
    whole
}

/// `groups`: each group's filters as `[reads, filters]`.
fn backward_piece(
    sizes: &Sizes,
    images: &[f32],
    groups: &[Tensor<2>],
    above: &[f32],
    wants_images: bool,
) -> Found {
    let (reads, width) = (sizes.reads(), sizes.filters());
    let mut bias = vec![0.0; sizes.conv.filters];
    let mut gradient = vec![0.0; if wants_images { images.len() } else { 0 }];
    let mut weight: Vec<Option<Tensor<2>>> = vec![None; groups.len()];
    let mut buffers = [vec![], vec![]];
    for tile in sizes.tiles(images.len() / sizes.image()) {
        let columns = sizes.columns(&tile);
        for (group, filters) in groups.iter().enumerate() {
            let [buffer, packed] = &mut buffers;
            let gathered = gathered(sizes, images, group, &tile, std::mem::take(buffer));
            packed.resize(width * columns, 0.0);
            for (filter, part, at) in parts(sizes, group, &tile) {
                let source = &above[part];
                packed[at..at + source.len()].copy_from_slice(source);
                bias[filter] += source.iter().sum::<f32>();
            }
            let above = matrix(std::mem::take(packed), [width, columns]);
            let product = gathered.clone().matmul(above.clone().transpose());
            weight[group] = Some(match weight[group].take() {
                Some(sum) => sum + product,
                None => product,
            });
            if wants_images {
                let product = release(filters.clone().matmul(above.clone()));
                sizes.scatter(&product, group, &tile, &mut gradient);
            }
            buffers = [release(gathered), release(above)];
        }
    }
    // Each is [reads, filters]; a filter's values belong together.
    let weight = weight.into_iter().flat_map(|sum| {
        let sum = sum.map_or_else(|| vec![0.0; reads * width], release);
        (0..width)
            .flat_map(|filter| sum.iter().skip(filter).step_by(width).copied().collect::<Vec<_>>())
            .collect::<Vec<_>>()
    });
    Found { images: gradient, weight: weight.collect(), bias }
}

/// The column matrix of a tile, in the memory of `buffer`.
fn gathered(sizes: &Sizes, images: &[f32], group: usize, tile: &Tile, mut buffer: Vec<f32>) -> Tensor<2> {
    let shape = [sizes.reads(), sizes.columns(tile)];
    buffer.resize(shape[0] * shape[1], 0.0);
    sizes.gather(images, group, tile, &mut buffer);
    matrix(buffer, shape)
}

/// For each filter of a group and image of a tile: the filter, where its values lie in the output, and where in a
/// matrix `[filters, columns]` of the tile.
fn parts(
    sizes: &Sizes,
    group: usize,
    tile: &Tile,
) -> impl Iterator<Item = (usize, std::ops::Range<usize>, usize)> {
    let (sizes, tile) = (*sizes, tile.clone());
    let length = tile.rows.len() * sizes.grid[1];
    let columns = sizes.columns(&tile);
    (0..sizes.filters()).flat_map(move |filter| {
        let first = tile.images.start;
        let row = tile.rows.start;
        tile.images.clone().map(move |image| {
            let whole = group * sizes.filters() + filter;
            let start = image * sizes.output() + whole * sizes.positions() + row * sizes.grid[1];
            (whole, start..start + length, filter * columns + (image - first) * length)
        })
    })
}
