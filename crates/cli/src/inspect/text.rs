//! A run as tables for people.

use crate::numbers::{count, duration, grouped, percent, prefixed, short};
use crate::report::{findings_text, state_word};
use crate::run_view::{LayerView, RunView};
use crate::sparkline::sparkline;
use crate::table::Table;
use deepeyes_core::{FilterState, Finding};

/// Filters that a layer's table shows at most.
const MOST_FILTERS: usize = 128;
/// Cells of a histogram between words.
const SPARKLINE: usize = 24;

/// What the run is and how far it came: a few lines.
pub(crate) fn summary(run: &RunView) -> String {
    let description = &run.description;
    let planned = match description.iterations {
        Some(planned) if planned != run.step => format!(" of {}", grouped(planned)),
        _ => String::new(),
    };
    let mut first = format!("{}  {}", run.name, run.status.word());
    first.push_str(&format!(", iteration {}{planned}, {}", grouped(run.step), duration(run.seconds)));
    let mut second = format!("network {}, {}", description.network, count_parameters(description.parameters));
    if let Some(multiply_adds) = description.multiply_adds {
        second.push_str(&format!(", {} multiply-adds", prefixed(multiply_adds)));
    }
    if !description.data.is_empty() {
        second.push_str(&format!("; data {}", description.data));
    }
    let mut third = Vec::new();
    if let Some(loss) = run.scalars.recent_loss() {
        third.push(format!("loss {} (last 20)", short(loss)));
    }
    if let Some(accuracy) = run.scalars.recent_train_accuracy() {
        third.push(format!("training accuracy {} (last 50)", percent(accuracy)));
    }
    if let Some(accuracy) = run.scalars.last_accuracy() {
        third.push(format!("validation accuracy {}", percent(accuracy)));
    }
    let third = if third.is_empty() { "nothing measured yet".to_owned() } else { third.join(", ") };
    format!("{first}\n{second}\n{third}\n")
}

fn count_parameters(parameters: u64) -> String {
    count(usize::try_from(parameters).unwrap_or(usize::MAX), "parameter")
}

/// One row a layer.
pub(crate) fn layers(run: &RunView) -> String {
    let mut table = Table::new(&[
        "Layer",
        "Kind",
        ">Filters",
        ">Sampled",
        "Perplexity, 1 to F",
        ">Mean",
        ">Drift",
        ">Noise",
        "State",
        ">Dead",
        ">Always on",
        ">Redundant",
        ">Effective",
    ]);
    for layer in &run.layers {
        let spec = &layer.spec;
        let named = [spec.name.clone(), spec.kind.clone(), grouped(spec.filters as u64)];
        let Some(snapshot) = &layer.snapshot else {
            let rest = ["0", "", "–", "–", "–", "waiting", "–", "–", "–", "–"].map(str::to_owned);
            table.row(named.into_iter().chain(rest));
            continue;
        };
        let number = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), short);
        table.row(named.into_iter().chain([
            grouped(snapshot.instances_sampled),
            sparkline(&snapshot.statistics.perplexity.counts, SPARKLINE),
            number(snapshot.statistics.perplexity.mean),
            number(snapshot.drift),
            number(snapshot.noise),
            state(layer),
            grouped(layer.filters_in(FilterState::Dead) as u64),
            grouped(layer.filters_in(FilterState::AlwaysOn) as u64),
            grouped(layer.redundant() as u64),
            number(snapshot.statistics.effective_filters),
        ]));
    }
    table.render()
}

/// `stable since N`, `changing` or `waiting`.
pub(crate) fn state(layer: &LayerView) -> String {
    match &layer.snapshot {
        None => "waiting".to_owned(),
        Some(snapshot) if snapshot.stable => {
            let since =
                snapshot.stable_since.map(|step| format!(" since {}", grouped(step))).unwrap_or_default();
            format!("stable{since}")
        }
        Some(_) => "changing".to_owned(),
    }
}

