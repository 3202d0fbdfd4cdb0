//! Messages of an OpenAI client.

use super::{part, wire};
use crate::chat::{
    Arguments, CacheControl, Failure, Json, Message, Part, PartKind, Place, Role, Thinking, ToolCall,
    ToolResult,
};
use crate::wire::json::{Text, TextOr};

/// Reads the conversation.
pub(super) fn decode(messages: Vec<wire::Message<'_>>) -> Result<Vec<Message<'_>>, Failure> {
    if messages.is_empty() {
        return Err(Failure::field("messages", "messages must hold at least one message"));
    }
    let mut decoded = Vec::with_capacity(messages.len());
    // The older function calls have no id: a result belongs to the call before it.
    let mut function_id = Text::default();
    for (index, mut message) in messages.into_iter().enumerate() {
        let role = match message.role.take().map(|role| role.to_str()).as_deref() {
            Some("system") => Role::System,
            Some("developer") => Role::Developer,
            Some("user") => Role::User,
            Some("assistant") => Role::Assistant,
            Some("tool" | "function") => Role::Tool,
            other => {
                let field = format!("messages[{index}].role");
                let message = match other {
                    None => format!("{field} is required"),
                    Some(role) => format!("{field}: {role:?} is no role"),
                };
                return Err(Failure::field(field, message));
            }
        };
        if role == Role::Assistant && message.function_call.is_some() {
            function_id = Text::from(format!("call_{index}"));
        }
        decoded.push(decode_one(role, message, index, &function_id)?);
    }
    Ok(decoded)
}

fn decode_one<'a>(
    role: Role,
    mut wire: wire::Message<'a>,
    index: usize,
    function_id: &Text<'a>,
) -> Result<Message<'a>, Failure> {
    let mut message = Message::new(role, Place::Message(index));
    message.extra = std::mem::take(&mut wire.extra);
    let content = wire.content.take();
    if role == Role::Tool {
        let legacy = wire.tool_call_id.is_none() && wire.name.is_some() && !function_id.is_empty();
        let call_id = if legacy { Some(function_id.clone()) } else { wire.tool_call_id.take() };
        let Some(call_id) = call_id else {
            let field = format!("messages[{index}].tool_call_id");
            return Err(Failure::field(field.clone(), format!("{field} is required")));
        };
        let content = part::decode_content(content, index)?;
        let result = ToolResult { call_id, name: wire.name.take(), content, is_error: None };
        message.parts.push(Part::new(PartKind::ToolResult(result)));
    } else {
        message.name = wire.name.take();
        decode_thinking(&mut message.parts, &mut wire);
        let mut content = part::decode_content(content, index)?;
        if message.parts.is_empty() {
            // The usual case: the content is all, and its room serves.
            message.parts = content;
        } else {
            message.parts.append(&mut content);
        }
        if let Some(refusal) = wire.refusal.take() {
            message.parts.push(Part::new(PartKind::Refusal(refusal)));
        }
        for (at, call) in wire.tool_calls.take().unwrap_or_default().into_iter().enumerate() {
            message
                .parts
                .push(decode_call(call, || format!("messages[{index}].tool_calls[{at}].function.name"))?);
        }
        if let Some(function) = wire.function_call.take().filter(wire::Function::is_called) {
            let call = wire::ToolCall {
                id: Some(function_id.clone()),
                function: Some(function),
                ..wire::ToolCall::default()
            };
            message.parts.push(decode_call(call, || format!("messages[{index}].function_call.name"))?);
        }
    }
    // LiteLLM takes a breakpoint on the message for one on its last part.
    if let (Some(raw), Some(last)) = (wire.cache_control.take(), message.parts.last_mut()) {
        last.cache_control.get_or_insert(CacheControl(raw));
    }
    Ok(message)
}

/// Reasoning comes first. Blocks with signatures say all that the plain fields beside them say.
fn decode_thinking<'a>(parts: &mut Vec<Part<'a>>, wire: &mut wire::Message<'a>) {
    let plain = wire.reasoning_content.take().or(wire.reasoning.take());
    if let Some(blocks) = wire.thinking_blocks.take().filter(|blocks| !blocks.is_empty()) {
        parts.extend(blocks.into_iter().map(decode_block));
    } else if let Some(text) = plain.filter(|text| !text.is_empty()) {
        parts.push(Part::new(PartKind::Thinking(Thinking { text, signature: None })));
    }
}

/// Reads one of LiteLLM's thinking blocks.
pub(in crate::dialect::openai_chat) fn decode_block(block: wire::ThinkingBlock<'_>) -> Part<'_> {
    let kind = match block.data {
        Some(data) if block.thinking.is_none() => PartKind::RedactedThinking(data),
        _ => PartKind::Thinking(Thinking {
            text: block.thinking.unwrap_or_default(),
            signature: block.signature.filter(|signature| !signature.is_empty()),
        }),
    };
    let cache_control = block.cache_control.map(CacheControl);
    Part { cache_control, extra: block.extra, ..Part::new(kind) }
}

/// Reads a tool call, of a request or of an answer.
pub(in crate::dialect::openai_chat) fn decode_call(
    call: wire::ToolCall<'_>,
    path: impl FnOnce() -> String,
) -> Result<Part<'_>, Failure> {
    if let Some(custom) = call.custom {
        let Some(name) = custom.name else {
            let path = path().replace(".function.", ".custom.");
            return Err(Failure::field(path.clone(), format!("{path} is required")));
        };
        let arguments = Arguments::Input(custom.input.unwrap_or_default());
        let kind = PartKind::ToolCall(ToolCall { id: call.id.unwrap_or_default(), name, arguments });
        let extra = call.extra.into_iter().chain(custom.extra).collect();
        let cache_control = call.cache_control.map(CacheControl);
        return Ok(Part { cache_control, extra, ..Part::new(kind) });
    }
    let function = call.function.unwrap_or_default();
    let Some(name) = function.name else {
        let path = path();
        let message = format!("{path} is required");
        return Err(Failure::field(path, message));
    };
    let arguments = match function.arguments {
        None => Arguments::Text(Text::default()),
        Some(TextOr::Text(text)) => Arguments::Text(text),
        Some(TextOr::Other(raw)) => Arguments::Json(Json::from(raw)),
    };
    let mut extra = call.extra;
    extra.extend(function.extra);
    let kind = PartKind::ToolCall(ToolCall { id: call.id.unwrap_or_default(), name, arguments });
    let cache_control = call.cache_control.map(CacheControl);
    Ok(Part { cache_control, extra, ..Part::new(kind) })
}
