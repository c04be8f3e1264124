//! The header of a binary frame.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What a frame holds; `meta` depends on `kind`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct FrameHeader<M> {
    /// `layer`, `filter_map`, `input_map`, `activations`, `patches`, `weights`.
    pub kind: String,
    /// The run's id.
    pub run: String,
    /// The layer's index; null where it is of no layer.
    pub layer: Option<usize>,
    /// The iteration that it is of.
    pub step: u64,
    /// What is not an array.
    pub meta: M,
    /// The arrays, in their order.
    pub arrays: Vec<ArrayHeader>,
}

/// An array in a frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ArrayHeader {
    /// Its name.
    pub name: String,
    /// The type of its elements, little-endian.
    pub dtype: Dtype,
    /// Its dimensions; row-major.
    pub shape: Vec<usize>,
    /// Bytes from the start of the arrays' part; a multiple of 8.
    pub offset: usize,
}

/// The type of an array's elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Dtype {
    /// 32-bit float.
    F32,
    /// 64-bit float.
    F64,
    /// Byte.
    U8,
    /// Unsigned 16-bit integer.
    U16,
    /// Unsigned 32-bit integer.
    U32,
    /// Signed 32-bit integer.
    I32,
    /// Signed 64-bit integer.
    I64,
}

impl Dtype {
    /// Bytes of an element.
    pub fn size(self) -> usize {
        match self {
            Self::U8 => 1,
            Self::U16 => 2,
            Self::F32 | Self::U32 | Self::I32 => 4,
            Self::F64 | Self::I64 => 8,
        }
    }
}
