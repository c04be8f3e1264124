//! Findings on the page: a headline each, then the sentence with its evidence.

use super::patches::Patches;
use super::text::escape;
use crate::numbers::{count, grouped, short};
use deepeyes_core::{Finding, FindingKind, Severity};
use std::fmt::Write;

/// Findings named in the overview; the rest stand with their layers.
const MOST_BRIEF: usize = 11;
/// Patches shown as evidence of one finding.
pub(crate) const MOST_PATCHES: usize = 12;

/// Severity is a shape, so that it needs no colour.
fn glyph(severity: Severity) -> &'static str {
    match severity {
        Severity::High => {
            r#"<svg class="severity" viewBox="0 0 12 12" role="img" aria-label="high"><path class="full" d="M6 1.5l5 9H1z"/></svg>"#
        }
        Severity::Medium => {
            r#"<svg class="severity" viewBox="0 0 12 12" role="img" aria-label="medium"><path d="M6 1.5l5 9H1z"/></svg>"#
        }
        Severity::Low => {
            r#"<svg class="severity" viewBox="0 0 12 12" role="img" aria-label="low"><circle cx="6" cy="6.5" r="4.2"/></svg>"#
        }
        Severity::Info => {
            r#"<svg class="severity" viewBox="0 0 12 12" role="img" aria-label="remark"><path d="M1.5 6.5l3 3 6-7"/></svg>"#
        }
    }
}

/// What a finding is about, in few words.
pub(crate) fn headline(finding: &Finding) -> String {
    let n = finding.filters.as_ref().map_or(0, Vec::len);
    let many = |one: &str, several: &str| {
        if n == 1 { format!("1 filter {one}") } else { format!("{} filters {several}", grouped(n as u64)) }
    };
    match finding.kind {
        FindingKind::Stable => "Layer is stable".to_owned(),
        FindingKind::Dead if n > 0 => many("never fires", "never fire"),
        FindingKind::Dead => "Dead filters".to_owned(),
        FindingKind::AlwaysOn if n > 0 => many("is always on", "are always on"),
        FindingKind::AlwaysOn => "Filters that are always on".to_owned(),
        FindingKind::Weakening if n > 0 => many("is weakening", "are weakening"),
        FindingKind::Weakening => "Weakening filters".to_owned(),
        FindingKind::Undetected if finding.evidence.get("blank").is_some_and(|blank| *blank > 0.5) => {
            "Blank background".to_owned()
        }
        FindingKind::Undetected => "Undetected pattern".to_owned(),
        FindingKind::Redundant if n > 0 => format!("{} answer alike", count(n, "filter")),
        FindingKind::Redundant => "Filters that answer alike".to_owned(),
        FindingKind::Oversized => "Layer is larger than it needs".to_owned(),
        FindingKind::UnnecessaryLayer => "Little gain from this layer".to_owned(),
        FindingKind::MissingLayer => "Another layer may help".to_owned(),
        FindingKind::Invalid => "Activations that are not finite".to_owned(),
    }
}

/// The overview's list.
pub(crate) fn brief(findings: &[&Finding]) -> String {
    if findings.is_empty() {
        return r#"<p class="quiet">Nothing that the data supports. A finding needs 1,000 instances of 200 inputs.</p>"#.to_owned();
    }
    let mut html = String::from(r#"<ul class="brief">"#);
    for finding in findings.iter().take(MOST_BRIEF) {
        let _ = write!(
            html,
            r#"<li>{}<b>{}</b><span class="where">{}</span></li>"#,
            glyph(finding.severity),
            escape(&headline(finding)),
            escape(finding.layer.as_deref().unwrap_or(""))
        );
    }
    html.push_str("</ul>");
    if findings.len() > MOST_BRIEF {
        let _ = write!(html, r#"<p class="quiet">{} more below.</p>"#, findings.len() - MOST_BRIEF);
    }
    html
}

/// A layer's findings in full.
pub(crate) fn full(findings: &[Finding], layer: usize, patches: &dyn Patches) -> String {
    if findings.is_empty() {
        return String::new();
    }
    let mut html = String::from(r#"<ul class="points">"#);
    for finding in findings {
        let _ = write!(
            html,
            r#"<li>{}<div><h3>{}</h3><p>{}</p>"#,
            glyph(finding.severity),
            escape(&headline(finding)),
            escape(&finding.text)
        );
        if let Some(suggestion) = &finding.suggestion {
            let _ = write!(html, r#"<p class="do">{}</p>"#, escape(suggestion));
        }
        html.push_str(&evidence(finding));
        html.push_str(&shown(finding, layer, patches));
        html.push_str("</div></li>");
    }
    html.push_str("</ul>");
    html
}

fn evidence(finding: &Finding) -> String {
    if finding.evidence.is_empty() {
        return String::new();
    }
    let mut html = String::from(r#"<dl class="evidence">"#);
    for (name, value) in &finding.evidence {
        let _ =
            write!(html, "<div><dt>{}</dt><dd>{}</dd></div>", escape(&name.replace('_', " ")), short(*value));
    }
    html.push_str("</dl>");
    html
}

/// Input pixels of the instances that a finding is about, as they are.
fn shown(finding: &Finding, layer: usize, patches: &dyn Patches) -> String {
    let rows = finding.instances.iter().flatten().copied();
    let pictures: Vec<String> =
        rows.filter_map(|row| patches.patch(layer, row)).take(MOST_PATCHES).map(|p| p.data_uri()).collect();
    if pictures.is_empty() {
        return String::new();
    }
    let images: String = pictures.iter().map(|uri| format!(r#"<img src="{uri}" alt="">"#)).collect();
    format!(
        r#"<div class="patches" role="img" aria-label="{} of its patches">{images}</div>"#,
        pictures.len()
    )
}
