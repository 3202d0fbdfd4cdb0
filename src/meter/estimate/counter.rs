//! The scanner: one pass over the bytes of a text, which may come in pieces, without allocation.

use super::Tokenizer;
use super::costs::{Costs, LONG, Piece};
use super::kind::{Kind, rarity};
use crate::wire::json::Text;

/// Estimates the tokens of a text while it passes. The same text gives the same count however it is cut.
#[derive(Debug, Clone, Copy)]
pub struct Counter {
    tokenizer: Tokenizer,
    /// In hundredths of a token.
    cost: u64,
    last: Kind,
    /// The last byte of a character in ASCII; the first of any other.
    byte: u8,
    /// Characters of the same kind in a row.
    run: u32,
    /// Letters of the word so far; not counted beyond [`LONG`].
    letters: usize,
    /// The first byte of a character whose second has not come yet.
    lead: u8,
    escape: Escape,
}

/// Where an escape of a JSON string stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Escape {
    None,
    /// After the backslash.
    Open,
    /// Within `\uXXXX`: the digits left, and the value so far.
    Unicode(u8, u16),
}

impl Counter {
    /// A counter that has seen nothing.
    pub fn new(tokenizer: Tokenizer) -> Self {
        Self {
            tokenizer,
            cost: 0,
            last: Kind::Start,
            byte: 0,
            run: 0,
            letters: 0,
            lead: 0,
            escape: Escape::None,
        }
    }

    /// Whose tokens it counts.
    pub fn tokenizer(&self) -> Tokenizer {
        self.tokenizer
    }

    /// Takes more of the text, in UTF-8.
    pub fn push(&mut self, text: &[u8]) {
        let costs = self.tokenizer.costs();
        let mut rest = text;
        while let Some((byte, behind)) = rest.split_first() {
            let in_word = matches!(self.last, Kind::Lower | Kind::Upper);
            if in_word && byte.is_ascii_lowercase() {
                rest = self.small_words(rest, costs);
            } else {
                self.byte(*byte, costs);
                rest = behind;
            }
        }
    }

    /// Takes more of what stands between the quotes of a JSON string: escapes count as what they mean.
    pub fn push_escaped(&mut self, text: &[u8]) {
        let costs = self.tokenizer.costs();
        let mut rest = text;
        while let Some((byte, behind)) = rest.split_first() {
            match (self.escape, *byte) {
                (Escape::None, b'\\') => self.escape = Escape::Open,
                (Escape::None, _) => {
                    let plain = memchr::memchr(b'\\', rest).unwrap_or(rest.len());
                    let (plain, escaped) = rest.split_at(plain);
                    self.push(plain);
                    rest = escaped;
                    continue;
                }
                (Escape::Open, b'u') => self.escape = Escape::Unicode(4, 0),
                (Escape::Open, byte) => {
                    self.escape = Escape::None;
                    self.byte(meant(byte), costs);
                }
                (Escape::Unicode(left, value), byte) => self.digit(left, value, byte, costs),
            }
            rest = behind;
        }
    }

    /// Takes more of the text, whichever form it has.
    pub fn push_text(&mut self, text: &Text<'_>) {
        match text.literal() {
            Some(inside) => self.push_escaped(inside.as_bytes()),
            None => self.push(text.to_str().as_bytes()),
        }
    }

    /// A text ends here: what comes next does not go on with its last word.
    pub fn pause(&mut self) {
        *self = Self { tokenizer: self.tokenizer, cost: self.cost, ..Self::new(self.tokenizer) };
    }

    /// Adds whole tokens that are no text: what a picture or the frame of a message takes.
    pub fn add(&mut self, tokens: u64) {
        self.cost = self.cost.saturating_add(tokens.saturating_mul(100));
    }

    /// Takes a whole text apart from what came before, at a part of its cost: a schema that the provider writes more
    /// tersely, or less, than JSON.
    pub fn add_percent(&mut self, text: &[u8], percent: u64) {
        let mut apart = Self::new(self.tokenizer);
        apart.push(text);
        self.cost = self.cost.saturating_add(apart.cost.saturating_mul(percent) / 100);
    }

    /// The estimate so far, in tokens, rounded up.
    pub fn tokens(&self) -> u64 {
        self.cost.div_ceil(100)
    }

