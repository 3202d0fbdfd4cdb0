//! The hub's parts as content blocks of a request.

use super::super::citation;
use super::super::family::Family;
use super::super::media;
use crate::chat::{
    CacheControl, Document, Failure, Json, Losses, OWN, Part, PartKind, SearchResult, Source, Text, Thinking,
    ToolResult, is_missed, lines,
};
use crate::dialect::anthropic::turns::Spoken;
use crate::dialect::digest::{digest, plain_id};
use crate::wire::base64;
use crate::wire::json::{Array, Object, parse_raw, wire_object};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

const WHY: &str = "is not supported by Bedrock";

/// Longest id of a tool call, in characters.
const LONGEST_ID: usize = 64;

/// Writes blocks; remembers the names of documents, which must differ.
#[derive(Debug)]
pub(super) struct Parts<'l> {
    /// The request came in this dialect: its extras and opaque blocks are Bedrock's own.
    own: bool,
    family: Family,
    pub(super) losses: &'l mut Losses,
    names: Names,
}

impl<'l> Parts<'l> {
    pub(super) fn new(own: bool, family: Family, losses: &'l mut Losses) -> Self {
        Self { own, family, losses, names: Names::default() }
    }

    /// Writes one block, and its cache point behind it; nothing when it was dropped.
    pub(super) fn write(
        &mut self,
        spoken: &Spoken<'_, '_>,
        trim_end: bool,
        list: &mut Array<'_>,
    ) -> Result<(), Failure> {
        let was_empty = list.is_empty();
        self.part(spoken.part, &|| spoken.path(), trim_end, list)?;
        if spoken.part.cache_control.is_some() && !(was_empty && list.is_empty()) {
            if self.own || self.family.caches() {
                self.cache_point(spoken.part.cache_control, &|| spoken.path(), list);
            } else {
                self.losses.note(format_args!(
                    "{}.cache_control dropped: this model does not cache prompts",
                    spoken.path()
                ));
            }
        }
        Ok(())
    }

    fn part(
        &mut self,
        part: &Part<'_>,
        path: &dyn Fn() -> String,
        trim_end: bool,
        list: &mut Array<'_>,
    ) -> Result<(), Failure> {
        if !self.own {
            let missed = |name: &str| is_missed(name) && !part.is_citations(name);
            for (name, _) in part.extra.iter().filter(|(name, value)| value.get() != "null" && missed(name)) {
                self.losses.lost(&format!("{}.{name}", path()), WHY)?;
            }
        }
        match &part.kind {
            PartKind::Text(text) | PartKind::Refusal(text) => self.text(part, text, trim_end, list),
            PartKind::Thinking(thinking) => write_thinking(thinking, list),
            PartKind::RedactedThinking(data) => list.object(|block| {
                block.object("reasoningContent", |reasoning| reasoning.text("redactedContent", data));
            }),
            PartKind::Image { source, detail } => {
                if detail.as_ref().is_some_and(|detail| *detail != "auto") {
                    self.losses.note(format_args!("{}: image detail dropped: {WHY}", path()));
                }
                self.image(part, source, path, list)?;
            }
            PartKind::Document(document) => self.document(part, document, path, list)?,
            PartKind::SearchResult(found) => self.search_result(part, found, path, list),
            PartKind::Audio { .. } if !self.own && self.family.claude().is_some() => {
                self.losses.unread(&path(), "sound is not supported by Claude")?;
            }
            PartKind::Audio { source, format } => {
                let format = format.as_ref().map(Text::to_str);
                match source {
                    Source::Base64 { media_type, data } => {
                        match media::audio_format(format.as_deref(), &media_type.to_str()) {
                            Some(format) => write_media("audio", format, data, list),
                            None => self
                                .losses
                                .unread(&path(), "sound of this format is not supported by Bedrock")?,
                        }
                    }
                    _ => {
                        self.losses
                            .unread(&path(), "sound is supported by Bedrock within the request only")?;
                    }
                }
            }
            PartKind::ToolCall(call) => {
                let (input, wrapped) = call.arguments.to_object();
                if wrapped {
                    self.losses
                        .note(format_args!("{}: arguments are no JSON object, sent as INVALID_JSON", path()));
                }
                let id = id(&call.id);
                list.object(|block| {
                    block.object("toolUse", |tool| {
                        tool.str("toolUseId", &id);
                        tool.text("name", &call.name);
                        write_json("input", &input, tool);
                    });
                });
            }
            PartKind::ToolResult(result) => self.result(result, path, list)?,
            PartKind::Other(opaque) if self.own => {
                list.item().extend_from_slice(opaque.json.as_str().as_bytes());
            }
            PartKind::Other(opaque) => {
                self.losses.missed(&part.kind, &path(), &format!("{} {WHY}", opaque.kind.to_str()))?;
            }
        }
        Ok(())
    }

