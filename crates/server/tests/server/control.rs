//! Pausing, stopping, starting: what reaches the training, and what is refused.

use crate::http::{get, post, request};
use crate::run::{Fixture, Wishes, begin, live_run};
use deepeyes_engine::Run;
use deepeyes_server::wire::{StartRequest, Starting};
use deepeyes_server::{Launcher, LiveRun, ServerOptions, StartError};
use serde_json::json;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

#[test]
fn wishes_reach_the_training_and_only_from_our_own_pages() {
    let logdir = tempfile::tempdir().unwrap();
    let run = begin(logdir.path());
    let fixture = Fixture::over(logdir, |options| options);
    let control = Arc::new(Wishes::default());
    let id = fixture.server.runs().add(live_run(&run, &control)).unwrap();
    let path = |what: &str| format!("/api/runs/{id}/{what}");
    assert_eq!(post(fixture.address(), &path("pause"), "").status, 204);
    assert!(control.paused.load(Ordering::Relaxed));
    assert_eq!(get(fixture.address(), &format!("/api/runs/{id}")).json()["paused"], json!(true));
    assert_eq!(post(fixture.address(), &path("resume"), "").status, 204);
    assert!(!control.paused.load(Ordering::Relaxed));
    let foreign = request(fixture.address(), "POST", &path("stop"), &[("Origin", "http://evil.example")], "");
    assert!(foreign.status == 403 && !control.stopped.load(Ordering::Relaxed));
    assert_eq!(get(fixture.address(), &path("stop")).status, 405);
    assert_eq!(post(fixture.address(), &path("stop"), "").status, 204);
    assert!(control.stopped.load(Ordering::Relaxed));
}

#[test]
fn a_run_that_is_trained_elsewhere_takes_no_wishes() {
    let fixture = Fixture::new();
    let answer = post(fixture.address(), &format!("{}/stop", fixture.run()), "");
    assert!(answer.status == 409 && answer.error().contains("does not train"));
}

#[derive(Debug)]
struct Starter {
    logdir: PathBuf,
    runs: Mutex<Vec<Run>>,
}

impl Launcher for Starter {
    fn offers(&self) -> Starting {
        Starting { networks: vec!["small".to_owned()], data: vec!["made up".to_owned()] }
    }

    fn start(&self, request: &StartRequest) -> Result<LiveRun, StartError> {
        let mut runs = self.runs.lock().unwrap();
        match request.network.as_str() {
            "small" if runs.is_empty() => {}
            "small" => return Err(StartError::Busy("another goes on".to_owned())),
            other => return Err(StartError::Request(format!("no network {other}"))),
        }
        let run = begin(&self.logdir);
        let live = live_run(&run, &Arc::default());
        runs.push(run);
        Ok(live)
    }
}

#[test]
fn a_training_starts_or_says_why_not() {
    let fixture = Fixture::with(|options| ServerOptions {
        launcher: Some(Arc::new(Starter { logdir: options.logdir.clone(), runs: Mutex::default() })),
        ..options
    });
    let start = |body: serde_json::Value| post(fixture.address(), "/api/runs", &body.to_string());
    assert_eq!(get(fixture.address(), "/api/starting").json()["networks"], json!(["small"]));
    let refused = start(json!({"network": "large", "data": "x"}));
    assert_eq!((refused.status, refused.error()), (422, "no network large".to_owned()));
    assert_eq!(start(json!({"network": "small"})).status, 422);
    let started = start(json!({"network": "small", "data": "x", "iterations": 5, "lr": null}));
    assert_eq!(started.status, 201);
    let id = started.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(get(fixture.address(), &format!("/api/runs/{id}")).json()["live"], json!(true));
    assert_eq!(start(json!({"network": "small", "data": "x"})).status, 409);
}

#[test]
fn a_server_without_launcher_starts_nothing() {
    let fixture = Fixture::new();
    assert_eq!(get(fixture.address(), "/api/starting").status, 404);
    assert_eq!(
        post(fixture.address(), "/api/runs", "{\"network\": \"lenet\", \"data\": \"mnist\"}").status,
        404
    );
}
