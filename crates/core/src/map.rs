//! What a map of a layer says: where its inputs and its filters lie in the plane, and what each mark stands for.

use crate::{InputId, InputSplit};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How the places of a map were found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MapMethod {
    /// The first two principal components: the first picture.
    Pca,
    /// Metric multidimensional scaling.
    Mds,
    /// t-SNE of all points.
    Tsne,
    /// t-SNE of the landmarks of a hierarchy.
    Hsne,
}

impl MapMethod {
    /// The word that people and JSON read.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pca => "pca",
            Self::Mds => "mds",
            Self::Tsne => "tsne",
            Self::Hsne => "hsne",
        }
    }
}

/// The points of an input map: instances of the probe with the same neuronal receptive field are one point. All vectors
/// have one entry a point.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MapPoints {
    /// Identity of the input of the point's first instance.
    pub inputs: Vec<InputId>,
    /// The part of the data that this input is of.
    pub splits: Vec<InputSplit>,
    /// Position in the layer's grid (`row * width + column`) of the point's first instance.
    pub positions: Vec<u32>,
    /// Label of the point's instances; [`UNLABELLED`](crate::UNLABELLED) without one, or where theirs differ.
    pub labels: Vec<i32>,
    /// The network's answer for the point's instances; -1 where it is unknown, or where theirs differ.
    pub predictions: Vec<i32>,
    /// Instances that the point stands for.
    pub counts: Vec<u32>,
    /// Largest rectified activation.
    pub max_activations: Vec<f32>,
    /// F.
    pub filters: usize,
    /// Rectified activations `[n, F]`, row-major, in 255ths of the filter's scale.
    pub activations: Vec<u8>,
    /// For each filter its largest activation among the points, `[F]`.
    pub scales: Vec<f32>,
    /// The 99.9 % quantile of the largest activations: what a point's is compared with.
    pub level: f32,
}

impl MapPoints {
    /// Number of points.
    pub fn len(&self) -> usize {
        self.inputs.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.inputs.is_empty()
    }

    /// The rectified activation of `filter` at `point`, within 1/510 of the filter's scale.
    pub fn activation(&self, point: usize, filter: usize) -> f32 {
        f32::from(self.activations[point * self.filters + filter]) / 255.0 * self.scales[filter]
    }
}

/// What the points of an input map are placed by: their neuronal receptive fields, reduced to principal components where
/// they are wide. A selection of the points is mapped anew by them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MapFields {
    /// `[n, components]`, row-major, in steps above the lowest value.
    pub values: Vec<u8>,
    /// Values of a point.
    pub components: usize,
    /// The lowest value.
    pub low: f32,
    /// What one step is.
    pub step: f32,
}

impl MapFields {
    /// Of finite values, `[n, components]`, in 255 steps.
    pub fn new(values: &[f32], components: usize) -> Self {
        let bounds = |[low, high]: [f32; 2], &value: &f32| [low.min(value), high.max(value)];
        let [low, high] = values.iter().fold([f32::INFINITY, f32::NEG_INFINITY], bounds);
        if low >= high || values.is_empty() {
            let low = values.first().copied().unwrap_or(0.0);
            return Self { values: vec![0; values.len()], components, low, step: 0.0 };
        }
        let step = (high - low) / 255.0;
        let values = values.iter().map(|value| ((value - low) / step).round() as u8).collect();
        Self { values, components, low, step }
    }

    /// The values of some points, `[rows, components]`, within half a step.
    ///
    /// # Panics
    /// Where there is no such point.
    pub fn of(&self, rows: &[u32]) -> Vec<f32> {
        let row = |&row: &u32| &self.values[row as usize * self.components..][..self.components];
        rows.iter().flat_map(row).map(|&steps| self.low + f32::from(steps) * self.step).collect()
    }
}

/// All points of a probe, where a map shows only landmarks of them: what chosen landmarks are mapped anew from.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MapWhole {
    /// The points.
    pub points: Arc<MapPoints>,
    /// Their neuronal receptive fields, reduced as in [`MapFields`] but as they are: `[n, components]`, row-major.
    pub fields: Arc<[f32]>,
    /// Values of a point.
    pub components: usize,
}

/// A layer's input map: the instances of a probe, placed by what the layer reads there.
#[derive(Debug, Clone, PartialEq)]
pub struct InputMap {
    /// The iteration after which the probe was taken.
    pub step: u64,
    /// What is placed.
    pub points: Arc<MapPoints>,
    /// Where, `[n]`.
    pub places: Vec<[f32; 2]>,
    /// How the places were found.
    pub method: MapMethod,
    /// Steps of the optimisation so far.
    pub iterations: usize,
    /// Steps after which it is done.
    pub planned_iterations: usize,
    /// Whether it is done.
    pub settled: bool,
    /// Share of the ten nearest neighbours in the receptive fields' space that are the ten nearest in the map, in [0, 1];
    /// measured when it is settled and has more points than that.
    pub preservation: Option<f64>,
    /// Number of points on each scale of the hierarchy, the data first; one scale without a hierarchy.
    pub scale_sizes: Vec<usize>,
    /// What its points are placed by. `None` for a first picture, for landmarks, and in the store once a newer map of the
    /// layer is there.
    pub fields: Option<Arc<MapFields>>,
    /// All points, where these are landmarks of them; in the store until a newer map of the layer is there.
    pub whole: Option<Arc<MapWhole>>,
}

/// Two filters that answer alike.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FilterLink {
    /// A filter.
    pub one: u32,
    /// Another one, of higher index.
    pub other: u32,
    /// phi.
    pub similarity: f32,
}

/// A layer's filter map: its filters, placed by how alike they answer.
#[derive(Debug, Clone, PartialEq)]
pub struct FilterMap {
    /// Last iteration of the window that the similarity is of.
    pub step: u64,
    /// The filters that are placed, rising.
    pub filters: Vec<u32>,
    /// Where, `[n]`.
    pub places: Vec<[f32; 2]>,
    /// Pairs of placed filters with phi of at least 0.7, most alike first.
    pub links: Vec<FilterLink>,
    /// Filters that are not placed, because they were zero in the whole window.
    pub all_zero: usize,
    /// How the places were found.
    pub method: MapMethod,
    /// Steps of the optimisation so far.
    pub iterations: usize,
    /// Whether it is done.
    pub settled: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_come_back_within_half_a_step() {
        let values: Vec<f32> = (0..60).map(|at| ((at * 37) % 101) as f32 / 7.0 - 3.0).collect();
        let fields = MapFields::new(&values, 4);
        let back = fields.of(&[14, 2]);
        for (back, value) in back.iter().zip(values[56..].iter().chain(&values[8..12])) {
            assert!((back - value).abs() <= 0.501 * fields.step, "{back} {value}");
        }
        assert_eq!(MapFields::new(&[2.0; 6], 3).of(&[1]), [2.0; 3]);
        assert!(MapFields::new(&[], 3).of(&[]).is_empty());
    }
}
