//! From layer messages and their blobs to a network of named layers.

use std::collections::{BTreeMap, BTreeSet};

use super::layers::CaffeLayer;
use super::message::{Field, Message, parse};
use super::ops::{filler, read_op};
use crate::error::{NetworkError, Problem};
use crate::{Layer, Network, Op, ParameterSpec, Preprocessing, Shape};

/// Reads a network in Caffe's text format: the TRAIN phase of a `train_val` file, or a `deploy` file.
///
/// The data layers give [`Network::preprocessing`]; the loss and accuracy layers fall away, so that the network ends
/// in what the main loss reads (of several: the one of the largest weight, the last of equals). What is left out with
/// them, and what is read otherwise than Caffe would, stands in [`Network::notes`].
///
/// # Errors
/// With line, layer and field, where the text is not in the format, a value is out of range, or a layer has no
/// counterpart here.
pub fn read_prototxt(text: &str) -> Result<Network, NetworkError> {
    read_network(&parse(text)?)
}

const NETWORK_FIELDS: [&str; 10] = [
    "name",
    "layer",
    "layers",
    "input",
    "input_dim",
    "input_shape",
    "force_backward",
    "state",
    "debug_info",
    "phase",
];

/// Reads a NetParameter message.
pub(super) fn read_network(message: &Message) -> Result<Network, NetworkError> {
    message.only(&NETWORK_FIELDS)?;
    let mut reader = Reader::new(message)?;
    for field in message.fields.iter().filter(|field| matches!(field.name.as_str(), "layer" | "layers")) {
        let layer = CaffeLayer::read(field.message()?)?;
        if layer.is_trained().map_err(|e| layer.locate(e))? {
            reader.add(&layer).map_err(|e| layer.locate(e))?;
        }
    }
    reader.finish(message.text("name")?.unwrap_or("network"))
}

/// What a blob holds.
#[derive(Debug, Clone, PartialEq)]
enum Blob {
    Input,
    /// Labels, losses, accuracies: nothing that a layer may read.
    Side,
    Layer(usize),
}

struct Head {
    name: String,
    /// The layer whose output the loss reads.
    reads: usize,
    weight: f64,
}

struct Reader {
    blobs: BTreeMap<String, Blob>,
    layers: Vec<Layer>,
    lines: Vec<usize>,
    inputs: Vec<Vec<Option<usize>>>,
    heads: Vec<Head>,
    input: Option<[usize; 3]>,
    preprocessing: Preprocessing,
    notes: Vec<String>,
    shared: BTreeSet<String>,
    folded_scales: usize,
}

impl Reader {
    /// Starts with the inputs that deploy files declare.
    fn new(message: &Message) -> Result<Self, NetworkError> {
        let mut blobs = BTreeMap::new();
        for (index, name) in message.texts("input")?.into_iter().enumerate() {
            blobs.insert(name.to_owned(), if index == 0 { Blob::Input } else { Blob::Side });
        }
        let shape = message.all("input_shape").next().map(Field::message).transpose()?;
        let dims: Vec<&Field> = match shape {
            Some(shape) => shape.all("dim").collect(),
            None => message.all("input_dim").take(4).collect(),
        };
        Ok(Reader {
            blobs,
            layers: Vec::new(),
            lines: Vec::new(),
            inputs: Vec::new(),
            heads: Vec::new(),
            input: input_of_dims(&dims)?,
            preprocessing: Preprocessing::default(),
            notes: Vec::new(),
            shared: BTreeSet::new(),
            folded_scales: 0,
        })
    }

    fn add(&mut self, layer: &CaffeLayer<'_>) -> Result<(), NetworkError> {
        match layer.kind {
            "Data" | "ImageData" | "HDF5Data" | "MemoryData" | "DummyData" | "WindowData" | "Input" => {
                self.data(layer)
            }
            "SoftmaxWithLoss" => self.loss(layer),
            "Accuracy" => {
                self.side_tops(layer);
                Ok(())
            }
            "Split" => {
                let blob = self.read(layer, 0)?;
                self.blobs.extend(layer.tops.iter().map(|top| ((*top).to_owned(), blob.clone())));
                Ok(())
            }
            "Scale" => self.scale(layer),
            _ => self.compute(layer),
        }
    }

    fn side_tops(&mut self, layer: &CaffeLayer<'_>) {
        self.blobs.extend(layer.tops.iter().map(|top| ((*top).to_owned(), Blob::Side)));
    }

    fn data(&mut self, layer: &CaffeLayer<'_>) -> Result<(), NetworkError> {
        let first = !self.blobs.values().any(|blob| *blob == Blob::Input);
        for (index, top) in layer.tops.iter().enumerate() {
            self.blobs.insert((*top).to_owned(), if index == 0 && first { Blob::Input } else { Blob::Side });
        }
        if !first {
            return Ok(());
        }
        if let Some(shape) =
            layer.message.message("input_param")?.map(|p| p.message("shape")).transpose()?.flatten()
        {
            self.input = input_of_dims(&shape.all("dim").collect::<Vec<_>>())?;
        }
        self.read_preprocessing(layer)
    }

