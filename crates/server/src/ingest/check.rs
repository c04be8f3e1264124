//! What is checked of a trainer's word before it reaches the engine, which trusts the shapes it is given.

use crate::wire::IngestStart;
use deepeyes_core::{Event, Image};

/// Watched layers of a run.
const MOST_LAYERS: usize = 4096;
/// Filters of a layer.
const MOST_FILTERS: usize = 1 << 20;
/// Positions of a layer's grid.
const MOST_POSITIONS: usize = 1 << 24;

/// Whether a run can begin.
///
/// # Errors
/// What is wrong.
pub(super) fn start(start: &IngestStart) -> Result<(), String> {
    if start.ranks == 0 || start.rank >= start.ranks {
        return Err(format!(
            "rank {} of {} ranks; expected a rank below their number",
            start.rank, start.ranks
        ));
    }
    let layers = &start.description.layers;
    if layers.len() > MOST_LAYERS {
        return Err(format!("{} layers; expected at most {MOST_LAYERS}", layers.len()));
    }
    let fits = |most: usize, size: Option<usize>| size.is_some_and(|size| (1..=most).contains(&size));
    for layer in layers {
        let [rows, columns] = layer.grid;
        if !fits(MOST_FILTERS, Some(layer.filters)) || !fits(MOST_POSITIONS, rows.checked_mul(columns)) {
            return Err(format!(
                "layer {} has {} filters on {rows} x {columns} positions; expected 1 to {MOST_FILTERS} filters, and 1 to \
                 {MOST_POSITIONS} positions",
                layer.name, layer.filters
            ));
        }
    }
    Ok(())
}

/// Whether events can be applied.
///
/// # Errors
/// What is wrong.
pub(super) fn events(events: &[Event]) -> Result<(), String> {
    events.iter().try_for_each(|event| match event {
        Event::Batch(batch) => batch.images.iter().try_for_each(|part| image(part)),
        Event::Instances(probe) => probe.images.iter().try_for_each(|(_, part)| image(part)),
        Event::Validation { .. } | Event::Probe(_) | Event::Checkpoint(_) => Ok(()),
    })
}

fn image(image: &Image) -> Result<(), String> {
    let Image { height, width, channels, ref pixels } = *image;
    let size = height.checked_mul(width).and_then(|positions| positions.checked_mul(channels));
    if matches!(channels, 1 | 3) && size == Some(pixels.len()) {
        return Ok(());
    }
    Err(format!(
        "an image of {height} x {width} pixels in {channels} channels with {} values; expected 1 or 3 channels, and a value \
         for each",
        pixels.len()
    ))
}
