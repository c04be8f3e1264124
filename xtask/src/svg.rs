//! Just enough SVG to draw panels of heat and lines for docs/, readable in light and dark.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// A panel's place inside a picture, in pixels.
#[derive(Clone, Copy)]
pub(crate) struct Frame {
    pub(crate) left: f64,
    pub(crate) top: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
}

impl Frame {
    /// A point given as shares of the frame's width (from the left) and height (from the bottom).
    fn point(self, across: f64, up: f64) -> (f64, f64) {
        (self.left + across * self.width, self.top + (1.0 - up) * self.height)
    }
}

/// A picture under construction.
pub(crate) struct Picture {
    width: f64,
    height: f64,
    body: String,
}

const STYLE: &str = "text{font:11px Inter,system-ui,sans-serif;fill:#454d59}.title{font-weight:600;fill:#14181f}\
.axis{stroke:#cbd1d8;stroke-width:1;fill:none}.ink{fill:#0d1220}.ground{fill:#fff}line.limit{stroke:#d1490c;stroke-dasharray:3 3}\
@media(prefers-color-scheme:dark){text{fill:#b6bec9}.title{fill:#edf0f5}.axis{stroke:#3c434e}.ink{fill:#f4f6fa}.ground{fill:#14171c}}";

impl Picture {
    /// An empty picture of that many pixels.
    pub(crate) fn new(width: f64, height: f64) -> Self {
        Self { width, height, body: String::new() }
    }

    /// Text whose anchor is `start`, `middle` or `end`.
    pub(crate) fn text(&mut self, x: f64, y: f64, anchor: &str, class: &str, text: &str) {
        let _ = writeln!(
            self.body,
            r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}" class="{class}">{text}</text>"#
        );
    }

    /// Columns of shares in [0, 1], each drawn from the bottom up, dark where large.
    pub(crate) fn heat(&mut self, frame: Frame, columns: &[Vec<f64>]) {
        let rows = columns.first().map_or(1, Vec::len) as f64;
        let (width, height) = (frame.width / columns.len() as f64, frame.height / rows);
        for (column, shares) in columns.iter().enumerate() {
            for (row, share) in shares.iter().enumerate().filter(|(_, share)| **share > 0.004) {
                let (x, y) = (
                    frame.left + column as f64 * width,
                    frame.top + frame.height - (row + 1) as f64 * height,
                );
                let opacity = share.clamp(0.0, 1.0).powf(0.5);
                let _ = writeln!(
                    self.body,
                    r#"<rect x="{x:.2}" y="{y:.2}" width="{:.2}" height="{:.2}" class="ink" opacity="{opacity:.2}"/>"#,
                    width + 0.05,
                    height + 0.05
                );
            }
        }
        self.axes(frame);
    }

    /// A line through points given as shares of the frame.
    pub(crate) fn line(&mut self, frame: Frame, points: &[(f64, f64)], colour: &str, dashed: bool) {
        let path: Vec<String> = points
            .iter()
            .map(|&(across, up)| frame.point(across, up.clamp(0.0, 1.0)))
            .map(|(x, y)| format!("{x:.1},{y:.1}"))
            .collect();
        let dash = if dashed { r#" stroke-dasharray="3 3""# } else { "" };
        let _ = writeln!(
            self.body,
            r#"<polyline points="{}" fill="none" stroke="{colour}" stroke-width="1.25"{dash}/>"#,
            path.join(" ")
        );
    }

    /// Dots at shares of the frame, with radii in pixels: strokes without length, a path for each radius.
    pub(crate) fn dots(&mut self, frame: Frame, colour: &str, dots: impl Iterator<Item = ((f64, f64), f64)>) {
        let mut paths: BTreeMap<u32, String> = BTreeMap::new();
        for ((across, up), radius) in dots {
            let (x, y) = frame.point(across, up);
            let _ = write!(paths.entry((20.0 * radius).round() as u32).or_default(), "M{x:.1} {y:.1}h0");
        }
        let _ = writeln!(self.body, r#"<g stroke="{colour}" stroke-opacity="0.75" stroke-linecap="round">"#);
        for (tenths, path) in paths {
            let _ =
                writeln!(self.body, r#"<path stroke-width="{:.1}" d="{path}"/>"#, f64::from(tenths) / 10.0);
        }
        self.body.push_str("</g>\n");
    }

    /// A short text on a ground of its own, at shares of the frame.
    pub(crate) fn badge(&mut self, frame: Frame, across: f64, up: f64, text: &str) {
        let (x, y) = frame.point(across, up);
        let _ =
            writeln!(self.body, r#"<circle cx="{x:.1}" cy="{y:.1}" r="8" class="ground" opacity="0.85"/>"#);
        self.text(x, y + 4.0, "middle", "title", text);
    }

    /// The left and the bottom edge of a frame.
    pub(crate) fn axes(&mut self, frame: Frame) {
        let Frame { left, top, width, height } = frame;
        let _ = writeln!(self.body, r#"<path class="axis" d="M{left} {top}v{height}h{width}"/>"#);
    }

    /// A label under the frame at a share of its width.
    pub(crate) fn tick(&mut self, frame: Frame, across: f64, text: &str) {
        let (x, y) = frame.point(across, 0.0);
        self.text(x, y + 14.0, "middle", "", text);
    }

    /// A label left of the frame at a share of its height.
    pub(crate) fn level(&mut self, frame: Frame, up: f64, text: &str) {
        let (x, y) = frame.point(0.0, up);
        self.text(x - 5.0, y + 4.0, "end", "", text);
    }

    /// The whole document.
    pub(crate) fn finish(self) -> String {
        let Self { width, height, body } = self;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\">\n\
             <style>{STYLE}</style>\n<rect class=\"ground\" width=\"{width}\" height=\"{height}\"/>\n{body}</svg>\n"
        )
    }
}
