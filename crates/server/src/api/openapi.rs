//! The description of the API, made from the handlers and the wire types.

use super::{control, layers, maps, plan, runs};
use axum::Json;
use utoipa::OpenApi;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "deepeyes",
        description = "Runs, their layers and maps. `/api/live` is a WebSocket; frames are described in docs."
    ),
    paths(
        runs::list,
        runs::detail,
        runs::scalars,
        runs::course,
        runs::overview,
        runs::findings,
        layers::detail,
        layers::patches,
        layers::input,
        maps::filter_map,
        maps::input_map,
        maps::activations,
        maps::drill,
        plan::suggested,
        plan::cost,
        control::pause,
        control::resume,
        control::stop,
        control::starting,
        control::start,
    )
)]
struct Document;

/// The OpenAPI document.
pub fn openapi() -> utoipa::openapi::OpenApi {
    Document::openapi()
}

pub(super) async fn document() -> Json<utoipa::openapi::OpenApi> {
    Json(openapi())
}
