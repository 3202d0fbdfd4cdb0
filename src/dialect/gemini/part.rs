//! Gemini's parts into the hub's.

use super::signature;
use super::wire::{Blob, File, FunctionResult, Part as Wire};
use crate::chat::{
    Arguments, Document, Extra, Json, Opaque, Part, PartKind, Source, Text, Thinking, ToolCall, ToolResult,
};
use crate::dialect::signature::Kind;
use crate::wire::json::{ParseError, members, parse_raw};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// The name under which a part keeps Gemini's own signature in its extra fields.
pub(super) const SIGNATURE: &str = "thoughtSignature";
/// The name under which a part keeps the media type of a file that stands at an address.
pub(super) const MEDIA_TYPE: &str = "mimeType";

/// The part that a wire part is. What the hub has no word for is kept whole.
pub(super) fn part(raw: &RawValue) -> Result<Part<'_>, ParseError> {
    part_at(raw, false)
}

/// `inside`: the part stands in the result of a function, where no calls and results can.
fn part_at(raw: &RawValue, inside: bool) -> Result<Part<'_>, ParseError> {
    let wire: Wire<'_> = parse_raw(raw)?;
    let mut extra = wire.extra;
    let mut proof = None;
    if let Some((raw, text)) = wire.signature.and_then(|raw| Some((raw, Text::from_raw(raw)?))) {
        match signature::unwrap(&text.to_str()) {
            Some((Kind::Redacted, data)) => {
                return Ok(Part { extra, ..Part::new(PartKind::RedactedThinking(data)) });
            }
            Some((Kind::Thinking, of_another)) => proof = Some(of_another),
            None => extra.push((Cow::Borrowed(SIGNATURE), raw)),
        }
    }
    let whole = |extra: &Extra<'_>| {
        let name = extra.iter().map(|(name, _)| &**name).find(|name| *name != SIGNATURE).unwrap_or("part");
        PartKind::Other(Opaque { kind: Text::from(name.to_owned()), json: Json::from(raw) })
    };
    let kind = if let Some(call) = wire.call.filter(|_| !inside) {
        extra.extend(call.extra);
        PartKind::ToolCall(ToolCall {
            id: call.id.unwrap_or_default(),
            name: call.name.unwrap_or_default(),
            arguments: Arguments::Json(call.args.map_or_else(|| Json::trusted("{}"), Json::from)),
        })
    } else if let Some(result) = wire.result.filter(|_| !inside) {
        return tool_result(result, extra);
    } else if let Some(blob) = wire.inline_data {
        match of_blob(blob, &mut extra) {
            Some(kind) => kind,
            None => return Ok(Part::new(whole_media(raw, "inlineData"))),
        }
    } else if let Some(file) = wire.file_data {
        match of_file(file, raw, &mut extra) {
            Some(kind) => kind,
            None => return Ok(Part::new(whole_media(raw, "fileData"))),
        }
    } else if wire.thought == Some(true) {
        let text = wire.text.unwrap_or_default();
        PartKind::Thinking(Thinking { text, signature: proof })
    } else if let Some(text) = wire.text {
        PartKind::Text(text)
    } else if extra.iter().all(|(name, _)| name == SIGNATURE) {
        // A signature by itself ends a stream.
        PartKind::Text(Text::default())
    } else {
        return Ok(Part::new(whole(&extra)));
    };
    Ok(Part { extra, ..Part::new(kind) })
}

fn whole_media<'a>(raw: &'a RawValue, kind: &'static str) -> PartKind<'a> {
    PartKind::Other(Opaque { kind: kind.into(), json: Json::from(raw) })
}

/// `None`: bytes of a kind that the hub has no word for (video).
fn of_blob<'a>(blob: Blob<'a>, extra: &mut Extra<'a>) -> Option<PartKind<'a>> {
    let media_type = blob.mime_type.unwrap_or_default();
    let kind = media_type.to_str().to_ascii_lowercase();
    let source = Source::Base64 { media_type, data: in_standard_letters(blob.data.unwrap_or_default()) };
    let title = blob.extra.iter().find(|(name, _)| matches!(&**name, "displayName" | "display_name"));
    let title = title.and_then(|(_, raw)| Text::from_raw(raw));
    let found = of_kind(&kind, source, title.clone())?;
    if !matches!(found, PartKind::Document(_)) || title.is_none() {
        extra.extend(blob.extra);
    }
    Some(found)
}

