//! The live socket: what a page hears, when it subscribes, falls behind, comes back, or talks rubbish.

use crate::http::{get, split_frame};
use crate::run::{Fixture, Wishes, batch, begin, feed, live_run, settle};
use deepeyes_core::Observer;
use deepeyes_store::Ending;
use serde_json::{Value, json};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tungstenite::client::IntoClientRequest;
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::{Message, WebSocket};

struct Page(WebSocket<TcpStream>);

impl Page {
    fn open(fixture: &Fixture) -> Self {
        let stream = TcpStream::connect(fixture.address()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let mut request = format!("ws://{}/api/live", fixture.address()).into_client_request().unwrap();
        let origin = format!("http://{}", fixture.address());
        request.headers_mut().insert("origin", origin.parse().unwrap());
        Self(tungstenite::client(request, stream).unwrap().0)
    }

    fn say(&mut self, message: &Value) {
        self.0.send(Message::text(message.to_string())).unwrap();
    }

    fn subscribe(&mut self, run: &str, layer: Option<usize>, views: &[&str], since: Option<u64>) {
        self.say(&json!({"type": "subscribe", "run": run, "layer": layer, "views": views, "since": since}));
    }

    /// The next message: JSON, or a frame's header.
    fn hear(&mut self) -> Value {
        loop {
            match self.0.read().unwrap() {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Binary(bytes) => return split_frame(&bytes).0,
                Message::Close(close) => panic!("closed: {close:?}"),
                _ => {}
            }
        }
    }

    /// The first message that is as wanted; those before it are let go.
    fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        let end = Instant::now() + Duration::from_secs(30);
        while Instant::now() < end {
            let message = self.hear();
            if wanted(&message) {
                return message;
            }
        }
        panic!("nothing of the kind came")
    }

    fn closing(&mut self) -> Option<CloseCode> {
        loop {
            match self.0.read() {
                Ok(Message::Close(close)) => return close.map(|close| close.code),
                Ok(_) => {}
                Err(_) => return None,
            }
        }
    }
}

fn is(kind: &str) -> impl Fn(&Value) -> bool {
    move |message| message["type"] == kind || message["kind"] == kind
}

fn id(fixture: &Fixture) -> String {
    fixture.run().rsplit('/').next().unwrap().to_owned()
}

#[test]
fn a_subscriber_hears_where_a_stored_run_is() {
    let fixture = Fixture::new();
    let mut page = Page::open(&fixture);
    page.subscribe(&id(&fixture), Some(1), &["overview", "layer", "filter_map"], Some(30));
    let tick = page.until(is("run"));
    assert_eq!(
        (&tick["status"], &tick["step"], &tick["paused"]),
        (&json!("finished"), &json!(35), &json!(false))
    );
    let scalars = page.until(is("scalars"));
    assert_eq!(scalars["step"], json!([31, 32, 33, 34, 35]));
    assert_eq!(scalars["validations"]["step"], json!([35]));
    assert_eq!(page.until(is("overview"))["layers"].as_array().unwrap().len(), 3);
    assert_eq!(page.until(is("layer"))["layer"], json!(1));
    assert_eq!(page.until(is("filter_map"))["layer"], json!(1));
}

#[test]
fn a_live_run_is_followed_without_loss_to_its_end() {
    let logdir = tempfile::tempdir().unwrap();
    let run = begin(logdir.path());
    let fixture = Fixture::over(logdir, |options| options);
    let id = fixture.server.runs().add(live_run(&run, &Arc::new(Wishes::default()))).unwrap();
    let mut page = Page::open(&fixture);
    page.subscribe(&id, Some(0), &["overview", "layer"], Some(0));
    let (observer, mut heard, mut layers) = (run.observer(), Vec::new(), 0);
    let feeding = std::thread::spawn(move || {
        for step in 1..=60 {
            observer.observe(batch(step));
            std::thread::sleep(Duration::from_millis(15));
        }
    });
    while heard.last() != Some(&60) {
        let message = page.hear();
        if message["type"] == "scalars" {
            heard.extend(message["step"].as_array().unwrap().iter().map(|step| step.as_u64().unwrap()));
        }
        layers += usize::from(message["kind"] == "layer");
    }
    assert_eq!(heard, (1..=60).collect::<Vec<u64>>());
    assert!(layers >= 2, "{layers} windows of the layer were shown");
    feeding.join().unwrap();
    run.finish(Ending::Finished).unwrap();
    assert_eq!(page.until(|message| message["status"] == "finished")["step"], json!(60));
}

