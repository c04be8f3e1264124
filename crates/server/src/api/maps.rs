//! Maps of a layer.

use super::runs::AtQuery;
use super::{FrameResponse, with_run};
use crate::app::App;
use crate::error::{ApiError, ApiResult};
use crate::runs::Source;
use crate::views::{self, Item};
use crate::wire::{DrillRequest, ErrorBody};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use deepeyes_core::LayerSpec;
use deepeyes_engine::{Chosen, DrillError, LayerMaps};

/// A layer's filter map: a `filter_map` frame.
#[utoipa::path(get, path = "/api/runs/{id}/layers/{layer}/filter_map",
    params(("id" = String, Path), ("layer" = usize, Path), AtQuery),
    responses((status = 200, body = [u8], content_type = "application/x-deepeyes-frame"), (status = 404, body = ErrorBody)))]
pub(crate) async fn filter_map(
    State(app): State<App>,
    Path((id, layer)): Path<(String, usize)>,
    Query(query): Query<AtQuery>,
) -> ApiResult<FrameResponse> {
    with_maps(app, id, layer, query.at, move |run, _, maps| {
        let map = maps.filter.as_ref().ok_or_else(|| none("filter", query.at))?;
        views::filter_map(&run.id, layer, map)
    })
    .await
}

/// A layer's input map: an `input_map` frame.
#[utoipa::path(get, path = "/api/runs/{id}/layers/{layer}/input_map",
    params(("id" = String, Path), ("layer" = usize, Path), AtQuery),
    responses((status = 200, body = [u8], content_type = "application/x-deepeyes-frame"), (status = 404, body = ErrorBody)))]
pub(crate) async fn input_map(
    State(app): State<App>,
    Path((id, layer)): Path<(String, usize)>,
    Query(query): Query<AtQuery>,
) -> ApiResult<FrameResponse> {
    with_maps(app, id, layer, query.at, move |run, spec, maps| {
        let map = maps.input.as_ref().ok_or_else(|| none("input", query.at))?;
        views::input_map(&run.id, layer, spec, map)
    })
    .await
}

/// Activations of the input map's instances: an `activations` frame.
#[utoipa::path(get, path = "/api/runs/{id}/layers/{layer}/activations",
    params(("id" = String, Path), ("layer" = usize, Path), AtQuery),
    responses((status = 200, body = [u8], content_type = "application/x-deepeyes-frame"), (status = 404, body = ErrorBody)))]
pub(crate) async fn activations(
    State(app): State<App>,
    Path((id, layer)): Path<(String, usize)>,
    Query(query): Query<AtQuery>,
) -> ApiResult<FrameResponse> {
    with_maps(app, id, layer, query.at, move |run, _, maps| {
        let map = maps.input.as_ref().ok_or_else(|| none("input", query.at))?;
        views::activations(&run.id, layer, map)
    })
    .await
}

/// The map of instances that were chosen in an input map: an `input_map` frame with the arrays of an `activations` frame.
#[utoipa::path(post, path = "/api/runs/{id}/layers/{layer}/drill",
    params(("id" = String, Path), ("layer" = usize, Path)), request_body = DrillRequest,
    responses((status = 200, body = [u8], content_type = "application/x-deepeyes-frame"), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody), (status = 422, body = ErrorBody)))]
pub(crate) async fn drill(
    State(app): State<App>,
    Path((id, layer)): Path<(String, usize)>,
    Json(request): Json<DrillRequest>,
) -> ApiResult<FrameResponse> {
    with_maps(app, id, layer, Some(request.step), move |run, spec, maps| {
        if maps.input.as_ref().is_none_or(|map| map.step != request.step) {
            return Err(ApiError::conflict(format!(
                "the map of iteration {} has been replaced by a newer one; choose there again",
                request.step
            )));
        }
        let map = maps.drill_in(request.scale, &chosen(spec, &request)?).map_err(|error| {
            let status = match error {
                DrillError::NotKept(_) => StatusCode::CONFLICT,
                _ => StatusCode::UNPROCESSABLE_ENTITY,
            };
            ApiError::new(status, error.to_string())
        })?;
        views::closer_map(&run.id, layer, spec, &map)
    })
    .await
}

fn chosen(spec: &LayerSpec, request: &DrillRequest) -> ApiResult<Vec<Chosen>> {
    let DrillRequest { items, places, .. } = request;
    if items.len() != places.len() {
        return Err(ApiError::bad_request(format!(
            "items names {} instances, places has {}; expected one place for each",
            items.len(),
            places.len()
        )));
    }
    let chosen = |(item, &place): (&String, &[f32; 2])| {
        let item: Item = item.parse()?;
        Ok(Chosen { input: item.input, position: item.position(spec), place })
    };
    items.iter().zip(places).map(chosen).collect()
}

/// Does something with a layer's maps.
async fn with_maps(
    app: App,
    id: String,
    layer: usize,
    at: Option<u64>,
    show: impl FnOnce(&Source, &LayerSpec, &LayerMaps) -> ApiResult<Bytes> + Send + 'static,
) -> ApiResult<FrameResponse> {
    with_run(app, id, move |run| {
        let description = run.check_layer(layer)?;
        let maps = run.maps(layer, at)?.ok_or_else(|| none("input", at))?;
        show(run, &description.layers[layer], &maps).map(FrameResponse)
    })
    .await
}

fn none(kind: &str, at: Option<u64>) -> ApiError {
    ApiError::not_found(match at {
        Some(at) => format!("the run keeps no {kind} map of this layer from iteration {at} or before"),
        None => {
            format!("there is no {kind} map of this layer yet; the first comes with the first validation")
        }
    })
}
