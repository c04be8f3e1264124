//! The Python package's checks: style, types, and its tests against a freshly built module.

use crate::shell;
use anyhow::{Context, Result};
use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Installs what the tests need, builds the module, and checks style, types and behaviour.
pub(crate) fn check() -> Result<()> {
    let built = shell::built_for_tests()?.join(format!("{DLL_PREFIX}_native{DLL_SUFFIX}"));
    let module = shell::root().join("python/deepeyes").join(if cfg!(windows) {
        "_native.pyd"
    } else {
        "_native.abi3.so"
    });
    std::fs::copy(&built, &module)
        .with_context(|| format!("cannot copy {} to {}", built.display(), module.display()))?;
    let venv = Venv::make(&shell::target()?.join("python-venv"))?;
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
        self.root.join(folder).join(shell::program(name))
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = shell::command(&self.program(program).to_string_lossy(), arguments);
        command.current_dir(shell::root().join("python")).env("VIRTUAL_ENV", &self.root);
        command
    }
}
