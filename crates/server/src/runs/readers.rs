//! Open runs: the few that were read last. Fifty listed runs cost no fifty open databases.

use super::fingerprint::Fingerprint;
use deepeyes_store::{Reader, Result};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Databases that stay open.
const OPEN: usize = 6;

/// What several ranks write is merged anew after this time.
const REFRESH: Duration = Duration::from_secs(2);

/// An open run; one call reads it at a time.
pub(crate) type Shared = Arc<Mutex<Reader>>;

#[derive(Debug)]
struct Entry {
    path: PathBuf,
    identity: u64,
    reader: Shared,
    /// When it was opened, or refreshed last.
    fresh: Instant,
}

/// Open runs, the one read last at the end.
#[derive(Debug, Default)]
pub(crate) struct Readers(Mutex<Vec<Entry>>);

impl Readers {
    /// The reader of a run's directory, opened where it is not yet, or where its file has been replaced.
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub(crate) fn get(&self, path: &Path) -> Result<Shared> {
        let identity = Fingerprint::of(path).identity;
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = open.iter().position(|entry| entry.path == path);
        let mut entry = match known.map(|at| open.remove(at)).filter(|entry| entry.identity == identity) {
            Some(entry) => entry,
            None => {
                let reader = Arc::new(Mutex::new(Reader::open(path)?));
                Entry { path: path.to_owned(), identity, reader, fresh: Instant::now() }
            }
        };
        let reader = Arc::clone(&entry.reader);
        let due = entry.fresh.elapsed() >= REFRESH;
        if due {
            entry.fresh = Instant::now();
        }
        open.push(entry);
        let surplus = open.len().saturating_sub(OPEN);
        open.drain(..surplus);
        drop(open);
        if due {
            reader.lock().unwrap_or_else(PoisonError::into_inner).refresh()?;
        }
        Ok(reader)
    }
}
