//! `labels.csv`: one image a line.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::csv::{self, Row};
use super::{Item, Part};
use crate::DataError;
use crate::dataset::thousands;

/// Where the columns are.
struct Columns {
    count: usize,
    file: usize,
    class: usize,
    split: Option<usize>,
}

/// Reads the table. Columns: `file` (relative to the table's folder); `class` or `label`, or the one named; `split`
/// (train, val, validation, test) where there is one. Others are ignored.
pub(super) fn read(table: &Path, class_column: Option<&str>) -> Result<Vec<Item>, DataError> {
    let text = fs::read(table).map_err(DataError::io(table))?;
    let text = String::from_utf8(text).map_err(|error| {
        DataError::malformed(table, format!("byte {} is not UTF-8 text", error.utf8_error().valid_up_to()))
    })?;
    let rows = csv::parse(&text).map_err(|(line, problem)| at(table, line, problem))?;
    let Some((header, rows)) = rows.split_first() else {
        return Err(DataError::malformed(
            table,
            "empty: expected a first line with the columns file, class, split",
        ));
    };
    let columns = Columns::find(table, header, class_column)?;
    let items = rows.iter().map(|row| columns.item(table, row)).collect::<Result<Vec<_>, _>>()?;
    if items.is_empty() {
        return Err(DataError::malformed(table, "no images: only the line of columns"));
    }
    distinct(table, rows, &items)?;
    present(table, rows, &items)?;
    Ok(items)
}

fn at(table: &Path, line: usize, problem: impl std::fmt::Display) -> DataError {
    DataError::malformed(table, format!("line {line}: {problem}"))
}

impl Columns {
    fn find(table: &Path, header: &Row, class_column: Option<&str>) -> Result<Self, DataError> {
        let column =
            |name: &str| header.fields.iter().position(|field| field.trim().eq_ignore_ascii_case(name));
        let missing = |what: &str, advice: &str| {
            let columns = header.fields.join(", ");
            DataError::malformed(table, format!("no column {what} among {columns}{advice}"))
        };
        let class = match class_column {
            Some(name) => column(name).ok_or_else(|| missing(&format!("`{name}`"), ""))?,
            None => column("class").or_else(|| column("label")).ok_or_else(|| {
                missing("`class` or `label`", "; name the one that holds the class: images:DIR#COLUMN")
            })?,
        };
        let file = column("file").ok_or_else(|| missing("`file`", ""))?;
        Ok(Self { count: header.fields.len(), file, class, split: column("split") })
    }

    fn item(&self, table: &Path, row: &Row) -> Result<Item, DataError> {
        if row.fields.len() != self.count {
            let problem = format!("{} fields: the first line has {}", row.fields.len(), self.count);
            return Err(at(table, row.line, problem));
        }
        let [file, class] = [self.file, self.class].map(|column| row.fields[column].trim());
        if file.is_empty() || class.is_empty() {
            return Err(at(
                table,
                row.line,
                format!("no {}", if file.is_empty() { "file" } else { "class" }),
            ));
        }
        let part = self.split.map(|column| {
            let text = row.fields[column].trim();
            let problem = format!("split `{text}`: expected train, val, validation or test");
            Part::parse(text).ok_or_else(|| at(table, row.line, problem))
        });
        Ok(Item { path: PathBuf::from(file), class: class.to_owned(), part: part.transpose()? })
    }
}

/// An image listed twice could be trained on and validated with.
fn distinct(table: &Path, rows: &[Row], items: &[Item]) -> Result<(), DataError> {
    let mut first: HashMap<PathBuf, usize> = HashMap::with_capacity(items.len());
    for (row, item) in rows.iter().zip(items) {
        // `components` takes `./a` and `a//b` for what they are.
        let path =
            item.path.components().filter(|part| !matches!(part, std::path::Component::CurDir)).collect();
        if let Some(line) = first.insert(path, row.line) {
            let problem = format!("{} is in line {line} already", item.path.display());
            return Err(at(table, row.line, problem));
        }
    }
    Ok(())
}

fn present(table: &Path, rows: &[Row], items: &[Item]) -> Result<(), DataError> {
    let dir = table.parent().unwrap_or(Path::new(""));
    let mut missing = rows.iter().zip(items).filter(|(_, item)| !dir.join(&item.path).is_file());
    let Some((row, item)) = missing.next() else {
        return Ok(());
    };
    let others = match missing.count() {
        0 => String::new(),
        n => format!(" (nor do {} more)", thousands(n)),
    };
    Err(at(table, row.line, format!("the file {} does not exist{others}", item.path.display())))
}
