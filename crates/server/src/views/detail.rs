//! All that is fixed about a run, and how it goes.

use crate::error::ApiResult;
use crate::runs::Source;
use crate::wire::{Controls, LayerInfo, RunDetail};
use deepeyes_core::{LayerSpec, RunDescription};
use deepeyes_network::Network;

/// A run.
pub(crate) fn detail(source: &Source) -> ApiResult<RunDetail> {
    let summary = source.runs().summary(source);
    let description = source.description()?;
    let window =
        source.layer(0, None).ok().flatten().map(|snapshot| (snapshot.to + 1).saturating_sub(snapshot.from));
    let live = source.live();
    let control = live.as_ref().and_then(|moment| moment.run.control.clone());
    let between = between(&description);
    Ok(RunDetail {
        summary,
        parameters: description.parameters,
        multiply_adds: description.multiply_adds,
        layers: description
            .layers
            .iter()
            .zip(between)
            .enumerate()
            .map(|(at, (spec, between))| layer(at, spec, between))
            .collect(),
        classes: description.classes,
        input: description.input,
        batch: description.batch,
        seed: description.seed,
        training_inputs: description.training_inputs,
        settings: description.settings,
        network_toml: description.network_toml,
        window,
        paused: control.as_ref().is_some_and(|control| control.is_paused()),
        control: control.map(|_| Controls { pause: true, stop: true }),
        problems: source.problems(),
    })
}

fn layer(index: usize, spec: &LayerSpec, between: Vec<String>) -> LayerInfo {
    LayerInfo {
        index,
        name: spec.name.clone(),
        kind: spec.kind.clone(),
        filters: spec.filters,
        grid: spec.grid,
        positions: spec.positions(),
        receptive_field: spec.receptive_field.map(Into::into),
        parameters: spec.parameters,
        rectify: spec.rectify.into(),
        output: spec.output,
        between,
    }
}

/// For each watched layer the kinds of the layers since the watched one before it; empty lists where the network is not
/// known.
fn between(description: &RunDescription) -> Vec<Vec<String>> {
    let network =
        Network::from_toml(&description.network_toml).map(|network| network.layers).unwrap_or_default();
    let mut rest = network.as_slice();
    let of = |spec: &LayerSpec| {
        let Some(at) = rest.iter().position(|layer| layer.name == spec.name) else { return Vec::new() };
        let passed = rest[..at].iter().map(|layer| layer.op.kind().to_owned()).collect();
        rest = &rest[at + 1..];
        passed
    };
    description.layers.iter().map(of).collect()
}
