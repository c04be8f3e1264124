//! A layer of the report: its course, its histograms, its filters, its findings, and the table that says the same.

use super::findings;
use super::page::{filters, kind, state_chip};
use super::patches::Patches;
use super::svg::heatmap::{Mode, WEAK};
use super::svg::{course, heatmap, histogram, labels, matrix};
use super::text::escape;
use crate::numbers::{count, grouped, percent, short};
use crate::run_view::{CoursePoint, LayerView, RunView};
use deepeyes_core::{FilterState, LayerSnapshot};
use std::fmt::Write;

/// Histograms shown side by side.
const HISTOGRAMS: usize = 5;
/// Rows of the table of filters; an export holds them all.
const MOST_ROWS: usize = 512;

/// The section of layer `index`.
pub(crate) fn section(run: &RunView, index: usize, layer: &LayerView, patches: &dyn Patches) -> String {
    let mut html = format!(r#"<section class="layer">{}"#, header(layer));
    let Some(snapshot) = &layer.snapshot else {
        html.push_str(r#"<p class="quiet">No window of this layer is complete yet.</p></section>"#);
        return html;
    };
    html.push_str(&histograms(layer));
    html.push_str(&figures(run, index, layer, snapshot));
    html.push_str(&findings::full(&snapshot.statistics.findings, index, patches));
    html.push_str(&table(run, snapshot));
    html.push_str("</section>");
    html
}

fn header(layer: &LayerView) -> String {
    let spec = &layer.spec;
    let mut facts = vec![kind(&spec.kind).to_owned(), filters(layer)];
    if spec.grid != [1, 1] {
        facts.push(format!("grid {}×{}", spec.grid[0], spec.grid[1]));
    }
    if let Some(field) = spec.receptive_field {
        let stride = if spec.grid == [1, 1] {
            String::new()
        } else {
            format!(" every {}×{}", field.stride[0], field.stride[1])
        };
        facts.push(format!("sees {}×{} pixels{stride}", field.size[0], field.size[1]));
    }
    facts.push(count(usize::try_from(spec.parameters).unwrap_or(usize::MAX), "parameter"));
    let sampled = layer.snapshot.as_ref().map_or_else(String::new, |snapshot| {
        format!(
            "{} of {} instances, iterations {}–{}",
            grouped(snapshot.instances_sampled),
            grouped(snapshot.instances_possible),
            grouped(snapshot.from),
            grouped(snapshot.to)
        )
    });
    format!(
        r#"<header><h2>{}</h2><span class="quiet">{}</span>{}<span class="sampled">{sampled}</span></header>"#,
        escape(&spec.name),
        escape(&facts.join(" · ")),
        state_chip(layer)
    )
}

fn histograms(layer: &LayerView) -> String {
    let points = spread(&layer.course, HISTOGRAMS);
    let top = histogram::tallest(&points);
    let mut html = String::from(r#"<div class="histograms">"#);
    for point in &points {
        let drift = point.drift.map_or_else(String::new, |drift| format!(" · drift {}", short(drift)));
        let _ = write!(
            html,
            r#"<figure><figcaption><b>{}–{}</b>{drift}</figcaption>{}</figure>"#,
            grouped(point.from),
            grouped(point.to),
            histogram::draw(point, layer.spec.filters, top)
        );
    }
    html.push_str("</div>");
    html.push_str(r#"<div class="legend"><span>Perplexity of activations, share of instances; height common to the row</span><span><svg viewBox="0 0 10 10"><rect class="up" width="10" height="10"/></svg>more</span><span><svg viewBox="0 0 10 10"><path class="down" d="M.5.5h9v9h-9zM.5 5.5l5-5M.5 9.5l9-9M5 9.5L9.5 5"/></svg>fewer than in the window before</span><span>∅ no filter answers</span></div>"#);
    html
}

/// The first, the last, and some in between whose steps are spaced logarithmically.
fn spread(course: &[CoursePoint], wanted: usize) -> Vec<&CoursePoint> {
    let (Some(first), Some(last)) = (course.first(), course.last()) else { return Vec::new() };
    if course.len() <= wanted {
        return course.iter().collect();
    }
    let (low, high) = ((first.to.max(1) as f64).ln(), (last.to.max(1) as f64).ln());
    let mut places: Vec<usize> = Vec::with_capacity(wanted);
    for k in 0..wanted {
        let target = (low + (high - low) * k as f64 / (wanted - 1) as f64).exp();
        let nearest = course.partition_point(|point| (point.to as f64) < target - 0.5);
        // Room must remain on the right for those to come.
        let least = places.last().map_or(0, |place| place + 1);
        places.push(nearest.clamp(least, course.len() - (wanted - k)));
    }
    places.into_iter().map(|place| &course[place]).collect()
}

fn figures(run: &RunView, index: usize, layer: &LayerView, snapshot: &LayerSnapshot) -> String {
    let statistics = &snapshot.statistics;
    let mut html = String::from(r#"<div class="row">"#);
    let mut figure = |title: &str, note: &str, drawing: &str| {
        let _ = write!(html, "<figure><h3>{title}<small>{}</small></h3>{drawing}</figure>", escape(note));
    };
    figure(
        "Perplexity over the training",
        "ink: share, line: mean",
        &course::draw(&layer.course, layer.spec.filters, &format!("c{index}")),
    );
    figure("Maximum", "by index", &heatmap::draw(&statistics.filters, Mode::Maximum));
    figure("Share above ½ maximum", "", &heatmap::draw(&statistics.filters, Mode::Frequency));
    if let Some(similarity) = &statistics.similarity {
        figure(
            "Similarity",
            "clustered",
            &matrix::draw(similarity, &statistics.filters, &format!("m{index}")),
        );
    }
    if let Some(drawing) = labels::draw(&statistics.filters, &run.description.classes) {
        figure("Strongest label", "by specificity", &drawing);
    }
    html.push_str("</div>");
    html.push_str(&marks(layer, snapshot));
    html
}

fn marks(layer: &LayerView, snapshot: &LayerSnapshot) -> String {
    let filters = &snapshot.statistics.filters;
    let strongest = filters.iter().map(|filter| filter.max).fold(0.0, f32::max);
    let silent =
        filters.iter().filter(|filter| filter.max <= 0.0 || filter.state == FilterState::Dead).count();
    let weak = filters.iter().filter(|filter| filter.max < WEAK * strongest).count().saturating_sub(silent);
    let on = layer.filters_in(FilterState::AlwaysOn);
    let mut html = String::from(r#"<div class="legend">"#);
    for (n, name, path) in [
        (silent, "silent", r#"<path class="cross" d="M.5.5h9v9h-9zM.5.5l9 9M.5 9.5l9-9"/>"#),
        (weak, "weak, below 5 % of the strongest", r#"<path class="cross" d="M.5.5h9v9h-9zM.5 9.5l9-9"/>"#),
        (
            on,
            "always on",
            r#"<rect class="ground" width="10" height="10"/><path class="corner" d="M5 0h5v5z"/>"#,
        ),
    ] {
        if n > 0 {
            let _ = write!(
                html,
                r#"<span><svg viewBox="0 0 10 10">{path}</svg>{} {name}</span>"#,
                grouped(n as u64)
            );
        }
    }
    let statistics = &snapshot.statistics;
    if let Some(effective) = statistics.effective_filters {
        let _ = write!(html, "<span>{} effective filters</span>", short(effective));
    }
    if let Some(separability) = &snapshot.separability {
        let _ = write!(
            html,
            "<span>labels separable here: {} of {} held-out inputs by nearest neighbours, {} by a ridge classifier</span>",
            percent(separability.neighbour_purity),
            grouped(separability.held_out as u64),
            percent(separability.ridge_accuracy)
        );
    }
    if statistics.invalid > 0 {
        let _ = write!(html, "<span>{} instances left out: not finite</span>", grouped(statistics.invalid));
    }
    html.push_str("</div>");
    html
}

fn table(run: &RunView, snapshot: &LayerSnapshot) -> String {
    let filters = &snapshot.statistics.filters;
    let shown = filters.len().min(MOST_ROWS);
    let title = if shown < filters.len() {
        format!(
            "Table of the first {} of {} filters; deepeyes export --what filters writes all",
            grouped(shown as u64),
            grouped(filters.len() as u64)
        )
    } else {
        format!("Table of {}", count(filters.len(), "filter"))
    };
    let mut html = format!(
        r#"<details><summary>{title}</summary><div class="scroll"><table><thead><tr><th scope="col" class="n">Filter</th><th scope="col" class="n">Maximum</th><th scope="col" class="n">All-time maximum</th><th scope="col" class="n">Share above ½ maximum</th><th scope="col">Strongest label</th><th scope="col" class="n">Specificity</th><th scope="col">State</th></tr></thead><tbody>"#
    );
    for (index, filter) in filters.iter().take(shown).enumerate() {
        let label = filter.label.map_or_else(
            || "–".to_owned(),
            |label| run.description.classes.get(label).cloned().unwrap_or_else(|| label.to_string()),
        );
        let all_time = snapshot
            .all_time_max
            .get(index)
            .copied()
            .map_or_else(|| "–".to_owned(), |max| short(f64::from(max)));
        let _ = write!(
            html,
            r#"<tr><td class="n">{index}</td><td class="n">{}</td><td class="n">{all_time}</td><td class="n">{}</td><td>{}</td><td class="n">{}</td><td>{}</td></tr>"#,
            short(f64::from(filter.max)),
            percent(filter.frequency),
            escape(&label),
            filter.specificity.map_or_else(|| "–".to_owned(), short),
            state_word(filter.state)
        );
    }
    html.push_str("</tbody></table></div></details>");
    html
}

/// A filter's state in words.
pub(crate) fn state_word(state: FilterState) -> &'static str {
    match state {
        FilterState::Alive => "alive",
        FilterState::Dead => "dead",
        FilterState::AlwaysOn => "always on",
        FilterState::Weakening => "weakening",
        FilterState::Unknown => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn histograms_span_the_course_without_repeating() {
        let point = |k: u64| CoursePoint {
            from: 20 * k + 1,
            to: 20 * k + 20,
            instances: 0,
            silent: 0,
            counts: vec![],
            mean: None,
            change: None,
            drift: None,
            noise: None,
            trend: None,
            stable: false,
            stable_since: None,
        };
        for n in [0usize, 1, 4, 5, 6, 7, 100, 3000] {
            let course: Vec<_> = (0..n as u64).map(point).collect();
            let steps: Vec<u64> = spread(&course, 5).iter().map(|point| point.to).collect();
            assert_eq!(steps.len(), n.min(5));
            assert!(steps.is_sorted_by(|a, b| a < b), "{steps:?}");
            assert_eq!(
                (steps.first(), steps.last()),
                (course.first().map(|p| &p.to), course.last().map(|p| &p.to))
            );
        }
    }
}
