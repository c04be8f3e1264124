//! How well labels can be told apart from a layer's output (T5): nearest neighbours and a linear probe, both fitted on
//! some inputs and judged on others.

use crate::ridge::{self, Labelled};
use crate::{Probe, Separability};
use deepeyes_embed::neighbours;
use std::collections::BTreeMap;

/// Neighbours that vote.
const NEIGHBOURS: usize = 10;
/// More fitting inputs are thinned evenly where a layer has more features than this, to bound the ridge system.
const MAX_SYSTEM: usize = 1024;

/// Separability after each layer of a probe, in the probe's order.
///
/// `None` for all where the probe does not hold labelled inputs of both kinds (fitting and held out) with two labels or
/// more among the fitting ones; `None` for a layer whose features are not finite or do not fill `[inputs, width]`.
pub fn separability(probe: &Probe) -> Vec<Option<Separability>> {
    let split = Split::new(probe);
    probe.features.iter().map(|features| split.as_ref()?.measure(features)).collect()
}

/// Which inputs fit and which are held out.
struct Split {
    step: u64,
    inputs: usize,
    fitting: Vec<usize>,
    fitting_labels: Vec<usize>,
    held_out: Vec<usize>,
    held_out_labels: Vec<usize>,
    classes: usize,
}

impl Split {
    fn new(probe: &Probe) -> Option<Self> {
        let inputs = probe.labels.len();
        if probe.held_out.len() != inputs {
            return None;
        }
        let mut classes = BTreeMap::new();
        for &label in probe.labels.iter().filter(|&&label| label >= 0) {
            let next = classes.len();
            classes.entry(label).or_insert(next);
        }
        let side = |held_out: bool| -> (Vec<usize>, Vec<usize>) {
            (0..inputs)
                .filter(|&input| probe.held_out[input] == held_out)
                .filter_map(|input| Some((input, *classes.get(&probe.labels[input])?)))
                .unzip()
        };
        let (fitting, fitting_labels) = side(false);
        let (held_out, held_out_labels) = side(true);
        let several = fitting_labels.iter().any(|label| Some(label) != fitting_labels.first());
        (several && !held_out.is_empty()).then_some(Self {
            step: probe.step,
            inputs,
            fitting,
            fitting_labels,
            held_out,
            held_out_labels,
            classes: classes.len(),
        })
    }

    fn measure(&self, features: &[f32]) -> Option<Separability> {
        let width = features.len() / self.inputs;
        if width == 0 || features.len() != width * self.inputs {
            return None;
        }
        let rows = |inputs: &[usize]| -> Vec<f32> {
            inputs.iter().flat_map(|&input| &features[input * width..][..width]).copied().collect()
        };
        let (fitting, held_out) = (rows(&self.fitting), rows(&self.held_out));
        if !fitting.iter().chain(&held_out).all(|value| value.is_finite()) {
            return None;
        }
        Some(Separability {
            step: self.step,
            neighbour_purity: self.neighbour_purity(&fitting, &held_out, width)?,
            ridge_accuracy: self.ridge_accuracy(&fitting, &held_out, width),
            held_out: self.held_out.len(),
        })
    }

    /// Share of held-out inputs whose nearest fitting inputs mostly have their label. Among labels with equally many
    /// votes the one of the nearest wins.
    fn neighbour_purity(&self, fitting: &[f32], held_out: &[f32], width: usize) -> Option<f64> {
        let k = NEIGHBOURS.min(self.fitting.len());
        let found = neighbours::nearest(fitting, held_out, width, k).ok()?;
        let right = self.held_out_labels.iter().enumerate().filter(|&(query, &label)| {
            let mut votes = vec![0_usize; self.classes];
            let labels = || found.of(query).iter().map(|&point| self.fitting_labels[point as usize]);
            labels().for_each(|label| votes[label] += 1);
            let most = votes.iter().copied().max();
            labels().find(|&label| Some(votes[label]) == most) == Some(label)
        });
        Some(right.count() as f64 / self.held_out.len() as f64)
    }

    fn ridge_accuracy(&self, fitting: &[f32], held_out: &[f32], width: usize) -> f64 {
        let (fitting, labels) = self.thinned(fitting, width);
        let scale = Scale::new(&fitting, width);
        let kept = scale.columns.len();
        if kept == 0 {
            return self.share_of_most_frequent(&labels);
        }
        let (fitting, held_out) = (scale.apply(&fitting, width), scale.apply(held_out, width));
        let classes = self.classes;
        ridge::accuracy(
            Labelled { features: &fitting, width: kept, labels: &labels, classes },
            Labelled { features: &held_out, width: kept, labels: &self.held_out_labels, classes },
        )
    }

