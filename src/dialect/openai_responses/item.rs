//! Items into the hub's parts.

use super::{part, wire};
use crate::chat::{Arguments, Json, Opaque, Part, PartKind, Text, Thinking, ToolCall, ToolResult};
use crate::dialect::signature;
use crate::wire::json::{Extra, ParseError, TextOr, parse_raw};
use serde_json::value::RawValue;

/// What is wrong with an item: the field within it, and why.
#[derive(Debug)]
pub(super) struct Bad {
    pub(super) field: String,
    pub(super) message: String,
}

impl Bad {
    pub(super) fn missing(field: &str) -> Self {
        Self { field: field.to_owned(), message: "required".to_owned() }
    }

    /// The same, seen from what holds it.
    pub(super) fn within(self, place: &str) -> Self {
        let dot = if self.field.is_empty() || self.field.starts_with('[') { "" } else { "." };
        Self { field: format!("{place}{dot}{}", self.field), message: self.message }
    }
}

impl From<ParseError> for Bad {
    fn from(error: ParseError) -> Self {
        match error {
            ParseError::Field { path, message } => Self { field: path, message },
            other => Self { field: String::new(), message: other.to_string() },
        }
    }
}

/// An item in the hub's words.
#[derive(Debug)]
pub(super) enum Item<'a> {
    /// A message, whoever speaks.
    Message {
        role: Text<'a>,
        parts: Vec<Part<'a>>,
        /// Fields of the item.
        extra: Extra<'a>,
    },
    /// A thought, which may say nothing at all (its text stays with the provider).
    Thought(Part<'a>),
    /// The call of a function.
    Call(Part<'a>),
    /// What a function said.
    Result(Part<'a>),
    /// The id of an item that the provider keeps.
    Reference(Text<'a>),
    /// An item that only this dialect knows.
    Other(Opaque<'a>),
}

/// Reads an item of a request, an answer or a stream.
pub(super) fn read(raw: &RawValue) -> Result<Item<'_>, Bad> {
    let head: wire::Head<'_> = parse_raw(raw)?;
    let kind = head.kind();
    match &*kind.to_str() {
        "message" => message(parse_raw(raw)?),
        "reasoning" => Ok(Item::Thought(thought(parse_raw(raw)?)?)),
        "function_call" => call(parse_raw(raw)?),
        "custom_tool_call" => custom_call(parse_raw(raw)?),
        "function_call_output" | "custom_tool_call_output" => output(parse_raw(raw)?),
        "item_reference" => Ok(Item::Reference(head.id.unwrap_or_default())),
        "" => Err(Bad::missing("type")),
        _ => Ok(Item::Other(Opaque { kind, json: Json::from(raw) })),
    }
}

/// The id of an item, where it has one.
pub(super) fn id(raw: &RawValue) -> Option<Text<'_>> {
    parse_raw::<wire::Head<'_>>(raw).ok()?.id
}

/// Fields of an item that its own dialect writes back and no other one misses.
fn labels<'a>(mut extra: Extra<'a>, labels: [(&'static str, Option<&'a RawValue>); 3]) -> Extra<'a> {
    for (name, value) in labels {
        if let Some(value) = value {
            extra.push((name.into(), value));
        }
    }
    extra
}

