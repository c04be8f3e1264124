//! TensorBoard's event files of the runs that were looked at last; what was read of them is not read again.

use deepeyes_store::{EVENT_POINTS, EventFiles};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Runs whose curves stay in memory.
const KEPT: usize = 4;

/// One run's files; one call reads them at a time.
type Shared = Arc<Mutex<EventFiles>>;

/// Event files, those read last at the end.
#[derive(Debug, Default)]
pub(super) struct Events(Mutex<Vec<(PathBuf, Shared)>>);

impl Events {
    /// Does something with the files of a run's directory, as they are now.
    pub(super) fn with<T>(&self, directory: &Path, work: impl FnOnce(&EventFiles) -> T) -> T {
        let files = self.get(directory);
        let mut files = files.lock().unwrap_or_else(PoisonError::into_inner);
        files.refresh();
        work(&files)
    }

    fn get(&self, directory: &Path) -> Shared {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = kept.iter().position(|(path, _)| path == directory);
        let files = known.map(|at| kept.remove(at));
        let files = files.unwrap_or_else(|| {
            (directory.to_owned(), Arc::new(Mutex::new(EventFiles::new(directory, EVENT_POINTS))))
        });
        kept.push(files.clone());
        let surplus = kept.len().saturating_sub(KEPT);
        kept.drain(..surplus);
        files.1
    }
}
