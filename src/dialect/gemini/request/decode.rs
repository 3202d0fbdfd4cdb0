//! A request as a client of this dialect wrote it.

use super::super::part::part;
use super::super::wire::{Config, Content, Request, Tool as WireTool, ToolConfig, number};
use super::config::WORD;
use super::{schema, thinking};
use crate::chat::{
    ChatRequest, Failure, Function, Json, Message, Opaque, Part, PartKind, Place, ResponseFormat, Role,
    Schema, Text, Tool, ToolChoice, ToolKind,
};
use crate::dialect::Dialect;
use crate::dialect::unanswered::Unanswered;
use crate::wire::json::{OneOrMany, ParseError, parse, parse_raw};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// Reads a request. The model and whether a stream is wanted stand in its path.
///
/// # Errors
/// 400, which names the field.
pub fn decode_request(body: &[u8]) -> Result<ChatRequest<'_>, Failure> {
    let wire: Request<'_> = parse(body)?;
    let Some(contents) = wire.contents else {
        return Err(Failure::field("contents", "contents: required"));
    };
    let mut request = ChatRequest::new(Dialect::Gemini);
    request.extra = wire.extra;
    if let Some(system) = wire.system {
        let mut message = Message::new(Role::System, Place::System);
        message.parts = parts(&system, "systemInstruction")?;
        request.messages.push(message);
    }
    for (index, content) in contents.0.iter().enumerate() {
        let message = decode_content(content, index)?;
        add_turn(&mut request.messages, message);
    }
    name_calls(&mut request.messages);
    for (index, raw) in wire.tools.unwrap_or_default().0.into_iter().enumerate() {
        decode_tool(raw, index, &mut request.tools)?;
    }
    if let Some(config) = wire.tool_config {
        decode_tool_config(config, &mut request)?;
    }
    if let Some(config) = wire.config {
        decode_config(config, &mut request)?;
    }
    request.metadata = wire.labels.map(Json::from);
    request.service_tier = wire.service_tier.map(|tier| match &*tier.to_str().to_ascii_lowercase() {
        "standard" => "default".into(),
        "unspecified" => "auto".into(),
        other => Text::from(other.to_owned()),
    });
    Ok(request)
}

fn within(path: &str, error: ParseError) -> Failure {
    match error {
        ParseError::Field { path: inner, message } => {
            let dot = if inner.is_empty() || inner.starts_with('[') { "" } else { "." };
            let path = format!("{path}{dot}{inner}");
            let message = format!("{path}: {message}");
            Failure::field(path, message)
        }
        other => Failure::field(path, format!("{path}: {other}")),
    }
}

fn parts<'a>(content: &Content<'a>, path: &str) -> Result<Vec<Part<'a>>, Failure> {
    let raws = content.parts.as_ref().map(|parts| parts.0.as_slice()).unwrap_or_default();
    let read = raws
        .iter()
        .enumerate()
        .map(|(index, raw)| part(raw).map_err(|error| within(&format!("{path}.parts[{index}]"), error)));
    read.collect()
}

fn decode_content<'a>(content: &Content<'a>, index: usize) -> Result<Message<'a>, Failure> {
    let path = format!("contents[{index}]");
    let role = match content.role.as_ref().map(Text::to_str).as_deref() {
        None | Some("user" | "function" | "tool" | "") => Role::User,
        Some("model") => Role::Assistant,
        Some(other) => {
            let path = format!("{path}.role");
            let message = format!("{path}: must be user or model, not {other}");
            return Err(Failure::field(path, message));
        }
    };
    let parts = parts(content, &path)?;
    Ok(Message { parts, extra: content.extra.clone(), ..Message::new(role, Place::Message(index)) })
}

