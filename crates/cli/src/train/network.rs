//! NETWORK and `--solver`: from words and files to descriptions.

use crate::error::Failure;
use anyhow::Context;
use deepeyes_network::caffe::{read_prototxt, read_solver};
use deepeyes_network::{Network, NetworkError, PRESETS, Solver, preset};
use std::path::Path;

/// What NETWORK names.
pub(crate) enum Named {
    /// A preset, whose size depends on the number of classes.
    Preset(&'static str),
    /// A description from a file.
    File(Box<Network>),
}

impl Named {
    /// A preset by name, a file by its ending.
    pub(crate) fn read(name: &str) -> Result<Self, Failure> {
        if let Some(known) = PRESETS.iter().find(|known| known.name == name) {
            return Ok(Self::Preset(known.name));
        }
        let path = Path::new(name);
        let read: fn(&str) -> Result<Network, NetworkError> = match ending(path) {
            Some("toml") => Network::from_toml,
            Some("prototxt") => read_prototxt,
            _ => {
                let presets = PRESETS.map(|known| known.name).join(", ");
                return Err(Failure::usage(
                    format!(
                        "unknown network {name:?}; expected a preset ({presets}), a .toml or a .prototxt"
                    ),
                    "a file's name must end in .toml or .prototxt",
                ));
            }
        };
        let network = read(&text_of(path)?).map_err(|error| at(path, error))?;
        Ok(Self::File(Box::new(network)))
    }

    /// `[height, width]` of the inputs that a file asks for.
    pub(crate) fn size(&self) -> Option<[usize; 2]> {
        match self {
            Self::File(network) => network.input.map(|[_, height, width]| [height, width]),
            Self::Preset(_) => None,
        }
    }

    /// The network for a number of classes.
    pub(crate) fn network(self, classes: usize) -> Result<Network, Failure> {
        match self {
            Self::File(network) => Ok(*network),
            Self::Preset(name) => Ok(preset(name, classes).with_context(|| format!("no preset {name}"))?),
        }
    }
}

/// The solver of a file: Caffe's `.prototxt`, or the `[solver]` table of a `.toml`.
pub(crate) fn solver(path: &Path, network: &Network) -> Result<Solver, Failure> {
    let text = text_of(path)?;
    match ending(path) {
        Some("prototxt") => {
            let file = read_solver(&text).map_err(|error| at(path, error))?;
            // Caffe's solvers leave the mini-batch to the network's data layer.
            let batch = file.network.is_none().then_some(network.preprocessing.batch).flatten();
            Ok(Solver { batch: batch.unwrap_or(file.solver.batch), ..file.solver })
        }
        Some("toml") => {
            // A file may hold the solver alone; the reader of networks wants a layer. It follows the text, so that
            // lines in errors stay right.
            let layer =
                if text.contains("[[layer]]") { "" } else { "\n[[layer]]\nname = \"none\"\nrelu = {}\n" };
            let network = Network::from_toml(&format!("{text}{layer}")).map_err(|error| at(path, error))?;
            network.solver.ok_or_else(|| {
                Failure::usage(
                    format!("{}: no [solver] table", path.display()),
                    "write the solver's settings below [solver]",
                )
            })
        }
        _ => Err(Failure::usage(
            format!("unknown kind of solver file {}", path.display()),
            "expected a Caffe solver (.prototxt) or a .toml with a [solver] table",
        )),
    }
}

fn ending(path: &Path) -> Option<&str> {
    path.extension().and_then(|ending| ending.to_str())
}

fn text_of(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path)
        .with_context(|| format!("cannot read {}", path.display()))
        .map_err(Failure::Usage)
}

fn at(path: &Path, error: NetworkError) -> Failure {
    Failure::Usage(anyhow::Error::new(error).context(format!("{} cannot be used", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(failure: &Failure) -> String {
        failure.report()
    }

    #[test]
    fn an_unknown_preset_lists_those_that_are() {
        let failure = Named::read("lent").err().unwrap();
        assert!(message(&failure).contains("lenet, alexnet"), "{}", message(&failure));
        assert!(matches!(failure, Failure::Usage(_)));
    }

    #[test]
    fn a_broken_file_is_told_by_file_line_and_field() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("net.toml");
        std::fs::write(&path, "name = 'x'\n[[layer]]\nname = 'a'\nconv2d = { filters = -3, kernel = 5 }\n")
            .unwrap();
        let text = message(&Named::read(&path.display().to_string()).err().unwrap());
        for words in ["net.toml", "line 4", "filters", "-3"] {
            assert!(text.contains(words), "{words} in {text}");
        }
    }

    #[test]
    fn a_solver_may_stand_alone() {
        let dir = tempfile::tempdir().unwrap();
        let toml = dir.path().join("solver.toml");
        std::fs::write(&toml, "[solver]\nlr = 0.05\nbatch = 32\n").unwrap();
        let network = Network::default();
        let read = solver(&toml, &network).unwrap();
        assert_eq!((read.lr, read.batch), (0.05, 32));
        std::fs::write(&toml, "[solver]\nlr = -1\n").unwrap();
        assert!(message(&solver(&toml, &network).unwrap_err()).contains("line 2"));
        std::fs::write(&toml, "name = 'x'\n").unwrap();
        assert!(message(&solver(&toml, &network).unwrap_err()).contains("no [solver] table"));
        let caffe = dir.path().join("solver.prototxt");
        std::fs::write(&caffe, "net: 'elsewhere.prototxt'\nbase_lr: 0.02\nlr_policy: 'fixed'\nmax_iter: 7\n")
            .unwrap();
        let read = solver(&caffe, &network).unwrap();
        assert_eq!((read.lr, read.iterations), (0.02, 7));
    }
}
