//! Frames as CSV (RFC 4180): a head line, empty cells where there is no value.

use super::frame::{Column, Frame};
use std::io::{self, Write};

/// Writes a frame.
pub(crate) fn write(out: &mut impl Write, frame: &Frame) -> io::Result<()> {
    for (place, (name, _)) in frame.columns.iter().enumerate() {
        separate(out, place)?;
        quoted(out, name)?;
    }
    out.write_all(b"\n")?;
    for row in 0..frame.rows() {
        for (place, (_, column)) in frame.columns.iter().enumerate() {
            separate(out, place)?;
            match column {
                Column::Int(values) => optional(out, values[row])?,
                Column::Real(values) => optional(out, values[row])?,
                Column::Single(values) => write!(out, "{}", values[row])?,
                Column::Text(values) => quoted(out, &values[row])?,
            }
        }
        out.write_all(b"\n")?;
    }
    Ok(())
}

fn separate(out: &mut impl Write, place: usize) -> io::Result<()> {
    if place > 0 { out.write_all(b",") } else { Ok(()) }
}

fn optional(out: &mut impl Write, value: Option<impl std::fmt::Display>) -> io::Result<()> {
    value.map_or(Ok(()), |value| write!(out, "{value}"))
}

fn quoted(out: &mut impl Write, text: &str) -> io::Result<()> {
    if text.contains(['"', ',', '\n', '\r']) {
        write!(out, "\"{}\"", text.replace('"', "\"\""))
    } else {
        out.write_all(text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_where_they_must_be() {
        let mut frame = Frame::default();
        frame.push("layer", Column::Text(vec!["a,\"b\"".to_owned(), "c".to_owned()]));
        frame.push("step", Column::Int(vec![Some(1), None]));
        frame.push("value", Column::Single(vec![0.1, f32::NAN]));
        let mut out = Vec::new();
        write(&mut out, &frame).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "layer,step,value\n\"a,\"\"b\"\"\",1,0.1\nc,,NaN\n");
    }
}
