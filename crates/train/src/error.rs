//! What can go wrong in a training.

use deepeyes_data::DataError;
use deepeyes_network::NetworkError;
use thiserror::Error;

/// Why a training cannot start, or ended early.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TrainError {
    /// The network is not one, or does not fit the data's images.
    #[error("{0}")]
    Network(#[from] NetworkError),
    /// An image cannot be read.
    #[error("{0}")]
    Data(#[from] DataError),
    /// The network's last layer does not fit the number of classes.
    #[error(
        "the network's last layer {layer:?} puts out {found}, but the data has {classes} classes; expected {classes} \
         values: change that layer"
    )]
    Classes {
        /// Name of the last layer.
        layer: String,
        /// Its output's shape, `channels x height x width`.
        found: String,
        /// Classes of the data.
        classes: usize,
    },
    /// A split of the data is empty.
    #[error("the data has no {split} images")]
    NoImages {
        /// `training` or `validation`.
        split: &'static str,
    },
    /// A label lies outside of the classes.
    #[error("{split} image {index} has label {label}, but there are {classes} classes; expected 0 to {}, or -1 for none", .classes - 1)]
    Label {
        /// `training` or `validation`.
        split: &'static str,
        /// Index of the image in its split.
        index: usize,
        /// Its label.
        label: i32,
        /// Classes of the data.
        classes: usize,
    },
    /// A layer is to be frozen that the network does not have, or that learns nothing.
    #[error("cannot freeze {name:?}: no such layer with parameters{}; those are {}", hint(.suggestion.as_deref()), .known.join(", "))]
    UnknownLayer {
        /// The name given.
        name: String,
        /// The closest name that would do.
        suggestion: Option<String>,
        /// All names that would do.
        known: Vec<String>,
    },
    /// A setting has a value that no training can use.
    #[error("{setting} is {value}; expected {expected}")]
    Setting {
        /// Which setting.
        setting: &'static str,
        /// Its value.
        value: String,
        /// What was expected.
        expected: &'static str,
    },
    /// The loss is no longer a number.
    #[error(
        "the loss became {loss} in iteration {step} at a learning rate of {rate}: training has diverged; try a lower \
         learning rate, or continue from an earlier checkpoint. Everything up to that iteration is kept"
    )]
    Diverged {
        /// The iteration, counted from 1.
        step: u64,
        /// The loss: NaN or infinite.
        loss: f64,
        /// The learning rate of that iteration.
        rate: f64,
    },
    /// No array of a weight file fits the network.
    #[error(
        "none of the {} arrays in the weights fits a parameter of the network: the weights have {}; the network has \
         {}; names must agree, such as conv1.weight",
        .found.len(), some(.found), some(.expected)
    )]
    NoWeights {
        /// Names in the weights, with shapes.
        found: Vec<String>,
        /// Names in the network, with shapes.
        expected: Vec<String>,
    },
    /// A checkpoint cannot be continued from.
    #[error("cannot continue from the checkpoint of iteration {step}: {reason}")]
    Checkpoint {
        /// The checkpoint's iteration.
        step: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// The operating system gives no threads.
    #[error("cannot start threads to train on: {0}")]
    Threads(#[from] rayon::ThreadPoolBuildError),
}

fn hint(suggestion: Option<&str>) -> String {
    suggestion.map_or_else(String::new, |name| format!(" (did you mean {name:?}?)"))
}

fn some(names: &[String]) -> String {
    const SHOWN: usize = 6;
    let listed = names.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN { format!("{listed}, … ({} in all)", names.len()) } else { listed }
}

/// The name closest to `name`, if it is close at all.
pub(crate) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let near = known.map(|other| (distance(name, other), other)).min_by_key(|&(distance, _)| distance)?;
    (near.0 <= name.chars().count().max(3) / 3).then_some(near.1)
}

/// Levenshtein's distance: insertions, deletions and replacements that turn one into the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, &y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_close_names_are_suggested() {
        let known = ["conv1", "conv2", "fc1"];
        assert_eq!(nearest("cnv1", known.into_iter()), Some("conv1"));
        assert_eq!(nearest("fc", known.into_iter()), Some("fc1"));
        assert_eq!(nearest("classifier", known.into_iter()), None);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
