//! A stored run as the commands read it: what it is, its scalars, and each layer's course.

pub(crate) use deepeyes_store::{CoursePoint, RunStatus as Status};

use crate::error::Failure;
use anyhow::Context;
use deepeyes_core::{
    FilterMap, FilterState, Finding, InputMap, LayerSnapshot, LayerSpec, MapMethod, RunDescription,
};
use deepeyes_store::{Reader, Scalar, Validation};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;

/// One value for each stored iteration.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Scalars {
    pub(crate) step: Vec<u64>,
    pub(crate) loss: Vec<f64>,
    /// Validation accuracy in [0, 1]; `None` at iterations where it was not measured.
    pub(crate) accuracy: Vec<Option<f64>>,
    /// The mini-batch's own accuracy in [0, 1]; `None` where unknown.
    pub(crate) train_accuracy: Vec<Option<f64>>,
}

impl Scalars {
    /// Validations beside the iterations that they followed.
    fn new(scalars: &[Scalar], validations: &[Validation]) -> Self {
        let accuracy: BTreeMap<u64, f64> = validations.iter().map(|v| (v.step, v.accuracy)).collect();
        Self {
            step: scalars.iter().map(|scalar| scalar.step).collect(),
            loss: scalars.iter().map(|scalar| scalar.loss).collect(),
            accuracy: scalars.iter().map(|scalar| accuracy.get(&scalar.step).copied()).collect(),
            train_accuracy: scalars.iter().map(|scalar| scalar.train_accuracy).collect(),
        }
    }

    /// The last measured validation accuracy.
    pub(crate) fn last_accuracy(&self) -> Option<f64> {
        self.accuracy.iter().rev().flatten().next().copied()
    }

    /// Mean loss of the last 20 iterations.
    pub(crate) fn recent_loss(&self) -> Option<f64> {
        mean(self.loss.iter().rev().take(20).copied())
    }

    /// Mean accuracy of the last 50 mini-batches; `None` where it is known of none of them.
    pub(crate) fn recent_train_accuracy(&self) -> Option<f64> {
        mean(self.train_accuracy.iter().rev().take(50).flatten().copied())
    }
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / f64::from(count))
}

/// What is said of a layer's input map.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct InputMapView {
    pub(crate) step: u64,
    pub(crate) points: usize,
    pub(crate) method: MapMethod,
    pub(crate) settled: bool,
    /// Share of the nearest neighbours that are kept.
    pub(crate) preservation: Option<f64>,
}

impl From<InputMap> for InputMapView {
    fn from(map: InputMap) -> Self {
        let InputMap { step, points, method, settled, preservation, .. } = map;
        Self { step, points: points.len(), method, settled, preservation }
    }
}

/// What is said of a layer's filter map.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct FilterMapView {
    pub(crate) step: u64,
    /// Filters that are placed.
    pub(crate) points: usize,
    pub(crate) method: MapMethod,
    pub(crate) settled: bool,
}

impl From<FilterMap> for FilterMapView {
    fn from(map: FilterMap) -> Self {
        let FilterMap { step, filters, method, settled, .. } = map;
        Self { step, points: filters.len(), method, settled }
    }
}

/// A watched layer of a run.
#[derive(Debug, Clone)]
pub(crate) struct LayerView {
    pub(crate) spec: LayerSpec,
    /// The layer at the asked step; `None` before its first window.
    pub(crate) snapshot: Option<LayerSnapshot>,
    /// The last iteration of the window whose similarity the snapshot holds: the newest that was kept.
    pub(crate) similarity_step: Option<u64>,
    /// Its stored windows up to that step, oldest first.
    pub(crate) course: Vec<CoursePoint>,
    /// Its newest stored maps up to that step.
    pub(crate) input_map: Option<InputMapView>,
    pub(crate) filter_map: Option<FilterMapView>,
}

impl LayerView {
    /// The filters in one state.
    pub(crate) fn filters_in(&self, state: FilterState) -> usize {
        let filters = self.snapshot.iter().flat_map(|snapshot| &snapshot.statistics.filters);
        filters.filter(|filter| filter.state == state).count()
    }

    /// Filters that a group of alike ones could do without.
    pub(crate) fn redundant(&self) -> usize {
        let groups = self.snapshot.iter().flat_map(|snapshot| &snapshot.statistics.redundant_groups);
        groups.map(|group| group.len() - 1).sum()
    }
}

/// A stored run.
#[derive(Debug, Clone)]
pub(crate) struct RunView {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) status: Status,
    /// The last stored iteration.
    pub(crate) step: u64,
    /// Wall-clock seconds from its start to its last stored event.
    pub(crate) seconds: f64,
    pub(crate) description: RunDescription,
    pub(crate) scalars: Scalars,
    pub(crate) layers: Vec<LayerView>,
}

