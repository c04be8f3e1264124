//! Reading a network from TOML.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fields::{Fields, Lines, mismatch, real, text};
use super::ops::{OPS, read_op, read_parameter};
use super::solver::read_solver;
use crate::error::{NetworkError, Problem};
use crate::{Layer, Network, Preprocessing, Shape};

type Value<'a> = &'a Spanned<DeValue<'a>>;

impl Network {
    /// Reads a network's TOML description and checks all that can be checked without data.
    ///
    /// # Errors
    /// With line, layer and field, where the text is not TOML or not a network.
    pub fn from_toml(text: &str) -> Result<Network, NetworkError> {
        let lines = Lines::new(text);
        let document = DeTable::parse(text).map_err(|e| {
            let error = NetworkError::new(Problem::Syntax(format!("not TOML: {}", e.message())));
            match e.span() {
                Some(span) => error.at_line(lines.of(span.start)),
                None => error,
            }
        })?;
        read_network(document.get_ref(), &lines)
    }
}

fn read_network<'a>(table: &'a DeTable<'a>, lines: &'a Lines) -> Result<Network, NetworkError> {
    let known = ["name", "input", "layer", "solver", "preprocessing", "notes"];
    let fields = Fields::new(table, lines, 1, &known)?;
    let layers = read_layers(&fields)?;
    let notes = fields.list("notes", "a list of texts", |value| text(value).map(str::to_owned))?;
    let network = Network {
        name: fields.text("name")?.unwrap_or("network").to_owned(),
        input: fields.read("input", |value| read_input(value, lines))?,
        solver: fields.read("solver", |value| read_solver(value, lines))?,
        preprocessing: fields
            .read("preprocessing", |value| read_preprocessing(value, lines))?
            .unwrap_or_default(),
        notes: notes.unwrap_or_default(),
        layers: layers.iter().map(|(layer, _)| layer.clone()).collect(),
    };
    let line_of_layer: BTreeMap<&str, usize> =
        layers.iter().map(|(layer, line)| (layer.name.as_str(), *line)).collect();
    network.check_where_possible(&line_of_layer)?;
    Ok(network)
}

impl Network {
    /// Checks as much as the description alone allows, and gives errors the line of their layer.
    pub(crate) fn check_where_possible(
        &self,
        line_of_layer: &BTreeMap<&str, usize>,
    ) -> Result<(), NetworkError> {
        let checked = match self.input {
            Some(input) => self.resolve(input).map(|_| ()),
            None => self.check(),
        };
        checked.map_err(|e| match e.layer.as_deref().and_then(|layer| line_of_layer.get(layer)) {
            Some(&line) => e.at_line(line),
            None => e,
        })
    }
}

/// The layers, each with its line.
fn read_layers(fields: &Fields<'_>) -> Result<Vec<(Layer, usize)>, NetworkError> {
    let layers = fields.list("layer", "layers as [[layer]] tables", |value| {
        let line = fields.lines().of(value.span().start);
        read_layer(value, fields.lines()).map(|layer| (layer, line))
    })?;
    layers.ok_or_else(|| fields.missing("layer", "at least one [[layer]]"))
}

fn read_layer<'a>(value: Value<'a>, lines: &'a Lines) -> Result<Layer, NetworkError> {
    let mut known = vec!["name", "inputs", "weight", "bias"];
    known.extend(OPS);
    let DeValue::Table(table) = value.get_ref() else {
        return Err(mismatch("a table under [[layer]]", value).at_line(lines.of(value.span().start)));
    };
    let line = lines.of(value.span().start);
    // The name first, so that every later error can tell it.
    let name = table
        .iter()
        .find(|(key, _)| key.get_ref().as_ref() == "name")
        .and_then(|(_, name)| name.get_ref().as_str());
    let located = |e: NetworkError| match name {
        Some(name) => e.in_layer(name),
        None => e,
    };
    let fields = Fields::new(table, lines, line, &known).map_err(located)?;
    layer_of_fields(&fields).map_err(located)
}

fn layer_of_fields(fields: &Fields<'_>) -> Result<Layer, NetworkError> {
    let name =
        fields.text("name")?.ok_or_else(|| fields.missing("name", "a name of its own for each layer"))?;
    let present: Vec<&str> = OPS.into_iter().filter(|kind| fields.get(kind).is_some()).collect();
    let kind = match present[..] {
        [kind] => kind,
        [] => {
            let expected = format!("one operation, as conv2d = {{ … }}; known: {}", OPS.join(", "));
            return Err(NetworkError::new(Problem::Missing(expected)).at_line(fields.line()));
        }
        _ => {
            let error = NetworkError::value("one operation a layer", present.join(" and "));
            return Err(error.at_line(fields.line_of(present[1])));
        }
    };
    // Not `Fields::read`: the operation's own fields are more telling than its name.
    let value = fields.get(kind).ok_or_else(|| fields.missing(kind, "a table"))?;
    let op = read_op(kind, value, fields.lines())?;
    let inputs = fields.list("inputs", "a list of layer names", |value| text(value).map(str::to_owned))?;
    let parameter = |key| fields.read(key, |value| read_parameter(value, fields.lines()));
    Ok(Layer {
        name: name.to_owned(),
        op,
        inputs: inputs.unwrap_or_default(),
        weight: parameter("weight")?.unwrap_or_default(),
        bias: parameter("bias")?.unwrap_or_default(),
    })
}

fn read_input<'a>(value: Value<'a>, lines: &'a Lines) -> Result<[usize; 3], NetworkError> {
    let axes = ["channels", "height", "width"];
    let fields = Fields::inside(value, lines, &axes)?;
    let shape =
        [fields.required_size(axes[0])?, fields.required_size(axes[1])?, fields.required_size(axes[2])?];
    Shape::from(shape).checked()?;
    Ok(shape)
}

fn read_preprocessing<'a>(value: Value<'a>, lines: &'a Lines) -> Result<Preprocessing, NetworkError> {
    let fields = Fields::inside(value, lines, &["scale", "mean", "mean_file", "crop", "mirror", "batch"])?;
    let default = Preprocessing::default();
    let mean = fields.list("mean", "a list with one number a channel", |value| match real(value)? {
        mean if mean.is_finite() => Ok(mean),
        _ => Err(mismatch("a finite number", value)),
    })?;
    let scale = fields.read("scale", |value| match real(value)? {
        scale if scale.is_finite() => Ok(scale),
        _ => Err(mismatch("a finite number", value)),
    })?;
    Ok(Preprocessing {
        scale: scale.unwrap_or(default.scale),
        mean: mean.unwrap_or_default(),
        mean_file: fields.text("mean_file")?.map(str::to_owned),
        crop: fields.size("crop")?,
        mirror: fields.flag("mirror")?.unwrap_or(default.mirror),
        batch: fields.size("batch")?,
    })
}
