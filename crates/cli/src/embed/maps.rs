//! Makes the maps, phase by phase.

use super::Method;
use super::progress::Progress;
use deepeyes_embed::{
    Affinities, Dissimilarities, EXACT_MOST, EmbedError, Hsne, Mds, Pca, Points, Scale, Sparse, Tsne,
    TsneConfig, pca_map, quality, transitions_of_points,
};

/// Columns above which t-SNE and HSNE work on as many principal components.
const COMPONENTS: usize = 50;
/// Neighbours that a map is measured by, and points that are asked.
const MEASURED: usize = 10;
const SAMPLE: usize = 2000;
/// Points of which MDS can hold all pairs.
const MDS_MOST: usize = 10_000;
const MDS_ITERATIONS: usize = 300;

/// What is asked for.
pub(super) struct Settings {
    pub(super) method: Method,
    pub(super) scales: usize,
    pub(super) iterations: Option<usize>,
    pub(super) config: TsneConfig,
}

/// A finished map.
#[derive(Default)]
pub(super) struct Made {
    pub(super) embedding: Vec<[f32; 2]>,
    /// Scales 1 and above.
    pub(super) landmarks: Vec<Landmarks>,
    pub(super) scale_sizes: Vec<usize>,
    pub(super) reduced_to: Option<usize>,
    pub(super) iterations: Option<usize>,
    pub(super) kl_divergence: Option<f64>,
    pub(super) stress: Option<f64>,
    pub(super) neighbour_recall: Option<f64>,
    pub(super) preservation: Option<f64>,
    pub(super) top_preservation: Option<f64>,
}

/// One scale of landmarks.
pub(super) struct Landmarks {
    pub(super) indices: Vec<u32>,
    pub(super) embedding: Vec<[f32; 2]>,
    pub(super) weights: Vec<f64>,
}

/// Why there is no map.
pub(super) enum Stopped {
    /// The user wants to end.
    Interrupted,
    /// The input does not allow it.
    Refused(EmbedError),
}

impl From<EmbedError> for Stopped {
    fn from(error: EmbedError) -> Self {
        Self::Refused(error)
    }
}

/// Makes a map of the points.
pub(super) fn make(
    points: &Points<'_>,
    settings: &Settings,
    progress: &mut Progress,
) -> Result<Made, Stopped> {
    if points.is_empty() {
        return Err(EmbedError::Empty { least: 1 }.into());
    }
    let config = settings.config;
    // Refused before the work rather than after it.
    Affinities::of_points(&Points::new(&[0.0], 1)?, config.perplexity)?;
    let mut map = match settings.method {
        Method::Pca => {
            progress.phase("pca", None);
            Made { embedding: pca_map(points)?, ..Made::default() }
        }
        Method::Mds => mds(points, settings, progress)?,
        Method::Tsne | Method::Hsne => {
            let reduced = reduced(points, progress)?;
            let near = reduced.as_ref().map_or(Ok(*points), |values| Points::new(values, COMPONENTS))?;
            let map = match settings.method {
                Method::Tsne => tsne(&near, settings, progress)?,
                _ => hsne(&near, settings, progress)?,
            };
            Made { reduced_to: reduced.is_some().then_some(COMPONENTS), ..map }
        }
    };
    if map.scale_sizes.is_empty() {
        map.scale_sizes.push(points.len());
    }
    progress.phase("measuring", None);
    map.preservation = preservation(points, &map.embedding)?;
    if let Some(top) = map.landmarks.last() {
        let values = rows(points, &top.indices);
        map.top_preservation = preservation(&Points::new(&values, points.dimension())?, &top.embedding)?;
    }
    go_on(progress)?;
    Ok(map)
}

fn go_on(progress: &Progress) -> Result<(), Stopped> {
    if progress.stopped() { Err(Stopped::Interrupted) } else { Ok(()) }
}

/// The principal components, where there are more columns than are wanted.
fn reduced(points: &Points<'_>, progress: &mut Progress) -> Result<Option<Vec<f32>>, Stopped> {
    if points.dimension() <= COMPONENTS {
        return Ok(None);
    }
    progress.phase("pca", None);
    let scores = Pca::new(points, COMPONENTS)?.project(points)?;
    go_on(progress)?;
    Ok(Some(scores))
}

