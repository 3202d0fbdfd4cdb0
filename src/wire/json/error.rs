//! Parse errors that say where.

use serde::Deserialize;
use serde::de::Error as _;
use serde_json::value::RawValue;
use std::fmt;

/// Why a body could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParseError {
    /// There was nothing, or nothing but white space.
    Empty,
    /// It is not JSON.
    Syntax {
        /// Line, from 1.
        line: usize,
        /// Column in bytes, from 1 (0: before the first byte of the line).
        column: usize,
        /// What is wrong there.
        message: String,
    },
    /// It is JSON, but a field is not what it must be.
    Field {
        /// Path of the field (`messages[2].content`); empty for the body itself.
        path: String,
        /// What is wrong with it.
        message: String,
    },
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the body is empty; a JSON object was expected"),
            Self::Syntax { line, column, message } => {
                write!(f, "the body is not valid JSON: {message} at line {line} column {column}")
            }
            Self::Field { path, message } if path.is_empty() => write!(f, "the body is wrong: {message}"),
            Self::Field { path, message } => write!(f, "{path}: {message}"),
        }
    }
}

impl std::error::Error for ParseError {}

/// Reads a body. The first reading keeps no track of where it is; only when it fails the body is read again to name
/// the field.
///
/// # Errors
/// See [`ParseError`].
pub fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, ParseError> {
    let text = as_text(body)?;
    serde_json::from_str(text).map_err(|_| explain::<T>(text))
}

/// A body as text.
///
/// # Errors
/// [`ParseError::Syntax`] at the first byte that is no UTF-8.
pub(super) fn as_text(body: &[u8]) -> Result<&str, ParseError> {
    simdutf8::basic::from_utf8(body).map_err(|_| {
        let valid = std::str::from_utf8(body).map_or_else(|error| error.valid_up_to(), str::len);
        not_utf8(body, valid)
    })
}

/// Reads a value that is already known to be JSON.
///
/// # Errors
/// See [`ParseError`]; the path starts at the value.
pub fn parse_raw<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Result<T, ParseError> {
    serde_json::from_str(raw.get()).map_err(|_| explain::<T>(raw.get()))
}

/// Stands between path and message in the error of a value that was read apart ([`nested`]). No JSON text can hold
/// it unescaped, and no message of serde's does.
const MARK: char = '\u{0}';

/// Reads a value found as raw inside a greater reading; the error carries the path within it.
pub(super) fn nested<'a, T: Deserialize<'a>, E: serde::de::Error>(raw: &'a RawValue) -> Result<T, E> {
    parse_raw(raw).map_err(|error| match error {
        ParseError::Field { path, message } => E::custom(format_args!("{path}{MARK}{message}")),
        other => E::custom(other),
    })
}

#[cold]
fn explain<'a, T: Deserialize<'a>>(text: &'a str) -> ParseError {
    if text.trim_matches([' ', '\t', '\r', '\n']).is_empty() {
        return ParseError::Empty;
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    let (mut path, error) = if let Err(error) = serde_path_to_error::deserialize::<_, T>(&mut reader) {
        (error.path().to_string(), error.into_inner())
    } else {
        // The value itself is fine: what is wrong stands after it.
        let trailing = reader.end().err();
        (
            String::new(),
            trailing.unwrap_or_else(|| serde_json::Error::custom("read well the second time only")),
        )
    };
    let place = format!(" at line {} column {}", error.line(), error.column());
    let shown = error.to_string();
    let shown = shown.strip_suffix(&place).unwrap_or(&shown);
    if !error.is_data() {
        return ParseError::Syntax { line: error.line(), column: error.column(), message: shown.to_owned() };
    }
    if path == "." {
        path.clear();
    }
    let message = match shown.split_once(MARK) {
        Some((inner, message)) => {
            if !inner.is_empty() && !inner.starts_with('[') && !path.is_empty() {
                path.push('.');
            }
            path.push_str(inner);
            message
        }
        None => shown,
    };
    ParseError::Field { path, message: message.to_owned() }
}

#[cold]
fn not_utf8(body: &[u8], valid: usize) -> ParseError {
    let before = body.get(..valid).unwrap_or_default();
    let line_start = memchr::memrchr(b'\n', before).map_or(0, |at| at + 1);
    ParseError::Syntax {
        line: memchr::memchr_iter(b'\n', before).count() + 1,
        column: valid - line_start + 1,
        message: "invalid UTF-8".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Text, TextOr, wire_object};
    use super::*;

    wire_object! {
        struct Part<'a> { text: Text<'a> = "text", parts: TextOr<'a, Vec<Part<'a>>> = "parts" }
    }
    wire_object! {
        struct Body<'a> { parts: Vec<Part<'a>> = "parts", top: u32 = "top" }
    }

    fn error(json: &[u8]) -> ParseError {
        parse::<Body<'_>>(json).map(|_| ()).unwrap_err()
    }

    #[test]
    fn a_wrong_field_is_named_by_its_path() {
        for (json, path, message) in [
            (r#"{"top":"x"}"#, "top", "invalid type: string \"x\", expected u32"),
            (r#"{"parts":[{},{"text":3}]}"#, "parts[1].text", "expected a string, got a number"),
            (
                r#"{"parts":[{"parts":[{"text":"a"},{"parts":[{"text":{}}]}]}]}"#,
                "parts[0].parts[1].parts[0].text",
                "expected a string, got an object",
            ),
            (
                r#"{"parts":[{"parts":7}]}"#,
                "parts[0].parts",
                "invalid type: integer `7`, expected a sequence",
            ),
            ("[1]", "", "invalid type: sequence, expected an object"),
        ] {
            assert_eq!(
                error(json.as_bytes()),
                ParseError::Field { path: path.into(), message: message.into() }
            );
        }
    }

    #[test]
    fn broken_json_is_placed() {
        let ParseError::Syntax { line, column, .. } = error(b"{\n \"top\": 1,\n}") else { panic!("syntax") };
        assert_eq!((line, column), (3, 1));
        let ParseError::Syntax { line, column, .. } = error(b"{}\n x") else { panic!("syntax") };
        assert_eq!((line, column), (2, 2));
        assert_eq!(
            error(b"{\n\"a\xff"),
            ParseError::Syntax { line: 2, column: 3, message: "invalid UTF-8".into() }
        );
        assert_eq!(error(b" \n"), ParseError::Empty);
    }
}
