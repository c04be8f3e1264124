//! Where a run is, as its messages tell.

use crate::error::{ApiError, ApiResult};
use crate::runs::{Moment, Source};
use crate::wire::{RunMessage, RunStatus, finite};
use axum::http::StatusCode;

/// Share of the newest loss in the smoothed one of a run that another process writes.
const NEWEST: f64 = 0.05;
/// Iterations over which its loss is smoothed and its rate taken.
const LATELY: usize = 100;

/// Of a live run where it is one, else of its files.
pub(super) fn of(run: &Source, live: Option<&Moment>) -> ApiResult<RunMessage> {
    match live {
        Some(moment) => Ok(of_live(run, moment)),
        None => of_stored(run),
    }
}

fn of_live(run: &Source, Moment { run: live, state }: &Moment) -> RunMessage {
    let rate = state.iterations_per_second;
    RunMessage {
        run: run.id.clone(),
        status: state.status.into(),
        paused: live.control.as_ref().is_some_and(|control| control.is_paused()),
        step: state.step,
        iterations: state.iterations,
        loss: state.loss.and_then(finite),
        smoothed_loss: state.smoothed_loss,
        train_accuracy: state.train_accuracy,
        iterations_per_second: rate,
        eta_seconds: eta(state.step, state.iterations, rate),
        cost_share: state.cost.share,
        thinned: state.cost.thinned,
        problems: state.problems.to_vec(),
        version: state.version,
    }
}

fn of_stored(run: &Source) -> ApiResult<RunMessage> {
    let summary = run.runs().summary(run);
    if let Some(error) = summary.error {
        return Err(ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, error));
    }
    let recent = run.read(|reader| reader.last_scalars(LATELY))?;
    let going = summary.status == RunStatus::Running;
    let seconds: f64 = recent.iter().map(|scalar| scalar.seconds).sum();
    let rate = finite(recent.len() as f64 / seconds).filter(|_| going);
    let losses = recent.iter().map(|scalar| scalar.loss).filter(|loss| loss.is_finite());
    Ok(RunMessage {
        run: run.id.clone(),
        status: summary.status,
        paused: false,
        step: summary.step,
        iterations: summary.iterations,
        loss: summary.loss,
        smoothed_loss: losses.reduce(|mean, loss| mean + NEWEST * (loss - mean)),
        train_accuracy: recent.last().and_then(|scalar| scalar.train_accuracy),
        iterations_per_second: rate,
        eta_seconds: eta(summary.step, summary.iterations, rate),
        cost_share: None,
        thinned: false,
        problems: run.problems(),
        // Within what a page's numbers hold exactly.
        version: run.fingerprint().content >> 12,
    })
}

/// Seconds to the planned end; `None` where there is no plan or nothing moves.
fn eta(step: u64, iterations: Option<u64>, rate: Option<f64>) -> Option<f64> {
    finite(iterations?.saturating_sub(step) as f64 / rate?)
}
