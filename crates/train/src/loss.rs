//! The training's loss: softmax cross-entropy, computed on the host from the logits.
//!
//! It is a few thousand numbers an iteration, needed here anyway (loss, predictions, accuracy), and in double precision
//! its value does not depend on how a mini-batch was cut into shards.

use deepeyes_core::UNLABELLED;

/// Loss and answers for some inputs.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Scored {
    /// Sum of the labelled inputs' losses.
    pub(crate) loss: f64,
    /// Labelled inputs.
    pub(crate) labelled: usize,
    /// Labelled inputs whose answer is right.
    pub(crate) right: usize,
    /// The answer for each input.
    pub(crate) predictions: Vec<i32>,
}

/// Scores `logits` `[n, classes]` against `labels` `[n]`.
///
/// The loss of an input is `log(sum_j exp(z_j)) - z_label`; an input without a label is answered, and counts in nothing
/// else. A row that holds NaN is answered with class 0.
pub(crate) fn score(logits: &[f32], labels: &[i32]) -> Scored {
    let mut scored =
        Scored { loss: 0.0, labelled: 0, right: 0, predictions: Vec::with_capacity(labels.len()) };
    for (row, &label) in rows(logits, labels.len()).zip(labels) {
        let answer = largest(row);
        scored.predictions.push(answer as i32);
        if label != UNLABELLED {
            scored.loss += log_sum_exp(row) - f64::from(row[label as usize]);
            scored.labelled += 1;
            scored.right += usize::from(answer as i32 == label);
        }
    }
    scored
}

/// The gradient `[n, classes]` of the mean loss of `labelled` inputs in the logits of some of them:
/// `(softmax(z) - onehot(label)) / labelled`, zero for an input without a label.
pub(crate) fn gradient(logits: &[f32], labels: &[i32], labelled: usize) -> Vec<f32> {
    let share = 1.0 / labelled.max(1) as f64;
    let mut gradient = Vec::with_capacity(logits.len());
    for (row, &label) in rows(logits, labels.len()).zip(labels) {
        if label == UNLABELLED {
            gradient.extend(std::iter::repeat_n(0.0, row.len()));
            continue;
        }
        let whole = log_sum_exp(row);
        gradient.extend(row.iter().enumerate().map(|(class, &z)| {
            let onehot = f64::from(u8::from(class == label as usize));
            (((f64::from(z) - whole).exp() - onehot) * share) as f32
        }));
    }
    gradient
}

fn rows(logits: &[f32], inputs: usize) -> std::slice::ChunksExact<'_, f32> {
    logits.chunks_exact((logits.len() / inputs.max(1)).max(1))
}

fn largest(row: &[f32]) -> usize {
    let mut best = 0;
    for (class, &z) in row.iter().enumerate() {
        if z > row[best] {
            best = class;
        }
    }
    best
}

// NaN anywhere makes it NaN, so that a diverged training shows in its loss.
fn log_sum_exp(row: &[f32]) -> f64 {
    let top = f64::from(row[largest(row)]);
    top + row.iter().map(|&z| (f64::from(z) - top).exp()).sum::<f64>().ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_logits_lose_the_logarithm_of_the_classes() {
        let scored = score(&[0.5; 8], &[2, UNLABELLED]);
        assert!((scored.loss - 4f64.ln()).abs() < 1e-12);
        assert_eq!((scored.labelled, scored.right), (1, 0));
    }

    #[test]
    fn large_logits_stay_finite_and_nan_shows() {
        assert_eq!(score(&[1e4, 0.0], &[0]).loss, 0.0);
        assert_eq!(score(&[1e4, 0.0], &[1]).loss, 1e4);
        assert!(score(&[1.0, f32::NAN], &[0]).loss.is_nan());
        assert!(!score(&[f32::INFINITY, 0.0], &[0]).loss.is_finite());
    }

    #[test]
    fn the_gradient_is_the_slope_of_the_mean_loss() {
        let logits = [0.3f32, -1.2, 2.0, 0.1, 0.0, -0.4, 1.0, 2.0, 3.0];
        let labels = [2, 0, UNLABELLED];
        let analytic = gradient(&logits, &labels, 2);
        for at in 0..logits.len() {
            let loss = |shift: f32| {
                let mut moved = logits;
                moved[at] += shift;
                score(&moved, &labels).loss / 2.0
            };
            let slope = (loss(1e-3) - loss(-1e-3)) / 2e-3;
            assert!((slope - f64::from(analytic[at])).abs() < 1e-4, "{at}: {slope} {}", analytic[at]);
        }
    }
}
