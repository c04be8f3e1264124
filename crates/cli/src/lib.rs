//! The `deepeyes` program as a library: arguments in, exit code out; and what it reads of a stored run, for the Python package.

mod analyze;
mod data;
mod embed;
mod error;
mod export;
mod inspect;
mod live;
mod npz;
mod numbers;
mod output;
mod report;
mod run_view;
mod serve;
mod sparkline;
mod statistics_json;
mod stored;
#[cfg(test)]
mod synthetic;
mod table;
mod train;

pub use stored::{InstanceArrays, inspect_json, instances};

use clap::{Parser, Subcommand};
use error::Failure;
use std::ffi::OsString;
use std::path::PathBuf;

/// See what a deep network learns, layer by layer, while it trains
#[derive(Debug, Parser)]
#[command(name = "deepeyes", version, arg_required_else_help = true, propagate_version = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Where runs are kept
    #[arg(long, global = true, value_name = "DIR", default_value = "runs", env = "DEEPEYES_LOGDIR")]
    logdir: PathBuf,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(train::DemoArgs),
    Train(train::TrainArgs),
    Serve(serve::ServeArgs),
    Inspect(inspect::InspectArgs),
    Report(report::ReportArgs),
    Export(export::ExportArgs),
    Analyze(analyze::AnalyzeArgs),
    Embed(embed::EmbedArgs),
    Data(data::DataArgs),
}

/// Runs the program with arguments whose first is its name, and gives its exit code: 0 done, 1 failed, 2 wrong usage or
/// unreadable input.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(answer) => {
            // Help and version are answers on stdout; where nobody reads, nobody is to be told.
            let _ = answer.print();
            return answer.exit_code().try_into().unwrap_or(error::USAGE);
        }
    };
    let Err(failure) = run(&arguments) else { return 0 };
    let report = failure.report();
    if !report.is_empty() {
        output::note(report.trim_end());
    }
    failure.exit_code()
}

fn run(arguments: &Arguments) -> Result<(), Failure> {
    let logdir = &arguments.logdir;
    let Some(command) = &arguments.command else {
        return serve::run(&serve::ServeArgs::default(), logdir);
    };
    match command {
        Command::Demo(args) => train::demo(args, logdir),
        Command::Train(args) => train::train(args, logdir),
        Command::Serve(args) => serve::run(args, logdir),
        Command::Inspect(args) => inspect::run(args, logdir),
        Command::Report(args) => report::run(args, logdir),
        Command::Export(args) => export::run(args, logdir),
        Command::Analyze(args) => analyze::run(args),
        Command::Embed(args) => embed::run(args),
        Command::Data(args) => data::run(args),
    }
}
