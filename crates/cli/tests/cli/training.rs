//! `train` and `demo`.

use crate::support::{ITERATIONS, fixture, stderr, stdout};

fn losses(run: &str) -> Vec<f64> {
    let json = fixture().json(&["inspect", run, "--json"]);
    serde_json::from_value(json["scalars"]["loss"].clone()).unwrap()
}

#[test]
fn the_summary_is_on_stdout_and_everything_else_on_stderr() {
    let output = fixture().train("summary", &[]);
    assert!(output.status.success(), "{}", stderr(&output));
    for words in ["summary", "finished", "conv1", "Run directory", "deepeyes report"] {
        assert!(stdout(&output).contains(words), "{words} in {}", stdout(&output));
    }
    assert!(stderr(&output).contains("240 training"), "{}", stderr(&output));
}

#[test]
fn the_same_seed_gives_the_same_losses_and_a_name_that_exists_gets_a_number() {
    let first = fixture().train("twice", &[]);
    let second = fixture().train("twice", &[]);
    assert!(first.status.success() && second.status.success());
    assert_eq!(losses("twice"), losses("twice-2"));
    let other = fixture().train("other-seed", &["--seed=4"]);
    // A flag given twice is a mistake that is told.
    assert_eq!(other.status.code(), Some(2), "{}", stderr(&other));
}

#[test]
fn a_resumed_run_goes_on_to_the_same_losses() {
    assert!(fixture().train("whole", &[]).status.success());
    let output = fixture().train("parts", &["--iterations", "10"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(losses("parts").len(), 10);
    let output = fixture().train("parts", &["--resume"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(losses("parts"), losses("whole"));
    assert_eq!(losses("parts").len() as u64, ITERATIONS);
}

#[test]
fn a_training_starts_from_a_run_s_last_checkpoint_with_layers_frozen() {
    let run = fixture().run();
    let output = fixture().train("from", &["--from", &run, "--freeze", "conv1", "--iterations", "2"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(stderr(&output).contains("checkpoint of iteration 24"), "{}", stderr(&output));
    let [first, trained] = [losses("from")[0], *losses(&run).last().unwrap()];
    assert!(first < 2.0 * trained + 0.2, "{first} {trained}");
}

#[test]
fn flags_win_over_the_solver_file() {
    let solver = fixture().path("solver.prototxt");
    std::fs::write(&solver, "net: 'nowhere.prototxt'\nbase_lr: 0.01\nlr_policy: 'fixed'\nmax_iter: 9\n")
        .unwrap();
    let output = fixture().train("solver", &["--solver", "solver.prototxt"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(losses("solver").len(), 9);
    assert!(fixture().train("flag", &["--solver", "solver.prototxt", "--iterations", "5"]).status.success());
    assert_eq!(losses("flag").len(), 5);
}
