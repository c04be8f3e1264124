//! Serves a log directory without the trainer: `cargo run -p deepeyes-server --example serve_store -- DIR [PORT]`.
#![allow(clippy::print_stdout, reason = "a program for people at a terminal")]

use deepeyes_server::{Server, ServerOptions};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let logdir = arguments.next().unwrap_or_else(|| "runs".to_owned());
    let port = arguments.next().map(|port| port.parse()).transpose()?;
    let server = Server::start(ServerOptions { port, ..ServerOptions::new(logdir) })?;
    println!("{}", server.url());
    server.wait();
    Ok(())
}
