//! A run of a training on this machine, sent to a server on another one: the counterpart of its `/api/ingest`.
//!
//! A thread of its own gathers, compresses and sends; whoever hands events over never waits for it. It keeps trying through
//! lost connections and restarts of the server. What waits is bounded: where the server is away for long, events are
//! refused, and the producer takes fewer. Only `http` is spoken: whoever needs more has a tunnel.

mod address;
mod client;
mod error;
mod outbox;
mod shared;

pub use error::UploadError;

use address::Address;
use client::Client;
use crossbeam_channel::{Sender, TrySendError, bounded};
use deepeyes_core::{Event, Finding, RunDescription};
use deepeyes_store::Ending;
use outbox::Outbox;
use serde::Deserialize;
use shared::Shared;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What is sent, and where to.
#[derive(Debug, Clone)]
pub struct UploadOptions {
    /// The server's address: `http://host:6116`, also with a path, and with `?token=` as `deepeyes serve` prints it.
    pub server: String,
    /// What lets us in; `None`: the address says it, or none is needed.
    pub token: Option<String>,
    /// What the run is about.
    pub description: RunDescription,
    /// Mini-batches in a window.
    pub window: u64,
    /// Seed of the analysis.
    pub seed: u64,
    /// Which of the processes that train together this is, counted from 0.
    pub rank: u32,
    /// How many there are.
    pub ranks: u32,
    /// Events that may wait.
    pub queue: usize,
}

/// Sends a run. Dropped without [`finish`](Self::finish), what waits is lost, and the run counts as interrupted once the
/// server misses it.
#[derive(Debug)]
pub struct Uploader {
    client: Client,
    shared: Arc<Shared>,
    /// `None` once the run ends.
    events: Mutex<Option<Sender<Event>>>,
}

#[derive(Deserialize)]
struct Findings {
    findings: Vec<Finding>,
}

impl Uploader {
    /// Begins a run on the server, which is waited for once.
    ///
    /// # Errors
    /// Where the address is none, nobody answers, or the server does not take the run.
    pub fn start(options: UploadOptions) -> Result<Self, UploadError> {
        let client = Client::new(Address::parse(&options.server, options.token.as_deref())?);
        let shared = Arc::new(Shared::new(client.start(&options)?));
        let (sender, receiver) = bounded(options.queue);
        let outbox = Outbox::new(client.clone(), options, Arc::clone(&shared));
        std::thread::Builder::new()
            .name("deepeyes-upload".to_owned())
            .spawn(move || outbox.run(&receiver))
            .map_err(|error| UploadError::Thread(error.to_string()))?;
        Ok(Self { client, shared, events: Mutex::new(Some(sender)) })
    }

    /// The address of the run's page.
    pub fn location(&self) -> String {
        self.client.address.page(&self.shared.started().id)
    }

    /// Hands an event over only if there is a free place; otherwise gives it back at once. After the run's end it takes and
    /// forgets them.
    ///
    /// # Errors
    /// The event, where no place is free.
    pub fn offer(&self, event: Event) -> Result<(), Box<Event>> {
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(events) = events.as_ref() else { return Ok(()) };
        self.shared.unsent.fetch_add(1, Ordering::Relaxed);
        match events.try_send(event) {
            Ok(()) => Ok(()),
            Err(refused) => {
                self.shared.unsent.fetch_sub(1, Ordering::Relaxed);
                match refused {
                    TrySendError::Full(event) => Err(Box::new(event)),
                    TrySendError::Disconnected(_) => Ok(()),
                }
            }
        }
    }

    /// Hands an event over; where no place is free, it is lost, and that is told as a problem.
    pub fn tell(&self, event: Event) {
        if self.offer(event).is_err() {
            let server = &self.client.address.base;
            self.shared.tell(format!("{server} has not answered for so long that validations are lost"));
        }
    }

    /// Events that wait to be sent.
    pub fn waiting(&self) -> usize {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map_or(0, Sender::len)
    }

    /// Processor time that sending has taken so far.
    pub fn spent(&self) -> Duration {
        self.shared.spent()
    }

    /// What went wrong on the way, each once.
    pub fn problems(&self) -> Vec<String> {
        self.shared.problems()
    }

    /// The newest findings, as the server has them, most severe first. Waits for its answer.
    ///
    /// # Errors
    /// Where it gives none.
    pub fn findings(&self) -> Result<Vec<Finding>, UploadError> {
        let path = format!("/api/runs/{}/findings", self.shared.started().id);
        self.client.get::<Findings>(&path).map(|found| found.findings)
    }

    /// Sends what waits, and ends the run; waits for that, but not longer than `patience`. Further calls do nothing.
    ///
    /// # Errors
    /// Where something was not sent, or the server no longer writes the run.
    pub fn finish(&self, ending: Ending, patience: Duration) -> Result<(), UploadError> {
        // Whether nothing comes any more is seen when the sender goes: how it ends must be known by then.
        self.shared.end(ending == Ending::Finished);
        if self.events.lock().unwrap_or_else(PoisonError::into_inner).take().is_none() {
            return Ok(());
        }
        self.shared.wait_for_end(patience).unwrap_or_else(|| {
            self.shared.abandon();
            let events = self.shared.unsent.load(Ordering::Relaxed);
            Err(UploadError::Unsent { server: self.client.address.base.clone(), events, waited: patience })
        })
    }
}

impl Drop for Uploader {
    fn drop(&mut self) {
        self.shared.abandon();
    }
}
