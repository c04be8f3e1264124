//! Where runs are: directories that hold a run's file, found by their names alone.

use crate::error::{Result, StoreError};
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

/// Folders deeper than this below a log directory are not searched.
const DEPTH: usize = 12;
/// Names that an error lists.
const NAMED: usize = 5;

/// A run's place; nothing of it has been opened.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RunEntry {
    /// Its directory relative to the log directory, with `/` between folders: what [`resolve`] takes.
    pub name: String,
    /// Its directory.
    pub path: PathBuf,
}

/// The runs under `logdir`, nested folders included, sorted by name. Opens none of them; a folder that cannot be read is
/// passed over, and a log directory that does not exist holds no runs.
///
/// # Errors
/// Where `logdir` itself cannot be read.
pub fn find_runs(logdir: impl AsRef<Path>) -> Result<Vec<RunEntry>> {
    let logdir = logdir.as_ref();
    match std::fs::read_dir(logdir) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(StoreError::io(logdir, "list")(error)),
    }
    let mut runs = Vec::new();
    walk(logdir, logdir, DEPTH, &mut runs);
    runs.sort();
    Ok(runs)
}

fn walk(logdir: &Path, directory: &Path, depth: usize, runs: &mut Vec<RunEntry>) {
    if is_run(directory) {
        runs.push(RunEntry { name: name_under(logdir, directory), path: directory.to_owned() });
        return;
    }
    let Ok(entries) = std::fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        // Links are not followed: they could lead in circles.
        if depth > 0 && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            walk(logdir, &entry.path(), depth - 1, runs);
        }
    }
}

fn name_under(logdir: &Path, directory: &Path) -> String {
    let name = slashed(directory.strip_prefix(logdir).unwrap_or(directory));
    if name.is_empty() { directory_name(directory) } else { name }
}

/// A path with `/` between its parts, on every system.
pub(crate) fn slashed(path: &Path) -> String {
    let parts: Vec<_> = path.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    parts.join("/")
}

/// The last component of a directory, also of `.`.
pub(crate) fn directory_name(directory: &Path) -> String {
    let whole = directory.canonicalize().unwrap_or_else(|_| directory.to_owned());
    whole.file_name().unwrap_or(whole.as_os_str()).to_string_lossy().into_owned()
}

/// Whether a directory holds a run's file.
fn is_run(directory: &Path) -> bool {
    !databases(directory).is_empty()
}

/// The files that writers left in a directory, sorted.
pub(crate) fn databases(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
    let mut files: Vec<PathBuf> =
        entries.flatten().map(|entry| entry.path()).filter(|path| is_database(path)).collect();
    files.sort();
    files
}

fn is_database(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let rank = name.strip_prefix("rank-").and_then(|name| name.strip_suffix(".db"));
    let numbered =
        rank.is_some_and(|rank| !rank.is_empty() && rank.bytes().all(|byte| byte.is_ascii_digit()));
    (name == "run.db" || numbered) && path.is_file()
}

/// The directory of RUN: a run's directory, or a name under `logdir`.
///
/// # Errors
/// [`StoreError::Unknown`] where it is neither; the message lists runs that there are.
pub fn resolve(run: &str, logdir: impl AsRef<Path>) -> Result<PathBuf> {
    let logdir = logdir.as_ref();
    let direct = Path::new(run);
    let named = (!run.is_empty() && is_plain(direct)).then(|| logdir.join(run));
    let found = [Some(direct.to_owned()), named].into_iter().flatten().find(|path| is_run(path));
    found.ok_or_else(|| StoreError::Unknown {
        run: run.to_owned(),
        logdir: logdir.to_owned(),
        known: known(logdir),
    })
}

/// Whether a path stays below what it is joined to.
pub(crate) fn is_plain(path: &Path) -> bool {
    path.components().all(|part| matches!(part, Component::Normal(_)))
}

fn known(logdir: &Path) -> String {
    let runs = find_runs(logdir).unwrap_or_default();
    if runs.is_empty() {
        return ", which holds no runs; name another with --logdir".to_owned();
    }
    let names: Vec<_> = runs.iter().take(NAMED).map(|run| run.name.as_str()).collect();
    let more = if runs.len() > NAMED { format!(" and {} more", runs.len() - NAMED) } else { String::new() };
    format!("; it holds {}{more}", names.join(", "))
}
