//! Content blocks into the hub's parts.

use super::citation;
use super::media;
use super::wire::{
    Block, CachePoint, Cited, Document as WireDocument, Guard, Media, Reasoning,
    SearchResult as WireSearchResult, Source as WireSource, ToolResult as WireResult, ToolUse,
};
use crate::chat::{
    Arguments, CacheControl, Document, Json, Opaque, Part, PartKind, SearchResult, Source, Text, Thinking,
    ToolCall, ToolResult, characters,
};
use crate::wire::json::{Extra, ParseError, object, parse_raw};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// What is wrong with a block: the field within it, and why.
#[derive(Debug)]
pub(super) struct BadBlock {
    pub(super) field: String,
    pub(super) message: String,
}

impl BadBlock {
    fn missing(field: impl Into<String>) -> Self {
        Self { field: field.into(), message: "required".to_owned() }
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

/// The parts that blocks are. A cache point belongs to the part before it; a kind that is not known is kept whole.
///
/// # Errors
/// The block's place in the list, and what is wrong with it.
pub(super) fn parts(blocks: Vec<Block<'_>>) -> Result<Vec<Part<'_>>, (usize, BadBlock)> {
    parts_at(blocks, false)
}

fn parts_at(blocks: Vec<Block<'_>>, inside: bool) -> Result<Vec<Part<'_>>, (usize, BadBlock)> {
    let mut parts: Vec<Part<'_>> = Vec::with_capacity(blocks.len());
    for (index, block) in blocks.into_iter().enumerate() {
        match (block.cache_point, parts.last_mut()) {
            (Some(point), Some(before)) if before.cache_control.is_none() => {
                before.cache_control = cache_control(point);
            }
            _ => parts.push(part_at(block, inside).map_err(|bad| (index, bad))?),
        }
    }
    Ok(parts)
}

/// A cache point in the hub's form, which is Anthropic's.
pub(super) fn cache_control(point: &RawValue) -> Option<CacheControl<'static>> {
    let point: CachePoint<'_> = parse_raw(point).unwrap_or_default();
    let json = match point.ttl.map(|ttl| ttl.to_str()).as_deref() {
        Some("1h") => r#"{"type":"ephemeral","ttl":"1h"}"#,
        Some("5m") => r#"{"type":"ephemeral","ttl":"5m"}"#,
        _ => r#"{"type":"ephemeral"}"#,
    };
    serde_json::from_str::<&'static RawValue>(json).ok().map(CacheControl)
}

/// `inside`: the block stands in the result of a tool. A result in a result is no known kind there, which also keeps
/// the nesting of a hostile body from eating the stack.
fn part_at(block: Block<'_>, inside: bool) -> Result<Part<'_>, BadBlock> {
    if let Some(text) = block.text {
        return Ok(with(PartKind::Text(string("text", text)?), block.extra));
    }
    if let Some(raw) = block.tool_use {
        return tool_use(raw, block.extra);
    }
    if let Some(raw) = block.tool_result.filter(|_| !inside) {
        return tool_result(raw, block.extra);
    }
    if let Some(raw) = block.reasoning {
        let reasoning: Reasoning<'_> = read("reasoningContent", raw)?;
        return match (reasoning.text, reasoning.redacted) {
            (Some(said), _) => {
                let signature = said.signature.filter(|signature| !signature.is_empty());
                let text = said.text.unwrap_or_default();
                Ok(with(PartKind::Thinking(Thinking { text, signature }), block.extra))
            }
            (None, Some(data)) => Ok(with(PartKind::RedactedThinking(data), block.extra)),
            (None, None) => Ok(opaque("reasoningContent", "reasoningContent", raw)),
        };
    }
    if let Some(raw) = block.image {
        return image(raw);
    }
    if let Some(raw) = block.document {
        return document(raw);
    }
    if let Some(raw) = block.audio {
        return audio(raw);
    }
    if let Some(raw) = block.guard {
        return guard(raw);
    }
    if let Some(raw) = block.citations {
        return cited(raw);
    }
    if let Some(raw) = block.search_result {
        return search_result(raw);
    }
    if let Some(raw) = block.json {
        // The dialects know results of tools as text.
        return Ok(Part::text(Text::plain(raw.get())));
    }
    for (key, raw) in
        [("video", block.video), ("toolResult", block.tool_result), ("cachePoint", block.cache_point)]
    {
        if let Some(raw) = raw {
            return Ok(opaque(key, key, raw));
        }
    }
    match block.extra.first() {
        Some((key, raw)) => Ok(opaque(key, key, raw)),
        None => Err(BadBlock::missing("text")),
    }
}

fn with<'a>(kind: PartKind<'a>, extra: Extra<'a>) -> Part<'a> {
    Part { extra, ..Part::new(kind) }
}

/// The block as it came; `kind` is what a warning calls it.
fn opaque<'a>(key: &str, kind: &str, raw: &'a RawValue) -> Part<'a> {
    let mut out = Vec::with_capacity(raw.get().len() + key.len() + 6);
    object(&mut out, |block| block.raw(key, raw));
    let json = Json::trusted(String::from_utf8(out).unwrap_or_default());
    Part::new(PartKind::Other(Opaque { kind: Text::from(kind.to_owned()), json }))
}

fn read<'a, T: Deserialize<'a>>(key: &str, raw: &'a RawValue) -> Result<T, BadBlock> {
    parse_raw(raw).map_err(|error| BadBlock::within(key, error))
}

fn string<'a>(field: &str, value: &'a RawValue) -> Result<Text<'a>, BadBlock> {
    Text::from_raw(value)
        .ok_or_else(|| BadBlock { field: field.to_owned(), message: "expected a string".to_owned() })
}