/// Adds a turn. The official clients keep a streamed answer as one turn for each of its pieces: those of the model are
/// put together again.
fn add_turn<'a>(messages: &mut Vec<Message<'a>>, message: Message<'a>) {
    let last = messages.last_mut().filter(|last| {
        last.role == Role::Assistant && message.role == Role::Assistant && message.extra.is_empty()
    });
    let Some(last) = last else {
        messages.push(message);
        return;
    };
    for part in message.parts {
        let open = last.parts.last_mut().filter(|last| last.extra.is_empty());
        match (open.map(|last| &mut last.kind), &part.kind) {
            (Some(PartKind::Text(first)), PartKind::Text(second)) if part.extra.is_empty() => {
                first.push(second);
            }
            (Some(PartKind::Thinking(first)), PartKind::Thinking(second))
                if first.signature.is_none() && part.extra.is_empty() =>
            {
                first.text.push(&second.text);
                first.signature.clone_from(&second.signature);
            }
            _ => last.parts.push(part),
        }
    }
}

/// What a result may say of its call.
#[derive(Debug, PartialEq, Eq, Hash)]
enum CallKey {
    Id(String),
    Name(String),
}

/// Gives calls without an id one, and results the id of the call they answer: the first of that name that has no
/// answer yet.
fn name_calls(messages: &mut [Message<'_>]) {
    let mut unanswered: Unanswered<CallKey, String> = Unanswered::default();
    let mut made = 0_usize;
    for part in messages.iter_mut().flat_map(|message| &mut message.parts) {
        match &mut part.kind {
            PartKind::ToolCall(call) => {
                if call.id.is_empty() {
                    made = made.saturating_add(1);
                    call.id = Text::from(format!("gemini_call_{made}"));
                }
                let (name, id) = (call.name.to_str().into_owned(), call.id.to_str().into_owned());
                unanswered.add([CallKey::Name(name), CallKey::Id(id.clone())], id);
            }
            PartKind::ToolResult(result) => {
                let id = result.call_id.to_str();
                let name = result.name.as_ref().map(Text::to_str).unwrap_or_default();
                let key = if id.is_empty() {
                    CallKey::Name(name.into_owned())
                } else {
                    CallKey::Id((*id).to_owned())
                };
                match unanswered.take(&key) {
                    Some(id) => result.call_id = Text::from(id),
                    None if id.is_empty() => {
                        made = made.saturating_add(1);
                        result.call_id = Text::from(format!("gemini_call_{made}"));
                    }
                    None => {}
                }
            }
            _ => {}
        }
    }
}

fn decode_tool<'a>(raw: &'a RawValue, index: usize, tools: &mut Vec<Tool<'a>>) -> Result<(), Failure> {
    let path = format!("tools[{index}]");
    let wire: WireTool<'_> = parse_raw(raw).map_err(|error| within(&path, error))?;
    for function in wire.functions.unwrap_or_default().0 {
        let parameters = match (function.json_schema, function.parameters) {
            (Some(schema), _) => Some(Json::from(schema)),
            (None, Some(schema)) => Some(schema::to_json_schema(schema)),
            (None, None) => None,
        };
        tools.push(Tool {
            kind: ToolKind::Function(Function {
                name: function.name.unwrap_or_default(),
                description: function.description,
                parameters,
                strict: None,
            }),
            cache_control: None,
            extra: function.extra,
        });
    }
    for (name, value) in wire.extra {
        let kind = Text::from(name.clone());
        let mut out = Vec::new();
        crate::wire::json::object(&mut out, |o| o.raw(&name, value));
        let json = Json::trusted(String::from_utf8(out).unwrap_or_default());
        tools.push(Tool {
            kind: ToolKind::Other(Opaque { kind, json }),
            cache_control: None,
            extra: Vec::new(),
        });
    }
    Ok(())
}

fn decode_tool_config<'a>(config: ToolConfig<'a>, request: &mut ChatRequest<'a>) -> Result<(), Failure> {
    for (name, value) in config.extra {
        request.extra.push((Cow::Owned(format!("toolConfig.{name}")), value));
    }
    let Some(calling) = config.calling else { return Ok(()) };
    for (name, value) in calling.extra {
        request.extra.push((Cow::Owned(format!("toolConfig.functionCallingConfig.{name}")), value));
    }
    let names = calling.allowed.unwrap_or_default().0;
    let mode = calling.mode.unwrap_or_default().to_str().to_ascii_uppercase();
    request.tool_choice = match (&*mode, names.as_slice()) {
        ("NONE", _) => Some(ToolChoice::None),
        ("ANY", []) => Some(ToolChoice::Required),
        ("ANY", [only]) => Some(ToolChoice::Named(only.clone())),
        ("ANY", _) => Some(ToolChoice::Allowed { required: true, names }),
        ("AUTO" | "VALIDATED", []) => Some(ToolChoice::Auto),
        ("AUTO" | "VALIDATED", _) => Some(ToolChoice::Allowed { required: false, names }),
        ("" | "MODE_UNSPECIFIED", _) => None,
        (other, _) => {
            let path = "toolConfig.functionCallingConfig.mode";
            return Err(Failure::field(path, format!("{path}: unknown mode {other}")));
        }
    };
    Ok(())
}

