//! Parse errors that say where.

use super::in_words_of_people;
use super::place::path_at;
use serde::Deserialize;
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

/// Reads a body. Where it fails, the place in the text gives the name of the field: no reading keeps track of where it is,
/// and no type needs a second reader that does.
///
/// # Errors
/// See [`ParseError`].
pub fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, ParseError> {
    let text = as_text(body)?;
    serde_json::from_str(text).map_err(|error| explain(text, &error))
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
    serde_json::from_str(raw.get()).map_err(|error| explain(raw.get(), &error))
}

/// Stands between the parts of an error of a value that was found first and read apart ([`wrong`]). No JSON text can hold
/// it unescaped, and no message of serde's does.
const MARK: char = '\u{0}';

/// Reads a value found as raw inside a greater reading; the error carries the path within it.
pub(super) fn nested<'a, T: Deserialize<'a>, E: serde::de::Error>(raw: &'a RawValue) -> Result<T, E> {
    parse_raw(raw).map_err(|error| match error {
        ParseError::Field { path, message } => wrong(raw, &path, &message),
        other => E::custom(other),
    })
}

/// What is wrong at a path within a value that was found as raw. Such an error has no place of its own: serde gives it the
/// one that the reader has come to. So it carries the address of the value, which is part of the text that is read.
#[cold]
pub(super) fn wrong<E: serde::de::Error>(raw: &RawValue, path: &str, message: &str) -> E {
    E::custom(format_args!("{}{MARK}{path}{MARK}{message}", raw.get().as_ptr().addr()))
}

#[cold]
fn explain(text: &str, error: &serde_json::Error) -> ParseError {
    if text.trim_matches([' ', '\t', '\r', '\n']).is_empty() {
        return ParseError::Empty;
    }
    let (line, column) = (error.line(), error.column());
    let shown = error.to_string();
    let shown = shown.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&shown);
    if !error.is_data() {
        return ParseError::Syntax { line, column, message: shown.to_owned() };
    }
    let mut parts = shown.splitn(3, MARK);
    if let (Some(address), Some(inner), Some(message)) = (parts.next(), parts.next(), parts.next()) {
        let at = address.parse::<usize>().ok().and_then(|value| value.checked_sub(text.as_ptr().addr()));
        let mut path = path_at(text, at.unwrap_or_default());
        if !(path.is_empty() || inner.is_empty() || inner.starts_with('[')) {
            path.push('.');
        }
        path.push_str(inner);
        return ParseError::Field { path, message: message.to_owned() };
    }
    ParseError::Field {
        path: path_at(text, line_start(text, line) + column),
        message: in_words_of_people(shown),
    }
}

/// Where a line begins; they are counted from 1.
fn line_start(text: &str, line: usize) -> usize {
    let before = line.checked_sub(2).and_then(|ends| memchr::memchr_iter(b'\n', text.as_bytes()).nth(ends));
    before.map_or(0, |end| end + 1)
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
    use proptest::prelude::*;
    use proptest::test_runner::TestCaseError;

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
            (r#"{"top":"x"}"#, "top", "invalid type: string, expected a whole number"),
            (r#"{"parts":[{},{"text":3}]}"#, "parts[1].text", "expected a string, got a number"),
            (
                r#"{"parts":[{"parts":[{"text":"a"},{"parts":[{"text":{}}]}]}]}"#,
                "parts[0].parts[1].parts[0].text",
                "expected a string, got an object",
            ),
            (r#"{"parts":[{"parts":7}]}"#, "parts[0].parts", "invalid type: integer `7`, expected a list"),
            ("[1]", "", "invalid type: a list, expected an object"),
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

    /// JSON of the fields of `Body`, with values of any kind in any of them.
    fn json() -> impl Strategy<Value = String> {
        let space = || prop::sample::select(vec!["", " ", "\n", "\r\n\t"]);
        let plain = prop::sample::select(vec![
            "1",
            "-7.5",
            "1e30",
            "true",
            "null",
            r#""x""#,
            r#""\\\"]}é""#,
            "[]",
            "{}",
        ]);
        plain.prop_map(str::to_owned).prop_recursive(4, 24, 4, move |value| {
            let field = (
                prop::sample::select(vec!["text", "parts", "top", "other"]),
                space(),
                value.clone(),
                space(),
            )
                .prop_map(|(name, before, value, after)| {
                    format!("{before}\"{name}\"{after}:{before}{value}{after}")
                });
            let item = (space(), value, space())
                .prop_map(|(before, value, after)| format!("{before}{value}{after}"));
            prop_oneof![
                prop::collection::vec(field, 1..4).prop_map(|fields| format!("{{{}}}", fields.join(","))),
                prop::collection::vec(item, 1..4).prop_map(|items| format!("[{}]", items.join(","))),
            ]
        })
    }

    /// The oracle is a reader that keeps track of where it is. Of values that are read apart it knows the place they have in
    /// the greater one only.
    fn agrees_with_a_reader_who_keeps_track(json: &str) -> Result<(), TestCaseError> {
        let mut reader = serde_json::Deserializer::from_str(json);
        let oracle = serde_path_to_error::deserialize::<_, Body<'_>>(&mut reader).map(|_| ());
        match (parse::<Body<'_>>(json.as_bytes()).map(|_| ()), oracle) {
            (Ok(()), Ok(())) => {}
            (Err(ParseError::Field { path, .. }), Err(error)) => {
                let told = error.path().to_string();
                let known = if told == "." { "" } else { &told };
                if error.inner().to_string().contains(MARK) {
                    prop_assert!(path.starts_with(known), "{path} {known}");
                } else {
                    prop_assert_eq!(path, known);
                }
            }
            (ours, oracle) => prop_assert!(false, "{ours:?} {oracle:?}"),
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn the_place_is_that_of_a_reader_who_keeps_track(json in json()) {
            agrees_with_a_reader_who_keeps_track(&json)?;
        }
    }

    #[test]
    fn brackets_in_strings_are_no_place() {
        agrees_with_a_reader_who_keeps_track("{\"text\":[\"\\\"]}é\"]}").unwrap();
    }
}
