//! Operations, parameters and fillers in TOML.

use toml::Spanned;
use toml::de::DeValue;

use super::fields::{Fields, Lines, mismatch};
use crate::error::NetworkError;
use crate::{BatchNorm, Conv2d, Dense, Filler, Lrn, LrnRegion, Op, ParameterSpec, Pool, VarianceNorm};

/// The operations that a layer can name.
pub(super) const OPS: [&str; 22] = [
    "conv2d",
    "dense",
    "max_pool",
    "avg_pool",
    "global_avg_pool",
    "global_max_pool",
    "relu",
    "leaky_relu",
    "relu6",
    "elu",
    "gelu",
    "silu",
    "sigmoid",
    "tanh",
    "hardswish",
    "batch_norm",
    "lrn",
    "dropout",
    "flatten",
    "add",
    "concat",
    "softmax",
];

pub(super) const FILLERS: [&str; 5] = ["constant", "uniform", "gaussian", "xavier", "msra"];

type Value<'a> = &'a Spanned<DeValue<'a>>;

/// Reads `kind = { … }`; values out of range are named with their line.
pub(super) fn read_op<'a>(kind: &str, value: Value<'a>, lines: &'a Lines) -> Result<Op, NetworkError> {
    let fields = Fields::inside(value, lines, known_fields(kind)).map_err(|e| e.in_field(kind))?;
    let op = op_of_fields(kind, &fields)?;
    op.check().map_err(|e| fields.locate(e))?;
    Ok(op)
}

fn known_fields(kind: &str) -> &'static [&'static str] {
    match kind {
        "conv2d" => &["filters", "kernel", "stride", "padding", "groups", "dilation", "bias"],
        "dense" => &["units", "bias"],
        "max_pool" | "avg_pool" => &["kernel", "stride", "padding", "ceil"],
        "leaky_relu" => &["slope"],
        "elu" => &["alpha"],
        "batch_norm" => &["eps", "momentum", "affine"],
        "lrn" => &["size", "alpha", "beta", "k", "region"],
        "dropout" => &["rate"],
        _ => &[],
    }
}

fn op_of_fields(kind: &str, fields: &Fields<'_>) -> Result<Op, NetworkError> {
    Ok(match kind {
        "conv2d" => Op::Conv2d(conv(fields)?),
        "dense" => Op::Dense(Dense {
            units: fields.required_size("units")?,
            bias: fields.flag("bias")?.unwrap_or(true),
        }),
        "max_pool" => Op::MaxPool(pool(fields)?),
        "avg_pool" => Op::AvgPool(pool(fields)?),
        "global_avg_pool" => Op::GlobalAvgPool,
        "global_max_pool" => Op::GlobalMaxPool,
        "relu" => Op::Relu,
        "leaky_relu" => Op::LeakyRelu { slope: fields.real("slope")?.unwrap_or(0.01) },
        "relu6" => Op::Relu6,
        "elu" => Op::Elu { alpha: fields.real("alpha")?.unwrap_or(1.0) },
        "gelu" => Op::Gelu,
        "silu" => Op::Silu,
        "sigmoid" => Op::Sigmoid,
        "tanh" => Op::Tanh,
        "hardswish" => Op::Hardswish,
        "batch_norm" => {
            let default = BatchNorm::default();
            Op::BatchNorm(BatchNorm {
                eps: fields.real("eps")?.unwrap_or(default.eps),
                momentum: fields.real("momentum")?.unwrap_or(default.momentum),
                affine: fields.flag("affine")?.unwrap_or(default.affine),
            })
        }
        "lrn" => Op::Lrn(lrn(fields)?),
        "dropout" => Op::Dropout { rate: fields.real("rate")?.unwrap_or(0.5) },
        "flatten" => Op::Flatten,
        "add" => Op::Add,
        "concat" => Op::Concat,
        "softmax" => Op::Softmax,
        _ => return Err(NetworkError::unknown("operation", kind, &OPS)),
    })
}

fn conv(fields: &Fields<'_>) -> Result<Conv2d, NetworkError> {
    Ok(Conv2d {
        filters: fields.required_size("filters")?,
        kernel: kernel(fields)?,
        stride: fields.pair("stride")?.unwrap_or([1; 2]),
        padding: fields.pair("padding")?.unwrap_or([0; 2]),
        groups: fields.size("groups")?.unwrap_or(1),
        dilation: fields.pair("dilation")?.unwrap_or([1; 2]),
        bias: fields.flag("bias")?.unwrap_or(true),
    })
}

