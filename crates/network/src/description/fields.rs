//! A TOML table whose fields are read one by one, each with its line.

use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

use crate::error::{NetworkError, Problem};

/// Where the lines of a text begin.
pub(super) struct Lines(Vec<usize>);

impl Lines {
    pub(super) fn new(text: &str) -> Self {
        Lines(std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect())
    }

    /// The line of a byte, counted from 1.
    pub(super) fn of(&self, offset: usize) -> usize {
        self.0.partition_point(|&start| start <= offset)
    }
}

/// A table, with the place where it stands. Every error names line and field.
pub(super) struct Fields<'a> {
    table: &'a DeTable<'a>,
    lines: &'a Lines,
    line: usize,
}

type Value<'a> = &'a Spanned<DeValue<'a>>;

impl<'a> Fields<'a> {
    /// The document's own table; refuses keys that are not `known`.
    pub(super) fn new(
        table: &'a DeTable<'a>,
        lines: &'a Lines,
        line: usize,
        known: &[&str],
    ) -> Result<Self, NetworkError> {
        let fields = Fields { table, lines, line };
        match fields.table.keys().find(|key| !known.contains(&key.get_ref().as_ref())) {
            None => Ok(fields),
            Some(key) => {
                Err(NetworkError::unknown("field", key.get_ref(), known).at_line(lines.of(key.span().start)))
            }
        }
    }

    /// The table in a value.
    pub(super) fn inside(value: Value<'a>, lines: &'a Lines, known: &[&str]) -> Result<Self, NetworkError> {
        let line = lines.of(value.span().start);
        let DeValue::Table(table) = value.get_ref() else {
            return Err(mismatch("a table { … }", value).at_line(line));
        };
        Fields::new(table, lines, line, known)
    }

    /// Line where the table begins.
    pub(super) fn line(&self) -> usize {
        self.line
    }

    pub(super) fn lines(&self) -> &'a Lines {
        self.lines
    }

    pub(super) fn get(&self, key: &str) -> Option<Value<'a>> {
        self.table.iter().find(|(name, _)| name.get_ref().as_ref() == key).map(|(_, value)| value)
    }

    /// Line of a field, or of the table where it is missing.
    pub(super) fn line_of(&self, key: &str) -> usize {
        self.get(key).map_or(self.line, |value| self.lines.of(value.span().start))
    }

    /// Gives an error about one of this table's fields its line.
    pub(super) fn locate(&self, error: NetworkError) -> NetworkError {
        let line = error.field.as_deref().map_or(self.line, |field| self.line_of(field));
        error.at_line(line)
    }

    /// A field read by `read`; `None` where it is absent.
    pub(super) fn read<T>(
        &self,
        key: &str,
        read: impl FnOnce(Value<'a>) -> Result<T, NetworkError>,
    ) -> Result<Option<T>, NetworkError> {
        let value = self.get(key).map(read).transpose();
        value.map_err(|e| e.in_field(key).at_line(self.line_of(key)))
    }

    /// The error for a field that has to be there.
    pub(super) fn missing(&self, key: &str, expected: &str) -> NetworkError {
        NetworkError::new(Problem::Missing(expected.to_owned())).in_field(key).at_line(self.line)
    }

    pub(super) fn whole(&self, key: &str) -> Result<Option<u64>, NetworkError> {
        self.read(key, whole)
    }

    pub(super) fn size(&self, key: &str) -> Result<Option<usize>, NetworkError> {
        self.read(key, size)
    }

    pub(super) fn required_size(&self, key: &str) -> Result<usize, NetworkError> {
        self.size(key)?.ok_or_else(|| self.missing(key, WHOLE))
    }

    pub(super) fn real(&self, key: &str) -> Result<Option<f64>, NetworkError> {
        self.read(key, real)
    }

    pub(super) fn flag(&self, key: &str) -> Result<Option<bool>, NetworkError> {
        self.read(key, |value| match value.get_ref() {
            DeValue::Boolean(flag) => Ok(*flag),
            _ => Err(mismatch("true or false", value)),
        })
    }

    pub(super) fn text(&self, key: &str) -> Result<Option<&'a str>, NetworkError> {
        self.read(key, text)
    }

    /// One number for both directions, or `[vertical, horizontal]`.
    pub(super) fn pair(&self, key: &str) -> Result<Option<[usize; 2]>, NetworkError> {
        self.read(key, |value| match value.get_ref() {
            DeValue::Integer(_) => Ok([size(value)?; 2]),
            DeValue::Array(array) if array.len() == 2 => Ok([size(&array[0])?, size(&array[1])?]),
            _ => Err(mismatch("a whole number, or two as [vertical, horizontal]", value)),
        })
    }

    pub(super) fn list<T>(
        &self,
        key: &str,
        expected: &str,
        read: impl Fn(Value<'a>) -> Result<T, NetworkError>,
    ) -> Result<Option<Vec<T>>, NetworkError> {
        self.read(key, |value| match value.get_ref() {
            DeValue::Array(array) => array.iter().map(&read).collect(),
            _ => Err(mismatch(expected, value)),
        })
    }
}

const WHOLE: &str = "a whole number of at least 0";

pub(super) fn whole(value: Value<'_>) -> Result<u64, NetworkError> {
    let DeValue::Integer(number) = value.get_ref() else {
        return Err(mismatch(WHOLE, value));
    };
    u64::from_str_radix(number.as_str(), number.radix()).map_err(|_| mismatch(WHOLE, value))
}

pub(super) fn size(value: Value<'_>) -> Result<usize, NetworkError> {
    usize::try_from(whole(value)?).map_err(|_| mismatch(WHOLE, value))
}

pub(super) fn real(value: Value<'_>) -> Result<f64, NetworkError> {
    let number = match value.get_ref() {
        DeValue::Float(number) => number.as_str().parse().ok(),
        DeValue::Integer(number) => integer(number),
        _ => None,
    };
    number.ok_or_else(|| mismatch("a number", value))
}

fn integer(number: &DeInteger<'_>) -> Option<f64> {
    i128::from_str_radix(number.as_str(), number.radix()).ok().map(|value| value as f64)
}

pub(super) fn text<'a>(value: Value<'a>) -> Result<&'a str, NetworkError> {
    value.get_ref().as_str().ok_or_else(|| mismatch("a text in quotes", value))
}

/// The error for a value of another kind, or out of range.
pub(super) fn mismatch(expected: &str, value: Value<'_>) -> NetworkError {
    let found = match value.get_ref() {
        DeValue::String(text) => format!("{text:?}"),
        DeValue::Integer(number) => number.as_str().to_owned(),
        DeValue::Float(number) => number.as_str().to_owned(),
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Datetime(_) => "a date".to_owned(),
        DeValue::Array(array) => format!("an array of {}", array.len()),
        DeValue::Table(_) => "a table".to_owned(),
    };
    NetworkError::value(expected, found)
}
