//! Reads arrays from NumPy's `.npz` archives and `.npy` files, in the number types that activations and labels come in.

use crate::error::Failure;
use npyz::npz::NpzArchive;
use npyz::{DType, Endianness, NpyHeader, Order, TypeChar};
use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::path::{Path, PathBuf};

/// Bytes that are read and converted at a time; a multiple of every item size.
const CHUNK: usize = 1 << 18;

/// An open archive.
pub(crate) struct Npz {
    path: PathBuf,
    archive: NpzArchive<BufReader<File>>,
}

/// An array in row-major order.
pub(crate) struct Array {
    /// Length of each axis.
    pub(crate) shape: Vec<usize>,
    /// All its values.
    pub(crate) values: Values,
}

/// Values of an array, in the type closest to the file's that holds them all.
pub(crate) enum Values {
    /// From float16 or float32.
    F32(Vec<f32>),
    /// From float64.
    F64(Vec<f64>),
    /// From a boolean or integer type.
    I64(Vec<i64>),
}

impl Npz {
    /// Opens an archive.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let unreadable = |error: std::io::Error| {
            let hint = match error.kind() {
                std::io::ErrorKind::NotFound => "check the path",
                _ => "expected an archive as numpy.savez writes it",
            };
            Failure::usage(format!("cannot read {}: {error}", path.display()), hint)
        };
        let file = File::open(path).map_err(unreadable)?;
        let archive = NpzArchive::new(BufReader::new(file)).map_err(unreadable)?;
        Ok(Self { path: path.to_owned(), archive })
    }

    /// Names of the arrays, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.archive.array_names().map(str::to_owned).collect();
        names.sort();
        names
    }

    /// Reads an array; `None` where there is none of that name.
    pub(crate) fn array(&mut self, name: &str) -> Result<Option<Array>, Failure> {
        let place = format!("{name} in {}", self.path.display());
        let broken = |error: std::io::Error| {
            Failure::usage(
                format!("cannot read {place}: {error}"),
                "the file may be cut short or damaged; write it again",
            )
        };
        let Some(file) = self.archive.by_name(name).map_err(broken)? else { return Ok(None) };
        let header = file.header().clone();
        let length = length(&header, &place)?;
        let read = Reader::of(&header, &place)?;
        let file = file.into_inner();
        // A header that promises more than there is must not take the memory for it.
        let items = file.size() / read.item as u64;
        if (length as u64) > items {
            let message = format!("{place} has shape {:?}, but data for {items} values only", header.shape());
            return Err(Failure::usage(message, "the file may be cut short or damaged; write it again"));
        }
        let values = read.values(file, length).map_err(broken)?;
        Ok(Some(Array::of(&header, values)))
    }
}

impl Array {
    /// Values in the file's order, turned into row-major order.
    fn of(header: &NpyHeader, values: Values) -> Self {
        let shape: Vec<usize> = header.shape().iter().map(|&size| size as usize).collect();
        let values = match header.order() {
            Order::C => values,
            Order::Fortran => values.row_major(&shape),
        };
        Self { shape, values }
    }
}

/// Reads a `.npy` file.
pub(crate) fn read_npy(path: &Path) -> Result<Array, Failure> {
    let place = path.display().to_string();
    let unreadable = |error: std::io::Error| {
        let hint = match error.kind() {
            std::io::ErrorKind::NotFound => "check the path",
            _ => "expected one array as numpy.save writes it",
        };
        Failure::usage(format!("cannot read {place}: {error}"), hint)
    };
    let file = File::open(path).map_err(unreadable)?;
    let bytes = file.metadata().map_err(unreadable)?.len();
    let mut file = BufReader::new(file);
    let header = NpyHeader::from_reader(&mut file).map_err(unreadable)?;
    let length = length(&header, &place)?;
    let read = Reader::of(&header, &place)?;
    // A header that promises more than there is must not take the memory for it.
    let items = (bytes - file.stream_position().map_err(unreadable)?.min(bytes)) / read.item as u64;
    if length as u64 > items {
        let message = format!("{place} has shape {:?}, but data for {items} values only", header.shape());
        return Err(Failure::usage(message, "the file may be cut short or damaged; write it again"));
    }
    let values = read.values(file, length).map_err(unreadable)?;
    Ok(Array::of(&header, values))
}

/// Number of values, where memory could hold as many.
fn length(header: &NpyHeader, place: &str) -> Result<usize, Failure> {
    let product = header.shape().iter().try_fold(1_u64, |product, &size| product.checked_mul(size));
    product
        .and_then(|length| length.checked_mul(8))
        .and_then(|bytes| usize::try_from(bytes).ok())
        .map(|bytes| bytes / 8)
        .ok_or_else(|| {
            Failure::usage(
                format!("{place} has shape {:?}, more than memory can hold", header.shape()),
                "write a smaller array",
            )
        })
}

/// How the values of an array lie in the file.
struct Reader {
    kind: Kind,
    /// Bytes of a value.
    item: usize,
    big_endian: bool,
}

#[derive(Clone, Copy)]
enum Kind {
    Float,
    Signed,
    Unsigned,
}

