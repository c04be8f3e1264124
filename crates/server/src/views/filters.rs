//! A layer's filters, as a frame.

use super::overview::summary;
use crate::error::ApiResult;
use crate::frame::{Frame, Place};
use crate::wire::LayerMeta;
use axum::body::Bytes;
use deepeyes_core::{FilterState, InstanceSample, LayerSnapshot, LayerSpec, rectify_instance};

/// The quantile of the instances' largest activations that stands for the layer's full scale: their maximum without
/// the outliers.
const LEVEL_QUANTILE: f64 = 0.999;

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
        .array("state", &column(filters, |filter| state(filter.state)), &n);
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
        level: sample.and_then(|sample| level(spec, sample)),
    };
    Ok(frame.finish(meta)?)
}

fn column<T, V>(items: &[T], value: impl Fn(&T) -> V) -> Vec<V> {
    items.iter().map(value).collect()
}

fn state(state: FilterState) -> u8 {
    match state {
        FilterState::Alive => 0,
        FilterState::Dead => 1,
        FilterState::AlwaysOn => 2,
        FilterState::Weakening => 3,
        FilterState::Unknown => 4,
    }
}

/// The smallest value that 99.9 % of the instances' largest activations do not exceed.
fn level(spec: &LayerSpec, sample: &InstanceSample) -> Option<f32> {
    let mut rectified = vec![0.0; sample.filters];
    let mut maxima: Vec<f32> = (0..sample.len())
        .filter_map(|row| match rectify_instance(spec.rectify, sample.activation(row), &mut rectified) {
            Ok(true) => Some(rectified.iter().fold(0.0, |max: f32, &value| max.max(value))),
            _ => None,
        })
        .collect();
    maxima.sort_by(f32::total_cmp);
    let rank = (LEVEL_QUANTILE * maxima.len() as f64).ceil() as usize;
    maxima.get(rank.saturating_sub(1)).copied()
}
