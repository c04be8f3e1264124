//! What is told of a stored run, of a live one, and of one that cannot be read.

use crate::http::{array, floats, get, post};
use crate::run::{Fixture, INPUTS, Wishes, begin, feed, finished, live_run, probe, settle};
use deepeyes_core::Observer;
use deepeyes_store::{Ending, Reader};
use serde_json::{Value, json};
use std::sync::Arc;

#[test]
fn a_run_is_listed_and_described() {
    let fixture = Fixture::new();
    let list = get(fixture.address(), "/api/runs").json();
    let run = &list["runs"][0];
    assert_eq!(list["runs"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&run["name"], &run["status"], &run["live"]),
        (&json!("run"), &json!("finished"), &json!(false))
    );
    assert_eq!((&run["step"], &run["accuracy"], &run["error"]), (&json!(35), &json!(0.75), &Value::Null));
    assert_eq!(run["id"].as_str().unwrap().len(), 16);
    let detail = get(fixture.address(), &fixture.run()).json();
    assert_eq!((&detail["window"], &detail["classes"]), (&json!(10), &json!(["left", "right"])));
    assert_eq!((&detail["control"], &detail["paused"]), (&Value::Null, &json!(false)));
    let between: Vec<&Value> =
        detail["layers"].as_array().unwrap().iter().map(|layer| &layer["between"]).collect();
    assert_eq!(between, [&json!([]), &json!(["max_pool"]), &json!(["relu"])]);
    assert_eq!(
        detail["layers"][0]["receptive_field"],
        json!({"size": [3, 3], "stride": [1, 1], "offset": [-1, -1]})
    );
}

#[test]
fn curves_and_windows_are_those_of_the_store() {
    let fixture = Fixture::new();
    let run = fixture.run();
    let scalars = get(fixture.address(), &format!("{run}/scalars")).json();
    assert_eq!(scalars["step"].as_array().unwrap().len(), 35);
    assert_eq!((&scalars["loss"][0], &scalars["loss"][6]), (&json!(1.0), &Value::Null));
    assert_eq!(scalars["validations"], json!({"step": [35], "accuracy": [0.75], "loss": [0.4]}));
    let few = get(fixture.address(), &format!("{run}/scalars?points=10")).json();
    assert!(few["step"].as_array().unwrap().len() <= 10);

    let reader = Reader::open(fixture.logdir.path().join("run")).unwrap();
    let course = get(fixture.address(), &format!("{run}/course")).json();
    for layer in 0..3 {
        let stored = reader.course(layer).unwrap();
        let told = &course["layers"][layer];
        assert_eq!(told["step"], json!([10, 20, 30]));
        assert_eq!(told["drift"][1], json!(stored[1].drift));
        let change: f64 =
            stored[1].change.as_ref().unwrap().iter().map(|value| f64::from(value.abs()) / 2.0).sum();
        assert!((told["change"][1].as_f64().unwrap() - change).abs() < 1e-9);
        assert_eq!(told["change"][0], Value::Null);
    }
}

#[test]
fn an_overview_is_of_the_newest_window_at_or_before_the_step() {
    let fixture = Fixture::new();
    let run = fixture.run();
    let at = |query: &str| get(fixture.address(), &format!("{run}/overview{query}")).json();
    assert_eq!((at("")["step"].as_u64(), at("?at=29")["step"].as_u64()), (Some(30), Some(20)));
    assert_eq!((&at("?at=29")["at"], at("?at=3")["layers"].as_array().unwrap().len()), (&json!(29), 0));
    let layer = &at("?at=20")["layers"][1];
    assert_eq!(
        (&layer["from"], &layer["to"], &layer["instances"]),
        (&json!(11), &json!(20), &json!(10 * INPUTS))
    );
    assert_eq!(layer["counts"].as_array().unwrap().len(), 50);
    assert!(layer["change"].is_array() && at("?at=10")["layers"][1]["change"].is_null());
}

