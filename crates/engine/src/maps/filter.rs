//! A layer's filter map: filters that answer alike lie together, and stay where they were from window to window.

use super::neighbourhood::origins;
use deepeyes_core::{FilterLink, FilterMap, LayerSnapshot, MapMethod, Similarity};
use deepeyes_embed::{Affinities, Dissimilarities, EmbedError, Mds, Tsne, TsneConfig, align};
use std::sync::Arc;
use std::time::Instant;

/// More filters than this are placed by t-SNE.
const MOST_SCALED: usize = 512;
/// Steps after which a map counts as settled, whatever the last one gained.
const MOST_STEPS: usize = 300;
/// Filters at least this alike are linked.
const LINKED: f32 = 0.7;
/// Links that are kept, the strongest.
const MOST_LINKS: usize = 2000;

/// What places the filters.
enum Placing {
    Scaling(Box<Mds>),
    Embedding(Box<Tsne>),
}

impl Placing {
    fn refine(&mut self, until: Instant) {
        match self {
            Self::Scaling(mds) => {
                mds.run_while(|mds| mds.iterations() < MOST_STEPS && Instant::now() < until);
            }
            Self::Embedding(tsne) => tsne.run_while(|_| Instant::now() < until),
        }
    }

    fn is_settled(&self) -> bool {
        match self {
            Self::Scaling(mds) => mds.is_settled() || mds.iterations() >= MOST_STEPS,
            Self::Embedding(tsne) => tsne.report().finished,
        }
    }

    fn iterations(&self) -> usize {
        match self {
            Self::Scaling(mds) => mds.iterations(),
            Self::Embedding(tsne) => tsne.report().iteration,
        }
    }

    fn method(&self) -> MapMethod {
        match self {
            Self::Scaling(_) => MapMethod::Mds,
            Self::Embedding(_) => MapMethod::Tsne,
        }
    }

    fn places(&self) -> Vec<[f32; 2]> {
        match self {
            Self::Scaling(mds) => mds.map(),
            Self::Embedding(tsne) => tsne.map().to_vec(),
        }
    }
}

/// The filters of one window that are placed, and how alike they are.
#[derive(PartialEq)]
struct Alike {
    filters: Vec<u32>,
    /// phi of the pairs (0, 1), (0, 2), ... of them.
    phi: Vec<f32>,
}

impl Alike {
    /// Those that are not zero in the whole window.
    fn of(snapshot: &LayerSnapshot, similarity: &Similarity) -> Self {
        let statistics = snapshot.statistics.filters.iter().enumerate();
        let filters: Vec<u32> =
            statistics.filter(|(_, filter)| filter.max > 0.0).map(|(at, _)| at as u32).collect();
        let phi = pairs(&filters).map(|(i, j)| similarity.get(i as usize, j as usize)).collect();
        Self { filters, phi }
    }

    fn links(&self) -> Vec<FilterLink> {
        let links = pairs(&self.filters).zip(&self.phi).filter(|&(_, &phi)| phi >= LINKED);
        let mut links: Vec<FilterLink> =
            links.map(|((one, other), &similarity)| FilterLink { one, other, similarity }).collect();
        links.sort_by(|a, b| {
            b.similarity.total_cmp(&a.similarity).then((a.one, a.other).cmp(&(b.one, b.other)))
        });
        links.truncate(MOST_LINKS);
        links
    }

    fn dissimilarities(&self) -> Result<Dissimilarities, EmbedError> {
        let delta = self.phi.iter().map(|phi| (1.0 - phi).clamp(0.0, 1.0)).collect();
        Dissimilarities::new(self.filters.len(), delta)
    }

    /// Where the filters begin: where they were; a new one at the mean of those that it is like.
    fn start(&self, before: &FilterMap) -> Vec<[f32; 2]> {
        let origins = origins(&before.filters, &self.filters);
        let n = self.filters.len();
        let phi = |i: usize, j: usize| {
            let (i, j) = (i.min(j), i.max(j));
            f64::from(self.phi[i * (2 * n - i - 1) / 2 + (j - i - 1)])
        };
        let place = |i: usize| {
            if let Some(origin) = origins[i] {
                return before.places[origin];
            }
            let (mut sum, mut total) = ([0.0; 2], 0.0);
            for j in (0..n).filter(|&j| j != i) {
                let Some(origin) = origins[j] else { continue };
                let weight = phi(i, j);
                total += weight;
                sum = [0, 1].map(|axis| sum[axis] + weight * f64::from(before.places[origin][axis]));
            }
            if total > 0.0 { sum.map(|sum| (sum / total) as f32) } else { [0.0; 2] }
        };
        (0..n).map(place).collect()
    }
}

/// The pairs (0, 1), (0, 2), ... of filters.
fn pairs(filters: &[u32]) -> impl Iterator<Item = (u32, u32)> {
    filters.iter().enumerate().flat_map(|(at, &i)| filters[at + 1..].iter().map(move |&j| (i, j)))
}

