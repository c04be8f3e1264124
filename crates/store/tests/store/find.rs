//! Names, directories, and several runs under one of them.

use crate::common::{description, layer, small};
use deepeyes_store::{Reader, RunOptions, StoreError, Writer, find_runs, resolve};
use std::collections::BTreeSet;

#[test]
fn names_that_exist_get_a_number_even_when_many_start_at_once() {
    let logdir = tempfile::tempdir().unwrap();
    let directories: BTreeSet<_> = std::thread::scope(|scope| {
        let starts: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| small(logdir.path(), &RunOptions::default()).directory().to_owned()))
            .collect();
        starts.into_iter().map(|start| start.join().unwrap()).collect()
    });
    assert_eq!(directories.len(), 8);
    let names: Vec<_> = find_runs(logdir.path()).unwrap().into_iter().map(|run| run.name).collect();
    let expected: Vec<_> =
        std::iter::once("small".to_owned()).chain((2..=8).map(|n| format!("small-{n}"))).collect();
    assert_eq!(names, expected);
}

#[test]
fn runs_are_found_in_nested_folders_and_by_name_or_path() {
    let logdir = tempfile::tempdir().unwrap();
    let start = |name: &str| {
        Writer::create(logdir.path(), &description(name, vec![layer("a", 1)]), &RunOptions::default())
            .unwrap()
    };
    drop(start("plain"));
    let nested = start("day 1/deep/lenet").directory().to_owned();
    std::fs::create_dir(logdir.path().join("empty")).unwrap();
    let names: Vec<_> = find_runs(logdir.path()).unwrap().into_iter().map(|run| run.name).collect();
    assert_eq!(names, ["day 1/deep/lenet", "plain"]);
    assert_eq!(resolve("day 1/deep/lenet", logdir.path()).unwrap(), nested);
    assert_eq!(resolve(nested.to_str().unwrap(), "elsewhere").unwrap(), nested);
    assert_eq!(Reader::open(&nested).unwrap().info().unwrap().name, "lenet");

    for unknown in ["plane", "", "../plain", "empty"] {
        let error = resolve(unknown, logdir.path()).unwrap_err();
        assert!(
            matches!(error, StoreError::Unknown { .. }) && error.to_string().contains("plain"),
            "{error}"
        );
    }
    assert!(find_runs(logdir.path().join("missing")).unwrap().is_empty());
}

#[test]
fn names_that_leave_the_log_directory_are_refused() {
    let logdir = tempfile::tempdir().unwrap();
    for name in ["", "..", "../x", "/tmp/x", "a/../../b", "."] {
        let refused = Writer::create(logdir.path(), &description(name, Vec::new()), &RunOptions::default());
        assert!(matches!(refused, Err(StoreError::Name { .. })), "{name:?}: {refused:?}");
    }
}

#[test]
fn several_ranks_are_not_continued_and_one_reads_by_itself() {
    let directory = tempfile::tempdir().unwrap();
    let description = description("ranks", vec![layer("a", 1)]);
    let rank = |rank| Writer::create_rank(directory.path(), rank, &description, &RunOptions::default());
    let first = rank(0).unwrap();
    assert!(rank(0).is_err());
    Reader::open(directory.path()).unwrap();
    drop(rank(1).unwrap());
    let error = Writer::reopen(directory.path(), &RunOptions::default()).unwrap_err();
    assert!(matches!(error, StoreError::Ranks { ranks: 2, .. }), "{error}");
    Reader::open(first.path()).unwrap();
}
