//! Hierarchical stochastic neighbour embedding (Pezzotti, Höllt, Lelieveldt, Eisemann & Vilanova, "Hierarchical Stochastic
//! Neighbor Embedding", Computer Graphics Forum 35(3), 2016): scale 0 is the data, and every further scale is a subset of
//! the one before, its landmarks, each standing for the points in its area of influence. The landmarks of a coarse scale
//! are embedded first; a selection of them is drilled into on the scale below.
//!
//! Where the published code draws walks, landmarks here are chosen by probabilities, and what is drawn is averaged over
//! each point's neighbours; random numbers belong to points, not to threads: the same data have the same hierarchy.

mod landmarks;

use crate::affinities::transitions_of_points;
use crate::{Affinities, EmbedError, Points, Sparse};
use landmarks::{influence, next_transitions, select};

/// One scale of a hierarchy.
#[derive(Debug, Clone, PartialEq)]
pub struct Scale {
    /// For each point of this scale, its index in the data; rising.
    pub indices: Vec<u32>,
    /// For each point of this scale, its index in the scale below; rising. On scale 0: itself.
    pub below: Vec<u32>,
    /// How many points of the data each stands for; they sum to the number of data points.
    pub weights: Vec<f64>,
    /// Row-stochastic transitions between the points of this scale.
    pub transitions: Sparse,
    /// I: for each point of the scale below (row), how much each point of this scale stands for it; rows sum to 1. None
    /// on scale 0.
    pub influence: Option<Sparse>,
}

impl Scale {
    /// How many points the scale has.
    pub fn len(&self) -> usize {
        self.indices.len()
    }

    /// Whether it has none (never: an empty input is refused).
    pub fn is_empty(&self) -> bool {
        self.indices.is_empty()
    }

    /// Affinities (T + T') / 2n, to embed the scale by t-SNE.
    ///
    /// # Errors
    /// Never for a scale of a hierarchy, which is not empty.
    pub fn affinities(&self) -> Result<Affinities, EmbedError> {
        Affinities::from_transitions(&self.transitions)
    }
}

/// What a selection of landmarks stands for, on the scale below.
#[derive(Debug, Clone, PartialEq)]
pub struct DrillIn {
    /// Indices in the scale below; rising.
    pub points: Vec<usize>,
    /// Affinities among them.
    pub affinities: Affinities,
    /// Where the landmarks' map places them, `[points]`: the start of their own map.
    pub start: Vec<[f32; 2]>,
}

/// A hierarchy of scales, which grows by one scale at a time.
#[derive(Debug, Clone, PartialEq)]
pub struct Hsne {
    scales: Vec<Scale>,
}

impl Hsne {
    /// The hierarchy of nothing but the data, of which the transitions are known (row-stochastic, `[n, n]`).
    ///
    /// # Errors
    /// Where the transitions are not square or have no rows.
    pub fn new(transitions: Sparse) -> Result<Self, EmbedError> {
        let n = transitions.rows();
        EmbedError::unless_equal("columns of the transitions", transitions.columns(), n)?;
        if n == 0 {
            return Err(EmbedError::Empty { least: 1 });
        }
        let indices: Vec<u32> = (0..n as u32).collect();
        let scale =
            Scale { below: indices.clone(), indices, weights: vec![1.0; n], transitions, influence: None };
        Ok(Self { scales: vec![scale] })
    }

    /// The hierarchy of points, with up to `scales` scales, the data included; fewer where [`Self::coarsen`] ends. Reduce
    /// the points by [`crate::Pca`] first where they have many columns.
    ///
    /// # Errors
    /// Where there are no points or no scales, or the perplexity is below 1 or not finite.
    pub fn of_points(points: &Points<'_>, scales: usize, perplexity: f64) -> Result<Self, EmbedError> {
        if scales == 0 {
            return Err(EmbedError::Parameter { name: "scales", value: 0.0, expected: "at least 1" });
        }
        let mut hierarchy = Self::new(transitions_of_points(points, perplexity)?)?;
        while hierarchy.scales.len() < scales && hierarchy.coarsen() {}
        Ok(hierarchy)
    }

    /// Adds a scale of landmarks; false where the top scale has none to spare, as each point stands alone.
    pub fn coarsen(&mut self) -> bool {
        let top = self.top();
        let below = select(&top.transitions);
        if below.len() == top.len() {
            return false;
        }
        let influence = influence(&top.transitions, &below);
        let transitions = next_transitions(&influence, &top.weights);
        let weights = influence.transpose().times(&top.weights);
        let indices = below.iter().map(|&i| top.indices[i as usize]).collect();
        self.scales.push(Scale { indices, below, weights, transitions, influence: Some(influence) });
        true
    }

    /// The scales, the data first.
    pub fn scales(&self) -> &[Scale] {
        &self.scales
    }

    /// The coarsest scale.
    pub fn top(&self) -> &Scale {
        &self.scales[self.scales.len() - 1]
    }

