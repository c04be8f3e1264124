//! A layer of a network description.

use crate::Op;
use crate::error::NetworkError;

/// Names by which a layer reads the network's input; no layer may bear one.
pub const INPUT_NAMES: [&str; 2] = ["input", "data"];

/// A layer: a name, an operation, and what it reads.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    /// Unique in the network; not one of [`INPUT_NAMES`].
    pub name: String,
    /// What it computes.
    pub op: Op,
    /// Names of the layers that it reads ([`INPUT_NAMES`] for the network's input); empty: the layer before.
    pub inputs: Vec<String>,
    /// How its weights (a batch norm's scale) start and learn.
    pub weight: ParameterSpec,
    /// How its bias (a batch norm's shift) starts and learns.
    pub bias: ParameterSpec,
}

impl Layer {
    /// A layer that reads the one before it, with default parameters.
    pub fn new(name: impl Into<String>, op: Op) -> Self {
        let (weight, bias) = (ParameterSpec::default(), ParameterSpec::default());
        Layer { name: name.into(), op, inputs: Vec::new(), weight, bias }
    }

    /// How the weights start: as told, else He's normal distribution (a batch norm's scale: 1).
    pub fn weight_filler(&self) -> Filler {
        self.weight.filler.unwrap_or(match self.op {
            Op::BatchNorm(_) => Filler::Constant { value: 1.0 },
            _ => Filler::Msra { norm: VarianceNorm::FanIn },
        })
    }

    /// How the bias starts: as told, else 0.
    pub fn bias_filler(&self) -> Filler {
        self.bias.filler.unwrap_or(Filler::Constant { value: 0.0 })
    }
}

/// How one parameter array starts and learns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ParameterSpec {
    /// Factor on the learning rate; 0 keeps it fixed.
    pub lr_mult: f64,
    /// Factor on the weight decay.
    pub decay_mult: f64,
    /// Initial values; `None`: [`Layer::weight_filler`] and [`Layer::bias_filler`] choose.
    pub filler: Option<Filler>,
}

impl Default for ParameterSpec {
    /// Caffe's: both factors 1.
    fn default() -> Self {
        ParameterSpec { lr_mult: 1.0, decay_mult: 1.0, filler: None }
    }
}

/// How initial values are drawn (Caffe's fillers). `fan_in` is the number of values that one output reads,
/// `fan_out` the number of outputs that one input value feeds (`filters / groups * kernel`).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Filler {
    /// All the same.
    Constant {
        /// The value.
        value: f64,
    },
    /// Uniform in `[min, max)`.
    Uniform {
        /// Least value.
        min: f64,
        /// Upper end.
        max: f64,
    },
    /// Normal.
    Gaussian {
        /// Mean.
        mean: f64,
        /// Standard deviation.
        std: f64,
    },
    /// Uniform in `±sqrt(3 / n)` (Glorot and Bengio 2010, in Caffe's form).
    Xavier {
        /// Which n.
        norm: VarianceNorm,
    },
    /// Normal with standard deviation `sqrt(2 / n)` (He et al. 2015).
    Msra {
        /// Which n.
        norm: VarianceNorm,
    },
}

impl Filler {
    /// Refuses values that cannot be drawn from; names the field.
    pub(crate) fn check(&self) -> Result<(), NetworkError> {
        let (field, value, expected, fits) = match *self {
            Filler::Constant { value } => ("value", value, "a number", true),
            Filler::Uniform { min, max } => {
                ("max", max, "a number of at least min", min.is_finite() && max >= min)
            }
            Filler::Gaussian { mean, std } => {
                ("std", std, "a number of at least 0", mean.is_finite() && std >= 0.0)
            }
            Filler::Xavier { .. } | Filler::Msra { .. } => return Ok(()),
        };
        if value.is_finite() && fits {
            Ok(())
        } else {
            Err(NetworkError::value(expected, value).in_field(field))
        }
    }
}

/// The n of a scaled filler.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum VarianceNorm {
    /// `fan_in`.
    #[default]
    FanIn,
    /// `fan_out`.
    FanOut,
    /// Their mean.
    Average,
}

impl VarianceNorm {
    /// n for a layer's fans.
    pub fn count(self, fan_in: f64, fan_out: f64) -> f64 {
        match self {
            VarianceNorm::FanIn => fan_in,
            VarianceNorm::FanOut => fan_out,
            VarianceNorm::Average => (fan_in + fan_out) / 2.0,
        }
    }
}
