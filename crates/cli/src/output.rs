//! Results go to stdout, everything else to stderr; a reader that stops reading is no error.

use crate::error::Failure;
use anyhow::Context;
use serde::Serialize;
use std::io::{self, BufWriter, ErrorKind, IsTerminal, Write};
use std::path::Path;
use tempfile::Builder;

/// Prints text on stdout.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    quiet(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

/// Prints one JSON document on stdout.
pub(crate) fn print_json(document: &impl Serialize) -> Result<(), Failure> {
    let mut out = BufWriter::new(io::stdout().lock());
    let written = serde_json::to_writer(&mut out, document).map_err(io::Error::from);
    quiet(written.and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush()))
}

fn quiet(written: io::Result<()>) -> Result<(), Failure> {
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::Failed(anyhow::Error::new(error).context("cannot write to standard output")))
        }
        _ => Ok(()),
    }
}

/// A line on stderr.
pub(crate) fn note(text: &str) {
    // Nobody is left to tell when stderr is gone.
    let _ = writeln!(io::stderr(), "{text}");
}

/// Whether stderr may be coloured and redrawn.
pub(crate) fn stderr_is_rich() -> bool {
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    io::stderr().is_terminal() && !dumb
}

/// Whether colour is wanted: `NO_COLOR` is honoured.
pub(crate) fn colour() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Writes a file whole or not at all: beside its place first, then renamed onto it.
pub(crate) fn write_whole(
    path: &Path,
    write: impl FnOnce(&mut std::fs::File) -> anyhow::Result<()>,
) -> Result<(), Failure> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    if !directory.is_dir() {
        return Err(Failure::failed(
            format!("cannot write {}: there is no directory {}", path.display(), directory.display()),
            "make it first, or give another --out",
        ));
    }
    if path.is_dir() {
        return Err(Failure::failed(
            format!("cannot write {}: it is a directory", path.display()),
            "give a file's name",
        ));
    }
    let context = || format!("cannot write {}", path.display());
    let mut builder = Builder::new();
    let builder = builder.prefix(".deepeyes-").suffix(".part");
    #[cfg(unix)]
    let builder = {
        use std::os::unix::fs::PermissionsExt;
        // As any new file's: the process' mask takes away what it wants.
        builder.permissions(std::fs::Permissions::from_mode(0o666))
    };
    let mut file = builder.tempfile_in(directory).with_context(context)?;
    write(file.as_file_mut()).with_context(context)?;
    file.persist(path).map_err(|error| error.error).with_context(context)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_appears_whole_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.txt");
        write_whole(&path, |file| Ok(file.write_all(b"one")?)).unwrap();
        assert!(
            write_whole(&path, |file| {
                file.write_all(b"two")?;
                anyhow::bail!("no more")
            })
            .is_err()
        );
        assert_eq!(std::fs::read(&path).unwrap(), b"one");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
        assert!(write_whole(&dir.path().join("no/a.txt"), |_| Ok(())).is_err());
        assert!(write_whole(dir.path(), |_| Ok(())).is_err());
    }
}
