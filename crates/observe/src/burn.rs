//! Burn's tensors.

use crate::Run;
use burn::tensor::Tensor;

impl Run {
    /// As [`observe`](Self::observe), for a tensor `[inputs, filters]`, `[inputs, filters, length]` or `[inputs, filters, height,
    /// width]` on any device. It is copied; its gradient is not touched.
    pub fn tensor<const D: usize>(&mut self, layer: &str, activations: &Tensor<D>) {
        let shape = activations.dims();
        match activations.clone().without_autodiff().into_data().try_into_vec_as::<f32>() {
            Ok(values) => self.observe(layer, &shape, values),
            Err(error) => self.tell(format!("activations of {layer} cannot be read: {error:?}")),
        }
    }
}