fn joined<'a>(mut texts: impl Iterator<Item = Text<'a>>) -> Text<'a> {
    let Some(first) = texts.next() else { return Text::default() };
    let Some(second) = texts.next() else { return first };
    let mut all = first.to_str().into_owned();
    for text in std::iter::once(second).chain(texts) {
        all.push_str(&text.to_str());
    }
    Text::from(all)
}

fn tool_use<'a>(raw: &'a RawValue, outer: Extra<'a>) -> Result<Part<'a>, BadBlock> {
    let call: ToolUse<'a> = read("toolUse", raw)?;
    if call.kind.as_ref().is_some_and(|kind| *kind == "server_tool_use") {
        return Ok(opaque("toolUse", "server_tool_use", raw));
    }
    let kind = PartKind::ToolCall(ToolCall {
        id: call.id.ok_or_else(|| BadBlock::missing("toolUse.toolUseId"))?,
        name: call.name.ok_or_else(|| BadBlock::missing("toolUse.name"))?,
        arguments: Arguments::Json(call.input.map_or_else(|| Json::trusted("{}"), Json::from)),
    });
    // Recorded answers hold `"type": null` or "tool_use" in it, which says nothing.
    Ok(with(kind, [call.extra, outer].concat()))
}

fn tool_result<'a>(raw: &'a RawValue, outer: Extra<'a>) -> Result<Part<'a>, BadBlock> {
    let result: WireResult<'a> = read("toolResult", raw)?;
    if result.kind.as_ref().is_some_and(|kind| *kind != "tool_result") {
        let kind = result.kind.unwrap_or_default().to_str();
        return Ok(opaque("toolResult", &kind, raw));
    }
    let content = parts_at(result.content.unwrap_or_default(), true).map_err(|(index, bad)| BadBlock {
        field: format!("toolResult.content[{index}].{}", bad.field),
        message: bad.message,
    })?;
    let kind = PartKind::ToolResult(ToolResult {
        call_id: result.id.ok_or_else(|| BadBlock::missing("toolResult.toolUseId"))?,
        name: None,
        content,
        is_error: result.status.map(|status| status == "error"),
    });
    Ok(with(kind, [result.extra, outer].concat()))
}

fn image(raw: &RawValue) -> Result<Part<'_>, BadBlock> {
    let image: Media<'_> = read("image", raw)?;
    let format = image.format.unwrap_or_default().to_str();
    match image.source.and_then(|source| source.bytes) {
        Some(data) => {
            let media_type = match media::of_image(&format) {
                Some(known) => Text::from(known),
                None => Text::from(format!("image/{format}")),
            };
            Ok(with(
                PartKind::Image { source: Source::Base64 { media_type, data }, detail: None },
                image.extra,
            ))
        }
        None => Ok(opaque("image", "a picture in S3", raw)),
    }
}

fn audio(raw: &RawValue) -> Result<Part<'_>, BadBlock> {
    let audio: Media<'_> = read("audio", raw)?;
    match audio.source.and_then(|source| source.bytes) {
        Some(data) => {
            let media_type =
                audio.format.as_ref().map(|format| Text::from(format!("audio/{}", format.to_str())));
            let source = Source::Base64 { media_type: media_type.unwrap_or_default(), data };
            Ok(with(PartKind::Audio { source, format: audio.format }, audio.extra))
        }
        None => Ok(opaque("audio", "sound in S3", raw)),
    }
}

fn document(raw: &RawValue) -> Result<Part<'_>, BadBlock> {
    let document: WireDocument<'_> = read("document", raw)?;
    let Some(source_raw) = document.source else { return Err(BadBlock::missing("document.source")) };
    let source: WireSource<'_> = read("document.source", source_raw)?;
    let mut extra = document.extra;
    let format = document.format.and_then(Text::from_raw).unwrap_or_default().to_str();
    let pieces: Option<Vec<_>> =
        source.content.and_then(|content| content.into_iter().map(|piece| piece.text).collect());
    let source = match (source.bytes, source.text.map(Source::Text).or(pieces.map(Source::Pieces))) {
        (Some(data), _) => {
            let media_type = match media::of_document(&format) {
                Some(known) => Text::from(known),
                None => Text::from(format.into_owned()),
            };
            Source::Base64 { media_type, data }
        }
        (None, Some(said)) => {
            // Text has no media type in the hub; another format than plain text is worth remembering.
            extra.extend(
                document
                    .format
                    .filter(|_| !matches!(&*format, "txt" | ""))
                    .map(|raw| (Cow::Borrowed("format"), raw)),
            );
            said
        }
        (None, None) => {
            extra.extend(document.format.map(|raw| (Cow::Borrowed("format"), raw)));
            Source::Other(Opaque { kind: Text::from("source"), json: Json::from(source_raw) })
        }
    };
    let kind = PartKind::Document(Document { source, title: document.name, context: document.context });
    Ok(with(kind, extra))
}

