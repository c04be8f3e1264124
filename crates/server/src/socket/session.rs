//! One socket from its opening to its end.

use super::feed::Feed;
use crate::app::{App, ended};
use crate::error::ApiError;
use crate::wire::{ClientMessage, ServerMessage, View};
use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

/// Time between two looks at the newest state: at most five messages a view and second.
const TICK: Duration = Duration::from_millis(200);
/// Time between two pings.
const PING: Duration = Duration::from_secs(15);
/// A page that is silent for longer, pongs included, is gone.
const SILENCE: Duration = Duration::from_secs(60);
/// A page that takes no message for longer is gone.
const STUCK: Duration = Duration::from_secs(60);
/// How long a farewell may take.
const FAREWELL: Duration = Duration::from_secs(1);

/// What a page looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Subscription {
    pub(super) run: String,
    pub(super) layer: Option<usize>,
    pub(super) views: Vec<View>,
    pub(super) since: Option<u64>,
}

/// Why a socket is closed.
type Reason = Option<(u16, &'static str)>;

/// Serves a socket until either side ends it.
pub(super) async fn serve(socket: WebSocket, app: App) {
    let (mut sink, mut stream) = socket.split();
    let (wish, wished) = watch::channel(None);
    let mut ending = app.ending.clone();
    let reason = tokio::select! {
        reason = listen(&mut stream, &wish) => reason,
        reason = tell(&mut sink, app, wished) => reason,
        () = ended(&mut ending) => Some((close_code::AWAY, "the server ends")),
    };
    let close = reason.map(|(code, reason)| CloseFrame { code, reason: reason.into() });
    // Nobody is left to tell where this fails.
    let _ = timeout(FAREWELL, sink.send(Message::Close(close))).await;
}

/// Takes what the page says.
async fn listen(stream: &mut SplitStream<WebSocket>, wish: &watch::Sender<Option<Subscription>>) -> Reason {
    loop {
        let Ok(message) = timeout(SILENCE, stream.next()).await else {
            return Some((close_code::AWAY, "no sign of life"));
        };
        match message {
            None | Some(Ok(Message::Close(_))) => return None,
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            Some(Ok(Message::Text(text))) => match serde_json::from_str::<ClientMessage>(&text) {
                Ok(ClientMessage::Subscribe { run, layer, views, since }) => {
                    wish.send_replace(Some(Subscription { run, layer, views, since }));
                }
                Ok(ClientMessage::Unsubscribe) => {
                    wish.send_replace(None);
                }
                Err(_) => return Some((close_code::INVALID, "a message is not understood")),
            },
            Some(Ok(Message::Binary(_))) => {
                return Some((close_code::UNSUPPORTED, "binary messages are not understood"));
            }
            // Too large, or no WebSocket at all.
            Some(Err(_)) => return Some((close_code::PROTOCOL, "the message breaks the protocol")),
        }
    }
}

/// Tells the page what changes.
async fn tell(
    sink: &mut SplitSink<WebSocket, Message>,
    app: App,
    mut wished: watch::Receiver<Option<Subscription>>,
) -> Reason {
    let mut feed = Feed::new(app);
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut pinged = Instant::now();
    loop {
        tokio::select! {
            changed = wished.changed() => match changed {
                Ok(()) => feed.subscribe(wished.borrow_and_update().clone()),
                Err(_) => return None,
            },
            _ = ticks.tick() => {}
        }
        let messages = match feed.look().await {
            Ok(messages) => messages,
            Err(error) => {
                feed.subscribe(None);
                told(error).into_iter().collect()
            }
        };
        for message in messages {
            match timeout(STUCK, sink.send(message)).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return None,
                Err(_) => return Some((close_code::AWAY, "the messages are not taken")),
            }
        }
        if pinged.elapsed() >= PING {
            pinged = Instant::now();
            if !matches!(timeout(STUCK, sink.send(Message::Ping(Default::default()))).await, Ok(Ok(()))) {
                return None;
            }
        }
    }
}

fn told(error: ApiError) -> Option<Message> {
    let message = ServerMessage::Error { error: error.message };
    serde_json::to_string(&message).ok().map(Message::text)
}
