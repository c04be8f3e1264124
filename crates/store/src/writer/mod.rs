//! The one writer of a run's file. Every call is one transaction: it happened, or it did not.

mod maps;
mod prune;
mod snapshot;

pub(crate) use snapshot::{SIMILARITY_ONE, WINDOW_ARRAY};

use crate::array::Encoder;
use crate::error::{Fault, Result, StoreError};
use crate::types::{Ending, MapParts, Parent, Scalar, SnapshotParts, Validation};
use crate::{Journal, Retention, find, host, lock, schema};
use deepeyes_core::{Image, InputId, RunDescription};
use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// How a run is written.
#[derive(Debug, Clone, Default)]
pub struct RunOptions {
    /// What stays when it grows.
    pub retention: Retention,
    /// How transactions are kept atomic.
    pub journal: Journal,
    /// The run that it was redesigned from.
    pub parent: Option<Parent>,
}

/// Writes one run; nobody else can while it lives. Dropped without [`finish`](Self::finish), it leaves the run
/// `interrupted`.
#[derive(Debug)]
pub struct Writer {
    connection: Connection,
    database: PathBuf,
    encoder: Encoder,
    retention: Retention,
    layers: usize,
    /// Seconds of earlier sessions.
    seconds_before: f64,
    started: Instant,
    // Last, so that the lock is given back after the file is closed.
    _lock: File,
}

impl Writer {
    /// Begins a run in a new directory under `logdir`: the description's name, or with `-2`, `-3`, ... where that exists.
    /// A name may hold folders (`experiments/lenet`).
    ///
    /// # Errors
    /// [`StoreError::Name`] where the name cannot be a directory's, otherwise where files cannot be made.
    pub fn create(
        logdir: impl AsRef<Path>,
        description: &RunDescription,
        options: &RunOptions,
    ) -> Result<Self> {
        Self::create_in(new_directory(logdir.as_ref(), &description.name)?, description, options)
    }

    /// Begins a run in a directory that [`new_directory`] has made for it.
    ///
    /// # Errors
    /// Where it holds a run already, or files cannot be made.
    pub fn create_in(
        directory: impl AsRef<Path>,
        description: &RunDescription,
        options: &RunOptions,
    ) -> Result<Self> {
        Self::create_file(directory.as_ref(), "run.db", 0, description, options)
    }

    /// Begins the file of one rank of a distributed training in the run's directory, which is made where it is missing.
    ///
    /// # Errors
    /// Where that rank's file exists, or cannot be made.
    pub fn create_rank(
        directory: impl AsRef<Path>,
        rank: u32,
        description: &RunDescription,
        options: &RunOptions,
    ) -> Result<Self> {
        let directory = directory.as_ref();
        std::fs::create_dir_all(directory).map_err(StoreError::io(directory, "create"))?;
        Self::create_file(directory, &format!("rank-{rank:04}.db"), rank, description, options)
    }

    fn create_file(
        directory: &Path,
        name: &str,
        rank: u32,
        description: &RunDescription,
        options: &RunOptions,
    ) -> Result<Self> {
        let database = directory.join(name);
        let lock = lock::acquire(&database)?;
        if database.exists() {
            let exists = std::io::Error::from(ErrorKind::AlreadyExists);
            return Err(StoreError::io(&database, "create")(exists));
        }
        schema::create(&database, |connection| describe(connection, rank, description, options))?;
        Self::open(database, lock, options)
    }

    /// Goes on with a run that has a directory: after an interruption, or after its end. The caller says with
    /// [`truncate_after`](Self::truncate_after) where it goes on.
    ///
    /// # Errors
    /// [`StoreError::Locked`] where another writer has it, and as for [`Reader::open`](crate::Reader::open).
    pub fn reopen(directory: impl AsRef<Path>, options: &RunOptions) -> Result<Self> {
        let database = crate::reader::database_of(directory.as_ref())?;
        let lock = lock::acquire(&database)?;
        Self::open(database, lock, options)
    }

    fn open(database: PathBuf, lock: File, options: &RunOptions) -> Result<Self> {
        let directory = database.parent().unwrap_or(&database);
        let connection = schema::open_writer(&database, options.journal.is_write_ahead(directory))?;
        let encoder = Encoder::new().map_err(StoreError::io(&database, "compress for"))?;
        let description = crate::reader::description(&connection).map_err(|fault| fault.at(&database))?;
        let seconds_before =
            crate::reader::meta(&connection, "seconds").map_err(|fault| Fault::from(fault).at(&database))?;
        let mut writer = Self {
            connection,
            database,
            encoder,
            retention: options.retention,
            layers: description.layers.len(),
            seconds_before,
            started: Instant::now(),
            _lock: lock,
        };
        writer.transaction(|transaction| {
            set_meta(transaction, "status", "running")?;
            set_meta(transaction, "host", host::name())?;
            Ok(())
        })?;
        Ok(writer)
    }

    /// The run's file.
    pub fn path(&self) -> &Path {
        &self.database
    }

    /// The run's directory.
    pub fn directory(&self) -> &Path {
        self.database.parent().unwrap_or(&self.database)
    }

