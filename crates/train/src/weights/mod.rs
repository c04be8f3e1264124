//! Weights that others trained, read by name: safetensors, PyTorch checkpoints, Caffe models.
//!
//! [`Weights::open`] gives all floating-point tensors of a file as 32-bit values under the names that the file has for
//! them; which parameter of a network each belongs to is not decided here. A file is data and stays so: PyTorch's
//! pickles are read for their tensors, and nothing in them is ever run. No more memory is taken than a small multiple of
//! the file's size, whatever the file says about itself.

mod caffe;
mod error;
mod protobuf;
mod pytorch;
mod safetensors;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

pub use error::WeightError;

/// A file's floating-point tensors.
#[derive(Debug, Clone, PartialEq)]
pub struct Weights {
    /// Tensors by name: PyTorch's `conv1.weight`, `bn1.running_mean`; Caffe's layers get the same endings.
    pub tensors: BTreeMap<String, Tensor>,
    /// Names of the tensors that hold integers or truth values, such as a batch norm's count of batches.
    pub left_out: Vec<String>,
    /// The format that was read.
    pub format: Format,
}

/// A tensor, row-major.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    /// Extents, outermost first; empty for a single value. Convolutions: `[filters, channels / groups, height, width]`,
    /// dense layers: `[units, inputs]`.
    pub shape: Vec<usize>,
    /// As many as the product of `shape`. 16-bit values are widened exactly, 64-bit ones rounded.
    pub values: Vec<f32>,
}

/// What kind of file weights came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Hugging Face's safetensors.
    Safetensors,
    /// A checkpoint of `torch.save`.
    PyTorch,
    /// A Caffe `NetParameter`.
    Caffe,
}

impl Format {
    /// The format's name, for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Safetensors => "safetensors file",
            Self::PyTorch => "PyTorch checkpoint",
            Self::Caffe => "Caffe model",
        }
    }

    /// By the name's ending, else by the first bytes.
    fn of(path: &Path) -> Result<Self, WeightError> {
        let ending = path.extension().map(OsStr::to_ascii_lowercase);
        match ending.as_ref().and_then(|ending| ending.to_str()) {
            Some("safetensors") => return Ok(Self::Safetensors),
            Some("pt" | "pth" | "ckpt") => return Ok(Self::PyTorch),
            Some("caffemodel") => return Ok(Self::Caffe),
            _ => {}
        }
        let mut start = Vec::new();
        let file = File::open(path).map_err(WeightError::io(path))?;
        file.take(9).read_to_end(&mut start).map_err(WeightError::io(path))?;
        match start[..] {
            [_, _, _, _, _, _, _, _, b'{'] => Ok(Self::Safetensors),
            [b'P', b'K', ..] | [0x80, ..] => Ok(Self::PyTorch),
            _ => Err(WeightError::UnknownFormat { file: path.to_owned() }),
        }
    }
}

impl Weights {
    /// Reads a file of any of the [formats](Format), told apart by the name's ending (`.safetensors`; `.pt`, `.pth`,
    /// `.ckpt`; `.caffemodel`), else by its first bytes.
    ///
    /// # Errors
    /// [`WeightError`], which names the file, the tensor where one is at fault, and what was expected.
    pub fn open(path: &Path) -> Result<Self, WeightError> {
        let weights = match Format::of(path)? {
            Format::Safetensors => safetensors::parse(path, &read(path)?)?,
            Format::PyTorch => pytorch::open(path)?,
            Format::Caffe => caffe::parse(path, &read(path)?)?,
        };
        if weights.tensors.is_empty() {
            return Err(weights.format.malformed(path, "it holds no floating-point tensors"));
        }
        Ok(weights)
    }
}

fn read(path: &Path) -> Result<Vec<u8>, WeightError> {
    fs::read(path).map_err(WeightError::io(path))
}

/// Values of `N` bytes each; what does not fill a value is left out, which callers have ruled out.
fn values<const N: usize>(bytes: &[u8], value: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    bytes.as_chunks::<N>().0.iter().map(|&chunk| value(chunk)).collect()
}
