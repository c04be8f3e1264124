//! The live summary as lines of text.

use crate::numbers::{count, duration, grouped, percent, short};
use crate::sparkline::sparkline;
use deepeyes_core::{FilterState, LayerSnapshot, LayerSpec};

/// Cells of a layer's histogram.
const SPARKLINE: usize = 24;
/// Characters of a layer's name at most.
const MOST_NAME: usize = 16;

/// Where the training is.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Place {
    pub(crate) step: u64,
    pub(crate) iterations: u64,
    pub(crate) loss: f64,
    /// Of recent mini-batches, in [0, 1].
    pub(crate) training: Option<f64>,
    /// The last measured, in [0, 1].
    pub(crate) validation: Option<f64>,
    pub(crate) iterations_per_second: Option<f64>,
    /// Analysis time as a share of the training's.
    pub(crate) cost: Option<f64>,
}

/// `loss 0.139   training 96.0 %   …`.
pub(crate) fn numbers(place: &Place) -> String {
    let mut parts = vec![format!("loss {}", short(place.loss))];
    if let Some(accuracy) = place.training {
        parts.push(format!("training {}", percent(accuracy)));
    }
    if let Some(accuracy) = place.validation {
        parts.push(format!("validation {}", percent(accuracy)));
    }
    if let Some(rate) = place.iterations_per_second.filter(|rate| *rate > 0.0) {
        parts.push(format!("{} it/s", short(rate)));
        let left = place.iterations.saturating_sub(place.step) as f64 / rate;
        if left > 0.0 {
            parts.push(format!("{} left", duration(left)));
        }
    }
    if let Some(cost) = place.cost {
        parts.push(format!("analysis {}", percent(cost)));
    }
    parts.join("   ")
}

/// One line a layer, columns aligned.
pub(crate) fn layers<'a>(
    specs: &[LayerSpec],
    snapshots: impl Iterator<Item = Option<&'a LayerSnapshot>>,
) -> Vec<String> {
    let width = specs.iter().map(|spec| spec.name.chars().count()).max().unwrap_or(0).min(MOST_NAME);
    specs.iter().zip(snapshots).map(|(spec, snapshot)| layer(spec, snapshot, width)).collect()
}

fn layer(spec: &LayerSpec, snapshot: Option<&LayerSnapshot>, width: usize) -> String {
    let name: String = spec.name.chars().take(width).collect();
    let head = format!("{name:width$} {:>6}", grouped(spec.filters as u64));
    let Some(snapshot) = snapshot else { return format!("{head}  waiting for its first window") };
    let statistics = &snapshot.statistics;
    let mut line = format!("{head}  1▕{}▏F", sparkline(&statistics.perplexity.counts, SPARKLINE));
    let drift = match (snapshot.drift, snapshot.noise) {
        (Some(drift), Some(noise)) => format!("drift {} / {}", short(drift), short(noise)),
        _ => "drift –".to_owned(),
    };
    line.push_str(&format!("  {drift:<22}"));
    let state = match snapshot.stable_since {
        Some(since) if snapshot.stable => format!("● stable since {}", grouped(since)),
        _ if snapshot.stable => "● stable".to_owned(),
        _ => "○ changing".to_owned(),
    };
    line.push_str(&format!("  {state:<20}"));
    let in_state = |state| statistics.filters.iter().filter(|filter| filter.state == state).count();
    let redundant: usize = statistics.redundant_groups.iter().map(|group| group.len() - 1).sum();
    let counts = [
        (in_state(FilterState::Dead), "dead"),
        (in_state(FilterState::AlwaysOn), "always on"),
        (redundant, "redundant"),
    ];
    let told: Vec<String> = counts
        .iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, word)| format!("{} {word}", grouped(*n as u64)))
        .collect();
    line.push_str(&format!("  {}", told.join(", ")));
    line.trim_end().to_owned()
}

/// One line for a log: where the training is, and how many layers are stable.
pub(crate) fn plain(place: &Place, specs: &[LayerSpec], stable: usize) -> String {
    format!(
        "iteration {}/{}   {}   {stable} of {} stable",
        grouped(place.step),
        grouped(place.iterations),
        numbers(place),
        count(specs.len(), "layer")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synthetic;

    #[test]
    fn a_layer_has_a_line_with_all_of_it() {
        let run = synthetic::run(600, &[("conv1", 20), ("fc1", 500)]);
        let specs: Vec<LayerSpec> = run.layers.iter().map(|layer| layer.spec.clone()).collect();
        let lines = layers(&specs, run.layers.iter().map(|layer| layer.snapshot.as_ref()));
        assert_eq!(lines.len(), 2);
        for words in [
            "fc1",
            "500",
            "drift 0.00167 / 0.004",
            "● stable since 280",
            "30 dead, 30 always on, 1 redundant",
        ] {
            assert!(lines[1].contains(words), "{words} in {}", lines[1]);
        }
        assert!(layers(&specs, [None, None].into_iter())[0].contains("waiting"));
    }

    #[test]
    fn numbers_say_what_is_known() {
        let place = Place {
            step: 600,
            iterations: 2000,
            loss: 0.1394,
            iterations_per_second: Some(34.0),
            ..Place::default()
        };
        assert_eq!(numbers(&place), "loss 0.139   34 it/s   41 s left");
        assert!(plain(&place, &[], 0).starts_with("iteration 600/2,000   loss 0.139"));
    }
}
