//! `cargo xtask bench peers`: deepeyes' maps beside those of nptsne and openTSNE, on the same data, one after the other.

use crate::shell;
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

const SCRIPTS: &str = "bench/peers";
const IMAGES: &str = "data/mnist/train-images-idx3-ubyte.gz";

/// Images whose components openTSNE maps, and how it sums its repulsion.
const TSNE: &[(usize, &str)] = &[(5_000, "bh"), (10_000, "fft"), (60_000, "fft")];
/// Images that nptsne makes a hierarchy of, its scales, and whether it maps the coarsest one (which takes minutes).
const HSNE: &[(usize, usize, bool)] = &[(5_000, 2, true), (10_000, 2, false), (60_000, 3, true)];

/// Runs everything and prints a table of each pair.
pub(crate) fn run() -> Result<()> {
    let deepeyes = shell::deepeyes()?;
    let folder = deepeyes.parent().and_then(Path::parent).context("no target directory")?.join("peers");
    let peers = Peers { python: python(&folder)?, deepeyes, folder };
    for &(n, gradient) in TSNE {
        peers.tsne(n, gradient)?;
    }
    for &(n, scales, with_map) in HSNE {
        peers.hsne(n, scales, with_map)?;
    }
    Ok(())
}

/// A virtual environment's Python, with the peers installed.
fn python(folder: &Path) -> Result<PathBuf> {
    let python = folder.join("venv/bin/python");
    if !python.is_file() {
        let venv = folder.join("venv");
        shell::run(shell::command("python3", &["-m", "venv", &venv.to_string_lossy()]))?;
    }
    let requirements = format!("{SCRIPTS}/requirements.txt");
    let install = ["-m", "pip", "install", "--quiet", "--requirement", &requirements];
    shell::run(shell::command(&python.to_string_lossy(), &install))?;
    Ok(python)
}

struct Peers {
    python: PathBuf,
    deepeyes: PathBuf,
    folder: PathBuf,
}

impl Peers {
    fn tsne(&self, n: usize, gradient: &str) -> Result<()> {
        let (_, components) = self.data(n)?;
        let (theirs, ours) = (self.file("opentsne.npy"), self.file("tsne.npz"));
        let their = document(self.script("tsne_opentsne.py", &[&components, gradient, &theirs]))?;
        let our = self.embed(&["--method", "tsne", "--out", &ours, &components])?;
        let judged = lines(self.script("judge.py", &[&components, &theirs, &ours]))?;
        println!("\nt-SNE of {n} x 50, load {}", load());
        let phases = ["affinities", "optimisation"];
        row("openTSNE", &their, &phases, &judged[0]);
        row("deepeyes", &our, &phases, &judged[1]);
        ratios(&their, &our, &phases);
        println!("KL {:.4} of openTSNE's", number(&judged[1]["kl"]) / number(&judged[0]["kl"]));
        Ok(())
    }

    fn hsne(&self, n: usize, scales: usize, with_map: bool) -> Result<()> {
        let (images, _) = self.data(n)?;
        let (theirs, ours, count) = (self.file("nptsne.npz"), self.file("hsne.npz"), scales.to_string());
        let mut arguments = vec![images.as_str(), &count];
        if with_map {
            arguments.extend(["--map", &theirs]);
        }
        let their = document(self.script("hsne_nptsne.py", &arguments))?;
        let our = self.embed(&["--method", "hsne", "--scales", &count, "--out", &ours, &images])?;
        println!("\nHSNE of {n} x 784, {scales} scales, load {}", load());
        let top = scales - 1;
        let mine = format!("{ours}:scale_{top}_indices:scale_{top}_embedding");
        let mut maps = vec![mine];
        if with_map {
            maps.push(format!("{theirs}:indices:embedding"));
        }
        let mut arguments = vec![images.as_str()];
        arguments.extend(maps.iter().map(String::as_str));
        let judged = lines(self.script("judge.py", &arguments))?;
        let phases = ["pca", "affinities", "hierarchy"];
        row("nptsne", &their, &["hierarchy", "optimisation"], judged.get(1).unwrap_or(&Value::Null));
        row("deepeyes", &our, &["pca", "affinities", "hierarchy", "optimisation"], &judged[0]);
        println!("scales {} and {}", their["scales"], our["scales"]);
        ratios(&their, &our, &phases);
        Ok(())
    }

    /// Images and components of the first `n`, written once.
    fn data(&self, n: usize) -> Result<(String, String)> {
        let (images, components) =
            (self.file(&format!("images-{n}.npy")), self.file(&format!("components-{n}.npy")));
        if !Path::new(&components).is_file() {
            shell::run(self.script("prepare.py", &[IMAGES, &n.to_string(), &images, &components]))?;
        }
        Ok((images, components))
    }

    fn file(&self, name: &str) -> String {
        self.folder.join(name).to_string_lossy().into_owned()
    }

    fn script(&self, name: &str, arguments: &[&str]) -> Command {
        let mut command = shell::command(&self.python.to_string_lossy(), &[&format!("{SCRIPTS}/{name}")]);
        command.args(arguments);
        command
    }

    fn embed(&self, arguments: &[&str]) -> Result<Value> {
        let mut command = shell::command(&self.deepeyes.to_string_lossy(), &["embed", "--json"]);
        command.args(arguments);
        document(command)
    }
}

fn document(command: Command) -> Result<Value> {
    let mut documents = lines(command)?;
    documents.pop().context("nothing was printed")
}

/// One JSON document a line.
fn lines(command: Command) -> Result<Vec<Value>> {
    let shown = format!("{command:?}");
    let text = shell::output(command)?;
    let documents: Vec<Value> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    if documents.is_empty() {
        bail!("{shown} printed no JSON document: {text}");
    }
    Ok(documents)
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or(f64::NAN)
}

fn row(who: &str, document: &Value, phases: &[&str], judged: &Value) {
    let seconds = |kind: &str| -> Vec<String> {
        let given = phases.iter().filter_map(|phase| Some((phase, document[kind][phase].as_f64()?)));
        given.map(|(phase, seconds)| format!("{phase} {seconds:.2} s")).collect()
    };
    let measures = [("KL", "kl"), ("10 neighbours kept", "kept")];
    let measures =
        measures.iter().filter_map(|(name, key)| Some(format!("{name} {:.4}", judged[key].as_f64()?)));
    println!(
        "{who:10} {}; processor {}; {} MB, {} threads; {}",
        seconds("seconds").join(", "),
        seconds("cpu_seconds").join(", "),
        document["peak_mb"],
        document["threads"],
        measures.collect::<Vec<_>>().join(", ")
    );
}

/// How many times faster the second one was: by the clock, and by processor time.
fn ratios(theirs: &Value, ours: &Value, phases: &[&str]) {
    let total = |document: &Value, kind: &str| -> f64 {
        phases.iter().filter_map(|phase| document[kind][phase].as_f64()).sum()
    };
    let ratio = |kind: &str| total(theirs, kind) / total(ours, kind);
    println!("{:.1} times faster; {:.1} times by processor time", ratio("seconds"), ratio("cpu_seconds"));
}

/// The machine's load in the last minute, where the system tells.
fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().next().unwrap_or("unknown").to_owned()
}
