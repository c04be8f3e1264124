//! A closer look: chosen points of an input map, placed by themselves. Where the map shows landmarks, the points of the
//! scale below that the chosen ones stand for; where it shows all points, the chosen ones.

use super::board::LayerMaps;
use super::neighbourhood::{Landmarks, some};
use super::workers::Workers;
use deepeyes_core::{InputId, InputMap, MapMethod, MapPoints, MapWhole};
use deepeyes_embed::{Affinities, EmbedError, Hsne, Points, Tsne, TsneConfig};
use std::collections::HashMap;
use std::sync::Arc;

/// Fewer points are no map.
const FEWEST: usize = 5;
/// More points are not placed while somebody waits for them.
const MOST: usize = 10_000;

/// The hierarchy behind a map of landmarks on the last of `scales` scales, made anew of all points. Takes seconds for tens
/// of thousands.
pub(super) fn hierarchy_again(whole: &MapWhole, scales: usize) -> Result<Hsne, EmbedError> {
    let points = Points::new(&whole.fields, whole.components)?;
    Hsne::of_points(&points, scales, TsneConfig::default().perplexity)
}

/// A point that somebody has chosen in a map.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Chosen {
    /// Its first instance's input.
    pub input: InputId,
    /// Its first instance's position in the layer's grid, `row * width + column`.
    pub position: u32,
    /// Where the map shows it.
    pub place: [f32; 2],
}

/// Why chosen points have no map of their own.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DrillError {
    /// What the map was made of is no longer there.
    #[error(
        "what the map of iteration {0} is made of is not kept any more, or not there yet; choose in the newest map"
    )]
    NotKept(u64),
    /// There is nothing below.
    #[error("this map shows all instances: there is no finer scale below it")]
    Finest,
    /// Too few points.
    #[error("the choice comes to {0} points of the finer map; choose more, at least {FEWEST} are needed")]
    TooFew(usize),
    /// Too many points.
    #[error("the choice comes to {0} points of the finer map; choose fewer, {MOST} are the most")]
    TooMany(usize),
    /// The points cannot be placed.
    #[error("the chosen points cannot be placed: {0}")]
    Embed(#[from] EmbedError),
}

/// Points to be placed.
struct Part {
    points: MapPoints,
    affinities: Affinities,
    start: Vec<[f32; 2]>,
    scale_sizes: Vec<usize>,
}

impl LayerMaps {
    /// The map of what was chosen in the input map, or in a map of a finer `scale` that was made of it (0: all points).
    /// Takes about as long as the map itself did, on threads that give way to a training's.
    ///
    /// # Errors
    /// Where the choice comes to too few or too many points, or what the map was made of is gone.
    pub fn drill_in(&self, scale: usize, chosen: &[Chosen]) -> Result<InputMap, DrillError> {
        let map = self.input.as_ref().ok_or(DrillError::NotKept(self.step))?;
        Workers::new(0, true).install(|| {
            let part = match (&map.whole, &self.hierarchy) {
                (None, _) => chosen_of(map, chosen)?,
                (Some(whole), Some(hierarchy)) => below(&whole.points, hierarchy, scale, chosen)?,
                (Some(whole), None) => {
                    let hierarchy = hierarchy_again(whole, map.scale_sizes.len())?;
                    below(&whole.points, &hierarchy, scale, chosen)?
                }
            };
            placed(map.step, part)
        })
    }
}

/// The chosen points of a map that shows all.
fn chosen_of(map: &InputMap, chosen: &[Chosen]) -> Result<Part, DrillError> {
    let fields = map.fields.as_ref().ok_or(DrillError::NotKept(map.step))?;
    let found = rows(&map.points, chosen);
    let (rows, start): (Vec<u32>, Vec<[f32; 2]>) = found.into_iter().unzip();
    in_bounds(rows.len())?;
    let fields = (fields.of(&rows), fields.components);
    let affinities =
        Affinities::of_points(&Points::new(&fields.0, fields.1)?, TsneConfig::default().perplexity)?;
    Ok(Part { points: some(&map.points, &rows), affinities, start, scale_sizes: vec![rows.len()] })
}

/// What points of a scale stand for on the scale below.
fn below(points: &MapPoints, hierarchy: &Hsne, scale: usize, chosen: &[Chosen]) -> Result<Part, DrillError> {
    let (Some(lower), Some(landmarks)) = (scale.checked_sub(1), hierarchy.scales().get(scale)) else {
        return Err(DrillError::Finest);
    };
    let on_scale = |(row, place): (u32, [f32; 2])| Some((landmarks.indices.binary_search(&row).ok()?, place));
    let found: Vec<(usize, [f32; 2])> = rows(points, chosen).into_iter().filter_map(on_scale).collect();
    if found.is_empty() {
        return Err(DrillError::TooFew(0));
    }
    // Landmarks that were not chosen pull nowhere: they stand in the middle of the chosen ones.
    let sum = found.iter().fold([0.0; 2], |[x, y], (_, place)| [x + place[0], y + place[1]]);
    let mut map = vec![sum.map(|sum| sum / found.len() as f32); landmarks.len()];
    for &(landmark, place) in &found {
        map[landmark] = place;
    }
    let selection: Vec<usize> = found.iter().map(|&(landmark, _)| landmark).collect();
    let part = hierarchy.drill_in(scale, &selection, &map)?;
    in_bounds(part.points.len())?;
    let below = &hierarchy.scales()[lower];
    let rows = part.points.iter().map(|&point| below.indices[point]).collect();
    let weights = part.points.iter().map(|&point| below.weights[point]).collect();
    let mut scale_sizes: Vec<usize> =
        hierarchy.scales()[..scale].iter().map(deepeyes_embed::Scale::len).collect();
    scale_sizes[lower] = part.points.len();
    Ok(Part {
        points: Landmarks { rows, weights }.of(points),
        affinities: part.affinities,
        start: part.start,
        scale_sizes,
    })
}

