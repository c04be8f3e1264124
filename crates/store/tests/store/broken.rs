//! Files that are not runs, too new, cut off or damaged: a clear error or true data, never a panic, never a change.

use crate::common::{Noise, scalar, small, write_window};
use deepeyes_store::{Ending, Reader, Result, RunOptions, StoreError, Writer};
use std::path::{Path, PathBuf};

/// A finished run's file.
fn run(logdir: &Path) -> PathBuf {
    let mut writer = small(logdir, &RunOptions::default());
    writer.append_scalars(&(1..=40).map(scalar).collect::<Vec<_>>()).unwrap();
    write_window(&mut writer, 20, true);
    write_window(&mut writer, 40, true);
    writer.write_checkpoint(40, &[1; 10_000], &[2; 10_000], &[3; 100]).unwrap();
    let path = writer.path().to_owned();
    writer.finish(Ending::Finished).unwrap();
    path
}

/// Everything that can be read.
fn read_all(path: &Path) -> Result<()> {
    let reader = Reader::open(path)?;
    let info = reader.info()?;
    reader.scalars()?;
    reader.validations()?;
    for step in reader.snapshot_steps()? {
        for layer in 0..info.description.layers.len() {
            reader.layer_snapshot(layer, Some(step))?;
            reader.similarity(layer, Some(step))?;
            reader.sample(layer, Some(step))?;
            reader.course(layer)?;
        }
    }
    for input in 20..60 {
        reader.image(input)?;
    }
    reader.findings()?;
    reader.checkpoint(None)?;
    Ok(())
}

#[test]
fn what_is_no_run_is_named() {
    let logdir = tempfile::tempdir().unwrap();
    let file = logdir.path().join("run.db");
    let sqlite = logdir.path().join("other.db");
    rusqlite::Connection::open(&sqlite).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    let noise = &mut Noise(3);
    let garbage: Vec<u8> = (0..5_000).map(|_| noise.bits() as u8).collect();
    for content in [Vec::new(), b"hello".to_vec(), garbage, std::fs::read(&sqlite).unwrap()] {
        std::fs::write(&file, &content).unwrap();
        let error = Reader::open(logdir.path()).unwrap_err();
        assert!(matches!(error, StoreError::NotARun { .. }), "{error}");
        assert!(error.to_string().contains("run.db"), "{error}");
        assert!(Writer::reopen(logdir.path(), &RunOptions::default()).is_err());
        assert_eq!(std::fs::read(&file).unwrap(), content);
    }
    let empty = tempfile::tempdir().unwrap();
    assert!(matches!(Reader::open(empty.path()), Err(StoreError::NotARun { .. })));
    assert!(matches!(Reader::open(empty.path().join("missing")), Err(StoreError::Io { .. })));
}

#[test]
fn a_newer_version_is_left_alone() {
    let logdir = tempfile::tempdir().unwrap();
    let path = run(logdir.path());
    rusqlite::Connection::open(&path).unwrap().pragma_update(None, "user_version", 2).unwrap();
    let before = std::fs::read(&path).unwrap();
    for error in [
        Reader::open(&path).unwrap_err(),
        Writer::reopen(path.parent().unwrap(), &RunOptions::default()).unwrap_err(),
    ] {
        assert!(matches!(error, StoreError::Newer { found: 2, supported: 1, .. }));
        let text = error.to_string();
        assert!(text.contains("run.db") && text.contains("update deepeyes"), "{text}");
    }
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn a_file_cut_off_anywhere_is_an_error() {
    let logdir = tempfile::tempdir().unwrap();
    let path = run(logdir.path());
    let whole = std::fs::read(&path).unwrap();
    read_all(&path).unwrap();
    for part in 0..40 {
        let cut = &whole[..whole.len() * part / 40];
        std::fs::write(&path, cut).unwrap();
        assert!(read_all(&path).is_err(), "{part} of 40 parts");
        assert_eq!(std::fs::read(&path).unwrap(), cut);
    }
}

#[test]
fn damage_gives_an_error_or_data_but_never_a_panic() {
    let logdir = tempfile::tempdir().unwrap();
    let path = run(logdir.path());
    let whole = std::fs::read(&path).unwrap();
    let noise = &mut Noise(5);
    let mut noticed = 0;
    for _ in 0..150 {
        let mut damaged = whole.clone();
        for _ in 0..1 + noise.bits() % 40 {
            let at = noise.bits() as usize % damaged.len();
            damaged[at] ^= 1 << (noise.bits() % 8);
        }
        std::fs::write(&path, &damaged).unwrap();
        noticed += u32::from(read_all(&path).is_err());
        assert_eq!(std::fs::read(&path).unwrap(), damaged);
    }
    assert!(noticed > 75, "{noticed} of 150");
}

#[test]
fn a_full_disk_is_told_and_what_was_stored_stays() {
    let logdir = tempfile::tempdir().unwrap();
    let mut writer = small(logdir.path(), &RunOptions::default());
    write_window(&mut writer, 20, true);
    let noise = &mut Noise(1);
    writer.limit_bytes(400_000).unwrap();
    let weights: Vec<u8> = (0..2_000_000).map(|_| noise.bits() as u8).collect();
    let error = writer.write_checkpoint(20, &weights, &[], &[]).unwrap_err();
    assert!(matches!(error, StoreError::DiskFull { .. }), "{error}");
    let reader = Reader::open(writer.directory()).unwrap();
    assert_eq!(reader.snapshot_steps().unwrap(), [20]);
    assert!(reader.checkpoint(None).unwrap().is_none());
    drop(reader);
    write_window(&mut writer, 40, false);
}
