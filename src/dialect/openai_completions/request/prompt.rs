//! The prompt in its four shapes.

use crate::chat::{Failure, Text};
use crate::wire::json::parse_raw;
use serde_json::value::RawValue;

/// The one text to go on from: a string, or an array of one.
///
/// # Errors
/// 400 for what only a provider of text completions takes: several prompts, each with a choice of its own, and
/// prompts of token ids, which mean another text to every model.
pub(super) fn text(raw: Option<&RawValue>) -> Result<Text<'_>, Failure> {
    let Some(raw) = raw else { return Err(Failure::field("prompt", "prompt is required")) };
    if let Some(text) = Text::from_raw(raw) {
        return Ok(text);
    }
    let wrong = || Failure::field("prompt", "prompt: expected a string or an array of strings");
    let items: Vec<&RawValue> = parse_raw(raw).map_err(|_| wrong())?;
    match items.as_slice() {
        [] => Err(Failure::field("prompt", "prompt: the array is empty")),
        [only] if only.get().starts_with('"') => Text::from_raw(only).ok_or_else(wrong),
        [first, ..] if first.get().starts_with('"') => Err(unsupported(&format!(
            "prompt: {} prompts at once need a provider of text completions; this one takes one prompt a request",
            items.len()
        ))),
        _ => Err(unsupported("prompt: token ids need a provider of text completions; this one takes text")),
    }
}

fn unsupported(message: &str) -> Failure {
    Failure::unsupported("prompt", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<String, String> {
        let raw: &RawValue = serde_json::from_str(json).unwrap();
        text(Some(raw)).map(|text| text.to_str().into_owned()).map_err(|failure| failure.message)
    }

    #[test]
    fn one_text_however_it_is_wrapped() {
        for json in [r#""a\nb""#, r#"["a\nb"]"#] {
            assert_eq!(read(json).unwrap(), "a\nb");
        }
    }

    #[test]
    fn what_a_conversation_cannot_hold_is_named() {
        for (json, word) in [
            (r#"["a","b"]"#, "2 prompts"),
            ("[1,2]", "token ids"),
            ("[[1,2],[3]]", "token ids"),
            ("[]", "empty"),
            ("7", "expected a string"),
            ("{}", "expected a string"),
        ] {
            let message = read(json).unwrap_err();
            assert!(message.starts_with("prompt: ") && message.contains(word), "{message}");
        }
        assert_eq!(text(None).unwrap_err().param.as_deref(), Some("prompt"));
    }
}
