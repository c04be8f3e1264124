//! A network description.

use crate::{Layer, Solver};

/// A network as it is described: layers by name, not yet given an input's shape.
///
/// [`Network::resolve`] checks it and computes shapes, costs and receptive fields.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Network {
    /// Its name.
    pub name: String,
    /// `[channels, height, width]` of an input; `None`: as the data has it.
    pub input: Option<[usize; 3]>,
    /// The layers, in the order of the description.
    pub layers: Vec<Layer>,
    /// How to train it, where the description says so.
    pub solver: Option<Solver>,
    /// What is done to an input before the network reads it, where the description says so.
    pub preprocessing: Preprocessing,
    /// What the description held and this network does not (auxiliary heads, say), in sentences for the user.
    pub notes: Vec<String>,
}

/// What is done to an input's pixel values (0 to 255) before the network reads them: `(x - mean) * scale`.
#[derive(Debug, Clone, PartialEq)]
pub struct Preprocessing {
    /// Factor.
    pub scale: f64,
    /// Subtracted: one value a channel, or one for all; empty: none.
    pub mean: Vec<f64>,
    /// A file with the mean image, as named in the description.
    pub mean_file: Option<String>,
    /// Side of the square that is cut out (at random in training, from the middle otherwise).
    pub crop: Option<usize>,
    /// Whether training inputs are mirrored at random.
    pub mirror: bool,
    /// Inputs of a training mini-batch, where the description's data layer tells.
    pub batch: Option<usize>,
}

impl Default for Preprocessing {
    fn default() -> Self {
        Preprocessing {
            scale: 1.0,
            mean: Vec::new(),
            mean_file: None,
            crop: None,
            mirror: false,
            batch: None,
        }
    }
}
