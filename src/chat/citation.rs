//! What an answer relies on.

use super::Text;

/// A page that a text of an answer relies on.
#[derive(Debug, Clone, PartialEq)]
pub struct Citation<'a> {
    /// Where it is.
    pub url: Text<'a>,
    /// Its title; empty where it was not said.
    pub title: Text<'a>,
    /// The characters of the text, from the first to the one after the last, that rely on it.
    pub span: (u64, u64),
}

impl Citation<'_> {
    /// How many pages one text or answer may rely on, each as often as it does: real ones have tens of them.
    pub const MOST: usize = 1024;

    /// The characters that rely on it, of a text of this length: a page without a place in it is the whole text's.
    pub fn place_in(&self, length: u64) -> (u64, u64) {
        match self.span {
            (start, end) if start < end.min(length) => (start, end.min(length)),
            _ => (0, length),
        }
    }

    /// The same for longer than what it was read from.
    pub fn into_owned(self) -> Citation<'static> {
        Citation { url: self.url.into_owned(), title: self.title.into_owned(), span: self.span }
    }

    /// The same of a text that so many characters were put before.
    #[must_use]
    pub fn moved(self, before: u64) -> Self {
        let (start, end) = self.span;
        Self { span: (start.saturating_add(before), end.saturating_add(before)), ..self }
    }
}

/// The characters of a text.
pub fn characters(text: &str) -> u64 {
    u64::try_from(text.chars().count()).unwrap_or(u64::MAX)
}

/// Characters between the places of a text that are kept.
const APART: u64 = 64;

/// A text that is gathered, in which places are found by bytes and by characters: some dialects count the ones, some the
/// others. However many places are asked for, none costs more than a short look.
#[derive(Debug, Default)]
pub struct Measured {
    text: String,
    characters: u64,
    /// The bytes before every so many characters.
    marks: Vec<usize>,
}

impl Measured {
    /// A text that is all there.
    pub fn of(text: &str) -> Self {
        let mut measured = Self::default();
        measured.push(text);
        measured
    }

    /// Bytes of a stream's text that are kept for what is said of it later, at most: providers limit a whole answer to some
    /// hundred thousand tokens.
    pub const MOST_BYTES: usize = 16 << 20;

    /// More of the text of a stream, unless it is too long by now.
    pub fn push_bounded(&mut self, more: &Text<'_>) {
        if self.text.len().saturating_add(more.len()) <= Self::MOST_BYTES {
            self.push(&more.to_str());
        }
    }

    /// More of the text.
    pub fn push(&mut self, more: &str) {
        let before = self.text.len();
        for (at, _) in more.char_indices() {
            if self.characters.is_multiple_of(APART) {
                self.marks.push(before.saturating_add(at));
            }
            self.characters = self.characters.saturating_add(1);
        }
        self.text.push_str(more);
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How many characters it has.
    pub fn characters(&self) -> u64 {
        self.characters
    }

    /// How many characters there are before a byte. Within a character and beyond the end there is no place.
    pub fn character(&self, byte: usize) -> Option<u64> {
        let Some(mark) = self.marks.partition_point(|mark| *mark <= byte).checked_sub(1) else {
            return (byte == 0).then_some(0);
        };
        let since = self.text.get(*self.marks.get(mark)?..byte)?;
        let before = u64::try_from(mark).ok()?.saturating_mul(APART);
        Some(before.saturating_add(characters(since)))
    }

    /// How many bytes there are before a character; `None` beyond the end.
    pub fn byte(&self, character: u64) -> Option<usize> {
        if character == self.characters {
            return Some(self.text.len());
        }
        let mark = *self.marks.get(usize::try_from(character / APART).ok()?)?;
        let since = usize::try_from(character % APART).ok()?;
        let (at, _) = self.text.get(mark..)?.char_indices().nth(since)?;
        Some(mark.saturating_add(at))
    }

    /// The text between two characters.
    pub fn between(&self, start: u64, end: u64) -> &str {
        let range = self.byte(start).zip(self.byte(end));
        range.and_then(|(start, end)| self.text.get(start..end)).unwrap_or_default()
    }
}

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn bytes_and_characters_are_the_same_places(pieces in prop::collection::vec("[a-c é€😀]{0,70}", 0..5)) {
            let mut measured = Measured::default();
            for piece in &pieces {
                measured.push(piece);
            }
            let text = pieces.concat();
            let bytes: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
            for at in 0..=text.len() + 1 {
                let character = bytes.iter().position(|byte| *byte == at).map(|place| place as u64);
                prop_assert_eq!(measured.character(at), character);
                prop_assert_eq!(measured.byte(at as u64), bytes.get(at).copied());
            }
        }
    }
}
