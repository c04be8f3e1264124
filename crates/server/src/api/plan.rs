//! Redesign plans.

use super::with_run;
use crate::app::App;
use crate::error::ApiResult;
use crate::views;
use crate::wire::{ErrorBody, PlanCosts, PlanRequest};
use axum::Json;
use axum::extract::{Path, State};

/// The plan that the newest findings suggest.
#[utoipa::path(get, path = "/api/runs/{id}/plan", params(("id" = String, Path)),
    responses((status = 200, body = PlanCosts), (status = 404, body = ErrorBody), (status = 422, body = ErrorBody)))]
pub(crate) async fn suggested(State(app): State<App>, Path(id): Path<String>) -> ApiResult<Json<PlanCosts>> {
    with_run(app, id, |run| views::suggested(run).map(Json)).await
}

/// What a plan makes of the network's cost.
#[utoipa::path(post, path = "/api/runs/{id}/plan", params(("id" = String, Path)), request_body = PlanRequest,
    responses((status = 200, body = PlanCosts), (status = 404, body = ErrorBody), (status = 422, body = ErrorBody)))]
pub(crate) async fn cost(
    State(app): State<App>,
    Path(id): Path<String>,
    Json(request): Json<PlanRequest>,
) -> ApiResult<Json<PlanCosts>> {
    let actions = request.actions.into_iter().map(Into::into).collect();
    with_run(app, id, move |run| views::cost(run, actions).map(Json)).await
}
