//! A window as it is stored, so that those of several writers can be merged when they are read.

use super::{LayerWindow, Totals};
use crate::random::{hash, hash_of};
use crate::reservoir::{Identity, Reservoir};
use crate::{AnalysisConfig, InstanceSample, LayerSpec};
use serde::{Deserialize, Serialize};

/// Everything that a window keeps but its sample, which is stored beside it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct KeptWindow {
    config: AnalysisConfig,
    totals: Totals,
}

impl LayerWindow {
    /// What of it is to be stored; `config` as it was made with.
    pub fn keep(&mut self, config: &AnalysisConfig) -> KeptWindow {
        self.totals.sketch.settle();
        KeptWindow { config: config.clone(), totals: self.totals.without_sample() }
    }
}

impl KeptWindow {
    /// The settings of the analysis that made it.
    pub fn config(&self) -> &AnalysisConfig {
        &self.config
    }

    /// First and last step of its mini-batches.
    pub fn steps(&self) -> (u64, u64) {
        (self.totals.from, self.totals.to)
    }

    /// The window of the layer number `layer`, with the sample that was stored beside it, where one was. `None` where it
    /// is not of such a layer.
    pub fn restore(
        self,
        spec: &LayerSpec,
        layer: usize,
        sample: Option<&InstanceSample>,
    ) -> Option<LayerWindow> {
        let mut window = LayerWindow::new(spec, layer, &self.config);
        let sample = sample.filter(|sample| sample.filters == spec.filters);
        let kept = sample.map_or_else(
            || Reservoir::new(spec.filters, self.config.sample_size),
            |sample| reservoir(sample, &self.config),
        );
        window.totals = self.totals;
        window.totals.sample = Some(kept);
        window.totals.is_of(spec.filters).then_some(window)
    }
}

fn reservoir(sample: &InstanceSample, config: &AnalysisConfig) -> Reservoir {
    let mut reservoir = Reservoir::new(sample.filters, config.sample_size);
    for row in 0..sample.len() {
        let (input, position) = (sample.inputs[row], sample.positions[row]);
        let identity = Identity {
            input,
            position,
            label: sample.labels[row],
            prediction: sample.predictions[row],
            step: sample.steps[row],
            place: 0,
        };
        let key = hash([config.seed, input as u64]);
        reservoir.insert(hash_of(key, position), identity, sample.activation(row).iter().copied());
    }
    reservoir
}
