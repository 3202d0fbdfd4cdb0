//! What a character is, as far as tokens go.

/// A class of characters. The order is that of the cost tables from [`Kind::SCRIPTS`] on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// Nothing yet.
    Start,
    /// ASCII, small.
    Lower,
    /// ASCII, capital.
    Upper,
    /// Latin beyond ASCII, mostly within words.
    Latin,
    Digit,
    /// Space, tab.
    Space,
    /// Line end.
    Line,
    /// All else in ASCII.
    Mark,
    Greek,
    Cyrillic,
    Armenian,
    Hebrew,
    Arabic,
    Devanagari,
    /// Bengali, Gurmukhi, Gujarati, Oriya.
    NorthIndic,
    /// Tamil, Telugu, Kannada, Malayalam, Sinhala.
    SouthIndic,
    Thai,
    /// Lao, Tibetan.
    Lao,
    Myanmar,
    Georgian,
    Khmer,
    Kana,
    Han,
    Hangul,
    /// Punctuation and symbols beyond ASCII.
    Symbol,
    /// Scripts that vocabularies hardly know.
    Rare,
    Emoji,
}

impl Kind {
    /// The first kind that goes by the character; those before it make words, numbers and code.
    pub(super) const SCRIPTS: usize = Self::Greek as usize;

    /// Whether it is a letter of a Latin word.
    pub(super) fn is_latin(self) -> bool {
        matches!(self, Self::Lower | Self::Upper | Self::Latin)
    }

    /// The kind of an ASCII character.
    pub(super) fn of_ascii(byte: u8) -> Self {
        match byte {
            b'a'..=b'z' => Self::Lower,
            b'A'..=b'Z' => Self::Upper,
            b'0'..=b'9' => Self::Digit,
            b' ' | b'\t' => Self::Space,
            b'\n' | b'\r' => Self::Line,
            _ => Self::Mark,
        }
    }

    /// The kind of a character beyond ASCII by its first two bytes in UTF-8, which name its block of 64.
    pub(super) fn of_pair(first: u8, second: u8) -> Self {
        match (first, second) {
            (0xc3..=0xcd, _) | (0xe1, 0xb8..=0xbb) => Self::Latin,
            (0xce..=0xcf, _) => Self::Greek,
            (0xd0..=0xd3, _) => Self::Cyrillic,
            (0xd4..=0xd5, _) | (0xd6, ..0x90) => Self::Armenian,
            (0xd6..=0xd7, _) => Self::Hebrew,
            (0xd8..=0xdb, _) => Self::Arabic,
            (0xe0, 0xa4..=0xa5) => Self::Devanagari,
            (0xe0, 0xa6..=0xad) => Self::NorthIndic,
            (0xe0, 0xae..=0xb7) => Self::SouthIndic,
            (0xe0, 0xb8..=0xb9) => Self::Thai,
            (0xe0, 0xba..) => Self::Lao,
            (0xe1, ..=0x82) => Self::Myanmar,
            (0xe1, 0x83) => Self::Georgian,
            (0xe1, 0x9e..=0x9f) => Self::Khmer,
            (0xe3, 0x81..=0x83) => Self::Kana,
            (0xe3, 0x84..) | (0xe4..=0xe9, _) => Self::Han,
            (0xea, 0xb0..) | (0xeb..=0xed, _) => Self::Hangul,
            (0xc2 | 0xe2 | 0xe3 | 0xef, _) => Self::Symbol,
            (0xf0, 0x9f) => Self::Emoji,
            _ => Self::Rare,
        }
    }
}

/// How rare a pair of letters is within a word of English prose, code and JSON, from 0 (the pairs that make up the
/// first 70 % of all) over 1 (90 %) and 2 (98.5 %) to 3. Vocabularies are made of such words: a rare pair is where a
/// word falls apart, and other languages and random strings are full of them. A row a first letter.
const PAIRS: [&[u8; 26]; 26] = [
    b"01002213122000313000112212",
    b"10220333123122123222133313",
    b"02220220131123023120133223",
    b"12210222033222123212122223",
    b"02001012222000211000211022",
    b"13221123033122023122133323",
    b"22230322133222223212233323",
    b"03330233033222133221233323",
    b"11011013232000013100313231",
    b"23332333333333233323233333",
    b"23220223233222333323232323",
    b"02210123032022023211122313",
    b"01220223133222003322123323",
    b"02000202122222022200122323",
    b"21102023121000103010011223",
    b"03220222132022113011133323",
    b"33333333333333333333133333",
    b"02110212032211023000122313",
    b"12120221032222112200122212",
    b"02220220033222013001022202",
    b"21121223133010213000333332",
    b"13330323133322223322233333",
    b"13321331033232133222332333",
    b"22222233233332223331333233",
    b"22222333233222112212222332",
    b"23331333233333233333333322",
];

/// [`PAIRS`] as it is looked up: by the lowest five bits of both letters, which are the same in either case.
#[expect(clippy::indexing_slicing, reason = "evaluated at compile time; the loops bound it")]
static RARITY: [u8; 1024] = {
    let mut table = [0; 1024];
    let mut first = 0;
    while first < 26 {
        let mut second = 0;
        while second < 26 {
            table[(first + 1) * 32 + second + 1] = PAIRS[first][second] - b'0';
            second += 1;
        }
        first += 1;
    }
    table
};

/// The rarity of two ASCII letters in a row, either case.
#[inline]
pub(super) fn rarity(first: u8, second: u8) -> u8 {
    let place = usize::from(first & 31) * 32 + usize::from(second & 31);
    RARITY.get(place).copied().unwrap_or_default()
}
