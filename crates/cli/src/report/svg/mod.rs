//! Figures of the report as inline SVG; colours come from the page's style sheet, so that they follow its theme.

pub(crate) mod course;
pub(crate) mod curves;
pub(crate) mod heatmap;
pub(crate) mod histogram;
pub(crate) mod labels;
pub(crate) mod matrix;
pub(crate) mod scale;

use super::text::escape;
use std::fmt::Write;

/// A figure under construction; coordinates in CSS pixels.
#[derive(Debug)]
pub(crate) struct Svg {
    body: String,
    width: f64,
    height: f64,
    title: String,
}

impl Svg {
    /// An empty figure of a size, with the sentence that stands for it where it cannot be seen.
    pub(crate) fn new(width: f64, height: f64, title: impl Into<String>) -> Self {
        Self { body: String::new(), width, height, title: title.into() }
    }

    /// A rectangle of a style class; nothing where it would have no area.
    pub(crate) fn rect(&mut self, class: &str, [x, y, width, height]: [f64; 4]) {
        if width > 0.0 && height > 0.0 {
            self.put(format_args!(
                r#"<rect class="{class}" x="{}" y="{}" width="{}" height="{}"/>"#,
                Px(x),
                Px(y),
                Px(width),
                Px(height)
            ));
        }
    }

    /// A line of a style class.
    pub(crate) fn line(&mut self, class: &str, [x1, y1, x2, y2]: [f64; 4]) {
        self.put(format_args!(
            r#"<line class="{class}" x1="{}" y1="{}" x2="{}" y2="{}"/>"#,
            Px(x1),
            Px(y1),
            Px(x2),
            Px(y2)
        ));
    }

    /// A polyline of a style class through points.
    pub(crate) fn polyline(&mut self, class: &str, points: &[[f64; 2]]) {
        if points.len() > 1 {
            let mut path = String::with_capacity(points.len() * 12);
            for (place, [x, y]) in points.iter().enumerate() {
                let _ = write!(path, "{}{} {}", if place == 0 { 'M' } else { 'L' }, Px(*x), Px(*y));
            }
            self.path(class, &path);
        }
    }

    /// A path of a style class.
    pub(crate) fn path(&mut self, class: &str, d: &str) {
        self.put(format_args!(r#"<path class="{class}" d="{d}"/>"#));
    }

    /// A circle of a style class.
    pub(crate) fn circle(&mut self, class: &str, [x, y]: [f64; 2], radius: f64) {
        self.put(format_args!(
            r#"<circle class="{class}" cx="{}" cy="{}" r="{}"/>"#,
            Px(x),
            Px(y),
            Px(radius)
        ));
    }

    /// Text of a style class (`start` unless the class anchors it), its baseline at `y`.
    pub(crate) fn text(&mut self, class: &str, [x, y]: [f64; 2], text: &str) {
        self.put(format_args!(
            r#"<text class="{class}" x="{}" y="{}">{}</text>"#,
            Px(x),
            Px(y),
            escape(text)
        ));
    }

    /// Anything else.
    pub(crate) fn raw(&mut self, markup: &str) {
        self.body.push_str(markup);
    }

    /// The figure as markup.
    pub(crate) fn finish(self) -> String {
        let Self { body, width, height, title } = self;
        let title = escape(&title);
        format!(
            r#"<svg role="img" aria-label="{title}" viewBox="0 0 {w} {h}" width="{w}" height="{h}">{body}</svg>"#,
            w = Px(width),
            h = Px(height)
        )
    }

    fn put(&mut self, markup: std::fmt::Arguments<'_>) {
        let _ = self.body.write_fmt(markup); // writing to a String cannot fail
    }
}

/// A coordinate with at most two decimals, as short as it goes.
pub(crate) struct Px(pub(crate) f64);

impl std::fmt::Display for Px {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let value = if self.0.is_finite() { (self.0 * 100.0).round() / 100.0 } else { 0.0 };
        write!(f, "{}", if value == 0.0 { 0.0 } else { value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_escapes_text_and_rounds_coordinates() {
        let mut svg = Svg::new(10.0, 20.0, "a < b");
        svg.text("t", [1.005, -0.001], "<&>");
        svg.rect("r", [0.0, 0.0, 0.0, 5.0]);
        svg.circle("c", [f64::NAN, 1.0], 2.0);
        let markup = svg.finish();
        assert!(
            markup.contains(r#"aria-label="a &lt; b""#) && markup.contains("&lt;&amp;&gt;</text>"),
            "{markup}"
        );
        assert!(
            !markup.contains("<rect") && !markup.contains("NaN") && markup.contains(r#"y="0""#),
            "{markup}"
        );
    }
}
