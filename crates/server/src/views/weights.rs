//! What the filters of a layer look for: its weights, out of a checkpoint.

use crate::error::{ApiError, ApiResult};
use crate::frame::{Frame, Place};
use crate::runs::Source;
use axum::body::Bytes;
use deepeyes_core::LayerSpec;
use deepeyes_store::Reader;
use serde::Deserialize;
use std::collections::HashMap;

/// Bytes before the header of a safetensors document: its length.
const PREFIX: usize = 8;

/// A tensor as the header of a safetensors document describes it.
#[derive(Debug, Deserialize)]
struct Tensor {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: [usize; 2],
}

/// The weights `[F, channels, height, width]` of a convolution in the newest checkpoint at or before an iteration: a
/// `weights` frame.
pub(crate) fn weights(source: &Source, layer: usize, spec: &LayerSpec, at: Option<u64>) -> ApiResult<Bytes> {
    let checkpoint = source.read(|reader: &Reader| reader.checkpoint(at))?;
    let found = checkpoint.and_then(|checkpoint| {
        let name = format!("{}.weight", spec.name);
        let (shape, values) = tensor(&checkpoint.weights, &name)?;
        (shape.len() == 4 && shape[0] == spec.filters).then_some((checkpoint.step, shape, values))
    });
    let Some((step, shape, values)) = found else {
        return Err(ApiError::not_found(format!(
            "the run keeps no checkpoint with convolution weights of layer {}",
            spec.name
        )));
    };
    let place = Place { run: source.id.clone(), layer: Some(layer), step };
    Ok(Frame::new("weights", place).array("weight", &values, &shape).finish(serde_json::json!({}))?)
}

/// A tensor of 32-bit floats in a safetensors document; `None` where it has none of that name, or is broken.
fn tensor(document: &[u8], name: &str) -> Option<(Vec<usize>, Vec<f32>)> {
    let (length, rest) = document.split_at_checked(PREFIX)?;
    let length = usize::try_from(u64::from_le_bytes(length.try_into().ok()?)).ok()?;
    let (header, data) = rest.split_at_checked(length)?;
    let header: HashMap<String, serde_json::Value> = serde_json::from_slice(header).ok()?;
    let tensor: Tensor = serde_json::from_value(header.get(name)?.clone()).ok()?;
    let bytes = data.get(tensor.data_offsets[0]..tensor.data_offsets[1])?;
    let size = tensor.shape.iter().try_fold(size_of::<f32>(), |size, &side| size.checked_mul(side))?;
    if tensor.dtype != "F32" || size != bytes.len() {
        return None;
    }
    let (values, _) = bytes.as_chunks();
    Some((tensor.shape, values.iter().map(|&value| f32::from_le_bytes(value)).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tensor_is_found_by_name_and_a_broken_document_has_none() {
        let header = r#"{"__metadata__":{"by":"us"},"a.bias":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},
            "a.weight":{"dtype":"F32","shape":[2,1,1,1],"data_offsets":[4,12]}}"#;
        let mut document = (header.len() as u64).to_le_bytes().to_vec();
        document.extend(header.bytes());
        document.extend([0.5_f32, -1.0, 2.0].iter().flat_map(|value| value.to_le_bytes()));
        assert_eq!(tensor(&document, "a.weight"), Some((vec![2, 1, 1, 1], vec![-1.0, 2.0])));
        assert_eq!(tensor(&document, "b.weight"), None);
        assert_eq!(tensor(&document[..document.len() - 1], "a.weight"), None);
        assert_eq!(tensor(&document[..20], "a.weight"), None);
        assert_eq!(tensor(&[255; 12], "a.weight"), None);
    }
}