/// Base64 in the alphabet that every provider reads: Google's SDK for Python writes that of URLs, which Google alone does.
fn in_standard_letters(data: Text<'_>) -> Text<'_> {
    let text = data.to_str();
    if !text.contains(['-', '_']) {
        return data;
    }
    let mut standard = text.trim_end_matches('=').replace('-', "+").replace('_', "/");
    while !standard.len().is_multiple_of(4) {
        standard.push('=');
    }
    Text::from(standard)
}

fn of_kind<'a>(kind: &str, source: Source<'a>, title: Option<Text<'a>>) -> Option<PartKind<'a>> {
    if kind.starts_with("image/") {
        return Some(PartKind::Image { source, detail: None });
    }
    if let Some(format) = kind.strip_prefix("audio/") {
        let format = match format {
            "mpeg" | "mp3" => "mp3",
            "wav" | "x-wav" | "wave" => "wav",
            other => other,
        };
        return Some(PartKind::Audio { source, format: Some(Text::from(format.to_owned())) });
    }
    (kind == "application/pdf" || kind.starts_with("text/")).then_some(PartKind::Document(Document {
        source,
        title,
        context: None,
    }))
}

/// `None`: a file that only Google can read, or of a kind that the hub has no word for.
fn of_file<'a>(file: File<'a>, raw: &'a RawValue, extra: &mut Extra<'a>) -> Option<PartKind<'a>> {
    let uri = file.uri?;
    let address = uri.to_str();
    if !address.starts_with("http") || is_googles(&address) || !file.extra.is_empty() {
        return None;
    }
    let said = file.mime_type.map(|kind| kind.to_str().into_owned());
    let kind = said.clone().or_else(|| media_type_of(&address).map(str::to_owned))?;
    let found = of_kind(&kind.to_ascii_lowercase(), Source::Url(uri), None)?;
    if said.is_some() {
        extra.push((Cow::Borrowed(MEDIA_TYPE), media_type_field(raw)?));
    }
    Some(found)
}

/// The media type of a `fileData` part as it stands.
fn media_type_field(raw: &RawValue) -> Option<&RawValue> {
    let outer = members(raw.get().as_bytes()).ok()?;
    let file = ["fileData", "file_data"].iter().find_map(|name| outer.get(name))?.value;
    let inner = members(file.get().as_bytes()).ok()?;
    ["mimeType", "mime_type"].iter().find_map(|name| inner.get(name)).map(|member| member.value)
}

/// Whether only Google can read what stands at an address.
pub(super) fn is_googles(uri: &str) -> bool {
    uri.starts_with("gs://")
        || uri.starts_with("https://generativelanguage.googleapis.com/")
        || is_youtube(uri)
}

fn is_youtube(uri: &str) -> bool {
    ["https://www.youtube.com/", "https://youtube.com/", "https://youtu.be/"]
        .iter()
        .any(|start| uri.starts_with(start))
}

/// The media type that an address ends with.
pub(super) fn media_type_of(uri: &str) -> Option<&'static str> {
    if is_youtube(uri) {
        return Some("video/*");
    }
    let path = uri.split(['?', '#']).next().unwrap_or(uri);
    let (_, ending) = path.rsplit_once('.')?;
    Some(match &*ending.to_ascii_lowercase() {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "gif" => "image/gif",
        "heic" => "image/heic",
        "heif" => "image/heif",
        "pdf" => "application/pdf",
        "txt" | "md" => "text/plain",
        "csv" => "text/csv",
        "html" | "htm" => "text/html",
        "mp3" => "audio/mp3",
        "wav" => "audio/wav",
        "ogg" => "audio/ogg",
        "flac" => "audio/flac",
        "mp4" => "video/mp4",
        "mov" => "video/quicktime",
        "webm" => "video/webm",
        _ => return None,
    })
}

/// The whole of the response object is what the function said, unless it holds nothing but the text of an `output`; an
/// object that holds nothing but an `error` is its way to say that it failed.
fn tool_result<'a>(result: FunctionResult<'a>, mut extra: Extra<'a>) -> Result<Part<'a>, ParseError> {
    let mut content = Vec::new();
    let mut is_error = None;
    if let Some(response) = result.response {
        let found = members(response.get().as_bytes()).ok();
        let only = found.as_ref().and_then(|found| match &*found.fields {
            [only] => Some(only),
            _ => None,
        });
        if only.is_some_and(|only| only.key == "error") {
            is_error = Some(true);
        }
        let output = only.filter(|only| only.key == "output").and_then(|only| Text::from_raw(only.value));
        // What is an object by itself would come back without its `output`.
        let output = output.filter(|text| !text.to_str().trim_start().starts_with('{'));
        content.push(Part::text(output.unwrap_or_else(|| response.get().into())));
    }
    for raw in result.parts.unwrap_or_default().0 {
        content.push(part_at(raw, true)?);
    }
    extra.extend(result.extra);
    let kind = PartKind::ToolResult(ToolResult {
        call_id: result.id.unwrap_or_default(),
        name: result.name,
        content,
        is_error,
    });
    Ok(Part { extra, ..Part::new(kind) })
}
