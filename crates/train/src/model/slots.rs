//! Which parameters and buffers a layer has, and how they start.

use super::Values;
use super::fill::fill;
use crate::streams::{Purpose, stream};
use burn::tensor::{Device, Tensor, TensorData};
use deepeyes_network::{Filler, Layer, Op, ParameterSpec, Shape};

/// A trainable parameter.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ParameterSlot {
    /// `layer.weight` or `layer.bias`.
    pub(crate) name: String,
    /// The layer's name.
    pub(crate) layer: String,
    /// Its own axes: convolution `[filters, channels / groups, kernel]`, dense `[units, inputs]`, vectors `[length]`.
    pub(crate) shape: Vec<usize>,
    pub(crate) lr_mult: f64,
    pub(crate) decay_mult: f64,
    filler: Filler,
    fans: [f64; 2],
}

/// A running statistic of a batch norm.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct BufferSlot {
    /// `layer.running_mean` or `layer.running_var`.
    pub(crate) name: String,
    pub(crate) channels: usize,
    /// What it starts at.
    start: f32,
}

/// A layer's places in the lists.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Slots {
    pub(super) weight: Option<usize>,
    pub(super) bias: Option<usize>,
    /// Running mean and variance.
    pub(super) running: Option<[usize; 2]>,
}

/// The four axes of a parameter's tensor: its own, then ones.
pub(crate) fn padded(shape: &[usize]) -> [usize; 4] {
    std::array::from_fn(|axis| shape.get(axis).copied().unwrap_or(1))
}

impl Slots {
    /// Appends what a layer that reads `input` and puts out `output` needs to the lists.
    pub(super) fn claim(
        layer: &Layer,
        [input, output]: [Shape; 2],
        parameters: &mut Vec<ParameterSlot>,
        buffers: &mut Vec<BufferSlot>,
    ) -> Self {
        let channels = output.channels;
        let (shape, fans, has_bias) = match &layer.op {
            Op::Conv2d(conv) => {
                let area = conv.kernel[0] * conv.kernel[1];
                let depth = input.channels / conv.groups;
                let fans = [(depth * area) as f64, (conv.filters / conv.groups * area) as f64];
                (vec![conv.filters, depth, conv.kernel[0], conv.kernel[1]], fans, conv.bias)
            }
            Op::Dense(dense) => {
                let inputs = input.values();
                (vec![dense.units, inputs], [inputs as f64, dense.units as f64], dense.bias)
            }
            Op::BatchNorm(norm) => {
                let running = Some(["running_mean", "running_var"].map(|part| {
                    let start = if part == "running_var" { 1.0 } else { 0.0 };
                    buffers.push(BufferSlot { name: format!("{}.{part}", layer.name), channels, start });
                    buffers.len() - 1
                }));
                if !norm.affine {
                    return Self { running, ..Self::default() };
                }
                let fans = [channels as f64; 2];
                return Self { running, ..Self::parameters(layer, vec![channels], fans, true, parameters) };
            }
            _ => return Self::default(),
        };
        Self::parameters(layer, shape, fans, has_bias, parameters)
    }

    fn parameters(
        layer: &Layer,
        shape: Vec<usize>,
        fans: [f64; 2],
        has_bias: bool,
        parameters: &mut Vec<ParameterSlot>,
    ) -> Self {
        let outputs = shape[0];
        let mut push = |part: &str, shape, spec: &ParameterSpec, filler| {
            parameters.push(ParameterSlot {
                name: format!("{}.{part}", layer.name),
                layer: layer.name.clone(),
                shape,
                lr_mult: spec.lr_mult,
                decay_mult: spec.decay_mult,
                filler,
                fans,
            });
            Some(parameters.len() - 1)
        };
        let weight = push("weight", shape, &layer.weight, layer.weight_filler());
        let bias =
            if has_bias { push("bias", vec![outputs], &layer.bias, layer.bias_filler()) } else { None };
        Self { weight, bias, running: None }
    }
}

impl super::Model {
    /// The numbers that a training with this seed starts from.
    pub(crate) fn start(&self, seed: u64, device: &Device) -> Values {
        let parameter = |(at, slot): (usize, &ParameterSlot)| {
            let mut rng = stream(seed, Purpose::Parameters, [at as u64, 0]);
            let values = fill(slot.filler, slot.shape.iter().product(), slot.fans, &mut rng);
            Tensor::from_data(TensorData::new(values, padded(&slot.shape)), device)
        };
        Values {
            parameters: self.parameters.iter().enumerate().map(parameter).collect(),
            buffers: self
                .buffers
                .iter()
                .map(|slot| Tensor::full([slot.channels], slot.start, device))
                .collect(),
        }
    }
}
