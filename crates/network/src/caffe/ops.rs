//! Caffe's layer types and their parameters.

use super::layers::CaffeLayer;
use super::message::{Field, Message};
use crate::error::{NetworkError, Problem};
use crate::{BatchNorm, Conv2d, Dense, Filler, Lrn, LrnRegion, Op, ParameterSpec, Pool, VarianceNorm};

/// An operation with how its parameters start and learn.
pub(super) struct Parts {
    pub(super) op: Op,
    pub(super) weight: ParameterSpec,
    pub(super) bias: ParameterSpec,
}

/// The operation of a layer that computes something; refuses by name what has no counterpart.
pub(super) fn read_op(layer: &CaffeLayer<'_>) -> Result<Parts, NetworkError> {
    let empty = Message { line: layer.message.line, ..Message::default() };
    let parameters = |name: &str| layer.message.message(name).map(|message| message.unwrap_or(&empty));
    let plain = |op: Op| Parts { op, weight: ParameterSpec::default(), bias: ParameterSpec::default() };
    let parts = match layer.kind {
        "Convolution" => filled(layer, parameters("convolution_param")?, |p| conv(p).map(Op::Conv2d))?,
        "InnerProduct" => filled(layer, parameters("inner_product_param")?, |p| dense(p).map(Op::Dense))?,
        "Pooling" => plain(pool(layer, parameters("pooling_param")?)?),
        "LRN" => plain(Op::Lrn(lrn(parameters("lrn_param")?)?)),
        "ReLU" => plain(match parameters("relu_param")?.real("negative_slope")? {
            Some(slope) if slope != 0.0 => Op::LeakyRelu { slope },
            _ => Op::Relu,
        }),
        "ELU" => plain(Op::Elu { alpha: parameters("elu_param")?.real("alpha")?.unwrap_or(1.0) }),
        "Sigmoid" => plain(Op::Sigmoid),
        "TanH" => plain(Op::Tanh),
        "Dropout" => {
            plain(Op::Dropout { rate: parameters("dropout_param")?.real("dropout_ratio")?.unwrap_or(0.5) })
        }
        "BatchNorm" => plain(Op::BatchNorm(batch_norm(parameters("batch_norm_param")?)?)),
        "Flatten" => plain(Op::Flatten),
        "Softmax" => plain(Op::Softmax),
        "Concat" => plain(concat(parameters("concat_param")?)?),
        "Eltwise" => plain(eltwise(layer, parameters("eltwise_param")?)?),
        kind => {
            let known = "Convolution, InnerProduct, Pooling, LRN, ReLU, ELU, Sigmoid, TanH, Dropout, BatchNorm with Scale, \
                         Flatten, Concat, Eltwise SUM, Softmax, SoftmaxWithLoss and Accuracy";
            return Err(
                layer.unsupported(format!("layers of type {kind} are not supported; supported are {known}"))
            );
        }
    };
    parts.op.check().map_err(|e| layer.locate(e))?;
    Ok(parts)
}

fn filled(
    layer: &CaffeLayer<'_>,
    parameters: &Message,
    op: impl Fn(&Message) -> Result<Op, NetworkError>,
) -> Result<Parts, NetworkError> {
    let [mut weight, mut bias] = layer.factors()?;
    weight.filler = parameters.message("weight_filler")?.map(filler).transpose()?;
    bias.filler = parameters.message("bias_filler")?.map(filler).transpose()?;
    Ok(Parts { op: op(parameters)?, weight, bias })
}

