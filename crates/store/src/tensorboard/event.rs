//! The part of TensorBoard's `Event` message that holds scalars, read from its bytes. The few fields that are needed are
//! walked by hand: a generated reader of the whole message would be a build step and a dependency for eight numbers.

use std::borrow::Cow;

/// The bytes are no such message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed;

type Result<T> = std::result::Result<T, Malformed>;

/// `SessionLog.SessionStatus`.
const SESSION_START: u64 = 1;

/// What an event says.
#[derive(Debug, Default)]
pub(super) struct Event<'a> {
    /// Unix seconds.
    pub(super) wall_time: f64,
    pub(super) step: i64,
    /// Whether the training begins, or is taken up again, at this step: what was said of it and beyond holds no longer.
    pub(super) begins: bool,
    summary: &'a [u8],
}

/// One value of a summary.
#[derive(Debug, Default)]
pub(super) struct Value<'a> {
    pub(super) tag: Cow<'a, str>,
    /// Who is to show it; writers may leave it out after a tag's first value.
    pub(super) plugin: Option<&'a [u8]>,
    pub(super) content: Content,
}

/// What a value holds.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
pub(super) enum Content {
    /// A plain number.
    Simple(f64),
    /// A tensor of one number: a scalar where the plugin is the one for scalars.
    Tensor(f64),
    /// Anything else.
    #[default]
    Other,
}

impl<'a> Event<'a> {
    /// Reads an `Event`.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self> {
        let mut event = Self::default();
        each(bytes, |number, field| {
            match (number, field) {
                (1, Field::Eight(bytes)) => event.wall_time = f64::from_le_bytes(bytes),
                (2, Field::Varint(step)) => event.step = step.cast_signed(),
                (5, Field::Bytes(summary)) => event.summary = summary,
                (7, Field::Bytes(session)) => each(session, |number, field| {
                    event.begins |= matches!((number, field), (1, Field::Varint(SESSION_START)));
                    Ok(())
                })?,
                _ => {}
            }
            Ok(())
        })?;
        Ok(event)
    }

    /// Hands over each value of its summary.
    pub(super) fn values(&self, mut take: impl FnMut(Value<'a>)) -> Result<()> {
        each(self.summary, |number, field| {
            if let (1, Field::Bytes(value)) = (number, field) {
                take(Value::read(value)?);
            }
            Ok(())
        })
    }
}

impl<'a> Value<'a> {
    /// Reads a `Summary.Value`.
    fn read(bytes: &'a [u8]) -> Result<Self> {
        let mut value = Self::default();
        each(bytes, |number, field| {
            match (number, field) {
                (1, Field::Bytes(tag)) => value.tag = String::from_utf8_lossy(tag),
                (2, Field::Four(bytes)) => value.content = Content::Simple(f32::from_le_bytes(bytes).into()),
                (8, Field::Bytes(bytes)) => {
                    value.content = tensor(bytes)?.map_or(Content::Other, Content::Tensor);
                }
                (9, Field::Bytes(metadata)) => value.plugin = plugin(metadata)?,
                _ => {}
            }
            Ok(())
        })?;
        Ok(value)
    }
}

/// The plugin's name in a `SummaryMetadata`.
fn plugin(bytes: &[u8]) -> Result<Option<&[u8]>> {
    let mut name = None;
    each(bytes, |number, field| {
        if let (1, Field::Bytes(data)) = (number, field) {
            each(data, |number, field| {
                if let (1, Field::Bytes(plugin)) = (number, field) {
                    name = Some(plugin);
                }
                Ok(())
            })?;
        }
        Ok(())
    })?;
    Ok(name)
}

const DT_FLOAT: u64 = 1;
const DT_DOUBLE: u64 = 2;

/// The number in a `TensorProto` of one float or double, wherever it stands; 0 where it stands nowhere.
fn tensor(bytes: &[u8]) -> Result<Option<f64>> {
    let mut kind = 0;
    let mut size = Some(1);
    let (mut content, mut floats, mut doubles): (&[u8], Vec<u8>, Vec<u8>) = (&[], Vec::new(), Vec::new());
    each(bytes, |number, field| {
        match (number, field) {
            (1, Field::Varint(value)) => kind = value,
            (2, Field::Bytes(shape)) => size = elements(shape)?,
            (4, Field::Bytes(bytes)) => content = bytes,
            (5, Field::Bytes(packed)) => floats.extend_from_slice(packed),
            (5, Field::Four(one)) => floats.extend_from_slice(&one),
            (6, Field::Bytes(packed)) => doubles.extend_from_slice(packed),
            (6, Field::Eight(one)) => doubles.extend_from_slice(&one),
            _ => {}
        }
        Ok(())
    })?;
    if size != Some(1) {
        return Ok(None);
    }
    let listed = match kind {
        DT_FLOAT => floats.as_slice(),
        DT_DOUBLE => doubles.as_slice(),
        _ => return Ok(None),
    };
    let value = if content.is_empty() { listed } else { content };
    Ok(match (kind, value.len()) {
        (_, 0) => Some(0.0),
        (DT_FLOAT, 4) => value.try_into().ok().map(|bytes| f32::from_le_bytes(bytes).into()),
        (DT_DOUBLE, 8) => value.try_into().ok().map(f64::from_le_bytes),
        _ => None,
    })
}

