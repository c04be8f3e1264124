//! Requests to a server, and what their answers mean.

use super::address::Address;
use super::{UploadError, UploadOptions};
use crate::ingest::body;
use crate::wire::{ErrorBody, IngestEnd, IngestGap, IngestStart, IngestStarted, IngestTaken};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::time::Duration;
use ureq::Agent;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long a request may take; the server gives up after 60 s.
const REQUEST: Duration = Duration::from_secs(70);
/// How long somebody waits for findings, or for a run to begin.
const QUICK: Duration = Duration::from_secs(20);
/// Bytes of an answer.
const MOST_ANSWER_BYTES: u64 = 64 << 20;

/// An answer: its status, the seconds after which to try again, its body.
struct Answer {
    status: u16,
    retry_after: Option<u64>,
    body: Vec<u8>,
}

impl Answer {
    fn json<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The sentence of a refusal.
    fn reason(&self) -> String {
        let said = self.json::<ErrorBody>().map(|body| body.error);
        said.unwrap_or_else(|| format!("it answers with status {}", self.status))
    }
}

/// Why an upload or an end was not taken.
#[derive(Debug)]
pub(super) enum Setback {
    /// The same again, later: the server is busy.
    Busy(Duration),
    /// The server expects another number.
    Expects(u64),
    /// The run is no longer written.
    Gone,
    /// It will never be taken: what is wrong with it.
    Unusable(String),
    /// The same again, when the trouble is over.
    Trouble(UploadError),
}

/// A server, as a trainer sees it.
#[derive(Debug, Clone)]
pub(super) struct Client {
    agent: Agent,
    pub(super) address: Address,
}

impl Client {
    /// Speaks to the server itself: what proxies are set for is the way out of a network, and the server is in it.
    pub(super) fn new(address: Address) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .max_redirects(0)
            .timeout_connect(Some(CONNECT))
            .timeout_global(Some(REQUEST))
            .user_agent(concat!("deepeyes/", env!("CARGO_PKG_VERSION")))
            .build();
        Self { agent: config.into(), address }
    }

    /// Begins a run.
    pub(super) fn start(&self, options: &UploadOptions) -> Result<IngestStarted, UploadError> {
        let start = IngestStart {
            format: body::FORMAT,
            description: options.description.clone(),
            window: options.window,
            seed: options.seed,
            rank: options.rank,
            ranks: options.ranks,
        };
        let answer = self.post_json("/api/ingest/runs", None, &start)?;
        match answer.status {
            201 => answer.json().ok_or_else(|| self.stranger(answer.status)),
            422 | 500 | 503 => {
                Err(UploadError::Refused { server: self.address.base.clone(), reason: answer.reason() })
            }
            _ => Err(self.trouble(&answer)),
        }
    }

    /// Sends an upload.
    pub(super) fn events(&self, run: &IngestStarted, sequence: u64, body: &[u8]) -> Result<(), Setback> {
        let path = format!("/api/ingest/runs/{}/events?sequence={sequence}", run.id);
        let answer =
            self.post(&path, Some(&run.key), "application/octet-stream", body).map_err(Setback::Trouble)?;
        match answer.status {
            200 if answer.json::<IngestTaken>().is_some() => Ok(()),
            413 | 422 => Err(Setback::Unusable(answer.reason())),
            _ => Err(self.setback(&answer)),
        }
    }

    /// Ends a run.
    pub(super) fn end(&self, run: &IngestStarted, sequence: u64, finished: bool) -> Result<(), Setback> {
        let path = format!("/api/ingest/runs/{}/end", run.id);
        let end = IngestEnd { sequence, finished };
        let answer = self.post_json(&path, Some(&run.key), &end).map_err(Setback::Trouble)?;
        match answer.status {
            204 => Ok(()),
            _ => Err(self.setback(&answer)),
        }
    }

    /// What the server answers to a `GET`, as JSON.
    pub(super) fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, UploadError> {
        let request = self.agent.get(self.url(path)).config().timeout_global(Some(QUICK)).build();
        let request = match &self.address.token {
            Some(token) => request.header("Authorization", format!("Bearer {token}")),
            None => request,
        };
        let answer = self.read(request.call())?;
        match answer.status {
            200 => answer.json().ok_or_else(|| self.stranger(answer.status)),
            _ => Err(self.trouble(&answer)),
        }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.address.base)
    }

    fn post_json(&self, path: &str, key: Option<&str>, body: &impl Serialize) -> Result<Answer, UploadError> {
        let refused = |error: serde_json::Error| UploadError::Refused {
            server: self.address.base.clone(),
            reason: format!("it cannot be written as JSON: {error}"),
        };
        self.post(path, key, "application/json", &serde_json::to_vec(body).map_err(refused)?)
    }

    fn post(&self, path: &str, key: Option<&str>, kind: &str, body: &[u8]) -> Result<Answer, UploadError> {
        let mut request = self.agent.post(self.url(path)).header("Content-Type", kind);
        if let Some(token) = &self.address.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        if let Some(key) = key {
            request = request.header("Deepeyes-Key", key);
        } else {
            request = request.config().timeout_global(Some(QUICK)).build();
        }
        self.read(request.send(body))
    }

    fn read(
        &self,
        response: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> Result<Answer, UploadError> {
        let unreachable = |error: ureq::Error| UploadError::Unreachable {
            server: self.address.base.clone(),
            reason: error.to_string(),
        };
        let mut response = response.map_err(unreachable)?;
        let retry_after = response.headers().get("retry-after");
        let retry_after = retry_after.and_then(|seconds| seconds.to_str().ok()?.parse().ok());
        let body = response.body_mut().with_config().limit(MOST_ANSWER_BYTES).read_to_vec();
        let body = body.map_err(unreachable)?;
        Ok(Answer { status: response.status().as_u16(), retry_after, body })
    }

    fn setback(&self, answer: &Answer) -> Setback {
        match (answer.status, answer.json::<IngestGap>()) {
            (429 | 503, _) => Setback::Busy(Duration::from_secs(answer.retry_after.unwrap_or(1))),
            (409, Some(gap)) => Setback::Expects(gap.expected),
            (410, _) => Setback::Gone,
            _ => Setback::Trouble(self.trouble(answer)),
        }
    }

    /// Why nobody gets anything here.
    fn trouble(&self, answer: &Answer) -> UploadError {
        let server = self.address.base.clone();
        match (answer.status, answer.json::<ErrorBody>()) {
            (401, _) => UploadError::Token { server, given: self.address.token.is_some() },
            (403 | 500.., Some(body)) => UploadError::Refused { server, reason: body.error },
            _ => self.stranger(answer.status),
        }
    }

    fn stranger(&self, status: u16) -> UploadError {
        UploadError::Stranger { server: self.address.base.clone(), status }
    }
}
