//! Where the newest maps are read, and where viewers say which layers they look at.

use super::inbox::Inbox;
use crate::guard::lock;
use arc_swap::ArcSwapOption;
use deepeyes_core::{FilterMap, Image, InputId, InputMap};
use deepeyes_embed::Hsne;
use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, PoisonError, RwLock};
use std::time::Duration;

/// The maps of one layer at one moment; immutable.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LayerMaps {
    /// Grows with every change of any layer's maps; 0 for maps out of a store.
    pub version: u64,
    /// The iteration that the newer of the two is of.
    pub step: u64,
    /// Where the layer's inputs lie; `None` before the first probe.
    pub input: Option<Arc<InputMap>>,
    /// Where its filters lie; `None` before they were first compared.
    pub filter: Option<Arc<FilterMap>>,
    /// What stands behind the input map's landmarks; `None` where it shows all points, and out of a store.
    pub hierarchy: Option<Arc<Hsne>>,
}

impl LayerMaps {
    /// Of maps out of a store; `None` where there is neither.
    pub(super) fn stored(input: Option<InputMap>, filter: Option<FilterMap>) -> Option<Self> {
        let steps = input.as_ref().map(|map| map.step).max(filter.as_ref().map(|map| map.step));
        let (input, filter) = (input.map(Arc::new), filter.map(Arc::new));
        steps.map(|step| Self { version: 0, step, input, filter, hierarchy: None })
    }
}

/// Where a live run's newest maps are; read by anyone, from any thread, at any time, and after the run's end.
#[derive(Debug, Clone)]
pub struct Maps(Arc<Board>);

#[derive(Debug)]
pub(super) struct Board {
    layers: Box<[ArcSwapOption<LayerMaps>]>,
    /// Pixels of the probed inputs.
    images: RwLock<HashMap<InputId, Arc<Image>>>,
    /// The newest version, for those who wait.
    version: Mutex<u64>,
    changed: Condvar,
    pub(super) inbox: Inbox,
}

impl Maps {
    pub(super) fn new(layers: usize) -> Self {
        Self(Arc::new(Board {
            layers: (0..layers).map(|_| ArcSwapOption::empty()).collect(),
            images: RwLock::default(),
            version: Mutex::new(0),
            changed: Condvar::new(),
            inbox: Inbox::new(layers),
        }))
    }

    /// The newest maps of a layer; `None` before its first. Waits for nobody.
    pub fn layer(&self, layer: usize) -> Option<Arc<LayerMaps>> {
        self.0.layers.get(layer)?.load_full()
    }

    /// Refines a layer's maps while the run goes on, before all that nobody looks at, for as long as the answer lives.
    /// Several may look at one layer or at several.
    #[must_use = "the layer is watched for as long as this lives"]
    pub fn watch(&self, layer: usize) -> Watch {
        self.0.inbox.watch(layer);
        Watch { maps: self.clone(), layer }
    }

    /// Says whether the training is paused: then all processors refine all maps.
    pub fn set_paused(&self, paused: bool) {
        self.0.inbox.pause(paused);
    }

    /// The newest version of any layer's maps.
    pub fn version(&self) -> u64 {
        *lock(&self.0.version)
    }

    /// Waits until some layer has maps newer than version `seen`, at most for `timeout`; gives the newest version either
    /// way.
    pub fn wait(&self, seen: u64, timeout: Duration) -> u64 {
        let version = lock(&self.0.version);
        let waited = self.0.changed.wait_timeout_while(version, timeout, |version| *version <= seen);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// The pixels of a probed input; `None` where it is none, or its pixels were not sent.
    pub fn image(&self, input: InputId) -> Option<Arc<Image>> {
        self.0.images.read().unwrap_or_else(PoisonError::into_inner).get(&input).cloned()
    }

    pub(super) fn inbox(&self) -> &Inbox {
        &self.0.inbox
    }

    pub(super) fn add_images(&self, images: &[(InputId, Arc<Image>)]) {
        let mut all = self.0.images.write().unwrap_or_else(PoisonError::into_inner);
        all.extend(images.iter().map(|(input, image)| (*input, Arc::clone(image))));
    }

    /// Replaces a layer's maps; their version becomes the next one.
    pub(super) fn publish(
        &self,
        layer: usize,
        input: Option<Arc<InputMap>>,
        filter: Option<Arc<FilterMap>>,
        hierarchy: Option<Arc<Hsne>>,
    ) {
        let steps = input.as_ref().map(|map| map.step).max(filter.as_ref().map(|map| map.step));
        let (Some(place), Some(step)) = (self.0.layers.get(layer), steps) else { return };
        let mut version = lock(&self.0.version);
        *version += 1;
        place.store(Some(Arc::new(LayerMaps { version: *version, step, input, filter, hierarchy })));
        drop(version);
        self.0.changed.notify_all();
    }
}

/// Somebody looks at a layer's maps, until this is dropped.
#[derive(Debug)]
pub struct Watch {
    maps: Maps,
    layer: usize,
}

impl Watch {
    /// The layer.
    pub fn layer(&self) -> usize {
        self.layer
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.maps.inbox().unwatch(self.layer);
    }
}
