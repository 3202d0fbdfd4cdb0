//! What the pieces of a text cost, in hundredths of a token, one table a vocabulary.
//!
//! The numbers are a non-negative least-squares fit (relative error, large errors weighed down) of the counts of each
//! real tokenizer on 4.5 MB of text in pieces of 1,000 characters: prose, conversations, nine programming and data
//! languages, base64 and hex, and translated prose in about 90 languages. What they are worth is measured on other
//! texts; see [`super`].

use super::kind::Kind;

/// Cost table of one vocabulary.
#[derive(Debug)]
pub(super) struct Costs {
    /// Words, numbers, marks and white space, in the order of [`Piece`].
    words: [u16; 28],
    /// The kinds from [`Kind::SCRIPTS`] on: the first character of a run, and each one after it.
    scripts: [(u16, u16); 19],
    /// A word's getting this many letters; the last stands for all beyond.
    lengths: [u16; LONG + 1],
    /// A pair of letters, by its rarity.
    pairs: [u16; 4],
}

/// Letters from which on one costs what the next one does.
pub(super) const LONG: usize = 11;

/// What the scanner tells apart in Latin text.
#[derive(Debug, Clone, Copy)]
pub(super) enum Piece {
    /// A word after a space, which belongs to its token.
    WordAfterSpace,
    /// After a mark, which often does.
    WordAfterMark,
    /// After anything else.
    WordAfterOther,
    /// It starts with a capital.
    Capital,
    /// A capital within a word starts another.
    Camel,
    /// A capital after a capital.
    Capitals,
    /// Letters 4 and 5 of a word.
    Letter4,
    /// Letters 6 and 7.
    Letter6,
    /// Letters 8 to 10.
    Letter8,
    /// Every letter from the 11th on.
    Letter11,
    /// A pair of letters of rarity 1, 2 and 3 (see [`super::kind::rarity`]).
    Rare1,
    Rare2,
    Rare3,
    /// A letter beyond ASCII within a word.
    Accent,
    /// A word starts with one.
    AccentFirst,
    /// The first digit of a number.
    Digit,
    /// Every third after it.
    Digit4,
    /// A second space makes an indentation.
    Space2,
    Space3,
    Line,
    /// A line end after a line end.
    Line2,
    /// White space at the start of a line.
    Indent,
    MarkAfterSpace,
    MarkAfterWord,
    MarkAfterOther,
    /// The same mark again.
    MarkAgain,
    /// Another mark after a mark.
    MarkAfterMark,
    /// A number right behind a word.
    DigitAfterWord,
}

impl Costs {
    /// The tables of a vocabulary, those for letters spelled out.
    #[expect(clippy::indexing_slicing, reason = "evaluated at compile time; a piece has its place")]
    const fn new(words: [u16; 28], scripts: [(u16, u16); 19]) -> Self {
        let (four, six) = (words[Piece::Letter4 as usize], words[Piece::Letter6 as usize]);
        let (eight, eleven) = (words[Piece::Letter8 as usize], words[Piece::Letter11 as usize]);
        let (rare1, rare2) = (words[Piece::Rare1 as usize], words[Piece::Rare2 as usize]);
        Self {
            words,
            scripts,
            lengths: [0, 0, 0, 0, four, four, six, six, eight, eight, eight, eleven],
            pairs: [0, rare1, rare2, words[Piece::Rare3 as usize]],
        }
    }

    /// The cost of a piece of Latin text.
    pub(super) fn of(&self, piece: Piece) -> u32 {
        self.words.get(piece as usize).copied().map_or(0, u32::from)
    }

    /// The cost of another small letter of a word, which has `letters` with it.
    #[inline]
    pub(super) fn of_letter(&self, letters: usize, rarity: u8) -> u32 {
        self.of_length(letters).saturating_add(self.of_rarity(rarity))
    }

    /// The cost of a word's getting this many letters.
    #[inline]
    pub(super) fn of_length(&self, letters: usize) -> u32 {
        self.lengths.get(letters.min(LONG)).copied().map_or(0, u32::from)
    }

    /// The cost of a pair of letters of this rarity.
    #[inline]
    pub(super) fn of_rarity(&self, rarity: u8) -> u32 {
        self.pairs.get(usize::from(rarity & 3)).copied().map_or(0, u32::from)
    }

    /// The cost of a character of another script.
    pub(super) fn of_script(&self, kind: Kind, first: bool) -> u32 {
        let row = (kind as usize).checked_sub(Kind::SCRIPTS).and_then(|row| self.scripts.get(row));
        row.map_or(0, |(start, more)| u32::from(if first { *start } else { *more }))
    }
}