/// Number of elements of a `TensorShapeProto`; `None` where it does not say, or is absurd.
fn elements(bytes: &[u8]) -> Result<Option<u64>> {
    let mut product = Some(1_u64);
    each(bytes, |number, field| {
        match (number, field) {
            (2, Field::Bytes(dimension)) => {
                let mut size = 0;
                each(dimension, |number, field| {
                    if let (1, Field::Varint(value)) = (number, field) {
                        size = value;
                    }
                    Ok(())
                })?;
                product = product.and_then(|product| product.checked_mul(size));
            }
            (3, Field::Varint(unknown)) if unknown != 0 => product = None,
            _ => {}
        }
        Ok(())
    })?;
    Ok(product)
}

/// A field's value, by its wire type.
#[derive(Debug, Clone, Copy)]
enum Field<'a> {
    Varint(u64),
    Eight([u8; 8]),
    Bytes(&'a [u8]),
    Four([u8; 4]),
}

/// Hands over each field of a message with its number.
fn each<'a>(mut bytes: &'a [u8], mut take: impl FnMut(u64, Field<'a>) -> Result<()>) -> Result<()> {
    while !bytes.is_empty() {
        let key = varint(&mut bytes)?;
        let field = match key & 7 {
            0 => Field::Varint(varint(&mut bytes)?),
            1 => Field::Eight(array(&mut bytes)?),
            2 => {
                let length = usize::try_from(varint(&mut bytes)?).map_err(|_| Malformed)?;
                let (inner, rest) = bytes.split_at_checked(length).ok_or(Malformed)?;
                bytes = rest;
                Field::Bytes(inner)
            }
            5 => Field::Four(array(&mut bytes)?),
            _ => return Err(Malformed),
        };
        take(key >> 3, field)?;
    }
    Ok(())
}

fn varint(bytes: &mut &[u8]) -> Result<u64> {
    let mut value = 0;
    for at in 0..10 {
        let (&byte, rest) = bytes.split_first().ok_or(Malformed)?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err(Malformed)
}

fn array<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N]> {
    let (array, rest) = bytes.split_first_chunk().ok_or(Malformed)?;
    *bytes = rest;
    Ok(*array)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A field of bytes.
    fn bytes(number: u8, content: &[u8]) -> Vec<u8> {
        assert!(content.len() < 128);
        [&[number << 3 | 2, content.len() as u8], content].concat()
    }

    fn first_content(value: &[u8]) -> Content {
        let mut content = Content::Other;
        let event = bytes(5, &bytes(1, value));
        Event::read(&event).unwrap().values(|value| content = value.content).unwrap();
        content
    }

    #[test]
    fn numbers_stand_in_any_of_a_tensor_s_places() {
        let quarter = 0.25_f32.to_le_bytes();
        let third = (1.0_f64 / 3.0).to_le_bytes();
        let (float, double) = (&[8, 1][..], &[8, 2][..]);
        let ones = bytes(2, &[bytes(2, &[8, 1]), bytes(2, &[8, 1])].concat());
        let read = |parts: &[&[u8]]| first_content(&bytes(8, &parts.concat()));
        assert_eq!(read(&[float, &bytes(5, &quarter)]), Content::Tensor(0.25));
        assert_eq!(read(&[float, &[5 << 3 | 5], &quarter]), Content::Tensor(0.25));
        assert_eq!(read(&[float, &bytes(4, &quarter)]), Content::Tensor(0.25));
        assert_eq!(read(&[double, &bytes(6, &third)]), Content::Tensor(1.0 / 3.0));
        assert_eq!(read(&[double, &ones, &bytes(4, &third)]), Content::Tensor(1.0 / 3.0));
        assert_eq!(read(&[float]), Content::Tensor(0.0));
        // Two numbers, one number that stands for many, and one of another type.
        assert_eq!(read(&[float, &bytes(5, &[quarter, quarter].concat())]), Content::Other);
        assert_eq!(read(&[float, &bytes(2, &bytes(2, &[8, 7])), &bytes(5, &quarter)]), Content::Other);
        assert_eq!(read(&[&[8, 3], &bytes(4, &quarter)]), Content::Other);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Event::read(&bytes).and_then(|event| event.values(drop));
            let _ = tensor(&bytes);
            let _ = plugin(&bytes);
        }

        #[test]
        fn varints_come_back(value in any::<u64>()) {
            let mut bytes = Vec::new();
            let mut rest = value;
            while rest >= 0x80 {
                bytes.push(rest as u8 | 0x80);
                rest >>= 7;
            }
            bytes.push(rest as u8);
            let mut left = bytes.as_slice();
            prop_assert_eq!(varint(&mut left), Ok(value));
            prop_assert!(left.is_empty());
        }
    }
}
