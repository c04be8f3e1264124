//! Patches of the instances that a run's store keeps.

use super::patches::Patches;
use super::raster::Raster;
use crate::export::{Images, Instances};
use crate::run_view::RunView;
use deepeyes_core::{Finding, InstanceSample};
use deepeyes_store::Reader;
use std::sync::Arc;

/// Patches wider or higher than this would not be evidence at a glance but most of the page.
const MOST_PIXELS: usize = 128;

/// The samples of the layers whose findings name instances.
#[derive(Debug)]
pub(crate) struct StoredPatches {
    layers: Vec<Option<(deepeyes_core::LayerSpec, InstanceSample, Images)>>,
}

impl StoredPatches {
    /// Reads what the findings of `run` name. What is not kept, or not of the findings' window, is left out: a wrong
    /// picture would be worse than none.
    pub(crate) fn read(reader: &Reader, run: &RunView) -> Self {
        let layer = |(index, layer): (usize, &crate::run_view::LayerView)| {
            let snapshot = layer.snapshot.as_ref()?;
            let named: Vec<usize> = snapshot.statistics.findings.iter().filter_map(named).flatten().collect();
            let field = layer.spec.receptive_field?;
            if named.is_empty() || field.size.iter().any(|&side| side > MOST_PIXELS) {
                return None;
            }
            let (step, sample) = reader.sample(index, Some(snapshot.to)).ok()??;
            if step != snapshot.to {
                return None;
            }
            let inputs = named.into_iter().filter_map(|row| sample.inputs.get(row).copied());
            let images =
                inputs.filter_map(|input| Some((input, Arc::new(reader.image(input).ok()??)))).collect();
            Some((layer.spec.clone(), sample, images))
        };
        Self { layers: run.layers.iter().enumerate().map(layer).collect() }
    }
}

/// The rows that the page can show of a finding.
fn named(finding: &Finding) -> Option<Vec<usize>> {
    finding.instances.as_ref().map(|rows| rows.iter().take(super::findings::MOST_PATCHES).copied().collect())
}

impl Patches for StoredPatches {
    fn patch(&self, layer: usize, row: usize) -> Option<Raster> {
        let (spec, sample, images) = self.layers.get(layer)?.as_ref()?;
        Instances { spec, sample, images }.patch(row)
    }
}
