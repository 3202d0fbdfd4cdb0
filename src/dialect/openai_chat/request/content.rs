//! The content of OpenAI messages: what can be said is chosen first, then written.

use super::super::ids::write_call_id;
use super::encode::UNKNOWN_HERE;
use super::turn::Turn;
use crate::chat::{Arguments, Document, Failure, Message, Part, PartKind, Source, Text, ToolCall};
use crate::provider::{Quirks, Replay};
use crate::wire::json::{Array, Object};

/// The parts of a message that will be written.
pub(super) struct Content<'p> {
    parts: Vec<&'p Part<'p>>,
    own: bool,
}

impl<'p> Content<'p> {
    /// Text only: instructions, tool results, the assistant's words.
    pub(super) fn of_texts(
        turn: &mut Turn<'_>,
        message: &Message<'_>,
        parts: impl IntoIterator<Item = &'p Part<'p>>,
    ) -> Result<Self, Failure> {
        Self::choose(turn, message, parts, |part, own| match &part.kind {
            PartKind::Refusal(_) | PartKind::Other(_) if own => Ok(()),
            PartKind::Text(_) | PartKind::Document(Document { source: Source::Text(_), .. }) => Ok(()),
            other => Err(named(other)),
        })
    }

    /// All that a user can say; what was moved out of tool results comes first.
    pub(super) fn of_user(
        turn: &mut Turn<'_>,
        message: &Message<'_>,
        moved: Vec<&'p Part<'p>>,
        rest: Vec<&'p Part<'p>>,
    ) -> Result<Self, Failure> {
        Self::choose(turn, message, moved.into_iter().chain(rest), |part, own| match &part.kind {
            PartKind::Other(_) | PartKind::Refusal(_) if own => Ok(()),
            PartKind::Text(_)
            | PartKind::Image { source: Source::Base64 { .. } | Source::Url(_), .. }
            | PartKind::Audio { source: Source::Base64 { .. }, .. } => Ok(()),
            PartKind::Document(document) => match &document.source {
                Source::Base64 { media_type, .. } if !own && !document.source.may_be_pdf() => {
                    Err(format!("a document of type {:?}", &*media_type.to_str()))
                }
                Source::Base64 { .. } | Source::File(_) | Source::Text(_) => Ok(()),
                Source::Url(_) if own => Ok(()),
                source => Err(sourced("document", source)),
            },
            PartKind::Image { source, .. } => Err(sourced("image", source)),
            other => Err(named(other)),
        })
    }

    fn choose(
        turn: &mut Turn<'_>,
        message: &Message<'_>,
        parts: impl IntoIterator<Item = &'p Part<'p>>,
        can: impl Fn(&Part<'_>, bool) -> Result<(), String>,
    ) -> Result<Self, Failure> {
        let own = turn.own;
        let mut chosen = Vec::new();
        for part in parts {
            turn.cache(part);
            match can(part, own) {
                Ok(()) => {
                    if !own {
                        turn.losses.lost_extra(message.place, &part.extra, UNKNOWN_HERE)?;
                        lost_of_document(turn, message, part)?;
                    }
                    chosen.push(part);
                }
                Err(what) => {
                    turn.losses.missed(
                        &part.kind,
                        &message.place.to_string(),
                        &format!("{what} {UNKNOWN_HERE}"),
                    )?;
                }
            }
        }
        Ok(Self { parts: chosen, own })
    }

    /// Whether there is nothing to write.
    pub(super) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Writes the `content` field: a string where one text is all there is, parts otherwise.
    pub(super) fn write(&self, o: &mut Object<'_>, quirks: &Quirks) {
        let out = match self.parts.as_slice() {
            [] => return o.word("content", ""),
            [part] if part.cache_control.is_none() || !quirks.cache_control => match text_of(part) {
                Some(text) => return o.text("content", text),
                None => o.key("content"),
            },
            _ => o.key("content"),
        };
        let only_text = || self.parts.iter().all(|part| text_of(part).is_some());
        if !quirks.text_parts && only_text() {
            out.push(b'"');
            for (index, part) in self.parts.iter().enumerate() {
                if index > 0 {
                    out.extend_from_slice(b"\\n");
                }
                if let Some(text) = text_of(part) {
                    text.write_content(out);
                }
            }
            return out.push(b'"');
        }
        crate::wire::json::array(out, |list| {
            for part in &self.parts {
                write_part(list, part, quirks, self.own);
            }
        });
    }
}

/// The text that a part is, a document of text among them.
fn text_of<'p>(part: &'p Part<'_>) -> Option<&'p Text<'p>> {
    match &part.kind {
        PartKind::Text(text) | PartKind::Document(Document { source: Source::Text(text), .. }) => Some(text),
        _ => None,
    }
}