/// Without a stride, windows lie side by side (as in PyTorch).
fn pool(fields: &Fields<'_>) -> Result<Pool, NetworkError> {
    let kernel = kernel(fields)?;
    Ok(Pool {
        kernel,
        stride: fields.pair("stride")?.unwrap_or(kernel),
        padding: fields.pair("padding")?.unwrap_or([0; 2]),
        ceil: fields.flag("ceil")?.unwrap_or(false),
    })
}

fn kernel(fields: &Fields<'_>) -> Result<[usize; 2], NetworkError> {
    fields
        .pair("kernel")?
        .ok_or_else(|| fields.missing("kernel", "a whole number, or two as [vertical, horizontal]"))
}

fn lrn(fields: &Fields<'_>) -> Result<Lrn, NetworkError> {
    let default = Lrn::default();
    let region = fields.read("region", |value| match super::fields::text(value)? {
        "across_channels" => Ok(LrnRegion::AcrossChannels),
        "within_channel" => Ok(LrnRegion::WithinChannel),
        _ => Err(mismatch("\"across_channels\" or \"within_channel\"", value)),
    })?;
    Ok(Lrn {
        size: fields.size("size")?.unwrap_or(default.size),
        alpha: fields.real("alpha")?.unwrap_or(default.alpha),
        beta: fields.real("beta")?.unwrap_or(default.beta),
        k: fields.real("k")?.unwrap_or(default.k),
        region: region.unwrap_or(default.region),
    })
}

/// Reads `{ lr_mult, decay_mult, filler }`.
pub(super) fn read_parameter<'a>(value: Value<'a>, lines: &'a Lines) -> Result<ParameterSpec, NetworkError> {
    let fields = Fields::inside(value, lines, &["lr_mult", "decay_mult", "filler"])?;
    let default = ParameterSpec::default();
    let factor = |key: &str, default: f64| {
        fields
            .read(key, |value| {
                let factor = super::fields::real(value)?;
                let usable = factor.is_finite() && factor >= 0.0;
                if usable { Ok(factor) } else { Err(mismatch("a number of at least 0", value)) }
            })
            .map(|factor| factor.unwrap_or(default))
    };
    Ok(ParameterSpec {
        lr_mult: factor("lr_mult", default.lr_mult)?,
        decay_mult: factor("decay_mult", default.decay_mult)?,
        filler: fields.read("filler", |value| read_filler(value, lines))?,
    })
}

/// A name (`"xavier"`) or a table with one (`{ gaussian = { std = 0.01 } }`).
fn read_filler<'a>(value: Value<'a>, lines: &'a Lines) -> Result<Filler, NetworkError> {
    let (kind, fields) = match value.get_ref() {
        DeValue::Table(table) if table.len() == 1 => {
            let fields = Fields::inside(value, lines, &FILLERS)?;
            let (kind, value) = table.iter().next().expect("the table has one entry");
            let kind = kind.get_ref().as_ref();
            (kind, Some(Fields::inside(value, fields.lines(), filler_fields(kind))?))
        }
        DeValue::String(kind) => (kind.as_ref(), None),
        _ => return Err(mismatch("a filler as \"xavier\" or { gaussian = { std = 0.01 } }", value)),
    };
    let real = |key: &str, default: f64| match &fields {
        Some(fields) => fields.real(key).map(|value| value.unwrap_or(default)),
        None => Ok(default),
    };
    let norm = || match &fields {
        Some(fields) => fields.read("norm", read_norm).map(Option::unwrap_or_default),
        None => Ok(VarianceNorm::default()),
    };
    let filler = match kind {
        "constant" => Filler::Constant { value: real("value", 0.0)? },
        "uniform" => Filler::Uniform { min: real("min", 0.0)?, max: real("max", 1.0)? },
        "gaussian" => Filler::Gaussian { mean: real("mean", 0.0)?, std: real("std", 1.0)? },
        "xavier" => Filler::Xavier { norm: norm()? },
        "msra" => Filler::Msra { norm: norm()? },
        _ => return Err(NetworkError::unknown("filler", kind, &FILLERS)),
    };
    filler.check()?;
    Ok(filler)
}

fn filler_fields(kind: &str) -> &'static [&'static str] {
    match kind {
        "constant" => &["value"],
        "uniform" => &["min", "max"],
        "gaussian" => &["mean", "std"],
        _ => &["norm"],
    }
}

fn read_norm(value: Value<'_>) -> Result<VarianceNorm, NetworkError> {
    match super::fields::text(value)? {
        "fan_in" => Ok(VarianceNorm::FanIn),
        "fan_out" => Ok(VarianceNorm::FanOut),
        "average" => Ok(VarianceNorm::Average),
        _ => Err(mismatch("\"fan_in\", \"fan_out\" or \"average\"", value)),
    }
}