pub(super) fn filler(message: &Message) -> Result<Filler, NetworkError> {
    message.only(&["type", "value", "min", "max", "mean", "std", "sparse", "variance_norm"])?;
    let real = |name: &str, default: f64| message.real(name).map(|value| value.unwrap_or(default));
    let norm = match message.text("variance_norm")? {
        None | Some("FAN_IN") => VarianceNorm::FanIn,
        Some("FAN_OUT") => VarianceNorm::FanOut,
        Some("AVERAGE") => VarianceNorm::Average,
        Some(other) => {
            return Err(NetworkError::unknown("variance_norm", other, &["FAN_IN", "FAN_OUT", "AVERAGE"])
                .at_line(message.line));
        }
    };
    let filler = match message.text("type")?.unwrap_or("constant") {
        "constant" => Filler::Constant { value: real("value", 0.0)? },
        "uniform" => Filler::Uniform { min: real("min", 0.0)?, max: real("max", 1.0)? },
        "gaussian" => Filler::Gaussian { mean: real("mean", 0.0)?, std: real("std", 1.0)? },
        "xavier" => Filler::Xavier { norm },
        "msra" => Filler::Msra { norm },
        other => {
            let known = ["constant", "uniform", "gaussian", "xavier", "msra"];
            return Err(NetworkError::unknown("filler", other, &known).at_line(message.line));
        }
    };
    filler.check().map_err(|e| e.at_line(message.line))?;
    Ok(filler)
}

/// Vertical and horizontal extent: one repeated field, or `_h` and `_w`.
fn pair(message: &Message, name: &str, stem: &str) -> Result<Option<[usize; 2]>, NetworkError> {
    let values: Vec<usize> = message.all(name).map(Field::size).collect::<Result<_, _>>()?;
    let separate = [message.size(&format!("{stem}_h"))?, message.size(&format!("{stem}_w"))?];
    match (&values[..], separate) {
        ([], [None, None]) => Ok(None),
        ([both], [None, None]) => Ok(Some([*both; 2])),
        ([vertical, horizontal], [None, None]) => Ok(Some([*vertical, *horizontal])),
        ([], [vertical, horizontal]) if stem == "pad" => {
            Ok(Some([vertical.unwrap_or(0), horizontal.unwrap_or(0)]))
        }
        ([], [Some(vertical), Some(horizontal)]) => Ok(Some([vertical, horizontal])),
        _ => {
            let expected = format!("one value, two, or {stem}_h and {stem}_w");
            let line = message.get(name).map_or(message.line, |field| field.line);
            Err(NetworkError::value(expected, format!("{} values", values.len()))
                .in_field(name)
                .at_line(line))
        }
    }
}

fn required<T>(message: &Message, name: &str, value: Option<T>) -> Result<T, NetworkError> {
    value.ok_or_else(|| {
        let problem = Problem::Missing("a whole number of at least 1".to_owned());
        NetworkError::new(problem).in_field(name).at_line(message.line)
    })
}

fn conv(message: &Message) -> Result<Conv2d, NetworkError> {
    message.only(&[
        "num_output",
        "bias_term",
        "pad",
        "pad_h",
        "pad_w",
        "kernel_size",
        "kernel_h",
        "kernel_w",
        "group",
        "stride",
        "stride_h",
        "stride_w",
        "dilation",
        "weight_filler",
        "bias_filler",
        "engine",
        "axis",
        "force_nd_im2col",
    ])?;
    Ok(Conv2d {
        filters: required(message, "num_output", message.size("num_output")?)?,
        kernel: required(message, "kernel_size", pair(message, "kernel_size", "kernel")?)?,
        stride: pair(message, "stride", "stride")?.unwrap_or([1; 2]),
        padding: pair(message, "pad", "pad")?.unwrap_or([0; 2]),
        groups: message.size("group")?.unwrap_or(1),
        dilation: pair(message, "dilation", "dilation")?.unwrap_or([1; 2]),
        bias: message.flag("bias_term")?.unwrap_or(true),
    })
}

fn dense(message: &Message) -> Result<Dense, NetworkError> {
    message.only(&["num_output", "bias_term", "weight_filler", "bias_filler", "axis", "transpose"])?;
    Ok(Dense {
        units: required(message, "num_output", message.size("num_output")?)?,
        bias: message.flag("bias_term")?.unwrap_or(true),
    })
}