/// One layer's filter map.
#[derive(Default)]
pub(super) struct FilterMapper {
    waiting: Option<Arc<LayerSnapshot>>,
    alike: Option<Alike>,
    placing: Option<Placing>,
    map: Option<Arc<FilterMap>>,
}

impl FilterMapper {
    /// Goes on from the map that the run had, if any.
    pub(super) fn new(before: Option<FilterMap>) -> Self {
        let settled = |map| Arc::new(FilterMap { settled: true, ..map });
        Self { map: before.map(settled), ..Self::default() }
    }

    /// The map as it is now.
    pub(super) fn map(&self) -> Option<&Arc<FilterMap>> {
        self.map.as_ref()
    }

    /// Whether there is nothing to do.
    pub(super) fn is_settled(&self) -> bool {
        self.waiting.is_none() && self.map.as_ref().is_none_or(|map| map.settled)
    }

    /// A new window, which the map is to follow; one without similarity is let go.
    pub(super) fn take(&mut self, window: Arc<LayerSnapshot>) {
        if window.statistics.similarity.is_some() {
            self.waiting = Some(window);
        }
    }

    /// Takes up what waits, and refines the map until `until`.
    ///
    /// # Errors
    /// Where similarity is not between 0 and 1; the map then stays as it is.
    pub(super) fn advance(&mut self, until: Instant) -> Result<(), String> {
        if let Some(window) = self.waiting.take() {
            self.begin(&window).map_err(|error| error.to_string())?;
        }
        let (Some(placing), Some(map)) = (&mut self.placing, &self.map) else { return Ok(()) };
        if !map.settled {
            placing.refine(until);
            let places = match placing {
                // Stress does not mind a turn; t-SNE's points go on from where they are.
                Placing::Scaling(_) => turned(placing.places(), &map.places),
                Placing::Embedding(_) => placing.places(),
            };
            let (iterations, settled) = (placing.iterations(), placing.is_settled());
            self.map = Some(Arc::new(FilterMap { places, iterations, settled, ..FilterMap::clone(map) }));
        }
        Ok(())
    }

    fn begin(&mut self, window: &LayerSnapshot) -> Result<(), EmbedError> {
        let Some(similarity) = &window.statistics.similarity else { return Ok(()) };
        let alike = Alike::of(window, similarity);
        if let (true, Some(map)) = (self.alike.as_ref() == Some(&alike), &self.map) {
            self.map = Some(Arc::new(FilterMap { step: window.to, ..FilterMap::clone(map) }));
            return Ok(());
        }
        let (n, all) = (alike.filters.len(), window.statistics.filters.len());
        let mut map = FilterMap {
            step: window.to,
            filters: alike.filters.clone(),
            places: vec![[0.0; 2]; n],
            links: alike.links(),
            all_zero: all - n,
            method: MapMethod::Mds,
            iterations: 0,
            settled: true,
        };
        self.placing = if n > 1 { Some(self.placing(&alike)?) } else { None };
        if let Some(placing) = &self.placing {
            map.places = placing.places();
            map.method = placing.method();
            map.settled = false;
        }
        self.alike = Some(alike);
        self.map = Some(Arc::new(map));
        Ok(())
    }

    /// What places these filters, from where they were.
    fn placing(&mut self, alike: &Alike) -> Result<Placing, EmbedError> {
        let before = self.map.as_ref().filter(|map| map.filters.len() > 1);
        let dissimilarities = alike.dissimilarities()?;
        if alike.filters.len() <= MOST_SCALED {
            let mds = match before.filter(|map| map.method == MapMethod::Mds) {
                Some(map) => Mds::from_map(&dissimilarities, &alike.start(map))?,
                None => Mds::new(&dissimilarities)?,
            };
            return Ok(Placing::Scaling(Box::new(mds)));
        }
        let config = TsneConfig::default();
        let affinities = Affinities::of_dissimilarities(&dissimilarities, config.perplexity)?;
        let tsne = match (self.placing.take(), before) {
            (Some(Placing::Embedding(mut tsne)), Some(map)) => {
                tsne.replace(affinities, &origins(&map.filters, &alike.filters))?;
                tsne
            }
            _ => Box::new(Tsne::new(affinities, &vec![[0.0; 2]; alike.filters.len()], config)?),
        };
        Ok(Placing::Embedding(tsne))
    }
}