    /// Writes a cache point, with the time to keep it where the model takes one.
    fn cache_point(
        &mut self,
        cache: Option<CacheControl<'_>>,
        path: &dyn Fn() -> String,
        list: &mut Array<'_>,
    ) {
        let keeps_ttl = self.own || self.family.caches_tools();
        if !keeps_ttl && cache.is_some_and(|CacheControl(raw)| raw.get().contains("\"ttl\"")) {
            self.losses.note(format_args!("{}.cache_control.ttl dropped: {WHY} for this model", path()));
        }
        write_cache_point(cache, keeps_ttl, list);
    }

    fn text(&self, part: &Part<'_>, text: &Text<'_>, trim_end: bool, list: &mut Array<'_>) {
        let own = part.extra.iter().filter(|_| self.own);
        let mut richer = own.filter(|(name, _)| name == "guardContent" || citation::is_field(name));
        list.object(|block| match richer.next() {
            Some((name, raw)) => block.raw(name.strip_prefix(OWN).unwrap_or(name), raw),
            None if trim_end => block.str("text", text.to_str().trim_end()),
            None => block.text("text", text),
        });
    }

    fn image(
        &mut self,
        part: &Part<'_>,
        source: &Source<'_>,
        path: &dyn Fn() -> String,
        list: &mut Array<'_>,
    ) -> Result<(), Failure> {
        match source {
            Source::Base64 { media_type, data } => {
                let kind = media_type.to_str();
                if kind == "application/pdf" || (kind.is_empty() && data.to_str().starts_with("JVBERi")) {
                    let document = Document { source: source.clone(), title: None, context: None };
                    return self.document(part, &document, path, list);
                }
                let format = match media::image_format(&kind, &data.to_str()) {
                    Some(known) => Cow::Borrowed(known),
                    None if self.own => Cow::Owned(kind.trim_start_matches("image/").to_owned()),
                    None => {
                        let why = format!("a picture of type {kind:?} {WHY}");
                        return self.losses.unread(&path(), &why);
                    }
                };
                write_media("image", &format, data, list);
                Ok(())
            }
            Source::Url(url) => self.at_url("image", url, "", path, list),
            _ => self.losses.unread(&path(), "this source of a picture is not supported by Bedrock"),
        }
    }

    /// Bedrock fetches nothing but from S3. `name`: of a document.
    fn at_url(
        &mut self,
        what: &str,
        url: &Text<'_>,
        name: &str,
        path: &dyn Fn() -> String,
        list: &mut Array<'_>,
    ) -> Result<(), Failure> {
        let url = url.to_str();
        let ending = url.rsplit_once('.').map_or("", |(_, ending)| ending).to_ascii_lowercase();
        let format = match what {
            "image" if ending == "jpg" => Some("jpeg"),
            "image" => media::of_image(&ending).map(|_| ending.as_str()),
            _ => media::of_document(&ending).map(|_| ending.as_str()),
        };
        match format.filter(|_| url.starts_with("s3://")) {
            Some(format) => {
                let name =
                    (what == "document").then(|| self.names.unique(&media::document_name(name, format)));
                list.object(|block| {
                    block.object(what, |media| {
                        media.str("format", format);
                        if let Some(name) = &name {
                            media.str("name", name);
                        }
                        media.object("source", |source| {
                            source.object("s3Location", |place| place.str("uri", &url));
                        });
                    });
                });
                Ok(())
            }
            None => {
                self.losses.unread(&path(), "Bedrock fetches no URL but s3:// ones: send the bytes in base64")
            }
        }
    }

