//! `inspect` and `report`.

use crate::support::{ITERATIONS, WINDOW, fixture, stderr, stdout};
use serde_json::Value;

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn json_holds_the_run_its_scalars_and_its_layers() {
    let run = fixture().run();
    let json = fixture().json(&["inspect", &run, "--json", "--similarity"]);
    assert_eq!(json["run"]["status"], "finished");
    assert_eq!(json["run"]["step"], ITERATIONS);
    assert_eq!(json["run"]["parameters"], 4 * 10 + 3 * (4 * 4 * 4 + 1));
    let scalars = &json["scalars"];
    for series in ["step", "loss", "accuracy", "train_accuracy"] {
        assert_eq!(scalars[series].as_array().unwrap().len() as u64, ITERATIONS, "{series}");
    }
    let accuracy = scalars["accuracy"].as_array().unwrap();
    assert!(accuracy.last().unwrap().is_f64(), "the last step is always validated");
    assert!(accuracy[0].is_null());
    let conv1 = &json["layers"][0];
    assert_eq!(conv1["name"], "conv1");
    assert_eq!(conv1["grid"], serde_json::json!([8, 8]));
    assert_eq!(
        conv1["receptive_field"],
        serde_json::json!({"size": [3, 3], "stride": [1, 1], "offset": [-1, -1]})
    );
    assert_eq!(conv1["window"], serde_json::json!({"from": ITERATIONS - WINDOW + 1, "to": ITERATIONS}));
    assert_eq!(conv1["similarity"].as_array().unwrap().len(), 4);
    assert_eq!(conv1["filters_detail"].as_array().unwrap().len(), 4);
    let [possible, sampled] =
        ["instances_possible", "instances_sampled"].map(|key| conv1[key].as_u64().unwrap());
    assert!(possible == WINDOW * 16 * 64 && 2 * sampled >= possible, "{sampled} of {possible}");
}

#[test]
fn the_keys_of_a_layer_stay_as_they_are() {
    let json = fixture().json(&["inspect", &fixture().run(), "--json"]);
    let layer = [
        "name",
        "kind",
        "grid",
        "receptive_field",
        "parameters",
        "instances_possible",
        "instances_sampled",
        "rectify",
        "window",
        "stable",
        "stable_since",
        "drift",
        "noise",
        "trend",
        "change",
        "all_time_max",
        "separability",
        "input_map",
        "filter_map",
        "instances",
        "invalid",
        "silent",
        "filters",
        "perplexity",
        "filters_detail",
        "redundant_groups",
        "effective_filters",
        "findings",
    ];
    assert_eq!(keys(&json["layers"][0]), layer);
    let filter = ["filter", "max", "frequency", "sum", "label", "label_strength", "specificity", "state"];
    assert_eq!(keys(&json["layers"][0]["filters_detail"][0]), filter);
}

#[test]
fn earlier_windows_can_be_looked_at() {
    let run = fixture().run();
    let json = fixture().json(&["inspect", &run, "--json", "--at", "9", "--layer", "fc1"]);
    assert_eq!(json["layers"].as_array().unwrap().len(), 1);
    assert_eq!(json["layers"][0]["window"]["to"], 8);
    let output = fixture().call(&["inspect", &run, "--layer", "conv1"]);
    assert!(stdout(&output).contains("sees 3×3 pixels"), "{}", stdout(&output));
    assert!(stdout(&fixture().call(&["inspect", &run])).contains("fc1"));
    // By name under the log directory.
    assert!(fixture().call(&["inspect", "small"]).status.success());
}

#[test]
fn reports_come_as_text_json_and_a_page() {
    let run = fixture().run();
    assert!(stdout(&fixture().call(&["report", &run])).contains("small"));
    let json = fixture().json(&["report", &run, "--json"]);
    assert_eq!(keys(&json), ["run", "scalars", "layers", "findings", "course"]);
    assert_eq!(json["course"][0]["windows"].as_array().unwrap().len() as u64, ITERATIONS / WINDOW);
    let output = fixture().call(&["report", &run, "--html", "report.html"]);
    assert!(output.status.success() && output.stdout.is_empty(), "{}", stderr(&output));
    let page = std::fs::read_to_string(fixture().path("report.html")).unwrap();
    assert!(page.contains("<svg") && page.contains("conv1") && !page.contains("\"NaN"));
}