    /// Takes the small letters that a text begins with and that go on with a word in ASCII, and such words after single
    /// spaces; what is behind them comes back. Most of all text is such words, so this says in few steps what
    /// [`Counter::byte`] says of them.
    fn small_words<'t>(&mut self, text: &'t [u8], costs: &Costs) -> &'t [u8] {
        let word = u64::from(costs.of(Piece::WordAfterSpace));
        let (mut cost, mut letters, mut before) = (0_u64, self.letters, self.byte);
        let mut rest = text;
        loop {
            match rest {
                [letter @ b'a'..=b'z', behind @ ..] => {
                    letters = (letters + 1).min(LONG);
                    cost += u64::from(costs.of_letter(letters, rarity(before, *letter)));
                    (before, rest) = (*letter, behind);
                }
                [b' ', letter @ b'a'..=b'z', behind @ ..] => {
                    letters = 1;
                    cost += word;
                    (before, rest) = (*letter, behind);
                }
                _ => break,
            }
        }
        self.cost = self.cost.saturating_add(cost);
        (self.last, self.byte, self.lead) = (Kind::Lower, before, 0);
        (self.run, self.letters) = (1, letters);
        rest
    }

    fn byte(&mut self, byte: u8, costs: &Costs) {
        let kind = match byte {
            ..0x80 => Kind::of_ascii(byte),
            // The rest of a character; only the second byte says more.
            0x80..0xc0 if self.lead == 0 => return,
            0x80..0xc0 => Kind::of_pair(self.lead, byte),
            _ => {
                self.lead = byte;
                return;
            }
        };
        self.lead = 0;
        self.character(kind, byte, costs);
    }

    fn character(&mut self, kind: Kind, byte: u8, costs: &Costs) {
        let last = self.last;
        self.run = if kind == last { self.run.saturating_add(1) } else { 1 };
        let cost = match kind {
            Kind::Lower | Kind::Upper | Kind::Latin => self.letter(kind, byte, costs),
            Kind::Digit if self.run == 1 => {
                let behind = if last.is_latin() { costs.of(Piece::DigitAfterWord) } else { 0 };
                costs.of(Piece::Digit).saturating_add(behind)
            }
            Kind::Digit if self.run % 3 == 1 => costs.of(Piece::Digit4),
            Kind::Digit | Kind::Start => 0,
            Kind::Space => match self.run {
                1 if last == Kind::Line => costs.of(Piece::Indent),
                1 => 0,
                2 => costs.of(Piece::Space2),
                _ => costs.of(Piece::Space3),
            },
            Kind::Line => costs.of(if self.run == 1 { Piece::Line } else { Piece::Line2 }),
            Kind::Mark => costs.of(match last {
                Kind::Mark if self.byte == byte => Piece::MarkAgain,
                Kind::Mark => Piece::MarkAfterMark,
                Kind::Space => Piece::MarkAfterSpace,
                last if last.is_latin() => Piece::MarkAfterWord,
                _ => Piece::MarkAfterOther,
            }),
            script => costs.of_script(script, self.run == 1),
        };
        self.cost = self.cost.saturating_add(cost.into());
        self.last = kind;
        self.byte = byte;
    }

    fn letter(&mut self, kind: Kind, byte: u8, costs: &Costs) -> u32 {
        let last = self.last;
        let inside = last.is_latin();
        if !inside || (kind == Kind::Upper && last != Kind::Upper) {
            self.letters = 1;
            let start = match last {
                _ if inside => Piece::Camel,
                Kind::Space => Piece::WordAfterSpace,
                Kind::Mark => Piece::WordAfterMark,
                _ => Piece::WordAfterOther,
            };
            let first = match kind {
                Kind::Upper => costs.of(Piece::Capital),
                Kind::Latin => costs.of(Piece::AccentFirst),
                _ => 0,
            };
            return costs.of(start).saturating_add(first);
        }
        self.letters = (self.letters + 1).min(LONG);
        let length = costs.of_length(self.letters);
        let form = match kind {
            Kind::Upper => costs.of(Piece::Capitals),
            Kind::Latin => costs.of(Piece::Accent),
            _ => 0,
        };
        let is_ascii = kind != Kind::Latin && last != Kind::Latin;
        let pair = if is_ascii { costs.of_rarity(rarity(self.byte, byte)) } else { 0 };
        length.saturating_add(form).saturating_add(pair)
    }

    /// A digit of `\uXXXX`; the last one makes a character of it.
    fn digit(&mut self, left: u8, value: u16, byte: u8, costs: &Costs) {
        let digit = char::from(byte).to_digit(16).and_then(|digit| u16::try_from(digit).ok()).unwrap_or(0);
        let value = (value << 4) | digit;
        self.escape = if left > 1 { Escape::Unicode(left - 1, value) } else { Escape::None };
        // A pair of surrogates is one character, and an emoji in all likelihood: the first one stands for it.
        match value {
            _ if left > 1 => {}
            0xd800..0xdc00 => self.character(Kind::Emoji, 0, costs),
            0xdc00..0xe000 => {}
            value => {
                let mut bytes = [0; 4];
                let text = char::from_u32(value.into()).unwrap_or(' ').encode_utf8(&mut bytes);
                for byte in text.bytes() {
                    self.byte(byte, costs);
                }
            }
        }
    }
}

/// What a one-letter escape of JSON stands for.
fn meant(escape: u8) -> u8 {
    match escape {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' | b'f' => 0,
        other => other,
    }
}

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests {
    use super::*;

    proptest::proptest! {
        /// Whole words are taken in few steps, and count what their letters count one by one.
        #[test]
        fn words_are_what_their_letters_are(text in "([a-zT1.\n]{1,14} ?){0,12}", accents in "[a-zé ]{0,40}") {
            for tokenizer in Tokenizer::ALL {
                for text in [&text, &accents] {
                    let (mut fast, mut slow) = (Counter::new(*tokenizer), Counter::new(*tokenizer));
                    fast.push(text.as_bytes());
                    text.bytes().for_each(|byte| slow.byte(byte, tokenizer.costs()));
                    proptest::prop_assert_eq!(fast.cost, slow.cost);
                }
            }
        }
    }
}
