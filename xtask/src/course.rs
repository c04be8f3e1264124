//! `cargo xtask course`: how LeNet's perplexity histograms change while it learns MNIST, over several seeds.
//!
//! Writes docs/pictures/mnist-*.svg and the tables between the `course` marks of docs/mnist-course.md.

use crate::shell;
use crate::svg::{Frame, Picture};
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

const PAGE: &str = "docs/mnist-course.md";
const MARKS: [&str; 2] = ["<!-- course: begin -->\n", "<!-- course: end -->"];
const SEED_COLOURS: [&str; 5] = ["#3b4fd8", "#0b7d72", "#c77015", "#c11b60", "#54699c"];
const STEPS: [u64; 7] = [20, 60, 100, 300, 600, 1000, 2000];

#[derive(Deserialize)]
struct Report {
    scalars: Scalars,
    layers: Vec<Spec>,
    course: Vec<Layer>,
}

#[derive(Deserialize)]
struct Scalars {
    accuracy: Vec<Option<f64>>,
}

#[derive(Deserialize)]
struct Spec {
    name: String,
    filters: usize,
}

#[derive(Deserialize)]
struct Layer {
    windows: Vec<Window>,
}

#[derive(Deserialize)]
struct Window {
    to: u64,
    silent: u64,
    instances: u64,
    counts: Vec<u64>,
    mean: Option<f64>,
    drift: Option<f64>,
    noise: Option<f64>,
    stable: bool,
}

/// Trains with each seed (or takes the runs of the last time), draws the pictures and writes the tables.
pub(crate) fn run(seeds: &[u64], iterations: u64, keep: bool) -> Result<()> {
    let program = shell::deepeyes()?;
    let logdir = shell::root().join("target/course");
    if logdir.exists() && !keep {
        fs::remove_dir_all(&logdir).with_context(|| logdir.display().to_string())?;
    }
    let reports =
        seeds.iter().map(|seed| train(&program, &logdir, *seed, iterations)).collect::<Result<Vec<_>>>()?;
    let pictures = shell::root().join("docs/pictures");
    fs::create_dir_all(&pictures)?;
    let first = reports.first().context("no seeds")?;
    fs::write(pictures.join("mnist-perplexity.svg"), perplexity_picture(first, iterations))?;
    fs::write(pictures.join("mnist-drift.svg"), drift_picture(&reports, iterations))?;
    write_tables(&tables(seeds, &reports))
}

fn train(program: &Path, logdir: &Path, seed: u64, iterations: u64) -> Result<Report> {
    let program = program.to_string_lossy();
    let folder = logdir.join(format!("seed-{seed}"));
    let (folder, run) = (folder.to_string_lossy(), folder.join("lenet"));
    let (seed, iterations) = (seed.to_string(), iterations.to_string());
    if !run.exists() {
        println!("seed {seed}: {iterations} iterations");
        let demo = ["demo", "--headless", "--seed", &seed, "--iterations", &iterations, "--logdir", &folder];
        shell::run(shell::command(&program, &demo))?;
    }
    let json = shell::output(shell::command(&program, &["report", &run.to_string_lossy(), "--json"]))?;
    serde_json::from_str(&json).context("`deepeyes report --json`")
}

/// A column of panels, one a layer, with the iteration below the last.
fn panels(layers: &[Spec], iterations: u64) -> (Picture, Vec<Frame>) {
    let (left, width, height, gap) = (52.0, 820.0, 96.0, 40.0);
    let frames: Vec<Frame> = (0..layers.len())
        .map(|k| Frame { left, top: 30.0 + k as f64 * (height + gap), width, height })
        .collect();
    let mut picture = Picture::new(left + width + 20.0, 30.0 + layers.len() as f64 * (height + gap));
    for (layer, frame) in layers.iter().zip(&frames) {
        picture.text(
            frame.left,
            frame.top - 8.0,
            "start",
            "title",
            &format!("{} · {} filters", layer.name, layer.filters),
        );
        for tick in 0..=4 {
            let share = f64::from(tick) / 4.0;
            picture.tick(*frame, share, &format!("{:.0}", share * iterations as f64));
        }
    }
    (picture, frames)
}

/// Each layer's histogram of every window: perplexity upwards from 1 to F, iteration to the right, dark = many instances.
fn perplexity_picture(report: &Report, iterations: u64) -> String {
    let (mut picture, frames) = panels(&report.layers, iterations);
    for ((layer, course), frame) in report.layers.iter().zip(&report.course).zip(frames) {
        let columns: Vec<Vec<f64>> = course
            .windows
            .iter()
            .map(|window| {
                let most = window.counts.iter().max().copied().unwrap_or(0).max(1) as f64;
                window.counts.iter().map(|count| *count as f64 / most).collect()
            })
            .collect();
        picture.heat(frame, &columns);
        picture.level(frame, 0.0, "1");
        picture.level(frame, 1.0, &layer.filters.to_string());
    }
    picture.finish()
}

