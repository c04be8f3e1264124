//! A layer's filters, as a frame.

use super::overview::summary;
use crate::error::ApiResult;
use crate::frame::{Frame, Place};
use crate::wire::LayerMeta;
use axum::body::Bytes;
use deepeyes_core::{InstanceSample, LayerSnapshot, LayerSpec, level, max_activations};

/// A layer's filters.
pub(crate) fn filters(
    place: Place,
    spec: &LayerSpec,
    snapshot: &LayerSnapshot,
    sample: Option<&InstanceSample>,
) -> ApiResult<Bytes> {
    let layer = place.layer.unwrap_or(0);
    let filters = &snapshot.statistics.filters;
    let n = [filters.len()];
    let frame = Frame::new("layer", place)
        .array("max", &column(filters, |filter| filter.max), &n)
        .array("all_time_max", &snapshot.all_time_max, &[snapshot.all_time_max.len()])
        .array("frequency", &column(filters, |filter| filter.frequency as f32), &n)
        .array("sum", &column(filters, |filter| filter.sum), &n)
        .array("label", &column(filters, |filter| filter.label.map_or(-1, |label| label as i32)), &n)
        .array(
            "specificity",
            &column(filters, |filter| filter.specificity.map_or(f32::NAN, |specificity| specificity as f32)),
            &n,
        )
        .array("state", &column(filters, |filter| filter.state.code()), &n);
    let labels = filters.iter().find_map(|filter| filter.label_strength.as_ref()).map(Vec::len);
    let frame = match labels {
        None => frame,
        Some(labels) => {
            let nothing = vec![0.0; labels];
            let strengths: Vec<f32> = filters
                .iter()
                .flat_map(|filter| filter.label_strength.as_ref().unwrap_or(&nothing))
                .map(|&strength| strength as f32)
                .collect();
            frame.array("label_strength", &strengths, &[filters.len(), labels])
        }
    };
    let meta = LayerMeta {
        summary: summary(layer, snapshot),
        groups: snapshot.statistics.redundant_groups.clone(),
        level: sample.and_then(|sample| level(&max_activations(sample, spec.rectify))),
    };
    Ok(frame.finish(meta)?)
}

fn column<T, V>(items: &[T], value: impl Fn(&T) -> V) -> Vec<V> {
    items.iter().map(value).collect()
}
