//! Content blocks into the hub's parts.

use super::citation::cite;
use super::search_result;
use super::wire::{Block, Source as WireSource};
use crate::chat::{
    Arguments, CacheControl, Document, Json, Opaque, Part, PartKind, Source, Text, Thinking, ToolCall,
    ToolResult,
};
use crate::wire::json::{ParseError, TextOr, object, parse_raw};
use serde_json::value::RawValue;

/// What is wrong with a block: the field within it, and why.
#[derive(Debug)]
pub(super) struct BadBlock {
    pub(super) field: String,
    pub(super) message: String,
}

impl BadBlock {
    fn missing(field: &str) -> Self {
        Self { field: field.to_owned(), message: "required".to_owned() }
    }

    fn within(field: &str, error: ParseError) -> Self {
        match error {
            ParseError::Field { path, message } if path.is_empty() || path.starts_with('[') => {
                Self { field: format!("{field}{path}"), message }
            }
            ParseError::Field { path, message } => Self { field: format!("{field}.{path}"), message },
            other => Self { field: field.to_owned(), message: other.to_string() },
        }
    }
}

/// The part that a block is. A kind that is not known is kept whole.
pub(super) fn part(block: Block<'_>) -> Result<Part<'_>, BadBlock> {
    part_at(block, false)
}

/// `inside`: the block stands in the result of a tool. A result in a result is no known kind there, which also keeps
/// the nesting of a hostile body from eating the stack.
fn part_at(block: Block<'_>, inside: bool) -> Result<Part<'_>, BadBlock> {
    let Some(kind) = block.kind.clone() else { return Err(BadBlock::missing("type")) };
    let kind = match &*kind.to_str() {
        "text" => PartKind::Text(string("text", block.text)?),
        "thinking" => PartKind::Thinking(Thinking {
            text: string("thinking", block.thinking)?,
            signature: block.signature.and_then(Text::from_raw).filter(|signature| !signature.is_empty()),
        }),
        "redacted_thinking" => PartKind::RedactedThinking(string("data", block.data)?),
        "tool_use" => PartKind::ToolCall(ToolCall {
            id: string("id", block.id)?,
            name: string("name", block.name)?,
            arguments: Arguments::Json(block.input.map_or_else(|| Json::trusted("{}"), Json::from)),
        }),
        "tool_result" if !inside => PartKind::ToolResult(ToolResult {
            call_id: string("tool_use_id", block.tool_use_id)?,
            name: None,
            content: match block.content {
                Some(content) => result_content(content)?,
                None => Vec::new(),
            },
            is_error: block.is_error.map(|flag| flag.get() == "true"),
        }),
        "image" => PartKind::Image { source: source(block.source)?, detail: None },
        "document" => PartKind::Document(Document {
            source: source(block.source)?,
            title: block.title.and_then(Text::from_raw),
            context: block.context.and_then(Text::from_raw),
        }),
        _ => {
            if let Some(found) = search_result::read(&block) {
                return Ok(found);
            }
            let json = whole(&block);
            return Ok(Part {
                kind: PartKind::Other(Opaque { kind, json }),
                cache_control: block.cache_control.map(CacheControl),
                citations: Vec::new(),
                extra: Vec::new(),
            });
        }
    };
    let cache_control = block.cache_control.map(CacheControl);
    let mut part = Part { cache_control, extra: block.extra, ..Part::new(kind) };
    cite(&mut part);
    Ok(part)
}

fn string<'a>(field: &str, value: Option<&'a RawValue>) -> Result<Text<'a>, BadBlock> {
    let Some(value) = value else { return Err(BadBlock::missing(field)) };
    Text::from_raw(value)
        .ok_or_else(|| BadBlock { field: field.to_owned(), message: "expected a string".to_owned() })
}

