//! `/api/live`: one WebSocket, on which a page says what it looks at, and hears what changes there.
//!
//! Nothing is queued. Each socket has one loop that looks at the newest state a few times a second, and sends what has
//! changed since it last did; while a slow viewer takes its time, the loop waits, and then skips to the newest.

mod feed;
mod session;
mod tick;

use crate::app::App;
use crate::error::{ApiError, ApiResult};
use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::http::StatusCode;
use axum::response::Response;
use std::sync::Arc;

/// Bytes of a message from a page.
const MOST_MESSAGE_BYTES: usize = 16 << 10;

/// Opens a page's socket.
pub(crate) async fn live(State(app): State<App>, upgrade: WebSocketUpgrade) -> ApiResult<Response> {
    let place = Arc::clone(&app.sockets).try_acquire_owned().map_err(|_| {
        let told = "too many pages look at this server; close some";
        ApiError::new(StatusCode::SERVICE_UNAVAILABLE, told)
    })?;
    let upgraded = upgrade
        .max_message_size(MOST_MESSAGE_BYTES)
        .max_frame_size(MOST_MESSAGE_BYTES)
        .on_upgrade(async move |socket| {
            session::serve(socket, app).await;
            // The server's end waits for the place to be free.
            drop(place);
        });
    Ok(upgraded)
}
