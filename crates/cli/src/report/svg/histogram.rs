//! A perplexity histogram with its change against the window before.

use super::Svg;
use super::scale::Linear;
use crate::numbers::{grouped, percent, short};
use crate::run_view::CoursePoint;

/// Bins drawn: the 50 stored ones in pairs.
const BINS: usize = 25;
const WIDTH: f64 = 222.0;
const HEIGHT: f64 = 124.0;
/// Left end of the axis; the silent instances stand left of it.
const AXIS: f64 = 30.0;
const BASE: f64 = 106.0;

/// Shares of all instances in the drawn bins.
fn shares(point: &CoursePoint) -> Vec<f64> {
    let total = point.instances.max(1) as f64;
    point.counts.chunks(2).map(|pair| pair.iter().sum::<u64>() as f64 / total).collect()
}

/// Shares of the drawn bins in the window before; `None` for the first window.
fn shares_before(point: &CoursePoint) -> Option<Vec<f64>> {
    let change = point.change.as_ref()?;
    let binned = point.counts.iter().sum::<u64>() as f64;
    // `change` is between normalised histograms, whose whole leaves the silent instances out.
    let share = if point.instances == 0 { 0.0 } else { binned / point.instances as f64 };
    let pairs = shares(point).into_iter().zip(change.chunks(2));
    Some(pairs.map(|(now, change)| (now - share * f64::from(change.iter().sum::<f32>())).max(0.0)).collect())
}

/// The largest share of any drawn bin, now or before: the common height of a row of histograms.
pub(crate) fn tallest(points: &[&CoursePoint]) -> f64 {
    let silent = points.iter().map(|point| point.silent as f64 / point.instances.max(1) as f64);
    let bins = points
        .iter()
        .flat_map(|point| shares(point).into_iter().chain(shares_before(point).into_iter().flatten()));
    silent.chain(bins).fold(0.0, f64::max)
}

/// Perplexity below which half of the binned instances lie.
pub(crate) fn median(counts: &[u64], filters: usize) -> Option<f64> {
    let half = counts.iter().sum::<u64>() as f64 / 2.0;
    if half == 0.0 {
        return None;
    }
    let width = (filters.max(2) - 1) as f64 / counts.len() as f64;
    let mut below = 0.0;
    for (bin, &count) in counts.iter().enumerate() {
        if below + count as f64 >= half {
            return Some(1.0 + width * (bin as f64 + (half - below) / count as f64));
        }
        below += count as f64;
    }
    None
}

/// One window's histogram; `top` is the share at full height.
pub(crate) fn draw(point: &CoursePoint, filters: usize, top: f64) -> String {
    let middle = median(&point.counts, filters);
    let mut svg = Svg::new(WIDTH, HEIGHT, describe(point, middle));
    let height = Linear { from: 0.0, to: if top > 0.0 { top } else { 1.0 }, start: 0.0, end: BASE - 8.0 };
    let pitch = (WIDTH - AXIS - 2.0) / BINS as f64;
    let before = shares_before(point);
    for (bin, now) in shares(point).into_iter().enumerate() {
        let was = before.as_ref().map_or(now, |before| before[bin]);
        let (x, width) = (AXIS + pitch * bin as f64 + 0.5, pitch - 1.0);
        let (kept, tall) = (height.at(now.min(was)), height.at(now.max(was)));
        svg.rect("bar", [x, BASE - kept, width, kept]);
        let changed = [x, BASE - tall, width, tall - kept];
        if tall - kept > 0.4 && now > was {
            svg.rect("up", changed);
        } else if tall - kept > 0.4 {
            hatch(&mut svg, changed);
        }
    }
    let silent = height.at(point.silent as f64 / point.instances.max(1) as f64);
    svg.rect("bar", [4.0, BASE - silent, 12.0, silent]);
    svg.line("axis", [2.0, BASE + 0.5, 18.0, BASE + 0.5]);
    svg.line("axis", [AXIS, BASE + 0.5, WIDTH - 2.0, BASE + 0.5]);
    svg.text("mid", [10.0, BASE + 13.0], "∅");
    svg.text("tick", [AXIS, BASE + 13.0], "1");
    svg.text("end", [WIDTH - 2.0, BASE + 13.0], &grouped(filters.max(2) as u64));
    if let Some(middle) = middle {
        let axis = Linear { from: 1.0, to: filters.max(2) as f64, start: AXIS, end: WIDTH - 2.0 };
        let x = axis.at(middle);
        svg.path("mark", &format!("M{x:.1} {:.1}l3.5 6h-7z", BASE + 1.5));
        let text = format!("median {}", short(middle));
        // Beside the ends of the axis, whose numbers it must not touch.
        let half = 2.8 * text.len() as f64;
        let last = 6.0 * grouped(filters as u64).len() as f64;
        svg.text("mid strong", [x.clamp(AXIS + 12.0 + half, WIDTH - 8.0 - last - half), BASE + 16.0], &text);
    }
    svg.finish()
}

/// A decrease is drawn hatched, so that it reads without its colour.
fn hatch(svg: &mut Svg, [x, y, width, height]: [f64; 4]) {
    svg.rect("down", [x + 0.5, y + 0.5, (width - 1.0).max(0.5), (height - 1.0).max(0.4)]);
    let mut lines = String::new();
    let mut start = y + 3.0;
    while start < y + height + width {
        // The stroke runs from the left edge up to the right one, cut to the bar.
        let (x1, y1) = if start > y + height { (x + start - y - height, y + height) } else { (x, start) };
        let (x2, y2) = if start - width < y { (x + start - y, y) } else { (x + width, start - width) };
        lines.push_str(&format!("M{x1:.1} {y1:.1}L{x2:.1} {y2:.1}"));
        start += 4.0;
    }
    svg.path("down", &lines);
}

fn describe(point: &CoursePoint, middle: Option<f64>) -> String {
    let silent = percent(point.silent as f64 / point.instances.max(1) as f64);
    let median = middle.map_or_else(|| "none".to_owned(), short);
    format!(
        "Perplexity of {} instances in iterations {} to {}: median {median}, silent {silent}",
        grouped(point.instances),
        point.from,
        point.to
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(counts: Vec<u64>, change: Option<Vec<f32>>) -> CoursePoint {
        let instances = counts.iter().sum();
        CoursePoint {
            from: 1,
            to: 20,
            instances,
            silent: 0,
            counts,
            mean: None,
            change,
            drift: None,
            noise: None,
            trend: None,
            stable: false,
            stable_since: None,
        }
    }

    #[test]
    fn shares_before_undo_the_change() {
        let mut counts = vec![0; 50];
        (counts[0], counts[9]) = (30, 70);
        let mut change = vec![0.0; 50];
        (change[0], change[9]) = (-0.2, 0.2);
        let before = shares_before(&point(counts, Some(change))).unwrap();
        assert!((before[0] - 0.5).abs() < 1e-6 && (before[4] - 0.5).abs() < 1e-6);
    }

    #[test]
    fn the_median_halves_the_instances() {
        let mut counts = vec![0; 50];
        counts[25] = 10;
        let middle = median(&counts, 51).unwrap();
        assert!((middle - 26.5).abs() < 1e-9, "{middle}");
        assert_eq!(median(&[0; 50], 51), None);
    }

    #[test]
    fn an_empty_window_draws() {
        let empty = point(vec![0; 50], None);
        assert!(draw(&empty, 1, tallest(&[&empty])).starts_with("<svg"));
    }
}