/// Caffe rounds the number of windows up.
fn pool(layer: &CaffeLayer<'_>, message: &Message) -> Result<Op, NetworkError> {
    message.only(&[
        "pool",
        "pad",
        "pad_h",
        "pad_w",
        "kernel_size",
        "kernel_h",
        "kernel_w",
        "stride",
        "stride_h",
        "stride_w",
        "engine",
        "global_pooling",
        "round_mode",
    ])?;
    let kind = message.text("pool")?.unwrap_or("MAX");
    if !matches!(kind, "MAX" | "AVE") {
        return Err(layer.unsupported(format!("pooling {kind} is not supported; MAX and AVE are")));
    }
    if message.flag("global_pooling")?.unwrap_or(false) {
        return Ok(if kind == "MAX" { Op::GlobalMaxPool } else { Op::GlobalAvgPool });
    }
    let pool = Pool {
        kernel: required(message, "kernel_size", pair(message, "kernel_size", "kernel")?)?,
        stride: pair(message, "stride", "stride")?.unwrap_or([1; 2]),
        padding: pair(message, "pad", "pad")?.unwrap_or([0; 2]),
        ceil: message.text("round_mode")?.is_none_or(|mode| mode == "CEIL"),
    };
    Ok(if kind == "MAX" { Op::MaxPool(pool) } else { Op::AvgPool(pool) })
}

fn lrn(message: &Message) -> Result<Lrn, NetworkError> {
    message.only(&["local_size", "alpha", "beta", "norm_region", "k", "engine"])?;
    let default = Lrn::default();
    let region = match message.text("norm_region")? {
        None | Some("ACROSS_CHANNELS") => LrnRegion::AcrossChannels,
        Some("WITHIN_CHANNEL") => LrnRegion::WithinChannel,
        Some(other) => {
            let known = ["ACROSS_CHANNELS", "WITHIN_CHANNEL"];
            return Err(NetworkError::unknown("norm_region", other, &known).at_line(message.line));
        }
    };
    Ok(Lrn {
        size: message.size("local_size")?.unwrap_or(default.size),
        alpha: message.real("alpha")?.unwrap_or(default.alpha),
        beta: message.real("beta")?.unwrap_or(default.beta),
        k: message.real("k")?.unwrap_or(default.k),
        region,
    })
}

/// Without scale and shift, which Caffe leaves to a Scale layer.
fn batch_norm(message: &Message) -> Result<BatchNorm, NetworkError> {
    message.only(&["use_global_stats", "moving_average_fraction", "eps"])?;
    Ok(BatchNorm {
        eps: message.real("eps")?.unwrap_or(1e-5),
        momentum: 1.0 - message.real("moving_average_fraction")?.unwrap_or(0.999),
        affine: false,
    })
}

fn concat(message: &Message) -> Result<Op, NetworkError> {
    message.only(&["axis", "concat_dim"])?;
    for name in ["axis", "concat_dim"] {
        if let Some(field) = message.get(name).filter(|field| !matches!(field.text(), Ok("1" | "-3"))) {
            return Err(field.mismatch("1 (the channels)", field.text()?));
        }
    }
    Ok(Op::Concat)
}

fn eltwise(layer: &CaffeLayer<'_>, message: &Message) -> Result<Op, NetworkError> {
    message.only(&["operation", "coeff", "stable_prod_grad"])?;
    let operation = message.text("operation")?.unwrap_or("SUM");
    if !matches!(operation, "SUM" | "1") {
        return Err(layer.unsupported(format!("Eltwise {operation} is not supported; SUM is")));
    }
    for coefficient in message.all("coeff") {
        if coefficient.real()? != 1.0 {
            return Err(coefficient.mismatch("1 (plain sums)", coefficient.text()?));
        }
    }
    Ok(Op::Add)
}
