//! Maps of a layer.

use super::runs::AtQuery;
use super::{FrameResponse, with_run};
use crate::app::App;
use crate::error::{ApiError, ApiResult};
use crate::wire::{DrillRequest, ErrorBody};
use axum::Json;
use axum::extract::{Path, Query, State};

/// A layer's filter map: a `filter_map` frame.
#[utoipa::path(get, path = "/api/runs/{id}/layers/{layer}/filter_map",
    params(("id" = String, Path), ("layer" = usize, Path), AtQuery),
    responses((status = 200, body = [u8], content_type = "application/x-deepeyes-frame"), (status = 404, body = ErrorBody)))]
pub(crate) async fn filter_map(
    State(app): State<App>,
    Path((id, layer)): Path<(String, usize)>,
    Query(_query): Query<AtQuery>,
) -> ApiResult<FrameResponse> {
    none(app, id, layer).await
}

/// A layer's input map: an `input_map` frame.
#[utoipa::path(get, path = "/api/runs/{id}/layers/{layer}/input_map",
    params(("id" = String, Path), ("layer" = usize, Path), AtQuery),
    responses((status = 200, body = [u8], content_type = "application/x-deepeyes-frame"), (status = 404, body = ErrorBody)))]
pub(crate) async fn input_map(
    State(app): State<App>,
    Path((id, layer)): Path<(String, usize)>,
    Query(_query): Query<AtQuery>,
) -> ApiResult<FrameResponse> {
    none(app, id, layer).await
}

/// Activations of the input map's instances: an `activations` frame.
#[utoipa::path(get, path = "/api/runs/{id}/layers/{layer}/activations",
    params(("id" = String, Path), ("layer" = usize, Path), AtQuery),
    responses((status = 200, body = [u8], content_type = "application/x-deepeyes-frame"), (status = 404, body = ErrorBody)))]
pub(crate) async fn activations(
    State(app): State<App>,
    Path((id, layer)): Path<(String, usize)>,
    Query(_query): Query<AtQuery>,
) -> ApiResult<FrameResponse> {
    none(app, id, layer).await
}

/// A finer map of some of an input map's points: an `input_map` frame.
#[utoipa::path(post, path = "/api/runs/{id}/layers/{layer}/input_map/drill",
    params(("id" = String, Path), ("layer" = usize, Path)), request_body = DrillRequest,
    responses((status = 200, body = [u8], content_type = "application/x-deepeyes-frame"), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody)))]
pub(crate) async fn drill(
    State(app): State<App>,
    Path((id, layer)): Path<(String, usize)>,
    Json(_request): Json<DrillRequest>,
) -> ApiResult<FrameResponse> {
    none(app, id, layer).await
}

async fn none(app: App, id: String, layer: usize) -> ApiResult<FrameResponse> {
    with_run(app, id, move |run| {
        run.check_layer(layer)?;
        Err(ApiError::not_found("the run holds no maps of this layer"))
    })
    .await
}
