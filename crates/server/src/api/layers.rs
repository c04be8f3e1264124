//! A layer's filters, and the pixels that its instances see.

use super::runs::AtQuery;
use super::{FrameResponse, with_run};
use crate::app::App;
use crate::error::{ApiError, ApiResult};
use crate::frame::Place;
use crate::runs::Source;
use crate::views::{self, Item};
use crate::wire::ErrorBody;
use axum::extract::{Path, Query, State};
use deepeyes_core::{InputId, LayerSnapshot};
use serde::Deserialize;
use std::sync::Arc;
use utoipa::IntoParams;

/// Instances.
#[derive(Debug, Deserialize, IntoParams)]
pub(crate) struct PatchQuery {
    /// `input:row:column`, separated by commas; 256 at most.
    items: String,
}

/// A layer's window, or why there is none.
pub(super) fn window(run: &Source, layer: usize, at: Option<u64>) -> ApiResult<Arc<LayerSnapshot>> {
    run.layer(layer, at)?.ok_or_else(|| {
        ApiError::not_found(match at {
            Some(at) => format!("no window of the layer is complete at iteration {at}"),
            None => "no window of the layer is complete yet".to_owned(),
        })
    })
}

/// A layer's filters: a `layer` frame.
#[utoipa::path(get, path = "/api/runs/{id}/layers/{layer}/detail",
    params(("id" = String, Path), ("layer" = usize, Path), AtQuery),
    responses((status = 200, body = [u8], content_type = "application/x-deepeyes-frame"), (status = 404, body = ErrorBody)))]
pub(crate) async fn detail(
    State(app): State<App>,
    Path((id, layer)): Path<(String, usize)>,
    Query(query): Query<AtQuery>,
) -> ApiResult<FrameResponse> {
    with_run(app, id, move |run| {
        let description = run.check_layer(layer)?;
        let snapshot = window(run, layer, query.at)?;
        let sample = run.sample(layer, &snapshot)?;
        let place = Place { run: run.id.clone(), layer: Some(layer), step: snapshot.to };
        views::filters(place, &description.layers[layer], &snapshot, sample.as_deref()).map(FrameResponse)
    })
    .await
}

/// A convolution's weights in the newest checkpoint: a `weights` frame.
#[utoipa::path(get, path = "/api/runs/{id}/layers/{layer}/weights",
    params(("id" = String, Path), ("layer" = usize, Path), AtQuery),
    responses((status = 200, body = [u8], content_type = "application/x-deepeyes-frame"), (status = 404, body = ErrorBody)))]
pub(crate) async fn weights(
    State(app): State<App>,
    Path((id, layer)): Path<(String, usize)>,
    Query(query): Query<AtQuery>,
) -> ApiResult<FrameResponse> {
    with_run(app, id, move |run| {
        let description = run.check_layer(layer)?;
        views::weights(run, layer, &description.layers[layer], query.at).map(FrameResponse)
    })
    .await
}

/// The pixels that instances of a layer see: a `patches` frame.
#[utoipa::path(get, path = "/api/runs/{id}/layers/{layer}/patches",
    params(("id" = String, Path), ("layer" = usize, Path), PatchQuery),
    responses((status = 200, body = [u8], content_type = "application/x-deepeyes-frame"), (status = 404, body = ErrorBody)))]
pub(crate) async fn patches(
    State(app): State<App>,
    Path((id, layer)): Path<(String, usize)>,
    Query(query): Query<PatchQuery>,
) -> ApiResult<FrameResponse> {
    with_run(app, id, move |run| {
        let description = run.check_layer(layer)?;
        let items = Item::list(&query.items)?;
        let place = Place { run: run.id.clone(), layer: Some(layer), step: 0 };
        views::patches(run, place, &description.layers[layer], &items).map(FrameResponse)
    })
    .await
}

/// An input's pixels: a `patches` frame of one.
#[utoipa::path(get, path = "/api/runs/{id}/inputs/{input}", params(("id" = String, Path), ("input" = i64, Path)),
    responses((status = 200, body = [u8], content_type = "application/x-deepeyes-frame"), (status = 404, body = ErrorBody)))]
pub(crate) async fn input(
    State(app): State<App>,
    Path((id, input)): Path<(String, InputId)>,
) -> ApiResult<FrameResponse> {
    with_run(app, id, move |run| views::image(run, input).map(FrameResponse)).await
}
