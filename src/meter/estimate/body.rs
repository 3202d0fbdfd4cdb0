//! The input tokens of a request body that nobody has to decode.

use super::{Counter, Tokenizer};
use crate::wire::json::{Body, Strings, next_string};

/// A string longer than this without a space is a file in base64, not words.
const FILE: usize = 1024;

/// What a file in a request is taken for, in tokens: a picture of a thousand pixels square.
const FILE_TOKENS: u64 = 765;

/// Bytes of short strings that are looked at; the rest goes on at the same rate.
const SHORT: usize = 192;

/// Pieces that are looked at of the long strings, evenly spread over all of them, and the bytes in each. Text of one kind
/// has much the same rate everywhere, and every request pays for what is looked at.
const PIECES: usize = 6;
const PIECE: usize = 48;

/// The input tokens of a request, from its JSON in any dialect: rougher than [`super::from_request`], but without
/// decoding, and from a sample where it is long. All strings count, names of fields too, which come to about what frames
/// a message; files in base64 count as pictures.
pub fn from_body(body: &Body, tokenizer: Tokenizer) -> u64 {
    let strings = body.strings();
    let mut files = 0_u64;
    let mut texts: Vec<&[u8]> = Vec::with_capacity(strings.long.len());
    for text in strings.long.iter().filter_map(|place| body.get(place.clone())) {
        if is_file(text) {
            files = files.saturating_add(1);
        } else {
            texts.push(text);
        }
    }
    short(body, strings, tokenizer)
        .saturating_add(long(&texts, strings.unlisted, tokenizer))
        .saturating_add(files.saturating_mul(FILE_TOKENS))
}

/// The tokens of the short strings.
fn short(body: &[u8], strings: &Strings, tokenizer: Tokenizer) -> u64 {
    let mut counter = Counter::new(tokenizer);
    let mut long = strings.long.iter().peekable();
    let (mut at, mut seen) = (0, 0_usize);
    while seen < SHORT.min(strings.short) {
        let Some(inside) = next_string(body, at) else { break };
        // Those that are known to be long need no search for their ends.
        let inside = long.next_if(|place| place.start == inside.start).cloned().unwrap_or(inside);
        at = inside.end.saturating_add(1);
        if let Some(text) = body.get(inside).filter(|text| text.len() <= Strings::SHORT) {
            counter.push_escaped(text);
            counter.pause();
            seen = seen.saturating_add(text.len());
        }
    }
    at_the_rate_of(&counter, seen, strings.short)
}

/// The tokens of long strings, and of `more` bytes of their kind.
fn long(texts: &[&[u8]], more: usize, tokenizer: Tokenizer) -> u64 {
    let mut counter = Counter::new(tokenizer);
    let listed = texts.iter().fold(0_usize, |sum, text| sum.saturating_add(text.len()));
    let mut seen = 0_usize;
    if listed <= PIECES * PIECE {
        for text in texts {
            counter.push_escaped(text);
            counter.pause();
        }
        seen = listed;
    } else {
        // Where the next piece begins, in bytes from the start of the next text.
        let step = listed / PIECES;
        let mut next = step / 2;
        for text in texts {
            while let Some(rest) = text.get(next..).filter(|rest| !rest.is_empty()) {
                let piece = whole_words(rest);
                counter.push_escaped(piece);
                counter.pause();
                seen = seen.saturating_add(piece.len());
                next = next.saturating_add(step);
            }
            next = next.saturating_sub(text.len());
        }
    }
    at_the_rate_of(&counter, seen, listed.saturating_add(more))
}

/// About a piece's length of a text from the first word on that begins in it, each with the space before it, to where the
/// last word ends. A text without spaces is cut anywhere.
fn whole_words(text: &[u8]) -> &[u8] {
    let head = |text: &[u8]| PIECE.min(text.len());
    let start = text.get(..head(text)).and_then(|head| memchr::memchr(b' ', head)).unwrap_or(0);
    let text = text.get(start..).unwrap_or_default();
    let piece = text.get(..head(text)).unwrap_or_default();
    let end = memchr::memrchr(b' ', piece).filter(|end| *end > 0 && piece.len() < text.len());
    piece.get(..end.unwrap_or(piece.len())).unwrap_or_default()
}

/// The tokens of so many bytes, of which `seen` were counted.
fn at_the_rate_of(counter: &Counter, seen: usize, bytes: usize) -> u64 {
    let wide = |bytes: usize| u64::try_from(bytes).unwrap_or(u64::MAX);
    counter.tokens().saturating_mul(wide(bytes)).checked_div(wide(seen)).unwrap_or(0)
}

/// Whether a string is a file in base64.
fn is_file(string: &[u8]) -> bool {
    let letter = |byte: &u8| {
        byte.is_ascii_alphanumeric()
            || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'_' | b':' | b';' | b',' | b'\\')
    };
    string.get(..FILE).is_some_and(|head| head.iter().all(letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(body: &str) -> u64 {
        from_body(&body.as_bytes().to_vec().into(), Tokenizer::O200k)
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
    fn a_sample_stands_for_the_whole() {
        const WORDS: &str =
            "the quick brown fox jumps over the lazy dog, and 12 more of them do so after dinner; ";
        const OTHER: &str =
            "ma la volpe veloce salta sopra il cane pigro, e dodici altre lo fanno dopo cena; ";
        let of = |text: &str| super::super::from_text(text, Tokenizer::O200k);
        for text in [WORDS.repeat(100), WORDS.repeat(40) + &OTHER.repeat(40), "値段は百円です。".repeat(300)]
        {
            let exact = of(&text);
            // As one string, and as many.
            let size = (text.len() / 9..text.len()).find(|size| text.is_char_boundary(*size)).unwrap();
            let (head, tail) = text.split_at(size);
            for body in [format!(r#"["{text}"]"#), format!(r#"["{head}","{tail}"]"#)] {
                let guess = tokens(&body);
                assert!((exact * 88..exact * 113).contains(&(guess * 100)), "{guess} {exact}");
            }
        }
        // Short ones go on at their rate as well.
        let short = format!("[{}1]", "\"the quick brown fox\",".repeat(1000));
        assert!((3900..4800).contains(&tokens(&short)), "{}", tokens(&short));
    }
}