    /// From `transform_param`; the batch size (and in older files everything) from the data layer's own parameters.
    fn read_preprocessing(&mut self, layer: &CaffeLayer<'_>) -> Result<(), NetworkError> {
        let named = |field: &&Field| {
            matches!(
                field.name.as_str(),
                "data_param"
                    | "image_data_param"
                    | "hdf5_data_param"
                    | "window_data_param"
                    | "memory_data_param"
                    | "transform_param"
            )
        };
        let preprocessing = &mut self.preprocessing;
        for field in layer.message.fields.iter().filter(named) {
            let message = field.message()?;
            preprocessing.scale = message.real("scale")?.unwrap_or(preprocessing.scale);
            preprocessing.mirror = message.flag("mirror")?.unwrap_or(preprocessing.mirror);
            preprocessing.crop = message.size("crop_size")?.filter(|&crop| crop > 0).or(preprocessing.crop);
            preprocessing.batch =
                message.size("batch_size")?.filter(|&batch| batch > 0).or(preprocessing.batch);
            if let Some(file) = message.text("mean_file")? {
                preprocessing.mean_file = Some(file.to_owned());
            }
            preprocessing
                .mean
                .extend(message.all("mean_value").map(Field::real).collect::<Result<Vec<_>, _>>()?);
        }
        Ok(())
    }

    fn loss(&mut self, layer: &CaffeLayer<'_>) -> Result<(), NetworkError> {
        let weight = layer.message.all("loss_weight").next().map(Field::real).transpose()?.unwrap_or(1.0);
        let Blob::Layer(reads) = self.read(layer, 0)? else {
            return Err(layer.unsupported("the loss reads the network's input; it has to read a layer"));
        };
        self.heads.push(Head { name: layer.name.to_owned(), reads, weight });
        self.side_tops(layer);
        Ok(())
    }

    /// What a layer's bottom holds.
    fn read(&self, layer: &CaffeLayer<'_>, index: usize) -> Result<Blob, NetworkError> {
        let Some(&bottom) = layer.bottoms.get(index) else {
            let problem = Problem::Missing("the blob that the layer reads".to_owned());
            return Err(layer.locate(NetworkError::new(problem).in_field("bottom")));
        };
        match self.blobs.get(bottom) {
            None => {
                let suggestion = crate::error::nearest(bottom, self.blobs.keys().map(String::as_str));
                let suggestion = suggestion.map(str::to_owned);
                let problem = Problem::UnknownInput { input: bottom.to_owned(), suggestion };
                Err(layer.locate(NetworkError::new(problem).in_field("bottom")))
            }
            Some(Blob::Side) => Err(layer.unsupported(format!(
                "reads {bottom:?}, which is a label, a loss or a second input; only one input is supported"
            ))),
            Some(blob) => Ok(blob.clone()),
        }
    }

    fn compute(&mut self, layer: &CaffeLayer<'_>) -> Result<(), NetworkError> {
        let parts = read_op(layer)?;
        for name in layer.shared_names()? {
            if !self.shared.insert(name.to_owned()) {
                return Err(
                    layer.unsupported(format!("parameters {name:?} shared between layers are not supported"))
                );
            }
        }
        self.notes_on(layer);
        let inputs = (0..layer.bottoms.len().max(1))
            .map(|index| match self.read(layer, index)? {
                Blob::Layer(read) => Ok(Some(read)),
                Blob::Input | Blob::Side => Ok(None),
            })
            .collect::<Result<Vec<_>, NetworkError>>()?;
        let [top] = layer.tops[..] else {
            let error = NetworkError::value("one top", layer.tops.len());
            return Err(layer.locate(error.in_field("top")));
        };
        self.blobs.insert(top.to_owned(), Blob::Layer(self.layers.len()));
        let name = layer.name.to_owned();
        self.layers.push(Layer {
            name,
            op: parts.op,
            inputs: Vec::new(),
            weight: parts.weight,
            bias: parts.bias,
        });
        self.lines.push(layer.message.line);
        self.inputs.push(inputs);
        Ok(())
    }

    /// What is read otherwise than Caffe would.
    fn notes_on(&mut self, layer: &CaffeLayer<'_>) {
        let parameters = ["convolution_param", "inner_product_param"];
        let fillers = parameters.iter().filter_map(|name| layer.message.message(name).ok().flatten());
        let weight_fillers = fillers.filter_map(|message| message.message("weight_filler").ok().flatten());
        if weight_fillers.into_iter().any(|filler| filler.get("sparse").is_some()) {
            self.notes.push(format!("{}: its sparse initial weights are drawn densely", layer.name));
        }
    }

