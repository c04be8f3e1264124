//! The store as its users see it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking, helpers included")]

mod broken;
mod common;
mod find;
mod killed;
mod live;
mod maps;
mod ranks;
mod retention;
mod round_trip;
mod tensorboard;
