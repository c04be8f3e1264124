//! T5: layers after which the labels are no better separable, and networks that could use one more.

use super::{MIN_INPUTS, named, wording};
use crate::{Finding, FindingKind, Separability, Severity};

/// A layer contributes where it gains at least this much separability: one point.
const GAIN: f64 = 0.01;
/// A gain that is uncertain by more than this (95 %) supports no statement.
const MAX_ERROR: f64 = 0.03;
/// Below this accuracy another layer may help.
const POOR_ACCURACY: f64 = 0.9;
/// Two-sided 95 % quantile of the standard normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// How well the labels can be told apart after one layer.
#[derive(Debug, Clone, Copy)]
pub struct LayerSeparability<'a> {
    /// The layer's name.
    pub layer: &'a str,
    /// Whether it is the classifier's output; such a layer is needed whatever it gains.
    pub output: bool,
    /// Whether the layer is stable (T1); a layer that still learns is not judged.
    pub stable: bool,
    /// The measurement; all of one probe.
    pub separability: &'a Separability,
}

/// The numbers on which findings about depth rest.
#[derive(Debug, Clone, Copy)]
pub struct DepthEvidence<'a> {
    /// The probed layers, in the network's order.
    pub layers: &'a [LayerSeparability<'a>],
    /// The network's validation accuracy in [0, 1]; `None` where it was not measured.
    pub accuracy: Option<f64>,
}

/// One step from a layer to a later one.
struct Gain {
    neighbours: f64,
    ridge: f64,
    /// Half-width of the 95 % interval of the less certain of the two.
    error: f64,
}

impl Gain {
    fn between(earlier: &Separability, later: &Separability) -> Self {
        let neighbours = [earlier.neighbour_purity, later.neighbour_purity];
        let ridge = [earlier.ridge_accuracy, later.ridge_accuracy];
        let held_out = earlier.held_out.min(later.held_out);
        Self {
            neighbours: neighbours[1] - neighbours[0],
            ridge: ridge[1] - ridge[0],
            error: difference_error(neighbours, held_out).max(difference_error(ridge, held_out)),
        }
    }

    /// Whether nothing worth a layer is gained, as far as the held-out inputs can tell.
    fn is_negligible(&self) -> bool {
        self.neighbours < GAIN && self.ridge < GAIN && self.error <= MAX_ERROR
    }

    /// Whether both measures rise beyond sampling error.
    fn is_rise(&self) -> bool {
        let least = self.neighbours.min(self.ridge);
        least >= GAIN && least > self.error
    }
}

/// Half-width of the 95 % interval of the difference of two shares measured on `n` inputs each. Shares are shrunk as by
/// Agresti and Coull, so that 0 and 1 have an error too; that both are measured on the same inputs only narrows it.
fn difference_error(shares: [f64; 2], n: usize) -> f64 {
    let n = n as f64;
    let variance = shares.map(|share| {
        let shrunk = (share * n + 2.0) / (n + 4.0);
        shrunk * (1.0 - shrunk) / (n + 4.0)
    });
    Z * (variance[0] + variance[1]).sqrt()
}

/// What the separability of the hidden layers supports about the network's depth.
pub fn depth_findings(evidence: &DepthEvidence) -> Vec<Finding> {
    let hidden: Vec<&LayerSeparability> = evidence.layers.iter().filter(|layer| !layer.output).collect();
    let judged = hidden.iter().all(|layer| layer.stable && layer.separability.held_out as u64 >= MIN_INPUTS);
    if hidden.len() < 2 || !judged {
        return Vec::new();
    }
    let mut findings = unnecessary(&hidden);
    findings.extend(missing(&hidden, evidence.accuracy));
    findings
}

/// The hidden layers after the first one that no later hidden layer improves on.
fn unnecessary(hidden: &[&LayerSeparability]) -> Vec<Finding> {
    let gain = |from: usize, to: usize| Gain::between(hidden[from].separability, hidden[to].separability);
    let enough =
        (0..hidden.len() - 1).find(|&from| (from + 1..hidden.len()).all(|to| gain(from, to).is_negligible()));
    let Some(from) = enough else { return Vec::new() };
    (from + 1..hidden.len())
        .map(|to| {
            let gain = gain(from, to);
            let separability = hidden[to].separability;
            Finding {
                kind: FindingKind::UnnecessaryLayer,
                layer: Some(hidden[to].layer.to_owned()),
                filters: None,
                instances: None,
                severity: Severity::Medium,
                evidence: named([
                    ("neighbour_purity", separability.neighbour_purity),
                    ("neighbour_gain", gain.neighbours),
                    ("ridge_accuracy", separability.ridge_accuracy),
                    ("ridge_gain", gain.ridge),
                    ("sampling_error", gain.error),
                    ("inputs", separability.held_out as f64),
                    ("threshold", GAIN),
                ]),
                text: format!(
                    "The labels of {} held-out inputs are no better separable after this layer than after {}: \
                     {:+.1} points by nearest neighbours, {:+.1} by a linear classifier (within {:.1}).",
                    wording::thousands(separability.held_out as u64),
                    hidden[from].layer,
                    100.0 * gain.neighbours,
                    100.0 * gain.ridge,
                    100.0 * gain.error,
                ),
                suggestion: Some("Remove this layer and train the output on the one before.".to_owned()),
            }
        })
        .collect()
}

/// Whether another layer may help: separability still rises at the last hidden layer, and the accuracy is poor.
fn missing(hidden: &[&LayerSeparability], accuracy: Option<f64>) -> Option<Finding> {
    let [.., before, last] = hidden else { return None };
    let gain = Gain::between(before.separability, last.separability);
    let accuracy = accuracy.unwrap_or(last.separability.ridge_accuracy);
    if !gain.is_rise() || accuracy >= POOR_ACCURACY {
        return None;
    }
    Some(Finding {
        kind: FindingKind::MissingLayer,
        layer: Some(last.layer.to_owned()),
        filters: None,
        instances: None,
        severity: Severity::Low,
        evidence: named([
            ("accuracy", accuracy),
            ("neighbour_gain", gain.neighbours),
            ("ridge_gain", gain.ridge),
            ("sampling_error", gain.error),
            ("inputs", last.separability.held_out as f64),
            ("threshold", POOR_ACCURACY),
        ]),
        text: format!(
            "The labels still become better separable in the last hidden layer ({:+.1} points by nearest neighbours, \
             {:+.1} by a linear classifier on {} held-out inputs), and the accuracy is {}.",
            100.0 * gain.neighbours,
            100.0 * gain.ridge,
            wording::thousands(last.separability.held_out as u64),
            wording::percent(accuracy),
        ),
        suggestion: Some("Another layer after this one may help.".to_owned()),
    })
}
