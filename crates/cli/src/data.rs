//! `deepeyes data`: data sets known by name.

use crate::error::Failure;
use crate::numbers::grouped;
use crate::output;
use crate::table::Table;
use deepeyes_data::{DataError, get, known};
use std::path::PathBuf;

/// List known data sets, or write a built-in one as files
#[derive(Debug, clap::Args)]
pub(crate) struct DataArgs {
    #[command(subcommand)]
    command: DataCommand,
}

#[derive(Debug, clap::Subcommand)]
enum DataCommand {
    /// List the data sets known by name
    List,
    /// Write a built-in data set as files
    Get {
        /// Its name
        name: String,
        /// The folder to write into
        #[arg(long, default_value = ".")]
        dir: PathBuf,
    },
}

/// Runs the command.
pub(crate) fn run(args: &DataArgs) -> Result<(), Failure> {
    match &args.command {
        DataCommand::List => list(),
        DataCommand::Get { name, dir } => {
            let files = get(name, dir).map_err(|error| match error {
                error @ DataError::NotBundled { .. } => Failure::Usage(error.into()),
                error => Failure::Failed(error.into()),
            })?;
            output::print(&files.iter().map(|file| format!("{}\n", file.display())).collect::<String>())
        }
    }
}

fn list() -> Result<(), Failure> {
    let mut table =
        Table::new(&["Name", "Shows", ">Classes", ">Training", ">Validation", "Image", "Use it with"]);
    for known in known() {
        let [channels, height, width] = known.shape;
        table.row([
            known.name.to_owned(),
            known.description.to_owned(),
            grouped(known.classes as u64),
            grouped(known.train as u64),
            grouped(known.validation as u64),
            format!("{height}×{width} {}", if channels == 1 { "grey" } else { "RGB" }),
            known.how.replace('`', ""),
        ]);
    }
    let more = "\nYour own images: --data images:DIR, one folder a class, or a labels.csv with file, class and split.\n";
    output::print(&format!("{}{more}", table.render()))
}
