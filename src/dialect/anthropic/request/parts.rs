//! The hub's parts as content blocks of a request.

use super::super::citation::write_own;
use super::super::search_result::write_pieces;
use super::turns::Spoken;
use crate::chat::{Document, Failure, Json, Losses, Part, PartKind, Source, Text, ToolResult, is_missed};
use crate::dialect::digest::plain_id;
use crate::wire::json::{Array, Object, write_string};
use std::borrow::Cow;

const WHY: &str = "is not supported by Anthropic";

/// Bytes of a call's id where its characters have to change: as many as any other maker takes.
const LONGEST_ID: usize = 64;

/// Writes blocks.
#[derive(Debug)]
pub(super) struct Parts<'l> {
    /// The request came in this dialect: its extras and opaque blocks are Anthropic's own.
    pub(super) own: bool,
    pub(super) losses: &'l mut Losses,
}

impl<'l> Parts<'l> {
    pub(super) fn new(own: bool, losses: &'l mut Losses) -> Self {
        Self { own, losses }
    }

    /// Writes one block; nothing when it was dropped.
    pub(super) fn write(
        &mut self,
        spoken: &Spoken<'_, '_>,
        trim_end: bool,
        list: &mut Array<'_>,
    ) -> Result<(), Failure> {
        self.part(spoken.part, &|| spoken.path(), trim_end, list)
    }

    fn part(
        &mut self,
        part: &Part<'_>,
        path: &dyn Fn() -> String,
        trim_end: bool,
        list: &mut Array<'_>,
    ) -> Result<(), Failure> {
        if !self.own {
            let missed = part.extra.iter().filter(|(name, value)| value.get() != "null" && is_missed(name));
            for (name, _) in missed.filter(|(name, _)| !part.is_citations(name)) {
                self.losses.lost(&format!("{}.{name}", path()), "is not supported by Anthropic")?;
            }
        }
        match &part.kind {
            PartKind::Text(text) | PartKind::Refusal(text) => list.object(|block| {
                block.word("type", "text");
                if trim_end {
                    block.str("text", text.to_str().trim_end());
                } else {
                    block.text("text", text);
                }
                self.finish(part, block);
            }),
            PartKind::Thinking(thinking) => list.object(|block| {
                block.word("type", "thinking");
                block.text("thinking", &thinking.text);
                block.text("signature", &thinking.signature.clone().unwrap_or_default());
                self.finish(part, block);
            }),
            PartKind::RedactedThinking(data) => list.object(|block| {
                block.word("type", "redacted_thinking");
                block.text("data", data);
                self.finish(part, block);
            }),
            PartKind::Image { source, detail } => {
                if detail.as_ref().is_some_and(|detail| *detail != "auto") {
                    self.losses.note(format_args!(
                        "{}: image detail dropped: is not supported by Anthropic",
                        path()
                    ));
                }
                if let Source::Base64 { media_type, data } = source
                    && is_pdf(media_type, data)
                {
                    let document = Document { source: source.clone(), title: None, context: None };
                    return self.document(part, &document, path, list);
                }
                let Some(source) = self.source(source, "image", path)? else { return Ok(()) };
                list.object(|block| {
                    block.word("type", "image");
                    source.write(block);
                    self.finish(part, block);
                });
            }
            PartKind::Document(document) => self.document(part, document, path, list)?,
            PartKind::SearchResult(found) => list.object(|block| {
                block.word("type", "search_result");
                block.text("source", &found.source);
                block.text("title", &found.title);
                block.array("content", |list| write_pieces(&found.pieces, list));
                self.finish(part, block);
            }),
            PartKind::ToolCall(call) => {
                let (input, wrapped) = call.arguments.to_object();
                if wrapped {
                    self.losses
                        .note(format_args!("{}: arguments are no JSON object, sent as INVALID_JSON", path()));
                }
                list.object(|block| {
                    block.word("type", "tool_use");
                    block.str("id", &id(&call.id));
                    block.text("name", &call.name);
                    write_json("input", &input, block);
                    self.finish(part, block);
                });
            }
            PartKind::ToolResult(result) => self.result(part, result, path, list)?,
            PartKind::Audio { .. } => {
                self.losses.unread(&path(), "audio is not supported by Anthropic")?;
            }
            PartKind::Other(opaque) if self.own => {
                list.item().extend_from_slice(opaque.json.as_str().as_bytes());
            }
            PartKind::Other(opaque) => {
                self.losses.missed(&part.kind, &path(), &format!("{} {WHY}", opaque.kind.to_str()))?;
            }
        }
        Ok(())
    }

