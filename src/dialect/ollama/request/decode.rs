//! A client's request into the hub.

use super::super::ids;
use super::super::wire::{Chat, Message as WireMessage, Options, Tool as WireTool};
use super::messages::picture;
use super::options;
use crate::chat::{
    Arguments, ChatRequest, Effort, Failure, Function, Json, Message, Opaque, Part, PartKind, Place,
    Reasoning, ResponseFormat, Role, Schema, Text, Thinking, Thought, Tool, ToolCall, ToolKind, ToolResult,
};
use crate::dialect::Dialect;
use crate::dialect::unanswered::Unanswered;
use crate::wire::json::{parse, parse_raw};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// Reads a request.
///
/// # Errors
/// 400, which names the field.
pub fn decode_request(body: &[u8]) -> Result<ChatRequest<'_>, Failure> {
    let wire: Chat<'_> = parse(body)?;
    let mut request = ChatRequest::new(Dialect::Ollama);
    request.extra = wire.extra;
    request.model = wire.model.unwrap_or_default();
    let mut unanswered = Unanswered::default();
    for (index, message) in wire.messages.unwrap_or_default().into_iter().enumerate() {
        request.messages.push(decode_message(message, index, &mut unanswered)?);
    }
    for (index, tool) in wire.tools.unwrap_or_default().into_iter().enumerate() {
        request.tools.push(decode_tool(tool, index)?);
    }
    request.stream = wire.stream.unwrap_or(true);
    let said = Settings {
        options: wire.options,
        format: wire.format,
        think: wire.think,
        logprobs: wire.logprobs,
        top_logprobs: wire.top_logprobs,
    };
    settings(said, &mut request)?;
    Ok(request)
}

/// What both endpoints say alike.
pub(in super::super) struct Settings<'a> {
    pub(in super::super) options: Option<Options<'a>>,
    pub(in super::super) format: Option<&'a RawValue>,
    pub(in super::super) think: Option<&'a RawValue>,
    pub(in super::super) logprobs: Option<bool>,
    pub(in super::super) top_logprobs: Option<u64>,
}

/// Reads what both endpoints say alike.
pub(in super::super) fn settings<'a>(
    said: Settings<'a>,
    request: &mut ChatRequest<'a>,
) -> Result<(), Failure> {
    if let Some(options) = said.options {
        options::decode(options, request)?;
    }
    request.response_format = said.format.map(decode_format).transpose()?.flatten();
    request.reasoning = said.think.map(decode_think).transpose()?.unwrap_or_default();
    request.logprobs = said.logprobs;
    request.top_logprobs = said.top_logprobs;
    // Fields that old clients always send, and that say nothing when they are empty.
    request.extra.retain(|(_, value)| !matches!(value.get(), "\"\"" | "[]" | "{}" | "null"));
    Ok(())
}

fn decode_format(format: &RawValue) -> Result<Option<ResponseFormat<'_>>, Failure> {
    let json = format.get();
    if json.starts_with('{') {
        let schema = Schema {
            name: None,
            description: None,
            strict: None,
            schema: Json::from(format),
            is_word: false,
        };
        return Ok(Some(ResponseFormat::JsonSchema(schema)));
    }
    match json {
        "\"\"" => Ok(None),
        "\"json\"" => Ok(Some(ResponseFormat::JsonObject)),
        _ => Err(Failure::field("format", "format: must be \"json\" or a JSON schema")),
    }
}

fn decode_think(think: &RawValue) -> Result<Reasoning<'static>, Failure> {
    let level = Text::from_raw(think).map(|level| level.to_str().into_owned());
    let (thought, effort) = match (think.get(), level.as_deref()) {
        ("true", _) => (Some(Thought::On), None),
        ("false", _) => (Some(Thought::Off), None),
        (_, Some("")) => (None, None),
        (_, Some(name)) if Effort::of_name(name).is_some() => (Some(Thought::On), Effort::of_name(name)),
        _ => {
            let message = "think: must be true, false, \"low\", \"medium\" or \"high\"";
            return Err(Failure::field("think", message));
        }
    };
    Ok(Reasoning { thought, effort, budget: None, display: None })
}

/// A call that no result was seen of yet.
#[derive(Debug)]
struct Call<'a> {
    id: Text<'a>,
    name: Text<'a>,
    /// The client named no id.
    nameless: bool,
}

