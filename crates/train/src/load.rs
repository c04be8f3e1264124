//! Starting from weights that were trained elsewhere.

use crate::model::padded;
use crate::weights::{Tensor as Array, Weights};
use crate::{Session, TrainError};
use burn::tensor::{Tensor, TensorData};
use std::collections::BTreeSet;

/// What became of loaded weights.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LoadReport {
    /// Parameters and buffers of the network that were set, by name.
    pub loaded: Vec<String>,
    /// Arrays of the file that were not used, each with the reason.
    pub skipped: Vec<(String, String)>,
    /// Parameters and buffers of the network that the file has nothing for; they stay as they are.
    pub missing: Vec<String>,
}

impl Session {
    /// Sets parameters and buffers to those of the same name: `conv1.weight`, `conv1.bias`, `bn1.running_mean`. A name
    /// with something in front (`module.conv1.weight`) counts where it is the only one with that end. Shapes must agree
    /// but for axes of 1 and, for dense layers, the layout of their inputs; an array of another shape is skipped, so
    /// that a classifier for other classes starts anew. The optimizer starts anew as well.
    ///
    /// # Errors
    /// [`TrainError::NoWeights`] where nothing fits; nothing has changed then.
    pub fn load_weights(&mut self, weights: &Weights) -> Result<LoadReport, TrainError> {
        let mut report = LoadReport::default();
        let mut used = BTreeSet::new();
        let mut take = |name: &str, shape: &[usize], report: &mut LoadReport| -> Option<TensorData> {
            let Some((found, array)) = find(weights, name) else {
                report.missing.push(name.to_owned());
                return None;
            };
            used.insert(found);
            if !fits(shape, &array.shape) {
                let reason =
                    format!("its shape is {:?}, and that of the network's {name} is {shape:?}", array.shape);
                report.skipped.push((found.to_owned(), reason));
                report.missing.push(name.to_owned());
                return None;
            }
            report.loaded.push(name.to_owned());
            Some(TensorData::new(array.values.clone(), shape))
        };
        let mut values = self.values.clone();
        for (slot, value) in self.model.parameters.iter().zip(&mut values.parameters) {
            if let Some(data) = take(&slot.name, &slot.shape, &mut report) {
                let (bytes, _, dtype) = data.into_parts();
                *value = Tensor::from_data(
                    TensorData::from_bytes(bytes, padded(&slot.shape), dtype),
                    &self.device,
                );
            }
        }
        for (slot, value) in self.model.buffers.iter().zip(&mut values.buffers) {
            if let Some(data) = take(&slot.name, &[slot.channels], &mut report) {
                *value = Tensor::from_data(data, &self.device);
            }
        }
        if report.loaded.is_empty() {
            return Err(self.nothing_fits(weights));
        }
        let unused = weights.tensors.keys().filter(|name| !used.contains(name.as_str()));
        report
            .skipped
            .extend(unused.map(|name| (name.clone(), "the network has nothing of that name".to_owned())));
        self.values = values;
        self.moments.iter_mut().for_each(|moments| moments.0.clear());
        Ok(report)
    }

    fn nothing_fits(&self, weights: &Weights) -> TrainError {
        let shown = |name: &str, shape: &[usize]| format!("{name} {shape:?}");
        let parameters = self.model.parameters.iter().map(|slot| shown(&slot.name, &slot.shape));
        TrainError::NoWeights {
            found: weights.tensors.iter().map(|(name, array)| shown(name, &array.shape)).collect(),
            expected: parameters.collect(),
        }
    }
}

fn find<'a>(weights: &'a Weights, name: &str) -> Option<(&'a str, &'a Array)> {
    if let Some((found, array)) = weights.tensors.get_key_value(name) {
        return Some((found, array));
    }
    let ends = |found: &str| found.strip_suffix(name).is_some_and(|front| front.ends_with('.'));
    let mut ending = weights.tensors.iter().filter(|(found, _)| ends(found));
    let (found, array) = ending.next()?;
    ending.next().is_none().then_some((found, array))
}

fn fits(wanted: &[usize], found: &[usize]) -> bool {
    let plain = |shape: &[usize]| shape.iter().copied().filter(|&side| side != 1).collect::<Vec<_>>();
    let values = |shape: &[usize]| shape.iter().product::<usize>();
    let same_rows = wanted.len() == 2 && found.first() == wanted.first() && values(found) == values(wanted);
    plain(wanted) == plain(found) || same_rows
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn shapes_agree_but_for_axes_of_one_and_the_layout_of_dense_inputs() {
        assert!(fits(&[500, 800], &[1, 1, 500, 800]));
        assert!(fits(&[20], &[1, 1, 1, 20]));
        assert!(fits(&[500, 800], &[500, 50, 4, 4]));
        assert!(fits(&[8, 1, 3, 3], &[8, 1, 3, 3]));
        assert!(!fits(&[10, 500], &[500, 10]));
        assert!(!fits(&[8, 2, 3, 3], &[8, 18]));
    }
}