    /// What the run is about, as stored.
    ///
    /// # Errors
    /// Where the file is broken.
    pub fn description(&self) -> Result<RunDescription> {
        crate::reader::description(&self.connection).map_err(|fault| fault.at(&self.database))
    }

    /// Adds iterations; one that is there already is replaced.
    ///
    /// # Errors
    /// Where the file cannot be written; none of them is stored then.
    pub fn append_scalars(&mut self, scalars: &[Scalar]) -> Result<()> {
        self.transaction(|transaction| {
            let mut insert =
                transaction.prepare_cached("INSERT OR REPLACE INTO scalars VALUES (?, ?, ?, ?, ?)")?;
            for scalar in scalars {
                let Scalar { step, loss, train_accuracy, seconds, observed_seconds } = *scalar;
                insert.execute(params![step, loss, train_accuracy, seconds, observed_seconds])?;
            }
            Ok(())
        })
    }

    /// Adds a validation; one of the same iteration is replaced.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn write_validation(&mut self, validation: &Validation) -> Result<()> {
        let Validation { step, accuracy, loss } = *validation;
        self.transaction(|transaction| {
            transaction.execute(
                "INSERT OR REPLACE INTO validations VALUES (?, ?, ?)",
                params![step, accuracy, loss],
            )?;
            Ok(())
        })
    }

    /// Stores the end of a window, whole or not at all, and lets go of what retention no longer keeps.
    ///
    /// # Errors
    /// [`StoreError::Value`] where the parts do not fit the run or each other, otherwise where the file cannot be
    /// written.
    pub fn write_snapshot(&mut self, parts: &SnapshotParts) -> Result<()> {
        let encoded = snapshot::encode(parts, self.layers, &mut self.encoder)
            .map_err(|fault| fault.at(&self.database))?;
        let retention = self.retention;
        self.transaction(|transaction| {
            snapshot::insert_step(transaction, parts)?;
            // Before the large values go in: their pages are used again.
            prune::snapshots(transaction, &retention)?;
            snapshot::insert(transaction, &encoded)?;
            prune::to_size(transaction, &retention)
        })
    }

    /// Stores maps of one step, whole or not at all, in place of what there is of the same layers, and lets go of what
    /// retention no longer keeps.
    ///
    /// # Errors
    /// As for [`write_snapshot`](Self::write_snapshot).
    pub fn write_maps(&mut self, parts: &MapParts) -> Result<()> {
        let encoded =
            maps::encode(parts, self.layers, &mut self.encoder).map_err(|fault| fault.at(&self.database))?;
        let retention = self.retention;
        self.transaction(|transaction| {
            maps::insert_step(transaction, parts.step)?;
            prune::maps(transaction, &retention)?;
            maps::insert(transaction, parts.step, &encoded)?;
            prune::to_size(transaction, &retention)
        })
    }

    /// Stores the pixels of the probe's inputs, which stay for as long as the run does.
    ///
    /// # Errors
    /// As for [`write_snapshot`](Self::write_snapshot).
    pub fn write_probe_inputs(&mut self, images: &[(InputId, Arc<Image>)]) -> Result<()> {
        let encoded =
            maps::encode_images(images, &mut self.encoder).map_err(|fault| fault.at(&self.database))?;
        self.transaction(|transaction| maps::insert_inputs(transaction, &encoded))
    }

    /// Stores a checkpoint, whole or not at all: `weights` as a safetensors document, the producer's `state` and the
    /// engine's `analysis` as they are. Older checkpoints lose their state, and the oldest go.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn write_checkpoint(
        &mut self,
        step: u64,
        weights: &[u8],
        state: &[u8],
        analysis: &[u8],
    ) -> Result<()> {
        let mut parts = Vec::new();
        for (part, bytes) in [("weights", weights), ("state", state), ("analysis", analysis)] {
            let data = self.encoder.bytes(bytes).map_err(|fault| fault.at(&self.database))?;
            parts.push((part, bytes.len(), data));
        }
        let retention = self.retention;
        self.transaction(|transaction| {
            transaction.execute("DELETE FROM checkpoints WHERE step = ? OR part <> 'weights'", [step])?;
            prune::checkpoints(transaction, retention.checkpoints.max(1) - 1)?;
            for (part, bytes, data) in &parts {
                transaction.execute(
                    "INSERT INTO checkpoints VALUES (?, ?, ?, ?)",
                    params![step, part, bytes, data],
                )?;
            }
            prune::to_size(transaction, &retention)
        })
    }

    /// Takes back everything after iteration `step`, so that a resumed run goes on as if it had never been.
    ///
    /// # Errors
    /// Where the file cannot be written; nothing has changed then.
    pub fn truncate_after(&mut self, step: u64) -> Result<()> {
        self.transaction(|transaction| {
            for table in [
                "scalars",
                "validations",
                "snapshots",
                "layer_snapshots",
                "arrays",
                "snapshot_inputs",
                "maps",
                "layer_maps",
                "map_arrays",
                "checkpoints",
            ] {
                transaction.execute(&format!("DELETE FROM {table} WHERE step > ?"), [step])?;
            }
            prune::orphaned_inputs(transaction)
        })
    }

    /// Takes all iterations and windows back; maps, validations and the probe's images stay.
    ///
    /// # Errors
    /// Where the file cannot be written; nothing has changed then.
    pub(crate) fn clear_course(&mut self) -> Result<()> {
        self.transaction(|transaction| {
            for table in ["scalars", "snapshots", "layer_snapshots", "arrays", "snapshot_inputs"] {
                transaction.execute(&format!("DELETE FROM {table}"), [])?;
            }
            Ok(())
        })
    }

    /// Gives a sign of life; due at least every few seconds, for readers on other hosts.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn heartbeat(&mut self) -> Result<()> {
        self.transaction(|_| Ok(()))
    }

    /// Ends the run.
    ///
    /// # Errors
    /// Where the file cannot be written; the run then counts as interrupted.
    pub fn finish(mut self, ending: Ending) -> Result<()> {
        let status = crate::RunStatus::from(ending).word();
        self.transaction(|transaction| Ok(set_meta(transaction, "status", status)?))?;
        schema::close_writer(&self.connection).map_err(|error| Fault::Sql(error).at(&self.database))
    }

    /// Does `apply` in one transaction, together with a sign of life.
    fn transaction(
        &mut self,
        apply: impl FnOnce(&Transaction) -> std::result::Result<(), Fault>,
    ) -> Result<()> {
        let seconds = self.seconds_before + self.started.elapsed().as_secs_f64();
        let connection = &mut self.connection;
        let run = move || -> std::result::Result<(), Fault> {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            apply(&transaction)?;
            set_meta(&transaction, "heartbeat", host::now_seconds())?;
            set_meta(&transaction, "seconds", seconds)?;
            transaction.commit()?;
            Ok(())
        };
        run().map_err(|fault| fault.at(&self.database))
    }

    /// Lets the file grow to about `bytes` and no further, however much space the disk has: what does not fit is
    /// [`StoreError::DiskFull`]. A quota, where [`Retention::max_bytes`] is an aim.
    ///
    /// # Errors
    /// Where the file is broken.
    pub fn limit_bytes(&self, bytes: u64) -> Result<()> {
        let run = || {
            let page: u64 = self.connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
            self.connection.pragma_update_and_check(None, "max_page_count", bytes / page.max(1), |_| Ok(()))
        };
        run().map_err(|error| Fault::Sql(error).at(&self.database))
    }
}