/// A map turned so that it is nearest to what was shown.
fn turned(places: Vec<[f32; 2]>, shown: &[[f32; 2]]) -> Vec<[f32; 2]> {
    match align(&places, shown) {
        Ok(motion) => places.into_iter().map(|place| motion.apply(place)).collect(),
        Err(_) => places,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use deepeyes_core::{FilterState, FilterStatistics, LayerStatistics, PerplexityHistogram};
    use std::time::Duration;

    /// A window of filters of which those of the same group answer alike; `zero` of them never.
    fn window(to: u64, groups: &[usize], zero: &[usize], noise: f32) -> Arc<LayerSnapshot> {
        let n = groups.len();
        let phi = |i: usize, j: usize| {
            let alike = if groups[i] == groups[j] { 0.8 } else { 0.2 };
            if zero.contains(&i) || zero.contains(&j) {
                0.0
            } else {
                alike + noise * ((i * 7 + j * 3) % 5) as f32 / 5.0
            }
        };
        let filter = |at: usize| FilterStatistics {
            max: if zero.contains(&at) { 0.0 } else { 1.0 },
            frequency: 0.5,
            sum: 1.0,
            label: None,
            label_strength: None,
            specificity: None,
            state: FilterState::Alive,
        };
        Arc::new(LayerSnapshot {
            from: 1,
            to,
            instances_possible: 1,
            instances_sampled: 1,
            all_time_max: vec![1.0; n],
            statistics: LayerStatistics {
                instances: 1,
                perplexity: PerplexityHistogram { counts: vec![0; 50], mean: None },
                filters: (0..n).map(filter).collect(),
                similarity: Some(Similarity {
                    filters: n,
                    upper: (0..n)
                        .flat_map(|i| (i + 1..n).map(move |j| (i, j)))
                        .map(|(i, j)| phi(i, j))
                        .collect(),
                }),
                ..LayerStatistics::default()
            },
            ..LayerSnapshot::default()
        })
    }

    fn after(mapper: &mut FilterMapper, window: Arc<LayerSnapshot>) -> Arc<FilterMap> {
        mapper.take(window);
        while !mapper.is_settled() {
            mapper.advance(Instant::now() + Duration::from_secs(1)).unwrap();
        }
        Arc::clone(mapper.map().unwrap())
    }

    fn distance(a: [f32; 2], b: [f32; 2]) -> f32 {
        (a[0] - b[0]).hypot(a[1] - b[1])
    }

    #[test]
    fn alike_filters_lie_together_and_silent_ones_are_counted() {
        let groups: Vec<usize> = (0..24).map(|at| at % 3).collect();
        let map = after(&mut FilterMapper::default(), window(20, &groups, &[4, 5], 0.0));
        assert_eq!((map.step, map.all_zero, map.method, map.settled), (20, 2, MapMethod::Mds, true));
        assert_eq!(map.filters.len(), 22);
        assert!(!map.filters.contains(&4) && !map.filters.contains(&5));
        let near = distance(map.places[0], map.places[3]);
        let far = distance(map.places[0], map.places[1]);
        assert!(near < far, "{near} {far}");
        // Eight of one group and seven of each other one are linked with each other.
        assert_eq!(map.links.len(), 28 + 21 + 21);
        assert!(map.links.iter().all(|link| link.one < link.other && link.one % 3 == link.other % 3));
    }

    #[test]
    fn the_same_similarity_moves_nothing_and_another_one_little() {
        let groups: Vec<usize> = (0..24).map(|at| at % 3).collect();
        let mut mapper = FilterMapper::default();
        let first = after(&mut mapper, window(20, &groups, &[23], 0.0));
        let same = after(&mut mapper, window(40, &groups, &[23], 0.0));
        assert_eq!((same.step, &same.places), (40, &first.places));
        // One filter wakes up, and all answer a little differently.
        let other = after(&mut mapper, window(60, &groups, &[], 0.02));
        assert_eq!((other.filters.len(), other.all_zero), (24, 0));
        for (before, now) in first.places.iter().zip(&other.places) {
            assert!(distance(*before, *now) < 0.2, "{before:?} {now:?}");
        }
        let own_group = distance(other.places[23], other.places[20]);
        assert!(own_group < distance(other.places[23], other.places[21]), "{own_group}");
    }

    #[test]
    fn none_and_one_have_a_map_at_once() {
        let none = after(&mut FilterMapper::default(), window(20, &[0, 1], &[0, 1], 0.0));
        assert_eq!((none.places.len(), none.all_zero, none.settled), (0, 2, true));
        let one = after(&mut FilterMapper::default(), window(20, &[0, 1], &[0], 0.0));
        assert_eq!((&one.places[..], &one.filters[..]), (&[[0.0; 2]][..], &[1][..]));
    }

    #[test]
    fn many_filters_are_embedded_and_refreshed_in_place() {
        let groups: Vec<usize> = (0..MOST_SCALED + 8).map(|at| at % 5).collect();
        let mut mapper = FilterMapper::default();
        let first = after(&mut mapper, window(20, &groups, &[], 0.0));
        assert_eq!((first.method, first.links.len()), (MapMethod::Tsne, MOST_LINKS));
        let same = after(&mut mapper, window(40, &groups, &[], 0.0));
        assert_eq!(same.places, first.places);
    }
}
