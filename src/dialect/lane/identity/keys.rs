//! Finds keys in JSON text without parsing it.

use memchr::memmem::Finder;

/// Searches for one key.
#[derive(Debug)]
pub(super) struct Key(Finder<'static>);

impl Key {
    /// `quoted` is the key with its quotes.
    pub(super) fn new(quoted: &'static str) -> Self {
        Self(Finder::new(quoted))
    }

    /// Whether the key has a value that is not `null`, anywhere in the text. Inside of a string the quotes of a key
    /// are escaped, so words of the conversation do not match; should a string be the word itself, no colon follows.
    /// A key spelled with escapes (`"us\u0061ge"`) is missed: no known server writes them.
    pub(super) fn has_value(&self, json: &[u8]) -> bool {
        let key_length = self.0.needle().len();
        let mut rest = json;
        while let Some(at) = self.0.find(rest) {
            rest = rest.get(at + key_length..).unwrap_or_default();
            let Some(value) = rest.trim_ascii_start().strip_prefix(b":") else { continue };
            if !value.trim_ascii_start().starts_with(b"null") {
                return true;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_keys_with_a_value_count() {
        let key = Key::new("\"usage\"");
        for json in [r#"{"usage":{}}"#, r#"{"usage" : 1}"#, r#"{"usage":null,"x":{"usage":"y"}}"#] {
            assert!(key.has_value(json.as_bytes()), "{json}");
        }
        for json in
            [r#"{"usage":null}"#, r#"{"a":"usage"}"#, r#"{"a":"\"usage\":1"}"#, r#"["usage"]"#, "\"usage\""]
        {
            assert!(!key.has_value(json.as_bytes()), "{json}");
        }
    }
}
