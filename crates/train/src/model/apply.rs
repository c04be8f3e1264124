//! One operation of a network on tensors.

use super::{cpu, norm};
use burn::tensor::module::{adaptive_avg_pool2d, avg_pool2d, conv2d, linear, max_pool2d};
use burn::tensor::ops::{AvgPoolOptions, ConvOptions, MaxPoolOptions};
use burn::tensor::{Tensor, activation};
use deepeyes_network::{Conv2d, Lrn, LrnRegion, Op, Pool};

/// A convolution. `weight`: `[filters, channels / groups, kernel]`.
pub(crate) fn convolution(
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    conv: &Conv2d,
) -> Tensor<4> {
    if let Some(output) = cpu::convolution(&x, &weight, bias.as_ref(), conv) {
        return output;
    }
    conv2d(x, weight, bias, ConvOptions::new(conv.stride, conv.padding, conv.dilation, conv.groups))
}

/// A fully connected layer over all values of an input. `weight`: `[units, values, 1, 1]`; result `[n, units, 1, 1]`.
pub(crate) fn dense(x: Tensor<4>, weight: Tensor<4>, bias: Option<Tensor<1>>) -> Tensor<4> {
    let [n, channels, height, width] = x.dims();
    let [units, values, ..] = weight.dims();
    let rows = x.reshape([n, channels * height * width]);
    let columns = weight.reshape([units, values]).transpose();
    linear(rows, columns, bias).reshape([n, units, 1, 1])
}

/// The maximum of each window.
pub(crate) fn max_pool(x: Tensor<4>, pool: &Pool) -> Tensor<4> {
    if let Some(output) = cpu::max_pool(&x, pool) {
        return output;
    }
    max_pool2d(
        x,
        MaxPoolOptions {
            kernel_size: pool.kernel,
            stride: pool.stride,
            padding: pool.padding.map(|side| (side, side)),
            dilation: [1, 1],
            ceil_mode: pool.ceil,
        },
    )
}

/// The mean of each window; padding counts as zeros, what lies beyond it does not count.
pub(crate) fn avg_pool(x: Tensor<4>, pool: &Pool) -> Tensor<4> {
    avg_pool2d(
        x,
        AvgPoolOptions {
            kernel_size: pool.kernel,
            stride: pool.stride,
            padding: pool.padding.map(|side| (side, side)),
            count_include_pad: true,
            ceil_mode: pool.ceil,
        },
    )
}

/// Local response normalisation.
pub(crate) fn lrn(x: Tensor<4>, lrn: &Lrn) -> Tensor<4> {
    match lrn.region {
        LrnRegion::AcrossChannels => norm::local_response(x, lrn.size, lrn.alpha, lrn.beta, lrn.k),
        LrnRegion::WithinChannel => {
            let mut window = Pool::new(lrn.size, 1);
            window.padding = [lrn.size / 2; 2];
            norm::by_squares(x, |squares| avg_pool(squares, &window), lrn.alpha, lrn.beta, lrn.k)
        }
    }
}

/// An operation that needs neither parameters nor a generator; `None` where `op` is not of that kind.
pub(crate) fn plain(op: &Op, x: Tensor<4>) -> Option<Tensor<4>> {
    let [n, channels, height, width] = x.dims();
    Some(match op {
        Op::MaxPool(pool) => max_pool(x, pool),
        Op::AvgPool(pool) => avg_pool(x, pool),
        Op::GlobalAvgPool => adaptive_avg_pool2d(x, [1, 1]),
        Op::GlobalMaxPool => max_pool(x, &Pool { kernel: [height, width], ..Pool::new(1, 1) }),
        Op::Relu => activation::relu(x),
        Op::LeakyRelu { slope } => activation::leaky_relu(x, *slope),
        Op::Relu6 => x.clamp(0.0, 6.0),
        Op::Elu { alpha } => activation::elu(x, *alpha),
        Op::Gelu => activation::gelu(x),
        Op::Silu => activation::silu(x),
        Op::Sigmoid => activation::sigmoid(x),
        Op::Tanh => activation::tanh(x),
        Op::Hardswish => x.clone() * x.add_scalar(3.0).clamp(0.0, 6.0).div_scalar(6.0),
        Op::Lrn(settings) => lrn(x, settings),
        Op::Flatten => x.reshape([n, channels * height * width, 1, 1]),
        Op::Softmax => activation::softmax(x, 1),
        _ => return None,
    })
}
