//! Comma-separated values as RFC 4180 has them: fields may be quoted, quotes within are doubled, lines end in LF or CRLF.

/// A row and the line it starts in, from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) line: usize,
    pub(super) fields: Vec<String>,
}

/// Reads the rows, leaving out empty lines and a byte order mark. Errors: the line, and what is wrong there.
pub(super) fn parse(text: &str) -> Result<Vec<Row>, (usize, &'static str)> {
    let mut chars = text.strip_prefix('\u{feff}').unwrap_or(text).chars().peekable();
    let (mut rows, mut line) = (Vec::new(), 1);
    while chars.peek().is_some() {
        let start = line;
        let mut fields = Vec::new();
        loop {
            let mut field = String::new();
            if chars.next_if_eq(&'"').is_some() {
                loop {
                    match chars.next() {
                        Some('"') if chars.next_if_eq(&'"').is_some() => field.push('"'),
                        Some('"') => break,
                        Some(c) => {
                            line += usize::from(c == '\n');
                            field.push(c);
                        }
                        None => return Err((start, "a quoted field is not closed")),
                    }
                }
                chars.next_if_eq(&'\r');
                if !matches!(chars.peek(), None | Some(',' | '\n')) {
                    return Err((line, "text after a closing quote"));
                }
            } else {
                while let Some(c) = chars.next_if(|c| !matches!(c, ',' | '\n')) {
                    field.push(c);
                }
                if field.ends_with('\r') {
                    field.pop();
                }
            }
            fields.push(field);
            match chars.next() {
                Some(',') => {}
                _ => break,
            }
        }
        line += 1;
        if fields != [""] {
            rows.push(Row { line: start, fields });
        }
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// What a writer that quotes every field writes is read back.
        #[test]
        fn quoted_fields_are_read_back(rows in prop::collection::vec(prop::collection::vec("[a\",\r\n ]{1,4}", 1..4), 0..5)) {
            let quoted = |field: &String| format!("\"{}\"", field.replace('"', "\"\""));
            let text: String =
                rows.iter().map(|row| row.iter().map(quoted).collect::<Vec<_>>().join(",") + "\r\n").collect();
            let read: Vec<_> = parse(&text).unwrap().into_iter().map(|row| row.fields).collect();
            prop_assert_eq!(read, rows);
        }

        #[test]
        fn no_text_panics(text in "[a\",\r\n]{0,30}") {
            let _ = parse(&text);
        }
    }

    #[test]
    fn lines_are_counted() {
        let rows = parse("\u{feff}file,class\r\na.png,\"x\ny\"\n\nb.png,\n").unwrap();
        assert_eq!(rows.iter().map(|row| row.line).collect::<Vec<_>>(), [1, 2, 5]);
        assert_eq!(rows[1].fields, ["a.png", "x\ny"]);
        assert_eq!(rows[2].fields, ["b.png", ""]);
        assert_eq!(parse("a\n\"b"), Err((2, "a quoted field is not closed")));
        assert_eq!(parse("\"b\"c"), Err((1, "text after a closing quote")));
    }
}
