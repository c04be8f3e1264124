//! One watched layer: its running window, and what it was at the end of the last one.

use crate::guard::guarded;
use deepeyes_core::{
    Activations, AnalysisConfig, Batch, KeptWindow, LayerMonitor, LayerSnapshot, LayerSpec, LayerWindow,
};
use std::sync::Arc;

/// One watched layer.
#[derive(Debug)]
pub(crate) struct Layer {
    pub(crate) spec: LayerSpec,
    /// `None` once its analysis has failed.
    active: Option<(LayerMonitor, LayerWindow)>,
    pub(crate) latest: Option<Arc<LayerSnapshot>>,
    /// The last window itself, where it is to be stored.
    pub(crate) kept: Option<Arc<KeptWindow>>,
}

impl Layer {
    pub(crate) fn new(spec: &LayerSpec, layer: usize, config: &AnalysisConfig) -> Self {
        Self::restored(spec, Some(LayerMonitor::new(spec, layer, config)))
    }

    /// With the monitor that a checkpoint kept.
    pub(crate) fn restored(spec: &LayerSpec, monitor: Option<LayerMonitor>) -> Self {
        let active = monitor.map(|monitor| {
            let window = monitor.open();
            (monitor, window)
        });
        Self { spec: spec.clone(), active, latest: None, kept: None }
    }

    /// What spans windows, for a checkpoint.
    pub(crate) fn monitor(&self) -> Option<LayerMonitor> {
        self.active.as_ref().map(|(monitor, _)| monitor.clone())
    }

    /// Takes activations of a mini-batch in, and calls `pause` after each input with the number of its values. On an error,
    /// which is told once, the layer is watched no longer.
    pub(crate) fn observe(
        &mut self,
        batch: &Batch,
        activations: &Activations,
        pause: impl FnMut(usize),
    ) -> Result<(), String> {
        let Some((_, window)) = &mut self.active else { return Ok(()) };
        let observed = guarded(|| window.observe_pausing(batch, activations, pause));
        match observed {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(self.fail(&error.to_string())),
            Err(panic) => Err(self.fail(&panic)),
        }
    }

    /// Ends the running window, comparing filters where `compare` says so; `None` where it saw nothing. With `keep`, the
    /// settings of the analysis, the window itself is kept, too. The next window has a sample where `sample` says so. Errors
    /// as for [`observe`](Self::observe).
    pub(crate) fn close(
        &mut self,
        compare: bool,
        keep: Option<&AnalysisConfig>,
        sample: bool,
    ) -> Result<Option<LayerSnapshot>, String> {
        let Some((monitor, window)) = &mut self.active else { return Ok(None) };
        let kept = &mut self.kept;
        let closed = guarded(|| {
            let next = if sample { monitor.open() } else { monitor.open_without_sample() };
            let mut complete = std::mem::replace(window, next);
            if complete.is_empty() {
                return None;
            }
            *kept = keep.map(|config| Arc::new(complete.keep(config)));
            Some(monitor.close(complete, compare))
        });
        closed.map_err(|panic| self.fail(&panic))
    }

    /// Stops watching the layer.
    pub(crate) fn fail(&mut self, reason: &str) -> String {
        self.active = None;
        format!("layer {} is no longer watched: {reason}", self.spec.name)
    }
}