fn result_content(content: &RawValue) -> Result<Vec<Part<'_>>, BadBlock> {
    match parse_raw::<TextOr<'_, Vec<Block<'_>>>>(content)
        .map_err(|error| BadBlock::within("content", error))?
    {
        TextOr::Text(text) => Ok(vec![Part::text(text)]),
        TextOr::Other(blocks) => blocks
            .into_iter()
            .enumerate()
            .map(|(index, block)| {
                part_at(block, true)
                    .map_err(|bad| BadBlock { field: format!("content[{index}].{}", bad.field), ..bad })
            })
            .collect(),
    }
}

fn source(value: Option<&RawValue>) -> Result<Source<'_>, BadBlock> {
    let Some(raw) = value else { return Err(BadBlock::missing("source")) };
    let source: WireSource<'_> = parse_raw(raw).map_err(|error| BadBlock::within("source", error))?;
    let kind = source.kind.unwrap_or_default();
    let found = match &*kind.to_str() {
        "base64" => {
            source.data.map(|data| Source::Base64 { media_type: source.media_type.unwrap_or_default(), data })
        }
        "url" => source.url.map(Source::Url),
        "file" => source.file_id.map(Source::File),
        "text" => source.data.map(Source::Text),
        "content" => source.content.and_then(search_result::pieces).map(Source::Pieces),
        _ => None,
    };
    Ok(found.unwrap_or_else(|| Source::Other(Opaque { kind, json: Json::from(raw) })))
}

/// The block as JSON again.
fn whole<'a>(block: &Block<'a>) -> Json<'a> {
    let mut out = Vec::new();
    object(&mut out, |object| {
        if let Some(kind) = &block.kind {
            object.text("type", kind);
        }
        for (key, value) in [
            ("id", block.id),
            ("tool_use_id", block.tool_use_id),
            ("name", block.name),
            ("input", block.input),
            ("title", block.title),
            ("context", block.context),
            ("source", block.source),
            ("text", block.text),
            ("thinking", block.thinking),
            ("signature", block.signature),
            ("data", block.data),
            ("content", block.content),
            ("is_error", block.is_error),
            ("cache_control", block.cache_control),
        ] {
            if let Some(value) = value {
                object.raw(key, value);
            }
        }
        object.extra(&block.extra);
    });
    Json::trusted(String::from_utf8(out).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Part<'_>, BadBlock> {
        part(serde_json::from_str(json).unwrap())
    }

    #[test]
    fn a_kind_that_is_not_known_is_kept_whole() {
        let json = r#"{"type":"search_result","title":"t","source":"https://a.example","content":[{"type":"text"}],"new":[1]}"#;
        let PartKind::Other(opaque) = read(json).unwrap().kind else { panic!("opaque") };
        let [was, is] =
            [json, opaque.json.as_str()].map(|json| serde_json::from_str::<serde_json::Value>(json).unwrap());
        assert_eq!(was, is);
    }

    #[test]
    fn what_is_missing_is_named() {
        for (json, field) in [
            ("{}", "type"),
            (r#"{"type":"text"}"#, "text"),
            (r#"{"type":"text","text":7}"#, "text"),
            (r#"{"type":"image"}"#, "source"),
            (r#"{"type":"image","source":{"type":7}}"#, "source.type"),
            (r#"{"type":"tool_result","tool_use_id":"t","content":[{"type":"text"}]}"#, "content[0].text"),
            (r#"{"type":"tool_result","tool_use_id":"t","content":[{"type":1}]}"#, "content[0].type"),
        ] {
            assert_eq!(read(json).unwrap_err().field, field, "{json}");
        }
    }

    #[test]
    fn endless_nesting_costs_no_stack() {
        let depth = 100_000;
        let open = r#"{"type":"tool_result","tool_use_id":"t","content":["#.repeat(depth);
        let json = format!("{open}{}", "]}".repeat(depth));
        let PartKind::ToolResult(result) = read(&json).unwrap().kind else { panic!("result") };
        assert!(matches!(result.content[0].kind, PartKind::Other(_)));
    }
}
