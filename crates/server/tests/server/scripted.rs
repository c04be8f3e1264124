//! A server that answers what it was told to, one request after the other.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread::JoinHandle;

/// Answers with the given statuses and JSON bodies, then with nothing more.
pub(crate) struct Scripted {
    pub(crate) address: SocketAddr,
    thread: JoinHandle<Vec<String>>,
}

impl Scripted {
    pub(crate) fn new(answers: &[(u16, &str)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let answers: Vec<(u16, String)> =
            answers.iter().map(|&(status, body)| (status, body.to_owned())).collect();
        let thread = std::thread::spawn(move || {
            answers
                .into_iter()
                .map(|(status, body)| answer(listener.accept().unwrap().0, status, &body))
                .collect()
        });
        Self { address, thread }
    }

    /// The requests, once all are answered.
    pub(crate) fn asked(self) -> Vec<String> {
        self.thread.join().unwrap()
    }
}

/// Reads a request whole, and answers it.
fn answer(mut stream: TcpStream, status: u16, body: &str) -> String {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut head, mut length) = (String::new(), 0);
    while !head.ends_with("\r\n\r\n") {
        let mut line = String::new();
        assert!(reader.read_line(&mut line).unwrap() > 0);
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        head.push_str(&line);
    }
    let mut sent = vec![0; length];
    reader.read_exact(&mut sent).unwrap();
    let answer = format!(
        "HTTP/1.1 {status} x\r\nConnection: close\r\nRetry-After: 0\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    // A 204 has no body and no length.
    let answer = if status == 204 { answer.replace("Content-Length: 0\r\n", "") } else { answer };
    stream.write_all(answer.as_bytes()).unwrap();
    head + &String::from_utf8_lossy(&sent)
}
