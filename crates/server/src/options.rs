//! How a server is set up.

use crate::error::ServerError;
use crate::launch::Launcher;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The port where none is asked for; the next free one where it is taken.
pub const DEFAULT_PORT: u16 = 6116;

/// Longer than networks and hosts are away without being gone.
const TRAINER_SILENCE: Duration = Duration::from_secs(600);

/// How a server is set up.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// Where runs are.
    pub logdir: PathBuf,
    /// The host name or address to listen on.
    pub host: String,
    /// The port; 0: any that is free; `None`: [`DEFAULT_PORT`] or the next free one.
    pub port: Option<u16>,
    /// The token that lets people in; `None`: one is made where the address is not loopback.
    pub token: Option<String>,
    /// Names by which the server may be addressed beside loopback names and the bound address.
    pub allow_hosts: Vec<String>,
    /// The path below which the page is served, such as `/proxy/6116`; empty: the root alone.
    pub base_path: String,
    /// How long a trainer on another machine may send nothing before its run counts as interrupted.
    pub trainer_silence: Duration,
    /// What starts trainings; `None`: nothing does.
    pub launcher: Option<Arc<dyn Launcher>>,
}

impl ServerOptions {
    /// On loopback, at the default port.
    pub fn new(logdir: impl Into<PathBuf>) -> Self {
        Self {
            logdir: logdir.into(),
            host: "127.0.0.1".to_owned(),
            port: None,
            token: None,
            allow_hosts: Vec::new(),
            base_path: String::new(),
            trainer_silence: TRAINER_SILENCE,
            launcher: None,
        }
    }

    /// The base path as `/a/b`, without a slash at its end.
    pub(crate) fn checked_base_path(&self) -> Result<String, ServerError> {
        let parts: Vec<&str> = self.base_path.split('/').filter(|part| !part.is_empty()).collect();
        let plain = |part: &&str| {
            part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~@%".contains(&byte))
                && !part.starts_with("..")
        };
        if parts.iter().all(plain) {
            return Ok(parts.iter().map(|part| format!("/{part}")).collect());
        }
        Err(ServerError::Setting {
            name: "the base path",
            value: self.base_path.clone(),
            expected: "a path such as /proxy/6116",
        })
    }

    /// Names that headers may hold.
    pub(crate) fn check_allowed(&self) -> Result<(), ServerError> {
        let plain = |name: &&String| {
            !name.is_empty()
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.[]:".contains(&byte))
        };
        match self.allow_hosts.iter().find(|name| !plain(name)) {
            None => Ok(()),
            Some(name) => Err(ServerError::Setting {
                name: "an allowed host",
                value: name.clone(),
                expected: "a name such as lab.example, without scheme and path",
            }),
        }
    }
}
