//! Messages that are all the same but for a text or two, as the chunks of a stream are: what is the same is compared
//! as bytes, and what differs is read without looking at the rest.

use super::Text;
use memchr::arch::all::{is_equal, is_prefix};
use std::ops::Range;

/// Longest message that is remembered, in bytes: chunks of streams have a few hundred.
const LONGEST: usize = 4096;

/// The bytes around the string literals of a message that was read before.
#[derive(Debug, Default)]
pub struct Stencil {
    /// What stands before the first literal (its quote included), between two of them, and behind the last.
    around: Vec<Vec<u8>>,
}

impl Stencil {
    /// Remembers a message, given the insides of the string literals of it that may differ in the next, in their order.
    /// They have to be pieces of `message`; where they are not, nothing is remembered.
    pub fn learn(&mut self, message: &[u8], literals: &[&str]) {
        self.around.clear();
        if message.len() > LONGEST || literals.is_empty() {
            return;
        }
        let mut from = 0;
        for literal in literals {
            let Some(inside) = place(message, literal) else { return self.around.clear() };
            let Some(before) = message.get(from..inside.start) else { return self.around.clear() };
            if !before.ends_with(b"\"") {
                return self.around.clear();
            }
            self.around.push(before.to_vec());
            from = inside.end;
        }
        self.around.push(message.get(from..).unwrap_or_default().to_vec());
    }

    /// The first of the texts of a message that is otherwise the one that was remembered. `None` for any other message,
    /// and for one whose literals only a full reading can tell right from wrong.
    pub fn read<'m>(&self, message: &'m [u8]) -> Option<Text<'m>> {
        let (last, others) = self.around.split_last()?;
        let mut rest = message;
        let mut first = None;
        for before in others {
            // The standard comparison takes a byte at a time under Wasm.
            rest = is_prefix(rest, before).then(|| rest.get(before.len()..))??;
            let (inside, behind) = rest.split_at_checked(simple_literal(rest)?)?;
            let inside = std::str::from_utf8(inside).ok()?;
            first = first.or(Some(inside));
            rest = behind;
        }
        first.filter(|_| is_equal(rest, last)).map(Text::of_inside)
    }
}

/// Where a piece of a message stands in it.
fn place(message: &[u8], piece: &str) -> Option<Range<usize>> {
    let start = piece.as_ptr().addr().checked_sub(message.as_ptr().addr())?;
    let range = start..start.checked_add(piece.len())?;
    (message.get(range.clone())? == piece.as_bytes()).then_some(range)
}

/// Length of a literal's inside, of which this is the first byte, up to its closing quote (RFC 8259 §7). `None` where
/// it has no end, is wrong, or has escapes by number.
fn simple_literal(text: &[u8]) -> Option<usize> {
    let mut bytes = text.iter().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'"' => return Some(at),
            b'\\' => {
                let (_, escaped) = bytes.next()?;
                matches!(escaped, b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't').then_some(())?;
            }
            0..0x20 => return None,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learned(message: &str, literals: &[&str]) -> Stencil {
        let places: Vec<&str> = literals
            .iter()
            .map(|literal| {
                let at = message.find(literal).unwrap();
                &message[at..at + literal.len()]
            })
            .collect();
        let mut stencil = Stencil::default();
        stencil.learn(message.as_bytes(), &places);
        stencil
    }

    #[test]
    fn what_differs_only_in_its_text_is_read() {
        let stencil = learned(r#"{"a":1,"text":"one","b":null}"#, &["one"]);
        let read = |message: &'static str| stencil.read(message.as_bytes()).and_then(|text| text.literal());
        assert_eq!(read(r#"{"a":1,"text":"one","b":null}"#), Some("one"));
        assert_eq!(read(r#"{"a":1,"text":"","b":null}"#), Some(""));
        assert_eq!(read(r#"{"a":1,"text":"tw\"o\\\n é","b":null}"#), Some(r#"tw\"o\\\n é"#));
        for other in [
            r#"{"a":2,"text":"one","b":null}"#,
            r#"{"a":1,"text":"one","b":null} "#,
            r#"{"a":1,"text":"one","b":nul"#,
            r#"{"a":1,"text":null,"b":null}"#,
            r#"{"a":1,"text":"one","more":"","b":null}"#,
            r#"{"a":1,"text":"o\u006ee","b":null}"#,
            r#"{"a":1,"text":"o\ne\","b":null}"#,
            r#"{"a":1,"text":"o\xe","b":null}"#,
            "{\"a\":1,\"text\":\"o\ne\",\"b\":null}",
            "",
        ] {
            assert!(stencil.read(other.as_bytes()).is_none(), "{other}");
        }
        assert!(stencil.read(b"{\"a\":1,\"text\":\"\xff\",\"b\":null}").is_none());
        assert!(Stencil::default().read(b"").is_none());
    }

    #[test]
    fn several_texts_may_differ() {
        let stencil = learned(r#"{"text":"one","noise":"xyz"}"#, &["one", "xyz"]);
        let read = |message: &'static str| stencil.read(message.as_bytes()).and_then(|text| text.literal());
        assert_eq!(read(r#"{"text":"two","noise":"a"}"#), Some("two"));
        assert_eq!(read(r#"{"text":"two","noise":"a","b":1}"#), None);
        assert_eq!(read(r#"{"text":"two"}"#), None);
    }

    #[test]
    fn what_is_no_piece_of_the_message_is_not_learned() {
        let mut stencil = Stencil::default();
        stencil.learn(br#"{"text":"one"}"#, &["one"]);
        assert!(stencil.read(br#"{"text":"one"}"#).is_none());
    }
}
