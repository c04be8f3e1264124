//! The `deepeyes` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(deepeyes_cli::main(std::env::args_os()))
}
