//! Shapes, and what each operation makes of them.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::{NetworkError, Problem};
use crate::limits::{MAX_AXIS, MAX_FILTERS, MAX_VALUES};
use crate::{Conv2d, LrnRegion, Op, Pool};

/// The shape of what a layer puts out for one input; a vector is `[channels, 1, 1]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Shape {
    /// Channels: filters of a convolution, units of a dense layer.
    pub channels: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

impl From<[usize; 3]> for Shape {
    fn from([channels, height, width]: [usize; 3]) -> Self {
        Shape { channels, height, width }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}x{}", self.channels, self.height, self.width)
    }
}

impl Shape {
    /// `[height, width]`.
    pub fn grid(&self) -> [usize; 2] {
        [self.height, self.width]
    }

    /// Values in it.
    pub fn values(&self) -> usize {
        self.channels.saturating_mul(self.height).saturating_mul(self.width)
    }

    /// The shape itself, if it is neither empty nor larger than can be handled.
    pub(crate) fn checked(self) -> Result<Self, NetworkError> {
        if self.channels == 0 || self.height == 0 || self.width == 0 {
            return Err(NetworkError::value("a shape of at least 1x1x1", self));
        }
        if self.height > MAX_AXIS || self.width > MAX_AXIS {
            return Err(too_large("height or width", MAX_AXIS as u64));
        }
        let values = self.channels as u128 * self.height as u128 * self.width as u128;
        if values > u128::from(MAX_VALUES) {
            return Err(too_large("the number of a layer's values", MAX_VALUES));
        }
        Ok(self)
    }
}

pub(crate) fn too_large(what: &'static str, limit: u64) -> NetworkError {
    NetworkError::new(Problem::TooLarge { what, limit })
}

/// A window that slides over one axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) taps: usize,
    pub(crate) stride: usize,
    pub(crate) padding: usize,
    pub(crate) dilation: usize,
    pub(crate) ceil: bool,
}

impl Window {
    /// Extent from the first tap to the last.
    pub(crate) fn extent(&self) -> usize {
        (self.taps - 1) * self.dilation + 1
    }

    /// Positions over an axis of `size`; `None` where it does not fit even once.
    pub(crate) fn positions(&self, size: usize) -> Option<usize> {
        let room = (size + 2 * self.padding) as i64 - self.extent() as i64;
        let stride = self.stride as i64;
        let steps = if self.ceil { (room + stride - 1).div_euclid(stride) } else { room.div_euclid(stride) };
        let mut positions = usize::try_from(steps + 1).ok()?;
        if self.ceil && positions > 0 && (positions - 1) * self.stride >= size + self.padding {
            positions -= 1;
        }
        (positions > 0).then_some(positions)
    }
}

impl Op {
    /// The window of an axis (0 vertical, 1 horizontal), for operations that slide one over their input.
    pub(crate) fn window(&self, axis: usize) -> Option<Window> {
        match self {
            Op::Conv2d(conv) => Some(Window {
                taps: conv.kernel[axis],
                stride: conv.stride[axis],
                padding: conv.padding[axis],
                dilation: conv.dilation[axis],
                ceil: false,
            }),
            Op::MaxPool(pool) | Op::AvgPool(pool) => Some(Window {
                taps: pool.kernel[axis],
                stride: pool.stride[axis],
                padding: pool.padding[axis],
                dilation: 1,
                ceil: pool.ceil,
            }),
            Op::Lrn(lrn) if lrn.region == LrnRegion::WithinChannel => {
                Some(Window { taps: lrn.size, stride: 1, padding: lrn.size / 2, dilation: 1, ceil: false })
            }
            _ => None,
        }
    }

    /// Refuses values that no operation can have, whatever its input; names the field.
    pub(crate) fn check(&self) -> Result<(), NetworkError> {
        match self {
            Op::Conv2d(conv) => check_conv(conv),
            Op::Dense(dense) => whole("units", dense.units, 1, MAX_FILTERS),
            Op::MaxPool(pool) | Op::AvgPool(pool) => check_pool(pool),
            Op::LeakyRelu { slope } => real("slope", *slope, "a number", |_| true),
            Op::Elu { alpha } => real("alpha", *alpha, "a number of at least 0", |v| v >= 0.0),
            Op::Dropout { rate } => {
                real("rate", *rate, "a number from 0 to below 1", |v| (0.0..1.0).contains(&v))
            }
            Op::BatchNorm(norm) => {
                real("eps", norm.eps, "a number above 0", |v| v > 0.0)?;
                real("momentum", norm.momentum, "a number from 0 to 1", |v| (0.0..=1.0).contains(&v))
            }
            Op::Lrn(lrn) => {
                whole("size", lrn.size, 1, MAX_AXIS)?;
                if lrn.size % 2 == 0 {
                    return Err(NetworkError::value("an odd number", lrn.size).in_field("size"));
                }
                real("alpha", lrn.alpha, "a number", |_| true)?;
                real("beta", lrn.beta, "a number", |_| true)?;
                real("k", lrn.k, "a number", |_| true)
            }
            _ => Ok(()),
        }
    }

