//! How receptive fields arise: one axis at a time, from the input to the output.
//!
//! Two things are carried for each axis of a layer's grid. The *affine field* (`size`, `stride`, `offset`) says what
//! position i sees as if the grid went on into the padding for ever; it is what [`ReceptiveField`] states. *Seen* holds
//! for each position the pixels of the real input that reach it; its hull over all positions is what a dense layer sees.

use std::rc::Rc;

use crate::error::NetworkError;
use crate::limits::{MAX_FIELD, MAX_TAPS};
use crate::shape::{Window, too_large};
use crate::{Op, ReceptiveField, Shape};

/// First and one past the last input pixel that reach a position; empty where `first >= end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) first: u32,
    pub(crate) end: u32,
}

impl Seen {
    const NOTHING: Seen = Seen { first: u32::MAX, end: 0 };

    fn hull(self, other: Seen) -> Seen {
        Seen { first: self.first.min(other.first), end: self.end.max(other.end) }
    }
}

/// One axis of a layer's receptive fields.
#[derive(Debug, Clone)]
pub(crate) struct Axis {
    size: i64,
    stride: i64,
    offset: i64,
    /// Whether the grid has shrunk to one position that saw all of it, so that there is no grid to extend into padding.
    collapsed: bool,
    pub(crate) seen: Rc<[Seen]>,
}

impl Axis {
    /// The input itself: every pixel sees itself.
    fn input(extent: usize) -> Self {
        let seen = (0..extent as u32).map(|pixel| Seen { first: pixel, end: pixel + 1 }).collect();
        Axis { size: 1, stride: 1, offset: 0, collapsed: false, seen }
    }

    fn slide(&self, window: Window, positions: usize, budget: &mut Budget) -> Result<Self, NetworkError> {
        budget.spend(positions as u64 * window.taps as u64)?;
        let seen = (0..positions).map(|position| self.window_seen(window, position)).collect();
        if self.collapsed {
            let stride = i64::from(positions == 1);
            return Ok(Axis { stride, seen, ..self.clone() });
        }
        let axis = Axis {
            size: self.size + (window.extent() as i64 - 1) * self.stride,
            stride: self.stride * window.stride as i64,
            offset: self.offset - window.padding as i64 * self.stride,
            collapsed: false,
            seen,
        };
        axis.checked()
    }

    fn window_seen(&self, window: Window, position: usize) -> Seen {
        (0..window.taps)
            .filter_map(|tap| (position * window.stride + tap * window.dilation).checked_sub(window.padding))
            .filter_map(|input| self.seen.get(input))
            .fold(Seen::NOTHING, |hull, &seen| hull.hull(seen))
    }

    /// The whole grid seen from one position, clipped to the input.
    fn collapse(&self) -> Self {
        let all = self.seen.iter().fold(Seen::NOTHING, |hull, &seen| hull.hull(seen));
        let (offset, size) = match all {
            Seen { first, end } if first < end => (i64::from(first), i64::from(end - first)),
            _ => (0, 0),
        };
        Axis { size, stride: 1, offset, collapsed: true, seen: Rc::new([all]) }
    }

    /// What two branches see together. Their strides agree unless their geometry differs for no reason; then the
    /// larger stride is taken and the field widened until it covers both at every position.
    fn union(&self, other: &Axis) -> Self {
        let last = self.seen.len() as i64 - 1;
        let stride = self.stride.max(other.stride);
        let both = [self, other];
        let starts = both.map(|axis| axis.offset.min(axis.offset + (axis.stride - stride) * last));
        let offset = starts[0].min(starts[1]);
        let ends = both.map(|axis| axis.offset.max(axis.offset + (axis.stride - stride) * last) + axis.size);
        let size = ends[0].max(ends[1]) - offset;
        let seen = self.seen.iter().zip(other.seen.iter()).map(|(&a, &b)| a.hull(b)).collect();
        Axis { size, stride, offset, collapsed: self.collapsed && other.collapsed, seen }
    }

    fn checked(self) -> Result<Self, NetworkError> {
        let largest = self.size.max(self.stride).max(-self.offset);
        if largest > MAX_FIELD { Err(too_large("a receptive field", MAX_FIELD as u64)) } else { Ok(self) }
    }
}

/// Bounds the work, so that no description hangs.
pub(crate) struct Budget {
    taps: u64,
}

impl Budget {
    pub(crate) fn new() -> Self {
        Budget { taps: MAX_TAPS }
    }

    fn spend(&mut self, taps: u64) -> Result<(), NetworkError> {
        self.taps = self.taps.checked_sub(taps).ok_or_else(|| {
            too_large("the work to compute receptive fields (positions x kernel over all layers)", MAX_TAPS)
        })?;
        Ok(())
    }
}

/// The receptive fields of one layer's positions.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    pub(crate) axes: [Axis; 2],
}

impl Field {
    /// The network's input.
    pub(crate) fn input(shape: Shape) -> Self {
        Field { axes: shape.grid().map(Axis::input) }
    }

    /// What an operation's positions see, given what its inputs' positions see (at least one input).
    pub(crate) fn after(
        op: &Op,
        inputs: &[&Field],
        output: Shape,
        budget: &mut Budget,
    ) -> Result<Self, NetworkError> {
        let input = inputs[0];
        match op {
            Op::Flatten | Op::Dense(_) | Op::GlobalAvgPool | Op::GlobalMaxPool => {
                Ok(Field { axes: [input.axes[0].collapse(), input.axes[1].collapse()] })
            }
            _ if op.joins() => {
                budget.spend(inputs.len() as u64 * (output.height + output.width) as u64)?;
                Ok(inputs[1..].iter().fold(input.clone(), |field, other| field.union(other)))
            }
            _ => match (op.window(0), op.window(1)) {
                (Some(vertical), Some(horizontal)) => Ok(Field {
                    axes: [
                        input.axes[0].slide(vertical, output.height, budget)?,
                        input.axes[1].slide(horizontal, output.width, budget)?,
                    ],
                }),
                _ => Ok(input.clone()),
            },
        }
    }

    fn union(&self, other: &Field) -> Self {
        Field { axes: [self.axes[0].union(&other.axes[0]), self.axes[1].union(&other.axes[1])] }
    }

    /// The contract's form.
    pub(crate) fn receptive_field(&self) -> ReceptiveField {
        let [vertical, horizontal] = &self.axes;
        ReceptiveField {
            size: [vertical.size as usize, horizontal.size as usize],
            stride: [vertical.stride as usize, horizontal.stride as usize],
            offset: [vertical.offset, horizontal.offset],
        }
    }
}

#[cfg(test)]
mod tests;
