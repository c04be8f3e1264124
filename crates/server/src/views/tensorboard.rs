//! Scalars of TensorBoard's event files.

use crate::runs::Source;
use crate::wire::{Tensorboard, TensorboardSeries, finite};
use deepeyes_store::{EventFiles, EventPoint, EventSeries};

/// The curves, all or those of one tag, of at most `points` points each.
pub(crate) fn tensorboard(source: &Source, tag: Option<&str>, points: usize) -> Tensorboard {
    source.events(|files: &EventFiles| Tensorboard {
        series: files
            .series()
            .filter(|series| tag.is_none_or(|tag| series.tag() == tag))
            .map(|series| curve(series, points))
            .collect(),
        notes: files.notes().iter().map(ToString::to_string).collect(),
    })
}

fn curve(series: EventSeries<'_>, points: usize) -> TensorboardSeries {
    let kept = series.points();
    let places = places(kept.len(), points);
    let mut places = places.into_iter().peekable();
    let points: Vec<EventPoint> =
        kept.enumerate().filter(|(at, _)| places.next_if_eq(at).is_some()).map(|(_, point)| point).collect();
    TensorboardSeries {
        tag: series.tag().to_owned(),
        folder: series.folder(),
        count: series.count(),
        thinned: (points.len() as u64) < series.count(),
        step: points.iter().map(|point| point.step).collect(),
        value: points.iter().map(|point| finite(point.value)).collect(),
        wall_time: points.iter().map(|point| finite(point.wall_time)).collect(),
    }
}

/// At most `most` of `count` places, evenly, with the first and the last one.
fn places(count: usize, most: usize) -> Vec<usize> {
    if count <= most {
        return (0..count).collect();
    }
    match most {
        0 => Vec::new(),
        1 => vec![count - 1],
        _ => (0..most).map(|at| at * (count - 1) / (most - 1)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn places_are_even_and_keep_the_ends(count in 0..3_000_usize, most in 0..3_000_usize) {
            let places = places(count, most);
            prop_assert_eq!(places.len(), count.min(most));
            prop_assert!(places.windows(2).all(|pair| pair[0] < pair[1]));
            if most > 1 && count > 0 {
                prop_assert_eq!((places[0], places[places.len() - 1]), (0, count - 1));
            }
            let gaps = || places.windows(2).map(|pair| pair[1] - pair[0]);
            prop_assert!(gaps().max().unwrap_or(0) - gaps().min().unwrap_or(0) <= 1);
        }
    }
}
