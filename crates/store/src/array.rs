//! Arrays as stored: little-endian, zstd-compressed with a checksum, dtype and shape beside them.

use crate::error::Fault;
use std::io::Read;
use zstd::bulk::Compressor;
use zstd::zstd_safe::CParameter;

/// Fast rather than small: activations are noise to a compressor, and time taken here is time taken from the training.
const LEVEL: i32 = 1;
/// No stored array is larger than this; a broken file cannot ask for more memory.
const MAX_BYTES: usize = 1 << 34;

/// A number that arrays hold.
pub(crate) trait Element: Copy {
    /// NumPy's word for its little-endian form.
    const DTYPE: &'static str;
    /// The array's bytes.
    fn to_bytes(values: &[Self]) -> Vec<u8>;
    /// The array of `bytes`, whose length is a multiple of the element's.
    fn from_bytes(bytes: &[u8]) -> Vec<Self>;
}

macro_rules! element {
    ($type:ty, $dtype:literal) => {
        impl Element for $type {
            const DTYPE: &'static str = $dtype;
            fn to_bytes(values: &[Self]) -> Vec<u8> {
                let mut bytes = Vec::with_capacity(size_of_val(values));
                for value in values {
                    bytes.extend_from_slice(&value.to_le_bytes());
                }
                bytes
            }
            fn from_bytes(bytes: &[u8]) -> Vec<Self> {
                let (values, _) = bytes.as_chunks::<{ size_of::<$type>() }>();
                values.iter().map(|&value| <$type>::from_le_bytes(value)).collect()
            }
        }
    };
}
element!(u8, "|u1");
element!(u16, "<u2");
element!(u32, "<u4");
element!(u64, "<u8");
element!(i32, "<i4");
element!(i64, "<i8");
element!(f32, "<f4");
element!(f64, "<f8");

/// An array as stored.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Stored {
    pub(crate) dtype: String,
    /// JSON list of its dimensions.
    pub(crate) shape: String,
    pub(crate) data: Vec<u8>,
}

/// Compresses; keeps its working memory.
pub(crate) struct Encoder(Compressor<'static>);

impl std::fmt::Debug for Encoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Encoder")
    }
}

impl Encoder {
    pub(crate) fn new() -> std::io::Result<Self> {
        let mut compressor = Compressor::new(LEVEL)?;
        compressor.set_parameter(CParameter::ChecksumFlag(true))?;
        Ok(Self(compressor))
    }

    /// The compressed bytes.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Result<Vec<u8>, Fault> {
        self.0.compress(bytes).map_err(|error| Fault::Value(format!("{} bytes: {error}", bytes.len())))
    }

    /// `values` of `shape` as stored.
    pub(crate) fn array<T: Element>(&mut self, values: &[T], shape: &[usize]) -> Result<Stored, Fault> {
        if shape.iter().product::<usize>() != values.len() {
            return Err(Fault::Value(format!("{} values as an array of shape {shape:?}", values.len())));
        }
        Ok(Stored {
            dtype: T::DTYPE.to_owned(),
            shape: serde_json::json!(shape).to_string(),
            data: self.bytes(&T::to_bytes(values))?,
        })
    }
}

/// Decompresses what must come to exactly `length` bytes.
pub(crate) fn decompress(data: &[u8], length: usize) -> Result<Vec<u8>, Fault> {
    let broken = |reason: String| Fault::Broken(format!("a compressed value of {length} bytes {reason}"));
    if length > MAX_BYTES {
        return Err(broken("is too large".to_owned()));
    }
    let mut bytes = Vec::new();
    let decoder =
        zstd::stream::read::Decoder::with_buffer(data).map_err(|error| broken(error.to_string()))?;
    // One byte more than expected shows that there is too much without unpacking all of it.
    decoder
        .take(length as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| broken(format!("does not decompress ({error})")))?;
    if bytes.len() != length {
        return Err(broken(format!("has {} instead", bytes.len())));
    }
    Ok(bytes)
}

impl Stored {
    /// The values and the shape.
    pub(crate) fn decode<T: Element>(&self) -> Result<(Vec<T>, Vec<usize>), Fault> {
        let broken =
            |reason: &str| Fault::Broken(format!("an array {} {}: {reason}", self.dtype, self.shape));
        if self.dtype != T::DTYPE {
            return Err(broken(&format!("expected {}", T::DTYPE)));
        }
        let shape: Vec<usize> =
            serde_json::from_str(&self.shape).map_err(|_| broken("shape is not a list"))?;
        let length = shape
            .iter()
            .try_fold(size_of::<T>(), |product, &size| product.checked_mul(size))
            .ok_or_else(|| broken("is too large"))?;
        Ok((T::from_bytes(&decompress(&self.data, length)?), shape))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn arrays_come_back_bit_for_bit(bits in prop::collection::vec(any::<u32>(), 0..300)) {
            let values: Vec<f32> = bits.iter().map(|&bits| f32::from_bits(bits)).collect();
            let stored = Encoder::new().unwrap().array(&values, &[values.len(), 1]).unwrap();
            let (back, shape) = stored.decode::<f32>().unwrap();
            prop_assert_eq!(shape, vec![values.len(), 1]);
            prop_assert_eq!(back.iter().map(|value| value.to_bits()).collect::<Vec<_>>(), bits);
        }

        #[test]
        fn a_flipped_bit_is_an_error(place in any::<prop::sample::Index>(), bit in 0_u8..8) {
            let values: Vec<u64> = (0..100).map(|value| value * value).collect();
            let mut stored = Encoder::new().unwrap().array(&values, &[100]).unwrap();
            let place = place.index(stored.data.len());
            stored.data[place] ^= 1_u8 << bit;
            // A flipped bit in the frame's header may be one that means nothing.
            if let Ok((back, _)) = stored.decode::<u64>() {
                prop_assert_eq!(back, values);
            }
        }
    }

    #[test]
    fn absurd_shapes_are_refused() {
        let stored = Encoder::new().unwrap().array(&[1.0_f64], &[1]).unwrap();
        for shape in ["[4294967296, 4294967296]", "[1000000000000]", "[2]", "[0]", "7", "[-1]"] {
            let stored = Stored { shape: shape.to_owned(), ..stored.clone() };
            assert!(stored.decode::<f64>().is_err(), "{shape}");
        }
        assert!(stored.decode::<f32>().is_err());
        assert!(Encoder::new().unwrap().array(&[1.0_f64], &[2]).is_err());
    }
}