fn set_meta(connection: &Connection, key: &str, value: impl rusqlite::ToSql) -> rusqlite::Result<()> {
    connection.prepare_cached("INSERT OR REPLACE INTO meta VALUES (?, ?)")?.execute(params![key, value])?;
    Ok(())
}

/// The first rows of a run.
fn describe(
    connection: &Connection,
    rank: u32,
    description: &RunDescription,
    options: &RunOptions,
) -> std::result::Result<(), Fault> {
    let json = serde_json::to_string(description)
        .map_err(|error| Fault::Value(format!("the run's description: {error}")))?;
    let now = host::now_seconds();
    connection.execute("INSERT INTO meta VALUES ('run_id', lower(hex(randomblob(16))))", [])?;
    set_meta(connection, "description", json)?;
    set_meta(connection, "status", "running")?;
    set_meta(connection, "created", now)?;
    set_meta(connection, "heartbeat", now)?;
    set_meta(connection, "seconds", 0.0)?;
    set_meta(connection, "host", host::name())?;
    set_meta(connection, "rank", rank)?;
    if let Some(parent) = &options.parent {
        set_meta(connection, "parent_run", &parent.run_id)?;
        set_meta(connection, "parent_path", parent.path.to_string_lossy())?;
        let mut insert = connection.prepare("INSERT INTO filter_maps VALUES (?, ?, ?)")?;
        for map in &parent.filter_maps {
            for (old, new) in map.new_from_old.iter().enumerate() {
                insert.execute(params![map.layer, old, new])?;
            }
        }
    }
    Ok(())
}

/// Makes a directory under `logdir` that nobody else has, named as for [`Writer::create`]: making it is what claims the name.
/// For runs of several ranks, whose writers share it, and for those whose directory is used before they begin.
///
/// # Errors
/// [`StoreError::Name`] where the name cannot be a directory's, otherwise where it cannot be made.
pub fn new_directory(logdir: &Path, name: &str) -> Result<PathBuf> {
    let relative = Path::new(name);
    let (true, Some(last)) = (find::is_plain(relative), relative.file_name().and_then(|name| name.to_str()))
    else {
        return Err(StoreError::Name { name: name.to_owned() });
    };
    let parent = logdir.join(relative).parent().unwrap_or(logdir).to_owned();
    std::fs::create_dir_all(&parent).map_err(StoreError::io(&parent, "create"))?;
    for number in 1_u64.. {
        let directory = parent.join(if number == 1 { last.to_owned() } else { format!("{last}-{number}") });
        match std::fs::create_dir(&directory) {
            Ok(()) => return Ok(directory),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(StoreError::io(&directory, "create")(error)),
        }
    }
    Err(StoreError::Name { name: name.to_owned() })
}
