//! Typed access to a message's fields; every error names line and field.

use super::message::{Field, Message, Value};
use crate::error::NetworkError;

impl Field {
    pub(super) fn text(&self) -> Result<&str, NetworkError> {
        match &self.value {
            Value::Scalar(text) => Ok(text),
            Value::Message(_) => Err(self.mismatch("a value", "a message { … }")),
        }
    }

    pub(super) fn message(&self) -> Result<&Message, NetworkError> {
        match &self.value {
            Value::Message(message) => Ok(message),
            Value::Scalar(text) => Err(self.mismatch("a message { … }", text)),
        }
    }

    pub(super) fn real(&self) -> Result<f64, NetworkError> {
        let text = self.text()?;
        let number: Option<f64> = text.trim_end_matches(['f', 'F']).parse().ok();
        number.filter(|value| value.is_finite()).ok_or_else(|| self.mismatch("a number", text))
    }

    pub(super) fn whole(&self) -> Result<u64, NetworkError> {
        let text = self.text()?;
        text.parse().map_err(|_| self.mismatch("a whole number of at least 0", text))
    }

    pub(super) fn size(&self) -> Result<usize, NetworkError> {
        usize::try_from(self.whole()?)
            .map_err(|_| self.mismatch("a smaller number", self.text().unwrap_or_default()))
    }

    pub(super) fn flag(&self) -> Result<bool, NetworkError> {
        match self.text()? {
            "true" | "True" | "t" | "1" => Ok(true),
            "false" | "False" | "f" | "0" => Ok(false),
            other => Err(self.mismatch("true or false", other)),
        }
    }

    pub(super) fn mismatch(&self, expected: &str, found: &str) -> NetworkError {
        self.locate(NetworkError::value(expected, found))
    }

    pub(super) fn locate(&self, error: NetworkError) -> NetworkError {
        error.in_field(&self.name).at_line(self.line)
    }
}

impl Message {
    /// The field's last occurrence, which is the one that counts where it cannot repeat.
    pub(super) fn get(&self, name: &str) -> Option<&Field> {
        self.fields.iter().rev().find(|field| field.name == name)
    }

    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Field> {
        self.fields.iter().filter(move |field| field.name == name)
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<&str>, NetworkError> {
        self.get(name).map(Field::text).transpose()
    }

    pub(super) fn texts<'a>(&'a self, name: &'a str) -> Result<Vec<&'a str>, NetworkError> {
        self.all(name).map(Field::text).collect()
    }

    pub(super) fn real(&self, name: &str) -> Result<Option<f64>, NetworkError> {
        self.get(name).map(Field::real).transpose()
    }

    pub(super) fn whole(&self, name: &str) -> Result<Option<u64>, NetworkError> {
        self.get(name).map(Field::whole).transpose()
    }

    pub(super) fn size(&self, name: &str) -> Result<Option<usize>, NetworkError> {
        self.get(name).map(Field::size).transpose()
    }

    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, NetworkError> {
        self.get(name).map(Field::flag).transpose()
    }

    pub(super) fn message(&self, name: &str) -> Result<Option<&Message>, NetworkError> {
        self.get(name).map(Field::message).transpose()
    }

    /// Refuses fields that are not `known`, with the nearest known name.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), NetworkError> {
        match self.fields.iter().find(|field| !known.contains(&field.name.as_str())) {
            None => Ok(()),
            Some(field) => Err(NetworkError::unknown("field", &field.name, known).at_line(field.line)),
        }
    }
}
