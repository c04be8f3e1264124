//! The thread that sends: gathers what waits into uploads, and sends each until it is taken.

use super::client::{Client, Setback};
use super::{Shared, UploadError, UploadOptions};
use crate::ingest::body;
use cpu_time::ThreadTime;
use crossbeam_channel::{Receiver, RecvTimeoutError};
use deepeyes_core::Event;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// An upload is full at so many bytes of events.
const UPLOAD_BYTES: usize = 2 << 20;
/// A sign of life, where there is nothing to send.
const SIGN_OF_LIFE: Duration = Duration::from_secs(30);
/// Waiting after a failure: doubles up to the longest.
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(20);
/// A failure that lasts longer is told.
const PATIENCE: Duration = Duration::from_secs(5);

/// Nobody waits for the rest any more.
struct Abandoned;

/// What sends one run.
pub(super) struct Outbox {
    client: Client,
    options: UploadOptions,
    shared: Arc<Shared>,
    /// Sequence number of the next upload.
    next: u64,
    /// When the present trouble began, and how long to wait in it.
    trouble: Option<(Instant, Duration)>,
}

impl Outbox {
    pub(super) fn new(client: Client, options: UploadOptions, shared: Arc<Shared>) -> Self {
        Self { client, options, shared, next: 0, trouble: None }
    }

    /// Sends what comes until nothing comes any more, then ends the run.
    pub(super) fn run(mut self, events: &Receiver<Event>) {
        let sent = loop {
            let first = match events.recv_timeout(SIGN_OF_LIFE) {
                Ok(event) => Some(event),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => break Ok(()),
            };
            let (body, count) = self.gather(first, events);
            let sent = self.send(&body);
            if sent.is_err() {
                break sent;
            }
            self.shared.unsent.fetch_sub(count, Ordering::Relaxed);
        };
        if let (Ok(()), Some(finished)) = (sent, self.shared.ending()) {
            let ended = self.end(finished);
            self.shared.ended(ended);
        }
    }

    /// The body of an upload with an event and others that wait, and how many they are.
    fn gather(&self, first: Option<Event>, waiting: &Receiver<Event>) -> (Vec<u8>, usize) {
        let start = ThreadTime::now();
        let mut events = Vec::new();
        let mut next = first;
        let mut count = 0;
        while let Some(event) = next.take() {
            let length = events.len();
            if let Err(problem) = body::append(&mut events, &event) {
                self.shared.tell(problem);
            } else if events.len() - length > body::MOST_EVENT_BYTES - UPLOAD_BYTES {
                self.shared.tell(format!(
                    "{} MiB of one step are too much to send; watch fewer layers with layers=",
                    (events.len() - length) >> 20
                ));
                events.truncate(length);
            }
            count += 1;
            if events.len() < UPLOAD_BYTES && count < body::MOST_EVENTS {
                next = waiting.try_recv().ok();
            }
        }
        let body = if events.is_empty() { Ok(Vec::new()) } else { body::compress(&events) };
        let body = body.unwrap_or_else(|problem| {
            self.shared.tell(problem);
            Vec::new()
        });
        self.shared.spend(start.elapsed());
        (body, count)
    }

    /// Sends an upload until it is taken.
    fn send(&mut self, body: &[u8]) -> Result<(), Abandoned> {
        loop {
            let start = ThreadTime::now();
            let sent = self.client.events(&self.shared.started(), self.next, body);
            self.shared.spend(start.elapsed());
            match sent {
                Ok(()) => {
                    self.next += 1;
                    self.trouble = None;
                    return Ok(());
                }
                Err(Setback::Busy(wait)) => self.wait(wait)?,
                // Its answer to an earlier upload was lost, or that was let go.
                Err(Setback::Expects(next)) => self.next = next,
                Err(Setback::Unusable(reason)) => {
                    self.shared.tell(format!("some events were not taken by {}: {reason}", self.server()));
                    return Ok(());
                }
                Err(Setback::Gone) => self.begin_again()?,
                Err(Setback::Trouble(error)) => self.endure(&error)?,
            }
        }
    }

    /// Ends the run. A run that was let go in the meantime stays as it is.
    fn end(&mut self, finished: bool) -> Result<(), UploadError> {
        loop {
            let waited = match self.client.end(&self.shared.started(), self.next, finished) {
                Ok(()) => return Ok(()),
                Err(Setback::Busy(wait)) => self.wait(wait),
                Err(Setback::Expects(next)) => {
                    self.next = next;
                    Ok(())
                }
                Err(Setback::Gone) => {
                    let reason =
                        "it no longer writes it: it was restarted, or nothing came for long".to_owned();
                    return Err(UploadError::Refused { server: self.server(), reason });
                }
                Err(Setback::Unusable(reason)) => {
                    return Err(UploadError::Refused { server: self.server(), reason });
                }
                Err(Setback::Trouble(error)) => self.endure(&error),
            };
            if waited.is_err() {
                return Ok(());
            }
        }
    }

    /// The server has let go of the run: goes on as a new one.
    fn begin_again(&mut self) -> Result<(), Abandoned> {
        loop {
            match self.client.start(&self.options) {
                Ok(started) => {
                    let page = self.client.address.page(&started.id);
                    self.shared.tell(format!(
                        "{} was restarted, or heard nothing for long: the run goes on as a new one, {page}",
                        self.server()
                    ));
                    self.shared.restart(started);
                    self.next = 0;
                    return Ok(());
                }
                Err(error) => self.endure(&error)?,
            }
        }
    }

    /// Waits in trouble, longer each time, and tells it where it lasts.
    fn endure(&mut self, error: &UploadError) -> Result<(), Abandoned> {
        let (since, wait) = self.trouble.unwrap_or((Instant::now(), FIRST_WAIT));
        if since.elapsed() >= PATIENCE || !matches!(error, UploadError::Unreachable { .. }) {
            self.shared.tell(format!("{error} (it will be tried again)"));
        }
        self.trouble = Some((since, (wait * 2).min(LONGEST_WAIT)));
        self.wait(wait)
    }

    fn wait(&self, time: Duration) -> Result<(), Abandoned> {
        if self.shared.wait_unless_abandoned(time) { Err(Abandoned) } else { Ok(()) }
    }

    fn server(&self) -> String {
        self.client.address.base.clone()
    }
}
