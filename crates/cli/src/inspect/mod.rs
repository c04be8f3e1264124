//! `deepeyes inspect`: what a run has stored.

mod json;
mod text;

pub(crate) use json::{InspectJson, LayerJson, RunJson};
pub(crate) use text::{layers, summary};

use crate::error::Failure;
use crate::output;
use crate::run_view;
use std::path::Path;

/// Show what a run has stored: its scalars, its layers, and each filter
#[derive(Debug, clap::Args)]
pub(crate) struct InspectArgs {
    /// A run's directory, or its name under --logdir
    run: String,
    /// Only this layer, with each of its filters
    #[arg(long)]
    layer: Option<String>,
    /// As it was at this iteration: the newest window that ends there or before
    #[arg(long, value_name = "STEP")]
    at: Option<u64>,
    /// Print the similarity of all pairs of filters, too (with --json)
    #[arg(long)]
    similarity: bool,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(crate) fn run(args: &InspectArgs, logdir: &Path) -> Result<(), Failure> {
    let reader = run_view::open(&args.run, logdir)?;
    let run = run_view::load(&reader, args.layer.as_deref(), args.at)?;
    if args.json {
        return output::print_json(&InspectJson::new(&run, args.similarity));
    }
    if args.similarity {
        output::note("note: --similarity shows with --json only");
    }
    let mut shown = text::summary(&run);
    match (&args.layer, run.layers.first()) {
        (Some(_), Some(layer)) => shown.push_str(&text::layer(&run, layer)),
        _ => shown.push_str(&format!("\n{}", text::layers(&run))),
    }
    output::print(&shown)
}
