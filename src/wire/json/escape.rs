//! JSON string literals: escaping and unescaping.

use std::borrow::Cow;

/// For each byte: whether it cannot stand in a JSON string as it is.
const ESCAPED: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        #[expect(clippy::indexing_slicing, reason = "evaluated at compile time; the loop bounds it")]
        {
            table[byte] = byte < 0x20 || byte == 0x22 || byte == 0x5c;
        }
        byte += 1;
    }
    table
};

fn needs_escape(byte: u8) -> bool {
    ESCAPED.get(usize::from(byte)).copied().unwrap_or(false)
}

/// Where the first byte stands that cannot stand in a JSON string as it is. Eight bytes are looked at in one step.
fn first_to_escape(bytes: &[u8]) -> Option<usize> {
    /// In each byte of `word`: the high bit, if the byte is less than `bound` (at most 128). Bytes above the first
    /// such one may carry the bit wrongly; the first one is right.
    fn less(word: u64, bound: u8) -> u64 {
        word.wrapping_sub(each(bound)) & !word & each(0x80)
    }
    /// A byte in all eight places.
    const fn each(byte: u8) -> u64 {
        u64::from_le_bytes([byte; 8])
    }
    let (words, rest) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let found = less(word, 0x20) | less(word ^ each(b'"'), 1) | less(word ^ each(b'\\'), 1);
        if found != 0 {
            return Some(index * 8 + found.trailing_zeros() as usize / 8);
        }
    }
    rest.iter().position(|&byte| needs_escape(byte)).map(|at| words.len() * 8 + at)
}

/// Appends `text` as a JSON string with its quotes.
pub fn write_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    write_content(out, text);
    out.push(b'"');
}

/// Appends what stands between the quotes.
pub(super) fn write_content(out: &mut Vec<u8>, text: &str) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut rest = text.as_bytes();
    out.reserve(rest.len());
    while let Some(at) = first_to_escape(rest) {
        let (plain, tail) = rest.split_at(at);
        out.extend_from_slice(plain);
        let Some((&byte, tail)) = tail.split_first() else { break };
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x0c => out.extend_from_slice(b"\\f"),
            control => {
                out.extend_from_slice(b"\\u00");
                for nibble in [control >> 4, control & 0xf] {
                    out.extend(HEX.get(usize::from(nibble)));
                }
            }
        }
        rest = tail;
    }
    out.extend_from_slice(rest);
}

/// The meaning of what stands between the quotes of a valid JSON string.
///
/// Half of a surrogate pair standing alone, which JSON allows and Unicode text does not, becomes U+FFFD: a message
/// must not be refused for it.
pub(super) fn unescape(content: &str) -> Cow<'_, str> {
    let Some(first) = memchr::memchr(b'\\', content.as_bytes()) else { return Cow::Borrowed(content) };
    let mut text = String::with_capacity(content.len());
    let mut rest = content;
    let mut next = Some(first);
    while let Some(at) = next {
        let (plain, tail) = rest.split_at_checked(at).unwrap_or((rest, ""));
        text.push_str(plain);
        let mut chars = tail.chars();
        chars.next();
        match chars.next() {
            Some('n') => text.push('\n'),
            Some('t') => text.push('\t'),
            Some('r') => text.push('\r'),
            Some('b') => text.push('\u{8}'),
            Some('f') => text.push('\u{c}'),
            Some('u') => {
                let (point, after) = code_point(chars.as_str());
                text.push(point);
                chars = after.chars();
            }
            Some(other) => text.push(other),
            None => {}
        }
        rest = chars.as_str();
        next = memchr::memchr(b'\\', rest.as_bytes());
    }
    text.push_str(rest);
    Cow::Owned(text)
}

/// Reads `XXXX` or `XXXX\uXXXX` and returns the character and what follows it.
fn code_point(hex: &str) -> (char, &str) {
    let Some((high, rest)) = unit(hex) else { return (char::REPLACEMENT_CHARACTER, hex) };
    if !(0xd800..0xdc00).contains(&high) {
        return (char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER), rest);
    }
    let low = rest.strip_prefix("\\u").and_then(unit).filter(|(low, _)| (0xdc00..0xe000).contains(low));
    match low {
        Some((low, after)) => {
            let point = 0x1_0000 + ((high & 0x3ff) << 10) + (low & 0x3ff);
            (char::from_u32(point).unwrap_or(char::REPLACEMENT_CHARACTER), after)
        }
        None => (char::REPLACEMENT_CHARACTER, rest),
    }
}

fn unit(hex: &str) -> Option<(u32, &str)> {
    let (digits, rest) = hex.split_at_checked(4)?;
    Some((u32::from_str_radix(digits, 16).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_reads_back_and_agrees_with_serde(text in any::<String>()) {
            let mut out = Vec::new();
            write_string(&mut out, &text);
            prop_assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text.clone());
            let literal = serde_json::to_string(&text).unwrap();
            prop_assert_eq!(unescape(&literal[1..literal.len() - 1]), text);
        }
    }

    #[test]
    fn the_first_byte_to_escape_is_found_wherever_it_stands() {
        for byte in 0..=255_u8 {
            for at in 0..20 {
                let mut bytes = [b'a'; 20];
                bytes[at] = byte;
                assert_eq!(first_to_escape(&bytes), needs_escape(byte).then_some(at), "{byte} at {at}");
                // Another one after it changes nothing.
                bytes[19] = b'"';
                assert_eq!(
                    first_to_escape(&bytes),
                    Some(if at < 19 && needs_escape(byte) { at } else { 19 })
                );
            }
        }
    }

    #[test]
    fn every_escape_has_its_meaning() {
        assert_eq!(unescape(r#"\" \\ \/ \b\f\n\r\t \u00e9 \ud83d\ude00"#), "\" \\ / \u{8}\u{c}\n\r\t é 😀");
    }

    #[test]
    fn a_lone_surrogate_becomes_the_replacement_character() {
        assert_eq!(unescape(r"a\ud83db\ude00c"), "a\u{fffd}b\u{fffd}c");
        assert_eq!(unescape(r"\ud83d\ud83d\ude00"), "\u{fffd}😀");
    }
}
