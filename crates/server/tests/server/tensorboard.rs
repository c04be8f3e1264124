//! TensorBoard's event files beside a run.

use crate::http::get;
use crate::run::{Fixture, Wishes, begin, feed, live_run, settle};
use deepeyes_store::Ending;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn golden(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/tensorboard").join(file)
}

/// The golden files of a folder, into a run's.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn curves_beside_a_run_are_told_whole_by_name_or_thinned() {
    let fixture = Fixture::new();
    let path = format!("{}/tensorboard", fixture.run());
    let none = get(fixture.address(), &path).json();
    assert_eq!(none, json!({"series": [], "notes": []}));

    let run = fixture.logdir.path().join("run");
    copy(&golden("torch"), &run);
    copy(&golden("keras"), &run.join("fit"));
    let all = get(fixture.address(), &path).json();
    let named: Vec<(&str, &str)> = all["series"]
        .as_array()
        .unwrap()
        .iter()
        .map(|series| (series["folder"].as_str().unwrap(), series["tag"].as_str().unwrap()))
        .collect();
    let expected = [
        ("", "accuracy"),
        ("", "größe"),
        ("", "loss/train"),
        ("both_train", "both"),
        ("both_validation", "both"),
        ("fit/train", "epoch_learning_rate"),
        ("fit/train", "epoch_loss"),
        ("fit/validation", "epoch_learning_rate"),
        ("fit/validation", "epoch_loss"),
    ];
    assert_eq!(named, expected);
    assert_eq!(all["series"][1]["value"], json!([null, null, null, f64::from(1e-30_f32)]));

    let both = get(fixture.address(), &format!("{path}?tag=both")).json();
    assert_eq!(both["series"][1]["value"], json!([0.5, 10.5]));
    assert_eq!(both["series"][1]["wall_time"], json!([1_700_000_000.0, 1_700_000_010.0]));
    let few = get(fixture.address(), &format!("{path}?tag=loss/train&points=3")).json();
    let few = &few["series"][0];
    assert_eq!(
        (&few["step"], &few["count"], &few["thinned"]),
        (&json!([0, 9, 19]), &json!(20), &json!(true))
    );
    let names = get(fixture.address(), &format!("{path}?points=0")).json();
    assert_eq!((&names["series"][2]["step"], &names["series"][2]["count"]), (&json!([]), &json!(20)));
    assert_eq!(get(fixture.address(), "/api/runs/0000000000000000/tensorboard").status, 404);
}

#[test]
fn files_are_followed_beside_a_live_run_and_a_broken_one_is_named() {
    let logdir = tempfile::tempdir().unwrap();
    let run = begin(logdir.path());
    let directory = run.directory().to_owned();
    let fixture = Fixture::over(logdir, |options| options);
    let control = Arc::new(Wishes::default());
    let id = fixture.server.runs().add(live_run(&run, &control)).unwrap();
    feed(&run, 1..=3);
    settle(&run, 3);
    let whole = std::fs::read(golden("torch/events.out.tfevents.1700000000.trainer.1.0")).unwrap();
    let file = directory.join("events.out.tfevents.1700000000.trainer");
    let points = || {
        let told = get(fixture.address(), &format!("/api/runs/{id}/tensorboard?tag=loss/train")).json();
        let steps = told["series"][0]["step"].as_array().map_or(0, Vec::len);
        (steps, told["notes"].clone())
    };
    std::fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    let (half, notes) = points();
    assert!(half > 0 && half < 20 && notes == json!([]), "{half} {notes}");
    std::fs::write(&file, &whole).unwrap();
    assert_eq!(points(), (20, json!([])));
    std::fs::write(&file, [&whole[..], &[7; 40]].concat()).unwrap();
    let (steps, notes) = points();
    let note = notes[0].as_str().unwrap();
    assert_eq!(steps, 20);
    assert!(note.contains("trainer") && note.contains(&whole.len().to_string()), "{note}");
    run.finish(Ending::Stopped).unwrap();
}