fn decode_config<'a>(config: Config<'a>, request: &mut ChatRequest<'a>) -> Result<(), Failure> {
    let bad = |field: &str| {
        let path = format!("generationConfig.{field}");
        let message = format!("{path}: expected a number");
        Failure::field(path, message)
    };
    let float = |field: &str, raw: Option<&RawValue>| match raw {
        Some(raw) => number(raw).map(Some).ok_or_else(|| bad(field)),
        None => Ok(None),
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to what the target type holds before the cast"
    )]
    let whole = |field: &str, raw: Option<&RawValue>| {
        float(field, raw).map(|value| value.map(|value| value.clamp(0.0, 9e15) as u64))
    };
    request.temperature = float("temperature", config.temperature)?;
    request.top_p = float("topP", config.top_p)?;
    request.top_k = whole("topK", config.top_k)?;
    request.n = whole("candidateCount", config.candidate_count)?;
    request.max_tokens = whole("maxOutputTokens", config.max_output_tokens)?;
    request.response_format = decode_format(&config);
    request.stop = config.stop_sequences.unwrap_or_default().0;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "clamped to what the target type holds before the cast"
    )]
    let seed = float("seed", config.seed)?.map(|seed| seed.clamp(-9e15, 9e15) as i64);
    request.seed = seed;
    request.presence_penalty = float("presencePenalty", config.presence_penalty)?;
    request.frequency_penalty = float("frequencyPenalty", config.frequency_penalty)?;
    request.logprobs = config.response_logprobs;
    request.top_logprobs = whole("logprobs", config.logprobs)?;
    if let Some(wire) = config.thinking {
        let (reasoning, extra) = thinking::decode(wire)?;
        request.reasoning = reasoning;
        for (name, value) in extra {
            request.extra.push((Cow::Owned(format!("generationConfig.thinkingConfig.{name}")), value));
        }
    }
    // Text is what all answers are.
    let is_text = |raw: &RawValue| {
        parse_raw::<OneOrMany<Text<'_>>>(raw)
            .is_ok_and(|words| words.0.iter().all(|word| word.to_str().eq_ignore_ascii_case("text")))
    };
    if let Some(raw) = config.modalities.filter(|raw| !is_text(raw)) {
        request.extra.push((Cow::Borrowed("generationConfig.responseModalities"), raw));
    }
    for (name, value) in config.extra {
        request.extra.push((Cow::Owned(format!("generationConfig.{name}")), value));
    }
    Ok(())
}

fn decode_format<'a>(config: &Config<'a>) -> Option<ResponseFormat<'a>> {
    let schema = match (config.json_schema, config.schema) {
        (Some(schema), _) => Some(Json::from(schema)),
        (None, Some(schema)) => Some(schema::to_json_schema(schema)),
        (None, None) => None,
    };
    if let Some(schema) = schema {
        let is_word = config.mime_type.as_ref().is_some_and(|kind| *kind == WORD);
        let schema = Schema { name: None, description: None, strict: None, schema, is_word };
        return Some(ResponseFormat::JsonSchema(schema));
    }
    let kind = config.mime_type.clone()?;
    Some(match &*kind.to_str() {
        "application/json" => ResponseFormat::JsonObject,
        "text/plain" => ResponseFormat::Text,
        _ => {
            let mut out = Vec::new();
            kind.write_json(&mut out);
            let json = Json::trusted(String::from_utf8(out).unwrap_or_default());
            ResponseFormat::Other(Opaque { kind, json })
        }
    })
}
