//! What a request makes use of, for those who choose a model by it.

use super::request::decode;
use crate::chat::{Message, Part, PartKind};
use crate::dialect::{Call, Operation};

/// What a conversation makes use of; nothing, where it cannot be read or is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts")]
pub struct Features {
    /// Tools are on offer.
    pub tools: bool,
    /// Pictures are sent.
    pub images: bool,
    /// Documents are sent.
    pub documents: bool,
    /// Reasoning is asked for.
    pub thinking: bool,
    /// The output limit, in tokens.
    pub max_tokens: Option<u64>,
}

/// Reads a request of any dialect. It is decoded as for a translation, so only ask where the answer matters.
pub fn features(call: &Call, body: &[u8]) -> Features {
    let chat;
    let call = match call.operation {
        Operation::Chat => call,
        Operation::CountTokens => {
            chat = Call { operation: Operation::Chat, ..call.clone() };
            &chat
        }
        _ => return Features::default(),
    };
    let Ok(request) = decode(call, body) else { return Features::default() };
    let any = |is: fn(&PartKind<'_>) -> bool| request.messages.iter().any(|message| has(message, is));
    Features {
        tools: !request.tools.is_empty(),
        images: any(|kind| matches!(kind, PartKind::Image { .. })),
        documents: !request.documents.is_empty() || any(|kind| matches!(kind, PartKind::Document(_))),
        thinking: request.reasoning.is_on(),
        max_tokens: request.max_tokens,
    }
}

/// Whether a message, or a tool's result in it, has a part of a kind.
fn has(message: &Message<'_>, is: fn(&PartKind<'_>) -> bool) -> bool {
    fn of(part: &Part<'_>, is: fn(&PartKind<'_>) -> bool) -> bool {
        match &part.kind {
            PartKind::ToolResult(result) => result.content.iter().any(|inner| of(inner, is)),
            kind => is(kind),
        }
    }
    message.parts.iter().any(|part| of(part, is))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::Dialect;

    #[test]
    fn the_same_facts_in_each_dialect() {
        let openai = r#"{"model":"m","max_completion_tokens":7,"reasoning_effort":"high",
            "tools":[{"type":"function","function":{"name":"f","parameters":{}}}],
            "messages":[{"role":"user","content":[{"type":"text","text":"\"image\""},
            {"type":"image_url","image_url":{"url":"https://x.example/a.png"}}]}]}"#;
        let anthropic = r#"{"model":"m","max_tokens":7,"thinking":{"type":"enabled","budget_tokens":1024},
            "tools":[{"name":"f","input_schema":{"type":"object"}}],
            "messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":[
            {"type":"image","source":{"type":"url","url":"https://x.example/a.png"}}]}]}]}"#;
        let all =
            Features { tools: true, images: true, documents: false, thinking: true, max_tokens: Some(7) };
        for (dialect, body) in [(Dialect::OpenaiChat, openai), (Dialect::Anthropic, anthropic)] {
            assert_eq!(features(&Call::chat(dialect), body.as_bytes()), all, "{}", dialect.as_str());
        }
        let plain = br#"{"model":"m","messages":[{"role":"user","content":"look at \"image_url\""}]}"#;
        assert_eq!(features(&Call::chat(Dialect::OpenaiChat), plain), Features::default());
        assert_eq!(features(&Call::chat(Dialect::OpenaiChat), b"{"), Features::default());
    }
}
