//! `cargo xtask test`: every check of the project in one go, with a summary at the end.

use crate::{python, shell, tidy, web};
use anyhow::{Result, bail};
use std::time::Instant;

struct Step {
    name: &'static str,
    run: fn() -> Result<()>,
}

const STEPS: &[Step] = &[
    Step { name: "formatting", run: || cargo(&["fmt", "--all", "--check"]) },
    Step {
        name: "lints",
        run: || cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]),
    },
    Step { name: "tests", run: || cargo(&["test", "--workspace", "--quiet", "--no-fail-fast"]) },
    Step { name: "page", run: web::check },
    Step { name: "browser", run: web::browser },
    Step { name: "python", run: python::check },
    Step { name: "documentation", run: documentation },
    Step { name: "tidy", run: tidy::run },
];

/// Runs every step, the rest too after a failure if `keep_going`; an error names the steps that failed.
pub(crate) fn run(keep_going: bool) -> Result<()> {
    let mut summary = Vec::new();
    let mut failed = Vec::new();
    for step in STEPS {
        println!("\n== {}", step.name);
        let start = Instant::now();
        let result = (step.run)();
        let seconds = start.elapsed().as_secs_f64();
        summary.push(match &result {
            Ok(()) => format!("ok    {:<14} {seconds:>7.1} s", step.name),
            Err(error) => format!("FAIL  {:<14} {seconds:>7.1} s  {error:#}", step.name),
        });
        if result.is_err() {
            failed.push(step.name);
            if !keep_going {
                break;
            }
        }
    }
    println!("\n== summary\n{}", summary.join("\n"));
    println!("{} of {} steps passed", summary.len() - failed.len(), STEPS.len());
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    Ok(())
}

fn cargo(arguments: &[&str]) -> Result<()> {
    shell::run(shell::command("cargo", arguments))
}

fn documentation() -> Result<()> {
    let mut command = shell::command("cargo", &["doc", "--workspace", "--no-deps", "--quiet"]);
    command.env("RUSTDOCFLAGS", "-D warnings");
    shell::run(command)
}
