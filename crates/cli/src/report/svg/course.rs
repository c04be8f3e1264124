//! The whole course of a layer's perplexity: one column a window, one row a bin.

use super::Svg;
use super::scale::{Linear, ticks};
use crate::numbers::{grouped, short};
use crate::report::raster::Raster;
use crate::run_view::CoursePoint;

const WIDTH: f64 = 340.0;
const HEIGHT: f64 = 208.0;
const LEFT: f64 = 34.0;
const RIGHT: f64 = WIDTH - 4.0;
const TOP: f64 = 4.0;
const BOTTOM: f64 = 178.0;

/// The figure for a layer of `filters` filters; `mask` is an id that is unique on the page.
pub(crate) fn draw(course: &[CoursePoint], filters: usize, mask: &str) -> String {
    let mut svg = Svg::new(WIDTH, HEIGHT, describe(course));
    let (Some(first), Some(last)) = (course.first(), course.last()) else {
        svg.text("note", [LEFT, TOP + 20.0], "No window is complete yet.");
        return svg.finish();
    };
    let start = first.from.saturating_sub(1) as f64;
    let time = Linear { from: start, to: last.to as f64, start: LEFT, end: RIGHT };
    svg.rect("ground", [LEFT, TOP, RIGHT - LEFT, BOTTOM - TOP]);
    svg.raw(&format!(
        r#"<mask id="{mask}"><image x="{LEFT}" y="{TOP}" width="{}" height="{}" preserveAspectRatio="none" href="{}"/></mask><rect class="ramp" mask="url(#{mask})" x="{LEFT}" y="{TOP}" width="{}" height="{}"/>"#,
        RIGHT - LEFT, BOTTOM - TOP, picture(course, start, last.to as f64).data_uri(), RIGHT - LEFT, BOTTOM - TOP
    ));
    let value = Linear { from: 1.0, to: filters.max(2) as f64, start: BOTTOM, end: TOP };
    let means = course.iter().filter_map(|point| {
        let middle = f64::midpoint(point.from.saturating_sub(1) as f64, point.to as f64);
        point.mean.map(|mean| [time.at(middle), value.at(mean)])
    });
    svg.polyline("mean", &means.collect::<Vec<_>>());
    svg.text("end", [LEFT - 6.0, BOTTOM], "1");
    svg.text("end", [LEFT - 6.0, TOP + 8.0], &grouped(filters.max(2) as u64));
    let middle = f64::midpoint(1.0, filters.max(2) as f64);
    if filters > 3 {
        svg.text("end", [LEFT - 6.0, value.at(middle) + 3.5], &short(middle.round()));
    }
    for mark in ticks(start, last.to as f64, 5) {
        svg.line("axis", [time.at(mark), BOTTOM, time.at(mark), BOTTOM + 4.0]);
        let anchor = if time.at(mark) > RIGHT - 14.0 { "end" } else { "mid" };
        svg.text(anchor, [time.at(mark), BOTTOM + 16.0], &grouped(mark as u64));
    }
    svg.finish()
}

/// Shares of the instances, white where a bin holds a third of its window's; columns are as wide as their windows.
fn picture(course: &[CoursePoint], start: f64, end: f64) -> Raster {
    const COLUMNS: usize = 302;
    let bins = course.iter().map(|point| point.counts.len()).max().unwrap_or(1).max(1);
    let mut pixels = vec![0u8; COLUMNS * bins];
    for column in 0..COLUMNS {
        let step = start + (column as f64 + 0.5) / COLUMNS as f64 * (end - start);
        // Retention may leave gaps between the kept windows: each lasts until the next.
        let place = course.partition_point(|point| (point.to as f64) < step).min(course.len() - 1);
        let point = &course[place];
        let total = point.counts.iter().sum::<u64>().max(1) as f64;
        for (bin, &count) in point.counts.iter().enumerate() {
            let level = (3.0 * count as f64 / total).min(1.0).powf(0.6);
            pixels[(bins - 1 - bin) * COLUMNS + column] = (level * 255.0).round() as u8;
        }
    }
    Raster { width: COLUMNS, height: bins, channels: 1, pixels }
}

fn describe(course: &[CoursePoint]) -> String {
    let mean = |point: Option<&CoursePoint>| {
        point.and_then(|point| point.mean).map_or_else(|| "none".to_owned(), short)
    };
    format!(
        "Perplexity over {} windows: mean {} at first, {} at last",
        course.len(),
        mean(course.first()),
        mean(course.last())
    )
}
