//! Safetensors: the length of a JSON header, the header, the values in little-endian order.

use std::path::Path;

use half::{bf16, f16};
use safetensors::{Dtype, SafeTensors};

use super::{Format, Tensor, WeightError, Weights, values};

pub(super) fn parse(path: &Path, bytes: &[u8]) -> Result<Weights, WeightError> {
    let file = SafeTensors::deserialize(bytes).map_err(|error| {
        Format::Safetensors.malformed(path, format!("{error}; is the copy or download complete?"))
    })?;
    let mut weights =
        Weights { tensors: Default::default(), left_out: Vec::new(), format: Format::Safetensors };
    for (name, view) in file.iter() {
        let data = view.data();
        let values = match view.dtype() {
            Dtype::F32 => values(data, f32::from_le_bytes),
            Dtype::F64 => values(data, |bytes| f64::from_le_bytes(bytes) as f32),
            Dtype::F16 => values(data, |bytes| f16::from_le_bytes(bytes).to_f32()),
            Dtype::BF16 => values(data, |bytes| bf16::from_le_bytes(bytes).to_f32()),
            dtype @ (Dtype::F8_E4M3 | Dtype::F8_E5M2) => {
                let problem = format!("{dtype:?} values are not supported: expected F16, BF16, F32 or F64");
                return Err(WeightError::tensor(path, name, problem));
            }
            _ => {
                weights.left_out.push(name.to_owned());
                continue;
            }
        };
        weights.tensors.insert(name.to_owned(), Tensor { shape: view.shape().to_vec(), values });
    }
    weights.left_out.sort();
    Ok(weights)
}
