//! Axes: from values to pixels, and where the marks go.

/// A linear map from `[from, to]` to pixels.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Linear {
    pub(crate) from: f64,
    pub(crate) to: f64,
    pub(crate) start: f64,
    pub(crate) end: f64,
}

impl Linear {
    /// The pixel of `value`.
    pub(crate) fn at(&self, value: f64) -> f64 {
        let span = self.to - self.from;
        if span == 0.0 {
            self.start
        } else {
            self.start + (value - self.from) / span * (self.end - self.start)
        }
    }
}

/// Round values between `from` and `to`, about `wanted` of them.
pub(crate) fn ticks(from: f64, to: f64, wanted: usize) -> Vec<f64> {
    let span = to - from;
    if span.is_nan() || span <= 0.0 || wanted == 0 {
        return Vec::new();
    }
    let raw = span / wanted as f64;
    let power = 10f64.powf(raw.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * power).find(|&step| step >= raw).unwrap_or(raw);
    let first = (from / step).ceil() as i64;
    let last = (to / step).floor() as i64;
    (first..=last).map(|k| k as f64 * step).collect()
}

/// Marks of a logarithmic axis: powers of ten, with 2 and 5 between where the range is short.
pub(crate) fn log_ticks(from: f64, to: f64) -> Vec<f64> {
    if !(from > 0.0 && to > from) {
        return Vec::new();
    }
    let decades = (to / from).log10();
    let multiples: &[f64] = if decades > 2.5 {
        &[1.0]
    } else if decades > 1.2 {
        &[1.0, 3.0]
    } else {
        &[1.0, 2.0, 5.0]
    };
    let powers = from.log10().floor() as i32..=to.log10().ceil() as i32;
    powers
        .flat_map(|power| multiples.iter().map(move |multiple| multiple * 10f64.powi(power)))
        .filter(|value| (from..=to).contains(value))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn marks_are_round() {
        assert_eq!(ticks(0.0, 600.0, 6), [0.0, 100.0, 200.0, 300.0, 400.0, 500.0, 600.0]);
        assert_eq!(log_ticks(0.05, 20.0), [0.1, 1.0, 10.0]);
        assert_eq!(ticks(1.0, 1.0, 5), Vec::<f64>::new());
    }

    proptest! {
        #[test]
        fn marks_stay_inside_and_few(from in -1e6..1e6, span in 1e-3..1e6, wanted in 1usize..12) {
            let marks = ticks(from, from + span, wanted);
            let slack = span * 1e-9;
            prop_assert!(marks.len() <= wanted + 1);
            prop_assert!(marks.iter().all(|&mark| mark >= from - slack && mark <= from + span + slack));
        }
    }
}
