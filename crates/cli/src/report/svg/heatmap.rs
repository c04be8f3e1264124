//! One cell a filter: its largest activation, or how often it fires.

use super::{Px, Svg};
use crate::numbers::short;
use deepeyes_core::{FilterState, FilterStatistics};
use std::fmt::Write;

/// Cells drawn at most; wider layers put several filters into a cell.
const MOST_CELLS: usize = 4096;
/// Grey levels told apart: one path each, however many cells there are.
const LEVELS: usize = 32;
/// A filter whose maximum is below this share of the layer's largest is weak.
pub(crate) const WEAK: f32 = 0.05;

/// What a cell's ink shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// mu, the largest activation.
    Maximum,
    /// nu, the share of instances above half of the maximum.
    Frequency,
}

impl Mode {
    fn of(self, filter: &FilterStatistics) -> f64 {
        match self {
            Self::Maximum => f64::from(filter.max),
            Self::Frequency => filter.frequency,
        }
    }
}

/// Columns, and the side of a cell in pixels.
fn layout(cells: usize) -> (usize, f64) {
    if cells > 2000 {
        return (64, 5.0);
    }
    let columns = match cells {
        0..=30 => 5,
        31..100 => 10,
        // The smallest square that holds them.
        _ => (cells as f64).sqrt().ceil() as usize,
    };
    (columns, if cells < 100 { 184.0 / columns as f64 } else { (184.0 / columns as f64).floor().max(4.0) })
}

/// The figure, its scale beneath; the marks say dead (crossed), weak (one diagonal) and always on (a corner).
pub(crate) fn draw(filters: &[FilterStatistics], mode: Mode) -> String {
    let group = filters.len().div_ceil(MOST_CELLS).max(1);
    let cells: Vec<f64> =
        filters.chunks(group).map(|cell| cell.iter().map(|f| mode.of(f)).fold(0.0, f64::max)).collect();
    let top = cells.iter().copied().fold(0.0, f64::max);
    let (columns, side) = layout(cells.len());
    let rows = cells.len().div_ceil(columns);
    let side = side.min(36.8);
    let (width, height) = ((columns as f64 * side).max(184.0), rows as f64 * side);
    let mut svg = Svg::new(width, height + 26.0, describe(mode, filters.len(), top));
    let gap = if side >= 8.0 {
        1.0
    } else if side >= 5.0 {
        0.5
    } else {
        0.0
    };
    let at = |cell: usize| [(cell % columns) as f64 * side, (cell / columns) as f64 * side];
    let mut paths = vec![String::new(); LEVELS + 1];
    for (cell, &value) in cells.iter().enumerate() {
        let [x, y] = at(cell);
        let edge = side - gap;
        let square = format!("M{} {}h{edge}v{edge}h-{edge}z", Px(x), Px(y), edge = Px(edge));
        paths[level(value, top)].push_str(&square);
        if side >= 8.0 && value > 0.0 {
            paths[0].push_str(&square);
        }
    }
    if side < 8.0 {
        // Gaps this narrow need no ground of their own for each cell.
        let whole = cells.len() / columns;
        svg.rect("ground", [0.0, 0.0, columns as f64 * side, whole as f64 * side]);
        svg.rect("ground", [0.0, whole as f64 * side, (cells.len() % columns) as f64 * side, side]);
    }
    for (level, path) in paths.iter().enumerate().filter(|(_, path)| !path.is_empty()) {
        if level == 0 {
            svg.path("ground", path);
        } else {
            svg.raw(&format!(
                r#"<path class="ramp" fill-opacity="{:.3}" d="{path}"/>"#,
                level as f64 / LEVELS as f64
            ));
        }
    }
    if group == 1 {
        draw_marks(&mut svg, filters, side - gap, at);
        if side >= 22.0 {
            for (filter, &value) in cells.iter().enumerate() {
                let [x, y] = at(filter);
                let class = if level(value, top) > LEVELS * 2 / 5 { "index inverse" } else { "index" };
                svg.text(class, [x + 3.0, y + 11.0], &filter.to_string());
            }
        }
    }
    draw_scale(&mut svg, height + 8.0, mode, top);
    svg.finish()
}

