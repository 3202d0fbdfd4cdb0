//! The hub's parts as Gemini's.

use super::super::model::Gemini;
use super::super::part::{MEDIA_TYPE, SIGNATURE, is_googles, media_type_of};
use super::super::response::write_thought;
use super::super::signature;
use super::turns::{Conversation, Spoken};
use crate::chat::{
    Document, Extra, Failure, Losses, Part, PartKind, Source, Text, ToolCall, ToolResult, lines,
};
use crate::wire::json::{Array, Object, array, members, write_string};
use std::borrow::Cow;
use std::collections::HashMap;

/// The warning for a breakpoint.
pub(super) const CACHE_DROPPED: &str = "cache_control dropped: Gemini caches prompts without being told";

/// Writes parts; knows the names of the calls that results answer.
#[derive(Debug)]
pub(super) struct Parts<'l> {
    /// The request came in this dialect: its extras and opaque parts are Gemini's own.
    own: bool,
    losses: &'l mut Losses,
    model: Gemini,
    /// Any address may stand in `fileData`, with its media type (Vertex AI).
    reads_urls: bool,
    /// Names of the calls, by id.
    names: HashMap<String, String>,
    /// Parts of results that have no place in them, written; they follow in the same turn.
    moved: Vec<Vec<u8>>,
}

