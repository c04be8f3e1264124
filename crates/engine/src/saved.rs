//! The analysis' own state in a checkpoint, from which a resumed run goes on.

use deepeyes_core::{AnalysisConfig, LayerMonitor, Separability};
use serde::{Deserialize, Serialize};

/// Changes with the form of [`Saved`].
const VERSION: u32 = 1;

/// What spans windows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Saved {
    version: u32,
    config: AnalysisConfig,
    /// `None` for a layer that failed.
    pub(crate) monitors: Vec<Option<LayerMonitor>>,
    pub(crate) separability: Vec<Option<Separability>>,
}

impl Saved {
    pub(crate) fn new(
        config: &AnalysisConfig,
        monitors: Vec<Option<LayerMonitor>>,
        separability: Vec<Option<Separability>>,
    ) -> Self {
        Self { version: VERSION, config: config.clone(), monitors, separability }
    }

    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, String> {
        postcard::to_stdvec(self).map_err(|error| format!("the analysis' state cannot be kept: {error}"))
    }

    /// The state, where it is of this version, of the same settings and of as many layers; otherwise the analysis
    /// starts anew, since its windows would not compare.
    pub(crate) fn from_bytes(bytes: &[u8], config: &AnalysisConfig, layers: usize) -> Option<Self> {
        let (version, _) = postcard::take_from_bytes::<u32>(bytes).ok()?;
        if version != VERSION {
            return None;
        }
        let saved: Self = postcard::from_bytes(bytes).ok()?;
        let fits =
            saved.config == *config && saved.monitors.len() == layers && saved.separability.len() == layers;
        fits.then_some(saved)
    }
}
