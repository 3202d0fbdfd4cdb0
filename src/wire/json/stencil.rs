//! Messages that are all the same but for a text and what stands for no more than noise, as the chunks of a stream are:
//! what is the same is compared as bytes, and what differs is read without looking at the rest.

use super::Text;
use memchr::arch::all::{is_equal, is_prefix};
use std::ops::Range;

/// Longest message that is remembered, in bytes: chunks of streams have a few hundred.
const LONGEST: usize = 4096;

/// The bytes around what may differ in a message that was read before. `K` says what such a message means.
#[derive(Debug)]
pub struct Stencil<K> {
    of: Option<K>,
    /// What stands before each place, in their order.
    places: Vec<Place>,
    /// What stands behind the last.
    behind: Vec<u8>,
}

/// A place where messages differ.
#[derive(Debug)]
struct Place {
    /// What stands between the place before and this one; of a string its opening quote is the last of it.
    before: Vec<u8>,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The string that is wanted.
    Text,
    /// Any other one.
    Noise,
    /// A whole number.
    Number,
}

impl<K> Default for Stencil<K> {
    fn default() -> Self {
        Self { of: None, places: Vec::new(), behind: Vec::new() }
    }
}

impl<K: Copy> Stencil<K> {
    /// Remembers a message and what it means, given the inside of the string literal that is its text, and what else may
    /// differ in the next: the insides of other literals, and whole numbers. All have to be pieces of `message`; where they
    /// are not, nothing is remembered.
    pub fn learn(&mut self, of: K, message: &[u8], text: &str, noise: &[&str]) {
        self.places.clear();
        let is_known = message.len() <= LONGEST && self.remember(message, text, noise).is_some();
        self.of = is_known.then_some(of);
    }

    fn remember(&mut self, message: &[u8], text: &str, noise: &[&str]) -> Option<()> {
        let mut holes = vec![(place(message, text)?, true)];
        for piece in noise {
            holes.push((place(message, piece)?, false));
        }
        holes.sort_by_key(|(inside, _)| inside.start);
        let mut from = 0;
        for (inside, is_text) in holes {
            let before = message.get(from..inside.start)?.to_vec();
            let kind = match before.ends_with(b"\"") {
                true if is_text => Kind::Text,
                true => Kind::Noise,
                false if whole_number(message.get(inside.start..)?)? == inside.len() => Kind::Number,
                false => return None,
            };
            self.places.push(Place { before, kind });
            from = inside.end;
        }
        message.get(from..)?.clone_into(&mut self.behind);
        Some(())
    }

    /// What a message means that is otherwise the one that was remembered, and its text. `None` for any other message, and
    /// for one whose literals only a full reading can tell right from wrong.
    pub fn read<'m>(&self, message: &'m [u8]) -> Option<(K, Text<'m>)> {
        let of = self.of?;
        let mut rest = message;
        let mut text = None;
        for place in &self.places {
            // The standard comparison takes a byte at a time under Wasm.
            rest = is_prefix(rest, &place.before).then(|| rest.get(place.before.len()..))??;
            let length = if place.kind == Kind::Number { whole_number(rest)? } else { simple_literal(rest)? };
            let (inside, behind) = rest.split_at_checked(length)?;
            if place.kind != Kind::Number {
                let inside = std::str::from_utf8(inside).ok()?;
                text = text.or((place.kind == Kind::Text).then_some(inside));
            }
            rest = behind;
        }
        let inside = text.filter(|_| is_equal(rest, &self.behind))?;
        Some((of, Text::of_inside(inside)))
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

/// Length of a whole number without a sign (RFC 8259 §6). What stands behind it tells whether it ends there.
fn whole_number(text: &[u8]) -> Option<usize> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    (digits == 1 || (digits > 1 && text.first() != Some(&b'0'))).then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learned(message: &str, text: &str, noise: &[&str]) -> Stencil<()> {
        let piece = |piece: &str| {
            let at = message.find(piece).unwrap();
            &message[at..at + piece.len()]
        };
        let noise: Vec<&str> = noise.iter().map(|noise| piece(noise)).collect();
        let mut stencil = Stencil::default();
        stencil.learn((), message.as_bytes(), piece(text), &noise);
        stencil
    }

    #[test]
    fn what_differs_only_in_its_text_is_read() {
        let stencil = learned(r#"{"a":1,"text":"one","b":null}"#, "one", &[]);
        let read =
            |message: &'static str| stencil.read(message.as_bytes()).and_then(|((), text)| text.literal());
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
        assert!(Stencil::<()>::default().read(b"").is_none());
    }

    #[test]
    fn noise_and_numbers_may_differ_too() {
        let stencil =
            learned(r#"{"noise":"xyz","number":7,"text":"one","end":12}"#, "one", &["xyz", "7", "12"]);
        let read =
            |message: &'static str| stencil.read(message.as_bytes()).and_then(|((), text)| text.literal());
        assert_eq!(read(r#"{"noise":"a","number":10,"text":"two","end":0}"#), Some("two"));
        for other in [
            r#"{"noise":"a","number":10,"text":"two","end":0,"b":1}"#,
            r#"{"noise":"a","number":01,"text":"two","end":0}"#,
            r#"{"noise":"a","number":-1,"text":"two","end":0}"#,
            r#"{"noise":"a","number":1.5,"text":"two","end":0}"#,
            r#"{"noise":"a","number":1e5,"text":"two","end":0}"#,
            r#"{"noise":"a","number":,"text":"two","end":0}"#,
            r#"{"noise":"a","number":1,"text":"two","end":}"#,
            r#"{"noise":"a\q","number":1,"text":"two","end":1}"#,
            r#"{"noise":"a"}"#,
        ] {
            assert_eq!(read(other), None, "{other}");
        }
        assert!(stencil.read(b"{\"noise\":\"\xff\",\"number\":1,\"text\":\"two\",\"end\":1}").is_none());
    }

    #[test]
    fn what_is_no_piece_of_the_message_is_not_learned() {
        let mut stencil = Stencil::default();
        let message = r#"{"text":"one","more":1.5}"#;
        for (text, noise) in
            [("one", vec![]), (&message[9..12], vec!["one"]), (&message[9..12], vec![&message[22..24]])]
        {
            stencil.learn((), message.as_bytes(), text, &noise);
            assert!(stencil.read(message.as_bytes()).is_none(), "{text} {noise:?}");
        }
        stencil.learn((), message.as_bytes(), &message[9..12], &[]);
        assert!(stencil.read(message.as_bytes()).is_some());
    }
}
