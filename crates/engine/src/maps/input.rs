//! A layer's input map, refined piece by piece and refreshed by every new probe.

use super::neighbourhood::{Neighbourhood, origins};
use super::optimised::Optimised;
use super::points::{Prepared, identities};
use deepeyes_core::{InputMap, LayerSpec, MapMethod, MapWhole, ProbedInstances};
use deepeyes_embed::{EmbedError, Hsne, Points, Tsne, TsneConfig, pca_map, quality};
use std::sync::Arc;
use std::time::Instant;

/// Of more points than this only landmarks are shown.
const MOST_POINTS: usize = 5000;
/// Neighbours whose preservation is measured.
const NEIGHBOURS: usize = 10;

/// Where the work on a map stands.
enum Stage {
    /// Nothing to do.
    Settled,
    /// A probe is to be made points of.
    Arrived(Arc<ProbedInstances>),
    /// Points are to be optimised; what is shown is their first picture, or the last map.
    Prepared(Box<Prepared>),
    /// The optimisation goes on.
    Refining,
    /// The optimisation is done.
    Refined,
}

/// One layer's input map.
pub(super) struct InputMapper {
    spec: LayerSpec,
    layer: usize,
    config: TsneConfig,
    /// Of more points than this only landmarks are shown.
    most_points: usize,
    stage: Stage,
    map: Option<Arc<InputMap>>,
    /// What stands behind the landmarks of the map.
    hierarchy: Option<Arc<Hsne>>,
    optimised: Option<Optimised>,
}

impl InputMapper {
    /// Goes on from the map that the run had, if any.
    pub(super) fn new(spec: &LayerSpec, layer: usize, before: Option<InputMap>) -> Self {
        Self {
            spec: spec.clone(),
            layer,
            config: TsneConfig::default(),
            most_points: MOST_POINTS,
            stage: Stage::Settled,
            map: before.filter(|map| map.method != MapMethod::Pca).map(Arc::new),
            hierarchy: None,
            optimised: None,
        }
    }

    /// The map as it is now.
    pub(super) fn map(&self) -> Option<&Arc<InputMap>> {
        self.map.as_ref()
    }

    /// What stands behind the map's landmarks; `None` where all points are shown.
    pub(super) fn hierarchy(&self) -> Option<&Arc<Hsne>> {
        self.hierarchy.as_ref()
    }

    /// Whether there is nothing to do.
    pub(super) fn is_settled(&self) -> bool {
        matches!(self.stage, Stage::Settled)
    }

    /// Whether the newest probe has not been looked at.
    pub(super) fn is_waiting(&self) -> bool {
        matches!(self.stage, Stage::Arrived(_))
    }

    /// Whether a map has been optimised already.
    pub(super) fn is_begun(&self) -> bool {
        self.map.as_ref().is_some_and(|map| map.method != MapMethod::Pca)
    }

    /// A new probe, which the map is to follow.
    pub(super) fn take(&mut self, probe: Arc<ProbedInstances>) {
        self.stage = Stage::Arrived(probe);
    }

    /// Goes one stage on, or refines the map until `until`.
    ///
    /// # Errors
    /// Where the probe does not fit the layer; the map then stays as it is.
    pub(super) fn advance(&mut self, until: Instant) -> Result<(), String> {
        let stage = std::mem::replace(&mut self.stage, Stage::Settled);
        let next = match stage {
            Stage::Settled => Ok(Stage::Settled),
            Stage::Arrived(probe) => self.prepare(Prepared::new(&self.spec, &probe, self.layer)?),
            Stage::Prepared(prepared) => self.optimise(*prepared),
            Stage::Refining => Ok(self.refine(until)),
            Stage::Refined => self.measure(),
        };
        self.stage = next.map_err(|error| error.to_string())?;
        Ok(())
    }

