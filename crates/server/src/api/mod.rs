//! `/api`: what the page asks for.

mod control;
mod ingest;
mod layers;
mod maps;
mod openapi;
mod plan;
mod runs;

pub use openapi::openapi;

use crate::app::App;
use crate::error::{ApiError, ApiResult};
use crate::frame;
use crate::runs::Source;
use crate::socket;
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

/// Bytes of a request's body.
const MOST_BODY_BYTES: usize = 1 << 20;
/// Bytes of a refusal that axum words itself.
const MOST_REFUSAL_BYTES: usize = 4096;

/// Every address below `/api`.
pub(crate) fn router() -> Router<App> {
    let layer = Router::new()
        .route("/detail", get(layers::detail))
        .route("/patches", get(layers::patches))
        .route("/weights", get(layers::weights))
        .route("/filter_map", get(maps::filter_map))
        .route("/input_map", get(maps::input_map))
        .route("/activations", get(maps::activations))
        .route("/drill", post(maps::drill));
    let run = Router::new()
        .route("/", get(runs::detail))
        .route("/scalars", get(runs::scalars))
        .route("/course", get(runs::course))
        .route("/overview", get(runs::overview))
        .route("/findings", get(runs::findings))
        .route("/tensorboard", get(runs::tensorboard))
        .route("/inputs/{input}", get(layers::input))
        .route("/plan", get(plan::suggested).post(plan::cost))
        .route("/pause", post(control::pause))
        .route("/resume", post(control::resume))
        .route("/stop", post(control::stop))
        .nest("/layers/{layer}", layer);
    let ingest = Router::new()
        .route("/", post(ingest::start))
        .route("/{id}/events", post(ingest::events))
        .route("/{id}/end", post(ingest::end));
    Router::new()
        .route("/runs", get(runs::list).post(control::start))
        .nest("/runs/{id}", run)
        .nest("/ingest/runs", ingest)
        .route("/starting", get(control::starting))
        .route("/live", get(socket::live))
        .route("/openapi.json", get(openapi::document))
        .fallback(unknown)
        .layer(DefaultBodyLimit::max(MOST_BODY_BYTES))
        .layer(axum::middleware::map_response(in_json))
}

/// Does what may read files where that is allowed.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> ApiResult<T> + Send + 'static,
) -> ApiResult<T> {
    tokio::task::spawn_blocking(work).await.map_err(ApiError::internal)?
}

/// Does something with a run.
pub(crate) async fn with_run<T: Send + 'static>(
    app: App,
    id: String,
    work: impl FnOnce(&Source) -> ApiResult<T> + Send + 'static,
) -> ApiResult<T> {
    blocking(move || work(&app.runs.find(&id)?)).await
}

async fn unknown() -> ApiError {
    ApiError::not_found("there is no such address; /api/openapi.json lists those that are")
}

/// A frame as a response.
pub(crate) struct FrameResponse(pub(crate) Bytes);

impl IntoResponse for FrameResponse {
    fn into_response(self) -> Response {
        ([(header::CONTENT_TYPE, HeaderValue::from_static(frame::CONTENT_TYPE))], self.0).into_response()
    }
}

/// Refusals that axum words itself (a body that is no JSON, a method that is not allowed) become JSON as ours are.
async fn in_json(response: Response) -> Response {
    let status = response.status();
    let is_json = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    if is_json || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let text = to_bytes(body, MOST_REFUSAL_BYTES).await.unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let message = match text.trim() {
        "" => status.canonical_reason().unwrap_or("refused").to_lowercase(),
        text => text.to_owned(),
    };
    let json = ApiError::new(status, message).into_response();
    let (json_parts, body) = json.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.extend(json_parts.headers);
    Response::from_parts(parts, Body::new(body))
}

/// Nothing to tell.
pub(crate) fn done() -> StatusCode {
    StatusCode::NO_CONTENT
}
