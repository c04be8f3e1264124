//! Who holds a run: an operating system's lock, which a killed writer cannot leave behind, and across hosts a heartbeat.

use crate::error::{Result, StoreError};
use crate::host;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

/// A writer on another host that was silent for longer is taken for dead.
pub(crate) const SILENCE_SECONDS: f64 = 60.0;
/// A reader that asks for the lock holds it for a moment; a writer waits that long.
const TRIES: u32 = 40;
const WAIT: Duration = Duration::from_millis(25);

/// The lock's file of a database: `run.lock` beside `run.db`.
pub(crate) fn path_of(database: &Path) -> PathBuf {
    database.with_extension("lock")
}

/// Takes the writer's lock; it is free again when the file is closed, however the process ends.
///
/// # Errors
/// [`StoreError::Locked`] where another writer has it.
pub(crate) fn acquire(database: &Path) -> Result<File> {
    let path = path_of(database);
    let file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(StoreError::io(&path, "open the lock"))?;
    for _ in 0..TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => sleep(WAIT),
            // A file system without locks: the heartbeat alone tells.
            Err(TryLockError::Error(_)) => return Ok(file),
        }
    }
    Err(StoreError::Locked { path: database.parent().unwrap_or(database).to_owned() })
}

/// Whether a writer still holds a run that has not ended.
pub(crate) fn is_alive(database: &Path, writer_host: &str, heartbeat: f64) -> bool {
    let recent = host::now_seconds() - heartbeat <= SILENCE_SECONDS;
    if writer_host != host::name() {
        return recent;
    }
    match File::open(path_of(database)) {
        Ok(file) => match file.try_lock_shared() {
            Ok(()) => false,
            Err(TryLockError::WouldBlock) => true,
            Err(TryLockError::Error(_)) => recent,
        },
        Err(_) => false,
    }
}