    /// What a probe's points ask for.
    fn prepare(&mut self, prepared: Prepared) -> Result<Stage, EmbedError> {
        if prepared.points.is_empty() {
            return Ok(Stage::Settled);
        }
        if let (Some(optimised), Some(map)) = (&self.optimised, &self.map)
            && optimised.fingerprint == prepared.fingerprint
        {
            // The layer reads what it read before: nothing moves, only its answers are new.
            let stage = if map.settled { Stage::Settled } else { Stage::Refining };
            let all = Arc::new(prepared.points);
            let points = optimised.shown(&all);
            let whole = map.whole.as_ref();
            let whole = whole.map(|whole| Arc::new(MapWhole { points: all, ..MapWhole::clone(whole) }));
            self.map =
                Some(Arc::new(InputMap { step: prepared.step, points, whole, ..InputMap::clone(map) }));
            return Ok(stage);
        }
        if !self.is_begun() {
            self.map = Some(Arc::new(InputMap {
                step: prepared.step,
                places: pca_map(&Points::new(&prepared.fields, prepared.width)?)?,
                points: Arc::new(prepared.points.clone()),
                method: MapMethod::Pca,
                iterations: 0,
                planned_iterations: self.config.iterations,
                settled: false,
                preservation: None,
                scale_sizes: vec![prepared.points.len()],
                fields: None,
                whole: None,
            }));
        }
        Ok(Stage::Prepared(Box::new(prepared)))
    }

    /// Begins the optimisation; one that is there goes on with the new points, survivors in their places.
    fn optimise(&mut self, prepared: Prepared) -> Result<Stage, EmbedError> {
        let neighbourhood = Neighbourhood::new(&prepared, self.config.perplexity, self.most_points)?;
        let before = match (self.optimised.take(), &self.map) {
            (None, Some(map)) => Optimised::again(map, self.config)?,
            (before, _) => before,
        };
        let start = if before.is_none() { neighbourhood.start()? } else { Vec::new() };
        let placed_by = neighbourhood.fields().map(Arc::new);
        let Neighbourhood { affinities, landmarks, scale_sizes, reduced, components } = neighbourhood;
        let Prepared { step, points, fields, width, fingerprint } = prepared;
        self.hierarchy = None;
        let (points, fields, landmarks, whole) = match landmarks {
            Some((landmarks, hierarchy)) => {
                let field = |&row: &u32| &fields[row as usize * width..][..width];
                let fields = landmarks.rows.iter().flat_map(field).copied().collect();
                let shown = landmarks.of(&points);
                let whole = MapWhole { points: Arc::new(points), fields: reduced.into(), components };
                self.hierarchy = Some(Arc::new(hierarchy));
                (shown, fields, Some(landmarks), Some(Arc::new(whole)))
            }
            None => (points, fields, None, None),
        };
        let identities = identities(&points);
        let (tsne, places) = match before {
            None => (Tsne::new(affinities, &start, self.config)?, start),
            Some(Optimised { mut tsne, identities: before, .. }) => {
                tsne.replace(affinities, &origins(&before, &identities))?;
                let places = tsne.map().to_vec();
                (tsne, places)
            }
        };
        let optimised = Optimised { tsne, identities, fingerprint, landmarks, fields, width };
        self.map = Some(Arc::new(InputMap {
            step,
            points: Arc::new(points),
            places,
            method: optimised.method(),
            iterations: optimised.tsne.report().iteration,
            planned_iterations: self.config.iterations,
            settled: false,
            preservation: None,
            scale_sizes,
            fields: placed_by,
            whole,
        }));
        self.optimised = Some(optimised);
        Ok(Stage::Refining)
    }

    fn refine(&mut self, until: Instant) -> Stage {
        let (Some(optimised), Some(map)) = (&mut self.optimised, &self.map) else { return Stage::Settled };
        optimised.tsne.run_while(|_| Instant::now() < until);
        let report = optimised.tsne.report();
        self.map = Some(Arc::new(InputMap {
            places: optimised.tsne.map().to_vec(),
            method: optimised.method(),
            iterations: report.iteration,
            ..InputMap::clone(map)
        }));
        if report.finished { Stage::Refined } else { Stage::Refining }
    }

