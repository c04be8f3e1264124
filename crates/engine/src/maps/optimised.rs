//! An input map's optimisation: of its points, or of the landmarks among them.

use super::drill::hierarchy_again;
use super::neighbourhood::Landmarks;
use super::points::{Identity, identities};
use deepeyes_core::{InputMap, MapMethod, MapPoints};
use deepeyes_embed::{Affinities, EmbedError, Points, Tsne, TsneConfig};
use std::sync::Arc;

/// What is optimised.
pub(super) struct Optimised {
    pub(super) tsne: Tsne,
    /// Who its points are.
    pub(super) identities: Vec<Identity>,
    /// Of all points that it was made of.
    pub(super) fingerprint: u64,
    pub(super) landmarks: Option<Landmarks>,
    /// Receptive fields of its points, `[n, width]`, until preservation is measured.
    pub(super) fields: Vec<f32>,
    pub(super) width: usize,
}

impl Optimised {
    pub(super) fn method(&self) -> MapMethod {
        match (self.tsne.report().iteration, &self.landmarks) {
            (0, _) => MapMethod::Pca,
            (_, None) => MapMethod::Tsne,
            (_, Some(_)) => MapMethod::Hsne,
        }
    }

    /// What a stored map was; `None` where it does not tell.
    pub(super) fn again(map: &InputMap, config: TsneConfig) -> Result<Option<Self>, EmbedError> {
        let affinities = match (&map.fields, &map.whole) {
            (Some(fields), _) => {
                let all: Vec<u32> = (0..map.points.len() as u32).collect();
                Affinities::of_points(&Points::new(&fields.of(&all), fields.components)?, config.perplexity)?
            }
            (None, Some(whole)) => hierarchy_again(whole, map.scale_sizes.len())?.top().affinities()?,
            (None, None) => return Ok(None),
        };
        if affinities.len() != map.places.len() {
            return Ok(None);
        }
        Ok(Some(Self {
            tsne: Tsne::finished(affinities, &map.places, config)?,
            identities: identities(&map.points),
            // Its fields are not what they were to the last bit, and its quality has been measured.
            fingerprint: 0,
            landmarks: None,
            fields: Vec::new(),
            width: 1,
        }))
    }

    /// The points that are shown.
    pub(super) fn shown(&self, points: &Arc<MapPoints>) -> Arc<MapPoints> {
        match &self.landmarks {
            None => Arc::clone(points),
            Some(landmarks) => Arc::new(landmarks.of(points)),
        }
    }
}