/// A text with what it relies on. The block itself is kept for Bedrock, and for those who miss what is not known of it.
fn cited(raw: &RawValue) -> Result<Part<'_>, BadBlock> {
    let cited: Cited<'_> = read(citation::FIELD, raw)?;
    let text = joined(cited.content.unwrap_or_default().into_iter().filter_map(|piece| piece.text));
    let span = (0, characters(&text.to_str()));
    let items = cited.citations.unwrap_or_default();
    let citations: Vec<_> = items.iter().filter_map(|item| citation::read(item, span)).collect();
    let name = if citations.len() == items.len() { citation::KNOWN } else { citation::FIELD };
    Ok(Part { citations, ..with(PartKind::Text(text), vec![(Cow::Borrowed(name), raw)]) })
}

/// A search result; one that says more than the hub knows is kept whole.
fn search_result(raw: &RawValue) -> Result<Part<'_>, BadBlock> {
    let found: WireSearchResult<'_> = read("searchResult", raw)?;
    let pieces = found.content.unwrap_or_default().into_iter().map(|piece| piece.text);
    match (found.source, found.title, pieces.collect()) {
        (Some(source), Some(title), Some(pieces)) => {
            Ok(with(PartKind::SearchResult(SearchResult { source, title, pieces }), found.extra))
        }
        _ => Ok(opaque("searchResult", "searchResult", raw)),
    }
}

/// Text that a guardrail is to look at is text for the model; the guardrail is Bedrock's own.
fn guard(raw: &RawValue) -> Result<Part<'_>, BadBlock> {
    let guard: Guard<'_> = read("guardContent", raw)?;
    match guard.text.and_then(|text| text.text) {
        Some(text) => Ok(with(PartKind::Text(text), vec![(Cow::Borrowed("guardContent"), raw)])),
        None => Ok(opaque("guardContent", "guardContent", raw)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(json: &str) -> Vec<Part<'_>> {
        parts(serde_json::from_str(json).unwrap()).unwrap()
    }

    #[test]
    fn a_cache_point_belongs_to_the_part_before_it() {
        let parts = read_all(r#"[{"text":"a"},{"cachePoint":{"type":"default","ttl":"1h"}},{"text":"b"}]"#);
        assert_eq!(parts.len(), 2);
        assert_eq!(parts[0].cache_control.unwrap().0.get(), r#"{"type":"ephemeral","ttl":"1h"}"#);
        assert!(parts[1].cache_control.is_none());
        let alone = read_all(r#"[{"cachePoint":{"type":"default"}}]"#);
        assert!(matches!(&alone[0].kind, PartKind::Other(opaque) if opaque.kind == "cachePoint"));
    }

    #[test]
    fn a_kind_that_is_not_known_is_kept_whole() {
        let json = r#"[{"searchResult":{"source":"s","title":"t","content":[{"new":1}]}}]"#;
        let parts = read_all(json);
        let PartKind::Other(opaque) = &parts[0].kind else { panic!("opaque") };
        assert_eq!(
            (&opaque.kind.to_str()[..], opaque.json.as_str()),
            ("searchResult", &json[1..json.len() - 1])
        );
    }

    #[test]
    fn guarded_and_cited_text_is_text() {
        let parts = read_all(
            r#"[{"guardContent":{"text":{"text":"g","qualifiers":["query"]}}},
                {"citationsContent":{"content":[{"text":"a"},{"text":"b"}],"citations":[]}}]"#,
        );
        let texts: Vec<_> = parts
            .iter()
            .map(|part| match &part.kind {
                PartKind::Text(text) => text.to_str().into_owned(),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(texts, ["g", "ab"]);
        assert_eq!((&*parts[0].extra[0].0, &*parts[1].extra[0].0), ("guardContent", citation::KNOWN));
    }

    #[test]
    fn what_is_missing_is_named() {
        for (json, field) in [
            ("[{}]", "text"),
            (r#"[{"text":7}]"#, "text"),
            (r#"[{"toolUse":{"name":"f"}}]"#, "toolUse.toolUseId"),
            (r#"[{"document":{"name":"f"}}]"#, "document.source"),
            (r#"[{"toolResult":{"toolUseId":"a","content":[{"text":1}]}}]"#, "toolResult.content[0].text"),
        ] {
            let (_, bad) = parts(serde_json::from_str(json).unwrap()).unwrap_err();
            assert_eq!(bad.field, field, "{json}");
        }
    }
}
