//! Which points of an input map are shown, and how near they are to each other.

use super::points::Prepared;
use deepeyes_core::{MapFields, MapPoints};
use deepeyes_embed::{Affinities, EmbedError, Hsne, Pca, Points, Scale, pca_map};
use std::collections::HashMap;
use std::hash::Hash;

/// Receptive fields are reduced to this many principal components where they have more values.
const COMPONENTS: usize = 50;

/// Landmarks among the points.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Landmarks {
    /// Their rows among all points; rising.
    pub(super) rows: Vec<u32>,
    /// How many points each stands for.
    pub(super) weights: Vec<f64>,
}

impl Landmarks {
    /// The landmarks of all points; each stands for the instances of the points in its area.
    pub(super) fn of(&self, points: &MapPoints) -> MapPoints {
        let instances = points.counts.iter().map(|&count| f64::from(count)).sum::<f64>();
        let mean = instances / points.len().max(1) as f64;
        let counts = self.weights.iter().map(|weight| (weight * mean).round() as u32).collect();
        MapPoints { counts, ..some(points, &self.rows) }
    }
}

/// Some of the points.
pub(super) fn some(points: &MapPoints, rows: &[u32]) -> MapPoints {
    fn pick<T: Copy>(values: &[T], rows: &[u32]) -> Vec<T> {
        rows.iter().map(|&row| values[row as usize]).collect()
    }
    let filters = points.filters;
    let activations = |&row: &u32| &points.activations[row as usize * filters..][..filters];
    MapPoints {
        inputs: pick(&points.inputs, rows),
        splits: pick(&points.splits, rows),
        positions: pick(&points.positions, rows),
        labels: pick(&points.labels, rows),
        predictions: pick(&points.predictions, rows),
        counts: pick(&points.counts, rows),
        max_activations: pick(&points.max_activations, rows),
        filters,
        activations: rows.iter().flat_map(activations).copied().collect(),
        scales: points.scales.clone(),
        level: points.level,
    }
}

/// How near the shown points are to each other.
pub(super) struct Neighbourhood {
    pub(super) affinities: Affinities,
    /// The points that are shown, and the hierarchy whose coarsest scale they are; `None`: all points are shown.
    pub(super) landmarks: Option<(Landmarks, Hsne)>,
    /// Points on each scale, the data first.
    pub(super) scale_sizes: Vec<usize>,
    /// All points' receptive fields, reduced: `[n, components]`.
    pub(super) reduced: Vec<f32>,
    pub(super) components: usize,
}

impl Neighbourhood {
    /// Of a probe's points, by their receptive fields; of more than `most` only the landmarks of a hierarchy.
    ///
    /// # Errors
    /// Where there are no points, or the perplexity is out of range.
    pub(super) fn new(prepared: &Prepared, perplexity: f64, most: usize) -> Result<Self, EmbedError> {
        let (reduced, components) = reduced(&prepared.fields, prepared.width)?;
        let points = Points::new(&reduced, components)?;
        let n = points.len();
        if n <= most {
            let affinities = Affinities::of_points(&points, perplexity)?;
            return Ok(Self { affinities, landmarks: None, scale_sizes: vec![n], reduced, components });
        }
        let mut hierarchy = Hsne::of_points(&points, 1, perplexity)?;
        while hierarchy.top().len() > most && hierarchy.coarsen() {}
        let top = hierarchy.top();
        let landmarks = Landmarks { rows: top.indices.clone(), weights: top.weights.clone() };
        Ok(Self {
            affinities: top.affinities()?,
            scale_sizes: hierarchy.scales().iter().map(Scale::len).collect(),
            landmarks: Some((landmarks, hierarchy)),
            reduced,
            components,
        })
    }

    /// What the shown points are placed by; `None` for landmarks, which are placed by what they stand for.
    pub(super) fn fields(&self) -> Option<MapFields> {
        self.landmarks.is_none().then(|| MapFields::new(&self.reduced, self.components))
    }

    /// Where the shown points begin: their first two principal components.
    ///
    /// # Errors
    /// Never: there are points.
    pub(super) fn start(&self) -> Result<Vec<[f32; 2]>, EmbedError> {
        let points = Points::new(&self.reduced, self.components)?;
        let Some((landmarks, _)) = &self.landmarks else { return pca_map(&points) };
        let of_landmarks = |&row: &u32| points.row(row as usize).iter().copied();
        let shown: Vec<f32> = landmarks.rows.iter().flat_map(of_landmarks).collect();
        pca_map(&Points::new(&shown, self.components)?)
    }
}

/// Fields `[n, width]` reduced where they are wide: `[n, components]`, and the number of components.
fn reduced(fields: &[f32], width: usize) -> Result<(Vec<f32>, usize), EmbedError> {
    if width <= COMPONENTS {
        return Ok((fields.to_vec(), width));
    }
    let points = Points::new(fields, width)?;
    Ok((Pca::new(&points, COMPONENTS)?.project(&points)?, COMPONENTS))
}

/// For each point of `now` its place in `before`.
pub(super) fn origins<T: Copy + Eq + Hash>(before: &[T], now: &[T]) -> Vec<Option<usize>> {
    let places: HashMap<T, usize> =
        before.iter().enumerate().map(|(place, &identity)| (identity, place)).collect();
    now.iter().map(|identity| places.get(identity).copied()).collect()
}
