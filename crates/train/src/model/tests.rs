//! Forward passes against naive loops, gradients against finite differences.

use super::reference::{self, Block, Windows};
use super::{Mode, Model, Values, padded};
use crate::step::read;
use burn::tensor::{Device, Tensor, TensorData};
use deepeyes_network::{BatchNorm, Conv2d, Dense, Layer, Lrn, LrnRegion, Network, Op, Pool};
use proptest::prelude::*;

const TRAIN: Mode = Mode::Train { seed: 5, place: 40 };

fn model(layers: Vec<Layer>, input: [usize; 3]) -> Model {
    let network = Network { layers, ..Network::default() };
    Model::new(&network, &network.resolve(input).unwrap())
}

fn single(op: Op, input: [usize; 3]) -> Model {
    model(vec![Layer::new("layer", op)], input)
}

/// `count` different numbers around 0, none of which is 0, in no order: no two are so close that a small step would
/// change which is larger.
fn scattered(count: usize, phase: usize) -> Vec<f32> {
    let step = 4.0 / count as f32;
    let coprime = ((count * 3 / 7).max(2)..).find(|s| gcd(*s, count) == 1).unwrap();
    (0..count)
        .map(|at| ((at * coprime + phase) % count) as f32 * step - 2.0 + step / 2.0 + 0.013 * step)
        .collect()
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

fn tensor(values: &[f32], dims: [usize; 4]) -> Tensor<4> {
    Tensor::from_data(TensorData::new(values.to_vec(), dims), &Device::flex())
}

fn block(values: &[f32], dims: [usize; 4]) -> Block {
    Block { dims, values: values.iter().map(|&v| f64::from(v)).collect() }
}

fn values(model: &Model) -> Values {
    let parameters = model.parameters.iter().enumerate().map(|(at, slot)| {
        let numbers =
            scattered(slot.shape.iter().product(), at + 1).iter().map(|v| v * 0.5).collect::<Vec<_>>();
        tensor(&numbers, padded(&slot.shape))
    });
    let start = model.start(0, &Device::flex());
    Values { parameters: parameters.collect(), buffers: start.buffers }
}

fn assert_equals(found: Tensor<4>, expected: &Block) {
    assert_eq!(found.dims(), expected.dims);
    for (at, (found, expected)) in read(found).iter().zip(&expected.values).enumerate() {
        assert!(
            (f64::from(*found) - expected).abs() < 1e-4 * (1.0 + expected.abs()),
            "{at}: {found} {expected}"
        );
    }
}

fn pair(values: impl Strategy<Value = usize> + Clone) -> impl Strategy<Value = [usize; 2]> {
    (values.clone(), values).prop_map(|(a, b)| [a, b])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn convolutions_equal_naive_loops(
        n in 1usize..4, groups in 1usize..3, depth in 1usize..4, width in 1usize..4,
        side in pair(5usize..9), kernel in pair(1usize..4), stride in pair(1usize..4),
        padding in pair(0usize..3), dilation in pair(1usize..3), bias: bool,
    ) {
        let conv = Conv2d { filters: groups * width, kernel, stride, padding, groups, dilation, bias };
        let input = [groups * depth, side[0], side[1]];
        let model = single(Op::Conv2d(conv), input);
        let values = values(&model);
        let dims = [n, input[0], input[1], input[2]];
        let x = scattered(dims.iter().product(), 0);
        let weight = block(&read(values.parameters[0].clone()), padded(&model.parameters[0].shape));
        let shift: Option<Vec<f64>> =
            bias.then(|| read(values.parameters[1].clone()).into_iter().map(f64::from).collect());
        let windows = Windows { kernel, stride, padding, dilation, ceil: false };
        let expected = reference::convolution(&block(&x, dims), &weight, shift.as_deref(), windows, groups);
        // With gradients and without may be different code.
        for leaves in [values.clone(), tracked(&values)] {
            let found = model.forward(&tensor(&x, dims), &leaves, TRAIN, &[]).logits;
            assert_equals(found.without_autodiff(), &expected);
        }
    }

    #[test]
    fn pools_equal_naive_loops(
        n in 1usize..3, channels in 1usize..4, side in pair(3usize..9), kernel in pair(1usize..4),
        stride in pair(1usize..4), pad in pair(0usize..3), ceil: bool,
    ) {
        let padding = [pad[0].min(kernel[0] - 1), pad[1].min(kernel[1] - 1)];
        let pool = Pool { kernel, stride, padding, ceil };
        let dims = [n, channels, side[0], side[1]];
        let x = scattered(dims.iter().product(), 0);
        let windows = Windows { kernel, stride, padding, dilation: [1, 1], ceil };
        for (op, largest) in [(Op::MaxPool(pool), true), (Op::AvgPool(pool), false)] {
            let model = single(op, [channels, side[0], side[1]]);
            let expected = reference::pool(&block(&x, dims), windows, largest);
            for x in [tensor(&x, dims), tensor(&x, dims).autodiff().require_grad()] {
                let found = model.forward(&x, &values(&model), TRAIN, &[]).logits;
                assert_equals(found.without_autodiff(), &expected);
            }
        }
    }

    #[test]
    fn response_normalisation_equals_naive_loops(
        channels in 1usize..8, half in 0usize..3, alpha in 0.0..2.0, beta in 0.1..1.0, k in 1.0..3.0,
    ) {
        let dims = [2, channels, 2, 3];
        let x = scattered(dims.iter().product(), 0);
        let size = 2 * half + 1;
        let lrn = Lrn { size, alpha, beta, k, region: LrnRegion::AcrossChannels };
        let model = single(Op::Lrn(lrn), [channels, 2, 3]);
        let found = model.forward(&tensor(&x, dims), &values(&model), TRAIN, &[]).logits;
        assert_equals(found, &reference::local_response(&block(&x, dims), size, alpha, beta, k));
    }
}

fn tracked(values: &Values) -> Values {
    let leaves = values.parameters.iter().map(|value| value.clone().autodiff().require_grad());
    Values { parameters: leaves.collect(), buffers: values.buffers.clone() }
}

/// Holds the gradients of `sum(coefficient * output)` in the input and in every parameter to central differences.
fn check_gradients(model: &Model, input: [usize; 3]) {
    let dims = [2, input[0], input[1], input[2]];
    let x = scattered(dims.iter().product(), 0);
    let values = values(model);
    let output = model.forward(&tensor(&x, dims), &values, TRAIN, &[]).logits;
    let coefficients = scattered(output.dims().iter().product(), 3);
    let coefficient = tensor(&coefficients, output.dims());
    let weighed = |x: &[f32], values: &Values| -> f64 {
        let output = read(model.forward(&tensor(x, dims), values, TRAIN, &[]).logits);
        output.iter().zip(&coefficients).map(|(y, c)| f64::from(*y) * f64::from(*c)).sum()
    };
    let (leaf, leaves) = (tensor(&x, dims).autodiff().require_grad(), tracked(&values));
    let pass = model.forward(&leaf, &leaves, TRAIN, &[]);
    let mut gradients = (pass.logits * coefficient).sum().backward();

    let step = 2e-3;
    let compare = |what: &str, analytic: Tensor<4>, slope: &dyn Fn(usize) -> f64| {
        for (at, analytic) in read(analytic).into_iter().enumerate() {
            let slope = slope(at);
            let error = (slope - f64::from(analytic)).abs();
            assert!(
                error < 0.01 * (1.0 + slope.abs()),
                "{what} {at}: differences {slope}, gradient {analytic}"
            );
        }
    };
    compare("input", leaf.grad_remove(&mut gradients).unwrap(), &|at| {
        let shifted = |by: f32| {
            let mut x = x.clone();
            x[at] += by;
            weighed(&x, &values)
        };
        (shifted(step) - shifted(-step)) / (2.0 * f64::from(step))
    });
    for (slot, parameter) in model.parameters.iter().enumerate() {
        let gradient = leaves.parameters[slot].grad_remove(&mut gradients).unwrap();
        assert_eq!(gradient.dims(), padded(&parameter.shape));
        compare(&parameter.name, gradient, &|at| {
            let shifted = |by: f32| {
                let mut values = values.clone();
                let mut numbers = read(values.parameters[slot].clone());
                numbers[at] += by;
                values.parameters[slot] = tensor(&numbers, padded(&parameter.shape));
                weighed(&x, &values)
            };
            (shifted(step) - shifted(-step)) / (2.0 * f64::from(step))
        });
    }
}

fn windows(kernel: usize, stride: usize, padding: usize, ceil: bool) -> Pool {
    Pool { kernel: [kernel; 2], stride: [stride; 2], padding: [padding; 2], ceil }
}

#[test]
fn gradients_of_filters_equal_differences() {
    let conv = Conv2d::new(4, 3);
    for (conv, input) in [
        (conv, [2, 5, 6]),
        (Conv2d { stride: [2, 1], padding: [1, 2], ..conv }, [3, 5, 6]),
        (Conv2d { groups: 2, padding: [1, 1], ..conv }, [4, 4, 4]),
        (Conv2d { groups: 2, stride: [3, 2], ..conv }, [2, 7, 6]),
        (Conv2d { dilation: [2, 1], bias: false, ..conv }, [2, 6, 5]),
        (Conv2d { groups: 4, stride: [2, 2], padding: [1, 1], ..conv }, [4, 5, 5]),
        (Conv2d { kernel: [1, 1], stride: [2, 2], ..conv }, [3, 4, 5]),
    ] {
        check_gradients(&single(Op::Conv2d(conv), input), input);
    }
    check_gradients(&single(Op::Dense(Dense { units: 3, bias: true }), [2, 2, 3]), [2, 2, 3]);
    check_gradients(&single(Op::Dense(Dense { units: 3, bias: false }), [4, 1, 1]), [4, 1, 1]);
}

#[test]
fn gradients_of_pools_equal_differences() {
    for pool in
        [windows(2, 2, 0, false), windows(3, 2, 0, true), windows(3, 2, 1, true), windows(3, 1, 1, false)]
    {
        check_gradients(&single(Op::MaxPool(pool), [2, 5, 6]), [2, 5, 6]);
        check_gradients(&single(Op::AvgPool(pool), [2, 5, 6]), [2, 5, 6]);
    }
    check_gradients(&single(Op::MaxPool(windows(2, 2, 0, false)), [2, 4, 6]), [2, 4, 6]);
    check_gradients(&single(Op::GlobalAvgPool, [3, 3, 4]), [3, 3, 4]);
    check_gradients(&single(Op::GlobalMaxPool, [3, 3, 4]), [3, 3, 4]);
}

#[test]
fn gradients_of_nonlinearities_equal_differences() {
    for op in [
        Op::Relu,
        Op::LeakyRelu { slope: 0.1 },
        Op::Relu6,
        Op::Elu { alpha: 0.7 },
        Op::Gelu,
        Op::Silu,
        Op::Sigmoid,
        Op::Tanh,
        Op::Hardswish,
    ] {
        check_gradients(&single(op, [2, 3, 3]), [2, 3, 3]);
    }
}

#[test]
fn gradients_of_normalisations_equal_differences() {
    let lrn = Lrn { size: 3, alpha: 0.5, ..Lrn::default() };
    check_gradients(&single(Op::Lrn(lrn), [5, 2, 3]), [5, 2, 3]);
    check_gradients(&single(Op::Lrn(Lrn { region: LrnRegion::WithinChannel, ..lrn }), [2, 4, 3]), [2, 4, 3]);
    check_gradients(&single(Op::BatchNorm(BatchNorm::default()), [3, 2, 3]), [3, 2, 3]);
    check_gradients(
        &single(Op::BatchNorm(BatchNorm { affine: false, ..BatchNorm::default() }), [3, 2, 2]),
        [3, 2, 2],
    );
    check_gradients(&single(Op::Dropout { rate: 0.4 }, [3, 2, 3]), [3, 2, 3]);
}

#[test]
fn gradients_run_through_branches() {
    let reads = |name: &str, op: Op, inputs: &[&str]| Layer {
        inputs: inputs.iter().map(|&input| input.to_owned()).collect(),
        ..Layer::new(name, op)
    };
    let conv = Conv2d { padding: [1, 1], ..Conv2d::new(2, 3) };
    let network = vec![
        Layer::new("a", Op::Conv2d(conv)),
        Layer::new("b", Op::Conv2d(conv)),
        reads("sum", Op::Add, &["a", "b"]),
        reads("both", Op::Concat, &["sum", "input"]),
        Layer::new("flat", Op::Flatten),
        Layer::new("fc", Op::Dense(Dense { units: 3, bias: true })),
    ];
    check_gradients(&model(network, [2, 3, 3]), [2, 3, 3]);
}

#[test]
fn a_last_softmax_is_left_to_the_loss() {
    let layers =
        vec![Layer::new("fc", Op::Dense(Dense { units: 3, bias: true })), Layer::new("p", Op::Softmax)];
    let with = model(layers.clone(), [4, 1, 1]);
    let without = model(layers[..1].to_vec(), [4, 1, 1]);
    let x = tensor(&scattered(8, 0), [2, 4, 1, 1]);
    let logits = |model: &Model| read(model.forward(&x, &values(model), Mode::Evaluate, &[]).logits);
    assert_eq!(logits(&with), logits(&without));
}

#[test]
fn running_statistics_move_towards_the_mini_batch_s() {
    let model = single(Op::BatchNorm(BatchNorm::default()), [1, 1, 1]);
    let mut values = values(&model);
    let pass = model.forward(&tensor(&[1.0, 2.0, 6.0], [3, 1, 1, 1]), &values, TRAIN, &[]);
    pass.statistics.into_iter().for_each(|statistics| statistics.update(&mut values.buffers));
    // Mean 3, unbiased variance 7, momentum 0.1, from mean 0 and variance 1.
    let found: Vec<f32> = values.buffers.iter().flat_map(|buffer| read(buffer.clone())).collect();
    assert!((found[0] - 0.3).abs() < 1e-6 && (found[1] - 1.6).abs() < 1e-6, "{found:?}");
}

#[test]
fn a_frozen_batch_norm_uses_what_it_has_and_keeps_it() {
    let mut model = single(Op::BatchNorm(BatchNorm::default()), [2, 1, 1]);
    let values = values(&model);
    let x = tensor(&scattered(6, 0), [3, 2, 1, 1]);
    let evaluated = read(model.forward(&x, &values, Mode::Evaluate, &[]).logits);
    model.freeze(&["layer".to_owned()]);
    let pass = model.forward(&x, &values, TRAIN, &[]);
    assert!(pass.statistics.is_empty());
    assert_eq!(read(pass.logits), evaluated);
    assert_eq!(model.learns(), [false, false]);
}
