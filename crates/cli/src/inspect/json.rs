//! The JSON form of a run.

use crate::run_view::{FilterMapView, InputMapView, LayerView, RunView, Scalars, Status};
use crate::statistics_json::StatisticsJson;
use deepeyes_core::{Rectify, Separability};
use deepeyes_network::ReceptiveField;
use serde::Serialize;

/// What `inspect --json` prints.
#[derive(Debug, Serialize)]
pub(crate) struct InspectJson<'a> {
    run: RunJson<'a>,
    scalars: &'a Scalars,
    layers: Vec<LayerJson<'a>>,
}

impl<'a> InspectJson<'a> {
    /// `similarity` asks for the layers' similarity matrices.
    pub(crate) fn new(run: &'a RunView, similarity: bool) -> Self {
        let layers = run.layers.iter().map(|layer| LayerJson::new(layer, similarity)).collect();
        Self { run: RunJson::new(run), scalars: &run.scalars, layers }
    }
}

/// What a run is.
#[derive(Debug, Serialize)]
pub(crate) struct RunJson<'a> {
    id: &'a str,
    name: &'a str,
    network: &'a str,
    data: &'a str,
    status: Status,
    step: u64,
    iterations: Option<u64>,
    parameters: u64,
    multiply_adds: Option<u64>,
    seconds: f64,
    batch: Option<usize>,
    seed: Option<u64>,
    classes: &'a [String],
}

impl<'a> RunJson<'a> {
    pub(crate) fn new(run: &'a RunView) -> Self {
        let description = &run.description;
        Self {
            id: &run.id,
            name: &run.name,
            network: &description.network,
            data: &description.data,
            status: run.status,
            step: run.step,
            iterations: description.iterations,
            parameters: description.parameters,
            multiply_adds: description.multiply_adds,
            seconds: run.seconds,
            batch: description.batch,
            seed: description.seed,
            classes: &description.classes,
        }
    }
}

/// A layer at the end of a window, with the same statistics as `analyze --json`.
#[derive(Debug, Serialize)]
pub(crate) struct LayerJson<'a> {
    name: &'a str,
    kind: &'a str,
    grid: [usize; 2],
    receptive_field: Option<ReceptiveField>,
    parameters: u64,
    instances_possible: u64,
    instances_sampled: u64,
    rectify: Rectify,
    window: Option<Window>,
    stable: bool,
    stable_since: Option<u64>,
    drift: Option<f64>,
    noise: Option<f64>,
    trend: Option<f64>,
    change: Option<&'a [f32]>,
    all_time_max: &'a [f32],
    separability: Option<&'a Separability>,
    input_map: Option<&'a InputMapView>,
    filter_map: Option<&'a FilterMapView>,
    #[serde(flatten)]
    statistics: StatisticsJson<'a>,
    /// The last iteration of the window that the similarity is of.
    #[serde(skip_serializing_if = "Option::is_none")]
    similarity_step: Option<u64>,
}

#[derive(Debug, Serialize)]
struct Window {
    from: u64,
    to: u64,
}

impl<'a> LayerJson<'a> {
    /// `similarity` asks for the similarity matrix.
    pub(crate) fn new(layer: &'a LayerView, similarity: bool) -> Self {
        let LayerView { spec, snapshot, similarity_step, input_map, filter_map, .. } = layer;
        let snapshot = snapshot.as_ref();
        Self {
            name: &spec.name,
            kind: &spec.kind,
            grid: spec.grid,
            receptive_field: spec.receptive_field,
            parameters: spec.parameters,
            instances_possible: snapshot.map_or(0, |snapshot| snapshot.instances_possible),
            instances_sampled: snapshot.map_or(0, |snapshot| snapshot.instances_sampled),
            rectify: spec.rectify,
            window: snapshot.map(|snapshot| Window { from: snapshot.from, to: snapshot.to }),
            stable: snapshot.is_some_and(|snapshot| snapshot.stable),
            stable_since: snapshot.and_then(|snapshot| snapshot.stable_since),
            drift: snapshot.and_then(|snapshot| snapshot.drift),
            noise: snapshot.and_then(|snapshot| snapshot.noise),
            trend: snapshot.and_then(|snapshot| snapshot.trend),
            change: snapshot.and_then(|snapshot| snapshot.change.as_deref()),
            all_time_max: snapshot.map_or(&[], |snapshot| &snapshot.all_time_max),
            separability: snapshot.and_then(|snapshot| snapshot.separability.as_ref()),
            input_map: input_map.as_ref(),
            filter_map: filter_map.as_ref(),
            statistics: snapshot.map_or_else(
                || StatisticsJson::none(spec.filters),
                |snapshot| StatisticsJson::new(&snapshot.statistics, similarity),
            ),
            similarity_step: similarity_step.filter(|_| similarity),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synthetic;

    fn keys(value: &serde_json::Value) -> Vec<&str> {
        value.as_object().map(|object| object.keys().map(String::as_str).collect()).unwrap_or_default()
    }

    #[test]
    fn the_keys_are_those_of_the_contract() {
        let run = synthetic::run(600, &[("conv1", 4)]);
        let json = serde_json::to_value(InspectJson::new(&run, true)).unwrap();
        assert_eq!(keys(&json), ["run", "scalars", "layers"]);
        for key in ["id", "name", "network", "status", "step", "parameters", "seconds"] {
            assert!(keys(&json["run"]).contains(&key), "{key}");
        }
        assert_eq!(keys(&json["scalars"]), ["step", "loss", "accuracy", "train_accuracy"]);
        let layer = keys(&json["layers"][0]);
        for key in [
            "name",
            "kind",
            "filters",
            "grid",
            "receptive_field",
            "parameters",
            "instances_possible",
            "instances_sampled",
            "rectify",
            "window",
            "stable",
            "stable_since",
            "drift",
            "trend",
            "input_map",
            "filter_map",
            "instances",
            "invalid",
            "silent",
            "perplexity",
            "filters_detail",
            "redundant_groups",
            "effective_filters",
            "findings",
            "similarity",
        ] {
            assert_eq!(layer.iter().filter(|name| **name == key).count(), 1, "{key}");
        }
        assert_eq!(keys(&json["layers"][0]["receptive_field"]), ["size", "stride", "offset"]);
        let map = &json["layers"][0]["input_map"];
        assert_eq!(keys(map), ["step", "points", "method", "settled", "preservation"]);
        assert_eq!((&map["method"], &map["points"]), (&"tsne".into(), &2_935.into()));
        assert_eq!(keys(&json["layers"][0]["filter_map"]), ["step", "points", "method", "settled"]);
        assert_eq!(json["layers"][0]["similarity"].as_array().map(Vec::len), Some(4));
    }

    #[test]
    fn a_layer_without_a_window_has_the_same_keys_and_no_number_is_nan() {
        let with = synthetic::run(600, &[("conv1", 4)]);
        let mut without = synthetic::run(5, &[("conv1", 4)]);
        without.scalars.loss[0] = f64::NAN;
        let json = |run: &RunView| serde_json::to_string(&InspectJson::new(run, false)).unwrap();
        let (with, without) = (json(&with), json(&without));
        assert!(!without.contains("NaN"));
        let parse = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(keys(&parse(&with)["layers"][0]), keys(&parse(&without)["layers"][0]));
    }
}
