//! What can be wrong with a network description, and where.

use std::fmt;

use thiserror::Error;

use crate::Shape;

/// A network description, solver or plan that cannot be used: where, what, and what was expected.
///
/// Shown as `line 12, layer "conv1", field "filters": expected …, found …`, leaving out what is unknown.
#[derive(Debug, Clone, PartialEq, Error)]
#[error("{}{problem}", self.place())]
pub struct NetworkError {
    /// Line in the text, counted from 1; `None` for a network that was not read from a text.
    pub line: Option<usize>,
    /// The layer's name, where one is concerned.
    pub layer: Option<String>,
    /// The field's name, where one is concerned.
    pub field: Option<String>,
    /// What is wrong there.
    pub problem: Box<Problem>,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum Problem {
    /// The text does not follow its format.
    #[error("{0}")]
    Syntax(String),
    /// A value outside what the field takes.
    #[error("expected {expected}, found {found}")]
    Value {
        /// What the field takes.
        expected: String,
        /// What stands there.
        found: String,
    },
    /// A field that has to be there and is not.
    #[error("missing: expected {0}")]
    Missing(String),
    /// A key that means nothing here.
    #[error("unknown {what} {key:?}{}; known: {}", hint(.suggestion.as_deref()), .known.join(", "))]
    Unknown {
        /// What the key would name: a field, a kind of layer, ...
        what: &'static str,
        /// The key.
        key: String,
        /// The known key most like it, if one is close.
        suggestion: Option<String>,
        /// All keys known here.
        known: Vec<String>,
    },
    /// A layer reads something that no layer is named.
    #[error("reads {input:?}, which is neither a layer nor the network's \"input\"{}", hint(.suggestion.as_deref()))]
    UnknownInput {
        /// The name it reads.
        input: String,
        /// The layer name most like it, if one is close.
        suggestion: Option<String>,
    },
    /// Two layers share one name.
    #[error("a second layer with this name; give each layer a name of its own")]
    DuplicateName,
    /// A layer with a name that means the network's input.
    #[error("this name means the network's input; give the layer another one")]
    ReservedName,
    /// Layers that read each other in a circle.
    #[error("layers read each other in a circle: {}", .0.join(" -> "))]
    Cycle(Vec<String>),
    /// Results that no layer reads, where exactly one is expected.
    #[error("expected one output, found {}: {}; join them or remove the unused", .0.len(), .0.join(", "))]
    SeveralOutputs(Vec<String>),
    /// A network without layers.
    #[error("the network has no layers")]
    Empty,
    /// A layer with more or fewer inputs than it can take.
    #[error("takes {expected}, but has {found} inputs")]
    Arity {
        /// How many it takes, in words.
        expected: &'static str,
        /// How many it has.
        found: usize,
    },
    /// A window that does not fit into what it slides over.
    #[error("kernel {}x{} does not fit into its input {input} with padding {}x{}", .kernel[0], .kernel[1], .padding[0], .padding[1])]
    Kernel {
        /// Extent of the kernel, dilation included.
        kernel: [usize; 2],
        /// The input's shape.
        input: Shape,
        /// Padding on each side.
        padding: [usize; 2],
    },
    /// A grouping that does not divide the channels.
    #[error(
        "{groups} groups do not divide {input_channels} input channels and {filters} filters evenly; both must be multiples of the groups"
    )]
    Groups {
        /// The groups asked for.
        groups: usize,
        /// Channels of the input.
        input_channels: usize,
        /// Filters of the layer.
        filters: usize,
    },
    /// Inputs whose shapes do not go together.
    #[error(
        "{operation} needs {needs}, but {first_name} is {first} and {second_name} is {second} (channels x height x width)"
    )]
    Shapes {
        /// The operation that joins them.
        operation: &'static str,
        /// What it needs.
        needs: &'static str,
        /// Name of the first input.
        first_name: String,
        /// Its shape.
        first: Shape,
        /// Name of the input that differs.
        second_name: String,
        /// Its shape.
        second: Shape,
    },
    /// The data's shape is not the one that the network asks for.
    #[error(
        "the network takes inputs of {network}, but the data's are {data} (channels x height x width); use other data, or change the network's input"
    )]
    InputDiffers {
        /// The shape in the network's description.
        network: Shape,
        /// The shape of the data.
        data: Shape,
    },
    /// Something larger than can be counted or described.
    #[error("too large: {what} exceeds {limit}")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// The most that is taken.
        limit: u64,
    },
    /// Something that exists elsewhere and is not supported here.
    #[error("{0}")]
    Unsupported(String),
    /// An action of a plan that cannot be carried out.
    #[error("cannot {action}: {reason}")]
    Plan {
        /// The action.
        action: String,
        /// Why not, and what would do.
        reason: String,
    },
}

