//! Builds the page where its sources are newer than what was built last, and puts its files into the program.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

type Result<T> = std::result::Result<T, String>;

/// A directory with a built page, for those who build it elsewhere.
const PREBUILT: &str = "DEEPEYES_WEB_DIST";
/// What is not the page's source.
const NOT_SOURCES: [&str; 4] = ["node_modules", "dist", "tests", "coverage"];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed={PREBUILT}");
    if let Err(error) = embed() {
        println!("cargo::error={error}");
    }
}

fn embed() -> Result<()> {
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("no OUT_DIR: run by cargo")?);
    let dist = match std::env::var_os(PREBUILT) {
        Some(dist) => PathBuf::from(dist),
        None => built(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web"))?,
    };
    println!("cargo::rerun-if-changed={}", dist.display());
    let mut files = BTreeMap::new();
    collect(&dist, &dist, &mut files)?;
    if !files.contains_key("index.html") {
        return Err(format!("{}: no index.html; expected a built page", dist.display()));
    }
    // Copies, so that a later build of the page does not pull the files away from under the compiler.
    let copies = out.join("page");
    let _ = fs::remove_dir_all(&copies);
    let mut table = String::from("static FILES: &[File] = &[\n");
    for (path, source) in files {
        let copy = copies.join(&path);
        fs::create_dir_all(copy.parent().unwrap_or(&copies)).map_err(|error| error.to_string())?;
        fs::copy(&source, &copy).map_err(|error| format!("{}: {error}", source.display()))?;
        let content_type = content_type(&path);
        let _ = writeln!(
            table,
            "    File {{ path: {path:?}, content_type: {content_type:?}, bytes: include_bytes!({copy:?}) }},"
        );
    }
    table.push_str("];\n");
    fs::write(out.join("page.rs"), table).map_err(|error| error.to_string())
}

/// The built page, built now where it is older than its sources.
fn built(web: &Path) -> Result<PathBuf> {
    let dist = web.join("dist");
    let newest = newest_source(web)?;
    let last = modified(&dist.join("index.html"));
    if last.is_none_or(|last| newest > last) {
        // What npm notes down after it has installed all.
        let installed = modified(&web.join("node_modules/.package-lock.json"));
        if installed.is_none_or(|installed| modified(&web.join("package-lock.json")) > Some(installed)) {
            npm(web, &["ci", "--no-audit", "--no-fund"])?;
        }
        npm(web, &["run", "build"])?;
    }
    Ok(dist)
}

fn npm(web: &Path, arguments: &[&str]) -> Result<()> {
    let program = if cfg!(windows) { "npm.cmd" } else { "npm" };
    let line = format!("npm {}", arguments.join(" "));
    let output = Command::new(program).args(arguments).current_dir(web).output().map_err(|error| {
        format!(
            "cannot run `{line}` in {}: {error}; install Node.js 20 or newer, or set {PREBUILT} to a built page",
            web.display()
        )
    })?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let last: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty()).rev().take(12).collect();
    let last: Vec<&str> = last.into_iter().rev().collect();
    // One line: cargo shows no more of an error.
    Err(format!("`{line}` failed in {}: {}", web.display(), last.join(" | ")))
}

/// When the newest of the page's sources was written; cargo is told to look at them, too.
fn newest_source(web: &Path) -> Result<SystemTime> {
    let entries = fs::read_dir(web)
        .map_err(|error| format!("{}: {error}; the page's sources belong there", web.display()))?;
    let mut newest = SystemTime::UNIX_EPOCH;
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if NOT_SOURCES.contains(&&*name) || name.starts_with('.') {
            continue;
        }
        println!("cargo::rerun-if-changed={}", entry.path().display());
        newest = newest.max(newest_below(&entry.path()));
    }
    Ok(newest)
}

fn newest_below(path: &Path) -> SystemTime {
    let own = modified(path).unwrap_or(SystemTime::UNIX_EPOCH);
    let Ok(entries) = fs::read_dir(path) else { return own };
    entries.flatten().map(|entry| newest_below(&entry.path())).fold(own, SystemTime::max)
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|metadata| metadata.modified()).ok()
}

/// Files below a directory, by their path as an address has it.
fn collect(root: &Path, directory: &Path, files: &mut BTreeMap<String, PathBuf>) -> Result<()> {
    let entries = fs::read_dir(directory).map_err(|error| format!("{}: {error}", directory.display()))?;
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(root, &path, files)?;
        } else if let Ok(below) = path.strip_prefix(root) {
            let parts: Vec<_> = below.iter().map(|part| part.to_string_lossy()).collect();
            files.insert(parts.join("/"), path);
        }
    }
    Ok(())
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "woff" => "font/woff",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