    /// The fitting rows, evenly thinned where the smaller of the two ridge systems would still be too large.
    fn thinned(&self, fitting: &[f32], width: usize) -> (Vec<f32>, Vec<usize>) {
        let n = self.fitting_labels.len();
        if n.min(width) <= MAX_SYSTEM {
            return (fitting.to_vec(), self.fitting_labels.clone());
        }
        let rows = (0..MAX_SYSTEM).map(|place| place * n / MAX_SYSTEM);
        let features = rows.clone().flat_map(|row| &fitting[row * width..][..width]).copied().collect();
        (features, rows.map(|row| self.fitting_labels[row]).collect())
    }

    /// What the best constant answer gets right; all that features without any variation allow.
    fn share_of_most_frequent(&self, fitting: &[usize]) -> f64 {
        let mut counts = vec![0_usize; self.classes];
        fitting.iter().for_each(|&label| counts[label] += 1);
        let answer = (0..self.classes).rev().max_by_key(|&class| counts[class]);
        let right = self.held_out_labels.iter().filter(|&&label| Some(label) == answer).count();
        right as f64 / self.held_out_labels.len() as f64
    }
}

/// Mean and deviation of the columns that vary.
struct Scale {
    /// Column, mean, deviation.
    columns: Vec<(usize, f64, f64)>,
}

impl Scale {
    fn new(rows: &[f32], width: usize) -> Self {
        let n = (rows.len() / width) as f64;
        let column = |column: usize| rows[column..].iter().step_by(width).map(|&value| f64::from(value));
        let moments = |place: usize| {
            let mean = column(place).sum::<f64>() / n;
            let variance = column(place).map(|value| (value - mean).powi(2)).sum::<f64>() / n;
            (place, mean, variance.sqrt())
        };
        let columns = (0..width).map(moments).filter(|&(_, mean, deviation)| deviation > 1e-10 * mean.abs());
        Self { columns: columns.collect() }
    }

    fn apply(&self, rows: &[f32], width: usize) -> Vec<f32> {
        let standardised = |row: &[f32], (column, mean, deviation): (usize, f64, f64)| {
            // A held-out value far outside of what was fitted says no more than one far enough.
            ((f64::from(row[column]) - mean) / deviation).clamp(-1e6, 1e6) as f32
        };
        rows.chunks(width)
            .flat_map(|row| self.columns.iter().map(move |&column| standardised(row, column)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::noise;

    /// 600 inputs of four labels: a layer that separates them, one of noise, a constant one, and one that is not finite.
    fn probe() -> Probe {
        let labels: Vec<i32> = (0..600).map(|input| if input % 50 == 49 { -1 } else { input % 4 }).collect();
        let width = 12;
        let layer = |signal: f32| -> Vec<f32> {
            (0..600 * width)
                .map(|place| {
                    let shown = (place / width % 4) == place % width;
                    noise(place) + if shown { signal } else { 0.0 }
                })
                .collect()
        };
        let mut broken = layer(1.0);
        broken[77] = f32::NAN;
        Probe {
            step: 40,
            labels: labels.into(),
            held_out: (0..600).map(|input| input % 3 == 0).collect(),
            features: vec![layer(4.0), layer(0.0), vec![1.0; 600 * 3], broken, vec![0.0; 601]],
        }
    }

    #[test]
    fn separable_labels_are_told_apart_and_noise_is_not() {
        let measured = separability(&probe());
        let [Some(clear), Some(noise), Some(constant), None, None] = measured.as_slice() else {
            panic!("{measured:?}")
        };
        assert_eq!((clear.neighbour_purity, clear.ridge_accuracy), (1.0, 1.0));
        assert_eq!(clear.held_out, 196, "unlabelled inputs are left out");
        for share in
            [noise.neighbour_purity, noise.ridge_accuracy, constant.neighbour_purity, constant.ridge_accuracy]
        {
            assert!((0.1..0.45).contains(&share), "{share}");
        }
    }

    #[test]
    fn a_probe_without_both_kinds_of_inputs_measures_nothing() {
        let none_held_out = Probe { held_out: vec![false; 600].into(), ..probe() };
        assert_eq!(separability(&none_held_out), vec![None; 5]);
        let one_label = Probe { labels: vec![1; 600].into(), ..probe() };
        assert_eq!(separability(&one_label), vec![None; 5]);
        let ragged = Probe { held_out: vec![true; 3].into(), ..probe() };
        assert_eq!(separability(&ragged), vec![None; 5]);
    }

    #[test]
    fn many_features_are_fitted_on_a_thinned_set() {
        let (inputs, width) = (2400, 1100);
        let labels: Vec<i32> = (0..inputs).map(|input| (noise(input * 13) > 0.5).into()).collect();
        let features = (0..inputs * width)
            .map(|place| noise(place) + if place % width < 4 { labels[place / width] as f32 } else { 0.0 });
        let features = vec![features.collect()];
        let held_out = (0..inputs).map(|input| input >= 2200).collect();
        let measured = separability(&Probe { step: 1, labels: labels.clone().into(), held_out, features });
        assert!(measured[0].as_ref().unwrap().ridge_accuracy > 0.8, "{measured:?}");
    }
}
