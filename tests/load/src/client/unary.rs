//! Checks of answers that come whole.

use crate::exchange::{Dialect, INPUT_TOKENS, OUTPUT_TOKENS, answer_text};
use serde::Deserialize;
use std::borrow::Cow;

/// Whether `body` is the answer to request `id`, with its usage and finish reason, in the client's dialect.
pub(crate) fn unary_is_right(dialect: Dialect, id: u64, body: &[u8]) -> Result<(), String> {
    match dialect {
        Dialect::OpenAi => {
            let answer: OpenAi = serde_json::from_slice(body).map_err(|error| error.to_string())?;
            let [choice] = answer.choices.as_slice() else { return Err("not one choice".to_owned()) };
            expect("object", &answer.object, "chat.completion")?;
            expect("finish_reason", &choice.finish_reason, "stop")?;
            expect("content", &choice.message.content, &answer_text(id))?;
            usage(answer.usage.prompt_tokens, answer.usage.completion_tokens)
        }
        Dialect::Anthropic => {
            let answer: Anthropic = serde_json::from_slice(body).map_err(|error| error.to_string())?;
            let [block] = answer.content.as_slice() else { return Err("not one content block".to_owned()) };
            expect("type", &answer.kind, "message")?;
            expect("stop_reason", &answer.stop_reason, "end_turn")?;
            expect("text", &block.text, &answer_text(id))?;
            usage(answer.usage.input_tokens, answer.usage.output_tokens)
        }
    }
}

/// Whether `body` is an error in the client's dialect; gives its message.
pub(crate) fn error_is_well_formed(dialect: Dialect, body: &[u8]) -> Result<String, String> {
    let envelope: ErrorEnvelope = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let is_anthropic = envelope.kind.as_deref() == Some("error");
    if is_anthropic != (dialect == Dialect::Anthropic) {
        return Err("an error in the other dialect".to_owned());
    }
    if envelope.error.kind.is_empty() || envelope.error.message.is_empty() {
        return Err("an error without a type or a message".to_owned());
    }
    Ok(envelope.error.message.into_owned())
}

fn expect(field: &str, found: &str, wanted: &str) -> Result<(), String> {
    if found == wanted { Ok(()) } else { Err(format!("{field}: {found:?} instead of {wanted:?}")) }
}

fn usage(input: u64, output: u64) -> Result<(), String> {
    if (input, output) == (INPUT_TOKENS, OUTPUT_TOKENS) {
        Ok(())
    } else {
        Err(format!("usage: {input} + {output} tokens"))
    }
}

#[derive(Deserialize)]
struct OpenAi<'a> {
    #[serde(borrow)]
    object: Cow<'a, str>,
    #[serde(borrow)]
    choices: Vec<Choice<'a>>,
    usage: OpenAiUsage,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(borrow)]
    message: Message<'a>,
    #[serde(borrow)]
    finish_reason: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    content: Cow<'a, str>,
}

#[derive(Deserialize)]
struct OpenAiUsage {
    prompt_tokens: u64,
    completion_tokens: u64,
}

#[derive(Deserialize)]
struct Anthropic<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    content: Vec<Block<'a>>,
    #[serde(borrow)]
    stop_reason: Cow<'a, str>,
    usage: AnthropicUsage,
}

#[derive(Deserialize)]
struct Block<'a> {
    #[serde(borrow)]
    text: Cow<'a, str>,
}

#[derive(Deserialize)]
struct AnthropicUsage {
    input_tokens: u64,
    output_tokens: u64,
}

#[derive(Deserialize)]
struct ErrorEnvelope<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    error: ErrorBody<'a>,
}

#[derive(Deserialize)]
struct ErrorBody<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    message: Cow<'a, str>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_to_another_request_is_wrong() {
        let body = serde_json::json!({
            "object": "chat.completion",
            "choices": [{"message": {"content": answer_text(1)}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": INPUT_TOKENS, "completion_tokens": OUTPUT_TOKENS},
        })
        .to_string();
        assert_eq!(unary_is_right(Dialect::OpenAi, 1, body.as_bytes()), Ok(()));
        assert!(unary_is_right(Dialect::OpenAi, 2, body.as_bytes()).is_err());
        assert!(unary_is_right(Dialect::Anthropic, 1, body.as_bytes()).is_err());
    }

    #[test]
    fn errors_speak_the_clients_dialect() {
        let openai = br#"{"error":{"message":"m","type":"t","param":null,"code":null}}"#;
        let anthropic = br#"{"type":"error","error":{"type":"t","message":"m"}}"#;
        assert!(error_is_well_formed(Dialect::OpenAi, openai).is_ok());
        assert!(error_is_well_formed(Dialect::Anthropic, anthropic).is_ok());
        assert!(error_is_well_formed(Dialect::Anthropic, openai).is_err());
        assert!(error_is_well_formed(Dialect::OpenAi, anthropic).is_err());
    }
}