fn hint(suggestion: Option<&str>) -> String {
    suggestion.map_or_else(String::new, |name| format!(" (did you mean {name:?}?)"))
}

impl NetworkError {
    /// The problem alone, to be given its place.
    pub(crate) fn new(problem: Problem) -> Self {
        NetworkError { line: None, layer: None, field: None, problem: Box::new(problem) }
    }

    pub(crate) fn value(expected: impl Into<String>, found: impl fmt::Display) -> Self {
        Self::new(Problem::Value { expected: expected.into(), found: found.to_string() })
    }

    /// An unknown key, with the nearest known one.
    pub(crate) fn unknown(what: &'static str, key: &str, known: &[&str]) -> Self {
        let suggestion = nearest(key, known.iter().copied()).map(str::to_owned);
        let known = known.iter().map(|&name| name.to_owned()).collect();
        Self::new(Problem::Unknown { what, key: key.to_owned(), suggestion, known })
    }

    /// Adds the line where none is known yet.
    pub(crate) fn at_line(mut self, line: usize) -> Self {
        self.line.get_or_insert(line);
        self
    }

    /// Adds the layer where none is known yet.
    pub(crate) fn in_layer(mut self, layer: &str) -> Self {
        self.layer.get_or_insert_with(|| layer.to_owned());
        self
    }

    /// Adds the field where none is known yet.
    pub(crate) fn in_field(mut self, field: &str) -> Self {
        self.field.get_or_insert_with(|| field.to_owned());
        self
    }

    fn place(&self) -> String {
        let mut parts = Vec::new();
        if let Some(line) = self.line {
            parts.push(format!("line {line}"));
        }
        if let Some(layer) = &self.layer {
            parts.push(format!("layer {layer:?}"));
        }
        if let Some(field) = &self.field {
            parts.push(format!("field {field:?}"));
        }
        if parts.is_empty() { String::new() } else { format!("{}: ", parts.join(", ")) }
    }
}

/// The candidate most like `word`, if it is close enough to be a slip of the pen.
pub(crate) fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let budget = (word.chars().count() / 3).max(1);
    candidates
        .map(|candidate| (edit_distance(word, candidate), candidate))
        .filter(|&(distance, _)| distance <= budget)
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, candidate)| candidate)
}

/// Levenshtein distance; very long words are not compared.
fn edit_distance(a: &str, b: &str) -> usize {
    const LONGEST: usize = 64;
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len() > LONGEST || b.len() > LONGEST {
        return usize::MAX;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_place_and_value() {
        let error = NetworkError::value("a whole number of at least 1", -3)
            .in_field("filters")
            .in_layer("conv1")
            .at_line(12);
        assert_eq!(
            error.to_string(),
            "line 12, layer \"conv1\", field \"filters\": expected a whole number of at least 1, found -3"
        );
    }

    #[test]
    fn suggests_only_what_is_close() {
        assert_eq!(nearest("kernal", ["kernel", "stride"].into_iter()), Some("kernel"));
        assert_eq!(nearest("zebra", ["kernel", "stride"].into_iter()), None);
        assert_eq!(edit_distance("kitten", "sitting"), 3);
    }
}
