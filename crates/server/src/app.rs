//! What every handler can reach.

use crate::ingest::Ingest;
use crate::launch::Launcher;
use crate::runs::Runs;
use std::sync::Arc;
use tokio::sync::{Semaphore, watch};

/// Live sockets at a time.
pub(crate) const MOST_SOCKETS: usize = 256;

/// What every handler can reach.
#[derive(Debug, Clone)]
pub(crate) struct App {
    pub(crate) runs: Runs,
    pub(crate) ingest: Ingest,
    pub(crate) launcher: Option<Arc<dyn Launcher>>,
    /// Places of live sockets.
    pub(crate) sockets: Arc<Semaphore>,
    /// Becomes true when the server ends.
    pub(crate) ending: watch::Receiver<bool>,
}

/// Waits until the server ends.
pub(crate) async fn ended(ending: &mut watch::Receiver<bool>) {
    // A sender that is gone has ended, too.
    let _ = ending.wait_for(|ending| *ending).await;
}
