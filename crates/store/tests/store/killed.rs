//! A writer killed at any moment leaves a run that reads back whole.

use crate::common::Noise;
use deepeyes_store::{Reader, RunStatus, find_runs};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// The example that writes without end; cargo builds it beside the tests.
fn writer() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let build = test.parent().and_then(Path::parent).unwrap();
    let path = build.join("examples").join(format!("write_forever{}", std::env::consts::EXE_SUFFIX));
    assert!(
        path.is_file(),
        "{} is missing: build it with `cargo build --example write_forever`",
        path.display()
    );
    path
}

#[test]
fn a_kill_at_any_moment_leaves_a_run_that_reads_back() {
    let noise = &mut Noise(11);
    let program = writer();
    let mut steps = 0;
    for _ in 0..20 {
        let logdir = tempfile::tempdir().unwrap();
        let mut child = Command::new(&program).arg(logdir.path()).stdout(Stdio::null()).spawn().unwrap();
        while find_runs(logdir.path()).unwrap().is_empty() {
            assert!(child.try_wait().unwrap().is_none(), "the writer ended by itself");
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_micros(noise.bits() % 200_000));
        child.kill().unwrap();
        child.wait().unwrap();
        steps += check(logdir.path());
    }
    assert!(steps > 20, "the writers came to {steps} steps in all");
}

/// Checks that every part belongs to the step it says; gives the last step.
fn check(logdir: &Path) -> u64 {
    let run = find_runs(logdir).unwrap().remove(0);
    let reader = Reader::open(run.path).unwrap();
    let info = reader.info().unwrap();
    assert_eq!(info.status, RunStatus::Interrupted);
    let scalars = reader.scalars().unwrap();
    let expected: Vec<u64> = (1..=info.step).collect();
    assert_eq!(scalars.iter().map(|scalar| scalar.step).collect::<Vec<_>>(), expected);

    let snapshots = reader.snapshot_steps().unwrap();
    let newest = snapshots.last().copied().unwrap_or(0);
    assert!(newest + 1 >= info.step, "only the snapshot being written is lost: {newest} of {}", info.step);
    for &step in &snapshots {
        let snapshot = reader.layer_snapshot(0, Some(step)).unwrap().unwrap();
        assert_eq!((snapshot.to, snapshot.statistics.instances), (step, step));
        assert!(snapshot.statistics.filters.iter().all(|filter| filter.sum == step as f64));
    }
    if newest > 0 {
        let (step, sample) = reader.sample(0, None).unwrap().unwrap();
        assert_eq!(step, newest);
        assert!(sample.activations.iter().all(|&value| value == step as f32));
        assert_eq!(*reader.image(sample.inputs[0]).unwrap().unwrap().pixels, [step as u8]);
    }
    if let Some(checkpoint) = reader.checkpoint(None).unwrap() {
        let step = checkpoint.step as u8;
        assert_eq!(checkpoint.weights, vec![step; 200_000]);
        assert_eq!((checkpoint.state, checkpoint.analysis), (Some(vec![step; 100]), Some(vec![step; 10])));
    }
    info.step
}