    fn document(
        &mut self,
        part: &Part<'_>,
        document: &Document<'_>,
        path: &dyn Fn() -> String,
        list: &mut Array<'_>,
    ) -> Result<(), Failure> {
        let title = document.title.as_ref().map(Text::to_str).unwrap_or_default();
        let extra = |name: &str| part.extra.iter().find(|(known, _)| *known == name).map(|(_, raw)| *raw);
        let mut encoded = Vec::new();
        let (format, data) = match &document.source {
            Source::Base64 { media_type, data } => {
                let kind = media_type.to_str();
                match media::document_format(&kind, &title, &data.to_str()) {
                    Some(format) => (Cow::Borrowed(format), Bytes::Base64(data)),
                    None if self.own => (kind, Bytes::Base64(data)),
                    None => {
                        let why = format!("a document of type {kind:?} {WHY}");
                        return self.losses.unread(&path(), &why);
                    }
                }
            }
            Source::Text(text) if self.own || self.family.claude().is_some() => {
                (Cow::Borrowed("txt"), Bytes::Text(text))
            }
            Source::Text(text) => {
                base64::encode(text.to_str().as_bytes(), &mut encoded);
                (Cow::Borrowed("txt"), Bytes::Encoded(&encoded))
            }
            Source::Pieces(pieces) if self.own || self.family.claude().is_some() => {
                (Cow::Borrowed("txt"), Bytes::Pieces(pieces))
            }
            Source::Pieces(pieces) => {
                base64::encode(lines(pieces).to_str().as_bytes(), &mut encoded);
                (Cow::Borrowed("txt"), Bytes::Encoded(&encoded))
            }
            Source::Url(url) => return self.at_url("document", url, &title, path, list),
            Source::Other(opaque) if self.own => (Cow::Borrowed(""), Bytes::Own(&opaque.json)),
            Source::File(_) | Source::Other(_) => {
                return self.losses.unread(&path(), "this source of a document is not supported by Bedrock");
            }
        };
        let name = if self.own {
            title.into_owned()
        } else {
            self.names.unique(&media::document_name(&title, &format))
        };
        list.object(|block| {
            block.object("document", |object| {
                match extra("format").filter(|_| self.own) {
                    Some(raw) => object.raw("format", raw),
                    None if format.is_empty() => {}
                    None => object.str("format", &format),
                }
                object.str("name", &name);
                data.write(object);
                if let Some(context) = &document.context {
                    object.text("context", context);
                }
                for (key, raw) in
                    part.extra.iter().filter(|(key, _)| key == "citations" || (self.own && key != "format"))
                {
                    object.raw(key, raw);
                }
            });
        });
        Ok(())
    }

    /// A search result; models that are not Anthropic's are told it as text.
    fn search_result(
        &mut self,
        part: &Part<'_>,
        found: &SearchResult<'_>,
        path: &dyn Fn() -> String,
        list: &mut Array<'_>,
    ) {
        if !self.own && self.family.claude().is_none() {
            if part.is_to_be_cited() {
                self.losses.note(format_args!("{}.citations dropped: {WHY} for this model", path()));
            }
            return list.object(|block| block.text("text", &found.to_text()));
        }
        list.object(|block| {
            block.object("searchResult", |result| {
                result.text("source", &found.source);
                result.text("title", &found.title);
                result.array("content", |list| write_pieces(&found.pieces, list));
                for (name, raw) in part.extra.iter().filter(|(name, _)| self.own || name == "citations") {
                    result.raw(name, raw);
                }
            });
        });
    }

    fn result(
        &mut self,
        result: &ToolResult<'_>,
        path: &dyn Fn() -> String,
        list: &mut Array<'_>,
    ) -> Result<(), Failure> {
        let id = id(&result.call_id);
        let is_blank = |part: &Part<'_>| matches!(&part.kind, PartKind::Text(text) if text.is_blank());
        let mut points = Vec::new();
        list.object(|block| {
            block.object("toolResult", |object| {
                object.str("toolUseId", &id);
                object.array("content", |content| {
                    for (index, inner) in result.content.iter().enumerate() {
                        if self.own || !is_blank(inner) {
                            self.part(inner, &|| format!("{}.content[{index}]", path()), false, content)?;
                            points.extend(inner.cache_control);
                        }
                    }
                    if content.is_empty() && !self.own {
                        // A result has to say something.
                        content.object(|text| text.word("text", "(no output)"));
                    }
                    Ok::<(), Failure>(())
                })?;
                match result.is_error {
                    Some(is_error) if self.own => {
                        object.word("status", if is_error { "error" } else { "success" });
                    }
                    Some(true) if self.family.takes_status() => object.word("status", "error"),
                    Some(true) => {
                        self.losses
                            .note(format_args!("{}.is_error dropped: this model is not told of it", path()));
                    }
                    _ => {}
                }
                Ok::<(), Failure>(())
            })
        })?;
        // A breakpoint within a result has no place there; behind it, it says nearly the same.
        if self.own || self.family.caches() {
            self.cache_point(points.into_iter().next(), path, list);
        }
        Ok(())
    }
}

/// The names of a request's documents, which must differ.
#[derive(Debug, Default)]
struct Names {
    used: HashSet<String>,
    /// The last number that was given to a name: all before it are used.
    last: HashMap<String, u32>,
}

