//! Running other programs from the repository's root.

use anyhow::{Context, Result, bail};
use std::path::PathBuf;
use std::process::Command;

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.parent().map_or(here.clone(), PathBuf::from)
}

/// A command in the repository's root.
pub(crate) fn command(program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root());
    command
}

/// Runs a command to its end; an error where it cannot start or fails.
pub(crate) fn run(mut command: Command) -> Result<()> {
    let shown = format!("{command:?}");
    let status = command.status().with_context(|| format!("cannot start {shown}"))?;
    if !status.success() {
        bail!("{shown} ended with {status}");
    }
    Ok(())
}

/// What a command prints on stdout; an error where it cannot start or fails.
pub(crate) fn output(mut command: Command) -> Result<String> {
    let shown = format!("{command:?}");
    let output = command.output().with_context(|| format!("cannot start {shown}"))?;
    if !output.status.success() {
        bail!("{shown} ended with {}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    String::from_utf8(output.stdout).with_context(|| format!("{shown} printed no UTF-8"))
}

/// Builds the release binary and returns its path.
pub(crate) fn deepeyes() -> Result<PathBuf> {
    run(command("cargo", &["build", "--quiet", "--release", "--package", "deepeyes"]))?;
    Ok(target()?.join("release").join(program("deepeyes")))
}

/// Builds programs, examples and libraries as the tests use them and returns the folder in which they are. With the tests' own
/// features: with fewer, every dependency that they reach would be compiled once more.
pub(crate) fn built_for_tests() -> Result<PathBuf> {
    run(command("cargo", &["build", "--quiet", "--workspace", "--lib", "--bins", "--examples", "--tests"]))?;
    Ok(target()?.join("debug"))
}

/// The file name of a program.
pub(crate) fn program(name: &str) -> String {
    format!("{name}{}", std::env::consts::EXE_SUFFIX)
}

/// The folder in which cargo builds.
pub(crate) fn target() -> Result<PathBuf> {
    let metadata = output(command("cargo", &["metadata", "--format-version", "1", "--no-deps"]))?;
    let metadata: serde_json::Value = serde_json::from_str(&metadata)?;
    let target = metadata["target_directory"].as_str().context("cargo metadata names no target directory")?;
    Ok(PathBuf::from(target))
}