/// What OpenAI's file part has no field for.
fn lost_of_document(turn: &mut Turn<'_>, message: &Message<'_>, part: &Part<'_>) -> Result<(), Failure> {
    let PartKind::Document(document) = &part.kind else { return Ok(()) };
    let titled = matches!(document.source, Source::Base64 { .. });
    for (field, is_said) in
        [("title", document.title.is_some() && !titled), ("context", document.context.is_some())]
    {
        if is_said {
            turn.losses.lost(&format!("{}.document.{field}", message.place), UNKNOWN_HERE)?;
        }
    }
    Ok(())
}

fn named(kind: &PartKind<'_>) -> String {
    match kind {
        PartKind::Other(opaque) => format!("content of type {:?}", &*opaque.kind.to_str()),
        PartKind::Image { .. } => "an image in this place".to_owned(),
        PartKind::Audio { .. } => "audio in this place".to_owned(),
        PartKind::Document(_) => "a document in this place".to_owned(),
        PartKind::Thinking(_) | PartKind::RedactedThinking(_) => "thinking in this place".to_owned(),
        _ => "a part of this kind in this place".to_owned(),
    }
}

fn sourced(what: &str, source: &Source<'_>) -> String {
    match source {
        Source::Url(_) => format!("a {what} by URL"),
        Source::File(_) => format!("a {what} of the provider's file store"),
        Source::Other(opaque) => format!("a {what} with a source of type {:?}", &*opaque.kind.to_str()),
        _ => format!("a {what} of this source"),
    }
}

fn write_part(list: &mut Array<'_>, part: &Part<'_>, quirks: &Quirks, own: bool) {
    if let PartKind::Other(opaque) = &part.kind {
        return list.item().extend_from_slice(opaque.json.as_str().as_bytes());
    }
    list.object(|o| {
        match &part.kind {
            PartKind::Text(text) | PartKind::Document(Document { source: Source::Text(text), .. }) => {
                o.word("type", "text");
                o.text("text", text);
            }
            PartKind::Refusal(text) => {
                o.word("type", "refusal");
                o.text("refusal", text);
            }
            PartKind::Image { source, detail } => {
                o.word("type", "image_url");
                o.object("image_url", |o| {
                    write_source(o, "url", source);
                    if let Some(detail) = detail {
                        o.text("detail", detail);
                    }
                });
            }
            PartKind::Audio { source: Source::Base64 { media_type, data }, format } => {
                o.word("type", "input_audio");
                o.object("input_audio", |o| {
                    o.text("data", data);
                    match format {
                        Some(format) => o.text("format", format),
                        None => o.str("format", audio_format(&media_type.to_str())),
                    }
                });
            }
            PartKind::Document(document) => {
                o.word("type", "file");
                o.object("file", |o| {
                    match &document.title {
                        Some(title) => o.text("filename", title),
                        // OpenAI wants a name beside data.
                        None if matches!(document.source, Source::Base64 { .. }) => {
                            o.word("filename", "document");
                        }
                        None => {}
                    }
                    let key =
                        if matches!(document.source, Source::File(_)) { "file_id" } else { "file_data" };
                    write_source(o, key, &document.source);
                });
            }
            _ => {}
        }
        if let Some(control) = part.cache_control
            && quirks.cache_control
        {
            o.raw("cache_control", control.0);
        }
        if own {
            o.extra(&part.extra);
        }
    });
}

fn audio_format(media_type: &str) -> &str {
    match media_type.strip_prefix("audio/").unwrap_or(media_type) {
        "mpeg" => "mp3",
        "x-wav" | "wave" => "wav",
        format => format,
    }
}

