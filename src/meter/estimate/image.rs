//! What pictures take, in tokens, from their size in pixels, which the first bytes of their file tell.

use super::Tokenizer;

/// Width and height in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Width.
    pub width: u32,
    /// Height.
    pub height: u32,
}

/// A picture whose size is not known: between a small one and the most that most models look at.
const UNKNOWN: Size = Size { width: 1024, height: 1024 };

/// Bytes of base64 that are decoded to find the size. A JPEG may have its size behind a preview of up to 64 KB.
const HEAD: usize = 96 * 1024;

/// Tokens of a picture, `base64` being its file; `None` where only a URL is known.
///
/// OpenAI's models take 85 and 170 for each square of 512 after shrinking (`detail: low`: 85 alone), Anthropic's
/// about `width × height / 750` after shrinking to 1,568 pixels, Google's 258 for each tile of 768. Sources: the
/// vision guides of the three.
pub fn tokens(tokenizer: Tokenizer, base64: Option<&str>, is_low: bool) -> u64 {
    let size = base64.and_then(size_of).unwrap_or(UNKNOWN);
    match tokenizer {
        Tokenizer::Claude => anthropic(size),
        Tokenizer::Gemini => google(size),
        _ if is_low => OPENAI_BASE,
        _ => openai(size),
    }
}

const OPENAI_BASE: u64 = 85;

/// Shrunk to fit 2,048 × 2,048, then to 768 on the shorter side.
fn openai(size: Size) -> u64 {
    let (long, short) = sides(size);
    let (long, short) = shrink(long, short, long, 2048);
    let (long, short) = shrink(long, short, short, 768);
    OPENAI_BASE + 170 * long.div_ceil(512) * short.div_ceil(512)
}

/// Shrunk to 1,568 on the longer side; never more than about 1,600 tokens.
fn anthropic(size: Size) -> u64 {
    let (long, short) = sides(size);
    let (long, short) = shrink(long, short, long, 1568);
    (long * short).div_ceil(750).min(1600)
}

/// 258 when both sides are at most 384, else 258 a tile of 768.
fn google(size: Size) -> u64 {
    let (long, short) = sides(size);
    if long <= 384 { 258 } else { 258 * long.div_ceil(768).min(16) * short.div_ceil(768).min(16) }
}

fn sides(size: Size) -> (u64, u64) {
    (size.width.max(size.height).into(), size.width.min(size.height).max(1).into())
}

/// Both sides in proportion, so that `side` is at most `limit`.
fn shrink(long: u64, short: u64, side: u64, limit: u64) -> (u64, u64) {
    if side <= limit { (long, short) } else { ((long * limit / side).max(1), (short * limit / side).max(1)) }
}

/// The size of a PNG, GIF, WebP or JPEG file in base64.
pub fn size_of(base64: &str) -> Option<Size> {
    let head = base64.as_bytes();
    let bytes = decode(head.get(..HEAD.min(head.len()))?);
    png(&bytes).or_else(|| gif(&bytes)).or_else(|| webp(&bytes)).or_else(|| jpeg(&bytes))
}

/// Decodes base64 of either alphabet as far as it goes.
fn decode(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let (mut held, mut bits) = (0_u32, 0);
    for letter in text {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            // JSON may escape the slash.
            b'\\' | b'\r' | b'\n' => continue,
            _ => break,
        };
        held = (held << 6) | u32::from(value);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.extend((held >> bits).to_be_bytes().last());
        }
    }
    out
}

fn number<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

fn png(bytes: &[u8]) -> Option<Size> {
    bytes.starts_with(b"\x89PNG\r\n\x1a\n").then_some(())?;
    let (width, height) = (number(bytes, 16)?, number(bytes, 20)?);
    Some(Size { width: u32::from_be_bytes(width), height: u32::from_be_bytes(height) })
}

