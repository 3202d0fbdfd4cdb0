//! Ids for calls that came without one.

use sha2::{Digest, Sha256};

/// What tells one call from all others of a conversation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'p> {
    /// The answer's own id; may be empty.
    pub(super) answer: &'p str,
    /// The choice within it.
    pub(super) choice: u32,
    /// The number of the call within the choice.
    pub(super) number: u32,
}

/// An id of 29 characters that every dialect takes. The same call has the same id however often it is read, and no two
/// calls of a conversation share one: answers have ids of their own, and where one has none, the arguments and the
/// signature tell it from the others.
pub(super) fn generated(place: Place<'_>, name: &str, arguments: &str, signature: &str) -> String {
    let mut hash = Sha256::new();
    for field in [place.answer, name, arguments, signature] {
        hash.update(field.as_bytes());
        hash.update([0xff]);
    }
    hash.update(place.choice.to_le_bytes());
    hash.update(place.number.to_le_bytes());
    let mut id = String::with_capacity(29);
    id.push_str("call_");
    for byte in hash.finalize().iter().take(12) {
        id.extend([byte >> 4, byte & 0xf].map(|nibble| char::from_digit(nibble.into(), 16).unwrap_or('0')));
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_stable_and_apart() {
        let place = Place { answer: "r", choice: 0, number: 0 };
        let id = generated(place, "f", "{}", "");
        assert_eq!(id, generated(place, "f", "{}", ""));
        assert_eq!(id.len(), 29);
        for other in [
            generated(Place { number: 1, ..place }, "f", "{}", ""),
            generated(Place { choice: 1, ..place }, "f", "{}", ""),
            generated(Place { answer: "s", ..place }, "f", "{}", ""),
            generated(place, "g", "{}", ""),
            generated(place, "f{}", "", ""),
        ] {
            assert_ne!(id, other);
        }
    }
}
