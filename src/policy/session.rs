//! Whose request it is, as its body says: for keeping sessions at one target.

use crate::wire::json::{Text, sketch};

/// Longest name that is looked at, in bytes: a longer one is no name.
const LONGEST: usize = 1024;

/// The session that a body names, in the field that says it most narrowly.
pub fn session(body: &[u8]) -> Option<String> {
    first(body, &["prompt_cache_key", "session_id"], &["session_id", "user_id"], &["user"])
}

/// The user that a body names.
pub fn user(body: &[u8]) -> Option<String> {
    first(body, &[], &["user_id"], &["user"])
}

/// The output limit that a body asks for, in tokens, where its dialect says it at the top.
pub fn output_limit(body: &[u8]) -> Option<u64> {
    let found = sketch(body).ok()?;
    let number = |name: &&str| found.get(name)?.value.trim().parse().ok();
    ["max_completion_tokens", "max_output_tokens", "max_tokens"].iter().find_map(number)
}

/// The first of these fields that is a text: top-level ones, then those of `metadata`, then others of the top level.
fn first(body: &[u8], before: &[&str], within: &[&str], after: &[&str]) -> Option<String> {
    let found = sketch(body).ok()?;
    let top = |name: &&str| text(found.get(name)?.value);
    let inner = || {
        let metadata = found.get("metadata")?.value;
        let metadata = sketch(metadata.as_bytes()).ok()?;
        within.iter().find_map(|name| text(metadata.get(name)?.value))
    };
    before.iter().find_map(top).or_else(inner).or_else(|| after.iter().find_map(top))
}

fn text(value: &str) -> Option<String> {
    let text = Text::of_literal(value)?.to_str().into_owned();
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
            assert_eq!(session(body.as_bytes()).as_deref(), named, "{body}");
        }
        let body = br#"{"user":"u","metadata":{"user_id":"m"}}"#;
        assert_eq!(user(body).as_deref(), Some("m"));
        assert_eq!(output_limit(br#"{"max_tokens": 70 ,"max_completion_tokens":null}"#), Some(70));
        assert_eq!(output_limit(br#"{"max_tokens":"many"}"#), None);
    }
}