#[test]
fn findings_name_their_layer_and_window() {
    let logdir = tempfile::tempdir().unwrap();
    // Long enough to say that a filter is dead: 200 inputs and 1,000 instances.
    finished(logdir.path(), 100);
    let fixture = Fixture::over(logdir, |options| options);
    let findings = get(fixture.address(), &format!("{}/findings", fixture.run())).json();
    assert_eq!(findings["step"], json!(100));
    let all = findings["findings"].as_array().unwrap();
    let dead = all.iter().find(|finding| finding["kind"] == "dead" && finding["layer"] == "conv").unwrap();
    assert_eq!(
        (&dead["filters"], &dead["layer_index"], &dead["step"]),
        (&json!([0]), &json!(0), &json!(100))
    );
    let ids: std::collections::BTreeSet<_> =
        all.iter().map(|finding| finding["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), all.len());

    let plan = get(fixture.address(), &format!("{}/plan", fixture.run())).json();
    let actions = plan["plan"]["actions"].as_array().unwrap();
    assert!(actions.iter().any(|action| action["action"] == "remove_filters" && action["layer"] == "conv"));
    assert!(plan["after"]["parameters"].as_u64() < plan["before"]["parameters"].as_u64());
}

#[test]
fn a_plan_is_costed_or_refused_with_the_reason() {
    let fixture = Fixture::new();
    let plan = format!("{}/plan", fixture.run());
    let body = json!({"actions": [{"action": "remove_filters", "layer": "dense", "filters": [1, 3]}]});
    let costs = post(fixture.address(), &plan, &body.to_string()).json();
    // 3 x 2 x 2 inputs and a bias for each unit, one weight for each of the two answers.
    let gone =
        costs["before"]["parameters"].as_u64().unwrap() - costs["after"]["parameters"].as_u64().unwrap();
    assert_eq!((gone, &costs["exact"]), (2 * (12 + 1 + 2), &json!(true)));
    let wrong = json!({"actions": [{"action": "remove_layer", "layer": "none"}]});
    let refused = post(fixture.address(), &plan, &wrong.to_string());
    assert_eq!(refused.status, 422);
    assert!(refused.error().contains("none") && refused.error().contains("conv"), "{}", refused.error());
    assert_eq!(post(fixture.address(), &plan, "{}").status, 422);
}

#[test]
fn filters_come_as_a_frame() {
    let fixture = Fixture::new();
    let run = fixture.run();
    let reader = Reader::open(fixture.logdir.path().join("run")).unwrap();
    let stored = reader.layer_snapshot(0, Some(20)).unwrap().unwrap();
    let answer = get(fixture.address(), &format!("{run}/layers/0/detail?at=25"));
    let frame = answer.frame();
    assert_eq!(answer.header("content-type"), Some("application/x-deepeyes-frame"));
    assert_eq!(
        (&frame.0["kind"], &frame.0["step"], &frame.0["layer"]),
        (&json!("layer"), &json!(20), &json!(0))
    );
    let (shape, bytes) = array(&frame, "max");
    let expected: Vec<f32> = stored.statistics.filters.iter().map(|filter| filter.max).collect();
    assert_eq!((shape, floats(bytes)), (vec![3], expected));
    assert_eq!(array(&frame, "label_strength").0, [3, 2]);
    assert_eq!(frame.0["meta"]["instances"], json!(stored.statistics.instances));
    let missing = get(fixture.address(), &format!("{run}/layers/9/detail"));
    assert!(missing.status == 404 && missing.error().contains('9'));
    let early = get(fixture.address(), &format!("{run}/layers/0/detail?at=3"));
    assert!(early.status == 404 && early.error().contains("iteration 3"));
}

#[test]
fn weights_come_from_a_checkpoint_or_not_at_all() {
    let fixture = Fixture::new();
    let none = get(fixture.address(), &format!("{}/layers/0/weights", fixture.run()));
    assert!(none.status == 404 && none.error().contains("checkpoint"), "{}", none.error());
}

#[test]
fn patches_are_cut_by_identity() {
    let fixture = Fixture::new();
    let run = fixture.run();
    let reader = Reader::open(fixture.logdir.path().join("run")).unwrap();
    let (_, sample) = reader.sample(0, None).unwrap().unwrap();
    let input = sample.inputs[0];
    let answer =
        get(fixture.address(), &format!("{run}/layers/0/patches?items={input}:0:0,{input}:1:1,999999:0:0"));
    let frame = answer.frame();
    assert_eq!(array(&frame, "pixels").0, [3, 3, 3, 1]);
    let grey = input as u8;
    let corner = [0, 0, 0, 0, grey, grey, 0, grey, grey];
    assert_eq!(array(&frame, "pixels").1[..9], corner);
    assert_eq!(array(&frame, "pixels").1[9..18], [grey; 9]);
    assert_eq!(array(&frame, "inside").1[..9], [0, 0, 0, 0, 1, 1, 0, 1, 1]);
    assert_eq!(array(&frame, "known").1, [1, 1, 0]);
    let whole = get(fixture.address(), &format!("{run}/inputs/{input}"));
    assert_eq!(array(&whole.frame(), "pixels").0, [1, 4, 4, 1]);
    assert_eq!(get(fixture.address(), &format!("{run}/inputs/999999")).status, 404);
    assert_eq!(get(fixture.address(), &format!("{run}/layers/0/patches?items=x")).status, 400);
    assert_eq!(get(fixture.address(), &format!("{run}/layers/0/patches")).status, 400);
}

#[test]
fn maps_of_a_stored_run_come_as_frames() {
    let fixture = Fixture::new();
    let run = fixture.run();
    let answer = get(fixture.address(), &format!("{run}/layers/1/filter_map"));
    let frame = answer.frame();
    assert_eq!((&frame.0["kind"], &frame.0["meta"]["all_zero"]), (&json!("filter_map"), &json!(1)));
    assert_eq!((array(&frame, "position").0, array(&frame, "filter").0), (vec![4, 2], vec![4]));
    let none = get(fixture.address(), &format!("{run}/layers/1/input_map"));
    assert!(none.status == 404 && none.error().contains("input map"));
}

#[test]
fn instances_that_are_chosen_in_a_map_get_one_of_their_own() {
    let logdir = tempfile::tempdir().unwrap();
    let run = begin(logdir.path());
    feed(&run, 1..=10);
    run.observer().observe(probe(10));
    run.finish(Ending::Finished).unwrap();
    let fixture = Fixture::over(logdir, |options| options);
    let layer = format!("{}/layers/1", fixture.run());
    let whole = get(fixture.address(), &format!("{layer}/input_map"));
    let whole = whole.frame();
    assert_eq!((array(&whole, "position").0, &whole.0["meta"]["scale"]), (vec![40, 2], &json!(0)));
    let ask = |step: u64, chosen: usize| {
        let items: Vec<String> = (0..chosen).map(|input| format!("{input}:0:0")).collect();
        let places: Vec<[usize; 2]> = (0..chosen).map(|at| [at, at % 3]).collect();
        let body = json!({"step": step, "scale": 0, "items": items, "places": places});
        post(fixture.address(), &format!("{layer}/drill"), &body.to_string())
    };
    let closer = ask(10, 12);
    let closer = closer.frame();
    assert_eq!((&closer.0["kind"], &closer.0["step"]), (&json!("input_map"), &json!(10)));
    assert_eq!((array(&closer, "position").0, array(&closer, "activation").0), (vec![12, 2], vec![12, 5]));
    assert_eq!(array(&closer, "input").1, &array(&whole, "input").1[..4 * 12]);
    let few = ask(10, 2);
    assert!(few.status == 422 && few.error().contains("choose more"), "{}", few.error());
    let moved = ask(30, 12);
    assert!(moved.status == 409 && moved.error().contains("30"), "{}", moved.error());
    let uneven = json!({"step": 10, "scale": 0, "items": ["1:0:0"], "places": []});
    assert_eq!(post(fixture.address(), &format!("{layer}/drill"), &uneven.to_string()).status, 400);
}

#[test]
fn a_live_run_is_told_as_it_is_now() {
    let logdir = tempfile::tempdir().unwrap();
    let run = begin(logdir.path());
    let fixture = Fixture::over(logdir, |options| options);
    let control = Arc::new(Wishes::default());
    let id = fixture.server.runs().add(live_run(&run, &control)).unwrap();
    feed(&run, 1..=24);
    settle(&run, 24);
    let path = format!("/api/runs/{id}");
    let detail = get(fixture.address(), &path).json();
    assert_eq!(
        (&detail["live"], &detail["status"], &detail["step"]),
        (&json!(true), &json!("running"), &json!(24))
    );
    assert_eq!(detail["control"], json!({"pause": true, "stop": true}));
    let scalars = get(fixture.address(), &format!("{path}/scalars")).json();
    assert_eq!(scalars["step"], json!((1..=24).collect::<Vec<u64>>()));
    assert_eq!(get(fixture.address(), &format!("{path}/overview")).json()["step"], json!(20));
    run.finish(Ending::Stopped).unwrap();
    let detail = get(fixture.address(), &path).json();
    assert_eq!(
        (&detail["live"], &detail["status"], &detail["control"]),
        (&json!(false), &json!("stopped"), &Value::Null)
    );
}

#[test]
fn a_run_that_cannot_be_read_is_listed_with_its_error_and_others_stay() {
    let fixture = Fixture::new();
    let broken = fixture.logdir.path().join("nested/broken");
    std::fs::create_dir_all(&broken).unwrap();
    std::fs::write(broken.join("run.db"), "no database").unwrap();
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let list = get(fixture.address(), "/api/runs").json();
    let runs = list["runs"].as_array().unwrap();
    assert_eq!((runs.len(), &runs[0]["error"], &runs[1]["name"]), (2, &Value::Null, &json!("nested/broken")));
    assert!(runs[1]["error"].as_str().unwrap().contains("run.db"));
    let answer = get(fixture.address(), &format!("/api/runs/{}/scalars", runs[1]["id"].as_str().unwrap()));
    assert!(answer.status == 500 && answer.error().contains("run.db"));
}

#[test]
fn a_run_that_appears_and_one_that_is_replaced_are_seen() {
    let fixture = Fixture::new();
    assert_eq!(get(fixture.address(), &fixture.run()).json()["step"], json!(35));
    std::fs::remove_dir_all(fixture.logdir.path().join("run")).unwrap();
    finished(fixture.logdir.path(), 12);
    std::thread::sleep(std::time::Duration::from_millis(1100));
    assert_eq!(get(fixture.address(), &fixture.run()).json()["step"], json!(12));
}
