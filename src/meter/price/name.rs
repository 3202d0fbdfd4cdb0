//! Names as the table knows them. The build script includes this file too, so that both sides fold and
//! fingerprint alike.

use std::borrow::Cow;

/// The name in lower case: the price facts match without regard to case.
///
/// Only ASCII letters are folded. No name or rule of the facts has any other, and Unicode's tables would weigh
/// more than the whole table of prices.
pub(crate) fn fold(name: &str) -> Cow<'_, str> {
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(name.to_ascii_lowercase())
    } else {
        Cow::Borrowed(name)
    }
}

/// 64-bit FNV-1a of a folded name.
///
/// The table holds fingerprints in place of names, a third of their size. A name that is not in it is taken for
/// one that is with a probability of about 2⁻⁵³ (one provider has at most some two thousand names); a collision
/// within the table fails the build.
pub(crate) fn fingerprint(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::{fingerprint, fold};

    #[test]
    fn names_are_folded_in_ascii() {
        assert_eq!(fold("GPT-4o"), "gpt-4o");
        assert_eq!(fold("É"), "É");
    }

    #[test]
    fn fingerprints_are_those_of_fnv_1a() {
        // Test vectors of the algorithm's description (draft-eastlake-fnv).
        assert_eq!(fingerprint(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fingerprint("a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fingerprint("foobar"), 0x8594_4171_f739_67e8);
    }
}
