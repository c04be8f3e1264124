//! Frames as Parquet, through the format's own column writers: going through Arrow would double what has to be compiled.

use super::frame::{Column, Frame};
use anyhow::Context;
use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, FloatType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::Type;
use std::io::Write;
use std::sync::Arc;

/// Writes a frame as one row group.
pub(crate) fn write(out: impl Write + Send, frame: &Frame) -> anyhow::Result<()> {
    let fields =
        frame.columns.iter().map(|(name, column)| field(name, column)).collect::<Result<Vec<_>, _>>()?;
    let schema = Type::group_type_builder("schema").with_fields(fields).build()?;
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let mut file = SerializedFileWriter::new(out, Arc::new(schema), Arc::new(properties))?;
    let mut group = file.next_row_group()?;
    for (name, column) in &frame.columns {
        let mut writer = group.next_column()?.with_context(|| format!("no place for column {name}"))?;
        write_column(&mut writer, column)?;
        writer.close()?;
    }
    group.close()?;
    file.close()?;
    Ok(())
}

fn field(name: &str, column: &Column) -> anyhow::Result<Arc<Type>> {
    let (physical, repetition) = match column {
        Column::Int(_) => (Physical::INT64, Repetition::OPTIONAL),
        Column::Real(_) => (Physical::DOUBLE, Repetition::OPTIONAL),
        Column::Single(_) => (Physical::FLOAT, Repetition::REQUIRED),
        Column::Text(_) => (Physical::BYTE_ARRAY, Repetition::REQUIRED),
    };
    let logical = matches!(column, Column::Text(_)).then_some(LogicalType::String);
    let builder =
        Type::primitive_type_builder(name, physical).with_repetition(repetition).with_logical_type(logical);
    Ok(Arc::new(builder.build()?))
}

fn write_column(writer: &mut SerializedColumnWriter<'_>, column: &Column) -> anyhow::Result<()> {
    match column {
        Column::Int(values) => {
            let there: Vec<i64> = values.iter().flatten().copied().collect();
            writer.typed::<Int64Type>().write_batch(&there, Some(&levels(values)), None)?;
        }
        Column::Real(values) => {
            let there: Vec<f64> = values.iter().flatten().copied().collect();
            writer.typed::<DoubleType>().write_batch(&there, Some(&levels(values)), None)?;
        }
        Column::Single(values) => {
            writer.typed::<FloatType>().write_batch(values, None, None)?;
        }
        Column::Text(values) => {
            let bytes: Vec<ByteArray> = values.iter().map(|text| ByteArray::from(text.as_str())).collect();
            writer.typed::<ByteArrayType>().write_batch(&bytes, None, None)?;
        }
    }
    Ok(())
}

/// Definition levels: 1 where there is a value.
fn levels<T>(values: &[Option<T>]) -> Vec<i16> {
    values.iter().map(|value| i16::from(value.is_some())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::Field;

    #[test]
    fn what_is_written_reads_back() {
        let mut frame = Frame::default();
        frame.push("step", Column::Int(vec![Some(1), None]));
        frame.push("loss", Column::Real(vec![None, Some(0.25)]));
        frame.push("activation_0", Column::Single(vec![1.5, -2.0]));
        frame.push("state", Column::Text(vec!["alive".to_owned(), "dead".to_owned()]));
        let mut file = tempfile::tempfile().unwrap();
        write(&mut file, &frame).unwrap();
        let reader = SerializedFileReader::new(file).unwrap();
        let rows: Vec<Vec<Field>> = reader
            .get_row_iter(None)
            .unwrap()
            .map(|row| row.unwrap().get_column_iter().map(|(_, field)| field.clone()).collect())
            .collect();
        let text = |text: &str| Field::Str(text.to_owned());
        assert_eq!(rows[0], [Field::Long(1), Field::Null, Field::Float(1.5), text("alive")]);
        assert_eq!(rows[1], [Field::Null, Field::Double(0.25), Field::Float(-2.0), text("dead")]);
    }
}
