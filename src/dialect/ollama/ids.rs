//! Ids for what Ollama names none: answers, and tool calls of older servers.

use crate::chat::Text;
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// The id of an answer: `created_at` has nanoseconds, so two answers of one model differ.
pub(super) fn answer(model: &Text<'_>, created_at: &Text<'_>) -> Text<'static> {
    Text::plain(hashed("ollama-", &[&model.to_str(), &created_at.to_str()]))
}

/// The id of a call in an answer; the same answer gives the same ids, however its bytes are cut.
pub(super) fn call(created_at: &Text<'_>, at: usize, name: &Text<'_>, arguments: &str) -> Text<'static> {
    Text::plain(hashed("call_", &[&created_at.to_str(), &at.to_string(), &name.to_str(), arguments]))
}

/// The id of a call in a request, by its place in the conversation: the same as long as the conversation grows.
pub(super) fn replayed(message: usize, at: usize) -> Text<'static> {
    Text::plain(format!("call_{message}_{at}"))
}

/// The prefix and 96 bits of the SHA-256 of the pieces.
fn hashed(prefix: &str, pieces: &[&str]) -> String {
    let mut hash = Sha256::new();
    for piece in pieces {
        hash.update(piece.as_bytes());
        hash.update([0]);
    }
    let mut id = prefix.to_owned();
    for byte in hash.finalize().iter().take(12) {
        // Cannot fail: a String takes every write.
        let _ = write!(id, "{byte:02x}");
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_the_same_each_time_and_differ_by_what_they_name() {
        let at = Text::plain("2026-08-07T06:08:23.577476Z");
        let [one, same, second, later] = [
            call(&at, 0, &"f".into(), "{}"),
            call(&at, 0, &"f".into(), "{}"),
            call(&at, 1, &"f".into(), "{}"),
            call(&"2026-08-07T06:08:24Z".into(), 0, &"f".into(), "{}"),
        ];
        assert_eq!(one, same);
        assert!(one != second && one != later);
        assert_eq!(one.len(), "call_".len() + 24);
    }
}