/// A URL, an id, or a data URI.
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

/// Writes one item of `tool_calls`, in a request or an answer.
pub(in crate::dialect::openai_chat) fn write_call(
    list: &mut Array<'_>,
    part: &Part<'_>,
    quirks: &Quirks,
    own: bool,
) {
    let PartKind::ToolCall(call) = &part.kind else { return };
    list.object(|o| {
        write_call_id(o.key("id"), &call.id, quirks);
        if let Arguments::Input(input) = &call.arguments {
            o.word("type", "custom");
            o.object("custom", |o| {
                o.text("name", &call.name);
                o.text("input", input);
            });
        } else {
            o.word("type", "function");
            o.object("function", |o| write_function(o, call, own));
        }
        if let Some(control) = part.cache_control
            && quirks.cache_control
        {
            o.raw("cache_control", control.0);
        }
        if own {
            o.extra(&part.extra);
        }
    });
}

/// Name and arguments of a call; arguments are a string that holds JSON.
pub(in crate::dialect::openai_chat) fn write_function(o: &mut Object<'_>, call: &ToolCall<'_>, own: bool) {
    o.text("name", &call.name);
    match &call.arguments {
        // Clients parse them.
        Arguments::Text(text) if text.is_blank() && !own => o.word("arguments", "{}"),
        Arguments::Text(text) => o.text("arguments", text),
        Arguments::Json(json) => o.str("arguments", json.as_str()),
        Arguments::Input(_) => o.str("arguments", call.arguments.to_object().0.as_str()),
    }
}

/// Writes the reasoning of an earlier turn, in the provider's way.
pub(super) fn write_thoughts(o: &mut Object<'_>, thoughts: &[&Part<'_>], replay: Replay) {
    if thoughts.is_empty() {
        return;
    }
    match replay {
        Replay::Never => {}
        Replay::SinceLastUser | Replay::Required => write_reasoning(o, "reasoning_content", thoughts),
        Replay::Reasoning => write_reasoning(o, "reasoning", thoughts),
        Replay::Blocks => {
            write_reasoning(o, "reasoning_content", thoughts);
            write_thinking_blocks(o, thoughts);
        }
    }
}

fn readable<'p>(thoughts: &[&'p Part<'p>]) -> impl Iterator<Item = &'p Text<'p>> {
    thoughts.iter().filter_map(|part| match &part.kind {
        PartKind::Thinking(thinking) if !thinking.text.is_empty() => Some(&thinking.text),
        _ => None,
    })
}

/// Whether any of the reasoning is more than a provider's proof of it.
pub(super) fn can_be_read(thoughts: &[&Part<'_>]) -> bool {
    readable(thoughts).next().is_some()
}

/// Writes all readable reasoning as one string, if there is any.
pub(in crate::dialect::openai_chat) fn write_reasoning(
    o: &mut Object<'_>,
    key: &str,
    thoughts: &[&Part<'_>],
) {
    if !can_be_read(thoughts) {
        return;
    }
    let out = o.key(key);
    out.push(b'"');
    for (index, text) in readable(thoughts).enumerate() {
        if index > 0 {
            out.extend_from_slice(b"\\n");
        }
        text.write_content(out);
    }
    out.push(b'"');
}

/// Writes LiteLLM's `thinking_blocks` where there is more to say than plain reasoning: signatures, redacted blocks.
pub(in crate::dialect::openai_chat) fn write_thinking_blocks(o: &mut Object<'_>, thoughts: &[&Part<'_>]) {
    let plain =
        |part: &&Part<'_>| matches!(&part.kind, PartKind::Thinking(thinking) if thinking.signature.is_none());
    if thoughts.iter().all(plain) {
        return;
    }
    o.array("thinking_blocks", |list| {
        for part in thoughts {
            list.object(|o| match &part.kind {
                PartKind::Thinking(thinking) => {
                    o.word("type", "thinking");
                    o.text("thinking", &thinking.text);
                    if let Some(signature) = &thinking.signature {
                        o.text("signature", signature);
                    }
                }
                PartKind::RedactedThinking(data) => {
                    o.word("type", "redacted_thinking");
                    o.text("data", data);
                }
                _ => {}
            });
        }
    });
}
