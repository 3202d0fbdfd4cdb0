//! A message that is written again and again with another text in it, as the deltas of a stream are: what stands around
//! the text is written once, and copied from then on.

use super::Text;

/// What stands around the one text of a message. `K` says which message it is.
#[derive(Debug)]
pub struct Mold<K> {
    of: Option<K>,
    before: Vec<u8>,
    behind: Vec<u8>,
}

impl<K> Default for Mold<K> {
    fn default() -> Self {
        Self { of: None, before: Vec::new(), behind: Vec::new() }
    }
}

impl<K: PartialEq> Mold<K> {
    /// Appends the message `of` with `text` in it. `write` writes it, the text as a JSON string in one place, and always
    /// the same around it for the same `of`.
    pub fn pour(
        &mut self,
        of: K,
        text: &Text<'_>,
        out: &mut Vec<u8>,
        write: impl Fn(&Text<'_>, &mut Vec<u8>),
    ) {
        if self.of.as_ref() != Some(&of) && !self.form(of, &write) {
            return write(text, out);
        }
        out.reserve(self.before.len() + text.len() + self.behind.len());
        out.extend_from_slice(&self.before);
        text.write_content(out);
        out.extend_from_slice(&self.behind);
    }

    /// Finds the place of the text: it is where a message with a letter in it differs from the one with none. False where
    /// there is more than one such place.
    fn form(&mut self, of: K, write: &impl Fn(&Text<'_>, &mut Vec<u8>)) -> bool {
        let (mut empty, mut letter) = (Vec::new(), Vec::new());
        write(&Text::plain(""), &mut empty);
        write(&Text::plain("-"), &mut letter);
        let place = empty.iter().zip(&letter).take_while(|(one, other)| one == other).count();
        self.of = None;
        let (Some((before, behind)), Some((_, [b'-', rest @ ..]))) =
            (empty.split_at_checked(place), letter.split_at_checked(place))
        else {
            return false;
        };
        if behind != rest {
            return false;
        }
        self.before = before.to_vec();
        self.behind = behind.to_vec();
        self.of = Some(of);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::super::object;
    use super::*;

    fn message(index: u64, text: &Text<'_>, out: &mut Vec<u8>) {
        object(out, |o| {
            o.u64("index", index);
            o.object("delta", |o| {
                o.text("text", text);
                o.word("type", "-");
            });
        });
    }

    #[test]
    fn what_is_poured_is_what_would_be_written() {
        let mut mold = Mold::default();
        let texts =
            [Text::plain("one"), Text::plain("\"two\"\n\u{1}"), Text::of_literal(r#""th\u0072ee""#).unwrap()];
        for index in [0, 0, 1, 0] {
            for text in texts.iter().chain([&Text::default(), &Text::plain("-")]) {
                let (mut poured, mut written) = (Vec::new(), Vec::new());
                mold.pour(index, text, &mut poured, |text, out| message(index, text, out));
                message(index, text, &mut written);
                assert_eq!(poured, written);
                assert_eq!(mold.of, Some(index));
            }
        }
    }

    #[test]
    fn a_message_with_the_text_in_two_places_has_no_mold() {
        let twice = |text: &Text<'_>, out: &mut Vec<u8>| {
            object(out, |o| {
                o.text("one", text);
                o.text("two", text);
            });
        };
        let (mut mold, mut out) = (Mold::default(), Vec::new());
        mold.pour((), &Text::plain("x"), &mut out, twice);
        assert_eq!(out, br#"{"one":"x","two":"x"}"#);
        assert_eq!(mold.of, None);
    }
}
