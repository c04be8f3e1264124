//! `cargo xtask bench`: the benchmarks of every crate that has some, on this machine.

use crate::{peers, shell};
use anyhow::{Result, bail};

/// Crates with benchmarks, and what they measure.
const BENCHES: &[(&str, &str)] = &[
    ("core", "statistics of one LeNet step, closing a window, Jaccard of 4,096 x 1,024"),
    ("store", "writing and reading snapshots"),
    ("train", "LeNet step with and without analysis, interleaved"),
];

/// Runs the benchmarks of one crate, or of all, or what compares with peers.
pub(crate) fn run(name: Option<&str>) -> Result<()> {
    if name == Some("peers") {
        return peers::run();
    }
    let chosen: Vec<_> =
        BENCHES.iter().filter(|(crate_name, _)| name.is_none_or(|name| name == *crate_name)).collect();
    if chosen.is_empty() {
        let names: Vec<_> = BENCHES.iter().map(|(crate_name, _)| *crate_name).collect();
        bail!("no benchmarks named {}: there are {}, peers", name.unwrap_or_default(), names.join(", "));
    }
    for (crate_name, what) in chosen {
        println!("\n== {crate_name}: {what}");
        shell::run(shell::command("cargo", &["bench", "--package", &format!("deepeyes-{crate_name}")]))?;
    }
    Ok(())
}
