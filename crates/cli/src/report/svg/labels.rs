//! Which label each filter answers to most, and how much to that one alone.

use super::Svg;
use super::matrix::label_class;
use super::scale::Linear;
use crate::report::text::shortened;
use deepeyes_core::FilterStatistics;

/// Dots drawn at most; of wider layers every k-th filter.
const MOST_DOTS: usize = 600;
/// Labels with a row of their own; the rest share one.
const MOST_ROWS: usize = 10;
const WIDTH: f64 = 196.0;
const ROW: f64 = 17.6;

/// The figure: a row a label, a dot a filter at its specificity. `None` where no filter has a label.
pub(crate) fn draw(filters: &[FilterStatistics], classes: &[String]) -> Option<String> {
    let rows = rows(filters);
    if rows.is_empty() {
        return None;
    }
    let name = |label: usize| classes.get(label).cloned().unwrap_or_else(|| label.to_string());
    let longest =
        rows.iter().map(|row| row.label.map_or(6, |label| name(label).chars().count())).max().unwrap_or(1);
    let left = (longest.min(9) as f64 * 6.2 + 10.0).max(20.0);
    let right = WIDTH - 34.0;
    let height = ROW * rows.len() as f64;
    let mut svg = Svg::new(WIDTH, height + 26.0, describe(&rows, filters.len()));
    let axis = Linear { from: 0.0, to: 1.0, start: left + 4.0, end: right };
    for mark in [0.0, 0.5, 1.0] {
        svg.line("grid", [axis.at(mark), 0.0, axis.at(mark), height]);
        svg.text("mid", [axis.at(mark), height + 14.0], ["0", "0.5", "1"][(mark * 2.0) as usize]);
    }
    let skip = filters.len().div_ceil(MOST_DOTS).max(1);
    for (place, row) in rows.iter().enumerate() {
        let y = ROW * (place as f64 + 0.5);
        let class = row.label.map_or("lx", label_class);
        let text = row.label.map_or_else(|| "others".to_owned(), name);
        svg.text("end strong", [left - 6.0, y + 3.5], &shortened(&text, 9));
        for (dot, specificity) in row.specificity.iter().enumerate().filter(|(dot, _)| dot % skip == 0) {
            // Spread by a fixed pattern, so that equal values do not hide each other.
            let spread = ((dot * 7 % 5) as f64 - 2.0) * 1.6;
            svg.circle(&format!("{class} dots"), [axis.at(specificity.clamp(0.0, 1.0)), y + spread], 2.2);
        }
        svg.text("end", [WIDTH, y + 3.5], &row.specificity.len().to_string());
    }
    Some(svg.finish())
}

struct Row {
    /// `None` for the row of the remaining labels.
    label: Option<usize>,
    specificity: Vec<f64>,
}

/// The labels with the most filters, in order of label.
fn rows(filters: &[FilterStatistics]) -> Vec<Row> {
    let mut by_label: std::collections::BTreeMap<usize, Vec<f64>> = std::collections::BTreeMap::new();
    for filter in filters {
        if let (Some(label), Some(specificity)) = (filter.label, filter.specificity) {
            by_label.entry(label).or_default().push(specificity);
        }
    }
    let mut rows: Vec<Row> =
        by_label.into_iter().map(|(label, specificity)| Row { label: Some(label), specificity }).collect();
    if rows.len() > MOST_ROWS {
        rows.sort_by_key(|row| (std::cmp::Reverse(row.specificity.len()), row.label));
        let rest: Vec<f64> = rows.drain(MOST_ROWS - 1..).flat_map(|row| row.specificity).collect();
        rows.sort_by_key(|row| row.label);
        rows.push(Row { label: None, specificity: rest });
    }
    rows
}

fn describe(rows: &[Row], filters: usize) -> String {
    let placed: usize = rows.iter().map(|row| row.specificity.len()).sum();
    format!("Strongest label and specificity of {placed} of {filters} filters")
}

#[cfg(test)]
mod tests {
    use super::*;
    use deepeyes_core::FilterState;

    fn filter(label: usize) -> FilterStatistics {
        let state = FilterState::Alive;
        FilterStatistics {
            max: 1.0,
            frequency: 0.1,
            sum: 1.0,
            label: Some(label),
            label_strength: None,
            specificity: Some(0.5),
            state,
        }
    }

    #[test]
    fn many_labels_share_the_last_row() {
        let filters: Vec<_> = (0..1000).map(|i| filter(i % 100)).collect();
        let rows = rows(&filters);
        assert_eq!(rows.len(), MOST_ROWS);
        assert_eq!(rows.iter().map(|row| row.specificity.len()).sum::<usize>(), 1000);
        assert!(rows[MOST_ROWS - 1].label.is_none());
    }

    #[test]
    fn figures_are_bounded() {
        let filters: Vec<_> = (0..4096).map(|i| filter(i % 10)).collect();
        assert!(draw(&filters, &[]).unwrap().len() < 80_000);
        assert!(draw(&[], &[]).is_none());
    }
}
