//! Exchanging a map's points while it stays recognisable: survivors keep their places as far as their neighbourhoods
//! survived, new points are placed by their neighbours and settle before anything else moves.

use super::Tsne;
use crate::exchange::inverse;
use crate::random::Random;
use crate::{Affinities, EmbedError};

/// Steps in which only new points move.
const SETTLING: usize = 50;
/// What their attraction is multiplied by meanwhile, so that they come past points in their way.
pub(super) const SETTLING_EXAGGERATION: f32 = 3.0;
/// Steps in all that a refresh takes.
const REFRESHING: usize = 200;
/// Pull on a survivor whose neighbourhood survived whole, in units of the mean affinity 1/n of a point.
const STRENGTH: f32 = 0.005;
/// How far new points that would coincide are set apart.
const APART: f64 = 1e-2;

/// Where survivors are held, and how firmly.
pub(super) struct Anchors {
    /// Old place and strength; none for new points.
    anchors: Vec<Option<([f32; 2], f32)>>,
    /// Steps left in which survivors do not move at all.
    settling: usize,
}

impl Anchors {
    /// Whether a point must not move now.
    pub(super) fn holds(&self, point: usize) -> bool {
        self.settling > 0 && self.anchors[point].is_some()
    }

    /// Whether survivors do not move yet.
    pub(super) fn is_settling(&self) -> bool {
        self.settling > 0
    }

    /// What a point's anchor adds to its gradient.
    pub(super) fn pull(&self, point: usize, place: [f32; 2]) -> [f32; 2] {
        self.anchors[point].map_or([0.0; 2], |(anchor, strength)| {
            [0, 1].map(|axis| 4.0 * strength * (place[axis] - anchor[axis]))
        })
    }

    /// Counts a step.
    pub(super) fn advance(&mut self) {
        self.settling = self.settling.saturating_sub(1);
    }
}

impl Tsne {
    /// Exchanges the points: `from[i]` is the index that point i of the new affinities has in the present map, none for a
    /// new point; indices that do not occur are removed. Points that stay the same with the same affinities stay where
    /// they are, and nothing else happens.
    ///
    /// Otherwise new points are placed at the affinity-weighted mean of their neighbours and settle against the others,
    /// then all move, survivors pulled to their old places by the share of their neighbourhood that survived. No step
    /// is exaggerated again. A map that is still in its first phase goes on with it, without anchors.
    ///
    /// # Errors
    /// Where `from` has another length than the affinities, or names an index twice or one that does not exist.
    pub fn replace(&mut self, affinities: Affinities, from: &[Option<usize>]) -> Result<(), EmbedError> {
        let n = affinities.len();
        EmbedError::unless_equal("origins of the points", from.len(), n)?;
        let to = inverse(from, self.map.len())?;
        let stays = n == self.map.len() && from.iter().enumerate().all(|(i, &old)| old == Some(i));
        if stays && affinities == self.affinities {
            return Ok(());
        }
        let places: Vec<Option<[f32; 2]>> = from.iter().map(|old| old.map(|old| self.map[old])).collect();
        let starts: Vec<Option<[f32; 2]>> = from.iter().map(|old| old.map(|old| self.start[old])).collect();
        let map = placed(&affinities, &places, self.config.seed, APART);
        let is_young = self.iteration < self.config.exaggerated_iterations;
        self.anchors = (!is_young && places.iter().any(Option::is_some)).then(|| {
            let anchor = |(i, old): (usize, &Option<usize>)| {
                old.map(|old| {
                    let survived = survival(&self.affinities, old, &to, &affinities, i);
                    (self.map[old], STRENGTH * survived * survived / n as f32)
                })
            };
            Anchors { anchors: from.iter().enumerate().map(anchor).collect(), settling: SETTLING }
        });
        if !is_young {
            self.iteration = self.iteration.min(self.config.iterations.saturating_sub(REFRESHING));
            self.exaggeration = 1.0;
        }
        self.start = placed(&affinities, &starts, self.config.seed, super::START / 100.0);
        self.affinities = affinities;
        self.map = map;
        self.velocity = vec![[0.0; 2]; n];
        self.gains = vec![[1.0; 2]; n];
        Ok(())
    }
}

/// Share of a point's old affinity that goes to points which are its neighbours still, in [0, 1].
fn survival(before: &Affinities, old: usize, to: &[Option<usize>], after: &Affinities, new: usize) -> f32 {
    let neighbours = after.joint().row(new).0;
    let (mut kept, mut total) = (0.0, 0.0);
    for (j, p) in before.joint().pairs(old) {
        total += p;
        if to[j].is_some_and(|j| neighbours.binary_search(&(j as u32)).is_ok()) {
            kept += p;
        }
    }
    if total > 0.0 { kept / total } else { 0.0 }
}

/// Places each unplaced point at the affinity-weighted mean of its neighbours that are placed, nearest to placed ones
/// first; those without any connection at the mean of all. Noise of the given size sets new points apart.
fn placed(affinities: &Affinities, places: &[Option<[f32; 2]>], seed: u64, noise: f64) -> Vec<[f32; 2]> {
    let mut places = places.to_vec();
    let disturbed = |i: usize, sum: [f64; 2], total: f64| {
        let mut random = Random::new(seed, i as u64);
        sum.map(|sum| (sum / total + noise * random.symmetric()) as f32)
    };
    loop {
        let mean = |i: usize| {
            let (mut sum, mut total) = ([0.0; 2], 0.0);
            for (j, p) in affinities.joint().pairs(i) {
                if let Some(place) = places[j] {
                    let p = f64::from(p);
                    sum = [sum[0] + p * f64::from(place[0]), sum[1] + p * f64::from(place[1])];
                    total += p;
                }
            }
            (total > 0.0).then(|| disturbed(i, sum, total))
        };
        let found: Vec<(usize, [f32; 2])> = (0..places.len())
            .filter(|&i| places[i].is_none())
            .filter_map(|i| mean(i).map(|place| (i, place)))
            .collect();
        if found.is_empty() {
            break;
        }
        for (i, place) in found {
            places[i] = Some(place);
        }
    }
    let known: Vec<[f32; 2]> = places.iter().filter_map(|&place| place).collect();
    let sum = [0, 1].map(|axis| known.iter().map(|place| f64::from(place[axis])).sum::<f64>());
    let total = known.len().max(1) as f64;
    places.iter().enumerate().map(|(i, place)| place.unwrap_or_else(|| disturbed(i, sum, total))).collect()
}
