//! What every layer message has: type, phase, parameters' factors.

use super::message::Message;
use crate::ParameterSpec;
use crate::error::{NetworkError, Problem};

const KNOWN: [&str; 13] = [
    "name",
    "type",
    "bottom",
    "top",
    "phase",
    "loss_weight",
    "param",
    "blobs",
    "include",
    "exclude",
    "propagate_down",
    "blobs_lr",
    "weight_decay",
];

/// Names of types in the older syntax, and in the present one.
const OLD_TYPES: [(&str, &str); 28] = [
    ("ACCURACY", "Accuracy"),
    ("CONCAT", "Concat"),
    ("CONTRASTIVE_LOSS", "ContrastiveLoss"),
    ("CONVOLUTION", "Convolution"),
    ("DATA", "Data"),
    ("DECONVOLUTION", "Deconvolution"),
    ("DROPOUT", "Dropout"),
    ("DUMMY_DATA", "DummyData"),
    ("ELTWISE", "Eltwise"),
    ("EUCLIDEAN_LOSS", "EuclideanLoss"),
    ("FLATTEN", "Flatten"),
    ("HDF5_DATA", "HDF5Data"),
    ("HINGE_LOSS", "HingeLoss"),
    ("IMAGE_DATA", "ImageData"),
    ("INNER_PRODUCT", "InnerProduct"),
    ("LRN", "LRN"),
    ("MEMORY_DATA", "MemoryData"),
    ("POOLING", "Pooling"),
    ("RELU", "ReLU"),
    ("SIGMOID", "Sigmoid"),
    ("SIGMOID_CROSS_ENTROPY_LOSS", "SigmoidCrossEntropyLoss"),
    ("SILENCE", "Silence"),
    ("SLICE", "Slice"),
    ("SOFTMAX", "Softmax"),
    ("SOFTMAX_LOSS", "SoftmaxWithLoss"),
    ("SPLIT", "Split"),
    ("TANH", "TanH"),
    ("WINDOW_DATA", "WindowData"),
];

/// A layer message with what all kinds have in common.
#[derive(Debug, Clone)]
pub(super) struct CaffeLayer<'a> {
    pub(super) name: &'a str,
    /// In the present syntax's spelling.
    pub(super) kind: &'a str,
    pub(super) bottoms: Vec<&'a str>,
    pub(super) tops: Vec<&'a str>,
    pub(super) message: &'a Message,
}

impl<'a> CaffeLayer<'a> {
    pub(super) fn read(message: &'a Message) -> Result<Self, NetworkError> {
        let tops = message.texts("top")?;
        let name = message.text("name")?.filter(|name| !name.is_empty()).or(tops.first().copied());
        let missing = |field, expected: &str| {
            NetworkError::new(Problem::Missing(expected.to_owned())).in_field(field).at_line(message.line)
        };
        let name = name.ok_or_else(|| missing("name", "a name"))?;
        let kind = message.text("type")?.ok_or_else(|| missing("type", "the layer's type").in_layer(name))?;
        let kind = OLD_TYPES.iter().find(|(old, _)| *old == kind).map_or(kind, |&(_, new)| new);
        let layer = CaffeLayer { name, kind, bottoms: message.texts("bottom")?, tops, message };
        let unknown = |field: &&super::message::Field| {
            !KNOWN.contains(&field.name.as_str()) && !field.name.ends_with("_param")
        };
        match message.fields.iter().find(unknown) {
            Some(field) => {
                Err(layer.locate(NetworkError::unknown("field", &field.name, &KNOWN).at_line(field.line)))
            }
            None => Ok(layer),
        }
    }

    /// Gives an error this layer's name, and its line where the error has none.
    pub(super) fn locate(&self, error: NetworkError) -> NetworkError {
        error.in_layer(self.name).at_line(self.message.line)
    }

    pub(super) fn unsupported(&self, message: impl Into<String>) -> NetworkError {
        self.locate(NetworkError::new(Problem::Unsupported(message.into())))
    }

    /// Whether the layer belongs to the network that is trained.
    pub(super) fn is_trained(&self) -> Result<bool, NetworkError> {
        let matches = |rule: &super::message::Field| -> Result<bool, NetworkError> {
            let rule = rule.message()?;
            let phase = rule.text("phase")?.is_none_or(|phase| phase == "TRAIN");
            let level = rule
                .get("min_level")
                .is_none_or(|field| field.text().is_ok_and(|level| level.starts_with('-') || level == "0"));
            Ok(phase && level && rule.get("stage").is_none())
        };
        let rules = |name| self.message.all(name).map(matches).collect::<Result<Vec<bool>, _>>();
        let (include, exclude) = (rules("include")?, rules("exclude")?);
        Ok(if include.is_empty() { !exclude.contains(&true) } else { include.contains(&true) })
    }

    /// Factors of weight and bias: `param { … }` twice, or the older `blobs_lr` and `weight_decay`.
    pub(super) fn factors(&self) -> Result<[ParameterSpec; 2], NetworkError> {
        let mut specs = [ParameterSpec::default(); 2];
        for (spec, param) in specs.iter_mut().zip(self.message.all("param")) {
            // In the older syntax `param` is the name of a shared parameter.
            let param = param.message()?;
            param.only(&["name", "share_mode", "lr_mult", "decay_mult"])?;
            spec.lr_mult = param.real("lr_mult")?.unwrap_or(spec.lr_mult);
            spec.decay_mult = param.real("decay_mult")?.unwrap_or(spec.decay_mult);
        }
        for (spec, factor) in specs.iter_mut().zip(self.message.all("blobs_lr")) {
            spec.lr_mult = factor.real()?;
        }
        for (spec, factor) in specs.iter_mut().zip(self.message.all("weight_decay")) {
            spec.decay_mult = factor.real()?;
        }
        Ok(specs)
    }

    /// Names under which the layer's parameters are shared with others.
    pub(super) fn shared_names(&self) -> Result<Vec<&'a str>, NetworkError> {
        let messages = self.message.all("param").filter_map(|field| field.message().ok());
        messages.filter_map(|param| param.text("name").transpose()).collect()
    }
}