    fn measure(&mut self) -> Result<Stage, EmbedError> {
        let (Some(optimised), Some(map)) = (&mut self.optimised, &self.map) else {
            return Ok(Stage::Settled);
        };
        let fields = std::mem::take(&mut optimised.fields);
        let preservation = if map.points.len() > NEIGHBOURS {
            Some(quality::preservation(&Points::new(&fields, optimised.width)?, &map.places, NEIGHBOURS)?)
        } else {
            None
        };
        self.map = Some(Arc::new(InputMap { settled: true, preservation, ..InputMap::clone(map) }));
        Ok(Stage::Settled)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::points::tests::{probe, spec};
    use super::*;
    use std::time::Duration;

    /// Four groups of points of five values; `shift` moves each by a little of its own.
    pub(in crate::maps) fn fields(points: usize, shift: f32) -> Vec<Vec<f32>> {
        let value = |point: usize, at: usize| {
            let noise = ((point * 71 + at * 37) % 101) as f32 / 101.0;
            let moved = ((point * 13 + at * 59) % 97) as f32 / 97.0 * shift;
            noise + moved + if point % 4 == at { 4.0 } else { 0.0 }
        };
        (0..points).map(|point| (0..5).map(|at| value(point, at)).collect()).collect()
    }

    /// A mapper that shows only landmarks of more points than `most`.
    pub(in crate::maps) fn mapper(most: usize) -> InputMapper {
        InputMapper { most_points: most, ..InputMapper::new(&spec(3), 0, None) }
    }

    pub(in crate::maps) fn settled(mapper: &mut InputMapper) -> Arc<InputMap> {
        while !mapper.is_settled() {
            mapper.advance(Instant::now() + Duration::from_secs(1)).unwrap();
        }
        Arc::clone(mapper.map().unwrap())
    }

    fn after(mapper: &mut InputMapper, step: u64, fields: &[Vec<f32>]) -> Arc<InputMap> {
        mapper.take(Arc::new(probe(step, 3, fields)));
        settled(mapper)
    }

    #[test]
    fn the_first_picture_is_there_at_once_and_is_refined() {
        let mut mapper = InputMapper::new(&spec(3), 0, None);
        mapper.take(Arc::new(probe(7, 3, &fields(160, 0.0))));
        mapper.advance(Instant::now()).unwrap();
        let first = Arc::clone(mapper.map().unwrap());
        assert_eq!((first.step, first.method, first.settled), (7, MapMethod::Pca, false));
        let map = settled(&mut mapper);
        assert_eq!(
            (map.method, map.iterations, map.settled),
            (MapMethod::Tsne, map.planned_iterations, true)
        );
        assert!(map.preservation.unwrap() > 0.5, "{:?}", map.preservation);
        assert_eq!(map.points, first.points);
        // Groups that the layer reads lie apart.
        let distance = |a: usize, b: usize| {
            let [a, b] = [map.places[a], map.places[b]];
            (a[0] - b[0]).hypot(a[1] - b[1])
        };
        let (within, between) = (distance(0, 4), distance(0, 1));
        assert!(within < between, "{within} {between}");
    }

    #[test]
    fn an_unchanged_probe_moves_nothing_and_brings_new_answers() {
        let mut mapper = InputMapper::new(&spec(3), 0, None);
        let before = after(&mut mapper, 10, &fields(120, 0.0));
        let mut answers = probe(20, 3, &fields(120, 0.0));
        answers.layers[0].activations.iter_mut().for_each(|value| *value *= 2.0);
        mapper.take(Arc::new(answers));
        let now = settled(&mut mapper);
        assert_eq!((before.step, now.step), (10, 20));
        assert_eq!((&now.places, now.preservation), (&before.places, before.preservation));
        assert_eq!(
            now.points.scales,
            before.points.scales.iter().map(|scale| 2.0 * scale).collect::<Vec<_>>()
        );
    }

    #[test]
    fn identities_last_and_survivors_stay_near_their_places() {
        let mut mapper = InputMapper::new(&spec(3), 0, None);
        let before = after(&mut mapper, 10, &fields(150, 0.0));
        let mut changed = fields(160, 0.05);
        changed.rotate_left(10);
        let mut next = probe(20, 3, &changed);
        next.inputs = (10..160).chain(0..10).collect();
        next.layers[0].positions = (10..160).chain(0..10).map(|at: u32| at % 9).collect();
        mapper.take(Arc::new(next));
        let now = settled(&mut mapper);
        let old = identities(&before.points);
        let origins = origins(&old, &identities(&now.points));
        let pairs: Vec<([f32; 2], [f32; 2])> = origins
            .iter()
            .zip(&now.places)
            .filter_map(|(origin, &place)| Some((before.places[(*origin)?], place)))
            .collect();
        assert_eq!(pairs.len(), 150);
        let (from, to): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
        let moved = quality::displacement(&from, &to).unwrap();
        assert!(moved.median < 0.1, "{moved:?}");
    }

    #[test]
    fn of_many_points_landmarks_are_shown_that_stand_for_all() {
        let mut mapper = mapper(200);
        let map = after(&mut mapper, 10, &fields(600, 0.05));
        assert_eq!(map.method, MapMethod::Hsne);
        let shown = map.points.len();
        assert!((4..=200).contains(&shown), "{shown}");
        assert_eq!((map.scale_sizes[0], map.scale_sizes.last()), (600, Some(&shown)));
        assert_eq!((map.places.len(), map.points.activations.len()), (shown, 3 * shown));
        let stands_for: u32 = map.points.counts.iter().sum();
        assert!((580..=620).contains(&stands_for), "{stands_for}");
        let again = after(&mut mapper, 20, &fields(600, 0.05));
        assert_eq!((again.step, &again.places), (20, &map.places));
    }

    #[test]
    fn a_resumed_run_goes_on_from_the_map_that_it_had() {
        // All points, which have changed; landmarks of what has not.
        for (points, change) in [(160, 0.02), (600, 0.0)] {
            let before = after(&mut mapper(200), 10, &fields(points, 0.0));
            let mut resumed = InputMapper {
                most_points: 200,
                ..InputMapper::new(&spec(3), 0, Some(InputMap::clone(&before)))
            };
            assert!(resumed.is_settled() && resumed.map() == Some(&before));
            let now = after(&mut resumed, 20, &fields(points, change));
            assert_eq!((now.step, now.settled, now.method), (20, true, before.method));
            let old = identities(&before.points);
            let origins = origins(&old, &identities(&now.points));
            let pairs = origins.iter().zip(&now.places);
            let (from, to): (Vec<_>, Vec<_>) =
                pairs.filter_map(|(origin, &place)| Some((before.places[(*origin)?], place))).unzip();
            assert_eq!(from.len(), before.points.len());
            let moved = quality::displacement(&from, &to).unwrap();
            assert!(moved.median < 0.1, "{points}: {moved:?}");
        }
    }

    #[test]
    fn few_points_have_a_map_and_none_have_none() {
        let mut mapper = InputMapper::new(&spec(3), 0, None);
        mapper.take(Arc::new(probe(1, 3, &[])));
        mapper.advance(Instant::now()).unwrap();
        assert!(mapper.is_settled() && mapper.map().is_none());
        for points in 1..4 {
            let mut mapper = InputMapper::new(&spec(3), 0, None);
            let map = after(&mut mapper, 1, &fields(points, 0.0));
            assert_eq!((map.places.len(), map.preservation), (points, None));
            assert!(map.places.iter().flatten().all(|value| value.is_finite()));
        }
    }
}
