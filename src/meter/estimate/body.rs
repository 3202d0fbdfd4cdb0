//! The input tokens of a request body that nobody has to decode.

use super::{Counter, Tokenizer};

/// A string longer than this without a space is a file in base64, not words.
const FILE: usize = 1024;

/// What a file in a request is taken for, in tokens: a picture of a thousand pixels square.
const FILE_TOKENS: u64 = 765;

/// Bytes of text that are looked at; what is longer goes on at the same rate. Enough to know what kind of text it is,
/// and little beside the rest of what a request costs.
const LOOKED_AT: u64 = 8 * 1024;

/// The input tokens of a request, from its JSON in any dialect: rougher than [`super::from_request`], but without
/// decoding. All strings count, names of fields too, which come to about what frames a message; files in base64 count as
/// pictures.
pub fn from_body(body: &[u8], tokenizer: Tokenizer) -> u64 {
    let mut counter = Counter::new(tokenizer);
    let (mut bytes, mut unread, mut files) = (0_u64, 0_u64, 0_u64);
    let mut rest = body;
    while let Some(open) = memchr::memchr(b'"', rest) {
        let inside = rest.get(open + 1..).unwrap_or_default();
        let close = closing_quote(inside);
        let string = inside.get(..close).unwrap_or_default();
        let length = u64::try_from(string.len()).unwrap_or(u64::MAX);
        if is_file(string) {
            files = files.saturating_add(1);
        } else if bytes > LOOKED_AT {
            unread = unread.saturating_add(length);
        } else {
            let looked_at = string.get(..string.len().min(8 * 1024)).unwrap_or_default();
            counter.push_escaped(looked_at);
            counter.pause();
            let looked_at = u64::try_from(looked_at.len()).unwrap_or(u64::MAX);
            bytes = bytes.saturating_add(looked_at);
            unread = unread.saturating_add(length - looked_at.min(length));
        }
        rest = inside.get(close + 1..).unwrap_or_default();
    }
    let words = counter.tokens();
    let more = words.saturating_mul(unread).checked_div(bytes).unwrap_or(0);
    words.saturating_add(more).saturating_add(files.saturating_mul(FILE_TOKENS))
}

/// Whether a string is a file in base64.
fn is_file(string: &[u8]) -> bool {
    let letter = |byte: &u8| {
        byte.is_ascii_alphanumeric()
            || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'_' | b':' | b';' | b',' | b'\\')
    };
    string.get(..FILE).is_some_and(|head| head.iter().all(letter))
}

/// Where the string ends; the length of the rest when it does not.
fn closing_quote(inside: &[u8]) -> usize {
    let mut from = 0;
    while let Some(found) = memchr::memchr2(b'"', b'\\', inside.get(from..).unwrap_or_default()) {
        let at = from + found;
        if inside.get(at) == Some(&b'"') {
            return at;
        }
        from = at + 2;
    }
    inside.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn tokens(body: &str) -> u64 {
        from_body(body.as_bytes(), Tokenizer::O200k)
    }

    #[test]
    fn strings_are_words_and_files_are_pictures() {
        assert_eq!(tokens(""), 0);
        assert_eq!(
            tokens(r#"{"role":"user","content":"one two three"}"#),
            tokens(r#""role" "user" "content" "one two three""#)
        );
        let file = format!(r#"{{"url":"data:image/png;base64,{}"}}"#, "iVBORw0K".repeat(1000));
        assert_eq!(tokens(&file), 1 + FILE_TOKENS);
        // Escaped quotes do not end a string, nor does the end of a body that is cut.
        assert_eq!(tokens(r#""a \" b""#), tokens(r#""a \" b"#));
    }

    #[test]
    fn long_text_goes_on_at_the_same_rate() {
        let words = "the quick brown fox jumps over the lazy dog ".repeat(100);
        let (short, long) = (format!("\"{words}\""), format!("\"{}\"", words.repeat(100)));
        let (short, long) = (tokens(&short), tokens(&long));
        assert!((short * 99..short * 101).contains(&long), "{short} {long}");
    }
}
