//! Maps as frames.

use crate::error::ApiResult;
use crate::frame::{Frame, Place};
use crate::wire::{FilterMapMeta, InputMapMeta};
use axum::body::Bytes;
use deepeyes_core::{FilterMap, InputMap, InputSplit, LayerSpec, MapMethod, MapPoints};
use deepeyes_network::Rect;

/// Links of a filter map at most, the strongest.
const MOST_LINKS: usize = 2000;

/// A filter map.
pub(crate) fn filter_map(run: &str, layer: usize, map: &FilterMap) -> ApiResult<Bytes> {
    let links = &map.links[..map.links.len().min(MOST_LINKS)];
    let pairs: Vec<u32> = links.iter().flat_map(|link| [link.one, link.other]).collect();
    let values: Vec<f32> = links.iter().map(|link| link.similarity).collect();
    let frame = Frame::new("filter_map", Place { run: run.to_owned(), layer: Some(layer), step: map.step })
        .array("position", map.places.as_flattened(), &[map.places.len(), 2])
        .array("filter", &map.filters, &[map.filters.len()])
        .array("link", &pairs, &[links.len(), 2])
        .array("link_value", &values, &[links.len()]);
    Ok(frame.finish(FilterMapMeta {
        method: map.method.word().to_owned(),
        iterations: map.iterations as u64,
        settled: map.settled,
        from_step: map.step,
        all_zero: map.all_zero,
    })?)
}

/// An input map.
pub(crate) fn input_map(run: &str, layer: usize, spec: &LayerSpec, map: &InputMap) -> ApiResult<Bytes> {
    let meta = input_map_meta(map, map.fields.is_some() || map.whole.is_some());
    Ok(input_map_arrays(run, layer, spec, map).finish(meta)?)
}

/// An input map with the activations of its points, which no other frame has.
pub(crate) fn closer_map(run: &str, layer: usize, spec: &LayerSpec, map: &InputMap) -> ApiResult<Bytes> {
    let frame = with_activations(input_map_arrays(run, layer, spec, map), &map.points);
    // On the finest scale of a hierarchy there is nothing below; a choice of a whole map can be narrowed again.
    let finer = map.method == MapMethod::Tsne || map.scale_sizes.len() > 1;
    Ok(frame.finish(input_map_meta(map, finer))?)
}

fn input_map_arrays(run: &str, layer: usize, spec: &LayerSpec, map: &InputMap) -> Frame {
    let points = &*map.points;
    let n = points.len();
    let columns = spec.grid[1].max(1) as u32;
    let places: Vec<i32> = points
        .positions
        .iter()
        .flat_map(|&position| [(position / columns) as i32, (position % columns) as i32])
        .collect();
    let splits: Vec<u8> =
        points.splits.iter().map(|&split| u8::from(split != InputSplit::Training)).collect();
    let frame = Frame::new("input_map", Place { run: run.to_owned(), layer: Some(layer), step: map.step })
        .array("position", map.places.as_flattened(), &[map.places.len(), 2]);
    // Numbers of a data set fit a page's numbers; hashes of content need all of their bits.
    let small: Result<Vec<i32>, _> = points.inputs.iter().map(|&input| i32::try_from(input)).collect();
    let frame = match small {
        Ok(inputs) => frame.array("input", &inputs, &[n]),
        Err(_) => frame.array("input", &points.inputs, &[n]),
    };
    frame
        .array("place", &places, &[n, 2])
        .array("label", &points.labels, &[n])
        .array("prediction", &points.predictions, &[n])
        .array("count", &points.counts, &[n])
        .array("split", &splits, &[n])
        .array("max_activation", &points.max_activations, &[n])
        .array("rect", &rects(spec, points), &[n, 4])
}

fn input_map_meta(map: &InputMap, finer: bool) -> InputMapMeta {
    InputMapMeta {
        method: map.method.word().to_owned(),
        scale: map.scale_sizes.len().saturating_sub(1),
        scales: map.scale_sizes.len(),
        iterations: map.iterations as u64,
        planned_iterations: map.planned_iterations as u64,
        settled: map.settled,
        preservation: map.preservation,
        step: map.step,
        level: Some(map.points.level),
        finer,
    }
}

/// What each point sees: `y, x, height, width` in input pixels; zeros where the input is no image.
fn rects(spec: &LayerSpec, points: &MapPoints) -> Vec<i32> {
    let columns = spec.grid[1].max(1);
    let rect = |position: u32| match spec.receptive_field {
        Some(field) => field.rect([position as usize / columns, position as usize % columns]),
        None => Rect { y: 0, x: 0, height: 0, width: 0 },
    };
    points
        .positions
        .iter()
        .flat_map(|&position| {
            let Rect { y, x, height, width } = rect(position);
            [y as i32, x as i32, height as i32, width as i32]
        })
        .collect()
}

/// The activations of an input map's points.
pub(crate) fn activations(run: &str, layer: usize, map: &InputMap) -> ApiResult<Bytes> {
    let frame = Frame::new("activations", Place { run: run.to_owned(), layer: Some(layer), step: map.step });
    Ok(with_activations(frame, &map.points).finish(serde_json::json!({}))?)
}

fn with_activations(frame: Frame, points: &MapPoints) -> Frame {
    frame.array("activation", &points.activations, &[points.len(), points.filters]).array(
        "scale",
        &points.scales,
        &[points.scales.len()],
    )
}
