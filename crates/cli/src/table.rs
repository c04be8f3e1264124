//! Tables for people: aligned columns, two spaces apart.

/// A table under construction; the first row is its head.
#[derive(Debug)]
pub(crate) struct Table {
    numeric: Vec<bool>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// Columns by name; a name that starts with `>` stands over numbers, which are aligned at the right.
    pub(crate) fn new(columns: &[&str]) -> Self {
        let head = columns.iter().map(|name| name.trim_start_matches('>').to_owned()).collect();
        Self { numeric: columns.iter().map(|name| name.starts_with('>')).collect(), rows: vec![head] }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The table as lines.
    pub(crate) fn render(&self) -> String {
        let width = |column: usize| {
            self.rows
                .iter()
                .filter_map(|row| row.get(column))
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.numeric.len()).map(width).collect();
        let mut text = String::new();
        for row in &self.rows {
            let mut line = String::new();
            for ((cell, width), numeric) in row.iter().zip(&widths).zip(&self.numeric) {
                let padding = " ".repeat(width - cell.chars().count());
                let (left, right) = if *numeric { (padding.as_str(), "") } else { ("", padding.as_str()) };
                line.push_str(&format!("{left}{cell}{right}  "));
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_align() {
        let mut table = Table::new(&["Layer", ">Filters"]);
        table.row(["conv1".to_owned(), "20".to_owned()]);
        table.row(["fc".to_owned(), "4,096".to_owned()]);
        assert_eq!(table.render(), "Layer  Filters\nconv1       20\nfc       4,096\n");
    }
}