/// Ink in steps; DESIGN's ramp is the 0.85th power of the share of the largest.
fn level(value: f64, top: f64) -> usize {
    if top <= 0.0 || value <= 0.0 || !value.is_finite() {
        return 0;
    }
    ((value / top).min(1.0).powf(0.85) * LEVELS as f64).round() as usize
}

fn draw_marks(svg: &mut Svg, filters: &[FilterStatistics], edge: f64, at: impl Fn(usize) -> [f64; 2]) {
    let strongest = filters.iter().map(|filter| filter.max).fold(0.0, f32::max);
    let (mut crosses, mut corners) = (String::new(), String::new());
    for (index, filter) in filters.iter().enumerate() {
        let [x, y] = at(index);
        let (right, bottom) = (x + edge, y + edge);
        let silent = filter.max <= 0.0 || filter.state == FilterState::Dead;
        // Writing to a String cannot fail.
        if silent || filter.max < WEAK * strongest {
            let _ = write!(crosses, "M{x:.1} {bottom:.1}L{right:.1} {y:.1}");
        }
        if silent {
            let _ = write!(
                crosses,
                "M{x:.1} {y:.1}L{right:.1} {bottom:.1}M{x:.1} {y:.1}h{edge:.1}v{edge:.1}h-{edge:.1}z"
            );
        }
        if filter.state == FilterState::AlwaysOn {
            let corner = (edge * 0.45).max(2.0);
            let _ = write!(corners, "M{:.1} {y:.1}h{corner:.1}v{corner:.1}z", right - corner);
        }
    }
    svg.path("cross", &crosses);
    svg.path("corner", &corners);
}

fn draw_scale(svg: &mut Svg, y: f64, mode: Mode, top: f64) {
    const STEPS: usize = 28;
    svg.text("tick", [0.0, y + 10.0], "0");
    svg.rect("ground", [14.0, y + 3.0, 84.0, 7.0]);
    for step in 0..STEPS {
        let opacity = ((step as f64 + 0.5) / STEPS as f64).powf(0.85);
        svg.raw(&format!(
            r#"<rect class="ramp" fill-opacity="{opacity:.2}" x="{:.1}" y="{:.1}" width="3" height="7"/>"#,
            14.0 + 3.0 * step as f64,
            y + 3.0
        ));
    }
    let text = match mode {
        Mode::Maximum => short(top),
        Mode::Frequency => format!("{} %", short(top * 100.0)),
    };
    svg.text("tick", [104.0, y + 10.0], &text);
}

fn describe(mode: Mode, filters: usize, top: f64) -> String {
    match mode {
        Mode::Maximum => format!("Maximum activation of {filters} filters, the largest {}", short(top)),
        Mode::Frequency => format!(
            "Share of instances above half of the maximum, {filters} filters, the largest {} %",
            short(top * 100.0)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filters(n: usize) -> Vec<FilterStatistics> {
        let filter = |i: usize| FilterStatistics {
            max: i as f32,
            frequency: 0.1,
            sum: 1.0,
            label: None,
            label_strength: None,
            specificity: None,
            state: if i == 0 { FilterState::Dead } else { FilterState::Alive },
        };
        (0..n).map(filter).collect()
    }

    #[test]
    fn wide_layers_stay_small() {
        for (n, limit) in [(0, 10_000), (1, 10_000), (500, 60_000), (4096, 200_000), (100_000, 200_000)] {
            for mode in [Mode::Maximum, Mode::Frequency] {
                let markup = draw(&filters(n), mode);
                assert!(markup.len() < limit, "{n}: {}", markup.len());
            }
        }
    }

    #[test]
    fn ink_is_monotone() {
        assert_eq!(level(0.0, 1.0), 0);
        assert_eq!(level(1.0, 1.0), LEVELS);
        assert_eq!(level(f64::NAN, 1.0), 0);
        assert!((0..100).map(|v| level(f64::from(v), 99.0)).is_sorted());
    }
}
