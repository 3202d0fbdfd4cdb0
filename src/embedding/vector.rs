//! One embedding's values, in the two forms they travel in: an array of numbers, and base64 of their bytes.
//!
//! Floats in base64 are little-endian IEEE 754 of four bytes, as OpenAI and Cohere document them; bytes of the
//! quantised kinds stand one after the other.

use crate::chat::Failure;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::value::RawValue;

/// What the values of a vector are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Elements {
    /// 32-bit floats.
    Float,
    /// Bytes from −128 to 127.
    Int8,
    /// Bytes from 0 to 255.
    Uint8,
    /// Signs of eight values in a byte, shown as −128 to 127.
    Binary,
    /// Signs of eight values in a byte, shown as 0 to 255.
    Ubinary,
}

impl Elements {
    /// The word that Cohere, Voyage and Mistral have for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Float => "float",
            Self::Int8 => "int8",
            Self::Uint8 => "uint8",
            Self::Binary => "binary",
            Self::Ubinary => "ubinary",
        }
    }

    /// The elements of a word.
    pub fn of_word(word: &str) -> Option<Self> {
        [Self::Float, Self::Int8, Self::Uint8, Self::Binary, Self::Ubinary]
            .into_iter()
            .find(|elements| elements.word() == word)
    }
}

/// Appends, as a JSON string, the base64 of an array of numbers.
///
/// # Errors
/// 502 when it is no array of numbers, or holds one that these elements cannot be.
pub fn write_base64(numbers: &RawValue, elements: Elements, out: &mut Vec<u8>) -> Result<(), Failure> {
    let inside = numbers.get().strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let inside = inside.ok_or_else(|| super::malformed("an embedding is no array of numbers"))?;
    // A float is written with about ten characters and takes four bytes.
    let mut bytes = Vec::with_capacity(inside.len() / 2);
    for number in inside.split(',').map(str::trim).filter(|number| !number.is_empty()) {
        push(number, elements, &mut bytes)
            .ok_or_else(|| super::malformed("an embedding holds something else than numbers"))?;
    }
    out.push(b'"');
    out.extend_from_slice(STANDARD.encode(bytes).as_bytes());
    out.push(b'"');
    Ok(())
}

/// The bytes of one number. A float is read from its decimal form at once, for reading it as 64 bits and rounding that
/// would round twice.
fn push(number: &str, elements: Elements, bytes: &mut Vec<u8>) -> Option<()> {
    match elements {
        Elements::Float => {
            // Rust reads words for infinity as well, and JSON has none.
            let first = number.bytes().next()?;
            let value = (first == b'-' || first.is_ascii_digit()).then(|| number.parse::<f32>().ok())??;
            bytes.extend_from_slice(&value.to_le_bytes());
        }
        Elements::Int8 | Elements::Binary => {
            bytes.extend_from_slice(&number.parse::<i8>().ok()?.to_le_bytes());
        }
        Elements::Uint8 | Elements::Ubinary => bytes.push(number.parse::<u8>().ok()?),
    }
    Some(())
}

/// Appends, as a JSON array, the numbers that base64 stands for. Floats are written with the fewest digits that read
/// back as the same 32 bits.
///
/// # Errors
/// 502 when it is no base64, or a length that holds no whole number of floats.
pub fn write_numbers(base64: &str, elements: Elements, out: &mut Vec<u8>) -> Result<(), Failure> {
    let bytes = STANDARD.decode(base64).map_err(|_| super::malformed("an embedding is not valid base64"))?;
    out.reserve(bytes.len().saturating_mul(3));
    out.push(b'[');
    match elements {
        Elements::Float => {
            let (floats, rest) = bytes.as_chunks::<4>();
            if !rest.is_empty() {
                return Err(super::malformed("an embedding in base64 holds no whole number of floats"));
            }
            for (at, float) in floats.iter().enumerate() {
                separate(at, out);
                // Cannot fail: a Vec takes every write; what is no number becomes `null`.
                let _ = serde_json::to_writer(&mut *out, &f32::from_le_bytes(*float));
            }
        }
        Elements::Int8 | Elements::Binary => {
            for (at, byte) in bytes.iter().enumerate() {
                separate(at, out);
                out.extend_from_slice(itoa::Buffer::new().format(i8::from_le_bytes([*byte])).as_bytes());
            }
        }
        Elements::Uint8 | Elements::Ubinary => {
            for (at, byte) in bytes.iter().enumerate() {
                separate(at, out);
                out.extend_from_slice(itoa::Buffer::new().format(*byte).as_bytes());
            }
        }
    }
    out.push(b']');
    Ok(())
}

