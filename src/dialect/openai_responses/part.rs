//! Parts of a message's content.

use super::item::Bad;
use super::wire;
use crate::chat::{Citation, Document, Json, Opaque, Part, PartKind, Source, Text};
use crate::dialect::openai_chat::{citation, media_type_of};
use crate::wire::json::{Array, Extra, Object, TextOr, parse_raw};
use serde_json::value::RawValue;

/// Reads content: a string, or parts. `field` is its name, for the path in an error.
pub(super) fn decode_all<'a>(
    content: TextOr<'a, Vec<&'a RawValue>>,
    field: &str,
) -> Result<Vec<Part<'a>>, Bad> {
    match content {
        TextOr::Text(text) => Ok(vec![Part::text(text)]),
        TextOr::Other(parts) => parts
            .into_iter()
            .enumerate()
            .map(|(index, part)| decode(part).map_err(|bad| bad.within(&format!("{field}[{index}]"))))
            .collect(),
    }
}

/// Reads one part; one of a type that is not known is kept whole.
pub(super) fn decode(raw: &RawValue) -> Result<Part<'_>, Bad> {
    let part: wire::Part<'_> = parse_raw(raw).map_err(Bad::from)?;
    let Some(kind) = part.kind else { return Err(Bad::missing("type")) };
    let mut extra = part.extra;
    let kind = match &*kind.to_str() {
        "input_text" | "output_text" | "text" | "summary_text" | "reasoning_text" => {
            keep(&mut extra, "annotations", part.annotations);
            // Of an answer that is sent back; those of a new one are read apart.
            keep(&mut extra, "own.logprobs", part.logprobs);
            PartKind::Text(part.text.ok_or_else(|| Bad::missing("text"))?)
        }
        "refusal" => PartKind::Refusal(part.refusal.ok_or_else(|| Bad::missing("refusal"))?),
        "input_image" => {
            let source = match (part.image_url, part.file_id) {
                (Some(url), _) => match url.data_uri() {
                    Some((media_type, data)) => Source::Base64 { media_type, data },
                    None => Source::Url(url),
                },
                (None, Some(id)) => Source::File(id),
                (None, None) => return Err(Bad::missing("image_url")),
            };
            PartKind::Image { source, detail: part.detail }
        }
        "input_file" => {
            let source = match (part.file_data, part.file_url, part.file_id) {
                (Some(data), _, _) => match data.data_uri() {
                    Some((media_type, data)) => Source::Base64 { media_type, data },
                    None => Source::Base64 { media_type: media_type_of(None, part.filename.as_ref()), data },
                },
                (None, Some(url), _) => Source::Url(url),
                (None, None, Some(id)) => Source::File(id),
                (None, None, None) => return Err(Bad::missing("file_data")),
            };
            PartKind::Document(Document { source, title: part.filename, context: None })
        }
        _ => PartKind::Other(Opaque { kind, json: Json::from(raw) }),
    };
    Ok(match kind {
        PartKind::Other(_) => Part::new(kind),
        kind => Part { extra, ..Part::new(kind) },
    })
}

/// What a text of an answer relies on. The list itself is kept for its own dialect, and for those who miss what it holds
/// besides.
pub(super) fn cite(part: &mut Part<'_>) {
    let Some((name, list)) = part.extra.iter_mut().find(|(name, _)| name == "annotations") else { return };
    let (pages, are_all) = citation::read_all(list);
    if are_all {
        *name = ANNOTATIONS.into();
    }
    part.citations = pages;
}

/// The list of annotations where all it holds is in the hub's words besides.
const ANNOTATIONS: &str = "own.annotations";

/// Keeps a list beside the part unless it is empty.
fn keep<'a>(extra: &mut Extra<'a>, name: &'static str, list: Option<&'a RawValue>) {
    if let Some(list) = list.filter(|list| list.get() != "[]") {
        extra.push((name.into(), list));
    }
}

