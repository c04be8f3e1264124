//! How a network is trained.

use crate::error::NetworkError;

/// The optimiser and its schedule. [`Solver::default`] is the only place where defaults stand.
#[derive(Debug, Clone, PartialEq)]
pub struct Solver {
    /// The update rule.
    pub kind: SolverKind,
    /// Base learning rate.
    pub lr: f64,
    /// L2 weight decay, added to the gradient (scaled by each parameter's `decay_mult`).
    pub weight_decay: f64,
    /// How the learning rate changes.
    pub policy: Policy,
    /// Inputs of a mini-batch.
    pub batch: usize,
    /// Iterations of the whole training.
    pub iterations: u64,
    /// Iterations between two validations.
    pub validate_every: u64,
    /// Seed of initial values, order and sampling; `None`: the trainer's own default.
    pub seed: Option<u64>,
}

impl Default for Solver {
    fn default() -> Self {
        Solver {
            kind: SolverKind::default(),
            lr: 0.01,
            weight_decay: 0.0005,
            policy: Policy::Fixed,
            batch: 64,
            iterations: 2000,
            validate_every: 500,
            seed: None,
        }
    }
}

/// The update rule.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SolverKind {
    /// Stochastic gradient descent as Caffe does it: `v = momentum * v + lr * gradient`, `w = w - v`.
    Sgd {
        /// Share of the last update that is kept.
        momentum: f64,
    },
    /// Adam (Kingma and Ba 2015) with bias correction.
    Adam {
        /// Decay of the first moment.
        beta1: f64,
        /// Decay of the second moment.
        beta2: f64,
        /// Added to the root of the second moment.
        eps: f64,
    },
}

impl Default for SolverKind {
    fn default() -> Self {
        SolverKind::Sgd { momentum: 0.9 }
    }
}

impl SolverKind {
    /// Adam with the values of its paper.
    pub const ADAM: SolverKind = SolverKind::Adam { beta1: 0.9, beta2: 0.999, eps: 1e-8 };
}

/// How the learning rate changes: Caffe's policies, with t the iteration counted from 0.
#[derive(Debug, Clone, PartialEq)]
pub enum Policy {
    /// `lr`.
    Fixed,
    /// `lr * gamma^floor(t / step)`.
    Step {
        /// Factor.
        gamma: f64,
        /// Iterations between two changes.
        step: u64,
    },
    /// `lr * gamma^(number of steps that are <= t)`.
    MultiStep {
        /// Factor.
        gamma: f64,
        /// The iterations from which it applies once more; ascending.
        steps: Vec<u64>,
    },
    /// `lr * gamma^t`.
    Exp {
        /// Factor.
        gamma: f64,
    },
    /// `lr * (1 + gamma * t)^(-power)`.
    Inv {
        /// How fast it falls.
        gamma: f64,
        /// Exponent.
        power: f64,
    },
    /// `lr * (1 - t / iterations)^power`.
    Poly {
        /// Exponent.
        power: f64,
    },
    /// `lr / (1 + exp(-gamma * (t - step)))`.
    Sigmoid {
        /// Slope; negative for a falling rate.
        gamma: f64,
        /// Iteration of the middle.
        step: u64,
    },
}

impl Policy {
    /// The name that the TOML format and Caffe give it.
    pub fn name(&self) -> &'static str {
        match self {
            Policy::Fixed => "fixed",
            Policy::Step { .. } => "step",
            Policy::MultiStep { .. } => "multistep",
            Policy::Exp { .. } => "exp",
            Policy::Inv { .. } => "inv",
            Policy::Poly { .. } => "poly",
            Policy::Sigmoid { .. } => "sigmoid",
        }
    }
}

impl Solver {
    /// The learning rate of the update that follows `iteration` completed ones (Caffe's `GetLearningRate`).
    pub fn lr_at(&self, iteration: u64) -> f64 {
        let t = iteration as f64;
        self.lr
            * match &self.policy {
                Policy::Fixed => 1.0,
                Policy::Step { gamma, step } => gamma.powf((iteration / (*step).max(1)) as f64),
                Policy::MultiStep { gamma, steps } => {
                    gamma.powf(steps.iter().filter(|&&step| step <= iteration).count() as f64)
                }
                Policy::Exp { gamma } => gamma.powf(t),
                Policy::Inv { gamma, power } => (1.0 + gamma * t).powf(-power),
                Policy::Poly { power } => (1.0 - t / self.iterations.max(1) as f64).max(0.0).powf(*power),
                Policy::Sigmoid { gamma, step } => 1.0 / (1.0 + (-gamma * (t - *step as f64)).exp()),
            }
    }

