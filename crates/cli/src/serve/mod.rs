//! `deepeyes serve`, and the dashboard beside a training.

mod args;
mod browser;
mod interrupt;
mod launcher;

pub(crate) use args::ServeArgs;
pub(crate) use interrupt::Interrupts;

use crate::error::Failure;
use crate::output::{self, note};
use crate::train::{self, TrainArgs, Training};
use deepeyes_server::{Server, ServerError, ServerOptions};
use launcher::TrainLauncher;
use std::path::Path;
use std::sync::Arc;

/// Runs `deepeyes serve`.
pub(crate) fn run(args: &ServeArgs, logdir: &Path) -> Result<(), Failure> {
    let launcher = TrainLauncher::new(logdir);
    let server = start(args.options(logdir), &launcher)?;
    if !logdir.is_dir() {
        note(&format!("{} is not there yet; runs show up when they begin", logdir.display()));
    }
    let interrupts = watch(&launcher)?;
    end(server, &launcher, &interrupts);
    Ok(())
}

/// Trains with a dashboard, which stays when the training has ended.
pub(crate) fn beside_training(
    args: &TrainArgs,
    port: Option<u16>,
    open: bool,
    logdir: &Path,
) -> Result<(), Failure> {
    let launcher = TrainLauncher::new(logdir);
    let server = start(ServerOptions { port, ..ServerOptions::new(logdir) }, &launcher)?;
    let interrupts = watch(&launcher)?;
    let training = Training::begin(train::prepare(args, logdir)?, args.window, logdir)?;
    launcher.occupy(training.control());
    server.runs().add(training.live_run()).map_err(|error| Failure::Failed(error.into()))?;
    if open {
        browser::open(server.url());
    }
    let ended = training.carry_out(true).and_then(|directory| train::report(&directory, logdir));
    launcher.release();
    match &ended {
        Ok(()) => note(&format!("\nthe dashboard stays at {}; Ctrl-C ends it", server.url())),
        Err(failure) => note(failure.report().trim_end()),
    }
    end(server, &launcher, &interrupts);
    ended.map_err(Failure::told)
}

/// Starts a server, and prints its address.
fn start(options: ServerOptions, launcher: &Arc<TrainLauncher>) -> Result<Server, Failure> {
    let options = ServerOptions { launcher: Some(launcher.clone()), ..options };
    let server = Server::start(options).map_err(|error| match error {
        ServerError::System { .. } => Failure::Failed(error.into()),
        error => Failure::Usage(error.into()),
    })?;
    output::print(&format!("{}\n", server.url()))?;
    Ok(server)
}

/// At the first interrupt, what trains ends well.
fn watch(launcher: &Arc<TrainLauncher>) -> Result<Interrupts, Failure> {
    let launcher = Arc::clone(launcher);
    Interrupts::watch(move || launcher.stop())
}

/// Serves until an interrupt, then lets everything end.
fn end(server: Server, launcher: &TrainLauncher, interrupts: &Interrupts) {
    interrupts.wait();
    launcher.finish();
    server.stopper().stop();
    server.wait();
}
