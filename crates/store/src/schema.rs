//! The file itself: created whole, opened for one writer, opened for readers that change nothing.

use crate::error::{Fault, Result, StoreError};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

/// The format version that is written, and the newest that is read.
pub(crate) const VERSION: u32 = 1;
/// "DEYE": marks a SQLite file as a run.
const APPLICATION: u32 = 0x4445_5945;
const TABLES: &str = include_str!("schema.sql");
const MAP_TABLES: &str = include_str!("maps.sql");
/// How long one side waits where only a rollback journal is possible and the other side holds the file.
const BUSY: Duration = Duration::from_secs(10);
/// The write-ahead log is cut back to this size after a large snapshot.
const JOURNAL_BYTES: i64 = 4 << 20;

/// Creates the tables in a new file and lets `fill` put in the first rows. The file appears at `path` all at once, so
/// that nobody sees half a run.
pub(crate) fn create(
    path: &Path,
    fill: impl FnOnce(&Connection) -> std::result::Result<(), Fault>,
) -> Result<()> {
    let partial = with_suffix(path, ".partial");
    let run = || -> std::result::Result<(), Fault> {
        let connection = Connection::open(&partial)?;
        connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
        connection.execute_batch("BEGIN")?;
        connection.execute_batch(TABLES)?;
        connection.pragma_update(None, "application_id", APPLICATION)?;
        connection.pragma_update(None, "user_version", VERSION)?;
        fill(&connection)?;
        connection.execute_batch("COMMIT")?;
        Ok(())
    };
    run().map_err(|fault| fault.at(&partial))?;
    std::fs::rename(&partial, path).map_err(StoreError::io(path, "put the new run in place"))
}

/// Opens a run for its one writer.
pub(crate) fn open_writer(path: &Path, write_ahead: bool) -> Result<Connection> {
    check_header(path)?;
    let run = || -> std::result::Result<Connection, Fault> {
        let connection = Connection::open_with_flags(
            path,
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )?;
        connection.busy_timeout(BUSY)?;
        let wanted = if write_ahead { "WAL" } else { "DELETE" };
        let mode: String =
            connection.pragma_update_and_check(None, "journal_mode", wanted, |row| row.get(0))?;
        // With a write-ahead log, NORMAL survives a killed process whole and a power cut but for the last transactions;
        // with a rollback journal only FULL survives a power cut at all.
        let synchronous = if mode.eq_ignore_ascii_case("wal") { "NORMAL" } else { "FULL" };
        connection.pragma_update(None, "synchronous", synchronous)?;
        connection.execute_batch(&format!("BEGIN IMMEDIATE; {MAP_TABLES}; COMMIT"))?;
        let _: i64 =
            connection
                .pragma_update_and_check(None, "journal_size_limit", JOURNAL_BYTES, |row| row.get(0))?;
        Ok(connection)
    };
    run().map_err(|fault| fault.at(path))
}

/// Gives freed pages back and makes the file whole in itself, so that readers of an ended run need no side files.
pub(crate) fn close_writer(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch("PRAGMA incremental_vacuum")?;
    // A reader may hold the log; it then stays, and is as good.
    let _: rusqlite::Result<String> =
        connection.pragma_update_and_check(None, "journal_mode", "DELETE", |row| row.get(0));
    Ok(())
}

/// A connection that cannot write, with the temporary copy that it reads where the run itself could not be opened.
#[derive(Debug)]
pub(crate) struct ReadConnection {
    pub(crate) connection: Connection,
    _copy: Option<TempDir>,
}

/// Opens a run without ever changing it.
pub(crate) fn open_reader(path: &Path) -> Result<ReadConnection> {
    check_header(path)?;
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    match prepare(Connection::open_with_flags(path, flags)) {
        Ok(connection) => Ok(ReadConnection { connection, _copy: None }),
        Err(error) if is_read_only(&error) => open_unwritable(path, flags),
        Err(error) => Err(Fault::Sql(error).at(path)),
    }
}

/// A run in a place where even a reader's side files cannot be: read as it is where the file is whole in itself, else
/// from a copy in which SQLite can replay the journal.
fn open_unwritable(path: &Path, flags: OpenFlags) -> Result<ReadConnection> {
    let journals = journals(path);
    if journals.is_empty() {
        let uri = format!("file:{}?immutable=1", percent_encoded(path));
        let connection =
            prepare(Connection::open_with_flags(uri, flags)).map_err(|error| Fault::Sql(error).at(path))?;
        return Ok(ReadConnection { connection, _copy: None });
    }
    let copy = tempfile::tempdir().map_err(StoreError::io(path, "make a temporary copy of"))?;
    for source in journals.iter().map(PathBuf::as_path).chain([path]) {
        let name = source.file_name().unwrap_or(source.as_os_str());
        std::fs::copy(source, copy.path().join(name))
            .map_err(StoreError::io(source, "make a temporary copy of"))?;
    }
    let copied = copy.path().join(path.file_name().unwrap_or(path.as_os_str()));
    let connection = prepare(Connection::open(copied)).map_err(|error| Fault::Sql(error).at(path))?;
    Ok(ReadConnection { connection, _copy: Some(copy) })
}

/// What is not in the file itself yet.
fn journals(path: &Path) -> Vec<PathBuf> {
    let candidates = ["-wal", "-journal"].map(|suffix| with_suffix(path, suffix));
    candidates.into_iter().filter(|path| path.metadata().is_ok_and(|metadata| metadata.len() > 0)).collect()
}

fn prepare(connection: rusqlite::Result<Connection>) -> rusqlite::Result<Connection> {
    let connection = connection?;
    connection.busy_timeout(BUSY)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.query_row("SELECT count(*) FROM meta", [], |_| Ok(()))?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

fn is_read_only(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly))
}

/// Whether the file is a run that this version reads; told from its first bytes, before SQLite touches it.
fn check_header(path: &Path) -> Result<()> {
    let not_a_run = |reason: &str| {
        Err(StoreError::NotARun {
            path: path.to_owned(),
            reason: format!("{reason}; expected the `run.db` of a run's directory"),
        })
    };
    // Asked first: a journal that is there now may be in the file a moment later, but not the other way round.
    let is_whole = journals(path).is_empty();
    let mut header = Vec::new();
    let length = File::open(path)
        .and_then(|mut file| {
            file.by_ref().take(100).read_to_end(&mut header)?;
            Ok(file.metadata()?.len())
        })
        .map_err(StoreError::io(path, "read"))?;
    if header.len() < 100 || !header.starts_with(b"SQLite format 3\0") {
        return not_a_run("it is no SQLite file");
    }
    let number = |at: usize| u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    if number(68) != APPLICATION {
        return not_a_run("it is another program's SQLite file");
    }
    let page_bytes = match u16::from_be_bytes([header[16], header[17]]) {
        1 => 65_536,
        bytes => u64::from(bytes),
    };
    let expected = page_bytes * u64::from(number(28));
    match number(60) {
        VERSION if is_whole && length < expected => {
            Err(Fault::Broken(format!("it is cut off after {length} of {expected} bytes")).at(path))
        }
        VERSION => Ok(()),
        0 => Err(Fault::Broken("its format version is 0".to_owned()).at(path)),
        found => Err(StoreError::Newer { path: path.to_owned(), found, supported: VERSION }),
    }
}

/// `run.db` and `-wal` give `run.db-wal`.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

fn percent_encoded(path: &Path) -> String {
    path.to_string_lossy().replace('%', "%25").replace('?', "%3f").replace('#', "%23")
}
