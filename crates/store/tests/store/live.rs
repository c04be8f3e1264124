//! Readers beside a writer, and readers that leave no trace.

use crate::common::{scalar, small, write_window};
use deepeyes_store::{Ending, Journal, Reader, RunOptions, RunStatus};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

#[test]
fn readers_see_whole_windows_while_they_are_written() {
    for journal in [Journal::WriteAhead, Journal::Rollback] {
        let logdir = tempfile::tempdir().unwrap();
        let mut writer = small(logdir.path(), &RunOptions { journal, ..RunOptions::default() });
        let directory = writer.directory().to_owned();
        write_window(&mut writer, 20, true);
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let readers: Vec<_> = (0..3)
                .map(|_| {
                    scope.spawn(|| {
                        let reader = Reader::open(&directory).unwrap();
                        let mut last = 0;
                        while !done.load(Ordering::Relaxed) {
                            let snapshot = reader.layer_snapshot(1, None).unwrap().unwrap();
                            assert!(snapshot.to >= last && snapshot.statistics.filters.len() == 3);
                            last = snapshot.to;
                            let (step, sample) = reader.sample(0, None).unwrap().unwrap();
                            assert!(sample.steps.iter().all(|&seen| seen == step));
                            assert_eq!(reader.info().unwrap().status, RunStatus::Running);
                        }
                        last
                    })
                })
                .collect();
            for window in 2..=40 {
                writer.append_scalars(&[scalar(window)]).unwrap();
                write_window(&mut writer, 20 * window, true);
            }
            done.store(true, Ordering::Relaxed);
            for reader in readers {
                reader.join().unwrap();
            }
        });
    }
}

/// Names and contents of a directory's files.
fn contents(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| !entry.file_name().to_string_lossy().ends_with("-shm"))
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), std::fs::read(entry.path()).unwrap()))
        .collect()
}

#[test]
fn reading_changes_nothing() {
    let logdir = tempfile::tempdir().unwrap();
    let mut writer = small(logdir.path(), &RunOptions::default());
    write_window(&mut writer, 20, true);
    let live = writer.directory().to_owned();
    let before = contents(&live);
    let copied = logdir.path().join("copied");
    let read = |directory: &Path| {
        let reader = Reader::open(directory).unwrap();
        reader.info().unwrap();
        assert_eq!(reader.layer_snapshot(0, None).unwrap().unwrap().to, 20);
    };
    read(&live);
    assert_eq!(contents(&live), before);

    let file = Reader::open(&live).unwrap().copy(&copied).unwrap();
    assert!(Reader::open(&live).unwrap().copy(&copied).is_err(), "a copy replaces nothing");
    assert_eq!(Reader::open(&file).unwrap().info().unwrap().status, RunStatus::Interrupted);
    let before = contents(&copied);
    read(&copied);
    assert_eq!(contents(&copied), before);
    assert_eq!(std::fs::read_dir(&copied).unwrap().count(), 1, "no side files");

    writer.finish(Ending::Finished).unwrap();
    let before = contents(&live);
    read(&live);
    assert_eq!(contents(&live), before);
}