/// One line about a layer's stored maps; nothing without any.
fn maps(layer: &LayerView) -> String {
    let state = |settled: bool| if settled { "" } else { ", not settled" };
    let input = layer.input_map.as_ref().map(|map| {
        let kept = map.preservation.map(|share| format!(", keeps {} of neighbours", percent(share)));
        format!(
            "input map of iteration {}: {} by {}{}{}",
            grouped(map.step),
            count(map.points, "point"),
            map.method.word(),
            kept.unwrap_or_default(),
            state(map.settled)
        )
    });
    let filter = layer.filter_map.as_ref().map(|map| {
        format!(
            "filter map of iteration {}: {} by {}{}",
            grouped(map.step),
            count(map.points, "filter"),
            map.method.word(),
            state(map.settled)
        )
    });
    let maps: Vec<String> = input.into_iter().chain(filter).collect();
    if maps.is_empty() { String::new() } else { format!("{}\n\n", maps.join("; ")) }
}

/// A layer with each of its filters.
pub(crate) fn layer(run: &RunView, layer: &LayerView) -> String {
    let spec = &layer.spec;
    let mut text = format!(
        "\n{}  {}, {}, grid {}×{}, {}",
        spec.name,
        spec.kind,
        count(spec.filters, "filter"),
        spec.grid[0],
        spec.grid[1],
        count_parameters(spec.parameters)
    );
    if let Some(field) = spec.receptive_field {
        text.push_str(&format!(", sees {}×{} pixels", field.size[0], field.size[1]));
    }
    text.push('\n');
    let Some(snapshot) = &layer.snapshot else {
        text.push_str("No window of this layer is complete yet.\n");
        return text;
    };
    let statistics = &snapshot.statistics;
    text.push_str(&format!(
        "iterations {}–{}, {} of {} instances, {} silent, {} not finite\nperplexity {} mean {}; {}\n\n",
        grouped(snapshot.from),
        grouped(snapshot.to),
        grouped(snapshot.instances_sampled),
        grouped(snapshot.instances_possible),
        grouped(statistics.silent),
        grouped(statistics.invalid),
        sparkline(&statistics.perplexity.counts, SPARKLINE),
        statistics.perplexity.mean.map_or_else(|| "–".to_owned(), short),
        state(layer)
    ));
    text.push_str(&maps(layer));
    let mut table = Table::new(&[">Filter", ">Maximum", ">Above half", "Label", ">Specificity", "State"]);
    for (index, filter) in statistics.filters.iter().enumerate().take(MOST_FILTERS) {
        let class =
            |label: usize| run.description.classes.get(label).cloned().unwrap_or_else(|| label.to_string());
        table.row([
            index.to_string(),
            short(f64::from(filter.max)),
            percent(filter.frequency),
            filter.label.map_or_else(|| "–".to_owned(), class),
            filter.specificity.map_or_else(|| "–".to_owned(), short),
            state_word(filter.state).to_owned(),
        ]);
    }
    text.push_str(&table.render());
    if statistics.filters.len() > MOST_FILTERS {
        let more = statistics.filters.len() - MOST_FILTERS;
        text.push_str(&format!(
            "… and {} more; --json, or `deepeyes export --what filters`, has all\n",
            grouped(more as u64)
        ));
    }
    let findings: Vec<&Finding> = statistics.findings.iter().collect();
    text.push_str(&format!("\n{}", findings_text(&findings)));
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synthetic;

    #[test]
    fn tables_name_every_layer_and_its_state() {
        let run = synthetic::run(600, &[("conv1", 20), ("fc1", 500)]);
        let text = format!("{}{}", summary(&run), layers(&run));
        for words in [
            "finished, iteration 600",
            "431,080 parameters",
            "conv1",
            "fc1",
            "stable since 280",
            "validation accuracy",
        ] {
            assert!(text.contains(words), "{words} in\n{text}");
        }
        assert!(layer(&run, &run.layers[1]).contains("and 372 more"));
        let early = synthetic::run(5, &[("conv1", 20)]);
        assert!(layers(&early).contains("waiting") && layer(&early, &early.layers[0]).contains("No window"));
    }
}