    /// The output's shape. `inputs` are the shapes read, with the names of what is read for messages.
    pub(crate) fn output(&self, inputs: &[(&str, Shape)]) -> Result<Shape, NetworkError> {
        self.check_arity(inputs.len())?;
        let input = inputs[0].1;
        match self {
            Op::Conv2d(conv) => {
                if !input.channels.is_multiple_of(conv.groups) || !conv.filters.is_multiple_of(conv.groups) {
                    let (groups, filters) = (conv.groups, conv.filters);
                    let problem = Problem::Groups { groups, input_channels: input.channels, filters };
                    return Err(NetworkError::new(problem).in_field("groups"));
                }
                Shape { channels: conv.filters, ..self.slide(input)? }.checked()
            }
            Op::MaxPool(_) | Op::AvgPool(_) => self.slide(input)?.checked(),
            Op::Dense(dense) => Ok(Shape { channels: dense.units, height: 1, width: 1 }),
            Op::GlobalAvgPool | Op::GlobalMaxPool => Ok(Shape { height: 1, width: 1, ..input }),
            Op::Flatten => Ok(Shape { channels: input.values(), height: 1, width: 1 }),
            Op::Add => {
                let needs = "inputs of one shape";
                joined("add", needs, inputs, |a, b| a == b)?;
                Ok(input)
            }
            Op::Concat => {
                let needs = "inputs of one height and width";
                joined("concat", needs, inputs, |a, b| a.grid() == b.grid())?;
                let channels = inputs
                    .iter()
                    .try_fold(0_usize, |sum, (_, shape)| sum.checked_add(shape.channels))
                    .ok_or_else(|| too_large("the number of channels", MAX_VALUES))?;
                Shape { channels, ..input }.checked()
            }
            _ => Ok(input),
        }
    }

    /// Refuses a number of inputs that the operation cannot take.
    pub(crate) fn check_arity(&self, found: usize) -> Result<(), NetworkError> {
        let fits = if self.joins() { found >= 2 } else { found == 1 };
        let expected = if self.joins() { "two inputs or more" } else { "one input" };
        if fits {
            Ok(())
        } else {
            Err(NetworkError::new(Problem::Arity { expected, found }).in_field("inputs"))
        }
    }

    fn slide(&self, input: Shape) -> Result<Shape, NetworkError> {
        let windows =
            [self.window(0), self.window(1)].map(|w| w.expect("only called for sliding operations"));
        let positions = [windows[0].positions(input.height), windows[1].positions(input.width)];
        let [Some(height), Some(width)] = positions else {
            let (kernel, padding) = (windows.map(|w| w.extent()), windows.map(|w| w.padding));
            return Err(NetworkError::new(Problem::Kernel { kernel, input, padding }).in_field("kernel"));
        };
        Ok(Shape { height, width, ..input })
    }

    /// Trainable parameters: weights and biases; a batch norm's scale and shift.
    pub(crate) fn parameters(&self, input: Shape, output: Shape) -> Option<u64> {
        let filters = output.channels as u64;
        match self {
            Op::Conv2d(conv) => {
                let bias = if conv.bias { filters } else { 0 };
                weights_of_filter(conv, input)?.checked_mul(filters)?.checked_add(bias)
            }
            Op::Dense(dense) => {
                let bias = if dense.bias { filters } else { 0 };
                (input.values() as u64).checked_mul(filters)?.checked_add(bias)
            }
            Op::BatchNorm(norm) if norm.affine => filters.checked_mul(2),
            _ => Some(0),
        }
    }

    /// Multiply-adds of one input's forward pass (see [`Node::multiply_adds`](crate::Node::multiply_adds)).
    pub(crate) fn multiply_adds(&self, input: Shape, output: Shape) -> Option<u64> {
        match self {
            Op::Conv2d(conv) => weights_of_filter(conv, input)?.checked_mul(output.values() as u64),
            Op::Dense(_) => (input.values() as u64).checked_mul(output.channels as u64),
            _ => Some(0),
        }
    }
}

fn weights_of_filter(conv: &Conv2d, input: Shape) -> Option<u64> {
    ((input.channels / conv.groups) as u64)
        .checked_mul(conv.kernel[0] as u64)?
        .checked_mul(conv.kernel[1] as u64)
}

fn joined(
    operation: &'static str,
    needs: &'static str,
    inputs: &[(&str, Shape)],
    fits: impl Fn(&Shape, &Shape) -> bool,
) -> Result<(), NetworkError> {
    let (first_name, first) = inputs[0];
    match inputs.iter().find(|(_, shape)| !fits(&first, shape)) {
        None => Ok(()),
        Some(&(second_name, second)) => Err(NetworkError::new(Problem::Shapes {
            operation,
            needs,
            first_name: first_name.to_owned(),
            first,
            second_name: second_name.to_owned(),
            second,
        })),
    }
}

fn check_conv(conv: &Conv2d) -> Result<(), NetworkError> {
    whole("filters", conv.filters, 1, MAX_FILTERS)?;
    whole("groups", conv.groups, 1, MAX_FILTERS)?;
    for axis in 0..2 {
        whole("kernel", conv.kernel[axis], 1, MAX_AXIS)?;
        whole("stride", conv.stride[axis], 1, MAX_AXIS)?;
        whole("padding", conv.padding[axis], 0, MAX_AXIS)?;
        whole("dilation", conv.dilation[axis], 1, MAX_AXIS)?;
    }
    Ok(())
}

fn check_pool(pool: &Pool) -> Result<(), NetworkError> {
    for axis in 0..2 {
        whole("kernel", pool.kernel[axis], 1, MAX_AXIS)?;
        whole("stride", pool.stride[axis], 1, MAX_AXIS)?;
        if pool.padding[axis] >= pool.kernel[axis] {
            let expected = format!("less than the kernel ({})", pool.kernel[axis]);
            return Err(NetworkError::value(expected, pool.padding[axis]).in_field("padding"));
        }
    }
    Ok(())
}

fn whole(field: &str, value: usize, least: usize, most: usize) -> Result<(), NetworkError> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(NetworkError::value(format!("a whole number from {least} to {most}"), value).in_field(field))
}

fn real(field: &str, value: f64, expected: &str, fits: impl Fn(f64) -> bool) -> Result<(), NetworkError> {
    if value.is_finite() && fits(value) {
        Ok(())
    } else {
        Err(NetworkError::value(expected, value).in_field(field))
    }
}
