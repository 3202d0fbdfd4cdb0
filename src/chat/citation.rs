//! What an answer relies on.

use super::Text;

/// What a text of an answer relies on: a page of the web, or a passage of what the request gave the model to read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Citation<'a> {
    /// Where the page is, or the search result's source; empty for a passage of a document.
    pub url: Text<'a>,
    /// Its title; empty where it was not said.
    pub title: Text<'a>,
    /// The characters of the text, from the first to the one after the last, that rely on it.
    pub span: (u64, u64),
    /// What it says there; empty where it was not said.
    pub quote: Text<'a>,
    /// The passage; `None`: it is a page.
    pub passage: Option<Passage>,
}

/// A passage of what a request gave the model to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Passage {
    /// What is counted.
    pub unit: PassageUnit,
    /// Which of the request's documents, or of its search results, from 0.
    pub index: u64,
    /// The first and the one after the last; pages are counted from 1, all else from 0.
    pub range: (u64, u64),
}

/// What a passage is told by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PassageUnit {
    /// Characters of a document.
    Character,
    /// Pages of a document.
    Page,
    /// Pieces of a document that was given in pieces.
    Piece,
    /// Pieces of a search result.
    ResultPiece,
}

impl<'a> Citation<'a> {
    /// A page.
    pub fn page(url: Text<'a>, title: Text<'a>, span: (u64, u64)) -> Self {
        Self { url, title, span, ..Self::default() }
    }
}

impl Citation<'_> {
    /// How much one text or answer may rely on, each as often as it does: real ones have tens.
    pub const MOST: usize = 1024;

    /// The characters that rely on it, of a text of this length: what has no place in it is the whole text's.
    pub fn place_in(&self, length: u64) -> (u64, u64) {
        match self.span {
            (start, end) if start < end.min(length) => (start, end.min(length)),
            _ => (0, length),
        }
    }

    /// The same for longer than what it was read from.
    pub fn into_owned(self) -> Citation<'static> {
        Citation {
            url: self.url.into_owned(),
            title: self.title.into_owned(),
            span: self.span,
            quote: self.quote.into_owned(),
            passage: self.passage,
        }
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

/// A piece of a text, from one character to another, and what it relies on.
pub type Piece<'p, 'a> = (u64, u64, Vec<&'p Citation<'a>>);

/// Cuts a text where what it relies on begins and ends. Spans that overlap are one, and what has no place in the text is the
/// whole text's. White space stays with the words before it: a block of nothing else could not be sent back.
pub fn pieces<'p, 'a>(text: &Measured, pages: &'p [Citation<'a>]) -> Vec<Piece<'p, 'a>> {
    let length = text.characters();
    let mut spans: Vec<Piece<'p, 'a>> = pages
        .iter()
        .map(|page| {
            let (start, end) = page.place_in(length);
            (start, end, vec![page])
        })
        .collect();
    spans.sort_by_key(|(start, ..)| *start);
    let mut pieces: Vec<Piece<'p, 'a>> = Vec::with_capacity(spans.len().saturating_mul(2).saturating_add(1));
    // Whether the last piece is nothing but white space.
    let mut is_blank = false;
    let mut add = |(start, end, mut pages): Piece<'p, 'a>| {
        if start >= end {
            return;
        }
        let adds_blank = text.between(start, end).trim().is_empty();
        if let Some((_, last, before)) = pieces.last_mut().filter(|_| is_blank || adds_blank) {
            *last = end;
            before.append(&mut pages);
            is_blank &= adds_blank;
        } else {
            pieces.push((start, end, pages));
            is_blank = adds_blank;
        }
    };
    let mut spans = spans.into_iter().peekable();
    let mut done = 0;
    while let Some((start, mut end, mut pages)) = spans.next() {
        while let Some((_, further, mut more)) = spans.next_if(|(next, ..)| *next < end) {
            end = end.max(further);
            pages.append(&mut more);
        }
        add((done, start, Vec::new()));
        add((start, end, pages));
        done = end;
    }
    add((done, length, Vec::new()));
    pieces
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
