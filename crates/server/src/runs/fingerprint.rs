//! Whether a run's files have changed, without opening them.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::time::UNIX_EPOCH;

/// What a run's files look like from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Fingerprint {
    /// Changes when a file is another one than before.
    pub(crate) identity: u64,
    /// Changes when one is written.
    pub(crate) content: u64,
}

impl Fingerprint {
    /// Of the run in a directory.
    pub(crate) fn of(directory: &Path) -> Self {
        let Ok(entries) = std::fs::read_dir(directory) else { return Self::default() };
        let mut files: Vec<_> = entries
            .flatten()
            .filter(|entry| {
                let name = entry.file_name();
                let name = name.to_string_lossy();
                name.ends_with(".db") || name.ends_with(".db-wal")
            })
            .filter_map(|entry| Some((entry.file_name(), entry.metadata().ok()?)))
            .collect();
        files.sort_by(|a, b| a.0.cmp(&b.0));
        let (mut identity, mut content) = (DefaultHasher::new(), DefaultHasher::new());
        for (name, metadata) in files {
            if name.to_string_lossy().ends_with(".db") {
                (&name, serial(&metadata)).hash(&mut identity);
            }
            let changed = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
            (name, metadata.len(), changed).hash(&mut content);
        }
        Self { identity: identity.finish(), content: content.finish() }
    }
}

/// A number that two files do not share at one time; 0 where the system has none.
#[cfg(unix)]
fn serial(metadata: &std::fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

#[cfg(not(unix))]
fn serial(_: &std::fs::Metadata) -> u64 {
    0
}
