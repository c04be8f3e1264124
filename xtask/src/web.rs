//! The page's checks: types, style, unit tests, and the tests that drive it in Chromium.

use crate::shell;
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Names under which Chromium is installed.
const CHROMIUM: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];

/// Installs the page's packages, and checks its types, style and units.
pub(crate) fn check() -> Result<()> {
    shell::run(npm(&["ci", "--no-audit", "--no-fund"]))?;
    for script in ["check", "lint", "test"] {
        shell::run(npm(&["run", "--silent", script]))?;
    }
    Ok(())
}

/// Drives the page of a built program in Chromium, which is installed where it is missing and that is permitted.
pub(crate) fn browser() -> Result<()> {
    let chromium = match find(&CHROMIUM) {
        Some(chromium) => chromium,
        None => install()?,
    };
    let program = shell::built_for_tests()?.join(shell::program("deepeyes"));
    let mut tests = npm(&["run", "--silent", "test:browser"]);
    tests.env("DEEPEYES_BIN", program).env("CHROMIUM", chromium);
    shell::run(tests)
}

fn npm(arguments: &[&str]) -> Command {
    let mut npm = shell::command("npm", arguments);
    npm.current_dir(shell::root().join("web"));
    npm
}

fn install() -> Result<PathBuf> {
    println!("Chromium is missing: installing Debian's");
    let apt = |arguments: &[&str]| shell::run(shell::command("apt-get", arguments));
    apt(&["update", "--quiet"])
        .and_then(|()| apt(&["install", "--quiet", "--yes", "--no-install-recommends", "chromium"]))
        .context("the browser tests need Chromium: install it, and have it in PATH")?;
    find(&CHROMIUM).context("Chromium was installed, and is not in PATH")
}

fn find(names: &[&str]) -> Option<PathBuf> {
    let runs = |path: &Path| {
        let status = Command::new(path).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    };
    let folders: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH")?).collect();
    let places = names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    places.filter(|path| path.is_file()).find(|path| runs(path))
}
