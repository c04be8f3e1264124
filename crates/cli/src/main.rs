//! The `deepeyes` program: arguments in, exit code out.

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
#[cfg(test)]
mod synthetic;
mod table;
mod train;

use clap::{Parser, Subcommand};
use error::Failure;
use std::path::PathBuf;
use std::process::ExitCode;

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

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let report = failure.report();
            if !report.is_empty() {
                output::note(report.trim_end());
            }
            failure.exit_code()
        }
    }
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