    /// What every block may end with.
    fn finish(&self, part: &Part<'_>, block: &mut Object<'_>) {
        if let Some(cache) = part.cache_control {
            block.raw("cache_control", cache.0);
        }
        if self.own {
            return write_own(block, &part.extra);
        }
        for (name, value) in part.extra.iter().filter(|(name, _)| part.is_citations(name)) {
            block.raw(name, value);
        }
    }

    fn document(
        &mut self,
        part: &Part<'_>,
        document: &Document<'_>,
        path: &dyn Fn() -> String,
        list: &mut Array<'_>,
    ) -> Result<(), Failure> {
        let Some(source) = self.source(&document.source, "document", path)? else { return Ok(()) };
        list.object(|block| {
            block.word("type", "document");
            source.write(block);
            if let Some(title) = &document.title {
                block.text("title", title);
            }
            if let Some(context) = &document.context {
                block.text("context", context);
            }
            self.finish(part, block);
        });
        Ok(())
    }

    fn result(
        &mut self,
        part: &Part<'_>,
        result: &ToolResult<'_>,
        path: &dyn Fn() -> String,
        list: &mut Array<'_>,
    ) -> Result<(), Failure> {
        let is_blank = |part: &Part<'_>| matches!(&part.kind, PartKind::Text(text) if text.is_blank());
        list.object(|block| {
            block.word("type", "tool_result");
            block.str("tool_use_id", &id(&result.call_id));
            match result.content.as_slice() {
                [only] if is_blank(only) => {}
                [Part { kind: PartKind::Text(text), cache_control: None, extra, .. }] if extra.is_empty() => {
                    block.text("content", text);
                }
                [] => {}
                parts => block.array("content", |content| {
                    for (index, inner) in parts.iter().enumerate().filter(|(_, inner)| !is_blank(inner)) {
                        self.part(inner, &|| format!("{}.content[{index}]", path()), false, content)?;
                    }
                    Ok::<(), Failure>(())
                })?,
            }
            if let Some(is_error) = result.is_error {
                block.bool("is_error", is_error);
            }
            self.finish(part, block);
            Ok(())
        })
    }

    fn source<'s>(
        &mut self,
        source: &'s Source<'_>,
        what: &str,
        path: &dyn Fn() -> String,
    ) -> Result<Option<Sendable<'s>>, Failure> {
        Ok(Some(match source {
            Source::Base64 { media_type, data } => {
                let kind = media_type.to_str();
                // Anthropic takes plain text as text only.
                if what == "document"
                    && let Some(text) = source.decoded_text()
                {
                    return Ok(Some(Sendable::Text(Cow::Owned(text))));
                }
                let is_known = if what == "image" { is_picture(&kind) } else { source.may_be_pdf() };
                if !self.own && !is_known {
                    self.losses.unread(&path(), &format!("a {what} of type {kind:?} {WHY}"))?;
                    return Ok(None);
                }
                let media_type = match &*kind {
                    "" | "application/octet-stream" => Cow::Borrowed(sniff(&data.to_str(), what)),
                    _ => kind,
                };
                Sendable::Base64 { media_type, data }
            }
            Source::Url(url) if self.own || url.to_str().starts_with("https://") => Sendable::Url(url),
            Source::Url(_) => {
                let why =
                    "is at an address that Anthropic cannot read: send it as base64, or at one with https";
                self.losses.unread(&path(), why)?;
                return Ok(None);
            }
            Source::File(id) => Sendable::File(id),
            Source::Text(text) => Sendable::Text(text.to_str()),
            Source::Pieces(pieces) => Sendable::Pieces(pieces),
            Source::Other(opaque) if self.own => Sendable::Raw(&opaque.json),
            Source::Other(_) => {
                self.losses
                    .unread(&path(), &format!("this source of a {what} is not supported by Anthropic"))?;
                return Ok(None);
            }
        }))
    }
}

