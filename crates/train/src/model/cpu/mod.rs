//! Convolution and pooling on CPUs, where Burn's own leave most of the machine unused.
//!
//! Burn's `flex` backend computes a weight gradient as a convolution with a kernel as large as the image, and reads its
//! input one value at a time; here all three products of a convolution are matrix products over a column matrix of which
//! only a cache-sized tile exists at a time. What is not covered (other backends, depthwise convolutions, odd poolings)
//! goes to Burn. Sums run over tiles in one order, whatever the number of threads.

mod columns;
mod convolution;
mod pooling;

pub(crate) use convolution::convolution;
pub(crate) use pooling::max_pool;

use burn::backend::flex::FlexTensor;
use burn::backend::{Autodiff, Flex};
use burn::tensor::{Device, Tensor, TensorData};

/// Flex with gradients.
type Tracked = Autodiff<Flex>;

/// Images of a parallel piece of work. A fixed number: the order of sums must not depend on the number of threads.
const IMAGES: usize = 8;

/// A tensor's memory as the CPU backend has it, row-major; `None` on another backend.
fn memory<const D: usize>(tensor: &Tensor<D>) -> Option<FlexTensor> {
    let plain = tensor.clone().without_autodiff().try_into_primitive::<Flex>().ok()?;
    Some(plain.to_contiguous())
}

fn tensor(values: Vec<f32>, shape: &[usize]) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, shape.to_vec()))
}

/// The values of a row-major tensor.
fn values(tensor: &FlexTensor) -> &[f32] {
    tensor.as_slice().expect("only row-major f32 tensors come here")
}

/// A matrix `[rows, columns]` over `values`, which [`release`] gives back.
fn matrix(values: Vec<f32>, shape: [usize; 2]) -> Tensor<2> {
    Tensor::from_data(TensorData::new(values, shape), &Device::flex())
}

/// The memory under a matrix; not copied where nothing else holds it.
fn release(matrix: Tensor<2>) -> Vec<f32> {
    crate::step::read(matrix)
}
