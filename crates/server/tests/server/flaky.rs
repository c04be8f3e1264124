//! A network that loses connections: before the request is through, and after the answer was made.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

#[derive(Default)]
struct State {
    breaking: AtomicBool,
    /// Pieces of requests and answers that came while it breaks.
    pieces: AtomicUsize,
    broken: AtomicUsize,
}

/// A proxy that breaks connections when told to.
pub(crate) struct Flaky {
    pub(crate) address: SocketAddr,
    state: Arc<State>,
}

impl Flaky {
    pub(crate) fn before(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let state = Arc::clone(&shared);
                std::thread::spawn(move || carry(&client.unwrap(), server, &state));
            }
        });
        Self { address, state }
    }

    pub(crate) fn break_connections(&self, breaking: bool) {
        self.state.breaking.store(breaking, Ordering::Relaxed);
    }

    pub(crate) fn broken(&self) -> usize {
        self.state.broken.load(Ordering::Relaxed)
    }
}

/// One connection, which ends at every third piece that comes while it breaks.
fn carry(client: &TcpStream, server: SocketAddr, state: &State) {
    let server = TcpStream::connect(server).unwrap();
    let loses = || {
        let breaking = state.breaking.load(Ordering::Relaxed);
        let loses = breaking && state.pieces.fetch_add(1, Ordering::Relaxed) % 3 == 2;
        state.broken.fetch_add(loses.into(), Ordering::Relaxed);
        loses
    };
    std::thread::scope(|scope| {
        scope.spawn(|| pass(client, &server, loses));
        pass(&server, client, loses);
    });
}

fn pass(mut from: &TcpStream, mut to: &TcpStream, loses: impl Fn() -> bool) {
    let mut bytes = [0; 1 << 16];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        if loses() || to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}