/// Rows of the chosen points, rising, with where they are shown; those that are unknown are left out.
fn rows(points: &MapPoints, chosen: &[Chosen]) -> Vec<(u32, [f32; 2])> {
    let wanted: HashMap<(InputId, u32), [f32; 2]> =
        chosen.iter().map(|point| ((point.input, point.position), point.place)).collect();
    let all = points.inputs.iter().copied().zip(points.positions.iter().copied());
    all.zip(0..).filter_map(|(identity, row)| Some((row, *wanted.get(&identity)?))).collect()
}

fn in_bounds(points: usize) -> Result<(), DrillError> {
    match points {
        0..FEWEST => Err(DrillError::TooFew(points)),
        FEWEST..=MOST => Ok(()),
        _ => Err(DrillError::TooMany(points)),
    }
}

fn placed(step: u64, part: Part) -> Result<InputMap, DrillError> {
    let mut tsne = Tsne::new(part.affinities, &part.start, TsneConfig::default())?;
    tsne.run_while(|_| true);
    let iterations = tsne.report().iteration;
    let method = if part.scale_sizes.len() > 1 { MapMethod::Hsne } else { MapMethod::Tsne };
    Ok(InputMap {
        step,
        points: Arc::new(part.points),
        places: tsne.map().to_vec(),
        method,
        iterations,
        planned_iterations: iterations,
        settled: true,
        preservation: None,
        scale_sizes: part.scale_sizes,
        fields: None,
        whole: None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::input::tests::{fields, mapper, settled};
    use super::super::points::tests::probe;
    use super::*;
    use deepeyes_embed::quality;

    fn maps(most: usize, points: usize) -> LayerMaps {
        let mut mapper = mapper(most);
        mapper.take(Arc::new(probe(10, 3, &fields(points, 0.05))));
        let input = settled(&mut mapper);
        LayerMaps {
            step: 10,
            input: Some(input),
            hierarchy: mapper.hierarchy().cloned(),
            ..LayerMaps::default()
        }
    }

    /// The points of a map that lie left of its middle.
    fn left(map: &InputMap) -> Vec<Chosen> {
        let points = &map.points;
        let mut xs: Vec<f32> = map.places.iter().map(|place| place[0]).collect();
        xs.sort_by(f32::total_cmp);
        let middle = xs[xs.len() / 2];
        (0..points.len())
            .filter(|&row| map.places[row][0] < middle)
            .map(|row| Chosen {
                input: points.inputs[row],
                position: points.positions[row],
                place: map.places[row],
            })
            .collect()
    }

    #[test]
    fn chosen_points_of_a_whole_map_keep_their_neighbours_by_themselves() {
        let maps = maps(5000, 400);
        let map = maps.input.as_ref().unwrap();
        let mut chosen = left(map);
        chosen.push(Chosen { input: 9999, position: 0, place: [0.0; 2] });
        let closer = maps.drill_in(0, &chosen).unwrap();
        assert_eq!((closer.points.len(), &closer.scale_sizes), (chosen.len() - 1, &vec![chosen.len() - 1]));
        assert_eq!((closer.step, closer.method, closer.settled), (10, MapMethod::Tsne, true));
        let inputs: Vec<InputId> = chosen[..chosen.len() - 1].iter().map(|point| point.input).collect();
        assert_eq!(closer.points.inputs, inputs);
        let rows: Vec<u32> = inputs.iter().map(|&input| input as u32).collect();
        let fields = map.fields.as_ref().unwrap();
        let kept = quality::preservation(
            &Points::new(&fields.of(&rows), fields.components).unwrap(),
            &closer.places,
            10,
        );
        assert!(kept.unwrap() > 0.5);
    }

    #[test]
    fn chosen_landmarks_lead_to_what_they_stand_for_down_to_the_data() {
        let maps = maps(120, 1200);
        let mut map = Arc::clone(maps.input.as_ref().unwrap());
        let mut scale = map.scale_sizes.len() - 1;
        assert!(scale >= 1 && map.fields.is_none());
        while scale > 0 {
            let chosen = left(&map);
            let closer = maps.drill_in(scale, &chosen).unwrap();
            assert!(closer.points.len() > chosen.len(), "{} {}", closer.points.len(), chosen.len());
            // Landmarks are points of the scale below, and stay chosen.
            assert!(chosen.iter().all(|point| closer.points.inputs.contains(&point.input)));
            assert_eq!(closer.scale_sizes.len(), scale);
            map = Arc::new(closer);
            scale -= 1;
        }
        assert!(map.points.counts.iter().all(|&count| count == 1));
        assert!(matches!(maps.drill_in(0, &left(&map)), Err(DrillError::Finest)));
    }

    #[test]
    fn a_map_without_its_hierarchy_leads_to_the_same_points() {
        let live = maps(120, 1200);
        let stored = LayerMaps { hierarchy: None, ..live.clone() };
        let map = live.input.as_ref().unwrap();
        let (scale, chosen) = (map.scale_sizes.len() - 1, left(map));
        assert_eq!(stored.drill_in(scale, &chosen).unwrap(), live.drill_in(scale, &chosen).unwrap());
    }

    #[test]
    fn what_cannot_be_placed_is_refused_with_the_reason() {
        let maps = maps(5000, 60);
        let chosen = left(maps.input.as_ref().unwrap());
        assert!(matches!(maps.drill_in(0, &chosen[..3]), Err(DrillError::TooFew(3))));
        assert!(matches!(LayerMaps::default().drill_in(0, &chosen), Err(DrillError::NotKept(_))));
    }
}
