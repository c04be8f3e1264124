//! Binary frames: a JSON header, then raw little-endian arrays, each 8-aligned, so that a page views them in place.

use crate::wire::{ArrayHeader, Dtype, FrameHeader};
use axum::body::Bytes;
use serde::Serialize;

/// The content type of a frame.
pub(crate) const CONTENT_TYPE: &str = "application/x-deepeyes-frame";
/// Every array starts at a multiple of this many bytes.
const ALIGNMENT: usize = 8;
/// Bytes before the header: its length.
const PREFIX: usize = 4;

/// A number that frames hold.
pub(crate) trait Element: Copy {
    const DTYPE: Dtype;
    fn append(values: &[Self], bytes: &mut Vec<u8>);
}

macro_rules! element {
    ($type:ty, $dtype:ident) => {
        impl Element for $type {
            const DTYPE: Dtype = Dtype::$dtype;
            fn append(values: &[Self], bytes: &mut Vec<u8>) {
                bytes.reserve(size_of_val(values));
                for value in values {
                    bytes.extend_from_slice(&value.to_le_bytes());
                }
            }
        }
    };
}
element!(u8, U8);
element!(u16, U16);
element!(u32, U32);
element!(i32, I32);
element!(i64, I64);
element!(f32, F32);
element!(f64, F64);

/// What a frame is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) run: String,
    pub(crate) layer: Option<usize>,
    pub(crate) step: u64,
}

/// A frame under construction.
#[derive(Debug)]
pub(crate) struct Frame {
    kind: &'static str,
    place: Place,
    arrays: Vec<ArrayHeader>,
    data: Vec<u8>,
}

impl Frame {
    pub(crate) fn new(kind: &'static str, place: Place) -> Self {
        Self { kind, place, arrays: Vec::new(), data: Vec::new() }
    }

    /// Adds an array, row-major.
    pub(crate) fn array<T: Element>(mut self, name: &str, values: &[T], shape: &[usize]) -> Self {
        debug_assert_eq!(shape.iter().product::<usize>(), values.len(), "{name} has the shape {shape:?}");
        self.data.resize(self.data.len().next_multiple_of(ALIGNMENT), 0);
        self.arrays.push(ArrayHeader {
            name: name.to_owned(),
            dtype: T::DTYPE,
            shape: shape.to_vec(),
            offset: self.data.len(),
        });
        T::append(values, &mut self.data);
        self
    }

    /// The bytes.
    pub(crate) fn finish(self, meta: impl Serialize) -> Result<Bytes, serde_json::Error> {
        let Self { kind, place, arrays, data } = self;
        let Place { run, layer, step } = place;
        let header = FrameHeader { kind: kind.to_owned(), run, layer, step, meta, arrays };
        let mut bytes = vec![0; PREFIX];
        serde_json::to_writer(&mut bytes, &header)?;
        bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), b' ');
        let length = (bytes.len() - PREFIX) as u32;
        bytes[..PREFIX].copy_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(&data);
        Ok(bytes.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What a page does with a frame.
    fn read(bytes: &[u8]) -> (FrameHeader<String>, &[u8]) {
        let length = u32::from_le_bytes(bytes[..PREFIX].try_into().unwrap()) as usize;
        assert_eq!((PREFIX + length) % ALIGNMENT, 0);
        (serde_json::from_slice(&bytes[PREFIX..PREFIX + length]).unwrap(), &bytes[PREFIX + length..])
    }

    fn bytes_of<'a>(header: &FrameHeader<String>, data: &'a [u8], index: usize) -> &'a [u8] {
        let array = &header.arrays[index];
        let length = array.shape.iter().product::<usize>() * array.dtype.size();
        assert_eq!(array.offset % ALIGNMENT, 0);
        &data[array.offset..array.offset + length]
    }

    proptest! {
        #[test]
        fn every_array_comes_back_from_where_the_header_says(
            bytes in prop::collection::vec(any::<u8>(), 0..40),
            shorts in prop::collection::vec(any::<u16>(), 0..40),
            floats in prop::collection::vec(any::<f32>(), 0..40),
            longs in prop::collection::vec(any::<i64>(), 0..40),
            meta in ".{0,40}",
        ) {
            let place = Place { run: "0123456789abcdef".to_owned(), layer: Some(3), step: 40 };
            let frame = Frame::new("layer", place)
                .array("bytes", &bytes, &[bytes.len()])
                .array("shorts", &shorts, &[shorts.len(), 1])
                .array("floats", &floats, &[1, floats.len()])
                .array("longs", &longs, &[longs.len()]);
            let frame = frame.finish(&meta).unwrap();
            let (header, data) = read(&frame);
            prop_assert_eq!((&header.meta, header.layer, header.step), (&meta, Some(3), 40));
            prop_assert_eq!(bytes_of(&header, data, 0), &bytes[..]);
            let back: Vec<u16> = bytes_of(&header, data, 1).chunks(2).map(|c| u16::from_le_bytes([c[0], c[1]])).collect();
            prop_assert_eq!(back, shorts);
            let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
            let back: Vec<f32> = bytes_of(&header, data, 2).chunks(4).map(|c| f32::from_le_bytes(c.try_into().unwrap())).collect();
            prop_assert_eq!(bits(&back), bits(&floats));
            let back: Vec<i64> = bytes_of(&header, data, 3).chunks(8).map(|c| i64::from_le_bytes(c.try_into().unwrap())).collect();
            prop_assert_eq!(back, longs);
        }
    }
}
