//! The dashboard from the command line: its address first, its end on a signal, and what stops it from starting.
#![cfg(unix)]

use crate::support::{Fixture, fixture, stderr};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A program that serves, ended with the test.
struct Serving {
    child: Child,
    address: SocketAddr,
}

impl Serving {
    /// Starts it, and reads the first line of its output.
    fn start(fixture: &Fixture, arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_deepeyes"))
            .current_dir(fixture.dir.path())
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("http://").and_then(|rest| rest.strip_suffix('/'));
        Self { child, address: address.unwrap_or_else(|| panic!("{line}")).parse().unwrap() }
    }

    fn request(&self, method: &str, path: &str) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        let host = self.address;
        write!(stream, "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn runs(&self) -> serde_json::Value {
        let answer = self.request("GET", "/api/runs");
        serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
    }

    /// Waits for the newest run to be as wanted.
    fn wait(&self, status: &str) -> serde_json::Value {
        let end = Instant::now() + Duration::from_secs(60);
        while Instant::now() < end {
            let run = self.runs()["runs"][0].clone();
            if run["status"] == status {
                return run;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("{}", self.runs());
    }

    fn terminate(&mut self) -> Option<i32> {
        Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn stored_runs_are_served_until_a_signal() {
    for arguments in [&["serve", "--port", "0"][..], &["--logdir", "runs"][..]] {
        let mut serving = Serving::start(fixture(), arguments);
        let runs = serving.runs();
        assert!(runs["runs"].as_array().unwrap().iter().any(|run| run["name"] == "small"), "{runs}");
        assert!(serving.request("GET", "/").contains("<html"));
        assert_eq!(serving.terminate(), Some(0));
    }
}

#[test]
fn a_training_that_is_served_is_live_stops_from_the_page_and_stays_to_be_looked_at() {
    let data = fixture().data();
    let mut serving = Serving::start(
        fixture(),
        &["train", "net.toml", "--data", &data, "--logdir", "served", "--iterations", "100000", "--serve"],
    );
    let run = serving.wait("running");
    assert_eq!(run["live"], true);
    let id = run["id"].as_str().unwrap();
    assert!(serving.request("POST", &format!("/api/runs/{id}/stop")).contains(" 204 "));
    assert!(serving.wait("stopped")["step"].as_u64() < Some(100_000));
    assert_eq!(serving.terminate(), Some(0));
}

#[test]
fn a_signal_ends_a_served_training_well() {
    let data = fixture().data();
    let mut serving = Serving::start(
        fixture(),
        &["train", "net.toml", "--data", &data, "--logdir", "ended", "--iterations", "100000", "--serve"],
    );
    serving.wait("running");
    assert_eq!(serving.terminate(), Some(0));
    let run = fixture().json(&["inspect", "ended/small", "--json"]);
    assert_eq!(run["run"]["status"], "stopped");
}

#[test]
fn what_stops_it_from_starting_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for (arguments, words) in [
        (&["serve", "--port", &port][..], &port[..]),
        (&["serve", "--host", "no such host"], "no such host"),
        (&["serve", "--token", "short"], "at least 8"),
        (&["serve", "--allow-host", "http://x/"], "http://x/"),
        (&["serve", "--base-path", "a b"], "a b"),
    ] {
        let output = fixture().call(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(words), "{words} in {}", stderr(&output));
    }
}
