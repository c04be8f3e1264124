//! Trainers on other machines: what they send is stored as if they were here, through losses and restarts; who is refused.

use crate::flaky::Flaky;
use crate::http::{get, post, request};
use crate::run::{WINDOW, batch, begin, description, feed};
use crate::scripted::Scripted;
use deepeyes_core::{Event, Observer, RunDescription};
use deepeyes_server::{Server, ServerOptions, UploadError, UploadOptions, Uploader};
use deepeyes_store::{Ending, Reader, RunStatus};
use std::collections::BTreeSet;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(60);
const STEPS: u64 = 35;

fn serve(logdir: &Path, change: impl FnOnce(ServerOptions) -> ServerOptions) -> Server {
    Server::start(change(ServerOptions { port: Some(0), ..ServerOptions::new(logdir) })).unwrap()
}

fn options(server: impl Into<String>) -> UploadOptions {
    UploadOptions {
        server: server.into(),
        token: None,
        description: description(),
        window: WINDOW,
        seed: 0,
        rank: 0,
        ranks: 1,
        queue: 8,
    }
}

fn at(address: SocketAddr) -> String {
    format!("http://{address}")
}

/// Offers an event until it is taken.
fn hand_over(uploader: &Uploader, event: Event) {
    let mut event = Box::new(event);
    while let Err(back) = uploader.offer(*event) {
        event = back;
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The steps from `first` on, and a validation.
fn train(uploader: &Uploader, first: u64) {
    (first..=STEPS).for_each(|step| hand_over(uploader, batch(step)));
    hand_over(uploader, Event::Validation { step: STEPS, accuracy: 0.75, loss: 0.4 });
}

/// The run, once it has ended.
fn ended(directory: &Path) -> Reader {
    let reader = Reader::open(directory).unwrap();
    let start = Instant::now();
    while reader.info().unwrap().status == RunStatus::Running {
        assert!(start.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(10));
    }
    reader
}

/// What does not depend on how fast it was made.
fn said(reader: &Reader) -> String {
    let info = reader.info().unwrap();
    let description: RunDescription = info.description;
    let windows: Vec<_> = (0..description.layers.len())
        .flat_map(|layer| [WINDOW, 2 * WINDOW, 3 * WINDOW].map(|step| (layer, step)))
        .map(|(layer, step)| {
            let mut window = reader.layer_summary(layer, Some(step)).unwrap().unwrap();
            window.statistics.similarity = None;
            (window, reader.sample(layer, Some(step)).unwrap())
        })
        .collect();
    let scalars = reader.scalars().unwrap();
    format!("{:?} {scalars:?} {:?} {windows:?}", (info.status, description), reader.validations().unwrap())
}

fn stored_here() -> String {
    let logdir = tempfile::tempdir().unwrap();
    let run = begin(logdir.path());
    feed(&run, 1..=STEPS);
    run.observer().observe(Event::Validation { step: STEPS, accuracy: 0.75, loss: 0.4 });
    run.finish(Ending::Finished).unwrap();
    said(&Reader::open(logdir.path().join("run")).unwrap())
}

#[test]
fn a_run_that_is_sent_is_stored_as_one_that_is_trained_here() {
    let logdir = tempfile::tempdir().unwrap();
    let server = serve(logdir.path(), |options| options);
    let uploader = Uploader::start(options(server.url())).unwrap();
    let id = uploader.location().rsplit_once("#run=").unwrap().1.to_owned();
    let listed = get(server.address(), &format!("/api/runs/{id}")).json();
    assert_eq!((listed["name"].as_str(), listed["live"].as_bool()), (Some("run"), Some(true)), "{listed}");
    train(&uploader, 1);
    uploader.finish(Ending::Finished, PATIENCE).unwrap();
    assert_eq!(said(&ended(&logdir.path().join("run"))), stored_here());
    assert!(uploader.findings().unwrap().iter().any(|finding| finding.layer.as_deref() == Some("conv")));
    assert!(uploader.problems().is_empty() && !uploader.spent().is_zero());
    assert!(uploader.offer(batch(1)).is_ok() && uploader.finish(Ending::Finished, PATIENCE).is_ok());
}

#[test]
fn lost_answers_and_connections_change_nothing() {
    let logdir = tempfile::tempdir().unwrap();
    let server = serve(logdir.path(), |options| options);
    let flaky = Flaky::before(server.address());
    let uploader = Uploader::start(options(at(flaky.address))).unwrap();
    flaky.break_connections(true);
    for step in 1..=8 {
        hand_over(&uploader, batch(step));
        // An upload for each, instead of one for all that wait.
        while uploader.waiting() > 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    train(&uploader, 9);
    flaky.break_connections(false);
    uploader.finish(Ending::Finished, PATIENCE).unwrap();
    assert!(flaky.broken() > 3);
    assert_eq!(said(&ended(&logdir.path().join("run"))), stored_here());
}

#[test]
fn a_server_that_is_restarted_gets_the_rest_as_a_new_run() {
    let logdir = tempfile::tempdir().unwrap();
    let server = serve(logdir.path(), |options| options);
    let address = server.address();
    let uploader = Uploader::start(options(at(address))).unwrap();
    (1..=5).for_each(|step| hand_over(&uploader, batch(step)));
    server.stopper().stop();
    server.wait();
    let first = ended(&logdir.path().join("run"));
    assert_eq!(first.info().unwrap().status, RunStatus::Interrupted);
    let start = Instant::now();
    let mut step = 6;
    // Whoever hands over never waits, and what waits is bounded.
    while uploader.offer(batch(step)).is_ok() {
        step += 1;
    }
    assert!(step < 200 && start.elapsed() < Duration::from_secs(10), "{step} {:?}", start.elapsed());
    let server = serve(logdir.path(), |options| ServerOptions { port: Some(address.port()), ..options });
    uploader.finish(Ending::Stopped, PATIENCE).unwrap();
    let second = ended(&logdir.path().join("run-2"));
    assert_eq!(second.info().unwrap().status, RunStatus::Stopped);
    // An upload whose answer the stop cut off is in both.
    let scalars = [&first, &second].into_iter().flat_map(|run| run.scalars().unwrap());
    let steps: BTreeSet<u64> = scalars.map(|scalar| scalar.step).collect();
    assert_eq!(steps, (1..step).collect());
    assert_eq!(second.scalars().unwrap().last().unwrap().step, step - 1);
    let problems = uploader.problems();
    assert!(problems.iter().any(|problem| problem.contains("goes on as a new one")), "{problems:?}");
    drop(server);
}

#[test]
fn a_server_that_is_busy_gets_the_same_again() {
    let busy = (429, r#"{"error": "busy"}"#);
    let scripted = Scripted::new(&[
        (201, r#"{"id": "0", "key": "key"}"#),
        busy,
        (503, r#"{"error": "busy"}"#),
        (200, r#"{"next": 1}"#),
        busy,
        (204, ""),
    ]);
    let uploader = Uploader::start(options(at(scripted.address))).unwrap();
    hand_over(&uploader, batch(1));
    uploader.finish(Ending::Finished, PATIENCE).unwrap();
    assert!(uploader.problems().is_empty());
    let asked = scripted.asked();
    let path = |request: &String| request.split(' ').nth(1).unwrap().to_owned();
    let (events, end) = ("/api/ingest/runs/0/events?sequence=0", "/api/ingest/runs/0/end");
    assert_eq!(
        asked.iter().map(path).collect::<Vec<_>>(),
        ["/api/ingest/runs", events, events, events, end, end]
    );
    assert!(asked[1] == asked[2] && asked[2] == asked[3], "the same bytes each time");
    assert!(asked[5].contains(r#"{"sequence":1,"finished":true}"#), "{}", asked[5]);
}

#[test]
fn who_is_refused_is_told_why() {
    let logdir = tempfile::tempdir().unwrap();
    let server =
        serve(logdir.path(), |options| ServerOptions { token: Some("correct-horse".to_owned()), ..options });
    let plain = at(server.address());
    let start = |server: &str, token: Option<&str>| {
        Uploader::start(UploadOptions { token: token.map(str::to_owned), ..options(server) })
    };
    assert!(matches!(start(&plain, None), Err(UploadError::Token { given: false, .. })));
    let wrong = start(&plain, Some("wrong-horse")).unwrap_err();
    assert!(
        wrong.to_string().contains("the token is wrong") && wrong.to_string().contains(&plain),
        "{wrong}"
    );
    assert!(start(&plain, Some("correct-horse")).is_ok() && start(server.url(), None).is_ok());
    assert!(matches!(
        start(&format!("{plain}/nowhere"), Some("correct-horse")),
        Err(UploadError::Stranger { .. })
    ));
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nobody = start(&at(closed), None).unwrap_err().to_string();
    assert!(nobody.contains(&closed.to_string()) && nobody.contains("deepeyes serve"), "{nobody}");
    let mut unusable = options(server.url());
    unusable.description.name = "../outside".to_owned();
    let unusable = Uploader::start(unusable).unwrap_err().to_string();
    assert!(unusable.contains("../outside"), "{unusable}");
}

#[test]
fn other_origins_and_those_without_the_key_write_nothing() {
    let logdir = tempfile::tempdir().unwrap();
    let server = serve(logdir.path(), |options| options);
    let address = server.address();
    let foreign = request(address, "POST", "/api/ingest/runs", &[("Origin", "http://evil.example")], "{}");
    assert_eq!(foreign.status, 403);
    assert_eq!(post(address, "/api/ingest/runs", "{}").status, 422);
    let uploader = Uploader::start(options(server.url())).unwrap();
    let id = uploader.location().rsplit_once("#run=").unwrap().1.to_owned();
    let events = format!("/api/ingest/runs/{id}/events?sequence=0");
    assert_eq!(post(address, &events, "").status, 400);
    let guessed = request(address, "POST", &events, &[("Deepeyes-Key", "guessed")], "");
    assert_eq!(guessed.status, 410);
    assert!(guessed.error().contains("begin a new one"));
}

#[test]
fn a_trainer_that_goes_without_a_word_leaves_its_run_interrupted() {
    let logdir = tempfile::tempdir().unwrap();
    let silence = Duration::from_millis(300);
    let server = serve(logdir.path(), |options| ServerOptions { trainer_silence: silence, ..options });
    let uploader = Uploader::start(options(server.url())).unwrap();
    hand_over(&uploader, batch(1));
    drop(uploader);
    assert_eq!(ended(&logdir.path().join("run")).info().unwrap().status, RunStatus::Interrupted);
    drop(server);
}
