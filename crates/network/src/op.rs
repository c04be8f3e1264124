//! What a layer computes.

/// The operation of a layer. Feature maps are `[channels, height, width]`; vectors are `[channels, 1, 1]`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Op {
    /// A two-dimensional convolution (cross-correlation, as in all frameworks).
    Conv2d(Conv2d),
    /// A fully connected layer; a feature map is flattened first, channel by channel.
    Dense(Dense),
    /// The maximum of each window.
    MaxPool(Pool),
    /// The mean of each window; padding counts as zeros, what lies beyond it does not count.
    AvgPool(Pool),
    /// The mean of each channel over the whole map.
    GlobalAvgPool,
    /// The maximum of each channel over the whole map.
    GlobalMaxPool,
    /// `max(x, 0)`.
    Relu,
    /// `x` where positive, else `slope * x`.
    LeakyRelu {
        /// Slope of the negative side.
        slope: f64,
    },
    /// `min(max(x, 0), 6)`.
    Relu6,
    /// `x` where positive, else `alpha * (exp(x) - 1)`.
    Elu {
        /// Scale of the negative side.
        alpha: f64,
    },
    /// `x * Phi(x)` with the normal distribution function.
    Gelu,
    /// `x * sigmoid(x)`.
    Silu,
    /// `1 / (1 + exp(-x))`.
    Sigmoid,
    /// The hyperbolic tangent.
    Tanh,
    /// `x * relu6(x + 3) / 6`.
    Hardswish,
    /// Batch normalisation of each channel.
    BatchNorm(BatchNorm),
    /// Local response normalisation.
    Lrn(Lrn),
    /// Sets each value to zero with probability `rate` while training, and scales the rest by `1 / (1 - rate)`.
    Dropout {
        /// Probability of a zero, in [0, 1).
        rate: f64,
    },
    /// `[c, h, w]` to `[c * h * w, 1, 1]`, channel by channel.
    Flatten,
    /// The sum of two or more inputs of one shape.
    Add,
    /// Two or more inputs joined along the channels.
    Concat,
    /// Softmax over the channels.
    Softmax,
}

/// A two-dimensional convolution; pairs are `[vertical, horizontal]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conv2d {
    /// Output channels.
    pub filters: usize,
    /// Extent of the kernel.
    pub kernel: [usize; 2],
    /// Step between positions.
    pub stride: [usize; 2],
    /// Zeros added on each side.
    pub padding: [usize; 2],
    /// Groups into which input channels and filters are split.
    pub groups: usize,
    /// Distance between the kernel's taps.
    pub dilation: [usize; 2],
    /// Whether a bias is added.
    pub bias: bool,
}

impl Conv2d {
    /// A square kernel with stride 1, no padding, one group and a bias.
    pub fn new(filters: usize, kernel: usize) -> Self {
        let kernel = [kernel; 2];
        Conv2d { filters, kernel, stride: [1; 2], padding: [0; 2], groups: 1, dilation: [1; 2], bias: true }
    }
}

/// A fully connected layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dense {
    /// Outputs.
    pub units: usize,
    /// Whether a bias is added.
    pub bias: bool,
}

/// A pooling window; pairs are `[vertical, horizontal]`.
///
/// Output extent: `floor((size + 2 padding - kernel) / stride) + 1`; with `ceil` the quotient is rounded up, and
/// the last window is left out if it would start beyond the input and its leading padding (Caffe; `ceil_mode` of PyTorch).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pool {
    /// Extent of the window.
    pub kernel: [usize; 2],
    /// Step between windows.
    pub stride: [usize; 2],
    /// Padding on each side; smaller than the kernel.
    pub padding: [usize; 2],
    /// Whether a last window that reaches over the border is kept.
    pub ceil: bool,
}

impl Pool {
    /// Square windows side by side without padding, rounded down.
    pub fn new(kernel: usize, stride: usize) -> Self {
        Pool { kernel: [kernel; 2], stride: [stride; 2], padding: [0; 2], ceil: false }
    }
}

/// Batch normalisation: `(x - mean) / sqrt(variance + eps)`, then a scale and a shift of each channel if `affine`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BatchNorm {
    /// Added to the variance.
    pub eps: f64,
    /// Weight of the new batch in the running mean and variance.
    pub momentum: f64,
    /// Whether scale and shift are learnt.
    pub affine: bool,
}

impl Default for BatchNorm {
    /// PyTorch's: eps 1e-5, momentum 0.1, affine.
    fn default() -> Self {
        BatchNorm { eps: 1e-5, momentum: 0.1, affine: true }
    }
}

/// Local response normalisation: `x / (k + alpha / n * sum of squares)^beta`, `n` the values summed over
/// (`size` across channels, `size * size` within one).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lrn {
    /// Channels, or rows and columns, of the neighbourhood; odd.
    pub size: usize,
    /// Scale of the sum.
    pub alpha: f64,
    /// Exponent.
    pub beta: f64,
    /// Constant added to the sum.
    pub k: f64,
    /// What the neighbourhood extends over.
    pub region: LrnRegion,
}

impl Default for Lrn {
    /// Caffe's: size 5, alpha 1, beta 0.75, k 1, across channels.
    fn default() -> Self {
        Lrn { size: 5, alpha: 1.0, beta: 0.75, k: 1.0, region: LrnRegion::AcrossChannels }
    }
}

/// What a local response normalisation sums over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LrnRegion {
    /// Neighbouring channels at one position.
    AcrossChannels,
    /// A square of positions of one channel, padded with zeros.
    WithinChannel,
}

impl Op {
    /// The name that the TOML format gives it.
    pub fn kind(&self) -> &'static str {
        match self {
            Op::Conv2d(_) => "conv2d",
            Op::Dense(_) => "dense",
            Op::MaxPool(_) => "max_pool",
            Op::AvgPool(_) => "avg_pool",
            Op::GlobalAvgPool => "global_avg_pool",
            Op::GlobalMaxPool => "global_max_pool",
            Op::Relu => "relu",
            Op::LeakyRelu { .. } => "leaky_relu",
            Op::Relu6 => "relu6",
            Op::Elu { .. } => "elu",
            Op::Gelu => "gelu",
            Op::Silu => "silu",
            Op::Sigmoid => "sigmoid",
            Op::Tanh => "tanh",
            Op::Hardswish => "hardswish",
            Op::BatchNorm(_) => "batch_norm",
            Op::Lrn(_) => "lrn",
            Op::Dropout { .. } => "dropout",
            Op::Flatten => "flatten",
            Op::Add => "add",
            Op::Concat => "concat",
            Op::Softmax => "softmax",
        }
    }

    /// Whether it is a convolution or dense layer: one that has filters.
    pub fn has_filters(&self) -> bool {
        matches!(self, Op::Conv2d(_) | Op::Dense(_))
    }

    /// Whether it is an elementwise nonlinearity.
    pub fn is_nonlinearity(&self) -> bool {
        matches!(
            self,
            Op::Relu
                | Op::LeakyRelu { .. }
                | Op::Relu6
                | Op::Elu { .. }
                | Op::Gelu
                | Op::Silu
                | Op::Sigmoid
                | Op::Tanh
                | Op::Hardswish
        )
    }

    /// Whether it joins several inputs.
    pub fn joins(&self) -> bool {
        matches!(self, Op::Add | Op::Concat)
    }
}