#[test]
fn a_page_that_comes_back_goes_on_where_it_was() {
    let logdir = tempfile::tempdir().unwrap();
    let run = begin(logdir.path());
    let fixture = Fixture::over(logdir, |options| options);
    let id = fixture.server.runs().add(live_run(&run, &Arc::new(Wishes::default()))).unwrap();
    feed(&run, 1..=600);
    settle(&run, 600);
    // The live state holds the last 512 iterations; what is older comes from the store.
    let mut page = Page::open(&fixture);
    page.subscribe(&id, None, &[], Some(12));
    let steps = page.until(is("scalars"))["step"].clone();
    assert_eq!(steps, json!((13..=600).collect::<Vec<u64>>()));
}

#[test]
fn a_slow_page_skips_to_the_newest_and_holds_up_nobody() {
    let logdir = tempfile::tempdir().unwrap();
    let run = begin(logdir.path());
    let fixture = Fixture::over(logdir, |options| options);
    let id = fixture.server.runs().add(live_run(&run, &Arc::new(Wishes::default()))).unwrap();
    let mut slow = Page::open(&fixture);
    slow.subscribe(&id, Some(0), &["overview", "layer"], Some(0));
    slow.until(is("run"));
    feed(&run, 1..=100);
    settle(&run, 100);
    std::thread::sleep(Duration::from_secs(2));
    // It reads nothing meanwhile; others are served, and the training is not held up.
    assert_eq!(get(fixture.address(), "/api/runs").status, 200);
    feed(&run, 101..=200);
    settle(&run, 200);
    let mut messages = 0;
    loop {
        let message = slow.hear();
        messages += 1;
        if message["type"] == "overview" && message["step"] == 200 {
            break;
        }
    }
    // 20 windows went by; each was shown at most once, and never more than five messages a view and second.
    assert!(messages < 80, "{messages} messages");
}

#[test]
fn run_messages_come_five_times_a_second_at_most() {
    let logdir = tempfile::tempdir().unwrap();
    let run = begin(logdir.path());
    let fixture = Fixture::over(logdir, |options| options);
    let id = fixture.server.runs().add(live_run(&run, &Arc::new(Wishes::default()))).unwrap();
    let mut page = Page::open(&fixture);
    page.subscribe(&id, None, &[], None);
    let observer = run.observer();
    let start = Instant::now();
    let feeding = std::thread::spawn(move || {
        for step in 1..=200 {
            observer.observe(batch(step));
            std::thread::sleep(Duration::from_millis(5));
        }
    });
    let mut ticks = 0;
    loop {
        let message = page.hear();
        ticks += usize::from(message["type"] == "run");
        if message["type"] == "run" && message["step"] == 200 {
            break;
        }
    }
    assert!(ticks as f64 <= 5.0 * start.elapsed().as_secs_f64() + 2.0, "{ticks} in {:?}", start.elapsed());
    feeding.join().unwrap();
}

#[test]
fn the_list_of_runs_is_told_to_have_changed() {
    let fixture = Fixture::new();
    let mut page = Page::open(&fixture);
    std::thread::sleep(Duration::from_millis(500));
    crate::run::finished(fixture.logdir.path(), 3);
    page.until(is("runs_changed"));
}

#[test]
fn an_unknown_run_is_an_error_and_the_socket_stays() {
    let fixture = Fixture::new();
    let mut page = Page::open(&fixture);
    page.subscribe("ffffffffffffffff", None, &[], None);
    assert!(page.until(is("error"))["error"].as_str().unwrap().contains("no run"));
    page.subscribe(&id(&fixture), Some(99), &["layer"], None);
    assert!(page.until(is("error"))["error"].as_str().unwrap().contains("99"));
    page.subscribe(&id(&fixture), None, &[], None);
    page.until(is("run"));
    page.say(&json!({"type": "unsubscribe"}));
}

#[test]
fn rubbish_closes_the_socket_and_nothing_else() {
    let fixture = Fixture::new();
    for rubbish in [
        Message::text("{"),
        Message::text("{\"type\":\"shout\"}"),
        Message::binary(vec![1, 2, 3]),
        Message::text("x".repeat(100_000)),
    ] {
        let mut page = Page::open(&fixture);
        page.0.send(rubbish).unwrap();
        assert_ne!(page.closing(), Some(CloseCode::Normal));
        assert_eq!(get(fixture.address(), "/api/runs").status, 200);
    }
}

#[test]
fn the_end_of_the_server_is_told() {
    let fixture = Fixture::new();
    let mut page = Page::open(&fixture);
    page.subscribe(&id(&fixture), None, &[], None);
    page.until(is("run"));
    fixture.server.stopper().stop();
    assert_eq!(page.closing(), Some(CloseCode::Away));
    fixture.server.wait();
}
