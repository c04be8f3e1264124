//! A run as a training's own code writes it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking, helpers included")]

use deepeyes_core::{Activations, AnalysisConfig, Batch, LayerMonitor, LayerSnapshot, Values};
use deepeyes_observe::{ObserveError, Options, Run, Step};
use deepeyes_store::{Reader, RunStatus};

const INPUTS: usize = 6;

fn values(step: u64, count: usize) -> Vec<f32> {
    (0..count as u64).map(|at| ((at * 37 + step * 11) % 101) as f32 / 10.0 - 3.0).collect()
}

fn ids(step: u64) -> Vec<i64> {
    (0..INPUTS as i64).map(|at| step.cast_signed() * 100 + at).collect()
}

fn bare(mut snapshot: LayerSnapshot) -> LayerSnapshot {
    snapshot.sample = None;
    snapshot.statistics.similarity = None;
    snapshot.statistics.findings.clear();
    snapshot
}

#[test]
fn what_is_stored_is_what_core_says_of_the_same_activations() {
    let folder = tempfile::tempdir().unwrap();
    let config = AnalysisConfig { window: 5, ..AnalysisConfig::default() };
    let options = Options { output: Some("fc".to_owned()), analysis: config.clone(), ..Options::default() };
    let mut run = Run::with(folder.path(), "mine", options).unwrap();
    for step in 1..=12 {
        run.observe("conv", &[INPUTS, 4, 3, 2], values(step, INPUTS * 24));
        run.observe("fc", &[INPUTS, 3], values(step, INPUTS * 3));
        run.step(Step { loss: 0.5, inputs: ids(step), labels: vec![1; INPUTS], ..Step::default() });
    }
    run.validate(0.75, 0.4);
    assert!(run.problems().is_empty(), "{:?}", run.problems());
    let summary = run.finish().unwrap();
    let reader = Reader::open(&summary.directory).unwrap();
    let info = reader.info().unwrap();
    assert_eq!((info.name.as_str(), info.status, info.step), ("mine", RunStatus::Finished, 12));
    assert_eq!(reader.snapshot_steps().unwrap(), [5, 10]);

    let conv = &info.description.layers[0];
    let mut monitor = LayerMonitor::new(conv, 0, &config);
    let (mut window, mut last) = (monitor.open(), None);
    for step in 1..=10 {
        let activations =
            Activations { layer: 0, values: Values::Maps { values: values(step, INPUTS * 24), first: 0 } };
        let batch =
            Batch { step, inputs: ids(step).into(), labels: vec![1; INPUTS].into(), ..Batch::default() };
        window.observe(&batch, &activations).unwrap();
        if step % 5 == 0 {
            last = Some(monitor.close(std::mem::replace(&mut window, monitor.open()), false));
        }
    }
    let mut stored = bare(reader.layer_snapshot(0, None).unwrap().unwrap());
    let expected = bare(last.unwrap());
    // Filters are compared now and then only, by the clock.
    stored.statistics.redundant_groups.clone_from(&expected.statistics.redundant_groups);
    stored.statistics.effective_filters = expected.statistics.effective_filters;
    assert_eq!(stored, expected);
}

#[test]
fn what_does_not_fit_is_told_and_the_rest_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = Run::begin(folder.path(), "odd").unwrap();
    run.observe("fc", &[INPUTS, 3], values(1, INPUTS * 3));
    run.observe("flat", &[INPUTS], values(1, INPUTS));
    run.observe("short", &[INPUTS, 3], values(1, 2));
    run.observe("other", &[INPUTS + 1, 3], values(1, (INPUTS + 1) * 3));
    run.step(Step::default());
    run.observe("fc", &[INPUTS, 4], values(2, INPUTS * 4));
    run.observe("late", &[INPUTS, 3], values(2, INPUTS * 3));
    run.step(Step::default());
    let problems = run.problems();
    assert_eq!(problems.len(), 5, "{problems:?}");
    for (problem, word) in problems.iter().zip(["flat", "short", "other", "fc", "late"]) {
        assert!(problem.contains(word), "{problem}");
    }
    assert_eq!(run.finish().unwrap().step, 2);
}

#[test]
fn a_run_of_nothing_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = Run::begin(folder.path(), "empty").unwrap();
    run.step(Step::default());
    assert!(matches!(run.finish(), Err(ObserveError::Empty)));
    let blocked = folder.path().join("file");
    std::fs::write(&blocked, "a file where a directory is wanted").unwrap();
    assert!(Run::begin(&blocked, "x").is_err());
}