/// Where bytes are, in Gemini's words.
enum Media<'m> {
    Inline { media_type: Cow<'m, str>, data: &'m Text<'m>, title: Option<&'m Text<'m>> },
    File { media_type: Option<Cow<'m, str>>, uri: Cow<'m, str> },
    Text(Cow<'m, str>),
}

impl<'l> Parts<'l> {
    pub(super) fn new(
        own: bool,
        model: Gemini,
        reads_urls: bool,
        talk: &Conversation<'_, '_>,
        losses: &'l mut Losses,
    ) -> Self {
        let mut names = HashMap::new();
        for spoken in talk.turns.iter().flat_map(|turn| &turn.parts) {
            if let PartKind::ToolCall(call) = &spoken.part.kind {
                let id = signature::split(&call.id).0;
                names.insert(id.to_str().into_owned(), call.name.to_str().into_owned());
            }
        }
        Self { own, losses, model, reads_urls, names, moved: Vec::new() }
    }

    /// See [`Losses::said_by_model`].
    pub(super) fn said_by_model(&mut self, is_models: bool) {
        self.losses.said_by_model(is_models);
    }

    /// See [`Losses::missed`].
    pub(super) fn missed(&mut self, part: &PartKind<'_>, path: &str, why: &str) -> Result<(), Failure> {
        self.losses.missed(part, path, why)
    }

    /// See [`Losses::nothing_left`].
    pub(super) fn nothing_left(&self, path: &str) -> Failure {
        self.losses.nothing_left(path)
    }

    /// Writes the parts of one turn.
    pub(super) fn turn(&mut self, parts: &[Spoken<'_, '_>], list: &mut Array<'_>) -> Result<(), Failure> {
        for spoken in parts {
            // What a result could not hold comes right after the results.
            if !matches!(spoken.part.kind, PartKind::ToolResult(_)) {
                self.write_moved(list);
            }
            self.part(spoken.part, spoken.leads, &|| spoken.path(), list)?;
        }
        self.write_moved(list);
        Ok(())
    }

    fn write_moved(&mut self, list: &mut Array<'_>) {
        for part in std::mem::take(&mut self.moved) {
            list.item().extend_from_slice(&part);
        }
    }

    /// Writes one part; nothing when it was dropped.
    fn part(
        &mut self,
        part: &Part<'_>,
        leads: bool,
        path: &dyn Fn() -> String,
        list: &mut Array<'_>,
    ) -> Result<(), Failure> {
        if part.cache_control.is_some() {
            self.losses.note(CACHE_DROPPED);
        }
        if !self.own && !part.extra.is_empty() {
            let is_call = matches!(part.kind, PartKind::ToolCall(_));
            let missed = part.extra.iter().filter(|field| !is_call || signature::of_field(field).is_none());
            let missed: Extra<'_> = missed.cloned().collect();
            self.losses.lost_extra(path(), &missed, "is not supported by Gemini")?;
        }
        match &part.kind {
            PartKind::Text(text) | PartKind::Refusal(text) => list.object(|o| {
                o.text("text", text);
                self.finish(part, o);
            }),
            PartKind::Thinking(thinking) => list.object(|o| {
                write_thought(thinking, None, o);
                self.finish(part, o);
            }),
            // Of another maker: nothing that Google could read.
            PartKind::RedactedThinking(_) => {}
            PartKind::ToolCall(call) => self.call(part, call, leads, path, list),
            PartKind::ToolResult(result) => self.result(part, result, path, list)?,
            PartKind::Image { source, detail } => {
                if detail.as_ref().is_some_and(|detail| *detail != "auto") {
                    self.losses
                        .note(format_args!("{}: image detail dropped: is not supported by Gemini", path()));
                }
                self.media(part, source, "image", None, path, list)?;
            }
            PartKind::Audio { source, format } => {
                self.media(part, source, "audio", format.as_ref(), path, list)?;
            }
            PartKind::Document(Document { source, title, context }) => {
                if context.is_some() {
                    self.losses.lost(&format!("{}.context", path()), "is not supported by Gemini")?;
                }
                self.media(part, source, "document", title.as_ref(), path, list)?;
            }
            PartKind::SearchResult(found) => list.object(|o| o.text("text", &found.to_text())),
            PartKind::Other(opaque) if self.own => {
                list.item().extend_from_slice(opaque.json.as_str().as_bytes());
            }
            PartKind::Other(opaque) => {
                let why = format!("{} is not supported by Gemini", opaque.kind.to_str());
                self.losses.missed(&part.kind, &path(), &why)?;
            }
        }
        Ok(())
    }

    /// What every part of a Gemini client's may end with.
    fn finish(&self, part: &Part<'_>, o: &mut Object<'_>) {
        if self.own {
            for (name, value) in part.extra.iter().filter(|(name, _)| name != MEDIA_TYPE) {
                o.raw(name, value);
            }
        }
    }

    fn call(
        &mut self,
        part: &Part<'_>,
        call: &ToolCall<'_>,
        leads: bool,
        path: &dyn Fn() -> String,
        list: &mut Array<'_>,
    ) {
        let (args, wrapped) = call.arguments.to_object();
        if wrapped {
            self.losses.note(format_args!("{}: arguments are no JSON object, sent as INVALID_JSON", path()));
        }
        let (id, signature) = signature::split(&call.id);
        let signature = signature.or_else(|| part.extra.iter().find_map(signature::of_field));
        list.object(|o| {
            o.object("functionCall", |o| {
                if !id.is_empty() {
                    o.text("id", &id);
                }
                o.text("name", &call.name);
                o.key("args").extend_from_slice(args.as_str().as_bytes());
            });
            match signature {
                Some(signature) if leads => o.text(SIGNATURE, &signature),
                None if leads && !self.own && self.model.wants_signatures() => {
                    o.word(SIGNATURE, signature::SKIP);
                }
                _ => {}
            }
            self.finish(part, o);
        });
    }

    /// A result names its function; what the tool said has to be an object.
    fn result(
        &mut self,
        part: &Part<'_>,
        result: &ToolResult<'_>,
        path: &dyn Fn() -> String,
        list: &mut Array<'_>,
    ) -> Result<(), Failure> {
        let id = signature::split(&result.call_id).0;
        let name = match (&result.name, self.names.get(&*id.to_str())) {
            (_, Some(name)) => name.clone(),
            (Some(name), None) => name.to_str().into_owned(),
            (None, None) => {
                self.losses.note(format_args!(
                    "{}: the result answers no call, its id was sent as its name",
                    path()
                ));
                id.to_str().into_owned()
            }
        };
        let documents: Vec<Option<Text<'_>>> =
            result.content.iter().map(|inner| text_of(inner).filter(|_| !self.own)).collect();
        let mut texts: Vec<&Text<'_>> = Vec::new();
        let mut media = Vec::new();
        array(&mut media, |list| {
            for (index, inner) in result.content.iter().enumerate() {
                let inner_path = || format!("{}.content[{index}]", path());
                if let PartKind::Text(text) | PartKind::Refusal(text) = &inner.kind {
                    if inner.cache_control.is_some() {
                        self.losses.note(CACHE_DROPPED);
                    }
                    texts.push(text);
                } else if let Some(Some(text)) = documents.get(index) {
                    texts.push(text);
                } else if self.own || self.takes_in_result(inner) {
                    self.part(inner, false, &inner_path, list)?;
                } else {
                    let mut moved = Vec::new();
                    array(&mut moved, |list| self.part(inner, false, &inner_path, list))?;
                    let inside = moved.get(1..moved.len().saturating_sub(1)).unwrap_or_default();
                    if !inside.is_empty() {
                        self.losses.note(format_args!(
                            "{}: put after the result, this model's results hold {}",
                            inner_path(),
                            if self.model.takes_media_in_results() { "no addresses" } else { "text only" }
                        ));
                        self.moved.push(inside.to_vec());
                    }
                }
            }
            Ok::<(), Failure>(())
        })?;
        list.object(|o| {
            o.object("functionResponse", |o| {
                if !id.is_empty() {
                    o.text("id", &id);
                }
                o.str("name", &name);
                write_response(&texts, result.is_error == Some(true), self.own, o.key("response"));
                if media != b"[]" {
                    o.key("parts").extend_from_slice(&media);
                }
            });
            self.finish(part, o);
        });
        Ok(())
    }

    /// Whether a result may hold it. Its parts are bytes; Vertex AI takes addresses as well.
    fn takes_in_result(&self, part: &Part<'_>) -> bool {
        let is_bytes = match &part.kind {
            PartKind::Image { source, .. } | PartKind::Document(Document { source, .. }) => {
                matches!(source, Source::Base64 { .. })
            }
            _ => true,
        };
        self.model.takes_media_in_results() && (is_bytes || self.reads_urls)
    }

    /// `label`: the format of a sound, the title of a document.
    fn media(
        &mut self,
        part: &Part<'_>,
        source: &Source<'_>,
        what: &str,
        label: Option<&Text<'_>>,
        path: &dyn Fn() -> String,
        list: &mut Array<'_>,
    ) -> Result<(), Failure> {
        let said = part.extra.iter().find(|(name, _)| self.own && name == MEDIA_TYPE);
        let said = said.and_then(|(_, raw)| Text::from_raw(raw)).map(|text| text.to_str());
        let found = match source {
            Source::Base64 { media_type, data } => {
                let kind = media_type.to_str();
                let is_read = what != "document" || kind.starts_with("text/") || source.may_be_pdf();
                if !self.own && !is_read {
                    let why = format!("a document of type {kind:?} is not supported by Gemini");
                    return self.losses.unread(&path(), &why);
                }
                let media_type = match (kind, label) {
                    (kind, _) if !matches!(&*kind, "" | "application/octet-stream") => kind,
                    (_, Some(format)) if what == "audio" => Cow::Owned(format!("audio/{}", format.to_str())),
                    _ => Cow::Borrowed(sniff(&data.to_str(), what)),
                };
                let title = label.filter(|_| what == "document" && self.reads_urls);
                if label.is_some() && what == "document" && title.is_none() {
                    self.losses
                        .note(format_args!("{}: file name dropped: is not supported by Gemini", path()));
                }
                Media::Inline { media_type, data, title }
            }
            Source::Url(url) => {
                let uri = url.to_str();
                let fetches = self.model.fetches_urls() && uri.starts_with("https://");
                if !self.own && !is_googles(&uri) && !self.reads_urls && !fetches {
                    return self.losses.unread(
                        &path(),
                        "is at an address that Gemini cannot read: send it as base64 or upload it to its file store",
                    );
                }
                let media_type = said.or_else(|| media_type_of(&uri).map(Cow::Borrowed));
                let usual = || match what {
                    "image" => Some("image/jpeg"),
                    "audio" => Some("audio/mp3"),
                    _ => Some("application/pdf"),
                };
                // Vertex AI insists on a media type, and so does what fetches other people's files.
                let media_type = if self.reads_urls || fetches && !self.own && !is_googles(&uri) {
                    media_type.or_else(|| usual().map(Cow::Borrowed))
                } else {
                    media_type
                };
                Media::File { media_type, uri }
            }
            Source::File(id) => {
                let id = id.to_str();
                let uri = if id.starts_with("files/") {
                    Cow::Owned(format!("https://generativelanguage.googleapis.com/v1beta/{id}"))
                } else if is_googles(&id) {
                    id
                } else {
                    return self.losses.unread(&path(), "is in another provider's file store");
                };
                Media::File { media_type: None, uri }
            }
            Source::Text(text) => Media::Text(text.to_str()),
            Source::Pieces(pieces) => Media::Text(Cow::Owned(lines(pieces).to_str().into_owned())),
            Source::Other(_) => {
                return self
                    .losses
                    .unread(&path(), &format!("this source of a {what} is not supported by Gemini"));
            }
        };
        list.object(|o| {
            match &found {
                Media::Inline { media_type, data, title } => o.object("inlineData", |blob| {
                    blob.str("mimeType", media_type);
                    blob.text("data", data);
                    if let Some(title) = title {
                        blob.text("displayName", title);
                    }
                }),
                Media::File { media_type, uri } => o.object("fileData", |file| {
                    if let Some(media_type) = media_type {
                        file.str("mimeType", media_type);
                    }
                    file.str("fileUri", uri);
                }),
                Media::Text(text) => o.str("text", text),
            }
            self.finish(part, o);
        });
        Ok(())
    }
}

/// Appends the object that a function said: its text where that is one, else the text within one.
fn write_response(texts: &[&Text<'_>], is_error: bool, own: bool, out: &mut Vec<u8>) {
    if let [only] = texts {
        let text = only.to_str();
        let text = text.trim();
        if text.starts_with('{')
            && let Ok(found) = members(text.as_bytes())
        {
            let wrap = is_error && found.get("error").is_none();
            out.extend_from_slice(if wrap { b"{\"error\":" } else { b"" });
            out.extend_from_slice(text.as_bytes());
            out.extend_from_slice(if wrap { b"}" } else { b"" });
            return;
        }
    }
    // Gemini's own clients say `output`; the decoder took the text out of it.
    let key: &[u8] = match (is_error, own) {
        (true, _) => b"{\"error\":",
        (false, true) => b"{\"output\":",
        (false, false) => b"{\"result\":",
    };
    out.extend_from_slice(key);
    match texts {
        [only] => only.write_json(out),
        several => {
            let joined: Vec<Cow<'_, str>> = several.iter().map(|text| text.to_str()).collect();
            write_string(out, &joined.join("\n"));
        }
    }
    out.push(b'}');
}

/// The media type of base64 that came without one, by its first bytes.
fn sniff(data: &str, what: &str) -> &'static str {
    for (start, media_type) in [
        ("/9j/", "image/jpeg"),
        ("iVBORw", "image/png"),
        ("R0lGOD", "image/gif"),
        ("UklGR", if what == "audio" { "audio/wav" } else { "image/webp" }),
        ("JVBERi", "application/pdf"),
        ("SUQz", "audio/mp3"),
    ] {
        if data.starts_with(start) {
            return media_type;
        }
    }
    match what {
        "image" => "image/png",
        "audio" => "audio/wav",
        _ => "application/pdf",
    }
}
/// The text of a document that is nothing else: a result tells it with what the function said.
fn text_of<'a>(part: &Part<'a>) -> Option<Text<'a>> {
    match &part.kind {
        PartKind::Document(Document { source: Source::Text(text), .. }) => Some(text.clone()),
        PartKind::Document(Document { source: Source::Pieces(pieces), .. }) => Some(lines(pieces)),
        _ => None,
    }
}
