//! `/api/live`: one WebSocket, on which a page says what it looks at, and hears what changes there.
//!
//! Nothing is queued. Each socket has one loop that looks at the newest state a few times a second, and sends what has
//! changed since it last did; while a slow viewer takes its time, the loop waits, and then skips to the newest.

mod feed;
mod session;
mod tick;

use crate::app::App;
use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::response::Response;

/// Bytes of a message from a page.
const MOST_MESSAGE_BYTES: usize = 16 << 10;

/// Opens a page's socket.
pub(crate) async fn live(State(app): State<App>, upgrade: WebSocketUpgrade) -> Response {
    upgrade
        .max_message_size(MOST_MESSAGE_BYTES)
        .max_frame_size(MOST_MESSAGE_BYTES)
        .on_upgrade(move |socket| session::serve(socket, app))
}
