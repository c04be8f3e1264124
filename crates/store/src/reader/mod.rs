//! Reading a run, ended or live, without ever changing it.

mod course;
mod maps;
mod series;
mod snapshot;

use crate::array::decompress;
use crate::error::{Fault, Result, StoreError};
use crate::ranks::Ranks;
use crate::types::{FilterMap, Parent, RunInfo, RunStatus, StoredCheckpoint};
use crate::{find, lock, schema};
use deepeyes_core::{Image, InputId, RunDescription};
use rusqlite::backup::Backup;
use rusqlite::types::FromSql;
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a copy waits before it tries again where the writer of a rollback journal holds the file.
const PAUSE: Duration = Duration::from_millis(50);

/// Reads one run. Each call sees the run as it is at that moment, whole transactions only; a writer never waits for it
/// (with a rollback journal: only for the length of a call).
#[derive(Debug)]
pub struct Reader {
    file: schema::ReadConnection,
    database: PathBuf,
    directory: PathBuf,
    /// The ranks whose files `database` is merged from.
    ranks: Option<Ranks>,
}

/// The file of the run in `path`: a directory, or the file itself.
pub(crate) fn database_of(path: &Path) -> Result<PathBuf> {
    if path.is_file() {
        return Ok(path.to_owned());
    }
    std::fs::read_dir(path).map_err(StoreError::io(path, "open the run"))?;
    match find::databases(path).as_slice() {
        [] => Err(StoreError::NotARun {
            path: path.to_owned(),
            reason: "expected a directory with a `run.db`".to_owned(),
        }),
        [file] => Ok(file.clone()),
        [file, ..] => Err(StoreError::Ranks {
            path: path.to_owned(),
            ranks: find::databases(path).len(),
            example: file.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        }),
    }
}

/// A value of the run's own table.
pub(crate) fn meta<T: FromSql>(connection: &Connection, key: &str) -> rusqlite::Result<T> {
    connection.query_row("SELECT value FROM meta WHERE key = ?", [key], |row| row.get(0))
}

/// What the run is about.
pub(crate) fn description(connection: &Connection) -> std::result::Result<RunDescription, Fault> {
    let json: String = meta(connection, "description")?;
    serde_json::from_str(&json).map_err(|error| Fault::Broken(format!("its description: {error}")))
}

/// SQLite's integers are signed.
fn bound(at: Option<u64>) -> i64 {
    at.and_then(|step| i64::try_from(step).ok()).unwrap_or(i64::MAX)
}

