//! Connections: taken, bounded in number and in patience, and let go at the end.

use crate::app::{MOST_SOCKETS, ended};
use axum::Router;
use axum::body::Body;
use axum::http::uri::PathAndQuery;
use axum::http::{Request, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep, timeout};
use tower::ServiceExt;

/// Connections at a time; others wait.
const MOST_CONNECTIONS: usize = 1024;
/// A connection that sends no whole request head for longer is closed.
const HEAD: Duration = Duration::from_secs(20);
/// How long a request may take; frames of a large run are read from disk.
const REQUEST: Duration = Duration::from_secs(60);
/// Bytes of a request head.
const MOST_HEAD_BYTES: usize = 64 << 10;
/// How long requests and sockets have to end.
const FAREWELL: Duration = Duration::from_secs(3);
/// How long to wait where the system has no more connections to give.
const EXHAUSTED: Duration = Duration::from_millis(50);

/// Serves until the end is asked for.
pub(super) async fn accept(
    listener: TcpListener,
    router: Router,
    base_path: String,
    sockets: Arc<Semaphore>,
    mut ending: watch::Receiver<bool>,
) {
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let base_path: Arc<str> = base_path.into();
    loop {
        let place = tokio::select! {
            place = Arc::clone(&places).acquire_owned() => place,
            () = ended(&mut ending) => break,
        };
        // The semaphore is never closed.
        let Ok(place) = place else { break };
        let stream = tokio::select! {
            stream = listener.accept() => stream,
            () = ended(&mut ending) => break,
        };
        match stream {
            Ok((stream, _)) => {
                let served = serve(stream, router.clone(), Arc::clone(&base_path), ending.clone());
                tokio::spawn(async move {
                    served.await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!("a connection was not taken: {error}");
                sleep(EXHAUSTED).await;
            }
        }
    }
    drop(listener);
    // Who has not ended by then is cut off.
    let _ = timeout(FAREWELL, async {
        let _ = places.acquire_many(MOST_CONNECTIONS as u32).await;
        let _ = sockets.acquire_many(MOST_SOCKETS as u32).await;
    })
    .await;
}

/// One connection.
async fn serve(stream: TcpStream, router: Router, base_path: Arc<str>, mut ending: watch::Receiver<bool>) {
    // Small messages must not wait for more.
    let _ = stream.set_nodelay(true);
    let service =
        hyper::service::service_fn(move |request| answer(router.clone(), Arc::clone(&base_path), request));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(MOST_HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    // What a client breaks is its own loss.
    tokio::select! {
        _ = connection.as_mut() => {}
        () = ended(&mut ending) => {
            connection.as_mut().graceful_shutdown();
            let _ = timeout(FAREWELL, connection).await;
        }
    }
}

/// One request, below the base path or not: proxies differ in whether they take it away.
async fn answer(
    router: Router,
    base_path: Arc<str>,
    request: Request<Incoming>,
) -> Result<Response, Infallible> {
    let mut request = request.map(Body::new);
    if !base_path.is_empty() {
        let uri = request.uri();
        if uri.path() == &*base_path {
            let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
            let last = base_path.rsplit('/').next().unwrap_or_default();
            // Relative, so that it holds behind any proxy; addresses on the page are relative to the slash.
            let location = format!("./{last}/{query}");
            return Ok((StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, location)]).into_response());
        }
        let below =
            uri.path_and_query().map(PathAndQuery::as_str).and_then(|path| path.strip_prefix(&*base_path));
        if let Some(below) = below.filter(|below| below.starts_with('/')).map(str::to_owned)
            && let Ok(stripped) = below.parse::<Uri>()
        {
            *request.uri_mut() = stripped;
        }
    }
    match timeout(REQUEST, router.oneshot(request)).await {
        Ok(response) => response,
        Err(_) => Ok((StatusCode::GATEWAY_TIMEOUT, "the request took too long\n").into_response()),
    }
}
