//! What is wrong is said on stderr, with what was expected, and by the exit code.

use crate::support::{fixture, stderr};

/// Calls with bad arguments, and holds the exit code and the message to what is expected.
fn fails(arguments: &[&str], code: i32, says: &[&str]) {
    let output = fixture().call(arguments);
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {text}");
    assert!(output.stdout.is_empty() && text.contains("error:") && !text.contains("panicked"), "{text}");
    for words in says {
        assert!(text.contains(words), "{words:?} is not in: {text}");
    }
}

#[test]
fn unknown_words_are_told_with_those_that_are_known() {
    let run = fixture().run();
    fails(&["inspect", "nowhere", "--json"], 2, &["nowhere", "small"]);
    fails(&["inspect", &run, "--layer", "conv9"], 2, &["conv9", "conv1, fc1"]);
    fails(&["inspect", &run, "--at", "2"], 2, &["iteration 2", "4 to 24"]);
    fails(&["inspect", &run, "--at", "999"], 2, &["iteration 999"]);
    fails(&["report", "nowhere"], 2, &["nowhere"]);
    fails(&["train", "no-such-network", "--data", "mnist"], 2, &["lenet", "resnet18"]);
    fails(&["train", "lenet", "--data", "nothing"], 2, &["nothing"]);
    fails(&["data", "get", "nothing"], 2, &["mnist"]);
    fails(&["nothing"], 2, &[]);
    fails(
        &["export", &run, "--what", "instances", "--format", "npz", "--out", "x.npz"],
        2,
        &["--layer", "conv1, fc1"],
    );
}

#[test]
fn broken_files_are_told_by_place() {
    let path = fixture().path("broken.toml");
    std::fs::write(&path, "name = 'x'\n[[layer]]\nname = 'a'\nconv2d = { filters = -3, kernel = 5 }\n")
        .unwrap();
    let data = fixture().data();
    fails(&["train", "broken.toml", "--data", &data], 2, &["broken.toml", "line 4", "filters"]);
    fails(&["train", "absent.toml", "--data", &data], 2, &["absent.toml"]);
    fails(&["train", "net.toml", "--data", "idx:."], 2, &["train-images"]);
    fails(&["train", "net.toml", "--data", &data, "--solver", "absent.prototxt"], 2, &["absent.prototxt"]);
    fails(&["train", "net.toml", "--data", &data, "--from", "absent.pth"], 2, &["absent.pth"]);
    fails(&["train", "net.toml", "--data", &data, "--freeze", "conv9"], 2, &["conv9", "conv1"]);
    fails(&["train", "net.toml", "--data", &data, "--lr", "-1"], 2, &["lr"]);
    fails(&["train", "net.toml", "--data", &data, "--window", "0"], 2, &["--window"]);
    fails(&["train", "net.toml", "--data", &data, "--name", "new", "--resume"], 2, &["new"]);
    fails(&["analyze", "net.toml"], 2, &["net.toml"]);
}

#[test]
fn files_that_cannot_be_written_fail_and_leave_nothing() {
    let run = fixture().run();
    let missing = ["export", &run, "--what", "scalars", "--format", "csv", "--out", "no/such/dir.csv"];
    fails(&missing, 1, &["no/such"]);
    fails(&["report", &run, "--html", "no/such/report.html"], 1, &["no/such"]);
    assert!(!fixture().path("no").exists());
}