impl RunView {
    /// Every layer's findings, most severe first, then in the network's order.
    pub(crate) fn findings(&self) -> Vec<&Finding> {
        let snapshots = self.layers.iter().filter_map(|layer| layer.snapshot.as_ref());
        let mut findings: Vec<&Finding> =
            snapshots.flat_map(|snapshot| &snapshot.statistics.findings).collect();
        findings.sort_by_key(|finding| finding.severity);
        findings
    }
}

/// Opens the run that the command line names: a directory, or a name under the log directory.
pub(crate) fn open(run: &str, logdir: &Path) -> Result<Reader, Failure> {
    let directory = deepeyes_store::resolve(run, logdir).map_err(|error| Failure::Usage(error.into()))?;
    Reader::open(directory).map_err(|error| Failure::Usage(error.into()))
}

/// Reads a run as it was at an iteration (`None`: as it is), one of its layers or all.
pub(crate) fn load(reader: &Reader, layer: Option<&str>, at: Option<u64>) -> Result<RunView, Failure> {
    let info = reader.info().context("cannot read the run")?;
    let indices = choose(&info.description, layer)?;
    if let Some(at) = at {
        check_step(reader, at, info.step)?;
    }
    let scalars = reader.scalars().context("cannot read the run's scalars")?;
    let validations = reader.validations().context("cannot read the run's validations")?;
    let layers =
        indices.into_iter().map(|index| load_layer(reader, index, &info.description.layers[index], at));
    Ok(RunView {
        id: info.id,
        name: info.name,
        status: info.status,
        step: info.step,
        seconds: info.seconds,
        scalars: Scalars::new(&scalars, &validations),
        layers: layers.collect::<anyhow::Result<_>>()?,
        description: info.description,
    })
}

/// Indices of the layers of that name, or of all.
fn choose(description: &RunDescription, layer: Option<&str>) -> Result<Vec<usize>, Failure> {
    let Some(name) = layer else { return Ok((0..description.layers.len()).collect()) };
    match description.layers.iter().position(|layer| layer.name == name) {
        Some(index) => Ok(vec![index]),
        None => {
            let names: Vec<&str> = description.layers.iter().map(|layer| layer.name.as_str()).collect();
            Err(Failure::usage(
                format!("the run has no layer {name:?}"),
                format!("its layers are {}", names.join(", ")),
            ))
        }
    }
}

fn check_step(reader: &Reader, at: u64, last: u64) -> Result<(), Failure> {
    let steps = reader.snapshot_steps().context("cannot list the run's windows")?;
    if at <= last && steps.first().is_some_and(|&first| at >= first) {
        return Ok(());
    }
    let hint = match steps.as_slice() {
        [] => "no window of it is complete yet".to_owned(),
        [only] => format!("its only window ends at iteration {only}"),
        [first, .., end] => format!(
            "its {} kept windows end at iterations {first} to {end}; it has {last} iterations",
            steps.len()
        ),
    };
    Err(Failure::usage(format!("the run has nothing at iteration {at}"), hint))
}

fn load_layer(reader: &Reader, index: usize, spec: &LayerSpec, at: Option<u64>) -> anyhow::Result<LayerView> {
    let context = || format!("cannot read layer {}", spec.name);
    let mut snapshot = reader.layer_snapshot(index, at).with_context(context)?;
    let mut similarity_step = None;
    if let Some(snapshot) = &mut snapshot {
        if snapshot.statistics.similarity.is_some() {
            similarity_step = Some(snapshot.to);
        } else if let Some((step, similarity)) = reader.similarity(index, at).with_context(context)? {
            similarity_step = Some(step);
            snapshot.statistics.similarity = Some(similarity);
        }
    }
    let mut course = reader.course(index).with_context(context)?;
    course.retain(|point| at.is_none_or(|at| point.to <= at));
    let input_map = reader.input_map(index, at).with_context(context)?.map(InputMapView::from);
    let filter_map = reader.filter_map(index, at).with_context(context)?.map(FilterMapView::from);
    Ok(LayerView { spec: spec.clone(), snapshot, similarity_step, course, input_map, filter_map })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_of_early_mini_batches_alone_is_no_recent_accuracy() {
        let known = |at: usize, accuracy: f64| {
            let mut scalars = Scalars { train_accuracy: vec![None; 200], ..Scalars::default() };
            scalars.train_accuracy[at] = Some(accuracy);
            scalars.recent_train_accuracy()
        };
        assert_eq!((known(3, 0.1), known(149, 0.2), known(150, 0.9)), (None, None, Some(0.9)));
    }
}
