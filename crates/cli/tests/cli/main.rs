//! The program as a person or a script uses it: arguments in, text, files and exit codes out.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests state what they hold, and stop where it does not"
)]

mod embed;
mod export;
mod failures;
mod inspect;
mod serving;
mod support;
mod training;
