//! Whose request it is, as its body says: for keeping sessions at one target.

use crate::wire::json::{Body, Text, sketch};

/// Longest name that is looked at, in bytes: a longer one is no name.
const LONGEST: usize = 1024;

/// The session that a body names, in the field that says it most narrowly.
pub fn session(body: &Body) -> Option<String> {
    first(body, &["prompt_cache_key", "session_id"], &["session_id", "user_id"], &["user"])
}

/// The user that a body names.
pub fn user(body: &Body) -> Option<String> {
    first(body, &[], &["user_id"], &["user"])
}

/// The first of these fields that is a text: top-level ones, then those of `metadata`, then others of the top level.
fn first(body: &Body, before: &[&str], within: &[&str], after: &[&str]) -> Option<String> {
    let found = body.sketch().ok()?;
    let top = |name: &&str| text(found.get(name)?.value);
    let inner = || {
        let metadata = found.get("metadata")?.value;
        let metadata = sketch(metadata).ok()?;
        within.iter().find_map(|name| text(metadata.get(name)?.value))
    };
    before.iter().find_map(top).or_else(inner).or_else(|| after.iter().find_map(top))
}

fn text(value: &[u8]) -> Option<String> {
    let text = Text::of_bytes(value)?.to_str().into_owned();
    (!text.is_empty() && text.len() <= LONGEST).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_narrowest_name_counts() {
        for (body, named) in [
            (r#"{"user":"u","metadata":{"user_id":"m","session_id":"s"},"prompt_cache_key":"p"}"#, Some("p")),
            (r#"{"user":"u","metadata":{"user_id":"m","session_id":"s"}}"#, Some("s")),
            (r#"{"user":"u","metadata":{"user_id":"user_1_session_\u0032"}}"#, Some("user_1_session_2")),
            (r#"{"user":"u","metadata":null}"#, Some("u")),
            (r#"{"user":"","prompt_cache_key":7}"#, None),
            ("[]", None),
            ("", None),
        ] {
            assert_eq!(session(&body.as_bytes().to_vec().into()).as_deref(), named, "{body}");
        }
        let body = br#"{"user":"u","metadata":{"user_id":"m"}}"#;
        assert_eq!(user(&body.to_vec().into()).as_deref(), Some("m"));
    }
}
