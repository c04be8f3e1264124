//! The report as one HTML page that needs nothing else: no script, no outside reference.

use super::findings;
use super::layer_section;
use super::patches::Patches;
use super::svg::curves;
use super::text::escape;
use crate::numbers::{count, duration, grouped, percent, prefixed, short};
use crate::run_view::{LayerView, RunView, Status};
use deepeyes_core::FilterState;
use std::fmt::Write;

const STYLE: &str = include_str!("style.css");
const EYE: &str = r#"<svg viewBox="0 0 20 20" fill="none" stroke="currentColor" stroke-width="1.6" aria-hidden="true"><path d="M1.5 10C4 5.6 7 4 10 4s6 1.6 8.5 6C16 14.4 13 16 10 16s-6-1.6-8.5-6z"/><circle cx="10" cy="10" r="3.4"/><circle cx="10" cy="10" r="1" fill="currentColor" stroke="none"/></svg>"#;

/// The whole page.
pub(crate) fn page(run: &RunView, patches: &dyn Patches) -> String {
    let mut html = String::with_capacity(1 << 19);
    let _ = write!(
        html,
        r#"<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:"><title>{} · deepeyes report</title><style>{STYLE}</style></head><body><div class="page">"#,
        escape(&run.name)
    );
    let _ = write!(html, r#"<header class="brand">{EYE}deepeyes<span>Training report</span></header>"#);
    html.push_str(&head(run));
    html.push_str(&top(run));
    html.push_str(&table(run));
    for (index, layer) in run.layers.iter().enumerate() {
        html.push_str(&layer_section::section(run, index, layer, patches));
    }
    html.push_str(NOTES);
    html.push_str("</div></body></html>\n");
    html
}

fn head(run: &RunView) -> String {
    let description = &run.description;
    let mut what = vec![description.network.clone()];
    if !description.data.is_empty() {
        what.push(description.data.clone());
    }
    if let Some([channels, height, width]) = description.input {
        what.push(format!("input {height}×{width}×{channels}"));
    }
    if let Some(batch) = description.batch {
        what.push(format!("batch {}", grouped(batch as u64)));
    }
    if let Some(seed) = description.seed {
        what.push(format!("seed {seed}"));
    }
    let chip = match run.status {
        Status::Running => r#"<span class="chip on">running</span>"#.to_owned(),
        status => format!(r#"<span class="chip">{}</span>"#, status.word()),
    };
    let mut facts = String::new();
    for (name, value) in head_facts(run) {
        let _ = write!(facts, "<div><dt>{name}</dt><dd>{}</dd></div>", escape(&value));
    }
    format!(
        r#"<div class="head"><div class="what"><h1>{} {chip}</h1><p>{}</p></div><dl class="facts">{facts}</dl></div>"#,
        escape(&run.name),
        escape(&what.join(" · "))
    )
}

fn head_facts(run: &RunView) -> Vec<(&'static str, String)> {
    let scalars = &run.scalars;
    let mut facts = vec![(
        "Iterations",
        match run.description.iterations {
            Some(planned) if planned != run.step => format!("{} of {}", grouped(run.step), grouped(planned)),
            _ => grouped(run.step),
        },
    )];
    if let Some(accuracy) = scalars.last_accuracy() {
        facts.push(("Validation accuracy", percent(accuracy)));
    }
    if let Some(accuracy) = scalars.recent_train_accuracy() {
        facts.push(("Training accuracy", percent(accuracy)));
    }
    if let Some(loss) = scalars.recent_loss() {
        facts.push(("Loss", short(loss)));
    }
    facts.push(("Parameters", grouped(run.description.parameters)));
    if let Some(multiply_adds) = run.description.multiply_adds {
        facts.push(("Multiply-adds", prefixed(multiply_adds)));
    }
    facts.push(("Time", duration(run.seconds)));
    facts
}

fn top(run: &RunView) -> String {
    let all = run.findings();
    format!(
        r#"<div class="top"><section><h2>Training<small>loss on a logarithmic axis, accuracy on a logarithmic axis of the error; lanes: change of each layer's perplexity</small></h2><figure>{}</figure><div class="legend"><span><svg viewBox="0 0 10 10"><rect class="ground" width="10" height="10"/><rect class="ramp" fill-opacity=".6" width="10" height="10"/></svg>change between windows (darkest: half of the instances)</span><span><svg class="line" viewBox="0 0 14 10"><line class="stable" x1="2" y1="5" x2="14" y2="5"/><circle class="stable-dot" cx="3" cy="5" r="2.8"/></svg>stable</span></div></section><aside><h2>Findings<small>{}</small></h2>{}</aside></div>"#,
        curves::draw(run),
        if all.is_empty() { "none".to_owned() } else { grouped(all.len() as u64) },
        findings::brief(&all)
    )
}

fn table(run: &RunView) -> String {
    let head = [
        ("Layer", ""),
        ("Kind", ""),
        ("Filters", "n"),
        ("Grid", "n"),
        ("Sees", "n"),
        ("Parameters", "n"),
        ("Instances of window", "n"),
        ("Mean perplexity", "n"),
        ("Drift", "n"),
        ("Noise", "n"),
        ("State", ""),
        ("Dead", "n"),
        ("Always on", "n"),
        ("Redundant", "n"),
        ("Effective filters", "n"),
        ("k-NN purity", "n"),
    ];
    let mut html = format!(
        r#"<section class="block"><h2>Layers<small>{} watched, at iteration {}</small></h2><div class="scroll"><table><thead><tr>"#,
        run.layers.len(),
        grouped(run.step)
    );
    for (name, class) in head {
        let _ = write!(html, r#"<th scope="col" class="{class}">{name}</th>"#);
    }
    html.push_str("</tr></thead><tbody>");
    for layer in &run.layers {
        html.push_str("<tr>");
        for (value, (_, class)) in table_row(layer).into_iter().zip(head) {
            let _ = write!(html, r#"<td class="{class}">{value}</td>"#);
        }
        html.push_str("</tr>");
    }
    html.push_str("</tbody></table></div></section>");
    html
}

fn table_row(layer: &LayerView) -> [String; 16] {
    let spec = &layer.spec;
    let snapshot = layer.snapshot.as_ref();
    let number = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), short);
    let counted = |value: usize| if snapshot.is_none() { "–".to_owned() } else { grouped(value as u64) };
    let sees = spec
        .receptive_field
        .map_or_else(|| "–".to_owned(), |field| format!("{}×{}", field.size[0], field.size[1]));
    [
        format!("<b>{}</b>", escape(&spec.name)),
        escape(kind(&spec.kind)).into_owned(),
        grouped(spec.filters as u64),
        format!("{}×{}", spec.grid[0], spec.grid[1]),
        sees,
        grouped(spec.parameters),
        snapshot.map_or_else(|| "–".to_owned(), |s| grouped(s.instances_sampled)),
        number(snapshot.and_then(|s| s.statistics.perplexity.mean)),
        number(snapshot.and_then(|s| s.drift)),
        number(snapshot.and_then(|s| s.noise)),
        state_chip(layer),
        counted(layer.filters_in(FilterState::Dead)),
        counted(layer.filters_in(FilterState::AlwaysOn)),
        counted(layer.redundant()),
        number(snapshot.and_then(|s| s.statistics.effective_filters)),
        snapshot
            .and_then(|s| s.separability.as_ref())
            .map_or_else(|| "–".to_owned(), |separability| percent(separability.neighbour_purity)),
    ]
}

/// The field's word for a layer kind.
pub(crate) fn kind(kind: &str) -> &str {
    match kind {
        "conv2d" => "Convolution",
        "dense" => "Dense",
        other => other,
    }
}

/// `stable since N` or `changing`.
pub(crate) fn state_chip(layer: &LayerView) -> String {
    match layer.snapshot.as_ref() {
        None => r#"<span class="chip">waiting</span>"#.to_owned(),
        Some(snapshot) if snapshot.stable => {
            let since =
                snapshot.stable_since.map(|step| format!(" since {}", grouped(step))).unwrap_or_default();
            format!(r#"<span class="chip on">stable{since}</span>"#)
        }
        Some(_) => r#"<span class="chip">changing</span>"#.to_owned(),
    }
}

/// `20 filters` of a convolution, `500 units` of a dense layer.
pub(crate) fn filters(layer: &LayerView) -> String {
    count(layer.spec.filters, if layer.spec.kind == "dense" { "unit" } else { "filter" })
}

const NOTES: &str = r#"<section class="block"><h2>How to read this</h2><dl class="notes">
<div><dt>Instance</dt><dd>One input at one position of a layer's output grid. Statistics cover the instances drawn from the last complete window of mini-batches; each figure says how many.</dd></div>
<div><dt>Perplexity</dt><dd>How many filters answer to an instance, from 1 (a single one) to the number of filters: 2 to the entropy of its rectified activations. Instances to which no filter answers stand at ∅.</dd></div>
<div><dt>Stable</dt><dd>The perplexities of two windows in a row differ no more than random halves of the same inputs would (99.9 % quantile), three windows running.</dd></div>
<div><dt>Maximum, share above half</dt><dd>A filter's largest activation in the window, and the share of instances above half of it.</dd></div>
<div><dt>Similarity</dt><dd>Sum of the smaller over the sum of the larger of two filters' activations: 1 where they always answer alike, 0 where they never answer together.</dd></div>
<div><dt>Specificity</dt><dd>One over the perplexity of a filter's activation by label: 1 where a single label makes it fire, 1 over the number of labels where all do alike.</dd></div>
</dl></section>"#;