fn separate(at: usize, out: &mut Vec<u8>) {
    if at > 0 {
        out.push(b',');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn raw(json: &str) -> Box<RawValue> {
        RawValue::from_string(json.to_owned()).unwrap()
    }

    fn base64(json: &str, elements: Elements) -> Result<String, Failure> {
        let mut out = Vec::new();
        write_base64(&raw(json), elements, &mut out)?;
        Ok(serde_json::from_slice(&out).unwrap())
    }

    fn numbers(base64: &str, elements: Elements) -> Result<String, Failure> {
        let mut out = Vec::new();
        write_numbers(base64, elements, &mut out)?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn floats_are_little_endian() {
        // 1.0 is 00 00 80 3f in memory, -2.5 is 00 00 20 c0.
        assert_eq!(base64("[1, -2.5]", Elements::Float).unwrap(), "AACAPwAAIMA=");
        assert_eq!(numbers("AACAPwAAIMA=", Elements::Float).unwrap(), "[1.0,-2.5]");
        assert_eq!(base64("[]", Elements::Float).unwrap(), "");
        assert_eq!(numbers("", Elements::Float).unwrap(), "[]");
        // The 64-bit form of a 32-bit float, as Titan writes them.
        assert_eq!(
            base64("[-0.05289186164736748]", Elements::Float).unwrap(),
            base64("[-0.05289186]", Elements::Float).unwrap()
        );
        assert_eq!(base64("[1e-3]", Elements::Float).unwrap(), base64("[0.001]", Elements::Float).unwrap());
    }

    #[test]
    fn bytes_keep_their_sign() {
        for (elements, json) in [
            (Elements::Int8, "[-128,-1,0,127]"),
            (Elements::Binary, "[-7,6]"),
            (Elements::Uint8, "[0,255,128]"),
            (Elements::Ubinary, "[1,254]"),
        ] {
            let text = base64(json, elements).unwrap();
            assert_eq!(numbers(&text, elements).unwrap(), json);
        }
    }

    #[test]
    fn what_is_no_vector_is_the_providers_mistake() {
        for (json, elements) in [
            ("\"x\"", Elements::Float),
            ("{}", Elements::Float),
            ("[null]", Elements::Float),
            ("[\"1\"]", Elements::Float),
            ("[128]", Elements::Int8),
            ("[-1]", Elements::Uint8),
            ("[0.5]", Elements::Int8),
        ] {
            assert_eq!(base64(json, elements).unwrap_err().status, 502, "{json}");
        }
        assert_eq!(numbers("AAA", Elements::Float).unwrap_err().status, 502);
        assert_eq!(numbers("AACAPwA=", Elements::Float).unwrap_err().status, 502);
    }

    proptest! {
        /// Bytes to numbers and back are the same bytes, for every float there is but the ones JSON cannot say.
        #[test]
        fn there_and_back(floats in prop::collection::vec(prop::num::f32::NORMAL | prop::num::f32::SUBNORMAL | prop::num::f32::ZERO, 0..40)) {
            let bytes: Vec<u8> = floats.iter().flat_map(|float| float.to_le_bytes()).collect();
            let text = STANDARD.encode(&bytes);
            let json = numbers(&text, Elements::Float).unwrap();
            prop_assert_eq!(base64(&json, Elements::Float).unwrap(), text);
        }
    }
}
