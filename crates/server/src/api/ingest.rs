//! Runs of trainers on other machines.

use super::{blocking, done};
use crate::app::App;
use crate::error::{ApiError, ApiResult};
use crate::ingest::{Refusal, Session, body, gone};
use crate::wire::{ErrorBody, IngestEnd, IngestGap, IngestStart, IngestStarted, IngestTaken};
use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use deepeyes_store::Ending;
use serde::Deserialize;
use std::sync::Arc;
use utoipa::IntoParams;

/// The header that says which trainer writes.
const KEY: &str = "Deepeyes-Key";
/// Seconds after which it is worth trying again.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("1");

/// Which upload it is.
#[derive(Debug, Deserialize, IntoParams)]
pub(crate) struct UploadQuery {
    /// The upload's number, counted from 0.
    sequence: u64,
}

/// Begins a run.
#[utoipa::path(post, path = "/api/ingest/runs", request_body = IngestStart,
    responses((status = 201, body = IngestStarted), (status = 422, body = ErrorBody), (status = 503, body = ErrorBody)))]
pub(crate) async fn start(
    State(app): State<App>,
    Json(request): Json<IngestStart>,
) -> ApiResult<(StatusCode, Json<IngestStarted>)> {
    let started = blocking(move || app.ingest.start(&request)).await?;
    Ok((StatusCode::CREATED, Json(started)))
}

/// Takes events: one after the other as postcard writes them, compressed by zstd; an empty body is a sign of life. An upload
/// that comes again is acknowledged and not applied again.
#[utoipa::path(post, path = "/api/ingest/runs/{id}/events",
    params(("id" = String, Path), UploadQuery, ("Deepeyes-Key" = String, Header)),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, body = IngestTaken), (status = 409, body = IngestGap), (status = 410, body = ErrorBody),
        (status = 413, body = ErrorBody), (status = 422, body = ErrorBody), (status = 429, body = ErrorBody),
        (status = 503, body = ErrorBody)))]
pub(crate) async fn events(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(UploadQuery { sequence }): Query<UploadQuery>,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<Response> {
    let session = session(&app, &id, &headers)?;
    let Ok(place) = app.ingest.uploads().try_acquire_owned() else {
        let reason = "too many uploads come at once; try again in a second";
        return Ok(later(&ApiError::new(StatusCode::SERVICE_UNAVAILABLE, reason)));
    };
    let body = to_bytes(body, body::MOST_BODY_BYTES).await.map_err(|error| {
        ApiError::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!(
                "the upload was not read whole ({error}); expected at most {} bytes",
                body::MOST_BODY_BYTES
            ),
        )
    })?;
    let taken = blocking(move || {
        let taken = session.take(sequence, &body);
        drop(place);
        Ok(taken)
    });
    Ok(match taken.await? {
        Ok(next) => Json(IngestTaken { next }).into_response(),
        Err(refusal) => refused(refusal),
    })
}

/// Ends a run. What was taken is still applied and stored.
#[utoipa::path(post, path = "/api/ingest/runs/{id}/end",
    params(("id" = String, Path), ("Deepeyes-Key" = String, Header)), request_body = IngestEnd,
    responses((status = 204), (status = 409, body = IngestGap), (status = 410, body = ErrorBody)))]
pub(crate) async fn end(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(IngestEnd { sequence, finished }): Json<IngestEnd>,
) -> ApiResult<Response> {
    let session = session(&app, &id, &headers)?;
    let ending = if finished { Ending::Finished } else { Ending::Stopped };
    let ended = blocking(move || Ok(app.ingest.end(&session, sequence, ending))).await?;
    Ok(ended.map_or_else(refused, |()| done().into_response()))
}

fn session(app: &App, id: &str, headers: &HeaderMap) -> ApiResult<Arc<Session>> {
    let key = headers.get(KEY).and_then(|key| key.to_str().ok());
    let key = key.ok_or_else(|| {
        ApiError::bad_request(format!("the request needs the header {KEY}, as the run's beginning gave it"))
    })?;
    app.ingest.session(id, key)
}

fn refused(refusal: Refusal) -> Response {
    match refusal {
        Refusal::Crowded => {
            let reason = "the analysis has not taken what came before; try again in a second";
            later(&ApiError::new(StatusCode::TOO_MANY_REQUESTS, reason))
        }
        Refusal::Gap { expected } => {
            let error = format!("these events do not follow the last ones; send those of number {expected}");
            (StatusCode::CONFLICT, Json(IngestGap { error, expected })).into_response()
        }
        Refusal::Ended => gone().into_response(),
        Refusal::Unusable(reason) => ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, reason).into_response(),
    }
}

fn later(error: &ApiError) -> Response {
    ([(header::RETRY_AFTER, RETRY_AFTER)], error.clone()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_says_whether_to_come_again() {
        let answered = |refusal| {
            let response = refused(refusal);
            (response.status().as_u16(), response.headers().get(header::RETRY_AFTER).cloned())
        };
        assert_eq!(answered(Refusal::Crowded), (429, Some(RETRY_AFTER)));
        assert_eq!(answered(Refusal::Gap { expected: 1 }), (409, None));
        assert_eq!(answered(Refusal::Ended), (410, None));
        assert_eq!(answered(Refusal::Unusable(String::new())), (422, None));
    }
}
