//! PyTorch checkpoints, as `torch.save` writes them.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use half::{bf16, f16};
use pytorch_reader::{DType, PytorchError, PytorchReader};

use super::{Format, Tensor, WeightError, Weights, values};

/// Keys under which training scripts keep the model beside the optimizer's state and the epoch.
const MODEL_KEYS: [&str; 6] = ["state_dict", "model_state_dict", "model", "net", "module", "params"];

/// What all names begin with when the model was wrapped for several devices.
const PARALLEL_PREFIX: &str = "module.";

/// Tensors may share a storage (tied weights, buffers kept twice), but no honest file unfolds to more times its size.
const LARGEST_UNFOLDING: u64 = 4;

pub(super) fn open(path: &Path) -> Result<Weights, WeightError> {
    let file_bytes = fs::metadata(path).map_err(WeightError::io(path))?.len();
    let mut tensors: Vec<_> = reader(path)?.into_tensors().into_iter().collect();
    tensors.sort_by(|(a, _), (b, _)| a.cmp(b));
    let total = tensors.iter().fold(0u64, |sum, (_, tensor)| sum.saturating_add(tensor.byte_len() as u64));
    if total > file_bytes.saturating_mul(LARGEST_UNFOLDING) {
        let problem = format!("its tensors would take {total} bytes, the file has {file_bytes}");
        return Err(Format::PyTorch.malformed(path, problem));
    }
    let parallel = tensors.iter().all(|(name, _)| name.starts_with(PARALLEL_PREFIX));
    let mut weights = Weights { tensors: Default::default(), left_out: Vec::new(), format: Format::PyTorch };
    for (name, tensor) in tensors {
        let name = if parallel { &name[PARALLEL_PREFIX.len()..] } else { &name };
        match convert(path, name, &tensor)? {
            Some(values) => {
                weights.tensors.insert(name.to_owned(), Tensor { shape: tensor.shape().to_vec(), values });
            }
            None => weights.left_out.push(name.to_owned()),
        }
    }
    Ok(weights)
}

/// Opens the dictionary that holds the model: one of [`MODEL_KEYS`] where the file has it, else the whole file.
fn reader(path: &Path) -> Result<PytorchReader, WeightError> {
    for key in MODEL_KEYS {
        match PytorchReader::with_top_level_key(path, key) {
            Ok(reader) if !reader.is_empty() => return Ok(reader),
            // Not there, or not a dictionary (of tensors): then the name means something else in this file.
            Ok(_) | Err(PytorchError::KeyNotFound(_) | PytorchError::InvalidFormat(_)) => {}
            Err(error) => return Err(unreadable(path, error)),
        }
    }
    PytorchReader::new(path).map_err(|error| unreadable(path, error))
}

fn unreadable(path: &Path, error: PytorchError) -> WeightError {
    match error {
        PytorchError::Io(source) if !blames_the_file(source.kind()) => {
            WeightError::Io { file: path.to_owned(), source }
        }
        other => Format::PyTorch.malformed(path, format!("{other}; is the copy or download complete?")),
    }
}

/// The reader reports what a file lacks, or says wrongly, by these kinds; all others are the operating system's.
fn blames_the_file(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::UnexpectedEof | ErrorKind::InvalidData | ErrorKind::InvalidInput | ErrorKind::Other
    )
}

/// None for integers and truth values.
fn convert(
    path: &Path,
    name: &str,
    tensor: &pytorch_reader::Tensor,
) -> Result<Option<Vec<f32>>, WeightError> {
    let convert: fn(&[u8]) -> Vec<f32> = match tensor.dtype() {
        DType::F32 => |data| values(data, f32::from_ne_bytes),
        DType::F64 => |data| values(data, |bytes| f64::from_ne_bytes(bytes) as f32),
        DType::F16 => |data| values(data, |bytes| f16::from_ne_bytes(bytes).to_f32()),
        DType::BF16 => |data| values(data, |bytes| bf16::from_ne_bytes(bytes).to_f32()),
        DType::I64 | DType::I32 | DType::I16 | DType::I8 | DType::Bool => return Ok(None),
        DType::U64 | DType::U32 | DType::U16 | DType::U8 => return Ok(None),
    };
    match tensor.read() {
        Ok(data) => Ok(Some(convert(&data))),
        Err(error) if blames_the_file(error.kind()) => {
            Err(WeightError::tensor(path, name, error.to_string()))
        }
        Err(error) => Err(WeightError::io(path)(error)),
    }
}
