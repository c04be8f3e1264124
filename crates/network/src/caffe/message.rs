//! The text format of protocol buffers: `name: value`, `name { … }`, `name: { … }`, `name < … >`, comments with `#`.

use crate::error::{NetworkError, Problem};

/// Messages within messages; Caffe's own nest four deep.
const DEEPEST: usize = 32;

/// A message: its fields in order, with repetitions.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Message {
    pub(super) fields: Vec<Field>,
    /// Line where it begins.
    pub(super) line: usize,
}

/// A field.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) line: usize,
    pub(super) value: Value,
}

/// A field's value: a number, word or string as it stands, or a message.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Scalar(String),
    Message(Message),
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Mark(char),
}

impl Token {
    fn shown(&self) -> String {
        match self {
            Token::Word(word) => word.clone(),
            Token::Text(text) => format!("{text:?}"),
            Token::Mark(mark) => format!("{mark:?}"),
        }
    }
}

/// Parses a whole text.
pub(super) fn parse(text: &str) -> Result<Message, NetworkError> {
    let tokens = tokens(text)?;
    let mut parser = Parser { tokens: &tokens, next: 0 };
    parser.message(None, 1, 0)
}

fn syntax(message: impl Into<String>, line: usize) -> NetworkError {
    NetworkError::new(Problem::Syntax(message.into())).at_line(line)
}

fn tokens(text: &str) -> Result<Vec<(Token, usize)>, NetworkError> {
    let mut tokens = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        let mut rest = line.trim_start();
        while let Some(first) = rest.chars().next() {
            let (token, length) = match first {
                '#' => break,
                '"' | '\'' => string(rest, first, number)?,
                '{' | '}' | '<' | '>' | ':' | ',' | ';' | '[' | ']' => (Token::Mark(first), 1),
                c if is_word(c) => {
                    let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
                    (Token::Word(rest[..length].to_owned()), length)
                }
                other => return Err(syntax(format!("unexpected character {other:?}"), number)),
            };
            tokens.push((token, number));
            rest = rest[length..].trim_start();
        }
    }
    Ok(tokens)
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '+' | '-' | '/')
}

/// A string and the bytes it takes; it ends on its own line.
fn string(rest: &str, quote: char, line: usize) -> Result<(Token, usize), NetworkError> {
    let mut content = String::new();
    let mut characters = rest.char_indices().skip(1);
    while let Some((at, c)) = characters.next() {
        match c {
            c if c == quote => return Ok((Token::Text(content), at + 1)),
            '\\' => match characters.next() {
                Some((_, 'n')) => content.push('\n'),
                Some((_, 't')) => content.push('\t'),
                Some((_, escaped)) => content.push(escaped),
                None => break,
            },
            c => content.push(c),
        }
    }
    Err(syntax(format!("the string {rest} is not closed on its line"), line))
}

struct Parser<'a> {
    tokens: &'a [(Token, usize)],
    next: usize,
}

impl Parser<'_> {
    fn take(&mut self) -> Option<(Token, usize)> {
        let token = self.tokens.get(self.next).cloned();
        self.next += 1;
        token
    }

    fn take_mark(&mut self, marks: &[char]) -> Option<char> {
        match self.tokens.get(self.next) {
            Some((Token::Mark(mark), _)) if marks.contains(mark) => {
                self.next += 1;
                Some(*mark)
            }
            _ => None,
        }
    }

    fn last_line(&self) -> usize {
        self.tokens.last().map_or(1, |&(_, line)| line)
    }

    /// Fields up to `closing`, or to the end of the text.
    fn message(&mut self, closing: Option<char>, line: usize, depth: usize) -> Result<Message, NetworkError> {
        if depth > DEEPEST {
            return Err(syntax(format!("messages nest deeper than {DEEPEST}"), line));
        }
        let mut fields = Vec::new();
        loop {
            match (self.take(), closing) {
                (None, None) => return Ok(Message { fields, line }),
                (None, Some(closing)) => {
                    let what = format!("the message that begins on line {line} is not closed by {closing:?}");
                    return Err(syntax(what, self.last_line()));
                }
                (Some((Token::Mark(mark), _)), Some(closing)) if mark == closing => {
                    return Ok(Message { fields, line });
                }
                (Some((Token::Mark(',' | ';'), _)), _) => {}
                (Some((Token::Word(name), line)), _) => self.values(&name, line, depth, &mut fields)?,
                (Some((other, line)), _) => {
                    return Err(syntax(
                        format!("expected the name of a field, found {}", other.shown()),
                        line,
                    ));
                }
            }
        }
    }

    /// One value, or a list of them in brackets.
    fn values(
        &mut self,
        name: &str,
        line: usize,
        depth: usize,
        fields: &mut Vec<Field>,
    ) -> Result<(), NetworkError> {
        let colon = self.take_mark(&[':']).is_some();
        if colon && self.take_mark(&['[']).is_some() {
            while self.take_mark(&[']']).is_none() {
                let value = self.value(name, line, depth)?;
                fields.push(Field { name: name.to_owned(), line, value });
                self.take_mark(&[',']);
            }
            return Ok(());
        }
        let is_message = matches!(self.tokens.get(self.next), Some((Token::Mark('{' | '<'), _)));
        if !colon && !is_message {
            return Err(syntax(format!("expected ':' or '{{' after {name}"), line));
        }
        let value = self.value(name, line, depth)?;
        fields.push(Field { name: name.to_owned(), line, value });
        Ok(())
    }

    fn value(&mut self, name: &str, line: usize, depth: usize) -> Result<Value, NetworkError> {
        if let Some(mark) = self.take_mark(&['{', '<']) {
            let closing = if mark == '{' { '}' } else { '>' };
            return self.message(Some(closing), line, depth + 1).map(Value::Message);
        }
        match self.take() {
            Some((Token::Word(word), _)) => Ok(Value::Scalar(word)),
            Some((Token::Text(mut text), _)) => {
                while let Some((Token::Text(more), _)) = self.tokens.get(self.next) {
                    text.push_str(more);
                    self.next += 1;
                }
                Ok(Value::Scalar(text))
            }
            Some((other, line)) => {
                Err(syntax(format!("expected a value for {name}, found {}", other.shown()), line))
            }
            None => Err(syntax(format!("the text ends where a value for {name} is expected"), line)),
        }
    }
}
