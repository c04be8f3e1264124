//! Events on their way from a trainer to a server: one after the other as postcard writes them, compressed together.

use deepeyes_core::Event;
use std::io::Read;

/// The form of what is sent; changes with it, and with what an [`Event`] holds.
pub(crate) const FORMAT: u32 = 1;
/// Events of an upload.
pub(crate) const MOST_EVENTS: usize = 1024;
/// Bytes of an upload's events; a mini-batch's activations are a few MiB.
pub(crate) const MOST_EVENT_BYTES: usize = 64 << 20;
/// Bytes of an upload: activations hardly compress.
pub(crate) const MOST_BODY_BYTES: usize = MOST_EVENT_BYTES + (1 << 20);

/// The lowest level: it takes the trainer's time.
const LEVEL: i32 = 1;

/// Adds an event to those of an upload.
///
/// # Errors
/// Where it cannot be written.
pub(crate) fn append(events: &mut Vec<u8>, event: &Event) -> Result<(), String> {
    let length = events.len();
    // What was written of it goes again.
    postcard::to_io(event, &mut *events).map(drop).map_err(|error| {
        events.truncate(length);
        format!("an event cannot be sent: {error}")
    })
}

/// The body of an upload.
///
/// # Errors
/// Where the system has no memory for it.
pub(crate) fn compress(events: &[u8]) -> Result<Vec<u8>, String> {
    zstd::bulk::compress(events, LEVEL).map_err(|error| format!("events cannot be compressed: {error}"))
}

/// The events of an upload; an empty body holds none.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn read(body: &[u8]) -> Result<Vec<Event>, String> {
    let mut events = Vec::new();
    if !body.is_empty() {
        let decoder = zstd::stream::read::Decoder::new(body).map_err(|error| error.to_string())?;
        let read = decoder.take(MOST_EVENT_BYTES as u64 + 1).read_to_end(&mut events);
        read.map_err(|error| format!("expected events that zstd has compressed: {error}"))?;
    }
    if events.len() > MOST_EVENT_BYTES {
        return Err(format!("more than {MOST_EVENT_BYTES} bytes of events; expected fewer at a time"));
    }
    let (mut found, mut rest) = (Vec::new(), &events[..]);
    while !rest.is_empty() {
        if found.len() == MOST_EVENTS {
            return Err(format!("more than {MOST_EVENTS} events; expected fewer at a time"));
        }
        let (event, after) = postcard::take_from_bytes(rest)
            .map_err(|error| format!("event number {} cannot be read: {error}", found.len()))?;
        found.push(event);
        rest = after;
    }
    Ok(found)
}
