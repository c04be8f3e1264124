//! Starting, holding and ending trainings.

use super::{blocking, done, with_run};
use crate::app::App;
use crate::error::{ApiError, ApiResult};
use crate::launch::{Launcher, StartError};
use crate::runs::Control;
use crate::wire::{ErrorBody, StartRequest, Started, Starting};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use std::sync::Arc;

/// Holds a training.
#[utoipa::path(post, path = "/api/runs/{id}/pause", params(("id" = String, Path)),
    responses((status = 204), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody)))]
pub(crate) async fn pause(State(app): State<App>, Path(id): Path<String>) -> ApiResult<StatusCode> {
    control(app, id, |control| control.pause()).await
}

/// Lets a training go on.
#[utoipa::path(post, path = "/api/runs/{id}/resume", params(("id" = String, Path)),
    responses((status = 204), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody)))]
pub(crate) async fn resume(State(app): State<App>, Path(id): Path<String>) -> ApiResult<StatusCode> {
    control(app, id, |control| control.resume()).await
}

/// Ends a training after its present iteration.
#[utoipa::path(post, path = "/api/runs/{id}/stop", params(("id" = String, Path)),
    responses((status = 204), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody)))]
pub(crate) async fn stop(State(app): State<App>, Path(id): Path<String>) -> ApiResult<StatusCode> {
    control(app, id, |control| control.stop()).await
}

async fn control(
    app: App,
    id: String,
    act: impl FnOnce(&dyn Control) + Send + 'static,
) -> ApiResult<StatusCode> {
    with_run(app, id, |run| {
        let live = run.live().map(|moment| moment.run);
        let Some((control, maps)) = live.and_then(|run| Some((run.control.clone()?, run.maps.clone())))
        else {
            return Err(ApiError::conflict(
                "this process does not train the run; pause or stop it where it is trained",
            ));
        };
        act(&*control);
        maps.set_paused(control.is_paused());
        Ok(done())
    })
    .await
}

fn launcher(app: &App) -> ApiResult<Arc<dyn Launcher>> {
    app.launcher.clone().ok_or_else(|| ApiError::not_found("this server starts no trainings"))
}

/// What a new training can use.
#[utoipa::path(get, path = "/api/starting", responses((status = 200, body = Starting), (status = 404, body = ErrorBody)))]
pub(crate) async fn starting(State(app): State<App>) -> ApiResult<Json<Starting>> {
    Ok(Json(launcher(&app)?.offers()))
}

/// Starts a training.
#[utoipa::path(post, path = "/api/runs", request_body = StartRequest,
    responses((status = 201, body = Started), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody),
        (status = 422, body = ErrorBody)))]
pub(crate) async fn start(
    State(app): State<App>,
    Json(request): Json<StartRequest>,
) -> ApiResult<(StatusCode, Json<Started>)> {
    let launcher = launcher(&app)?;
    blocking(move || {
        let run = launcher.start(&request).map_err(|error| {
            let status = match error {
                StartError::Request(_) => StatusCode::UNPROCESSABLE_ENTITY,
                StartError::Busy(_) => StatusCode::CONFLICT,
                StartError::Failed(_) => StatusCode::INTERNAL_SERVER_ERROR,
            };
            ApiError::new(status, error.to_string())
        })?;
        Ok((StatusCode::CREATED, Json(Started { id: app.runs.add(run)? })))
    })
    .await
}
