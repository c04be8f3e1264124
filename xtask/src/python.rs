//! The Python package's checks: style, types, and its tests against a freshly built module.

use crate::shell;
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Installs what the tests need, builds the module, and checks style, types and behaviour.
pub(crate) fn check() -> Result<()> {
    let venv = Venv::make(&shell::target()?.join("python-venv"))?;
    // In the debug profile, and with the workspace's dependencies as the other steps have built them.
    shell::run(venv.command("maturin", &["develop", "--quiet", "--skip-install"]))?;
    shell::run(venv.command("ruff", &["format", "--check", "."]))?;
    shell::run(venv.command("ruff", &["check", "--quiet", "."]))?;
    shell::run(venv.command("pyright", &["--pythonpath", &venv.program("python").to_string_lossy()]))?;
    shell::run(venv.command("pytest", &[]))
}

/// A virtual environment, whose programs run in the package's folder.
struct Venv {
    root: PathBuf,
}

impl Venv {
    /// Makes it where it is missing, and installs what the tests need where that has changed.
    fn make(root: &Path) -> Result<Self> {
        let venv = Self { root: root.to_owned() };
        if !venv.program("python").is_file() {
            shell::run(shell::command("python3", &["-m", "venv", &root.to_string_lossy()]))
                .context("the Python package's tests need Python 3.11 or newer as python3, with venv")?;
        }
        let install = ["-m", "pip", "install", "--quiet", "--requirement", "requirements-test.txt"];
        shell::run(venv.command("python", &install))?;
        Ok(venv)
    }

    fn program(&self, name: &str) -> PathBuf {
        let folder = if cfg!(windows) { "Scripts" } else { "bin" };
        self.root.join(folder).join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = shell::command(&self.program(program).to_string_lossy(), arguments);
        command.current_dir(shell::root().join("python")).env("VIRTUAL_ENV", &self.root);
        command
    }
}
