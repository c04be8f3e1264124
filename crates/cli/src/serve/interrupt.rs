//! Ctrl-C, and the system's wish that the program ends.

use crate::error::Failure;
use crate::output::note;
use anyhow::Context;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};

/// Exit code after a second Ctrl-C, as shells have it for SIGINT.
const INTERRUPTED: i32 = 130;

/// Tells of the first Ctrl-C or SIGTERM; the second one ends the program.
#[derive(Debug)]
pub(crate) struct Interrupts(Receiver<()>);

impl Interrupts {
    /// Watches from now on, once a program. `act` is called at the first interrupt, from another thread; it says whether
    /// something goes on that ends well if it is given the time.
    pub(crate) fn watch(act: impl Fn() -> bool + Send + 'static) -> Result<Self, Failure> {
        let (sender, receiver) = channel();
        let count = AtomicUsize::new(0);
        let handler = move || {
            if count.fetch_add(1, Ordering::Relaxed) > 0 {
                std::process::exit(INTERRUPTED);
            }
            if act() {
                note("\nstopping after this iteration; Ctrl-C again ends at once");
            }
            // Nobody waits for it where the program is about to end.
            let _ = sender.send(());
        };
        ctrlc::set_handler(handler).context("cannot watch for Ctrl-C")?;
        Ok(Self(receiver))
    }

    /// Waits for the first interrupt; returns at once where it has come already.
    pub(crate) fn wait(&self) {
        // The handler lives as long as the program.
        let _ = self.0.recv();
    }
}