impl Reader {
    /// Opens the run in a directory, or one file of it. Files of several ranks are merged into a temporary one first.
    ///
    /// # Errors
    /// [`StoreError::NotARun`], [`StoreError::Newer`], [`StoreError::Broken`], or where the system refuses.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let files = if path.is_dir() { find::databases(path) } else { Vec::new() };
        if files.len() < 2 {
            return Self::open_file(database_of(path)?);
        }
        let ranks = Ranks::merge(&files)?;
        let merged = Self::open_file(ranks.database().to_owned())?;
        Ok(Self { directory: path.to_owned(), ranks: Some(ranks), ..merged })
    }

    /// Takes in what ranks have written since; nothing to do for a run with one writer.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub fn refresh(&self) -> Result<()> {
        self.ranks.as_ref().map_or(Ok(()), Ranks::update)
    }

    /// Opens one writer's file.
    pub(crate) fn open_file(database: PathBuf) -> Result<Self> {
        let file = schema::open_reader(&database)?;
        let directory = match database.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        Ok(Self { file, database, directory, ranks: None })
    }

    /// Reads in one transaction, so that rows of different tables belong together.
    fn read<T>(&self, read: impl FnOnce(&Connection) -> std::result::Result<T, Fault>) -> Result<T> {
        let run = || {
            let transaction = self.file.connection.unchecked_transaction()?;
            read(&transaction)
        };
        run().map_err(|fault: Fault| fault.at(&self.database))
    }

    /// The run's directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// What the run is, and how far it has come.
    ///
    /// # Errors
    /// [`StoreError::Broken`], or where the system refuses; so for all that follow.
    pub fn info(&self) -> Result<RunInfo> {
        let mut info = self.own_info()?;
        if let Some(ranks) = &self.ranks {
            ranks.complete(&mut info)?;
        }
        Ok(info)
    }

    fn own_info(&self) -> Result<RunInfo> {
        self.read(|connection| {
            let host: String = meta(connection, "host")?;
            let heartbeat: f64 = meta(connection, "heartbeat")?;
            let status = match meta::<String>(connection, "status")?.as_str() {
                "finished" => RunStatus::Finished,
                "stopped" => RunStatus::Stopped,
                "running" if lock::is_alive(&self.database, &host, heartbeat) => RunStatus::Running,
                "running" => RunStatus::Interrupted,
                other => return Err(Fault::Broken(format!("its status is {other:?}"))),
            };
            let step: Option<u64> =
                connection.query_row("SELECT max(step) FROM scalars", [], |row| row.get(0))?;
            Ok(RunInfo {
                id: meta(connection, "run_id")?,
                name: find::directory_name(&self.directory),
                path: self.directory.clone(),
                status,
                step: step.unwrap_or(0),
                seconds: meta(connection, "seconds")?,
                created: meta(connection, "created")?,
                heartbeat,
                host,
                parent: parent(connection)?,
                description: description(connection)?,
            })
        })
    }

    /// The last iterations of the kept windows, in order.
    ///
    /// # Errors
    /// As for [`info`](Self::info).
    pub fn snapshot_steps(&self) -> Result<Vec<u64>> {
        self.read(|connection| {
            let mut select = connection.prepare_cached("SELECT step FROM snapshots ORDER BY step")?;
            Ok(select.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// An input's pixels; `None` where neither a kept sample nor the probe names it, or it is no image.
    ///
    /// # Errors
    /// As for [`info`](Self::info).
    pub fn image(&self, input: InputId) -> Result<Option<Image>> {
        self.read(|connection| {
            let mut select = connection
                .prepare_cached("SELECT height, width, channels, pixels FROM inputs WHERE input = ?")?;
            let row = select
                .query_row([input], |row| {
                    Ok(([row.get::<_, usize>(0)?, row.get(1)?, row.get(2)?], row.get::<_, Vec<u8>>(3)?))
                })
                .optional()?;
            let Some(([height, width, channels], data)) = row else { return Ok(None) };
            let length = height
                .checked_mul(width)
                .and_then(|pixels| pixels.checked_mul(channels))
                .ok_or_else(|| Fault::Broken(format!("input {input} is {height} x {width} x {channels}")))?;
            let pixels = decompress(&data, length)?.into_boxed_slice();
            Ok(Some(Image { height, width, channels, pixels }))
        })
    }

    /// The iterations at which weights are kept, in order.
    ///
    /// # Errors
    /// As for [`info`](Self::info).
    pub fn checkpoint_steps(&self) -> Result<Vec<u64>> {
        self.read(|connection| {
            let mut select =
                connection.prepare_cached("SELECT DISTINCT step FROM checkpoints ORDER BY step")?;
            Ok(select.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// The newest checkpoint at or before an iteration (`None`: of all).
    ///
    /// # Errors
    /// As for [`info`](Self::info).
    pub fn checkpoint(&self, at: Option<u64>) -> Result<Option<StoredCheckpoint>> {
        self.read(|connection| {
            let step: Option<u64> = connection.query_row(
                "SELECT max(step) FROM checkpoints WHERE step <= ?",
                [bound(at)],
                |row| row.get(0),
            )?;
            let Some(step) = step else { return Ok(None) };
            let part = |part: &str| -> std::result::Result<Option<Vec<u8>>, Fault> {
                let row = connection
                    .query_row(
                        "SELECT bytes, data FROM checkpoints WHERE step = ? AND part = ?",
                        params![step, part],
                        |row| Ok((row.get::<_, usize>(0)?, row.get::<_, Vec<u8>>(1)?)),
                    )
                    .optional()?;
                row.map(|(length, data)| decompress(&data, length)).transpose()
            };
            let weights = part("weights")?
                .ok_or_else(|| Fault::Broken(format!("the checkpoint of {step} has no weights")))?;
            Ok(Some(StoredCheckpoint { step, weights, state: part("state")?, analysis: part("analysis")? }))
        })
    }

    /// Copies the run, live or not, as it is at this moment, into the directory `destination`. A copy of a live run
    /// counts as interrupted: nobody writes it.
    ///
    /// # Errors
    /// Where `destination` holds a run already, or cannot be written; nothing is left there then.
    pub fn copy(&self, destination: impl AsRef<Path>) -> Result<PathBuf> {
        let directory = destination.as_ref();
        std::fs::create_dir_all(directory).map_err(StoreError::io(directory, "create"))?;
        let name = self.database.file_name().unwrap_or_default();
        let target = directory.join(name);
        if target.exists() {
            let exists = std::io::Error::from(std::io::ErrorKind::AlreadyExists);
            return Err(StoreError::io(&target, "copy a run to")(exists));
        }
        let partial = schema::with_suffix(&target, ".partial");
        let copied = self.copy_file(&partial);
        let placed = copied.map_err(|error| Fault::Sql(error).at(&partial)).and_then(|()| {
            std::fs::rename(&partial, &target).map_err(StoreError::io(&target, "put the copy in place"))
        });
        if placed.is_err() {
            // What is half written is of no use; that it could not be written is the error to tell.
            let _ = std::fs::remove_file(&partial);
        }
        placed.map(|()| target)
    }

    fn copy_file(&self, target: &Path) -> rusqlite::Result<()> {
        let mut copy = Connection::open(target)?;
        Backup::new(&self.file.connection, &mut copy)?.run_to_completion(i32::MAX, PAUSE, None)?;
        // The copy is one file, whole in itself.
        copy.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()))
    }
}

fn parent(connection: &Connection) -> std::result::Result<Option<Parent>, Fault> {
    let optional = |key: &str| meta::<String>(connection, key).optional();
    let Some(run_id) = optional("parent_run")? else { return Ok(None) };
    let path = PathBuf::from(optional("parent_path")?.unwrap_or_default());
    let mut select =
        connection.prepare_cached("SELECT layer, new_filter FROM filter_maps ORDER BY layer, old_filter")?;
    let rows = select.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, Option<usize>>(1)?)))?;
    let mut maps: BTreeMap<String, Vec<Option<usize>>> = BTreeMap::new();
    for row in rows {
        let (layer, new) = row?;
        maps.entry(layer).or_default().push(new);
    }
    let filter_maps =
        maps.into_iter().map(|(layer, new_from_old)| FilterMap { layer, new_from_old }).collect();
    Ok(Some(Parent { run_id, path, filter_maps }))
}
