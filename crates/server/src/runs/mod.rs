//! The runs that a server shows: those under its log directory, and among them those that this process trains.

mod events;
mod fingerprint;
mod id;
mod live;
mod maps;
mod readers;
mod source;
mod summary;

pub use live::{Control, LiveRun};
pub(crate) use source::{Moment, Source};

use crate::error::{ApiError, ApiResult};
use crate::wire::{RunStatus, RunSummary};
use deepeyes_store::{RunEntry, find_runs};
use events::Events;
use fingerprint::Fingerprint;
use maps::StoredMaps;
use readers::Readers;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a list of directories, and the state of a run that another process writes, count as new.
const FRESH: Duration = Duration::from_secs(1);

/// The runs under a log directory; cheap to clone, shared by all.
///
/// Everything here may read files: call it where blocking is allowed.
#[derive(Debug, Clone)]
pub struct Runs(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    logdir: PathBuf,
    state: Mutex<State>,
    readers: Readers,
    maps: StoredMaps,
    events: Events,
}

#[derive(Debug, Default)]
struct State {
    entries: BTreeMap<String, RunEntry>,
    scanned: Option<Instant>,
    live: HashMap<PathBuf, Arc<LiveRun>>,
    summaries: HashMap<String, Summarised>,
    /// Grows when the list changes.
    generation: u64,
}

#[derive(Debug, Clone)]
struct Summarised {
    fingerprint: Fingerprint,
    at: Instant,
    summary: RunSummary,
}

impl Summarised {
    /// A run whose writer has gone leaves its files as they were: one that was running is looked at again.
    fn is_fresh(&self, fingerprint: Fingerprint) -> bool {
        self.fingerprint == fingerprint
            && (self.summary.status != RunStatus::Running || self.at.elapsed() < FRESH)
    }
}

impl Runs {
    pub(crate) fn new(logdir: &Path) -> Self {
        Self(Arc::new(Inner {
            logdir: logdir.to_owned(),
            state: Mutex::default(),
            readers: Readers::default(),
            maps: StoredMaps::default(),
            events: Events::default(),
        }))
    }

    /// Shows a run that this process trains as live from now on; returns its id.
    ///
    /// # Errors
    /// [`StoreError::Unknown`](deepeyes_store::StoreError::Unknown) where it is not under the log directory.
    pub fn add(&self, run: LiveRun) -> deepeyes_store::Result<String> {
        let directory = canonical(&run.directory);
        let mut state = self.lock();
        // What has ended is read from its files.
        state.live.retain(|_, run| run.live.state().status == deepeyes_store::RunStatus::Running);
        state.live.insert(directory.clone(), Arc::new(run));
        self.scan(&mut state)?;
        state.generation += 1;
        self.id_of(&state, &directory)
    }

    /// The id of a run that has just begun.
    ///
    /// # Errors
    /// As for [`add`](Self::add).
    pub(crate) fn listed(&self, directory: &Path) -> deepeyes_store::Result<String> {
        let mut state = self.lock();
        self.scan(&mut state)?;
        self.id_of(&state, &canonical(directory))
    }

    fn id_of(&self, state: &State, directory: &Path) -> deepeyes_store::Result<String> {
        let found = state.entries.iter().find(|(_, entry)| canonical(&entry.path) == directory);
        found.map(|(id, _)| id.clone()).ok_or_else(|| deepeyes_store::StoreError::Unknown {
            run: directory.to_string_lossy().into_owned(),
            logdir: self.0.logdir.clone(),
            known: String::new(),
        })
    }

    /// A number that grows when the list of runs changes.
    pub(crate) fn generation(&self) -> ApiResult<u64> {
        let mut state = self.lock();
        self.refresh(&mut state)?;
        Ok(state.generation)
    }

    /// The same without a look at the disk: runs of this process are in it, what others began or ended may be missing.
    pub(crate) fn known_generation(&self) -> u64 {
        self.lock().generation
    }

    /// Every run, newest first; those that cannot be read last.
    pub(crate) fn list(&self) -> ApiResult<Vec<RunSummary>> {
        let ids: Vec<String> = {
            let mut state = self.lock();
            self.refresh(&mut state)?;
            state.entries.keys().cloned().collect()
        };
        let mut runs: Vec<RunSummary> =
            ids.iter().filter_map(|id| self.find(id).ok()).map(|source| self.summary(&source)).collect();
        runs.sort_by(|a, b| {
            a.error
                .is_some()
                .cmp(&b.error.is_some())
                .then(b.created.total_cmp(&a.created))
                .then(a.name.cmp(&b.name))
        });
        Ok(runs)
    }

    /// A run by its id.
    pub(crate) fn find(&self, id: &str) -> ApiResult<Source> {
        let mut state = self.lock();
        if !state.entries.contains_key(id) {
            self.refresh(&mut state)?;
        }
        let Some(entry) = state.entries.get(id).cloned() else {
            return Err(ApiError::not_found("there is no run of this id; /api/runs lists those that are"));
        };
        let live = state.live.get(&canonical(&entry.path)).cloned();
        Ok(Source { id: id.to_owned(), entry, live, runs: self.clone() })
    }

    /// What the list says of a run.
    pub(crate) fn summary(&self, source: &Source) -> RunSummary {
        if let Some(live) = source.live() {
            return summary::of_live(source, &live);
        }
        let fingerprint = Fingerprint::of(&source.entry.path);
        if let Some(known) = self.lock().summaries.get(&source.id).filter(|known| known.is_fresh(fingerprint))
        {
            return known.summary.clone();
        }
        let summary = match source.read(|reader| summary::of_stored(source, reader)) {
            Ok(summary) => summary,
            Err(error) => summary::broken(source, error.message),
        };
        let known = Summarised { fingerprint, at: Instant::now(), summary: summary.clone() };
        let mut state = self.lock();
        let before = state.summaries.insert(source.id.clone(), known);
        if before.is_none_or(|before| before.summary.status != summary.status) {
            state.generation += 1;
        }
        summary
    }

    fn refresh(&self, state: &mut State) -> ApiResult<()> {
        if state.scanned.is_none_or(|at| at.elapsed() >= FRESH) {
            self.scan(state)?;
        }
        Ok(())
    }

    fn scan(&self, state: &mut State) -> deepeyes_store::Result<()> {
        let entries = id::assign(find_runs(&self.0.logdir)?);
        if entries != state.entries {
            state.generation += 1;
            state.summaries.retain(|id, _| entries.contains_key(id));
            state.entries = entries;
        }
        state.scanned = Some(Instant::now());
        Ok(())
    }

    // What a panicking thread left is a list that the next scan makes anew.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn canonical(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}