/// What a result may say of its call.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Key<'a> {
    Id(Cow<'a, str>),
    Name(Cow<'a, str>),
    Any,
    /// Of a call whose client named no id.
    Nameless(Cow<'a, str>),
    AnyNameless,
}

/// Calls that no result was seen of yet: results name the tool, or nothing, rather than the call.
type Calls<'a> = Unanswered<Key<'a>, Call<'a>>;

fn remember<'a>(calls: &mut Calls<'a>, call: Call<'a>) {
    let name = call.name.to_str();
    let nameless = call.nameless.then(|| [Key::Nameless(name.clone()), Key::AnyNameless]);
    let keys = [Key::Id(call.id.to_str()), Key::Name(name), Key::Any];
    calls.add(keys.into_iter().chain(nameless.into_iter().flatten()), call);
}

/// The call that a result answers: the one of that id, else the first of that name, else the first of all. A result
/// may name an id though its call does not (`LiteLLM`'s do): then it is one of the calls that lost theirs.
fn answered<'a>(calls: &mut Calls<'a>, id: Option<&Text<'a>>, name: Option<&Text<'a>>) -> Option<Call<'a>> {
    let of_id = id.and_then(|id| calls.take(&Key::Id(id.to_str())));
    of_id.or_else(|| {
        calls.take(&match (id, name.map(Text::to_str)) {
            (None, Some(name)) => Key::Name(name),
            (None, None) => Key::Any,
            (Some(_), Some(name)) => Key::Nameless(name),
            (Some(_), None) => Key::AnyNameless,
        })
    })
}

fn decode_message<'a>(
    message: WireMessage<'a>,
    index: usize,
    unanswered: &mut Calls<'a>,
) -> Result<Message<'a>, Failure> {
    let place = Place::Message(index);
    let wrong = |field: &str, what: &str| {
        Err(Failure::field(format!("{place}.{field}"), format!("{place}.{field}: {what}")))
    };
    let Some(role) = message.role else { return wrong("role", "required") };
    let role = match &*role.to_str().to_ascii_lowercase() {
        "system" => Role::System,
        "user" => Role::User,
        "assistant" => Role::Assistant,
        "tool" => Role::Tool,
        other => return wrong("role", &format!("must be system, user, assistant or tool, not {other}")),
    };
    let mut parts = Vec::new();
    if let Some(text) = message.thinking.filter(|text| !text.is_empty()) {
        parts.push(Part::new(PartKind::Thinking(Thinking { text, signature: None })));
    }
    parts.extend(message.content.filter(|text| !text.is_empty()).map(Part::text));
    parts.extend(message.images.unwrap_or_default().into_iter().map(picture));
    let mut out = Message { extra: message.extra, ..Message::new(role, place) };
    if role == Role::Tool {
        let named = message.tool_call_id.filter(|id| !id.is_empty());
        let call = answered(unanswered, named.as_ref(), message.tool_name.as_ref());
        let (called, tool) = call.map_or((None, None), |call| (Some(call.id), Some(call.name)));
        out.parts.push(Part::new(PartKind::ToolResult(ToolResult {
            call_id: called.or(named).unwrap_or_default(),
            name: message.tool_name.or(tool),
            content: parts,
            is_error: None,
        })));
        return Ok(out);
    }
    for (at, call) in message.tool_calls.unwrap_or_default().into_iter().enumerate() {
        let Some(function) = call.function else {
            return wrong(&format!("tool_calls[{at}].function"), "required");
        };
        let name = function.name.unwrap_or_default();
        let own = call.id.filter(|id| !id.is_empty());
        let nameless = own.is_none();
        let id = own.unwrap_or_else(|| ids::replayed(index, at));
        remember(unanswered, Call { id: id.clone(), name: name.clone(), nameless });
        let arguments = function.arguments.map_or_else(|| Json::trusted("{}"), Json::from);
        let call = ToolCall { id, name, arguments: Arguments::Json(arguments) };
        parts.push(Part::new(PartKind::ToolCall(call)));
    }
    out.parts = parts;
    Ok(out)
}

fn decode_tool(raw: &RawValue, index: usize) -> Result<Tool<'_>, Failure> {
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
                strict: None,
            };
            return Ok(Tool { kind: ToolKind::Function(function), cache_control: None, extra });
        }
        (kind, _) => Opaque { kind: kind.unwrap_or_default(), json: Json::from(raw) },
    };
    Ok(Tool { kind: ToolKind::Other(kind), cache_control: None, extra: Vec::new() })
}
