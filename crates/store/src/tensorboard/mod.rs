//! Scalars of TensorBoard's event files (`events.out.tfevents.*`) that lie in a run's directory or below it, as PyTorch's
//! `SummaryWriter`, Lightning, Keras, Transformers and the JAX writers leave them.
//!
//! They are read here, beside the run's own file, because they are a run's files like it: nothing of them is imported,
//! so that what TensorBoard shows and what we show stay one thing.

mod event;
mod folder;
mod record;
mod series;

pub use series::EventPoint;

use crate::find;
use folder::{Folder, Limits};
use series::Series;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Points that are kept of a curve where no one asks for all of them.
pub const EVENT_POINTS: usize = 2000;

/// Curves of a run, all folders together.
const MOST_SERIES: usize = 1000;
/// Event files of a run.
const MOST_FILES: usize = 1000;
/// Folders deeper than this below the run's directory are not searched.
const DEPTH: usize = 8;

/// Event files of each folder, by their names, with their lengths.
type Found = BTreeMap<PathBuf, BTreeMap<OsString, u64>>;

/// Follows the event files of a run, also while they are written. What it keeps is bounded: long curves are thinned.
#[derive(Debug)]
pub struct EventFiles {
    directory: PathBuf,
    points: usize,
    /// By their paths relative to the directory.
    folders: BTreeMap<PathBuf, Folder>,
    left_out: Vec<String>,
}

/// A curve.
#[derive(Debug, Clone, Copy)]
pub struct EventSeries<'a> {
    /// The folder of its files, relative to the run's directory, with `/` between folders; empty for the directory itself.
    folder: &'a Path,
    tag: &'a str,
    series: &'a Series,
}

/// A file that is not read to its end, or what was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventNote {
    /// The file relative to the run's directory; empty where it is not about one.
    pub file: String,
    /// Where the record begins that cannot be read.
    pub byte: Option<u64>,
    /// What is wrong.
    pub reason: String,
}

impl std::fmt::Display for EventNote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { file, byte, reason } = self;
        match byte {
            Some(byte) => write!(f, "{file}: {reason}, at byte {byte}; what stands before it is shown"),
            None => f.write_str(reason),
        }
    }
}

impl EventFiles {
    /// Of the run in `directory`, with at most `points` points a curve. Reads nothing yet.
    pub fn new(directory: impl Into<PathBuf>, points: usize) -> Self {
        Self { directory: directory.into(), points, folders: BTreeMap::new(), left_out: Vec::new() }
    }

    /// The run's directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Reads what was added since the last time. A record that is not whole yet is waited for; a folder or file that
    /// cannot be read is passed over, and told by [`notes`](Self::notes).
    pub fn refresh(&mut self) {
        let (mut found, mut left) = (Found::new(), MOST_FILES);
        let whole = search(&self.directory, Path::new(""), DEPTH, &mut left, &mut found);
        self.folders.retain(|folder, _| found.contains_key(folder));
        self.left_out.clear();
        if !whole {
            self.left_out
                .push(format!("the run has more than {MOST_FILES} event files; the others are left out"));
        }
        for (relative, files) in &found {
            let mut folder = self.folders.remove(relative).unwrap_or_default();
            let others: usize = self.folders.values().map(|folder| folder.series().len()).sum();
            let limits = Limits { series: MOST_SERIES.saturating_sub(others), points: self.points };
            folder.refresh(&self.directory.join(relative), files, limits);
            self.folders.insert(relative.clone(), folder);
        }
        if self.folders.values().any(Folder::is_full) {
            self.left_out
                .push(format!("the run has more than {MOST_SERIES} scalars; the others are left out"));
        }
    }

    /// The curves, by folder and tag.
    pub fn series(&self) -> impl Iterator<Item = EventSeries<'_>> {
        self.folders.iter().flat_map(|(folder, read)| {
            let told = read.series().filter(|(_, series)| series.count() > 0);
            told.map(move |(tag, series)| EventSeries { folder, tag, series })
        })
    }

    /// What could not be read, and what was left out.
    pub fn notes(&self) -> Vec<EventNote> {
        let faults = self.folders.iter().flat_map(|(folder, read)| {
            read.faults().map(move |(name, byte, reason)| EventNote {
                file: find::slashed(&folder.join(name)),
                byte: Some(byte),
                reason: reason.to_owned(),
            })
        });
        let left_out = self.left_out.iter();
        let left_out =
            left_out.map(|reason| EventNote { file: String::new(), byte: None, reason: reason.clone() });
        faults.chain(left_out).collect()
    }
}

impl<'a> EventSeries<'a> {
    /// The folder of its files, relative to the run's directory, with `/` between folders; empty for the directory itself.
    pub fn folder(&self) -> String {
        find::slashed(self.folder)
    }

    /// What its writer calls it.
    pub fn tag(&self) -> &'a str {
        self.tag
    }

    /// Points in the files, those that were superseded left out.
    pub fn count(&self) -> u64 {
        self.series.count()
    }

    /// The points that are kept, steps rising: all of them, or evenly thinned with the first and the last one.
    pub fn points(&self) -> impl ExactSizeIterator<Item = EventPoint> + Clone + use<'a> {
        self.series.points()
    }
}

/// Finds event files in a folder and below it; false where there are more than `left`.
fn search(directory: &Path, relative: &Path, depth: usize, left: &mut usize, found: &mut Found) -> bool {
    let Ok(entries) = std::fs::read_dir(directory.join(relative)) else { return true };
    let mut whole = true;
    for entry in entries.flatten() {
        // Links are not followed: they could lead in circles, or out of the log directory.
        let Ok(kind) = entry.file_type() else { continue };
        let name = entry.file_name();
        if kind.is_dir() && depth > 0 {
            whole &= search(directory, &relative.join(&name), depth - 1, left, found);
        } else if kind.is_file() && name.to_string_lossy().contains("tfevents") {
            let Ok(metadata) = entry.metadata() else { continue };
            if *left == 0 {
                return false;
            }
            *left -= 1;
            found.entry(relative.to_owned()).or_default().insert(name, metadata.len());
        }
    }
    whole
}
