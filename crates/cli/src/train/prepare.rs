//! From arguments to a training that can start.

use super::args::TrainArgs;
use super::network::{Named, solver};
use crate::error::Failure;
use crate::numbers::{count, grouped};
use crate::output::note;
use crate::run_view;
use anyhow::Context;
use deepeyes_core::Checkpoint;
use deepeyes_data::{OpenOptions, Source};
use deepeyes_network::Solver;
use deepeyes_store::StoredCheckpoint;
use deepeyes_train::weights::Weights;
use deepeyes_train::{Session, TrainConfig};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A training, and where it is continued.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) session: Session,
    pub(crate) resumed: Option<Resumed>,
}

/// The run that goes on.
#[derive(Debug)]
pub(crate) struct Resumed {
    pub(crate) directory: PathBuf,
    pub(crate) checkpoint: StoredCheckpoint,
}

/// Reads everything that the arguments name, and checks it; nothing is written.
pub(crate) fn prepare(args: &TrainArgs, logdir: &Path) -> Result<Prepared, Failure> {
    prepare_network(Named::read(&args.network)?, args, logdir)
}

/// The same for a network that has been read already.
pub(crate) fn prepare_network(named: Named, args: &TrainArgs, logdir: &Path) -> Result<Prepared, Failure> {
    let source: Source = args.data.parse().map_err(usage)?;
    let options = OpenOptions {
        val_share: args.val_share,
        resize: named.size().filter(|_| matches!(source, Source::Images { .. })),
        ..OpenOptions::default()
    };
    let dataset = deepeyes_data::open(&source, &options).map_err(usage)?;
    note(&dataset.description);
    let network = named.network(dataset.classes.len())?;
    for remark in network.notes.iter().chain(&dataset.notes) {
        note(&format!("note: {remark}"));
    }
    let mut config = TrainConfig::new(network, Arc::new(dataset), args.data.clone());
    if let Some(path) = &args.solver {
        config.solver = solver(path, &config.network)?;
    }
    apply(args, &mut config);
    let mut session = Session::prepare(config).map_err(usage)?;
    if let Some(from) = &args.from {
        start_from(&mut session, from, logdir)?;
    }
    let resumed = if args.resume { Some(resume(&mut session, logdir)?) } else { None };
    Ok(Prepared { session, resumed })
}

fn usage(error: impl Into<anyhow::Error>) -> Failure {
    Failure::Usage(error.into())
}

/// Flags win over the solver file.
fn apply(args: &TrainArgs, config: &mut TrainConfig) {
    let solver = &config.solver;
    config.solver = Solver {
        iterations: args.iterations.unwrap_or(solver.iterations),
        batch: args.batch.unwrap_or(solver.batch),
        lr: args.lr.unwrap_or(solver.lr),
        ..solver.clone()
    };
    if let Some(name) = &args.name {
        config.name.clone_from(name);
    }
    if let Some(probe) = args.probe {
        config.probe = probe;
    }
    config.seed = args.seed;
    config.freeze.clone_from(&args.freeze);
}

/// Weights of a file, or of a run's last checkpoint.
fn start_from(session: &mut Session, from: &str, logdir: &Path) -> Result<(), Failure> {
    let path = Path::new(from);
    let weights =
        if path.is_file() { Weights::open(path).map_err(usage)? } else { run_weights(from, logdir)? };
    let report = session.load_weights(&weights).map_err(usage)?;
    note(&format!("{} of the network set from {from}", count(report.loaded.len(), "array")));
    for (name, reason) in &report.skipped {
        note(&format!("note: {name} is not used: {reason}"));
    }
    if !report.missing.is_empty() {
        note(&format!("note: nothing in it for {}; these start anew", report.missing.join(", ")));
    }
    Ok(())
}

fn run_weights(run: &str, logdir: &Path) -> Result<Weights, Failure> {
    let looks_like_a_file = Path::new(run).extension().is_some();
    let reader = run_view::open(run, logdir).map_err(|failure| {
        if looks_like_a_file {
            Failure::usage(
                format!("--from: there is no file {run}"),
                "name a weight file, or a run with a checkpoint",
            )
        } else {
            failure
        }
    })?;
    let checkpoint =
        reader.checkpoint(None).context("cannot read the run's checkpoint")?.ok_or_else(|| {
            Failure::usage(
                format!("the run {run} has no checkpoint"),
                "it ended before its first; name another run or a weight file",
            )
        })?;
    note(&format!("starting from the checkpoint of iteration {}", grouped(checkpoint.step)));
    // Weight files are read from disk; a run's are a safetensors document in its store.
    let mut file =
        tempfile::Builder::new().suffix(".safetensors").tempfile().context("cannot make a temporary file")?;
    file.write_all(&checkpoint.weights).context("cannot write a temporary file")?;
    Weights::open(file.path()).map_err(usage)
}

/// Puts the training where the newest checkpoint of the run of its name is.
fn resume(session: &mut Session, logdir: &Path) -> Result<Resumed, Failure> {
    let name = session.description().name;
    let reader = run_view::open(&name, logdir)?;
    let stored = reader.checkpoint(None).context("cannot read the run's checkpoint")?.ok_or_else(|| {
        Failure::usage(
            format!("the run {name} has no checkpoint to continue from"),
            "it ended before its first; train without --resume",
        )
    })?;
    let Some(state) = stored.state.clone() else {
        return Err(Failure::failed(
            format!("the checkpoint of {name} holds weights only"),
            format!("start a new run with --from {name}"),
        ));
    };
    let then = reader.info().context("cannot read the run")?.description;
    let now = session.description();
    if then.layers != now.layers {
        return Err(Failure::usage(
            format!("the run {name} is of other layers than the network given"),
            "continue with the same NETWORK and --data, or start a new run with --from",
        ));
    }
    let checkpoint =
        Checkpoint { step: stored.step, weights: stored.weights.clone().into(), state: state.into() };
    session.resume(&checkpoint).map_err(usage)?;
    note(&format!("continuing {name} after iteration {}", grouped(stored.step)));
    Ok(Resumed { directory: reader.directory().to_owned(), checkpoint: stored })
}
