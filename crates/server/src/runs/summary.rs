//! What the list of runs says of each.

use super::source::{Moment, Source};
use crate::wire::{RunStatus, RunSummary, finite};
use deepeyes_store::{Reader, Result};
use std::time::{SystemTime, UNIX_EPOCH};

/// Of a run that this process trains.
pub(super) fn of_live(source: &Source, Moment { run, state }: &Moment) -> RunSummary {
    let stored = source.read(Reader::info).ok();
    let description = &run.description;
    RunSummary {
        id: source.id.clone(),
        name: source.name().to_owned(),
        status: state.status.into(),
        network: description.network.clone(),
        data: description.data.clone(),
        step: state.step,
        iterations: state.iterations,
        loss: state.loss.and_then(finite),
        accuracy: state.validations.last().and_then(|validation| finite(validation.accuracy)),
        created: stored.as_ref().map_or_else(now, |info| info.created),
        seconds: stored.as_ref().map_or(0.0, |info| info.seconds),
        live: true,
        error: None,
    }
}

/// Of a run in its files.
pub(super) fn of_stored(source: &Source, reader: &Reader) -> Result<RunSummary> {
    let info = reader.info()?;
    let last = reader.last_scalars(1)?;
    let validations = reader.validations()?;
    Ok(RunSummary {
        id: source.id.clone(),
        name: source.name().to_owned(),
        status: info.status.into(),
        network: info.description.network,
        data: info.description.data,
        step: info.step,
        iterations: info.description.iterations,
        loss: last.last().and_then(|scalar| finite(scalar.loss)),
        accuracy: validations.last().and_then(|validation| finite(validation.accuracy)),
        created: info.created,
        seconds: info.seconds,
        live: false,
        error: None,
    })
}

/// Of a run that cannot be read.
pub(super) fn broken(source: &Source, error: String) -> RunSummary {
    RunSummary {
        id: source.id.clone(),
        name: source.name().to_owned(),
        status: RunStatus::Interrupted,
        network: String::new(),
        data: String::new(),
        step: 0,
        iterations: None,
        loss: None,
        accuracy: None,
        created: 0.0,
        seconds: 0.0,
        live: false,
        error: Some(error),
    }
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64())
}
