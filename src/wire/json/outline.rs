//! A quick look at an object: where its top-level fields stand, at the speed of a search for quotes.
//!
//! Bodies are mostly long strings, and those are passed over with a vector search. What is not looked at is what a
//! reader of the values will look at: control characters and escapes within strings, and commas and colons within
//! nested values.

use std::ops::Range;

/// One field: its key with the quotes, and its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    /// Bytes of the key, quotes included.
    pub key: Range<usize>,
    /// Bytes of the value.
    pub value: Range<usize>,
}

/// The deepest nesting that is followed, as in serde's reader.
const MAX_DEPTH: u32 = 127;

/// The fields of an object in the order they stand. `None`: it is no object, is malformed, or is nested too deeply.
pub(super) fn outline(text: &str) -> Option<Vec<Field>> {
    let mut look = Look { bytes: text.as_bytes(), at: 0 };
    // Requests have about ten top-level fields.
    let mut fields = Vec::with_capacity(16);
    look.expect(b'{')?;
    if look.peek()? == b'}' {
        look.at += 1;
        return look.is_at_end().then_some(fields);
    }
    loop {
        look.space();
        let from = look.at;
        look.string()?;
        let key = from..look.at;
        look.expect(b':')?;
        look.space();
        let from = look.at;
        look.value()?;
        fields.push(Field { key, value: from..look.at });
        match look.peek()? {
            b',' => look.at += 1,
            b'}' => {
                look.at += 1;
                return look.is_at_end().then_some(fields);
            }
            _ => return None,
        }
    }
}

struct Look<'t> {
    bytes: &'t [u8],
    at: usize,
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

    /// A string, of which this is the opening quote.
    fn string(&mut self) -> Option<()> {
        if self.bytes.get(self.at) != Some(&b'"') {
            return None;
        }
        self.at += 1;
        loop {
            let found = memchr::memchr2(b'"', b'\\', self.rest())?;
            self.at += found + 1;
            if self.bytes.get(self.at - 1) == Some(&b'"') {
                return Some(());
            }
            // An escape: the next byte is no end, whatever it is.
            self.at += 1;
        }
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
        outline(text).map(|fields| {
            fields.iter().map(|field| (&text[field.key.clone()], &text[field.value.clone()])).collect()
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
        assert!(outline(&deep(127)).is_some() && outline(&deep(128)).is_none());
    }
}
