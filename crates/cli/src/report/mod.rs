//! `deepeyes report`: a run on one page.

mod findings;
mod json;
mod layer_section;
mod page;
mod patches;
mod raster;
mod stored_patches;
mod svg;
mod text;

pub(crate) use findings::headline;
pub(crate) use layer_section::state_word;
pub(crate) use raster::Raster;

use crate::error::Failure;
use crate::output;
use crate::run_view;
use deepeyes_core::{Finding, Severity};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Tell what a run found, as text, JSON or one HTML page
#[derive(Debug, clap::Args)]
pub(crate) struct ReportArgs {
    /// A run's directory, or its name under --logdir
    run: String,
    /// Print one JSON document
    #[arg(long, conflicts_with = "html")]
    json: bool,
    /// Write one self-contained page
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

/// Runs the command.
pub(crate) fn run(args: &ReportArgs, logdir: &Path) -> Result<(), Failure> {
    let reader = run_view::open(&args.run, logdir)?;
    let run = run_view::load(&reader, None, None)?;
    if args.json {
        return output::print_json(&json::ReportJson::new(&run));
    }
    if let Some(path) = &args.html {
        let page = page::page(&run, &stored_patches::StoredPatches::read(&reader, &run));
        output::write_whole(path, |file| Ok(file.write_all(page.as_bytes())?))?;
        output::note(&format!("wrote {}", path.display()));
        return Ok(());
    }
    output::print(&format!("{}\n{}", crate::inspect::summary(&run), findings_text(&run.findings())))
}

/// Findings as lines: a headline, the sentence, what to do.
pub(crate) fn findings_text(findings: &[&Finding]) -> String {
    if findings.is_empty() {
        return "No findings that the data supports.\n".to_owned();
    }
    let mut text = String::from("Findings\n");
    for finding in findings {
        let mark = match finding.severity {
            Severity::High => "▲",
            Severity::Medium => "△",
            Severity::Low => "○",
            Severity::Info => "✓",
        };
        let layer = finding.layer.as_deref().map_or_else(String::new, |layer| format!("{layer}: "));
        text.push_str(&format!("  {mark} {layer}{}\n      {}\n", headline(finding), finding.text));
        if let Some(suggestion) = &finding.suggestion {
            text.push_str(&format!("      {suggestion}\n"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::page::page;
    use super::patches::NoPatches;
    use crate::synthetic;

    #[test]
    fn the_page_needs_nothing_else_and_lets_nothing_in() {
        let html = page(&synthetic::run(600, &[("conv1", 20), ("fc1", 500)]), &NoPatches);
        assert!(!html.contains("<b>,") && !html.contains("lenet <b>") && html.contains("lenet &lt;b&gt;"));
        assert!(!html.contains("http://") && !html.contains("https://") && !html.contains("<script"));
        // Base64 may hold any letters, but neither quotes nor spaces before them.
        for number in ["\"NaN", "\"inf", " NaN", " inf "] {
            assert!(!html.contains(number), "{number}");
        }
        let opened = html.matches("<svg").count();
        assert_eq!(opened, html.matches("</svg>").count());
        for id in ["c0", "c1", "m0", "m1"] {
            assert_eq!(html.matches(&format!(r#"id="{id}""#)).count(), 1, "{id}");
        }
    }

    #[test]
    fn a_run_without_windows_and_a_wide_one_make_pages() {
        let mut early = synthetic::run(5, &[("conv1", 20)]);
        assert!(early.layers[0].snapshot.is_none());
        assert!(page(&early, &NoPatches).contains("No window of this layer is complete yet."));
        early.scalars = Default::default();
        early.layers.clear();
        assert!(page(&early, &NoPatches).contains("No loss was recorded."));
        let wide = page(&synthetic::run(200, &[("fc6", 4096)]), &NoPatches);
        assert!(wide.len() < 1_500_000, "{} bytes", wide.len());
    }
}
