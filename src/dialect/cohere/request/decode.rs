//! A client's request into the hub.

use super::super::block;
use super::super::wire::{
    Format, Message as WireMessage, Request, Thinking as WireThinking, Tool as WireTool,
};
use crate::chat::{
    ChatRequest, Failure, Function, Json, Message, Opaque, Part, Place, Reasoning, ResponseFormat, Role,
    Schema, Thought, Tool, ToolChoice, ToolKind, ToolResult,
};
use crate::dialect::Dialect;
use crate::wire::json::{TextOr, object, parse, parse_raw};
use serde_json::value::RawValue;

/// Reads a request.
///
/// # Errors
/// 400, which names the field.
pub fn decode_request(body: &[u8]) -> Result<ChatRequest<'_>, Failure> {
    let wire: Request<'_> = parse(body)?;
    let Some(messages) = wire.messages else {
        return Err(Failure::field("messages", "messages: required"));
    };
    let mut request = ChatRequest::new(Dialect::Cohere);
    request.extra = wire.extra;
    request.model = wire.model.unwrap_or_default();
    for (index, message) in messages.into_iter().enumerate() {
        request.messages.push(decode_message(message, index)?);
    }
    for (index, tool) in wire.tools.unwrap_or_default().into_iter().enumerate() {
        request.tools.push(decode_tool(tool, index, wire.strict_tools)?);
    }
    request.documents = wire.documents.unwrap_or_default().into_iter().map(block::document).collect();
    request.tool_choice = match wire.tool_choice.as_ref().map(crate::chat::Text::to_str).as_deref() {
        None => None,
        Some("NONE" | "none") => Some(ToolChoice::None),
        Some("REQUIRED" | "required") => Some(ToolChoice::Required),
        Some(_) => return Err(Failure::field("tool_choice", "tool_choice: must be REQUIRED or NONE")),
    };
    request.response_format = wire.response_format.map(decode_format);
    request.reasoning = wire.thinking.map(decode_thinking).transpose()?.unwrap_or_default();
    request.max_tokens = wire.max_tokens;
    request.stop = wire.stop_sequences.unwrap_or_default();
    request.temperature = wire.temperature;
    request.seed = wire.seed;
    request.frequency_penalty = wire.frequency_penalty;
    request.presence_penalty = wire.presence_penalty;
    // 0 is the word for no such limit.
    request.top_k = wire.k.filter(|k| *k > 0);
    request.top_p = wire.p;
    request.logprobs = wire.logprobs;
    request.stream = wire.stream.unwrap_or(false);
    Ok(request)
}

fn decode_message(message: WireMessage<'_>, index: usize) -> Result<Message<'_>, Failure> {
    let place = Place::Message(index);
    let wrong = |field: &str, what: &str| {
        let path = format!("{place}.{field}");
        let message = format!("{path}: {what}");
        Failure::field(path, message)
    };
    let role = message.role.ok_or_else(|| wrong("role", "required"))?;
    let role = match &*role.to_str() {
        "system" => Role::System,
        "developer" => Role::Developer,
        "user" => Role::User,
        "assistant" => Role::Assistant,
        "tool" => Role::Tool,
        other => {
            return Err(wrong("role", &format!("must be system, user, assistant or tool, not {other}")));
        }
    };
    let content = match message.content {
        None => Vec::new(),
        Some(TextOr::Text(text)) => vec![Part::text(text)],
        Some(TextOr::Other(blocks)) => blocks
            .into_iter()
            .enumerate()
            .map(|(at, block)| {
                block::part(block).map_err(|f| wrong(&format!("content[{at}].{f}"), "required"))
            })
            .collect::<Result<_, _>>()?,
    };
    let mut out = Message { extra: message.extra, ..Message::new(role, place) };
    if role == Role::Tool {
        let call_id = message.tool_call_id.ok_or_else(|| wrong("tool_call_id", "required"))?;
        let result = ToolResult { call_id, name: None, content, is_error: None };
        out.parts.push(Part::new(crate::chat::PartKind::ToolResult(result)));
        return Ok(out);
    }
    out.parts = content;
    out.parts.extend(message.tool_plan.filter(|plan| !plan.is_empty()).map(block::plan));
    out.parts.extend(message.tool_calls.unwrap_or_default().into_iter().map(block::call));
    Ok(out)
}

fn decode_tool(raw: &RawValue, index: usize, strict: Option<bool>) -> Result<Tool<'_>, Failure> {
    let tool: WireTool<'_> = parse_raw(raw)
        .map_err(|error| Failure::field(format!("tools[{index}]"), format!("tools[{index}]: {error}")))?;
    let kind = match (tool.kind, tool.function) {
        (kind, Some(function)) if kind.as_ref().is_none_or(|kind| *kind == "function") => {
            let mut extra = tool.extra;
            extra.extend(function.extra);
            let function = Function {
                name: function.name.unwrap_or_default(),
                description: function.description,
                parameters: function.parameters.map(Json::from),
                strict,
            };
            return Ok(Tool { kind: ToolKind::Function(function), cache_control: None, extra });
        }
        (kind, _) => Opaque { kind: kind.unwrap_or_default(), json: Json::from(raw) },
    };
    Ok(Tool { kind: ToolKind::Other(kind), cache_control: None, extra: Vec::new() })
}

fn decode_format(format: Format<'_>) -> ResponseFormat<'_> {
    let kind = format.kind.unwrap_or_default();
    match (&*kind.to_str(), format.json_schema.or(format.schema)) {
        ("json_object", Some(schema)) => ResponseFormat::JsonSchema(Schema {
            name: None,
            description: None,
            strict: None,
            schema: Json::from(schema),
            is_word: false,
        }),
        ("json_object", None) => ResponseFormat::JsonObject,
        ("text", _) => ResponseFormat::Text,
        _ => {
            let mut out = Vec::new();
            object(&mut out, |o| {
                o.text("type", &kind);
                o.extra(&format.extra);
            });
            let json = Json::trusted(String::from_utf8(out).unwrap_or_default());
            ResponseFormat::Other(Opaque { kind, json })
        }
    }
}

fn decode_thinking(thinking: WireThinking<'_>) -> Result<Reasoning<'static>, Failure> {
    let kind = thinking.kind.unwrap_or_default();
    let thought = match &*kind.to_str() {
        "enabled" => Thought::On,
        "disabled" => Thought::Off,
        other => return Err(Failure::field("thinking.type", format!("thinking.type: unknown type {other}"))),
    };
    Ok(Reasoning { thought: Some(thought), effort: None, budget: thinking.token_budget, display: None })
}
