//! A server on a port of its own over a small run: what it tells, whom it refuses, and that a slow viewer harms nobody.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    missing_docs,
    reason = "a test fails by panicking, helpers included"
)]

mod control;
mod flaky;
mod guarding;
mod http;
mod reading;
mod remote;
mod run;
mod scripted;
mod socket;
mod tensorboard;
mod wire;
