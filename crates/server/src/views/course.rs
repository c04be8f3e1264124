//! Each layer's kept windows.

use crate::error::ApiResult;
use crate::runs::Source;
use crate::wire::{Course, LayerCourse, finite};
use deepeyes_core::LayerSnapshot;
use deepeyes_store::{CoursePoint, Reader};

/// Reads every layer's kept windows; of a live run the newest one too, stored or not.
pub(crate) fn course(source: &Source) -> ApiResult<Course> {
    let layers = source.description()?.layers.len();
    let newest = source.live().map(|moment| moment.state);
    let layers = (0..layers).map(|layer| {
        let mut points = source.read(|reader| reader.course(layer))?;
        let newest = newest.as_ref().and_then(|state| state.layers.get(layer)?.as_deref());
        let stored = points.last().map(|point| point.to);
        points.extend(newest.filter(|newest| Some(newest.to) > stored).map(point));
        Ok(columns(layer, &points))
    });
    Ok(Course { layers: layers.collect::<ApiResult<_>>()?, map_steps: source.read(Reader::map_steps)? })
}

fn point(snapshot: &LayerSnapshot) -> CoursePoint {
    let statistics = &snapshot.statistics;
    CoursePoint {
        from: snapshot.from,
        to: snapshot.to,
        instances: statistics.instances,
        silent: statistics.silent,
        counts: statistics.perplexity.counts.clone(),
        mean: statistics.perplexity.mean,
        change: snapshot.change.clone(),
        drift: snapshot.drift,
        noise: snapshot.noise,
        trend: snapshot.trend,
        stable: snapshot.stable,
        stable_since: snapshot.stable_since,
    }
}

fn columns(layer: usize, points: &[CoursePoint]) -> LayerCourse {
    LayerCourse {
        layer,
        step: points.iter().map(|point| point.to).collect(),
        from: points.iter().map(|point| point.from).collect(),
        drift: points.iter().map(|point| point.drift.and_then(finite)).collect(),
        noise: points.iter().map(|point| point.noise.and_then(finite)).collect(),
        change: points.iter().map(|point| point.change.as_deref().map(total_variation)).collect(),
        mean: points.iter().map(|point| point.mean.and_then(finite)).collect(),
        silent_share: points
            .iter()
            .map(|point| point.silent as f64 / point.instances.max(1) as f64)
            .collect(),
        stable: points.iter().map(|point| point.stable).collect(),
    }
}

/// Half of the summed differences: the share of instances that would have to move to another bin, in [0, 1].
fn total_variation(change: &[f32]) -> f64 {
    0.5 * change.iter().map(|value| f64::from(value.abs())).sum::<f64>()
}