impl Reader {
    fn of(header: &NpyHeader, place: &str) -> Result<Self, Failure> {
        let unsupported = || {
            Failure::usage(
                format!(
                    "{place} has type {}; expected float16, float32, float64, or an integer type",
                    header.dtype().descr()
                ),
                "convert it with astype before it is saved",
            )
        };
        let DType::Plain(kind) = header.dtype() else { return Err(unsupported()) };
        let item = kind.size_field() as usize;
        let big_endian = kind.endianness() == Endianness::Big;
        let kind = match (kind.type_char(), item) {
            (TypeChar::Float, 2 | 4 | 8) => Kind::Float,
            (TypeChar::Int, 1 | 2 | 4 | 8) => Kind::Signed,
            (TypeChar::Uint, 1 | 2 | 4 | 8) | (TypeChar::Bool, 1) => Kind::Unsigned,
            _ => return Err(unsupported()),
        };
        Ok(Self { kind, item, big_endian })
    }

    fn values(&self, file: impl Read, length: usize) -> std::io::Result<Values> {
        Ok(match (self.kind, self.item) {
            (Kind::Float, 2) => Values::F32(self.read(file, length, |b| half(u16::from_le_bytes(first(b))))?),
            (Kind::Float, 4) => Values::F32(self.read(file, length, |b| f32::from_le_bytes(first(b)))?),
            (Kind::Float, _) => Values::F64(self.read(file, length, f64::from_le_bytes)?),
            (Kind::Signed, item) => {
                // Shifted up and back, so that the sign of a shorter number is kept.
                let shift = 64 - 8 * item as u32;
                Values::I64(self.read(file, length, |b| (i64::from_le_bytes(b) << shift) >> shift)?)
            }
            (Kind::Unsigned, _) => {
                let number = |b| i64::try_from(u64::from_le_bytes(b)).unwrap_or(i64::MAX);
                Values::I64(self.read(file, length, number)?)
            }
        })
    }

    /// Converts `length` values, each handed over as little-endian bytes with zeros after them.
    fn read<T>(
        &self,
        mut file: impl Read,
        length: usize,
        convert: impl Fn([u8; 8]) -> T,
    ) -> std::io::Result<Vec<T>> {
        let mut values = Vec::new();
        values.try_reserve_exact(length).map_err(|_| std::io::ErrorKind::OutOfMemory)?;
        let mut chunk = vec![0; CHUNK];
        while values.len() < length {
            let bytes = CHUNK.min((length - values.len()) * self.item);
            file.read_exact(&mut chunk[..bytes])?;
            values.extend(chunk[..bytes].chunks_exact(self.item).map(|item| {
                let mut number = [0; 8];
                number[..item.len()].copy_from_slice(item);
                if self.big_endian {
                    number[..item.len()].reverse();
                }
                convert(number)
            }));
        }
        // Reading to the end checks the archive's checksum.
        std::io::copy(&mut file, &mut std::io::sink())?;
        Ok(values)
    }
}

fn first<const N: usize>(bytes: [u8; 8]) -> [u8; N] {
    std::array::from_fn(|place| bytes[place])
}

/// The value of IEEE half-precision bits.
fn half(bits: u16) -> f32 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f32::from(bits & 1023));
    sign * match exponent {
        0 => fraction * (-24.0_f32).exp2(),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        _ => (1.0 + fraction / 1024.0) * ((exponent - 15) as f32).exp2(),
    }
}

impl Values {
    /// From column-major to row-major order.
    fn row_major(self, shape: &[usize]) -> Self {
        match self {
            Self::F32(values) => Self::F32(row_major(&values, shape)),
            Self::F64(values) => Self::F64(row_major(&values, shape)),
            Self::I64(values) => Self::I64(row_major(&values, shape)),
        }
    }
}

fn row_major<T: Copy>(values: &[T], shape: &[usize]) -> Vec<T> {
    let strides: Vec<usize> = shape
        .iter()
        .scan(1, |stride, &size| {
            let own = *stride;
            *stride *= size;
            Some(own)
        })
        .collect();
    let mut index = vec![0; shape.len()];
    let mut place = 0;
    let mut ordered = Vec::with_capacity(values.len());
    for _ in 0..values.len() {
        ordered.push(values[place]);
        for axis in (0..shape.len()).rev() {
            index[axis] += 1;
            place += strides[axis];
            if index[axis] < shape[axis] {
                break;
            }
            place -= strides[axis] * shape[axis];
            index[axis] = 0;
        }
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn column_major_arrays_are_turned() {
        // [[[0, 1, 2], [3, 4, 5]]] with the first axis fastest.
        assert_eq!(row_major(&[0, 3, 1, 4, 2, 5], &[1, 2, 3]), [0, 1, 2, 3, 4, 5]);
        assert_eq!(row_major::<i32>(&[], &[0, 3]), Vec::<i32>::new());
        assert_eq!(row_major(&[7], &[]), [7]);
    }

    #[test]
    fn half_precision_values() {
        let known = [
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65504.0),
            (0x0001, 5.960_464_5e-8),
            (0x3555, 0.333_251_95),
        ];
        for (bits, value) in known {
            assert_eq!(half(bits), value);
        }
        assert!(half(0x7c01).is_nan());
        assert_eq!(half(0xfc00), f32::NEG_INFINITY);
    }
}
