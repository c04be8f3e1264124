//! `deepeyes serve`, and the dashboard beside a training.

mod args;
mod interrupt;

pub(crate) use args::ServeArgs;
pub(crate) use interrupt::{Interrupt, on_interrupt};

use crate::error::Failure;
use crate::output::{self, note};
use deepeyes_server::{Server, ServerError, ServerOptions};
use std::path::Path;

/// Runs `deepeyes serve`.
pub(crate) fn run(args: &ServeArgs, logdir: &Path) -> Result<(), Failure> {
    let server = start(args.options(logdir))?;
    if !logdir.is_dir() {
        note(&format!("{} is not there yet; runs show up when they begin", logdir.display()));
    }
    let stop = server.stopper();
    on_interrupt(move |_| stop.stop())?;
    server.wait();
    Ok(())
}

/// Starts a server, and prints its address.
pub(crate) fn start(options: ServerOptions) -> Result<Server, Failure> {
    let server = Server::start(options).map_err(|error| match error {
        ServerError::System { .. } => Failure::Failed(error.into()),
        error => Failure::Usage(error.into()),
    })?;
    output::print(&format!("{}\n", server.url()))?;
    Ok(server)
}
