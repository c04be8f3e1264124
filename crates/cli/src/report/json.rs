//! The report as one JSON document.

use crate::inspect::{LayerJson, RunJson};
use crate::run_view::{CoursePoint, RunView, Scalars};
use deepeyes_core::Finding;
use serde::Serialize;

/// Everything on the page, for programs.
#[derive(Debug, Serialize)]
pub(crate) struct ReportJson<'a> {
    run: RunJson<'a>,
    scalars: &'a Scalars,
    layers: Vec<LayerJson<'a>>,
    findings: Vec<&'a Finding>,
    course: Vec<CourseJson<'a>>,
}

/// A layer's histograms over the training.
#[derive(Debug, Serialize)]
struct CourseJson<'a> {
    layer: &'a str,
    windows: &'a [CoursePoint],
}

impl<'a> ReportJson<'a> {
    pub(crate) fn new(run: &'a RunView) -> Self {
        Self {
            run: RunJson::new(run),
            scalars: &run.scalars,
            layers: run.layers.iter().map(|layer| LayerJson::new(layer, false)).collect(),
            findings: run.findings(),
            course: run
                .layers
                .iter()
                .map(|layer| CourseJson { layer: &layer.spec.name, windows: &layer.course })
                .collect(),
        }
    }
}
