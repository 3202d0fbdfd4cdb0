//! A quick look at an object: where its top-level fields stand, at the speed of a search for quotes.
//!
//! Bodies are mostly long strings, and those are passed over with a vector search. What is not looked at is what a
//! reader of the values will look at: control characters and escapes within strings, and commas and colons within
//! nested values.

use super::error::as_text;
use super::scan::{Member, Members};
use super::strings::closing_quote;
use super::{Strings, Text};
use std::ops::Range;

/// One field: its key with the quotes, and its value.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Field {
    /// Bytes of the key, quotes included.
    key: Range<usize>,
    /// Bytes of the value.
    value: Range<usize>,
}

/// The deepest nesting that is followed, as in serde's reader.
const MAX_DEPTH: u32 = 127;

/// What a quick look at an object shows: places in its bytes, which it does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outline {
    /// Offset of the first byte after the opening brace.
    start: usize,
    fields: Vec<Field>,
    strings: Strings,
}

impl Outline {
    /// Looks at a body. `None`: it is no object, is malformed, or is nested too deeply.
    pub fn of(body: &[u8]) -> Option<Self> {
        let text = as_text(body).ok()?;
        let mut look = Look { bytes: text.as_bytes(), at: 0, strings: Strings::default() };
        look.expect(b'{')?;
        let start = look.at;
        // Requests have about ten top-level fields.
        let mut fields = Vec::with_capacity(16);
        look.fields(&mut fields)?;
        look.is_at_end().then_some(Self { start, fields, strings: look.strings })
    }

    /// The fields of the body that was looked at, in the order they stand.
    pub fn members<'a>(&self, body: &'a [u8]) -> Members<'a, &'a [u8]> {
        let piece = |place: &Range<usize>| body.get(place.clone()).unwrap_or_default();
        let fields = self.fields.iter().map(|field| {
            let key = Text::of_bytes(piece(&field.key));
            Member {
                key: key.map(|key| key.to_str()).unwrap_or_default(),
                value: piece(&field.value),
                span: field.key.start..field.value.end,
                value_span: field.value.clone(),
            }
        });
        Members { start: self.start, fields: fields.collect() }
    }

    /// All its strings.
    pub fn strings(&self) -> &Strings {
        &self.strings
    }
}

struct Look<'t> {
    bytes: &'t [u8],
    at: usize,
    strings: Strings,
}

impl Look<'_> {
    fn rest(&self) -> &[u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    fn space(&mut self) {
        let spaces = self.rest().iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
        self.at += spaces.count();
    }

    /// The next byte that is no white space.
    fn peek(&mut self) -> Option<u8> {
        self.space();
        self.bytes.get(self.at).copied()
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    fn is_at_end(&mut self) -> bool {
        self.peek().is_none()
    }

    /// The fields behind an opening brace, and the closing one.
    fn fields(&mut self, fields: &mut Vec<Field>) -> Option<()> {
        if self.peek()? == b'}' {
            self.at += 1;
            return Some(());
        }
        loop {
            self.space();
            let from = self.at;
            self.string()?;
            let key = from..self.at;
            self.expect(b':')?;
            self.space();
            let from = self.at;
            self.value()?;
            fields.push(Field { key, value: from..self.at });
            match self.peek()? {
                b',' => self.at += 1,
                b'}' => {
                    self.at += 1;
                    return Some(());
                }
                _ => return None,
            }
        }
    }

    /// A string, of which this is the opening quote.
    fn string(&mut self) -> Option<()> {
        if self.bytes.get(self.at) != Some(&b'"') {
            return None;
        }
        let start = self.at + 1;
        let end = closing_quote(self.bytes, start)?;
        self.strings.note(start..end);
        self.at = end + 1;
        Some(())
    }

    fn value(&mut self) -> Option<()> {
        match self.bytes.get(self.at)? {
            b'"' => self.string(),
            b'{' | b'[' => self.nested(),
            _ => {
                let word = self.rest().iter().take_while(|byte| !b",}] \t\r\n".contains(byte)).count();
                let word = self.rest().get(..word)?;
                let length = word.len();
                is_scalar(word).then(|| self.at += length)
            }
        }
    }

    /// An object or an array, of which this is the opening bracket.
    fn nested(&mut self) -> Option<()> {
        // One bit for each level that is open: set for an object.
        let (mut kinds, mut depth) = (0_u128, 0_u32);
        loop {
            let found =
                self.rest().iter().position(|byte| matches!(byte, b'"' | b'{' | b'}' | b'[' | b']'))?;
            self.at += found;
            match self.bytes.get(self.at)? {
                b'"' => {
                    self.string()?;
                    continue;
                }
                open @ (b'{' | b'[') => {
                    if depth == MAX_DEPTH {
                        return None;
                    }
                    kinds = (kinds << 1) | u128::from(*open == b'{');
                    depth += 1;
                }
                close => {
                    if (kinds & 1 == 1) != (*close == b'}') {
                        return None;
                    }
                    kinds >>= 1;
                    depth -= 1;
                }
            }
            self.at += 1;
            if depth == 0 {
                return Some(());
            }
        }
    }
}

/// Whether a word is `true`, `false`, `null` or a number (RFC 8259 §6).
fn is_scalar(word: &[u8]) -> bool {
    match word {
        b"true" | b"false" | b"null" => true,
        _ => std::str::from_utf8(word)
            .is_ok_and(|word| serde_json::from_str::<serde_json::Number>(word).is_ok()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(text: &str) -> Option<Vec<(&str, &str)>> {
        Outline::of(text.as_bytes()).map(|found| {
            assert_eq!(found.strings, Strings::of(text.as_bytes()));
            let field = |field: &Field| (&text[field.key.clone()], &text[field.value.clone()]);
            found.fields.iter().map(field).collect()
        })
    }

    #[test]
    fn fields_of_an_object() {
        assert_eq!(seen(" { } "), Some(vec![]));
        assert_eq!(
            seen(r#"{"a\"}":"x\\","b" : [1,{"c":"]}"}] , "d":-1.5e3,"e":null}"#),
            Some(vec![
                (r#""a\"}""#, r#""x\\""#),
                (r#""b""#, r#"[1,{"c":"]}"}]"#),
                (r#""d""#, "-1.5e3"),
                (r#""e""#, "null")
            ])
        );
    }

    #[test]
    fn what_is_malformed_is_nothing() {
        for text in [
            "",
            "{",
            "[]",
            "1",
            "{}}",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{\"a\":1 2}",
            "{,}",
            "{\"a\":tru}",
            "{\"a\":01}",
            "{\"a\":[}",
            "{\"a\":[1}]",
            "{\"a\":\"x}",
            "{\"a\":\"x\\",
            "{a:1}",
            "{\"a\":1}x",
            "{\"a\":-}",
        ] {
            assert_eq!(seen(text), None, "{text}");
        }
        let deep = |n: usize| format!("{{\"a\":{}{}}}", "[".repeat(n), "]".repeat(n));
        assert!(seen(&deep(127)).is_some() && seen(&deep(128)).is_none());
    }
}
