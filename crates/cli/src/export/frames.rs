//! The frames that can be exported.

use super::frame::{Column, Frame};
use super::instances::Instances;
use crate::run_view::{LayerView, RunView};
use deepeyes_core::FilterStatistics;

/// One row an iteration.
pub(crate) fn scalars(run: &RunView) -> Frame {
    let scalars = &run.scalars;
    let mut frame = Frame::default();
    frame.push("step", Column::whole(scalars.step.iter().copied()));
    frame.push("loss", Column::Real(scalars.loss.iter().copied().map(Some).collect()));
    frame.push("accuracy", Column::Real(scalars.accuracy.clone()));
    frame.push("train_accuracy", Column::Real(scalars.train_accuracy.clone()));
    frame
}

/// One row a filter of each layer that has a window.
pub(crate) fn filters(layers: &[&LayerView]) -> Frame {
    let rows: Vec<(&LayerView, usize, &FilterStatistics, u64)> = layers
        .iter()
        .filter_map(|layer| layer.snapshot.as_ref().map(|snapshot| (*layer, snapshot)))
        .flat_map(|(layer, snapshot)| {
            snapshot
                .statistics
                .filters
                .iter()
                .enumerate()
                .map(move |(index, filter)| (layer, index, filter, snapshot.to))
        })
        .collect();
    let labels = rows.iter().filter_map(|row| row.2.label_strength.as_ref()).map(Vec::len).max().unwrap_or(0);
    let all_time = |&(layer, index, _, _): &(&LayerView, usize, &FilterStatistics, u64)| {
        layer
            .snapshot
            .as_ref()
            .and_then(|snapshot| snapshot.all_time_max.get(index))
            .map(|&max| f64::from(max))
    };
    let mut frame = Frame::default();
    frame.push("layer", Column::Text(rows.iter().map(|row| row.0.spec.name.clone()).collect()));
    frame.push("filter", Column::whole(rows.iter().map(|row| row.1 as u64)));
    frame.push("step", Column::whole(rows.iter().map(|row| row.3)));
    frame.push("max", Column::Single(rows.iter().map(|row| row.2.max).collect()));
    frame.push("all_time_max", Column::Real(rows.iter().map(all_time).collect()));
    frame.push("frequency", Column::Real(rows.iter().map(|row| Some(row.2.frequency)).collect()));
    frame.push("sum", Column::Real(rows.iter().map(|row| Some(row.2.sum)).collect()));
    frame.push("label", Column::Int(rows.iter().map(|row| row.2.label.map(|label| label as i64)).collect()));
    frame.push("specificity", Column::Real(rows.iter().map(|row| row.2.specificity).collect()));
    let state = |filter: &FilterStatistics| crate::report::state_word(filter.state).replace(' ', "_");
    frame.push("state", Column::Text(rows.iter().map(|row| state(row.2)).collect()));
    for label in 0..labels {
        let strength = |row: &(&LayerView, usize, &FilterStatistics, u64)| {
            row.2.label_strength.as_ref().and_then(|strength| strength.get(label)).copied()
        };
        frame.push(format!("label_strength_{label}"), Column::Real(rows.iter().map(strength).collect()));
    }
    frame
}

/// One row a stored window of each layer: its perplexity histogram and what became of it.
pub(crate) fn perplexity(layers: &[&LayerView]) -> Frame {
    let rows: Vec<_> =
        layers.iter().flat_map(|layer| layer.course.iter().map(move |point| (*layer, point))).collect();
    let mut frame = Frame::default();
    frame.push("layer", Column::Text(rows.iter().map(|(layer, _)| layer.spec.name.clone()).collect()));
    frame.push("from", Column::whole(rows.iter().map(|(_, point)| point.from)));
    frame.push("to", Column::whole(rows.iter().map(|(_, point)| point.to)));
    frame.push("instances", Column::whole(rows.iter().map(|(_, point)| point.instances)));
    frame.push("silent", Column::whole(rows.iter().map(|(_, point)| point.silent)));
    frame.push("mean", Column::Real(rows.iter().map(|(_, point)| point.mean).collect()));
    frame.push("drift", Column::Real(rows.iter().map(|(_, point)| point.drift).collect()));
    frame.push("noise", Column::Real(rows.iter().map(|(_, point)| point.noise).collect()));
    frame.push("stable", Column::whole(rows.iter().map(|(_, point)| u64::from(point.stable))));
    for bin in 0..deepeyes_core::PERPLEXITY_BINS {
        let count = |(_, point): &(&LayerView, &crate::run_view::CoursePoint)| {
            Some(point.counts.get(bin).copied().unwrap_or(0).cast_signed())
        };
        frame.push(format!("count_{bin}"), Column::Int(rows.iter().map(count).collect()));
    }
    frame
}

/// One row an instance: who it is, what it sees, and its raw activations.
pub(crate) fn instances(instances: &Instances<'_>) -> Frame {
    let sample = instances.sample;
    let mut frame = Frame::default();
    frame.push("input", Column::Int(sample.inputs.iter().map(|&input| Some(input)).collect()));
    frame.push("label", Column::Int(sample.labels.iter().map(|&label| Some(label.into())).collect()));
    frame.push(
        "prediction",
        Column::Int(sample.predictions.iter().map(|&label| Some(label.into())).collect()),
    );
    frame.push("step", Column::whole(sample.steps.iter().copied()));
    let positions = instances.positions();
    frame.push("row", Column::whole(positions.iter().map(|position| position[0] as u64)));
    frame.push("column", Column::whole(positions.iter().map(|position| position[1] as u64)));
    if let Some(rects) = instances.rects() {
        for (axis, name) in ["y", "x", "height", "width"].into_iter().enumerate() {
            frame.push(name, Column::Int(rects.iter().map(|rect| Some(rect[axis])).collect()));
        }
    }
    for filter in 0..sample.filters {
        let values = (0..sample.len()).map(|row| sample.activation(row)[filter]).collect();
        frame.push(format!("activation_{filter}"), Column::Single(values));
    }
    frame
}
