//! The description of the API, made from the handlers and the wire types.

use super::{control, ingest, layers, maps, plan, runs};
use axum::Json;
use utoipa::OpenApi;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "deepeyes",
        description = "Runs, their layers and maps.\n\n\
            A frame (`application/x-deepeyes-frame`) is the length of its header (u32), the header (JSON, padded with \
            spaces so that what follows is 8-aligned), and arrays, each 8-aligned; all little-endian. The header is \
            `{kind, run, layer, step, meta, arrays: [{name, dtype, shape, offset}]}`, offsets counted from the first array.\n\n\
            `/api/live` is a WebSocket: `{\"type\": \"subscribe\", \"run\", \"layer\", \"views\", \"since\"}` asks for what changes; the \
            answers are JSON messages and frames."
    ),
    paths(
        runs::list,
        runs::detail,
        runs::scalars,
        runs::course,
        runs::overview,
        runs::findings,
        runs::tensorboard,
        layers::detail,
        layers::patches,
        layers::weights,
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
        ingest::start,
        ingest::events,
        ingest::end,
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