fn mds(points: &Points<'_>, settings: &Settings, progress: &mut Progress) -> Result<Made, Stopped> {
    if points.len() > MDS_MOST {
        let expected = "at most 10000 for MDS, which holds all pairs; take a sample, or use tsne or hsne";
        return Err(EmbedError::Parameter {
            name: "the number of rows",
            value: points.len() as f64,
            expected,
        }
        .into());
    }
    progress.phase("distances", None);
    let known = Dissimilarities::of_points(points);
    progress.phase("start", None);
    let mut mds = Mds::new(&known)?;
    let most = settings.iterations.unwrap_or(MDS_ITERATIONS);
    progress.phase("optimisation", Some(most));
    let mut iterations = 0;
    while iterations < most && !mds.is_settled() {
        mds.step();
        iterations += 1;
        if !progress.step(iterations) {
            return Err(Stopped::Interrupted);
        }
    }
    let embedding = mds.map();
    let stress = quality::normalised_stress(&known, &embedding)?;
    Ok(Made { embedding, iterations: Some(iterations), stress: Some(stress), ..Made::default() })
}

fn tsne(points: &Points<'_>, settings: &Settings, progress: &mut Progress) -> Result<Made, Stopped> {
    progress.phase("affinities", None);
    let transitions = transitions_of_points(points, settings.config.perplexity)?;
    let affinities = Affinities::from_transitions(&transitions)?;
    go_on(progress)?;
    let map = optimised(affinities, points, settings, progress)?;
    progress.phase("measuring", None);
    let neighbour_recall = recall(points, &transitions)?;
    Ok(Made { neighbour_recall, ..map })
}

/// The t-SNE map of points of which the affinities are known.
fn optimised(
    affinities: Affinities,
    points: &Points<'_>,
    settings: &Settings,
    progress: &mut Progress,
) -> Result<Made, Stopped> {
    let iterations = settings.iterations.unwrap_or(settings.config.iterations);
    let config = TsneConfig { iterations, ..settings.config };
    progress.phase("optimisation", Some(iterations));
    let mut tsne = Tsne::new(affinities, &pca_map(points)?, config)?;
    let mut stopped = false;
    tsne.run_while(|report| {
        stopped = !progress.step(report.iteration);
        !stopped
    });
    if stopped {
        return Err(Stopped::Interrupted);
    }
    progress.phase("measuring", None);
    let kl_divergence = Some(tsne.kl_divergence());
    Ok(Made {
        embedding: tsne.map().to_vec(),
        iterations: Some(iterations),
        kl_divergence,
        ..Made::default()
    })
}

fn hsne(points: &Points<'_>, settings: &Settings, progress: &mut Progress) -> Result<Made, Stopped> {
    if settings.scales == 0 {
        let expected = "at least 1: the data are the first scale";
        return Err(EmbedError::Parameter { name: "scales", value: 0.0, expected }.into());
    }
    progress.phase("affinities", None);
    let mut hierarchy = Hsne::new(transitions_of_points(points, settings.config.perplexity)?)?;
    go_on(progress)?;
    progress.phase("hierarchy", Some(settings.scales - 1));
    while hierarchy.scales().len() < settings.scales && hierarchy.coarsen() {
        if !progress.step(hierarchy.scales().len() - 1) {
            return Err(Stopped::Interrupted);
        }
    }
    let (scales, top) = (hierarchy.scales(), hierarchy.top());
    let values = rows(points, &top.indices);
    let landmarks = Points::new(&values, points.dimension())?;
    let map = optimised(top.affinities()?, &landmarks, settings, progress)?;
    progress.phase("placing", None);
    let highest = scales.len() - 1;
    let embedding = hierarchy.place_all(highest, &map.embedding)?;
    let landmarks = (1..scales.len()).map(|number| {
        let scale = &scales[number];
        let embedding = hierarchy.place_on(number, highest, &map.embedding)?;
        Ok(Landmarks { indices: scale.indices.clone(), embedding, weights: scale.weights.clone() })
    });
    let landmarks = landmarks.collect::<Result<_, EmbedError>>()?;
    progress.phase("measuring", None);
    let neighbour_recall = recall(points, &scales[0].transitions)?;
    let scale_sizes = scales.iter().map(Scale::len).collect();
    Ok(Made { embedding, landmarks, scale_sizes, neighbour_recall, ..map })
}

fn rows(points: &Points<'_>, which: &[u32]) -> Vec<f32> {
    which.iter().flat_map(|&i| points.row(i as usize)).copied().collect()
}

/// What an approximate search found; an exact one is not asked.
fn recall(points: &Points<'_>, transitions: &Sparse) -> Result<Option<f64>, EmbedError> {
    if points.len() <= EXACT_MOST {
        return Ok(None);
    }
    quality::search_recall(points, transitions, SAMPLE).map(Some)
}

/// Neighbours kept; none where a point is alone.
fn preservation(points: &Points<'_>, map: &[[f32; 2]]) -> Result<Option<f64>, EmbedError> {
    let k = MEASURED.min(points.len() - 1);
    if k == 0 {
        return Ok(None);
    }
    quality::sampled_preservation(points, map, k, SAMPLE).map(Some)
}
