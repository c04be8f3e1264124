//! The thread that owns the store's writer. Where the store fails, it goes on taking records and lets them go.

use crate::error::EngineError;
use crate::guard::guarded;
use crate::priority;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use deepeyes_core::{Checkpoint, FilterMap, Image, InputId, InputMap, KeptWindow, LayerSnapshot};
use deepeyes_store::{Ending, MapParts, Result, Scalar, SnapshotParts, Validation, Writer};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::Duration;

/// Records that may wait. A store that is slower for long makes the analysis wait, and by it the producer: nothing is
/// lost, and memory stays bounded.
const WAITING: usize = 16;
/// The writer's signs of life are never further apart.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// Something to store.
#[derive(Debug)]
pub(crate) enum Record {
    Scalars(Vec<Scalar>),
    Validation(Validation),
    Snapshot {
        step: u64,
        layers: Vec<(usize, Arc<LayerSnapshot>)>,
        windows: Vec<(usize, Arc<KeptWindow>)>,
        full: bool,
        images: Vec<(InputId, Arc<Image>)>,
    },
    /// Pixels of the probe's inputs.
    ProbeInputs(Vec<(InputId, Arc<Image>)>),
    /// Maps of one probe.
    Maps {
        step: u64,
        inputs: Vec<(usize, Arc<InputMap>)>,
        filters: Vec<(usize, Arc<FilterMap>)>,
    },
    Checkpoint {
        checkpoint: Checkpoint,
        analysis: Vec<u8>,
    },
    /// The run ends; with `None` without an ending.
    End(Option<Ending>),
}

/// Where records go.
#[derive(Debug)]
pub(crate) struct Recorder {
    sender: Sender<Record>,
    thread: Option<JoinHandle<()>>,
    failure: Arc<OnceLock<String>>,
    directory: PathBuf,
}

impl Recorder {
    pub(crate) fn start(writer: Writer) -> std::result::Result<Self, EngineError> {
        let (sender, receiver) = bounded(WAITING);
        let failure = Arc::new(OnceLock::new());
        let directory = writer.directory().to_owned();
        let thread = std::thread::Builder::new()
            .name("deepeyes-store".to_owned())
            .spawn({
                let failure = Arc::clone(&failure);
                move || run(writer, &receiver, &failure)
            })
            .map_err(|source| EngineError::Thread { thread: "store", source })?;
        Ok(Self { sender, thread: Some(thread), failure, directory })
    }

    /// Hands a record over; may wait for a free place.
    pub(crate) fn send(&self, record: Record) {
        // A thread that is gone has told why in `failure`.
        let _ = self.sender.send(record);
    }

    /// Where others of ours hand records over.
    pub(crate) fn sender(&self) -> Sender<Record> {
        self.sender.clone()
    }

    /// Why nothing is stored any more; `None` while it is.
    pub(crate) fn failure(&self) -> Option<&String> {
        self.failure.get()
    }

    /// The run's directory.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Stores what waits, ends the run, and says what failed.
    pub(crate) fn finish(&mut self, ending: Option<Ending>) -> Option<String> {
        self.send(Record::End(ending));
        // The thread catches its panics.
        let _ = self.thread.take().map(JoinHandle::join);
        self.failure.get().cloned()
    }
}

fn run(writer: Writer, receiver: &Receiver<Record>, failure: &OnceLock<String>) {
    priority::after_others();
    let mut writer = Some(writer);
    loop {
        let record = match receiver.recv_timeout(HEARTBEAT) {
            Ok(record) => Some(record),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        let last = matches!(record, Some(Record::End(_)));
        if let Some(active) = writer.take() {
            match guarded(|| store(active, record)) {
                Ok(Ok(active)) => writer = active,
                Ok(Err(error)) => fail(failure, &error.to_string()),
                Err(panic) => fail(failure, &panic),
            }
        }
        if last {
            return;
        }
    }
}

fn fail(failure: &OnceLock<String>, reason: &str) {
    // The first failure is the one to tell.
    let _ = failure.set(format!("the run is no longer stored: {reason}"));
}

/// Stores one record, or without one gives a sign of life; gives the writer back where the run goes on.
fn store(mut writer: Writer, record: Option<Record>) -> Result<Option<Writer>> {
    match record {
        None => writer.heartbeat()?,
        Some(Record::Scalars(scalars)) => writer.append_scalars(&scalars)?,
        Some(Record::Validation(validation)) => writer.write_validation(&validation)?,
        Some(Record::Snapshot { step, layers, windows, full, images }) => {
            let (layers, windows, images) = (&layers, &windows, &images);
            writer.write_snapshot(&SnapshotParts { step, layers, windows, full, images })?;
        }
        Some(Record::ProbeInputs(images)) => writer.write_probe_inputs(&images)?,
        Some(Record::Maps { step, inputs, filters }) => {
            writer.write_maps(&MapParts { step, inputs: &inputs, filters: &filters })?;
        }
        Some(Record::Checkpoint { checkpoint: Checkpoint { step, weights, state }, analysis }) => {
            writer.write_checkpoint(step, &weights, &state, &analysis)?;
        }
        Some(Record::End(ending)) => {
            if let Some(ending) = ending {
                writer.finish(ending)?;
            }
            return Ok(None);
        }
    }
    Ok(Some(writer))
}
