//! Protocol buffers on the wire: fields of a number and a value. Enough to walk a message whose few interesting fields
//! are known; nothing is copied, so a length that lies costs nothing.

/// A field's value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Value<'a> {
    /// A number of variable length.
    Varint(u64),
    /// Eight bytes.
    Fixed64([u8; 8]),
    /// Text, bytes, a message, or packed numbers.
    Bytes(&'a [u8]),
    /// Four bytes.
    Fixed32([u8; 4]),
}

/// What is wrong with a message.
pub(super) type Broken = &'static str;

const TRUNCATED: Broken = "ends within a field; is the copy or download complete?";

/// The fields of a message in order, ending with the first error.
pub(super) fn fields(message: &[u8]) -> impl Iterator<Item = Result<(u64, Value<'_>), Broken>> {
    let mut rest = message;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let field = field(&mut rest);
        if field.is_err() {
            rest = &[];
        }
        Some(field)
    })
}

fn field<'a>(rest: &mut &'a [u8]) -> Result<(u64, Value<'a>), Broken> {
    let key = varint(rest)?;
    let value = match key & 7 {
        0 => Value::Varint(varint(rest)?),
        1 => Value::Fixed64(fixed(rest)?),
        2 => {
            let length = usize::try_from(varint(rest)?).map_err(|_| TRUNCATED)?;
            let (bytes, after) = rest.split_at_checked(length).ok_or(TRUNCATED)?;
            *rest = after;
            Value::Bytes(bytes)
        }
        5 => Value::Fixed32(fixed(rest)?),
        _ => return Err("has a field of no known type"),
    };
    Ok((key >> 3, value))
}

fn fixed<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], Broken> {
    let (bytes, after) = rest.split_first_chunk().ok_or(TRUNCATED)?;
    *rest = after;
    Ok(*bytes)
}

/// Seven bits a byte, the lowest first, the eighth bit set on all bytes but the last.
pub(super) fn varint(rest: &mut &[u8]) -> Result<u64, Broken> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, after) = rest.split_first().ok_or(TRUNCATED)?;
        *rest = after;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err("has a number of more than ten bytes")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(mut value: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        while value > 0x7f {
            bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        bytes.push(value as u8);
        bytes
    }

    proptest! {
        #[test]
        fn numbers_are_read_as_written(value: u64, after: u8) {
            let mut bytes = written(value);
            bytes.push(after);
            let mut rest = bytes.as_slice();
            prop_assert_eq!(varint(&mut rest), Ok(value));
            prop_assert_eq!(rest, &[after]);
        }

        /// Any bytes give fields or one error, and an end.
        #[test]
        fn any_bytes_come_to_an_end(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let read: Vec<_> = fields(&bytes).collect();
            prop_assert!(read.len() <= bytes.len());
            prop_assert!(read.iter().rev().skip(1).all(Result::is_ok));
        }
    }
}
