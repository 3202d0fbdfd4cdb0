//! Pieces of hashes, which stand for what a provider would refuse: the same text always has the same.

use sha2::{Digest, Sha256};

/// The first `bytes` of a text's SHA-256, in hexadecimal digits.
pub(in crate::dialect) fn digest(text: &str, bytes: usize) -> String {
    let mut digits = String::with_capacity(bytes.saturating_mul(2));
    for byte in Sha256::digest(text.as_bytes()).iter().take(bytes) {
        digits.extend([byte >> 4, byte & 0xf].map(|half| char::from_digit(half.into(), 16).unwrap_or('0')));
    }
    digits
}

/// An id whose characters are all allowed: the others become `_`, and a piece of the id's hash tells it from those that
/// become the same. `longest`: bytes that it may have. `None`: it is as it has to be.
pub(in crate::dialect) fn plain_id(
    id: &str,
    longest: usize,
    allowed: impl Fn(char) -> bool,
) -> Option<String> {
    if id.chars().all(&allowed) {
        return None;
    }
    let plain = id.chars().map(|c| if allowed(c) { c } else { '_' });
    Some(format!("{}_{}", plain.take(longest.saturating_sub(9)).collect::<String>(), digest(id, 4)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_keep_what_is_allowed_and_stay_apart() {
        let plain = |id: &str| plain_id(id, 64, |c| c.is_ascii_alphanumeric() || c == '_');
        assert_eq!(plain("toolu_1A"), None);
        let [one, other] = ["call.1", "call:1"].map(|id| plain(id).unwrap());
        assert!(one.starts_with("call_1_") && other.starts_with("call_1_") && one != other, "{one} {other}");
        assert_ne!(plain("\u{fc}"), plain("\u{f6}"));
        assert_eq!(plain(&".".repeat(64)).unwrap().len(), 64);
    }
}
