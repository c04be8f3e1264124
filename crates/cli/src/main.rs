//! The `deepeyes` program.

mod error;
mod statistics_json;

fn main() {}
