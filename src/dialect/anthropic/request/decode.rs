//! A client's Anthropic request into the hub.

use super::super::block::{BadBlock, part};
use super::super::wire::{
    Block, Format, Message as WireMessage, Metadata, Request, Thinking, Tool as WireTool,
    ToolChoice as WireChoice,
};
use crate::chat::{
    CacheControl, ChatRequest, Effort, Failure, Function, Json, Message, Opaque, Part, Place, Reasoning,
    ResponseFormat, Role, Schema, Thought, Tool, ToolChoice, ToolKind,
};
use crate::dialect::Dialect;
use crate::wire::json::{TextOr, members, object, parse, parse_raw};
use std::borrow::Cow;
use std::fmt::Display;

/// Reads a request.
///
/// # Errors
/// 400, which names the field.
pub fn decode_request(body: &[u8]) -> Result<ChatRequest<'_>, Failure> {
    let wire: Request<'_> = parse(body)?;
    let Some(messages) = wire.messages else {
        return Err(Failure::field("messages", "messages: required"));
    };
    let mut request = ChatRequest::new(Dialect::Anthropic);
    request.extra = wire.extra;
    request.model = wire.model.unwrap_or_default();
    if let Some(system) = wire.system {
        let mut message = Message::new(Role::System, Place::System);
        message.parts = content(system, "system")?;
        request.messages.push(message);
    }
    for (index, message) in messages.into_iter().enumerate() {
        request.messages.push(decode_message(message, index)?);
    }
    for tool in wire.tools.unwrap_or_default() {
        request.tools.push(decode_tool(tool));
    }
    if let Some(choice) = wire.tool_choice {
        request.parallel_tool_calls = choice.disable_parallel.map(|disabled| !disabled);
        request.tool_choice = Some(decode_choice(choice)?);
    }
    request.max_tokens = wire.max_tokens;
    request.temperature = wire.temperature;
    request.top_p = wire.top_p;
    request.top_k = wire.top_k;
    request.stop = wire.stop_sequences.unwrap_or_default();
    request.stream = wire.stream.unwrap_or(false);
    request.service_tier = wire.service_tier;
    if let Some(thinking) = wire.thinking {
        if !thinking.extra.is_empty() {
            keep_whole(&mut request, body, "thinking");
        }
        request.reasoning = decode_thinking(thinking)?;
    }
    if let Some(config) = wire.output_config {
        if !config.extra.is_empty() {
            keep_whole(&mut request, body, "output_config");
        }
        if let Some(effort) = config.effort {
            let name = effort.to_str();
            request.reasoning.effort = Some(Effort::of_name(&name).ok_or_else(|| {
                Failure::field("output_config.effort", format!("output_config.effort: unknown effort {name}"))
            })?);
        }
        request.response_format = config.format.map(decode_format);
    }
    if let Some(format) = wire.output_format {
        request.response_format = request.response_format.or(Some(decode_format(format)));
    }
    if let Some(raw) = wire.metadata {
        let metadata: Metadata<'_> =
            parse_raw(raw).map_err(|error| Failure::field("metadata", format!("metadata: {error}")))?;
        request.user = metadata.user_id;
        if !metadata.extra.is_empty() {
            request.metadata = Some(Json::from(raw));
        }
    }
    Ok(request)
}

/// A field that holds more than the hub knows is kept as it came as well: the same dialect writes that.
fn keep_whole<'a>(request: &mut ChatRequest<'a>, body: &'a [u8], field: &'static str) {
    if let Some(member) = members(body).ok().and_then(|found| found.get(field).cloned()) {
        request.extra.push((Cow::Borrowed(field), member.value));
    }
}

