//! `deepeyes embed`: a map of the rows of a `.npy` file.

mod maps;
mod progress;

use crate::error::Failure;
use crate::export::Archive;
use crate::npz::{self, Values};
use crate::numbers::{count, duration, grouped, percent, short};
use crate::output;
use anyhow::Context;
use deepeyes_embed::{EmbedError, Points, TsneConfig};
use maps::{Made, Settings};
use progress::{Phase, Progress};
use serde::Serialize;
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Exit code after a second Ctrl-C, as shells have it for SIGINT.
const INTERRUPTED: i32 = 130;

/// Map the rows of a .npy file to the plane
#[derive(Debug, clap::Args)]
pub(crate) struct EmbedArgs {
    /// Array of n rows, as numpy.save writes it; t-SNE and HSNE reduce more than 50 columns to 50 by PCA first
    file: PathBuf,
    /// How the map is made
    #[arg(long, value_enum)]
    method: Method,
    /// Scales of HSNE, the data included; fewer where the data have none to spare
    #[arg(long, value_name = "N", default_value_t = 3)]
    scales: usize,
    /// How many neighbours a point effectively has (t-SNE, HSNE); lowered where there are too few points
    #[arg(long, value_name = "P", default_value_t = TsneConfig::default().perplexity, allow_negative_numbers = true)]
    perplexity: f64,
    /// Steps of the optimisation: 750 for t-SNE and HSNE; MDS stops by itself, after 300 at the latest
    #[arg(long, value_name = "N")]
    iterations: Option<usize>,
    /// Seed of what is random: how equal points are set apart
    #[arg(long, value_name = "S", default_value_t = 0)]
    seed: u64,
    /// The map, as a NumPy archive with `embedding` (n x 2); for HSNE also `scale_k_indices`, `scale_k_embedding` and
    /// `scale_k_weights` of each scale of landmarks
    #[arg(long, value_name = "FILE.npz")]
    out: PathBuf,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// How a map is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
enum Method {
    /// Hierarchical stochastic neighbour embedding: landmarks first, all points by them
    Hsne,
    /// t-distributed stochastic neighbour embedding
    Tsne,
    /// The two principal components
    Pca,
    /// Metric multidimensional scaling of the Euclidean distances
    Mds,
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Summary {
    method: Method,
    n: usize,
    dimensions: usize,
    /// Principal components that the map was made from; null: all columns as they are.
    reduced_to: Option<usize>,
    seconds: Map<String, Value>,
    /// Processor time of all threads.
    cpu_seconds: Map<String, Value>,
    iterations: Option<usize>,
    kl_divergence: Option<f64>,
    stress: Option<f64>,
    /// Points of each scale, the data first.
    scales: Vec<usize>,
    /// Share of the exact nearest neighbours that the search found, on a sample.
    neighbour_recall: Option<f64>,
    /// Share of the 10 nearest neighbours in the data that are so in the map, on a sample of up to 2,000 points.
    preservation: Option<f64>,
    /// The same for the landmarks of the coarsest scale among themselves.
    top_preservation: Option<f64>,
    peak_mb: Option<u64>,
    threads: usize,
}

/// Makes the map, writes it and tells how it went.
pub(crate) fn run(args: &EmbedArgs) -> Result<(), Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&stop);
    let handler = move || {
        // Whoever asks twice does not wait for the end of a phase.
        if seen.swap(true, Ordering::Relaxed) {
            std::process::exit(INTERRUPTED);
        }
    };
    ctrlc::set_handler(handler).context("cannot watch for Ctrl-C")?;
    let mut progress = Progress::new(stop);
    progress.phase("reading", None);
    let (values, dimensions) = read(&args.file)?;
    let points = Points::new(&values, dimensions).map_err(|error| refused(&args.file, &error))?;
    let settings = Settings {
        method: args.method,
        scales: args.scales,
        iterations: args.iterations,
        config: TsneConfig { perplexity: args.perplexity, seed: args.seed, ..TsneConfig::default() },
    };
    let map = maps::make(&points, &settings, &mut progress).map_err(|error| match error {
        maps::Stopped::Interrupted => {
            Failure::failed("interrupted", format!("{} was not written", args.out.display()))
        }
        maps::Stopped::Refused(error) => refused(&args.file, &error),
    })?;
    progress.phase("writing", None);
    write(&args.out, &map)?;
    let phases = progress.finish();
    let summary = Summary {
        method: args.method,
        n: points.len(),
        dimensions,
        reduced_to: map.reduced_to,
        seconds: by_phase(phases, |phase| phase.seconds),
        cpu_seconds: by_phase(phases, |phase| phase.cpu_seconds),
        iterations: map.iterations,
        kl_divergence: map.kl_divergence,
        stress: map.stress,
        scales: map.scale_sizes.clone(),
        neighbour_recall: map.neighbour_recall,
        preservation: map.preservation,
        top_preservation: map.top_preservation,
        peak_mb: peak_mb(),
        threads: rayon::current_num_threads(),
    };
    if args.json { output::print_json(&summary) } else { output::print(&text(&summary, &args.out)) }
}

