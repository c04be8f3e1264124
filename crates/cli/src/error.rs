//! How a command ends when it does not succeed, and how that is told.

use std::fmt;

/// The exit code for something that was to be done and could not be.
const FAILED: u8 = 1;
/// The exit code for wrong usage and unreadable input.
pub(crate) const USAGE: u8 = 2;

/// Why a command did not succeed; decides the exit code.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It could not do what it was asked for: exit code 1.
    Failed(anyhow::Error),
    /// It was asked for something that is not there or cannot be read: exit code 2.
    Usage(anyhow::Error),
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Failed(error)
    }
}

impl Failure {
    /// Wrong usage or unreadable input, with a line on what to do.
    pub(crate) fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Usage(Hinted { message: message.into(), hint: hint.into() }.into())
    }

    /// Something failed, with a line on what to do.
    pub(crate) fn failed(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Failed(Hinted { message: message.into(), hint: hint.into() }.into())
    }

    /// The same end without its words, which have been told already.
    pub(crate) fn told(self) -> Self {
        match self {
            Self::Failed(_) => Self::Failed(Told.into()),
            Self::Usage(_) => Self::Usage(Told.into()),
        }
    }

    /// The process' exit code.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Failed(_) => FAILED,
            Self::Usage(_) => USAGE,
        }
    }

    /// The message with its chain of causes, and a hint where there is one.
    pub(crate) fn report(&self) -> String {
        let (Self::Failed(error) | Self::Usage(error)) = self;
        if error.is::<Told>() {
            return String::new();
        }
        let mut text = String::new();
        let mut said = String::new();
        for cause in error.chain() {
            let message = cause.to_string();
            // Libraries that already quote their cause would say it twice.
            if said.is_empty() {
                text.push_str(&format!("error: {message}\n"));
            } else if !said.contains(&message) {
                text.push_str(&format!("  caused by: {message}\n"));
            }
            said.push_str(&message);
        }
        for hinted in error.chain().filter_map(|cause| cause.downcast_ref::<Hinted>()) {
            text.push_str(&format!("hint: {}\n", hinted.hint));
        }
        text
    }
}

/// Stands for an error that has been told.
#[derive(Debug)]
struct Told;

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("see above")
    }
}

impl std::error::Error for Told {}

/// An error message together with a line on what to do about it.
#[derive(Debug)]
pub(crate) struct Hinted {
    message: String,
    hint: String,
}

impl fmt::Display for Hinted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Hinted {}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;

    #[test]
    fn a_report_holds_the_chain_and_the_hint() {
        let cause: Result<(), anyhow::Error> = Err(anyhow::anyhow!("no such file"));
        let error = cause.context("cannot read a.npz").unwrap_err();
        assert_eq!(Failure::Failed(error).report(), "error: cannot read a.npz\n  caused by: no such file\n");
        assert_eq!(Failure::usage("no run x", "list them").report(), "error: no run x\nhint: list them\n");
    }

    #[test]
    fn a_quoted_cause_is_said_once() {
        let cause: Result<(), anyhow::Error> = Err(anyhow::anyhow!("no such file"));
        let error = cause.context("cannot read a.npz: no such file").unwrap_err();
        assert_eq!(Failure::Usage(error).report(), "error: cannot read a.npz: no such file\n");
    }
}
