//! The maps of a stored run, as those of a live one.

use super::board::LayerMaps;
use super::filter::FilterMapper;
use deepeyes_core::FilterMap;
use deepeyes_store::{Reader, Result};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long placing the filters of a window may take.
const PLACING: Duration = Duration::from_secs(10);

/// A layer's newest stored maps at or before an iteration (`None`: of all); `None` where there are none. A filter map that
/// is not stored is made of the stored similarity, which takes a fraction of a second for some hundred filters.
///
/// # Errors
/// As for [`Reader::info`].
pub fn stored_maps(reader: &Reader, layer: usize, at: Option<u64>) -> Result<Option<LayerMaps>> {
    let input = reader.input_map(layer, at)?;
    let filter = match reader.filter_map(layer, at)? {
        Some(map) => Some(map),
        None => placed(reader, layer, at)?,
    };
    Ok(LayerMaps::stored(input, filter))
}

/// A filter map of the newest stored similarity.
fn placed(reader: &Reader, layer: usize, at: Option<u64>) -> Result<Option<FilterMap>> {
    let Some((step, similarity)) = reader.similarity(layer, at)? else { return Ok(None) };
    let Some(mut window) = reader.layer_snapshot(layer, Some(step))? else { return Ok(None) };
    window.statistics.similarity = Some(similarity);
    let mut mapper = FilterMapper::default();
    mapper.take(Arc::new(window));
    let until = Instant::now() + PLACING;
    while !mapper.is_settled() && Instant::now() < until {
        // What is stored is between 0 and 1.
        if mapper.advance(until).is_err() {
            return Ok(None);
        }
    }
    Ok(mapper.map().map(|map| FilterMap::clone(map)))
}