/// What a part of a user's words is called here; `None` where there is no word for it.
pub(super) fn is_input(part: &Part<'_>, own: bool) -> Result<(), &'static str> {
    match &part.kind {
        PartKind::Text(_)
        | PartKind::Document(_)
        | PartKind::Image { source: Source::Base64 { .. } | Source::Url(_) | Source::File(_), .. } => Ok(()),
        PartKind::Image { .. } => Err("an image of this source"),
        PartKind::Other(_) | PartKind::Refusal(_) if own => Ok(()),
        PartKind::Other(_) => Err("a block of this type"),
        PartKind::Audio { .. } => Err("audio"),
        _ => Err("a part of this kind"),
    }
}

/// Writes what a user, a tool or an instruction says.
pub(super) fn write_input(list: &mut Array<'_>, part: &Part<'_>, own: bool) {
    if let PartKind::Other(opaque) = &part.kind {
        return list.item().extend_from_slice(opaque.json.as_str().as_bytes());
    }
    list.object(|o| {
        match &part.kind {
            PartKind::Text(text) | PartKind::Document(Document { source: Source::Text(text), .. }) => {
                o.word("type", "input_text");
                o.text("text", text);
            }
            PartKind::Refusal(text) => {
                o.word("type", "refusal");
                o.text("refusal", text);
            }
            PartKind::Image { source, detail } => {
                o.word("type", "input_image");
                match source {
                    Source::File(id) => o.text("file_id", id),
                    source => write_source(o, "image_url", source),
                }
                match detail {
                    Some(detail) => o.text("detail", detail),
                    None if own => {}
                    // The reference requires it.
                    None => o.word("detail", "auto"),
                }
            }
            PartKind::Document(document) => {
                o.word("type", "input_file");
                match &document.title {
                    Some(title) => o.text("filename", title),
                    // OpenAI wants a name beside data.
                    None if matches!(document.source, Source::Base64 { .. }) => {
                        o.word("filename", "document.pdf");
                    }
                    None => {}
                }
                match &document.source {
                    Source::Url(url) => o.text("file_url", url),
                    Source::File(id) => o.text("file_id", id),
                    source => write_source(o, "file_data", source),
                }
            }
            _ => {}
        }
        if own {
            write_own(o, &part.extra);
        }
    });
}

/// Writes what the model said, text or refusal.
pub(super) fn write_output(list: &mut Array<'_>, part: &Part<'_>, logprobs: Option<&str>, own: bool) {
    list.object(|o| match &part.kind {
        PartKind::Text(text) => {
            o.word("type", "output_text");
            o.text("text", text);
            let said = |name: &str| own && part.extra.iter().any(|(key, _)| key == name);
            if !said("annotations") && !said(ANNOTATIONS) {
                o.array("annotations", |list| {
                    part.citations.iter().for_each(|page| list.object(|o| write_citation(o, page)));
                });
            }
            if let Some(logprobs) = logprobs.filter(|_| !said("own.logprobs")) {
                o.key("logprobs").extend_from_slice(logprobs.as_bytes());
            }
            if own {
                write_own(o, &part.extra);
            }
        }
        PartKind::Refusal(text) => {
            o.word("type", "refusal");
            o.text("refusal", text);
            if own {
                write_own(o, &part.extra);
            }
        }
        _ => {}
    });
}

/// Writes an annotation.
pub(super) fn write_citation(o: &mut Object<'_>, citation: &Citation<'_>) {
    o.word("type", "url_citation");
    citation::write(o, citation, 0);
}

/// Whether a part came with a field of this dialect's own.
pub(super) fn says_own(part: &Part<'_>, name: &str) -> bool {
    part.extra.iter().any(|(key, _)| key == name)
}

/// Fields of this dialect's own, those among them that only it misses included.
pub(super) fn write_own(o: &mut Object<'_>, extra: &Extra<'_>) {
    for (name, value) in extra.iter().filter(|(name, _)| !name.starts_with("own.item.")) {
        o.raw(name.strip_prefix("own.").unwrap_or(name), value);
    }
}

/// A URL, or bytes as a data URI.
fn write_source(o: &mut Object<'_>, key: &str, source: &Source<'_>) {
    match source {
        Source::Base64 { media_type, data } => {
            let out = o.key(key);
            out.extend_from_slice(b"\"data:");
            media_type.write_content(out);
            out.extend_from_slice(b";base64,");
            data.write_content(out);
            out.push(b'"');
        }
        Source::Url(text) | Source::File(text) | Source::Text(text) => o.text(key, text),
        Source::Pieces(_) | Source::Other(_) => {}
    }
}

/// Whether a text says anything: empty parts are none.
pub(super) fn says(part: &Part<'_>) -> bool {
    !matches!(&part.kind, PartKind::Text(text) if Text::is_empty(text))
}