/// OpenAI's `o200k_base`.
pub(super) static O200K: Costs = Costs::new(
    [93, 67, 79, 2, 74, 5, 4, 0, 1, 13, 5, 21, 118, 89, 27, 123, 116, 41, 0, 79, 17, 0, 97, 67, 89, 6, 37, 0],
    [
        (87, 29),
        (178, 0),
        (189, 3),
        (35, 46),
        (0, 50),
        (0, 48),
        (126, 19),
        (139, 25),
        (0, 43),
        (339, 183),
        (40, 58),
        (199, 4),
        (0, 66),
        (254, 14),
        (0, 83),
        (192, 0),
        (61, 78),
        (0, 204),
        (37, 0),
    ],
);

/// OpenAI's older `cl100k_base`.
pub(super) static CL100K: Costs = Costs::new(
    [
        92, 63, 70, 7, 58, 2, 3, 0, 2, 13, 7, 25, 150, 174, 181, 129, 112, 35, 0, 82, 12, 0, 100, 67, 82, 5,
        37, 0,
    ],
    [
        (96, 107),
        (313, 0),
        (231, 211),
        (91, 123),
        (0, 118),
        (146, 114),
        (198, 131),
        (718, 96),
        (0, 102),
        (230, 217),
        (302, 203),
        (140, 223),
        (194, 168),
        (323, 38),
        (0, 113),
        (316, 0),
        (64, 96),
        (215, 298),
        (143, 0),
    ],
);

/// The only vocabulary that Anthropic has published, of its second generation; recorded counts of later models fit it.
pub(super) static CLAUDE: Costs = Costs::new(
    [
        91, 107, 131, 14, 62, 6, 1, 0, 4, 6, 6, 25, 114, 260, 175, 71, 116, 0, 0, 109, 36, 0, 90, 91, 131,
        11, 8, 0,
    ],
    [
        (259, 103),
        (252, 20),
        (237, 209),
        (120, 98),
        (41, 145),
        (129, 137),
        (284, 192),
        (678, 163),
        (165, 182),
        (409, 305),
        (151, 96),
        (230, 121),
        (196, 310),
        (297, 46),
        (6, 102),
        (365, 8),
        (67, 84),
        (505, 295),
        (194, 0),
    ],
);

/// Google's 256k vocabulary (Gemini, Gemma).
pub(super) static GEMINI: Costs = Costs::new(
    [94, 108, 75, 3, 78, 9, 3, 0, 0, 13, 1, 14, 66, 89, 100, 186, 353, 63, 0, 138, 0, 0, 91, 96, 62, 9, 9, 0],
    [
        (106, 30),
        (173, 0),
        (194, 39),
        (62, 46),
        (0, 50),
        (0, 59),
        (95, 56),
        (332, 19),
        (0, 39),
        (210, 100),
        (96, 85),
        (79, 76),
        (21, 106),
        (136, 12),
        (0, 70),
        (234, 0),
        (107, 45),
        (30, 102),
        (74, 0),
    ],
);

/// Llama 3.
pub(super) static LLAMA: Costs = Costs::new(
    [
        92, 63, 69, 7, 57, 2, 3, 0, 3, 13, 7, 25, 150, 138, 186, 130, 113, 31, 0, 88, 5, 0, 99, 66, 80, 4,
        38, 0,
    ],
    [
        (69, 36),
        (209, 0),
        (270, 170),
        (88, 124),
        (0, 55),
        (41, 69),
        (197, 130),
        (693, 99),
        (93, 45),
        (266, 200),
        (301, 203),
        (136, 223),
        (190, 168),
        (173, 34),
        (0, 88),
        (203, 0),
        (63, 93),
        (283, 297),
        (139, 0),
    ],
);

/// Qwen 2.5 and 3.
pub(super) static QWEN: Costs = Costs::new(
    [
        91, 78, 68, 14, 44, 0, 4, 0, 1, 13, 7, 26, 126, 151, 218, 186, 354, 33, 0, 91, 0, 0, 92, 55, 57, 5,
        38, 0,
    ],
    [
        (122, 97),
        (242, 0),
        (120, 113),
        (23, 50),
        (0, 80),
        (157, 100),
        (181, 113),
        (680, 63),
        (66, 57),
        (261, 127),
        (259, 154),
        (29, 125),
        (105, 127),
        (153, 30),
        (35, 64),
        (216, 4),
        (64, 91),
        (564, 109),
        (0, 0),
    ],
);

/// DeepSeek V3 and R1.
pub(super) static DEEPSEEK: Costs = Costs::new(
    [
        90, 81, 81, 4, 68, 14, 8, 0, 0, 13, 3, 19, 122, 168, 141, 122, 126, 19, 0, 106, 0, 0, 99, 78, 78, 5,
        34, 0,
    ],
    [
        (70, 47),
        (206, 0),
        (231, 29),
        (93, 42),
        (0, 57),
        (31, 77),
        (80, 39),
        (603, 0),
        (55, 35),
        (338, 178),
        (187, 87),
        (80, 81),
        (93, 126),
        (154, 35),
        (0, 58),
        (189, 22),
        (113, 64),
        (565, 224),
        (22, 0),
    ],
);
