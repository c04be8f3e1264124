//! Why a run is not sent.

use std::time::Duration;

/// Why a run is not sent to a server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UploadError {
    /// No address.
    #[error(
        "{server:?} is no address of a server: {reason}; expected one such as http://host:6116, as `deepeyes serve` prints it"
    )]
    Address {
        /// As given, without a token.
        server: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No token.
    #[error(
        "the token holds a space or another character that no token has; give the one that `deepeyes serve` printed"
    )]
    TokenText,
    /// Nobody answers.
    #[error(
        "no server answers at {server}: {reason}; start `deepeyes serve --host 0.0.0.0` there, or check address and network"
    )]
    Unreachable {
        /// Its address.
        server: String,
        /// The system's answer.
        reason: String,
    },
    /// The token is missing or wrong.
    #[error("the server at {server} does not let us in: {}; give the token that `deepeyes serve` printed there", if *.given { "the token is wrong" } else { "it needs a token" })]
    Token {
        /// Its address.
        server: String,
        /// Whether there was one.
        given: bool,
    },
    /// The server does not take the run.
    #[error("the server at {server} does not take the run: {reason}")]
    Refused {
        /// Its address.
        server: String,
        /// What it says.
        reason: String,
    },
    /// Something else answers.
    #[error(
        "what answers at {server} (status {status}) is no deepeyes server that takes runs; check the address, and update deepeyes there"
    )]
    Stranger {
        /// The address.
        server: String,
        /// The answer's status.
        status: u16,
    },
    /// The run has ended, and some of it did not arrive.
    #[error("{events} events could not be sent to {server} within {} s; what it has stays there as an interrupted run", .waited.as_secs())]
    Unsent {
        /// Its address.
        server: String,
        /// How many.
        events: usize,
        /// How long was waited for them.
        waited: Duration,
    },
    /// The system gives no thread.
    #[error(
        "cannot start the thread that sends the run: {0}; close other programs, or raise the limit on threads"
    )]
    Thread(String),
}
