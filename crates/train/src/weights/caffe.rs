//! Caffe models: a `NetParameter` whose layers hold their parameters as blobs (caffe.proto of BVLC's Caffe 1.0).

use std::path::Path;

use super::protobuf::{Broken, Value, fields, varint};
use super::{Format, Tensor, WeightError, Weights, values};

/// `V1LayerParameter.LayerType.INNER_PRODUCT`.
const V1_INNER_PRODUCT: u64 = 14;

/// Reads the blobs of all layers, of today's (`layer`) and of the second generation (`layers`). The blobs of layer `x`
/// are named `x.weight`, `x.bias`; those of a BatchNorm layer `x.running_mean`, `x.running_var`; further ones `x.2`.
pub(super) fn parse(path: &Path, bytes: &[u8]) -> Result<Weights, WeightError> {
    let broken = |problem: Broken| Format::Caffe.malformed(path, problem);
    let mut weights = Weights { tensors: Default::default(), left_out: Vec::new(), format: Format::Caffe };
    for field in fields(bytes) {
        let layer = match field.map_err(broken)? {
            (2, Value::Bytes(message)) => Layer::parse(message, &V1),
            (100, Value::Bytes(message)) => Layer::parse(message, &TODAY),
            _ => continue,
        };
        for (name, tensor) in layer.map_err(broken)?.tensors(path)? {
            if weights.tensors.insert(name.clone(), tensor).is_some() {
                return Err(WeightError::tensor(path, &name, "is there twice"));
            }
        }
    }
    Ok(weights)
}

/// Numbers of a layer message's fields.
struct Numbers {
    name: u64,
    kind: u64,
    blobs: u64,
}

const V1: Numbers = Numbers { name: 4, kind: 5, blobs: 6 };
const TODAY: Numbers = Numbers { name: 1, kind: 2, blobs: 7 };

/// What matters of a layer.
#[derive(Default)]
struct Layer {
    name: String,
    dense: bool,
    batch_norm: bool,
    blobs: Vec<Blob>,
}

impl Layer {
    fn parse(message: &[u8], numbers: &Numbers) -> Result<Self, Broken> {
        let mut layer = Self::default();
        for field in fields(message) {
            match field? {
                (n, Value::Bytes(text)) if n == numbers.name => {
                    layer.name =
                        String::from_utf8(text.to_vec()).map_err(|_| "has a layer whose name is not text")?;
                }
                (n, Value::Bytes(kind)) if n == numbers.kind => {
                    layer.dense = kind == b"InnerProduct";
                    layer.batch_norm = kind == b"BatchNorm";
                }
                (n, Value::Varint(kind)) if n == numbers.kind => layer.dense = kind == V1_INNER_PRODUCT,
                (n, Value::Bytes(blob)) if n == numbers.blobs => layer.blobs.push(Blob::parse(blob)?),
                _ => {}
            }
        }
        Ok(layer)
    }

    fn tensors(self, path: &Path) -> Result<Vec<(String, Tensor)>, WeightError> {
        let mut tensors = Vec::with_capacity(self.blobs.len());
        for (i, blob) in self.blobs.into_iter().enumerate() {
            let name = match (i, self.batch_norm) {
                (0, false) => format!("{}.weight", self.name),
                (1, false) => format!("{}.bias", self.name),
                (0, true) => format!("{}.running_mean", self.name),
                (1, true) => format!("{}.running_var", self.name),
                _ => format!("{}.{i}", self.name),
            };
            let tensor = blob
                .into_tensor(i == 1, self.dense)
                .map_err(|problem| WeightError::tensor(path, &name, problem))?;
            tensors.push((name, tensor));
        }
        if self.batch_norm {
            unscale(&mut tensors);
        }
        Ok(tensors)
    }
}

/// Caffe keeps running sums and, as a third blob, by what to divide them (0: nothing was seen yet).
fn unscale(tensors: &mut Vec<(String, Tensor)>) {
    if let [(_, mean), (_, variance), (_, factor)] = &mut tensors[..]
        && let [factor] = factor.values[..]
    {
        let scale = if factor == 0.0 { 0.0 } else { 1.0 / factor };
        for value in mean.values.iter_mut().chain(&mut variance.values) {
            *value *= scale;
        }
        tensors.pop();
    }
}

/// A `BlobProto`.
#[derive(Default)]
struct Blob {
    shape: Option<Vec<u64>>,
    /// `num`, `channels`, `height`, `width`: the shape that older models have.
    legacy: [Option<u64>; 4],
    values: Vec<f32>,
}

impl Blob {
    fn parse(message: &[u8]) -> Result<Self, Broken> {
        let mut blob = Self::default();
        for field in fields(message) {
            match field? {
                (n @ 1..=4, Value::Varint(extent)) => blob.legacy[n as usize - 1] = Some(extent),
                (5, Value::Bytes(data)) if data.len() % 4 == 0 => {
                    blob.values.extend(values(data, f32::from_le_bytes));
                }
                (5, Value::Fixed32(data)) => blob.values.push(f32::from_le_bytes(data)),
                (8, Value::Bytes(data)) if data.len() % 8 == 0 => {
                    blob.values.extend(values(data, |bytes| f64::from_le_bytes(bytes) as f32));
                }
                (8, Value::Fixed64(data)) => blob.values.push(f64::from_le_bytes(data) as f32),
                (5 | 8, _) => return Err("has values that are not whole numbers of bytes"),
                (7, Value::Bytes(shape)) => blob.shape = Some(parse_shape(shape)?),
                _ => {}
            }
        }
        Ok(blob)
    }

    fn into_tensor(self, bias: bool, dense: bool) -> Result<Tensor, String> {
        let old = self.shape.is_none();
        let extents = self.shape.unwrap_or_else(|| self.legacy.into_iter().flatten().collect());
        let needed = extents.iter().try_fold(1u64, |n, &extent| n.checked_mul(extent));
        if needed != Some(self.values.len() as u64) {
            return Err(format!("{} values do not fill the shape {extents:?}", self.values.len()));
        }
        let mut shape: Vec<usize> = extents.into_iter().map(|extent| extent as usize).collect();
        // Old blobs have four extents, whatever they hold: a bias [1, 1, 1, n], a dense layer's weights [1, 1, n, k].
        let rank = if bias { 1 } else { 2 };
        while old && (bias || dense) && shape.len() > rank && shape[0] == 1 {
            shape.remove(0);
        }
        Ok(Tensor { shape, values: self.values })
    }
}

/// A `BlobShape`: extents, packed or one by one.
fn parse_shape(message: &[u8]) -> Result<Vec<u64>, Broken> {
    let mut extents = Vec::new();
    for field in fields(message) {
        match field? {
            (1, Value::Varint(extent)) => extents.push(extent),
            (1, Value::Bytes(mut packed)) => {
                while !packed.is_empty() {
                    extents.push(varint(&mut packed)?);
                }
            }
            _ => {}
        }
    }
    Ok(extents)
}