fn decode_message(message: WireMessage<'_>, index: usize) -> Result<Message<'_>, Failure> {
    let place = Place::Message(index);
    let Some(role) = message.role else {
        return Err(Failure::field(format!("{place}.role"), format!("{place}.role: required")));
    };
    let role = match &*role.to_str() {
        "user" => Role::User,
        "assistant" => Role::Assistant,
        "system" => Role::System,
        other => {
            let path = format!("{place}.role");
            let message = format!("{path}: must be user, assistant or system, not {other}");
            return Err(Failure::field(path, message));
        }
    };
    let Some(said) = message.content else {
        return Err(Failure::field(format!("{place}.content"), format!("{place}.content: required")));
    };
    Ok(Message {
        parts: content(said, format_args!("{place}.content"))?,
        extra: message.extra,
        ..Message::new(role, place)
    })
}

fn content<'a>(content: TextOr<'a, Vec<Block<'a>>>, path: impl Display) -> Result<Vec<Part<'a>>, Failure> {
    match content {
        TextOr::Text(text) => Ok(vec![Part::text(text)]),
        TextOr::Other(blocks) => blocks
            .into_iter()
            .enumerate()
            .map(|(index, block)| {
                part(block).map_err(|BadBlock { field, message }| {
                    let path = format!("{path}[{index}].{field}");
                    let message = format!("{path}: {message}");
                    Failure::field(path, message)
                })
            })
            .collect(),
    }
}

fn decode_tool(tool: WireTool<'_>) -> Tool<'_> {
    let cache_control = tool.cache_control.map(CacheControl);
    let custom = tool.kind.as_ref().is_none_or(|kind| *kind == "custom");
    if custom {
        return Tool {
            kind: ToolKind::Function(Function {
                name: tool.name.unwrap_or_default(),
                description: tool.description,
                parameters: tool.input_schema.map(Json::from),
                strict: tool.strict,
            }),
            cache_control,
            extra: tool.extra,
        };
    }
    let mut out = Vec::new();
    object(&mut out, |object| {
        for (key, value) in [("type", &tool.kind), ("name", &tool.name), ("description", &tool.description)] {
            if let Some(value) = value {
                object.text(key, value);
            }
        }
        for (key, value) in [("input_schema", tool.input_schema), ("cache_control", tool.cache_control)] {
            if let Some(value) = value {
                object.raw(key, value);
            }
        }
        if let Some(strict) = tool.strict {
            object.bool("strict", strict);
        }
        object.extra(&tool.extra);
    });
    let json = Json::trusted(String::from_utf8(out).unwrap_or_default());
    let kind = tool.kind.unwrap_or_default();
    Tool { kind: ToolKind::Other(Opaque { kind, json }), cache_control, extra: Vec::new() }
}

fn decode_choice(choice: WireChoice<'_>) -> Result<ToolChoice<'_>, Failure> {
    let kind = choice.kind.unwrap_or_default();
    Ok(match &*kind.to_str() {
        "auto" => ToolChoice::Auto,
        "any" => ToolChoice::Required,
        "none" => ToolChoice::None,
        "tool" => match choice.name {
            Some(name) => ToolChoice::Named(name),
            None => return Err(Failure::field("tool_choice.name", "tool_choice.name: required")),
        },
        other => {
            return Err(Failure::field(
                "tool_choice.type",
                format!("tool_choice.type: unknown choice {other}"),
            ));
        }
    })
}

fn decode_thinking(thinking: Thinking<'_>) -> Result<Reasoning<'_>, Failure> {
    let kind = thinking.kind.unwrap_or_default();
    let thought = match &*kind.to_str() {
        "enabled" => Thought::On,
        "adaptive" => Thought::Adaptive,
        "disabled" => Thought::Off,
        other => return Err(Failure::field("thinking.type", format!("thinking.type: unknown type {other}"))),
    };
    Ok(Reasoning {
        thought: Some(thought),
        effort: None,
        budget: thinking.budget_tokens,
        display: thinking.display,
    })
}

fn decode_format(format: Format<'_>) -> ResponseFormat<'_> {
    if let Some(schema) = format.schema {
        let schema = Schema {
            name: None,
            description: None,
            strict: None,
            schema: Json::from(schema),
            is_word: false,
        };
        return ResponseFormat::JsonSchema(schema);
    }
    let kind = format.kind.unwrap_or_default();
    let mut out = Vec::new();
    object(&mut out, |object| {
        object.text("type", &kind);
        object.extra(&format.extra);
    });
    ResponseFormat::Other(Opaque { kind, json: Json::trusted(String::from_utf8(out).unwrap_or_default()) })
}
