//! A run that this process trains.

use deepeyes_core::RunDescription;
use deepeyes_engine::{Live, Maps};
use std::fmt::Debug;
use std::path::PathBuf;
use std::sync::Arc;

/// Pauses, resumes and stops a training. Each returns at once; the wish is met soon after.
pub trait Control: Debug + Send + Sync {
    /// Holds it before its next iteration.
    fn pause(&self);
    /// Lets it go on.
    fn resume(&self);
    /// Ends it after its present iteration, as an interrupt from the keyboard does.
    fn stop(&self);
    /// Whether it is paused.
    fn is_paused(&self) -> bool;
}

/// A run that this process trains.
#[derive(Debug, Clone)]
pub struct LiveRun {
    /// Its directory, below the server's log directory.
    pub directory: PathBuf,
    /// What it is about.
    pub description: RunDescription,
    /// Where its newest state is.
    pub live: Live,
    /// Where its newest maps are.
    pub maps: Maps,
    /// What lets viewers hold and end it; `None`: nothing.
    pub control: Option<Arc<dyn Control>>,
}