impl Names {
    /// The name, told apart from those before it.
    fn unique(&mut self, name: &str) -> String {
        if self.used.insert(name.to_owned()) {
            return name.to_owned();
        }
        let last = self.last.entry(name.to_owned()).or_insert(1);
        loop {
            *last = last.saturating_add(1);
            let unique = format!("{name} {last}");
            // No body holds as many documents as there are numbers.
            if self.used.insert(unique.clone()) || *last == u32::MAX {
                return unique;
            }
        }
    }
}

/// A document's bytes in any form.
enum Bytes<'s> {
    Base64(&'s Text<'s>),
    Encoded(&'s [u8]),
    Text(&'s Text<'s>),
    Pieces(&'s [Text<'s>]),
    Own(&'s Json<'s>),
}

impl Bytes<'_> {
    fn write(&self, object: &mut Object<'_>) {
        if let Self::Own(json) = self {
            return write_json("source", json, object);
        }
        object.object("source", |source| match self {
            Self::Base64(data) => source.text("bytes", data),
            Self::Encoded(data) => source.str("bytes", std::str::from_utf8(data).unwrap_or_default()),
            Self::Text(text) => source.text("text", text),
            Self::Pieces(pieces) => source.array("content", |list| write_pieces(pieces, list)),
            Self::Own(_) => {}
        });
    }
}

fn write_pieces(pieces: &[Text<'_>], list: &mut Array<'_>) {
    for piece in pieces {
        list.object(|object| object.text("text", piece));
    }
}

fn write_media(what: &str, format: &str, data: &Text<'_>, list: &mut Array<'_>) {
    list.object(|block| {
        block.object(what, |media| {
            media.str("format", format);
            media.object("source", |source| source.text("bytes", data));
        });
    });
}

fn write_thinking(thinking: &Thinking<'_>, list: &mut Array<'_>) {
    list.object(|block| {
        block.object("reasoningContent", |reasoning| {
            reasoning.object("reasoningText", |text| {
                text.text("text", &thinking.text);
                if let Some(signature) = &thinking.signature {
                    text.text("signature", signature);
                }
            });
        });
    });
}

wire_object! {
    /// A breakpoint in the hub's form.
    light struct Breakpoint<'a> {
        ttl: Text<'a> = "ttl",
    }
}

/// Writes the cache point that stands for a breakpoint. `keeps_ttl`: the model takes a time to keep it.
pub(super) fn write_cache_point(cache: Option<CacheControl<'_>>, keeps_ttl: bool, list: &mut Array<'_>) {
    let Some(CacheControl(raw)) = cache else { return };
    let breakpoint: Breakpoint<'_> = parse_raw(raw).unwrap_or_default();
    list.object(|block| {
        block.object("cachePoint", |point| {
            point.word("type", "default");
            if let Some(ttl) = breakpoint.ttl.as_ref().filter(|_| keeps_ttl) {
                point.text("ttl", ttl);
            }
        });
    });
}

fn write_json(key: &str, json: &Json<'_>, object: &mut Object<'_>) {
    object.key(key).extend_from_slice(json.as_str().as_bytes());
}

/// An id as Bedrock takes it: letters, digits and `_.:-`, at most 64. Others become `_`, with a piece of the id's hash, and a
/// longer id is replaced by its hash, in the call and in its result alike.
fn id<'t>(id: &Text<'t>) -> Cow<'t, str> {
    let id = id.to_str();
    if id.len() > LONGEST_ID {
        return Cow::Owned(format!("call_{}", digest(&id, 16)));
    }
    match plain_id(&id, LONGEST_ID, |c| c.is_ascii_alphanumeric() || "_.:-".contains(c)) {
        Some(plain) => Cow::Owned(plain),
        None => id,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_documents_differ() {
        let mut names = Names::default();
        let names = ["a", "a 3", "a", "a", "a 3", "b"].map(|name| names.unique(name));
        assert_eq!(names, ["a", "a 3", "a 2", "a 4", "a 3 2", "b"]);
    }

    #[test]
    fn ids_keep_what_is_allowed() {
        assert_eq!(id(&Text::plain("tooluse_a-1.b:2")), "tooluse_a-1.b:2");
        assert!(id(&Text::plain("call|ä")).starts_with("call___"));
        assert!(id(&Text::plain("ä".repeat(32))).len() <= LONGEST_ID);
        let long = "x".repeat(65);
        let short = id(&Text::plain(&*long)).into_owned();
        assert_eq!((short.len(), &short[..5]), (37, "call_"));
        assert_eq!(id(&Text::plain(&*long)), short);
    }
}