/// Seconds of each phase, to the millisecond.
fn by_phase(phases: &[Phase], seconds: impl Fn(&Phase) -> f64) -> Map<String, Value> {
    let rounded = |phase: &Phase| (seconds(phase) * 1000.0).round() / 1000.0;
    phases.iter().map(|phase| (phase.name.to_owned(), rounded(phase).into())).collect()
}

fn refused(file: &Path, error: &EmbedError) -> Failure {
    let place = match error {
        EmbedError::Parameter { .. } => String::new(),
        _ => format!("{}: ", file.display()),
    };
    Failure::Usage(anyhow::anyhow!("{place}{error}"))
}

/// Reads `[n, d]` values.
fn read(file: &Path) -> Result<(Vec<f32>, usize), Failure> {
    let array = npz::read_npy(file)?;
    let [_, dimensions] = array.shape[..] else {
        let message = format!("{} has shape {:?}", file.display(), array.shape);
        return Err(Failure::usage(message, "expected [rows, columns]; reshape it before it is saved"));
    };
    let values = match array.values {
        Values::F32(values) => values,
        Values::F64(values) => values.into_iter().map(|x| x as f32).collect(),
        Values::I64(values) => values.into_iter().map(|x| x as f32).collect(),
    };
    Ok((values, dimensions))
}

fn write(path: &Path, map: &Made) -> Result<(), Failure> {
    output::write_whole(path, |file| {
        let mut archive = Archive::new(std::io::BufWriter::new(file));
        let coordinates = |map: &[[f32; 2]]| map.as_flattened().to_vec();
        archive.array("embedding", &[map.embedding.len(), 2], coordinates(&map.embedding))?;
        for (number, scale) in (1..).zip(&map.landmarks) {
            let n = scale.indices.len();
            archive.array(
                &format!("scale_{number}_indices"),
                &[n],
                scale.indices.iter().map(|&i| i64::from(i)),
            )?;
            archive.array(&format!("scale_{number}_embedding"), &[n, 2], coordinates(&scale.embedding))?;
            archive.array(&format!("scale_{number}_weights"), &[n], scale.weights.iter().copied())?;
        }
        Ok(archive.finish()?)
    })
}

fn text(summary: &Summary, out: &Path) -> String {
    let mut text = format!("{} of {} columns", count(summary.n, "row"), grouped(summary.dimensions as u64));
    if let Some(components) = summary.reduced_to {
        text.push_str(&format!(", reduced to {components} by PCA"));
    }
    text.push('\n');
    let phases = summary.seconds.iter().filter_map(|(name, seconds)| Some((name, seconds.as_f64()?)));
    let phases: Vec<String> = phases.map(|(name, seconds)| format!("{name} {}", duration(seconds))).collect();
    let threads = count(summary.threads, "thread");
    text.push_str(&format!("{}   on {threads}", phases.join(", ")));
    if let Some(peak) = summary.peak_mb {
        text.push_str(&format!(", at most {} MB", grouped(peak)));
    }
    text.push('\n');
    if let [_, _, ..] = summary.scales[..] {
        let sizes: Vec<String> = summary.scales.iter().map(|&size| grouped(size as u64)).collect();
        text.push_str(&format!("scales: {}\n", sizes.join(" / ")));
    }
    let measures = [
        ("KL divergence", summary.kl_divergence.map(short)),
        ("stress", summary.stress.map(short)),
        ("nearest neighbours found", summary.neighbour_recall.map(percent)),
        ("10 nearest neighbours kept", summary.preservation.map(percent)),
        ("the same among landmarks", summary.top_preservation.map(percent)),
    ];
    for (name, value) in measures {
        if let Some(value) = value {
            text.push_str(&format!("{name}: {value}\n"));
        }
    }
    text.push_str(&format!("written to {}\n", out.display()));
    text
}

/// The most memory that the process has held, where the system tells.
fn peak_mb() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? / 1024)
}