    /// Refuses values that no training can use; names the field.
    ///
    /// # Errors
    /// For the first field whose value is out of range.
    pub fn check(&self) -> Result<(), NetworkError> {
        let real = |field: &str, value: f64, expected: &str, fits: bool| {
            if value.is_finite() && fits {
                Ok(())
            } else {
                Err(NetworkError::value(expected, value).in_field(field))
            }
        };
        let share = |field: &str, value: f64| {
            real(field, value, "a number from 0 to below 1", (0.0..1.0).contains(&value))
        };
        let at_least_one = |field: &str, value: u64| {
            if value >= 1 {
                Ok(())
            } else {
                Err(NetworkError::value("a whole number of at least 1", value).in_field(field))
            }
        };
        real("lr", self.lr, "a number above 0", self.lr > 0.0)?;
        real("weight_decay", self.weight_decay, "a number of at least 0", self.weight_decay >= 0.0)?;
        at_least_one("batch", self.batch as u64)?;
        at_least_one("iterations", self.iterations)?;
        at_least_one("validate_every", self.validate_every)?;
        match self.kind {
            SolverKind::Sgd { momentum } => share("momentum", momentum)?,
            SolverKind::Adam { beta1, beta2, eps } => {
                share("beta1", beta1)?;
                share("beta2", beta2)?;
                real("eps", eps, "a number above 0", eps > 0.0)?;
            }
        }
        match &self.policy {
            Policy::Fixed => Ok(()),
            Policy::Step { gamma, step } => {
                real("gamma", *gamma, "a number above 0", *gamma > 0.0)?;
                at_least_one("step", *step)
            }
            Policy::MultiStep { gamma, steps } => {
                real("gamma", *gamma, "a number above 0", *gamma > 0.0)?;
                if steps.is_empty() || steps.windows(2).any(|pair| pair[0] >= pair[1]) {
                    let error = NetworkError::value("ascending iterations", format!("{steps:?}"));
                    return Err(error.in_field("steps"));
                }
                Ok(())
            }
            Policy::Exp { gamma } => real("gamma", *gamma, "a number above 0", *gamma > 0.0),
            Policy::Inv { gamma, power } => {
                real("gamma", *gamma, "a number of at least 0", *gamma >= 0.0)?;
                real("power", *power, "a number", true)
            }
            Policy::Poly { power } => real("power", *power, "a number of at least 0", *power >= 0.0),
            Policy::Sigmoid { gamma, .. } => real("gamma", *gamma, "a number", true),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn solver(policy: Policy) -> Solver {
        Solver { policy, iterations: 10_000, ..Solver::default() }
    }

    /// The rates that Caffe logs for its LeNet (base 0.01, inv, gamma 0.0001, power 0.75).
    #[test]
    fn inv_follows_caffe_s_log() {
        let lenet = solver(Policy::Inv { gamma: 0.0001, power: 0.75 });
        for (iteration, logged) in [
            (100, 0.00992565),
            (200, 0.00985258),
            (500, 0.00964069),
            (9600, 0.00603682),
            (10_000, 0.00594604),
        ] {
            assert!(
                (lenet.lr_at(iteration) - logged).abs() < 5e-9,
                "{iteration}: {}",
                lenet.lr_at(iteration)
            );
        }
    }

    #[test]
    fn steps_change_at_their_iteration() {
        let step = solver(Policy::Step { gamma: 0.1, step: 100 });
        assert_eq!(
            [99, 100, 199, 200].map(|t| step.lr_at(t)),
            [0.01, 0.001, 0.001, 0.01 * 0.1_f64.powf(2.0)]
        );
        let multistep = solver(Policy::MultiStep { gamma: 0.9, steps: vec![50, 70] });
        assert_eq!([49, 50, 70].map(|t| multistep.lr_at(t)), [0.01, 0.01 * 0.9, 0.01 * 0.9_f64.powf(2.0)]);
        let sigmoid = solver(Policy::Sigmoid { gamma: -0.01, step: 500 });
        assert_eq!(sigmoid.lr_at(500), 0.005);
        let poly = solver(Policy::Poly { power: 0.5 });
        assert_eq!([0, 7500, 10_000, 20_000].map(|t| poly.lr_at(t)), [0.01, 0.005, 0.0, 0.0]);
    }

    proptest! {
        /// A step policy is the multistep policy with evenly spaced steps, and exp is a step policy of step 1.
        #[test]
        fn policies_agree_where_they_meet(gamma in 0.5..1.0_f64, step in 1_u64..50, t in 0_u64..500) {
            let steps: Vec<u64> = (1..=500 / step).map(|k| k * step).collect();
            let a = solver(Policy::Step { gamma, step }).lr_at(t);
            prop_assert_eq!(a, solver(Policy::MultiStep { gamma, steps }).lr_at(t));
            let exp = solver(Policy::Exp { gamma }).lr_at(t);
            prop_assert_eq!(exp, solver(Policy::Step { gamma, step: 1 }).lr_at(t));
        }
    }
}