fn message(wire: wire::Message<'_>) -> Result<Item<'_>, Bad> {
    let Some(role) = wire.role else { return Err(Bad::missing("role")) };
    let Some(content) = wire.content else { return Err(Bad::missing("content")) };
    let parts = part::decode_all(content, "content")?;
    let known = [("own.id", wire.id), ("own.status", wire.status), ("own.phase", wire.phase)];
    Ok(Item::Message { role, parts, extra: labels(wire.extra, known) })
}

/// The thought itself wins over a summary of it.
fn thought(wire: wire::Reasoning<'_>) -> Result<Part<'_>, Bad> {
    let (full, summary) = (fragments(wire.content, "content")?, fragments(wire.summary, "summary")?);
    let text = if full.is_empty() { summary } else { full };
    let signature = wire.encrypted_content.filter(|content| !content.is_empty());
    let mut extra =
        labels(wire.extra, [("own.id", wire.id), ("own.status", wire.status), ("own.content", wire.content)]);
    extra.extend(wire.summary.map(|summary| ("own.summary".into(), summary)));
    let kind = match (text.is_empty(), signature) {
        // A thought of another dialect's that shows no text is still one.
        (true, Some(data)) if !is_marked_thinking(&data) => PartKind::RedactedThinking(data),
        (_, signature) => PartKind::Thinking(Thinking { text, signature }),
    };
    Ok(Part { extra, ..Part::new(kind) })
}

fn fragments<'a>(raw: Option<&'a RawValue>, field: &str) -> Result<Text<'a>, Bad> {
    match raw {
        Some(raw) => parse_raw::<Vec<wire::Fragment<'a>>>(raw)
            .map(joined)
            .map_err(|error| Bad::from(error).within(field)),
        None => Ok(Text::default()),
    }
}

fn is_marked_thinking(data: &Text<'_>) -> bool {
    signature::read(data).is_some_and(|(_, kind, _)| kind == signature::Kind::Thinking)
}

/// What stands between the parts of a thought.
pub(super) const BETWEEN: &str = "\n\n";

fn joined(fragments: Vec<wire::Fragment<'_>>) -> Text<'_> {
    let mut texts =
        fragments.into_iter().filter_map(|fragment| fragment.text).filter(|text| !text.is_empty());
    let Some(first) = texts.next() else { return Text::default() };
    let mut rest = texts.peekable();
    if rest.peek().is_none() {
        return first;
    }
    let mut whole = first.to_str().into_owned();
    for text in rest {
        whole.push_str(BETWEEN);
        whole.push_str(&text.to_str());
    }
    Text::from(whole)
}

fn call(wire: wire::Call<'_>) -> Result<Item<'_>, Bad> {
    let Some(name) = wire.name else { return Err(Bad::missing("name")) };
    let arguments = match wire.arguments {
        None => Arguments::Text(Text::default()),
        Some(TextOr::Text(text)) => Arguments::Text(text),
        Some(TextOr::Other(raw)) => Arguments::Json(Json::from(raw)),
    };
    let kind = PartKind::ToolCall(ToolCall { id: wire.call_id.unwrap_or_default(), name, arguments });
    let extra = labels(wire.extra, [("own.id", wire.id), ("own.status", wire.status), ("", None)]);
    Ok(Item::Call(Part { extra, ..Part::new(kind) }))
}

fn custom_call(wire: wire::CustomCall<'_>) -> Result<Item<'_>, Bad> {
    let Some(name) = wire.name else { return Err(Bad::missing("name")) };
    let arguments = Arguments::Input(wire.input.unwrap_or_default());
    let kind = PartKind::ToolCall(ToolCall { id: wire.call_id.unwrap_or_default(), name, arguments });
    let extra = labels(wire.extra, [("own.id", wire.id), ("own.status", wire.status), ("", None)]);
    Ok(Item::Call(Part { extra, ..Part::new(kind) }))
}

fn output(wire: wire::CallOutput<'_>) -> Result<Item<'_>, Bad> {
    let Some(call_id) = wire.call_id else { return Err(Bad::missing("call_id")) };
    let content = match wire.output {
        None => Vec::new(),
        Some(output) => part::decode_all(output, "output")?,
    };
    let kind = PartKind::ToolResult(ToolResult { call_id, name: None, content, is_error: None });
    let known = [("own.id", wire.id), ("own.status", wire.status), ("own.item.type", wire.kind)];
    let extra = labels(wire.extra, known);
    Ok(Item::Result(Part { extra, ..Part::new(kind) }))
}
