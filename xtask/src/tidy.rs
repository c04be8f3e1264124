//! `cargo xtask tidy`: what no compiler checks.

use crate::{r#gen, shell};
use anyhow::{Context, Result, bail};
use std::collections::BTreeSet;
use std::fs;

/// Lines that a source file may have: it holds one idea.
const MAX_LINES: usize = 430;

/// Which of our crates each of our crates may depend on.
const ARROWS: &[(&str, &[&str])] = &[
    ("deepeyes-network", &[]),
    ("deepeyes-embed", &[]),
    ("deepeyes-data", &[]),
    ("deepeyes-core", &["deepeyes-embed", "deepeyes-network"]),
    ("deepeyes-store", &["deepeyes-core"]),
    ("deepeyes-engine", &["deepeyes-core", "deepeyes-network", "deepeyes-embed", "deepeyes-store"]),
    (
        "deepeyes-server",
        &["deepeyes-core", "deepeyes-embed", "deepeyes-engine", "deepeyes-network", "deepeyes-store"],
    ),
    ("deepeyes-train", &["deepeyes-core", "deepeyes-data", "deepeyes-network"]),
    (
        "deepeyes",
        &[
            "deepeyes-core",
            "deepeyes-data",
            "deepeyes-embed",
            "deepeyes-engine",
            "deepeyes-network",
            "deepeyes-server",
            "deepeyes-store",
            "deepeyes-train",
        ],
    ),
    ("deepeyes-observe", &["deepeyes-core", "deepeyes-data", "deepeyes-engine", "deepeyes-store"]),
    (
        "deepeyes-python",
        &["deepeyes", "deepeyes-core", "deepeyes-engine", "deepeyes-server", "deepeyes-store"],
    ),
    ("xtask", &[]),
];

/// Runs every check; an error lists everything that is wrong.
pub(crate) fn run() -> Result<()> {
    let mut wrong = Vec::new();
    arrows(&mut wrong)?;
    let files = tracked_files()?;
    file_sizes(&files, &mut wrong)?;
    methods(&files, &mut wrong)?;
    r#gen::check(&mut wrong)?;
    if wrong.is_empty() {
        println!("tidy: {} files in order", files.len());
        return Ok(());
    }
    bail!("tidy found:\n  {}", wrong.join("\n  "))
}

/// Every dependency between our crates must be an allowed arrow.
fn arrows(wrong: &mut Vec<String>) -> Result<()> {
    let metadata =
        shell::output(shell::command("cargo", &["metadata", "--format-version", "1", "--no-deps"]))?;
    let metadata: serde_json::Value = serde_json::from_str(&metadata)?;
    let packages = metadata["packages"].as_array().context("cargo metadata lists no packages")?;
    let ours: BTreeSet<&str> = packages.iter().filter_map(|package| package["name"].as_str()).collect();
    for package in packages {
        let name = package["name"].as_str().context("a package without a name")?;
        let Some((_, allowed)) = ARROWS.iter().find(|(from, _)| *from == name) else {
            wrong.push(format!("crate {name} has no row in xtask/src/tidy.rs: say what it may depend on"));
            continue;
        };
        let dependencies = package["dependencies"].as_array().map(Vec::as_slice).unwrap_or_default();
        for dependency in dependencies.iter().filter(|dependency| dependency["kind"].is_null()) {
            let to = dependency["name"].as_str().unwrap_or_default();
            if ours.contains(to) && !allowed.contains(&to) {
                wrong.push(format!("{name} must not depend on {to}: see the arrows in ARCHITECTURE.md"));
            }
        }
    }
    Ok(())
}

fn tracked_files() -> Result<Vec<String>> {
    let listed =
        shell::output(shell::command("git", &["ls-files", "--cached", "--others", "--exclude-standard"]))?;
    Ok(listed.lines().map(String::from).filter(|file| shell::root().join(file).is_file()).collect())
}

fn file_sizes(files: &[String], wrong: &mut Vec<String>) -> Result<()> {
    let source = |file: &&String| [".rs", ".ts", ".svelte", ".py"].iter().any(|end| file.ends_with(end));
    for file in files.iter().filter(source) {
        let lines =
            fs::read_to_string(shell::root().join(file)).with_context(|| file.clone())?.lines().count();
        if lines > MAX_LINES {
            wrong.push(format!(
                "{file} has {lines} lines; a file of at most {MAX_LINES} holds one idea: find the seam"
            ));
        }
    }
    Ok(())
}

/// Every row of METHODS.md must name a file that is there and tests that are in the sources.
fn methods(files: &[String], wrong: &mut Vec<String>) -> Result<()> {
    let text = fs::read_to_string(shell::root().join("METHODS.md")).context("METHODS.md")?;
    let mut sources = String::new();
    for file in files.iter().filter(|file| file.ends_with(".rs") || file.ends_with(".py")) {
        sources.push_str(&fs::read_to_string(shell::root().join(file)).with_context(|| file.clone())?);
    }
    for (number, line) in text.lines().enumerate() {
        let cells: Vec<&str> = line.trim().trim_matches('|').split(" | ").map(str::trim).collect();
        let [_, places, tests] = cells[..] else { continue };
        if !line.starts_with('|') || places == "file" || places.starts_with("---") {
            continue;
        }
        for file in quoted(places).filter(|file| !shell::root().join(file).is_file()) {
            wrong.push(format!("METHODS.md:{}: no file {file}", number + 1));
        }
        for test in quoted(tests).filter(|test| !sources.contains(&format!("fn {test}"))) {
            wrong.push(format!("METHODS.md:{}: no test {test}", number + 1));
        }
    }
    Ok(())
}

/// The parts of `text` between back-quotes.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}