/// Each layer's drift of every window on a logarithmic axis, a line a seed; dashed: the first seed's limit of stability.
fn drift_picture(reports: &[Report], iterations: u64) -> String {
    let layers = &reports[0].layers;
    let (mut picture, frames) = panels(layers, iterations);
    let height = |drift: f64| (drift.max(1e-4).log10() + 4.0) / 4.0;
    let across = |window: &Window| window.to as f64 / iterations as f64;
    for (index, frame) in frames.into_iter().enumerate() {
        picture.axes(frame);
        for (up, label) in [(0.0, "0.0001"), (0.5, "0.01"), (1.0, "1")] {
            picture.level(frame, up, label);
        }
        for (report, colour) in reports.iter().zip(SEED_COLOURS.iter().cycle()) {
            let course = &report.course[index].windows;
            let line: Vec<_> = course.iter().filter_map(|w| Some((across(w), height(w.drift?)))).collect();
            picture.line(frame, &line, colour, false);
        }
        let course = &reports[0].course[index].windows;
        let limit: Vec<_> =
            course.iter().filter_map(|w| Some((across(w), height(w.noise?.max(0.005))))).collect();
        picture.line(frame, &limit, "#d1490c", true);
    }
    picture.finish()
}

fn tables(seeds: &[u64], reports: &[Report]) -> String {
    let mut text = String::from("Test accuracy after the last iteration: ");
    let accuracies: Vec<String> = seeds
        .iter()
        .zip(reports)
        .map(|(seed, report)| {
            let accuracy = report.scalars.accuracy.iter().rev().flatten().next().copied().unwrap_or(f64::NAN);
            format!("{:.2} % (seed {seed})", 100.0 * accuracy)
        })
        .collect();
    let _ = writeln!(text, "{}.\n", accuracies.join(", "));
    let _ = writeln!(
        text,
        "Mean perplexity of the window that ends at an iteration, mean over the seeds (smallest to largest):\n"
    );
    header(&mut text, &STEPS.map(|step| step.to_string()));
    row_per_layer(&mut text, reports, |courses, step| {
        spread(courses.iter().filter_map(|course| at(course, step)?.mean), 2, 1.0)
    });
    let _ = writeln!(text, "\nShare of silent instances, per cent:\n");
    header(&mut text, &STEPS.map(|step| step.to_string()));
    row_per_layer(&mut text, reports, |courses, step| {
        let share = |window: &Window| window.silent as f64 / window.instances.max(1) as f64;
        spread(courses.iter().filter_map(|course| at(course, step).map(share)), 2, 100.0)
    });
    let _ = writeln!(text, "\nDrift against the window before, x 0.001:\n");
    header(&mut text, &STEPS.map(|step| step.to_string()));
    row_per_layer(&mut text, reports, |courses, step| {
        spread(courses.iter().filter_map(|course| at(course, step)?.drift), 1, 1000.0)
    });
    let _ = writeln!(text, "\nShare of windows called stable, per cent:\n");
    let thirds = [(1, 300), (301, 1000), (1001, 2000)];
    header(&mut text, &thirds.map(|(from, to)| format!("{from}-{to}")));
    for (index, layer) in reports[0].layers.iter().enumerate() {
        let cells = thirds.map(|(from, to)| {
            spread(
                reports.iter().map(|report| stable_share(&report.course[index].windows, from, to)),
                0,
                100.0,
            )
        });
        let _ = writeln!(text, "| {} | {} |", layer.name, cells.join(" | "));
    }
    text
}

fn header(text: &mut String, columns: &[String]) {
    let _ = writeln!(text, "| layer | {} |\n|---|{}", columns.join(" | "), "---:|".repeat(columns.len()));
}

fn row_per_layer(text: &mut String, reports: &[Report], cell: impl Fn(&[&[Window]], u64) -> String) {
    for (index, layer) in reports[0].layers.iter().enumerate() {
        let courses: Vec<&[Window]> =
            reports.iter().map(|report| report.course[index].windows.as_slice()).collect();
        let cells = STEPS.map(|step| cell(&courses, step));
        let _ = writeln!(text, "| {} | {} |", layer.name, cells.join(" | "));
    }
}

fn at(course: &[Window], step: u64) -> Option<&Window> {
    course.iter().find(|window| window.to == step)
}

fn stable_share(course: &[Window], from: u64, to: u64) -> f64 {
    let windows: Vec<_> = course.iter().filter(|window| (from..=to).contains(&window.to)).collect();
    windows.iter().filter(|window| window.stable).count() as f64 / windows.len().max(1) as f64
}

/// Mean of the values times `scale`, with the smallest and the largest.
fn spread(values: impl Iterator<Item = f64>, digits: usize, scale: f64) -> String {
    let values: Vec<f64> = values.map(|value| value * scale).collect();
    if values.is_empty() {
        return String::from("–");
    }
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let (least, most) =
        values.iter().fold((f64::MAX, f64::MIN), |(least, most), v| (least.min(*v), most.max(*v)));
    format!("{mean:.digits$} ({least:.digits$}–{most:.digits$})")
}

fn write_tables(tables: &str) -> Result<()> {
    let path = shell::root().join(PAGE);
    let page = fs::read_to_string(&path).context(PAGE)?;
    let [begin, end] = MARKS;
    let (Some(from), Some(to)) = (page.find(begin), page.find(end)) else {
        bail!("{PAGE} lacks the marks {begin:?} and {end:?}");
    };
    fs::write(&path, format!("{}{tables}{}", &page[..from + begin.len()], &page[to..])).context(PAGE)?;
    println!("wrote {PAGE} and its pictures");
    Ok(())
}
