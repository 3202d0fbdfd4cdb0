//! Content blocks and calls into the hub's parts.

use super::wire::{Block, Call};
use crate::chat::{
    Arguments, Document, Extra, Json, Opaque, Part, PartKind, Source, Text, Thinking, ToolCall,
};
use crate::wire::json::object;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// The name under which a thought remembers that it stood in `tool_plan`. Its value is `null`: other dialects lose
/// nothing by not knowing it.
pub(super) const PLAN: &str = "tool_plan";

/// A plan is a thought before calls.
pub(super) fn plan(text: Text<'_>) -> Part<'_> {
    let extra: Extra<'_> = vec![(Cow::Borrowed(PLAN), RawValue::NULL)];
    Part { extra, ..Part::new(PartKind::Thinking(Thinking { text, signature: None })) }
}

/// Whether a thought stood in `tool_plan`.
pub(super) fn is_plan(part: &Part<'_>) -> bool {
    part.extra.iter().any(|(name, _)| name == PLAN)
}

/// The part that a block is; the name of the field at fault when it is none.
pub(super) fn part(block: Block<'_>) -> Result<Part<'_>, &'static str> {
    let Some(kind) = block.kind.clone() else { return Err("type") };
    let made = match &*kind.to_str() {
        "text" => PartKind::Text(block.text.ok_or("text")?),
        "thinking" => {
            PartKind::Thinking(Thinking { text: block.thinking.ok_or("thinking")?, signature: None })
        }
        "image_url" => {
            let image = block.image_url.ok_or("image_url")?;
            let url = image.url.ok_or("image_url.url")?;
            let source = match url.data_uri() {
                Some((media_type, data)) => Source::Base64 { media_type, data },
                None => Source::Url(url),
            };
            PartKind::Image { source, detail: image.detail }
        }
        "document" => PartKind::Document(document(block.document.ok_or("document")?)),
        _ => PartKind::Other(Opaque { kind, json: whole(&block) }),
    };
    let extra = if matches!(made, PartKind::Other(_)) { Vec::new() } else { block.extra };
    Ok(Part { extra, ..Part::new(made) })
}

/// A document is a string, or an object of an id and any data: its JSON is what the model reads.
pub(super) fn document(raw: &RawValue) -> Document<'_> {
    let text = Text::from_raw(raw).unwrap_or_else(|| Text::plain(raw.get()));
    Document { source: Source::Text(text), title: None, context: None }
}

/// The part that a call is.
pub(super) fn call(call: Call<'_>) -> Part<'_> {
    let function = call.function.unwrap_or_default();
    Part::new(PartKind::ToolCall(ToolCall {
        id: call.id.unwrap_or_default(),
        name: function.name.unwrap_or_default(),
        arguments: Arguments::Text(function.arguments.unwrap_or_default()),
    }))
}

fn whole<'a>(block: &Block<'a>) -> Json<'a> {
    let mut out = Vec::new();
    object(&mut out, |object| {
        for (key, text) in [("type", &block.kind), ("text", &block.text), ("thinking", &block.thinking)] {
            if let Some(text) = text {
                object.text(key, text);
            }
        }
        if let Some(document) = block.document {
            object.raw("document", document);
        }
        object.extra(&block.extra);
    });
    Json::trusted(String::from_utf8(out).unwrap_or_default())
}
