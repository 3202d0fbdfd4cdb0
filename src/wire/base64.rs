//! Base64 (RFC 4648): read in either alphabet, padded or not; written in the standard one, padded.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use std::borrow::Cow;

/// Takes padding or none, and bits behind the last byte.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true),
);

/// Decodes standard or URL-safe base64, padded or not, white space aside; `None` when it is none.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let is_plain = |byte: u8| !byte.is_ascii_whitespace() && !matches!(byte, b'=' | b'-' | b'_');
    let text = text.trim_end_matches('=').as_bytes();
    // Pictures are megabytes; hardly any is spelled otherwise.
    let mut digits = if text.iter().all(|byte| is_plain(*byte)) {
        Cow::Borrowed(text)
    } else {
        let kept = text.iter().filter(|byte| !byte.is_ascii_whitespace() && **byte != b'=');
        let standard = kept.map(|byte| match byte {
            b'-' => b'+',
            b'_' => b'/',
            other => *other,
        });
        Cow::Owned(standard.collect())
    };
    // A last digit by itself says less than a byte.
    if digits.len() % 4 == 1 {
        let last = digits.to_mut().pop()?;
        if !last.is_ascii_alphanumeric() && !matches!(last, b'+' | b'/') {
            return None;
        }
    }
    LENIENT.decode(&*digits).ok()
}

/// Appends bytes in standard base64 with padding.
pub fn encode(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(STANDARD.encode(bytes).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn encoded(bytes: &[u8]) -> String {
        let mut out = Vec::new();
        encode(bytes, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_vectors_of_the_rfc() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(encoded(bytes.as_bytes()), text);
            assert_eq!(decode(text).unwrap(), bytes.as_bytes());
        }
    }

    #[test]
    fn either_alphabet_and_no_padding() {
        assert_eq!(decode("-_8").unwrap(), [0xfb, 0xff]);
        assert_eq!(decode("YW\nJj").unwrap(), b"abc");
        assert_eq!(decode("a*"), None);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(decode(&encoded(&bytes)).unwrap(), bytes);
        }
    }
}
