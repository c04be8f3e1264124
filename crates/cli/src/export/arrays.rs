//! Arrays in a NumPy archive (`.npz`).

use super::frame::{Column, Frame};
use npyz::npz::NpzWriter;
use npyz::zip::write::FileOptions;
use npyz::{AutoSerialize, DType, WriterBuilder};
use std::io::{self, Seek, Write};

/// An archive under construction; stored uncompressed, so that NumPy reads it at the disk's speed.
pub(crate) struct Archive<W: Write + Seek> {
    npz: NpzWriter<W>,
}

impl<W: Write + Seek> Archive<W> {
    /// An empty archive.
    pub(crate) fn new(out: W) -> Self {
        Self { npz: NpzWriter::new(out) }
    }

    /// Adds an array; `values` holds as many as `shape` has room for, in row-major order.
    pub(crate) fn array<T: AutoSerialize>(
        &mut self,
        name: &str,
        shape: &[usize],
        values: impl IntoIterator<Item = T>,
    ) -> io::Result<()> {
        let mut writer = self.npz.array(name, large())?.default_dtype().shape(&sizes(shape)).begin_nd()?;
        writer.extend(values)?;
        writer.finish()
    }

    /// Adds an array of words, as bytes of one length.
    fn words(&mut self, name: &str, values: &[String]) -> io::Result<()> {
        let length = values.iter().map(String::len).max().unwrap_or(0).max(1);
        let kind = format!("|S{length}").parse().map_err(|error| io::Error::other(format!("{error}")))?;
        let builder = self.npz.array::<[u8]>(name, large())?;
        let mut writer = builder.dtype(DType::Plain(kind)).shape(&sizes(&[values.len()])).begin_nd()?;
        for value in values {
            writer.push(value.as_bytes())?;
        }
        writer.finish()
    }

    /// Adds a frame, one array a column; where a value is missing stands -1 (whole numbers) or NaN (real ones).
    pub(crate) fn frame(&mut self, frame: &Frame) -> io::Result<()> {
        for (name, column) in &frame.columns {
            let shape = [column.len()];
            match column {
                Column::Int(values) => {
                    self.array(name, &shape, values.iter().map(|value| value.unwrap_or(-1)))?;
                }
                Column::Real(values) => {
                    self.array(name, &shape, values.iter().map(|value| value.unwrap_or(f64::NAN)))?;
                }
                Column::Single(values) => self.array(name, &shape, values.iter().copied())?,
                Column::Text(values) => self.words(name, values)?,
            }
        }
        Ok(())
    }

    /// Writes the archive's directory.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.npz.zip_writer().finish()?.flush()
    }
}

fn large() -> FileOptions {
    FileOptions::default().compression_method(npyz::zip::CompressionMethod::Stored).large_file(true)
}

fn sizes(shape: &[usize]) -> Vec<u64> {
    shape.iter().map(|&size| size as u64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_read_back() {
        let mut out = io::Cursor::new(Vec::new());
        let mut archive = Archive::new(&mut out);
        archive.array("a", &[2, 2], [1.0f32, 2.0, 3.0, 4.0]).unwrap();
        let mut frame = Frame::default();
        frame.push("n", Column::Int(vec![Some(3), None]));
        frame.push("word", Column::Text(vec!["dead".to_owned(), "alive".to_owned()]));
        archive.frame(&frame).unwrap();
        archive.finish().unwrap();
        out.set_position(0);
        let mut archive = npyz::npz::NpzArchive::new(out).unwrap();
        let a = archive.by_name("a").unwrap().unwrap();
        assert_eq!(a.shape(), [2, 2]);
        assert_eq!(a.into_vec::<f32>().unwrap(), [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(archive.by_name("n").unwrap().unwrap().into_vec::<i64>().unwrap(), [3, -1]);
        assert_eq!(archive.by_name("word").unwrap().unwrap().into_vec::<Vec<u8>>().unwrap()[0], b"dead");
    }
}
