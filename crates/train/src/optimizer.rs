//! The update rules, as Caffe and PyTorch have them.

use burn::backend::Flex;
use burn::backend::flex::FlexTensor;
use burn::tensor::{Float, Tensor};
use rayon::prelude::*;

/// Values of a parallel piece of work.
const PIECE: usize = 1 << 16;

/// An update rule with its constants.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Rule {
    /// Stochastic gradient descent with momentum, as in Caffe: the learning rate is inside the momentum.
    Sgd {
        /// m: share of the last update that goes on.
        momentum: f64,
    },
    /// Adam (Kingma and Ba 2015) with bias correction; weight decay is L2, as in PyTorch's `Adam`.
    Adam {
        /// b1: decay of the mean of the gradients.
        beta1: f64,
        /// b2: decay of the mean of their squares.
        beta2: f64,
        /// Added to the root of the second mean.
        epsilon: f64,
    },
}

/// What a rule remembers of one parameter: nothing yet, or its moments (SGD: one, Adam: two).
#[derive(Debug, Clone, Default)]
pub(crate) struct Moments(pub(crate) Vec<Tensor<4>>);

impl Rule {
    /// Number of moments that it keeps for each parameter.
    pub(crate) fn moments(self) -> usize {
        match self {
            Self::Sgd { .. } => 1,
            Self::Adam { .. } => 2,
        }
    }

    /// The parameter after a step: `value` updated along `gradient` at learning rate `rate` with L2 weight `decay`, both
    /// the parameter's own. `updates` counts the updates, this one included.
    ///
    /// SGD: `v = m v + rate (g + decay w)`, `w = w - v`.
    ///
    /// Adam: `g' = g + decay w`, `a = b1 a + (1 - b1) g'`, `b = b2 b + (1 - b2) g'^2`,
    /// `w = w - rate a / (1 - b1^t) / (sqrt(b / (1 - b2^t)) + epsilon)`.
    pub(crate) fn update(
        self,
        value: Tensor<4>,
        gradient: Tensor<4>,
        moments: &mut Moments,
        rate: f64,
        decay: f64,
        updates: u64,
    ) -> Tensor<4> {
        // In one pass over memory where the CPU backend lets us: its own operations take one pass each.
        match gradient.clone().try_into_primitive::<Flex>() {
            Ok(gradient) => {
                self.update_in_memory(value, &gradient.to_contiguous(), moments, [rate, decay], updates)
            }
            Err(_) => self.update_on_device(value, gradient, moments, [rate, decay], updates),
        }
    }

    fn update_in_memory(
        self,
        value: Tensor<4>,
        gradient: &FlexTensor,
        moments: &mut Moments,
        [rate, decay]: [f64; 2],
        updates: u64,
    ) -> Tensor<4> {
        let start = || Tensor::zeros(value.dims(), &value.device());
        let mut old = std::mem::take(&mut moments.0).into_iter();
        let old: Vec<Tensor<4>> = (0..self.moments()).map(|_| old.next().unwrap_or_else(start)).collect();
        let memory = |tensor: Tensor<4>| {
            tensor.try_into_primitive::<Flex>().expect("it is where its gradient is").to_contiguous()
        };
        let mut old: Vec<FlexTensor> = old.into_iter().map(memory).collect();
        let mut value = memory(value);
        let gradients = gradient.as_slice::<f32>().expect("gradients are f32").par_chunks(PIECE);
        let values = value.storage_mut::<f32>().par_chunks_mut(PIECE).zip(gradients);
        let decay = decay as f32;
        match (self, &mut old[..]) {
            (Self::Sgd { momentum }, [velocity]) => {
                let (momentum, rate) = (momentum as f32, rate as f32);
                values.zip(velocity.storage_mut::<f32>().par_chunks_mut(PIECE)).for_each(|((w, g), v)| {
                    for ((w, g), v) in w.iter_mut().zip(g).zip(v) {
                        *v = momentum * *v + rate * (g + decay * *w);
                        *w -= *v;
                    }
                });
            }
            (Self::Adam { beta1, beta2, epsilon }, [mean, square]) => {
                let scale = (rate / (1.0 - beta1.powf(updates as f64))) as f32;
                let correction = (1.0 / (1.0 - beta2.powf(updates as f64))) as f32;
                let [beta1, beta2, epsilon] = [beta1, beta2, epsilon].map(|v| v as f32);
                let mean = mean.storage_mut::<f32>().par_chunks_mut(PIECE);
                let moments = mean.zip(square.storage_mut::<f32>().par_chunks_mut(PIECE));
                values.zip(moments).for_each(|((w, g), (a, b))| {
                    for ((w, g), (a, b)) in w.iter_mut().zip(g).zip(a.iter_mut().zip(b)) {
                        let g = g + decay * *w;
                        *a = beta1 * *a + (1.0 - beta1) * g;
                        *b = beta2 * *b + (1.0 - beta2) * g * g;
                        *w -= scale * *a / ((*b * correction).sqrt() + epsilon);
                    }
                });
            }
            _ => unreachable!("a rule has as many moments as it says"),
        }
        moments.0 = old.into_iter().map(Tensor::<4, Float>::from_primitive::<Flex>).collect();
        Tensor::<4, Float>::from_primitive::<Flex>(value)
    }

