//! Maps of stored runs: those that were read last. A filter map that is not stored takes a while to make.

use super::fingerprint::Fingerprint;
use crate::error::ApiResult;
use deepeyes_engine::LayerMaps;
use std::sync::{Arc, Mutex, PoisonError};

/// Maps that are kept.
const KEPT: usize = 8;

/// Which maps: of a run as its files are, of a layer, at or before an iteration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) run: String,
    pub(super) files: Fingerprint,
    pub(super) layer: usize,
    pub(super) at: Option<u64>,
}

type Kept = (Key, Option<Arc<LayerMaps>>);

/// Maps that were read last, the newest at the end.
#[derive(Debug, Default)]
pub(super) struct StoredMaps(Mutex<Vec<Kept>>);

impl StoredMaps {
    /// The maps of `key`, read where they are not known.
    pub(super) fn get(
        &self,
        key: Key,
        read: impl FnOnce() -> ApiResult<Option<LayerMaps>>,
    ) -> ApiResult<Option<Arc<LayerMaps>>> {
        let known = {
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let at = kept.iter().position(|(other, _)| *other == key);
            at.map(|at| kept.remove(at).1)
        };
        let maps = match known {
            Some(maps) => maps,
            None => read()?.map(Arc::new),
        };
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push((key, maps.clone()));
        let surplus = kept.len().saturating_sub(KEPT);
        kept.drain(..surplus);
        Ok(maps)
    }
}