    /// A Scale layer is the affine part of the batch norm that it follows.
    fn scale(&mut self, layer: &CaffeLayer<'_>) -> Result<(), NetworkError> {
        let blob = self.read(layer, 0)?;
        let normed = match blob {
            Blob::Layer(index) if layer.bottoms.len() == 1 => Some(index),
            _ => None,
        };
        let is_read = |index| {
            self.inputs.iter().flatten().any(|&read| read == Some(index))
                || self.heads.iter().any(|h| h.reads == index)
        };
        let folds = |index: &usize| {
            matches!(self.layers[*index].op, Op::BatchNorm(norm) if !norm.affine) && !is_read(*index)
        };
        let (Some(index), [top]) = (normed.filter(folds), &layer.tops[..]) else {
            let message =
                "layers of type Scale are supported only right after a BatchNorm that nothing else reads";
            return Err(layer.unsupported(message));
        };
        let [mut weight, mut bias] = layer.factors()?;
        let mut shifted = false;
        if let Some(parameters) = layer.message.message("scale_param")? {
            parameters.only(&["axis", "num_axes", "filler", "bias_term", "bias_filler"])?;
            weight.filler = parameters.message("filler")?.map(filler).transpose()?;
            bias.filler = parameters.message("bias_filler")?.map(filler).transpose()?;
            shifted = parameters.flag("bias_term")?.unwrap_or(false);
        }
        if !shifted {
            bias = ParameterSpec { lr_mult: 0.0, decay_mult: 0.0, filler: None };
        }
        let normed = &mut self.layers[index];
        if let Op::BatchNorm(norm) = &mut normed.op {
            norm.affine = true;
        }
        (normed.weight, normed.bias) = (weight, bias);
        self.blobs.insert((*top).to_owned(), Blob::Layer(index));
        self.folded_scales += 1;
        Ok(())
    }

    fn finish(mut self, name: &str) -> Result<Network, NetworkError> {
        if self.folded_scales > 0 {
            self.notes
                .push(format!("{} Scale layers are part of the batch norms before them", self.folded_scales));
        }
        if let (Some(file), []) = (&self.preprocessing.mean_file, &self.preprocessing.mean[..]) {
            self.notes.push(format!(
                "the mean image {file} is not read: the training images' mean of each channel is subtracted in its place"
            ));
        }
        let kept = self.kept();
        let mut network = Network {
            name: name.to_owned(),
            input: self.input,
            preprocessing: self.preprocessing,
            notes: self.notes,
            ..Network::default()
        };
        let mut lines = BTreeMap::new();
        let mut before: Option<usize> = None;
        for (index, layer) in self.layers.iter().enumerate().filter(|(index, _)| kept.contains(index)) {
            let mut layer = layer.clone();
            if self.inputs[index] != [before] {
                layer.inputs = self.inputs[index]
                    .iter()
                    .map(|read| read.map_or("data".to_owned(), |read| self.layers[read].name.clone()))
                    .collect();
            }
            lines.insert(layer.name.clone(), self.lines[index]);
            network.layers.push(layer);
            before = Some(index);
        }
        let lines = lines.iter().map(|(name, &line)| (name.as_str(), line)).collect();
        network.check_where_possible(&lines)?;
        Ok(network)
    }

    /// The layers that the main loss needs; all where there is no loss. Notes what falls away.
    fn kept(&mut self) -> BTreeSet<usize> {
        let all: BTreeSet<usize> = (0..self.layers.len()).collect();
        let Some(main) = self.heads.iter().max_by(|a, b| a.weight.total_cmp(&b.weight)) else {
            return all;
        };
        let kept = self.ancestors(main.reads);
        let mut noted = kept.clone();
        let mut notes = Vec::new();
        let names = |layers: Vec<&usize>| {
            layers.into_iter().map(|&layer| self.layers[layer].name.as_str()).collect::<Vec<_>>().join(", ")
        };
        for head in self.heads.iter().filter(|head| head.name != main.name) {
            let branch = self.ancestors(head.reads);
            let left_out = names(branch.difference(&noted).collect());
            notes.push(format!(
                "the auxiliary loss {:?} is left out, with the layers only it reads: {left_out}",
                head.name
            ));
            noted.extend(branch);
        }
        let unread: Vec<&usize> = all.difference(&noted).collect();
        if !unread.is_empty() {
            notes.push(format!("left out, because the loss does not read them: {}", names(unread)));
        }
        self.notes.extend(notes);
        kept
    }

    fn ancestors(&self, layer: usize) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        let mut pending = vec![layer];
        while let Some(layer) = pending.pop() {
            if found.insert(layer) {
                pending.extend(self.inputs[layer].iter().flatten());
            }
        }
        found
    }
}

/// `[channels, height, width]` of dimensions that begin with the batch; vectors have height and width 1.
fn input_of_dims(dims: &[&Field]) -> Result<Option<[usize; 3]>, NetworkError> {
    let Some(first) = dims.first() else {
        return Ok(None);
    };
    let sizes: Vec<usize> = dims.iter().map(|dim| dim.size()).collect::<Result<_, _>>()?;
    let shape = match sizes[..] {
        [_, channels] => [channels, 1, 1],
        [_, channels, height, width] => [channels, height, width],
        _ => {
            return Err(
                first.mismatch("batch, channels, height and width", &format!("{} dimensions", sizes.len()))
            );
        }
    };
    Shape::from(shape).checked().map_err(|e| first.locate(e))?;
    Ok(Some(shape))
}