    fn update_on_device(
        self,
        value: Tensor<4>,
        gradient: Tensor<4>,
        moments: &mut Moments,
        [rate, decay]: [f64; 2],
        updates: u64,
    ) -> Tensor<4> {
        let gradient = if decay == 0.0 { gradient } else { gradient + value.clone().mul_scalar(decay) };
        let mut old = std::mem::take(&mut moments.0).into_iter();
        match self {
            Self::Sgd { momentum } => {
                let step = gradient.mul_scalar(rate);
                let velocity = match old.next() {
                    Some(velocity) if momentum != 0.0 => velocity.mul_scalar(momentum) + step,
                    _ => step,
                };
                moments.0 = vec![velocity.clone()];
                value - velocity
            }
            Self::Adam { beta1, beta2, epsilon } => {
                let mean = decayed(old.next(), beta1, gradient.clone());
                let square = decayed(old.next(), beta2, gradient.clone() * gradient);
                moments.0 = vec![mean.clone(), square.clone()];
                let t = updates as f64;
                let scale = rate / (1.0 - beta1.powf(t));
                let root = square.div_scalar(1.0 - beta2.powf(t)).sqrt().add_scalar(epsilon);
                value - (mean / root).mul_scalar(scale)
            }
        }
    }
}

fn decayed(old: Option<Tensor<4>>, beta: f64, new: Tensor<4>) -> Tensor<4> {
    let new = new.mul_scalar(1.0 - beta);
    match old {
        Some(old) => old.mul_scalar(beta) + new,
        None => new,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, TensorData};
    use proptest::prelude::*;

    /// The rules on one number, in double precision.
    fn reference(rule: Rule, w: &mut f64, moments: &mut [f64; 2], g: f64, rate: f64, decay: f64, t: i32) {
        let g = g + decay * *w;
        match rule {
            Rule::Sgd { momentum } => {
                moments[0] = momentum * moments[0] + rate * g;
                *w -= moments[0];
            }
            Rule::Adam { beta1, beta2, epsilon } => {
                moments[0] = beta1 * moments[0] + (1.0 - beta1) * g;
                moments[1] = beta2 * moments[1] + (1.0 - beta2) * g * g;
                let mean = moments[0] / (1.0 - beta1.powi(t));
                let square = moments[1] / (1.0 - beta2.powi(t));
                *w -= rate * mean / (square.sqrt() + epsilon);
            }
        }
    }

    fn tensor(values: &[f32]) -> Tensor<4> {
        Tensor::from_data(TensorData::new(values.to_vec(), [values.len(), 1, 1, 1]), &Device::flex())
    }

    fn check(rule: Rule, start: &[f32], gradients: &[Vec<f32>], rate: f64, decay: f64) {
        let mut expected: Vec<(f64, [f64; 2])> = start.iter().map(|&w| (f64::from(w), [0.0; 2])).collect();
        let mut value = tensor(start);
        let mut moments = Moments::default();
        let (mut device_value, mut device_moments) = (tensor(start), Moments::default());
        for (at, gradient) in gradients.iter().enumerate() {
            // A rate that changes tells `m v + rate g` from `rate (m v + g)`.
            let rate = rate / (at + 1) as f64;
            for ((w, state), &g) in expected.iter_mut().zip(gradient) {
                reference(rule, w, state, f64::from(g), rate, decay, at as i32 + 1);
            }
            value = rule.update(value, tensor(gradient), &mut moments, rate, decay, at as u64 + 1);
            device_value = rule.update_on_device(
                device_value,
                tensor(gradient),
                &mut device_moments,
                [rate, decay],
                at as u64 + 1,
            );
            for (found, moments) in [(&value, &moments), (&device_value, &device_moments)] {
                assert_eq!(moments.0.len(), rule.moments());
                let found = found.to_data().try_into_vec::<f32>().unwrap();
                for ((w, _), found) in expected.iter().zip(found) {
                    assert!((w - f64::from(found)).abs() < 2e-5 * (1.0 + w.abs()), "{w} {found}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn updates_equal_the_scalar_reference(
            start in prop::collection::vec(-2.0f32..2.0, 3),
            gradients in prop::collection::vec(prop::collection::vec(-3.0f32..3.0, 3), 1..6),
            decay in prop_oneof![Just(0.0), 0.0..0.1],
        ) {
            for rule in [
                Rule::Sgd { momentum: 0.0 },
                Rule::Sgd { momentum: 0.9 },
                Rule::Adam { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
            ] {
                check(rule, &start, &gradients, 0.1, decay);
            }
        }
    }

    #[test]
    fn a_learning_rate_of_zero_changes_nothing() {
        for rule in [Rule::Sgd { momentum: 0.9 }, Rule::Adam { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }] {
            let mut moments = Moments::default();
            let found = rule.update(tensor(&[1.5, -0.25]), tensor(&[3.0, 4.0]), &mut moments, 0.0, 0.01, 1);
            assert_eq!(found.to_data().try_into_vec::<f32>().unwrap(), [1.5, -0.25]);
        }
    }
}
