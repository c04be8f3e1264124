//! Runs: the list, and what is said of one.

use super::{blocking, with_run};
use crate::app::App;
use crate::error::ApiResult;
use crate::views;
use crate::wire::{Course, ErrorBody, Findings, Overview, RunDetail, RunList, Scalars, Tensorboard};
use axum::Json;
use axum::extract::{Path, Query, State};
use deepeyes_store::EVENT_POINTS;
use serde::Deserialize;
use utoipa::IntoParams;

/// Iterations of a curve where the request does not say.
const POINTS: usize = 2000;
/// Iterations of a curve at most.
const MOST_POINTS: usize = 100_000;

/// How much of the curves.
#[derive(Debug, Deserialize, IntoParams)]
pub(crate) struct PointsQuery {
    /// Iterations to give at most; default 2000. Minimum and maximum of each stretch are kept.
    points: Option<usize>,
}

/// Which of TensorBoard's curves, and how much of them.
#[derive(Debug, Deserialize, IntoParams)]
pub(crate) struct TensorboardQuery {
    /// Only the curves of this name; absent: all.
    tag: Option<String>,
    /// Points of a curve to give at most, evenly thinned; 0 gives the names alone. Default and maximum 2000.
    points: Option<usize>,
}

/// A step.
#[derive(Debug, Deserialize, IntoParams)]
pub(crate) struct AtQuery {
    /// The newest kept window at or before this iteration is used; absent: the newest of all.
    pub(super) at: Option<u64>,
}

/// The runs under the log directory, newest first.
#[utoipa::path(get, path = "/api/runs", responses((status = 200, body = RunList)))]
pub(crate) async fn list(State(app): State<App>) -> ApiResult<Json<RunList>> {
    blocking(move || Ok(Json(RunList { runs: app.runs.list()? }))).await
}

/// One run.
#[utoipa::path(get, path = "/api/runs/{id}", params(("id" = String, Path)),
    responses((status = 200, body = RunDetail), (status = 404, body = ErrorBody)))]
pub(crate) async fn detail(State(app): State<App>, Path(id): Path<String>) -> ApiResult<Json<RunDetail>> {
    with_run(app, id, |run| views::detail(run).map(Json)).await
}

/// A run's curves.
#[utoipa::path(get, path = "/api/runs/{id}/scalars", params(("id" = String, Path), PointsQuery),
    responses((status = 200, body = Scalars), (status = 404, body = ErrorBody)))]
pub(crate) async fn scalars(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(query): Query<PointsQuery>,
) -> ApiResult<Json<Scalars>> {
    let points = query.points.unwrap_or(POINTS).min(MOST_POINTS);
    with_run(app, id, move |run| views::scalars(run, points).map(Json)).await
}

/// Each layer's kept windows.
#[utoipa::path(get, path = "/api/runs/{id}/course", params(("id" = String, Path)),
    responses((status = 200, body = Course), (status = 404, body = ErrorBody)))]
pub(crate) async fn course(State(app): State<App>, Path(id): Path<String>) -> ApiResult<Json<Course>> {
    with_run(app, id, |run| views::course(run).map(Json)).await
}

/// Each layer's window at a step.
#[utoipa::path(get, path = "/api/runs/{id}/overview", params(("id" = String, Path), AtQuery),
    responses((status = 200, body = Overview), (status = 404, body = ErrorBody)))]
pub(crate) async fn overview(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(query): Query<AtQuery>,
) -> ApiResult<Json<Overview>> {
    with_run(app, id, move |run| views::overview(run, query.at).map(Json)).await
}

/// The findings at a step.
#[utoipa::path(get, path = "/api/runs/{id}/findings", params(("id" = String, Path), AtQuery),
    responses((status = 200, body = Findings), (status = 404, body = ErrorBody)))]
pub(crate) async fn findings(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(query): Query<AtQuery>,
) -> ApiResult<Json<Findings>> {
    with_run(app, id, move |run| views::findings(run, query.at).map(Json)).await
}

/// Scalars of TensorBoard's event files (`events.out.tfevents.*`) that lie in the run's directory or below it.
#[utoipa::path(get, path = "/api/runs/{id}/tensorboard", params(("id" = String, Path), TensorboardQuery),
    responses((status = 200, body = Tensorboard), (status = 404, body = ErrorBody)))]
pub(crate) async fn tensorboard(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(query): Query<TensorboardQuery>,
) -> ApiResult<Json<Tensorboard>> {
    let points = query.points.unwrap_or(EVENT_POINTS);
    with_run(app, id, move |run| Ok(Json(views::tensorboard(run, query.tag.as_deref(), points)))).await
}