    /// Places all data points by a map of the given scale: y_i = sum over j of I(i, j) y_j, scale by scale; landmarks stay
    /// where they are.
    ///
    /// # Errors
    /// Where there is no such scale, or the map has another number of points.
    pub fn place_all(&self, scale: usize, map: &[[f32; 2]]) -> Result<Vec<[f32; 2]>, EmbedError> {
        self.place_on(0, scale, map)
    }

    /// [`Self::place_all`] down to the scale `lowest` only; the map itself where that is not below `scale`.
    ///
    /// # Errors
    /// As for [`Self::place_all`].
    pub fn place_on(
        &self,
        lowest: usize,
        scale: usize,
        map: &[[f32; 2]],
    ) -> Result<Vec<[f32; 2]>, EmbedError> {
        EmbedError::unless_equal("points of the map", map.len(), self.scale(scale)?.len())?;
        Ok((lowest + 1..=scale).rev().fold(map.to_vec(), |map, scale| self.scales[scale].place_below(&map)))
    }

    /// The points of the scale below of which more than half belongs to the selected landmarks, and the landmarks
    /// themselves; their transitions among each other are normalised anew. `map` is that of the landmarks' scale.
    ///
    /// # Errors
    /// Where there is no such scale, or none below it; where the selection is empty or has an index that does not exist;
    /// where the map has another number of points.
    pub fn drill_in(
        &self,
        scale: usize,
        selection: &[usize],
        map: &[[f32; 2]],
    ) -> Result<DrillIn, EmbedError> {
        let landmarks = self.scale(scale)?;
        EmbedError::unless_equal("points of the map", map.len(), landmarks.len())?;
        if scale == 0 {
            let expected = "at least 1: below scale 0 there is nothing";
            return Err(EmbedError::Parameter { name: "scale", value: 0.0, expected });
        }
        let shares = landmarks.shares_below(&self.membership(scale, selection)?);
        let points: Vec<usize> = (0..shares.len()).filter(|&i| shares[i] > 0.5).collect();
        let placed = landmarks.place_below(map);
        let start = points.iter().map(|&i| placed[i]).collect();
        let part = restricted(&self.scales[scale - 1].transitions, &points);
        Ok(DrillIn { affinities: Affinities::from_transitions(&part)?, points, start })
    }

    /// The data points of which more than half belongs to the selected points of a scale.
    ///
    /// # Errors
    /// Where there is no such scale; where the selection is empty or has an index that does not exist.
    pub fn data_of(&self, scale: usize, selection: &[usize]) -> Result<Vec<usize>, EmbedError> {
        let top = self.membership(scale, selection)?;
        let shares = (1..=scale).rev().fold(top, |shares, scale| self.scales[scale].shares_below(&shares));
        Ok((0..shares.len()).filter(|&i| shares[i] > 0.5).collect())
    }

    fn scale(&self, scale: usize) -> Result<&Scale, EmbedError> {
        let expected = "one of the scales of the hierarchy";
        self.scales.get(scale).ok_or(EmbedError::Parameter { name: "scale", value: scale as f64, expected })
    }

    /// 1 for the selected points of a scale, 0 for the others.
    fn membership(&self, scale: usize, selection: &[usize]) -> Result<Vec<f64>, EmbedError> {
        let mut members = vec![0.0; self.scale(scale)?.len()];
        if selection.is_empty() {
            return Err(EmbedError::Empty { least: 1 });
        }
        for &point in selection {
            let expected = "an index of the scale";
            let value = point as f64;
            let wrong = EmbedError::Parameter { name: "a selected point", value, expected };
            *members.get_mut(point).ok_or(wrong)? = 1.0;
        }
        Ok(members)
    }
}

impl Scale {
    /// Values of the points below: those of landmarks are their own, others are means by influence.
    fn shares_below(&self, values: &[f64]) -> Vec<f64> {
        let mut below = self.influence.as_ref().map_or_else(|| values.to_vec(), |i| i.times(values));
        for (landmark, &point) in self.below.iter().enumerate() {
            below[point as usize] = values[landmark];
        }
        below
    }

    fn place_below(&self, map: &[[f32; 2]]) -> Vec<[f32; 2]> {
        let [x, y] = [0, 1].map(|axis| {
            self.shares_below(&map.iter().map(|point| f64::from(point[axis])).collect::<Vec<_>>())
        });
        x.iter().zip(y).map(|(&x, y)| [x as f32, y as f32]).collect()
    }
}

/// Transitions among some points, in rising order; rows sum to 1 again, or are empty.
fn restricted(transitions: &Sparse, points: &[usize]) -> Sparse {
    let row = |&i: &usize| {
        let inside =
            transitions.pairs(i).filter_map(|(j, p)| Some((points.binary_search(&j).ok()? as u32, p)));
        let mut row: Vec<(u32, f32)> = inside.collect();
        let total: f32 = row.iter().map(|entry| entry.1).sum();
        for (_, p) in &mut row {
            *p /= total;
        }
        row
    };
    Sparse::from_rows(points.len(), &points.iter().map(row).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests;
