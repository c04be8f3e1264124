//! Layers as they show themselves: by a name and the shape of what they answer.

use deepeyes_core::{LayerSpec, Rectify};

/// Filters and grid of activations `[n, F]`, `[n, F, length]` or `[n, F, height, width]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) inputs: usize,
    pub(crate) filters: usize,
    pub(crate) grid: [usize; 2],
}

impl Shape {
    /// Reads a shape; the message says what is wrong with it.
    pub(crate) fn read(name: &str, shape: &[usize], values: usize) -> Result<Self, String> {
        let (inputs, filters, grid) = match *shape {
            [inputs, filters] => (inputs, filters, [1, 1]),
            [inputs, filters, length] => (inputs, filters, [1, length]),
            [inputs, filters, height, width] => (inputs, filters, [height, width]),
            _ => {
                return Err(format!(
                    "activations of {name} have shape {shape:?}; expected [inputs, filters], [inputs, filters, length] or \
                     [inputs, filters, height, width]"
                ));
            }
        };
        let product: usize = shape.iter().product();
        if product != values || product == 0 {
            return Err(format!(
                "activations of {name} are {values} values of shape {shape:?}; expected {product}, and at least one"
            ));
        }
        Ok(Self { inputs, filters, grid })
    }

    /// The layer that answers in this shape. `output`: it is the classifier's.
    pub(crate) fn layer(&self, name: &str, output: bool) -> LayerSpec {
        let kind = match self.grid {
            [1, 1] => "dense",
            [1, _] => "conv1d",
            _ => "conv2d",
        };
        LayerSpec {
            name: name.to_owned(),
            kind: kind.to_owned(),
            filters: self.filters,
            grid: self.grid,
            rectify: if output { Rectify::Softmax } else { Rectify::Relu },
            output,
            ..LayerSpec::default()
        }
    }

    /// Whether it is of that layer.
    pub(crate) fn is_of(&self, layer: &LayerSpec) -> bool {
        (self.filters, self.grid) == (layer.filters, layer.grid)
    }
}
