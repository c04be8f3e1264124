//! One run as requests read it: live where this process trains it, stored otherwise.

use super::fingerprint::Fingerprint;
use super::maps::Key;
use super::{LiveRun, Runs};
use crate::error::{ApiError, ApiResult};
use deepeyes_core::{Image, InputId, InstanceSample, LayerSnapshot, RunDescription};
use deepeyes_engine::{LayerMaps, LiveState, Watch, stored_maps};
use deepeyes_store::{EventFiles, Reader, RunEntry, RunStatus, Scalar, Validation};
use std::sync::{Arc, PoisonError};

/// One run.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub(crate) id: String,
    pub(super) entry: RunEntry,
    pub(super) live: Option<Arc<LiveRun>>,
    pub(super) runs: Runs,
}

/// A run that this process trains, at one moment.
#[derive(Debug, Clone)]
pub(crate) struct Moment {
    pub(crate) run: Arc<LiveRun>,
    pub(crate) state: Arc<LiveState>,
}

impl Source {
    /// The run's directory relative to the log directory.
    pub(crate) fn name(&self) -> &str {
        &self.entry.name
    }

    pub(crate) fn runs(&self) -> &Runs {
        &self.runs
    }

    /// The live run, while it goes on.
    pub(crate) fn live(&self) -> Option<Moment> {
        let run = self.live.clone()?;
        let state = run.live.state();
        (state.status == RunStatus::Running).then_some(Moment { run, state })
    }

    /// What failed in the analysis, where this process trained the run.
    pub(crate) fn problems(&self) -> Vec<String> {
        self.live.as_ref().map_or_else(Vec::new, |run| run.live.state().problems.to_vec())
    }

    /// What its files look like from outside.
    pub(crate) fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.entry.path)
    }

    /// Reads the stored run.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&Reader) -> deepeyes_store::Result<T>) -> ApiResult<T> {
        let reader = self.runs.0.readers.get(&self.entry.path)?;
        // A reader holds no state that a panic could have left half changed.
        let reader = reader.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(read(&reader)?)
    }

    /// Does something with TensorBoard's event files beside the run, as they are now.
    pub(crate) fn events<T>(&self, work: impl FnOnce(&EventFiles) -> T) -> T {
        self.runs.0.events.with(&self.entry.path, work)
    }

    /// What the run is about.
    pub(crate) fn description(&self) -> ApiResult<RunDescription> {
        match &self.live {
            Some(run) => Ok(run.description.clone()),
            None => Ok(self.read(Reader::info)?.description),
        }
    }

    /// Checks that there is such a layer.
    pub(crate) fn check_layer(&self, layer: usize) -> ApiResult<RunDescription> {
        let description = self.description()?;
        if layer < description.layers.len() {
            return Ok(description);
        }
        Err(ApiError::not_found(format!(
            "the run has {} watched layers, counted from 0, and no layer {layer}",
            description.layers.len()
        )))
    }

    /// A layer's newest window at or before an iteration (`None`: of all).
    pub(crate) fn layer(&self, layer: usize, at: Option<u64>) -> ApiResult<Option<Arc<LayerSnapshot>>> {
        let newest = self.live().and_then(|moment| moment.state.layers.get(layer).cloned().flatten());
        match newest {
            Some(newest) if at.is_none_or(|at| newest.to <= at) => Ok(Some(newest)),
            _ => Ok(self.read(|reader| reader.layer_summary(layer, at))?.map(Arc::new)),
        }
    }

    /// The sampled instances of a window; `None` where they are not kept.
    pub(crate) fn sample(
        &self,
        layer: usize,
        snapshot: &LayerSnapshot,
    ) -> ApiResult<Option<Arc<InstanceSample>>> {
        if let Some(sample) = &snapshot.sample {
            return Ok(Some(Arc::clone(sample)));
        }
        let stored = self.read(|reader| reader.sample(layer, Some(snapshot.to)))?;
        Ok(stored.filter(|(step, _)| *step == snapshot.to).map(|(_, sample)| Arc::new(sample)))
    }

    /// An input's pixels; `None` where they are not kept.
    pub(crate) fn image(&self, input: InputId) -> ApiResult<Option<Arc<Image>>> {
        let live = self.live().and_then(|moment| moment.state.images.get(&input).cloned());
        let live = live.or_else(|| self.live.as_ref().and_then(|run| run.maps.image(input)));
        match live {
            Some(image) => Ok(Some(image)),
            None => Ok(self.read(|reader| reader.image(input))?.map(Arc::new)),
        }
    }

    /// A layer's maps at or before an iteration (`None`: the newest); `None` where there are none.
    pub(crate) fn maps(&self, layer: usize, at: Option<u64>) -> ApiResult<Option<Arc<LayerMaps>>> {
        let newest = self.live.as_ref().and_then(|run| run.maps.layer(layer));
        match newest {
            Some(newest) if at.is_none_or(|at| newest.step <= at) => return Ok(Some(newest)),
            None if at.is_none() && self.live().is_some() => return Ok(None),
            _ => {}
        }
        let key = Key { run: self.id.clone(), files: self.fingerprint(), layer, at };
        self.runs.0.maps.get(key, || self.read(|reader| stored_maps(reader, layer, at)))
    }

    /// Lets a live run refine a layer's maps first, for as long as the answer lives.
    pub(crate) fn watch(&self, layer: usize) -> Option<Watch> {
        Some(self.live()?.run.maps.watch(layer))
    }

    /// The iterations after one, in order: the stored ones, and of a live run those that are not stored yet.
    pub(crate) fn scalars_after(&self, step: Option<u64>) -> ApiResult<Vec<Scalar>> {
        let moment = self.live();
        let recent = moment.as_ref().map_or(&[][..], |moment| &moment.state.recent);
        let missing = |after: Option<u64>| {
            recent.iter().filter(move |scalar| after.is_none_or(|after| scalar.step > after))
        };
        if let (Some(first), Some(after)) = (recent.first(), step)
            && first.step <= after + 1
        {
            return Ok(missing(step).copied().collect());
        }
        let mut scalars = self.read(|reader| match step {
            Some(step) => reader.scalars_after(step),
            None => reader.scalars(),
        })?;
        let last = scalars.last().map(|scalar| scalar.step).or(step);
        scalars.extend(missing(last));
        Ok(scalars)
    }

    /// Every validation, in order.
    pub(crate) fn validations(&self) -> ApiResult<Vec<Validation>> {
        match self.live() {
            Some(moment) => Ok(moment.state.validations.to_vec()),
            None => self.read(Reader::validations),
        }
    }
}
