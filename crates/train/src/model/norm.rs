//! Normalisation across channels and of batches.

use burn::tensor::Tensor;
use burn::tensor::module::{avg_pool2d, batch_norm, batch_norm_train};
use burn::tensor::ops::AvgPoolOptions;
use deepeyes_network::BatchNorm;

/// Local response normalisation across channels (Krizhevsky et al. 2012, as in Caffe and PyTorch):
/// `y_c = x_c / (k + alpha / size * sum x_j^2)^beta`, the sum over the `size` channels around c, absent ones counting 0.
///
/// # Shapes
/// `x`: `[n, channels, height, width]`, as is the result.
pub(crate) fn local_response(x: Tensor<4>, size: usize, alpha: f64, beta: f64, k: f64) -> Tensor<4> {
    let [n, channels, height, width] = x.dims();
    let window = AvgPoolOptions {
        kernel_size: [size, 1],
        stride: [1, 1],
        padding: [(size / 2, (size - 1) / 2), (0, 0)],
        count_include_pad: true,
        ceil_mode: false,
    };
    let means = |squares: Tensor<4>| {
        let rows = squares.reshape([n, 1, channels, height * width]);
        avg_pool2d(rows, window).reshape([n, channels, height, width])
    };
    by_squares(x, means, alpha, beta, k)
}

/// `x / (k + alpha * means(x^2))^beta`.
pub(crate) fn by_squares(
    x: Tensor<4>,
    means: impl FnOnce(Tensor<4>) -> Tensor<4>,
    alpha: f64,
    beta: f64,
    k: f64,
) -> Tensor<4> {
    let scale = means(x.clone().square()).mul_scalar(alpha).add_scalar(k);
    x * scale.powf_scalar(-beta)
}

/// What a mini-batch tells the running statistics of a batch norm.
#[derive(Debug)]
pub(crate) struct BatchStatistics {
    /// Places of the running mean and variance among the buffers.
    running: [usize; 2],
    /// `[channels]`.
    mean: Tensor<1>,
    /// `[channels]`, without bias (over n - 1).
    variance: Tensor<1>,
    /// Weight of this mini-batch.
    momentum: f64,
}

impl BatchStatistics {
    /// Moves the running statistics towards the mini-batch's: `r = (1 - momentum) r + momentum b`, as PyTorch does.
    pub(crate) fn update(self, buffers: &mut [Tensor<1>]) {
        for (slot, batch) in self.running.into_iter().zip([self.mean, self.variance]) {
            let running = buffers[slot].clone();
            buffers[slot] = running.mul_scalar(1.0 - self.momentum) + batch.mul_scalar(self.momentum);
        }
    }
}

/// Batch normalisation by the mini-batch's own statistics (Ioffe and Szegedy 2015), which are returned beside.
///
/// # Shapes
/// `x`: `[n, channels, height, width]`; `gamma`, `beta`: `[channels]`.
pub(crate) fn batch_training(
    x: Tensor<4>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    settings: &BatchNorm,
    running: [usize; 2],
) -> (Tensor<4>, BatchStatistics) {
    let [n, _, height, width] = x.dims();
    let count = (n * height * width) as f64;
    let out = batch_norm_train(x, gamma, beta, settings.eps);
    let unbiased = out.variance.without_autodiff().mul_scalar(count / (count - 1.0).max(1.0));
    let mean = out.mean.without_autodiff();
    (out.output, BatchStatistics { running, mean, variance: unbiased, momentum: settings.momentum })
}

/// Batch normalisation by running statistics.
pub(crate) fn batch_evaluation(
    x: Tensor<4>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    mean: Tensor<1>,
    variance: Tensor<1>,
    epsilon: f64,
) -> Tensor<4> {
    batch_norm(x, gamma, beta, mean, variance, epsilon)
}