fn gif(bytes: &[u8]) -> Option<Size> {
    bytes.starts_with(b"GIF8").then_some(())?;
    let (width, height) = (number(bytes, 6)?, number(bytes, 8)?);
    Some(Size { width: u16::from_le_bytes(width).into(), height: u16::from_le_bytes(height).into() })
}

fn webp(bytes: &[u8]) -> Option<Size> {
    (bytes.starts_with(b"RIFF") && bytes.get(8..12)? == b"WEBP").then_some(())?;
    let short = |at| number(bytes, at).map(u16::from_le_bytes);
    match bytes.get(12..16)? {
        b"VP8 " => Some(Size { width: (short(26)? & 0x3fff).into(), height: (short(28)? & 0x3fff).into() }),
        b"VP8L" => {
            let bits = u32::from_le_bytes(number(bytes, 21)?);
            Some(Size { width: (bits & 0x3fff) + 1, height: ((bits >> 14) & 0x3fff) + 1 })
        }
        b"VP8X" => {
            let wide = |at| {
                let [a, b, c] = number(bytes, at)?;
                Some(u32::from_le_bytes([a, b, c, 0]) + 1)
            };
            Some(Size { width: wide(24)?, height: wide(27)? })
        }
        _ => None,
    }
}

/// The frame header among a JPEG's segments.
fn jpeg(bytes: &[u8]) -> Option<Size> {
    bytes.starts_with(&[0xff, 0xd8]).then_some(())?;
    let mut at = 2_usize;
    loop {
        let [fill, kind] = number(bytes, at)?;
        if fill != 0xff {
            return None;
        }
        match kind {
            0xff => at += 1,
            // Segments without a length.
            0x01 | 0xd0..=0xd9 => at += 2,
            // Frame headers, all but the tables and the reserved one between them.
            0xc0..=0xcf if !matches!(kind, 0xc4 | 0xc8 | 0xcc) => {
                let (height, width) = (number(bytes, at + 5)?, number(bytes, at + 7)?);
                return Some(Size {
                    width: u16::from_be_bytes(width).into(),
                    height: u16::from_be_bytes(height).into(),
                });
            }
            _ => at += 2 + usize::from(u16::from_be_bytes(number(bytes, at + 2)?).max(2)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PNG_1X1: &str =
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
    const GIF_1X1: &str = "R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7";
    const WEBP_1X1: &str = "UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA==";

    fn size(width: u32, height: u32) -> Size {
        Size { width, height }
    }

    #[test]
    fn the_size_stands_in_the_head() {
        for file in [PNG_1X1, GIF_1X1, WEBP_1X1] {
            assert_eq!(size_of(file), Some(size(1, 1)), "{file}");
        }
        // SOI, an APP0 segment of 4 bytes, SOF0 of 480 × 640.
        assert_eq!(size_of("/9j/4AAEAAD/wAARCAHgAoADAQ=="), Some(size(640, 480)));
        for none in ["", "aGVsbG8=", "/9j/", "iVBORw0KGgo", "!!"] {
            assert_eq!(size_of(none), None, "{none}");
        }
    }

    #[test]
    fn what_the_guides_say() {
        assert_eq!(openai(size(1024, 1024)), 85 + 170 * 4);
        assert_eq!(openai(size(2048, 4096)), 85 + 170 * 6);
        assert_eq!(tokens(Tokenizer::O200k, Some(PNG_1X1), true), 85);
        assert_eq!(anthropic(size(200, 200)), 54);
        assert_eq!(anthropic(size(1000, 1000)), 1334);
        assert_eq!(anthropic(size(8000, 8000)), 1600);
        assert_eq!(google(size(384, 300)), 258);
        assert_eq!(google(size(960, 540)), 516);
        // No overflow, whatever the header says.
        for image in [size(u32::MAX, u32::MAX), size(u32::MAX, 0), size(0, 0)] {
            assert!(openai(image) <= 85 + 170 * 8 && anthropic(image) <= 1600 && google(image) <= 258 * 256);
        }
    }
}