/// A source in Anthropic's words.
enum Sendable<'s> {
    Base64 { media_type: Cow<'s, str>, data: &'s Text<'s> },
    Url(&'s Text<'s>),
    File(&'s Text<'s>),
    Text(Cow<'s, str>),
    Pieces(&'s [Text<'s>]),
    Raw(&'s Json<'s>),
}

impl Sendable<'_> {
    fn write(&self, block: &mut Object<'_>) {
        if let Self::Raw(json) = self {
            write_json("source", json, block);
            return;
        }
        block.object("source", |source| match self {
            Self::Base64 { media_type, data } => {
                source.word("type", "base64");
                source.str("media_type", media_type);
                source.text("data", data);
            }
            Self::Url(url) => {
                source.word("type", "url");
                source.text("url", url);
            }
            Self::File(id) => {
                source.word("type", "file");
                source.text("file_id", id);
            }
            Self::Text(text) => {
                source.word("type", "text");
                source.word("media_type", "text/plain");
                source.str("data", text);
            }
            Self::Pieces(pieces) => {
                source.word("type", "content");
                source.array("content", |list| write_pieces(pieces, list));
            }
            Self::Raw(_) => {}
        });
    }
}

/// Writes a field that is JSON already.
pub(super) fn write_json(key: &str, json: &Json<'_>, object: &mut Object<'_>) {
    object.key(key).extend_from_slice(json.as_str().as_bytes());
}

/// An id with the characters Anthropic allows (letters, digits, `_`, `-`); others become `_`, with a piece of the id's hash,
/// in the call and in its result alike.
fn id<'t>(id: &Text<'t>) -> Cow<'t, str> {
    let id = id.to_str();
    match plain_id(&id, LONGEST_ID, |c| c.is_ascii_alphanumeric() || c == '_' || c == '-') {
        Some(plain) => Cow::Owned(plain),
        None => id,
    }
}

fn is_pdf(media_type: &Text<'_>, data: &Text<'_>) -> bool {
    *media_type == "application/pdf" || (media_type.is_empty() && data.to_str().starts_with("JVBERi"))
}

/// Whether a picture is of a type that Anthropic takes, or of one that is yet to be found out.
fn is_picture(media_type: &str) -> bool {
    matches!(
        media_type,
        "" | "application/octet-stream" | "image/jpeg" | "image/png" | "image/gif" | "image/webp"
    )
}

/// The media type of base64 that came without one, by its first bytes.
fn sniff(data: &str, what: &str) -> &'static str {
    for (start, media_type) in [
        ("/9j/", "image/jpeg"),
        ("iVBORw", "image/png"),
        ("R0lGOD", "image/gif"),
        ("UklGR", "image/webp"),
        ("JVBERi", "application/pdf"),
    ] {
        if data.starts_with(start) {
            return media_type;
        }
    }
    if what == "image" { "image/png" } else { "application/pdf" }
}

/// Writes a message of the user's.
pub(super) fn write_words(words: &str, list: &mut Array<'_>) {
    list.object(|message| {
        message.word("role", "user");
        message.array("content", |content| {
            content.object(|block| {
                block.word("type", "text");
                write_string(block.key("text"), words);
            });
        });
    });
}
