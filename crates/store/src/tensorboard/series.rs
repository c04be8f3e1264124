//! One curve of bounded length: evenly thinned while it grows, with its first and its last point kept.

/// A value that was logged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EventPoint {
    /// The step that its writer gave it.
    pub step: i64,
    /// When it was logged, in Unix seconds.
    pub wall_time: f64,
    /// The value; may be NaN or infinite.
    pub value: f64,
}

/// Points with rising steps.
#[derive(Debug)]
pub(super) struct Series {
    /// Every `stride`-th point.
    kept: Vec<EventPoint>,
    /// The newest one, where it is not among them.
    tail: Option<EventPoint>,
    stride: u64,
    count: u64,
    capacity: usize,
}

impl Series {
    /// Keeps at most `most` points; never fewer than 4.
    pub(super) fn new(most: usize) -> Self {
        // One place for the tail; even, so that halving keeps the stride's rhythm.
        let capacity = most.saturating_sub(1).max(2) & !1;
        Self { kept: Vec::new(), tail: None, stride: 1, count: 0, capacity }
    }

    /// Adds a point. It supersedes what there is at its step and beyond, as in TensorBoard: a training that was taken up
    /// again at an earlier step has told anew what followed.
    pub(super) fn push(&mut self, point: EventPoint) {
        self.supersede(point.step);
        if self.count.is_multiple_of(self.stride) && self.kept.len() == self.capacity {
            let mut even = false;
            self.kept.retain(|_| {
                even = !even;
                even
            });
            self.stride *= 2;
        }
        if self.count.is_multiple_of(self.stride) {
            self.kept.push(point);
            self.tail = None;
        } else {
            self.tail = Some(point);
        }
        self.count += 1;
    }

    /// Drops what there is at a step and beyond.
    pub(super) fn supersede(&mut self, step: i64) {
        let last = self.tail.or_else(|| self.kept.last().copied());
        if last.is_none_or(|last| last.step < step) {
            return;
        }
        self.kept.truncate(self.kept.partition_point(|point| point.step < step));
        self.tail = None;
        if self.kept.is_empty() {
            self.stride = 1;
        }
        // Of a thinned curve, as if all points between two kept ones stood.
        self.count = self.kept.len() as u64 * self.stride;
    }

    /// Points before thinning; where a thinned curve was superseded in part, up to a stride too many.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// What is kept, in order.
    pub(super) fn points(&self) -> impl ExactSizeIterator<Item = EventPoint> + Clone + '_ {
        Points { kept: self.kept.iter(), tail: self.tail }
    }
}

#[derive(Debug, Clone)]
struct Points<'a> {
    kept: std::slice::Iter<'a, EventPoint>,
    tail: Option<EventPoint>,
}

impl Iterator for Points<'_> {
    type Item = EventPoint;

    fn next(&mut self) -> Option<EventPoint> {
        self.kept.next().copied().or_else(|| self.tail.take())
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.kept.len() + usize::from(self.tail.is_some());
        (left, Some(left))
    }
}

impl ExactSizeIterator for Points<'_> {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn point(step: i64, value: f64) -> EventPoint {
        EventPoint { step, wall_time: 0.0, value }
    }

    fn steps(series: &Series) -> Vec<i64> {
        series.points().map(|point| point.step).collect()
    }

    proptest! {
        #[test]
        fn thinning_is_even_and_keeps_the_ends(count in 1..5_000_i64, most in 4..300_usize) {
            let mut series = Series::new(most);
            (0..count).for_each(|step| series.push(point(step, 0.5)));
            let steps = steps(&series);
            prop_assert_eq!(series.count(), count as u64);
            prop_assert!(steps.len() <= most && 2 * steps.len() + 2 >= most.min(count as usize), "{}", steps.len());
            prop_assert_eq!((steps[0], steps[steps.len() - 1]), (0, count - 1));
            let inner = &steps[..steps.len() - 1];
            prop_assert!(inner.windows(3).all(|three| three[1] - three[0] == three[2] - three[1]));
        }

        #[test]
        fn what_is_told_anew_supersedes_what_followed(steps_told in prop::collection::vec(0..40_i64, 1..200)) {
            let mut series = Series::new(1000);
            let mut expected: Vec<EventPoint> = Vec::new();
            for (at, &step) in steps_told.iter().enumerate() {
                series.push(point(step, at as f64));
                expected.retain(|known| known.step < step);
                expected.push(point(step, at as f64));
            }
            prop_assert_eq!(series.points().collect::<Vec<_>>(), expected);
            prop_assert_eq!(series.count(), series.points().len() as u64);
        }

        #[test]
        fn a_thinned_curve_stays_in_order(steps_told in prop::collection::vec(0..400_i64, 1..900)) {
            let mut series = Series::new(16);
            for &step in &steps_told {
                series.push(point(step, 0.0));
                let steps = steps(&series);
                prop_assert!(steps.len() <= 16 && steps.windows(2).all(|pair| pair[0] < pair[1]));
                prop_assert_eq!(steps.last(), Some(&step));
            }
        }
    }
}
