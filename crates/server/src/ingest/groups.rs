//! Ranks that train together: each begins a file of its own in one directory, in whatever order they come.

use crate::wire::IngestStart;
use deepeyes_core::RunDescription;
use deepeyes_store::{Result, RunOptions, Writer, new_directory};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A rank that comes later begins a run of its own.
const GATHERING: Duration = Duration::from_secs(600);

#[derive(Debug)]
struct Group {
    description: RunDescription,
    ranks: u32,
    directory: PathBuf,
    here: HashSet<u32>,
    began: Instant,
}

impl Group {
    /// Whether a rank is of the same training: what differs from rank to rank (settings, size of a mini-batch) does not count.
    fn misses(&self, start: &IngestStart) -> bool {
        let (one, other) = (&self.description, &start.description);
        let same = one.name == other.name && one.network == other.network && one.layers == other.layers;
        same && self.ranks == start.ranks && !self.here.contains(&start.rank)
    }
}

/// The trainings that wait for more of their ranks.
#[derive(Debug, Default)]
pub(super) struct Groups(Vec<Group>);

impl Groups {
    /// Begins a rank's file: beside those of the newest training that misses it, otherwise in a new directory.
    ///
    /// # Errors
    /// As for [`Writer::create`].
    pub(super) fn begin(&mut self, logdir: &Path, start: &IngestStart) -> Result<Writer> {
        self.0.retain(|group| group.here.len() < group.ranks as usize && group.began.elapsed() < GATHERING);
        if !self.0.iter().any(|group| group.misses(start)) {
            self.0.push(Group {
                description: start.description.clone(),
                ranks: start.ranks,
                directory: new_directory(logdir, &start.description.name)?,
                here: HashSet::new(),
                began: Instant::now(),
            });
        }
        let newest = self.0.iter_mut().rev().find(|group| group.misses(start));
        let group = newest.expect("one was added where none missed it");
        let options = RunOptions::default();
        let writer = Writer::create_rank(&group.directory, start.rank, &start.description, &options)?;
        group.here.insert(start.rank);
        Ok(writer)
    }
}
