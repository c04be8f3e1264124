//! Ctrl-C, and the system's wish that the program ends.

use crate::error::Failure;
use anyhow::Context;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Which interrupt it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interrupt {
    First,
    Again,
}

/// Calls `act` at each Ctrl-C or SIGTERM, from a thread of its own. Once a program.
pub(crate) fn on_interrupt(act: impl Fn(Interrupt) + Send + 'static) -> Result<(), Failure> {
    let count = AtomicUsize::new(0);
    let handler = move || {
        let first = count.fetch_add(1, Ordering::Relaxed) == 0;
        act(if first { Interrupt::First } else { Interrupt::Again });
    };
    Ok(ctrlc::set_handler(handler).context("cannot watch for Ctrl-C")?)
}
