//! The hub's messages as Cohere takes them: results of tools as messages of their own, plans apart, documents beside the
//! conversation.

use super::super::WHY;
use super::super::block::is_plan;
use crate::chat::{
    ChatRequest, Document, Failure, Losses, Message, Part, PartKind, Place, Role, Source, Text, ToolCall,
    ToolResult,
};
use crate::dialect::Dialect;
use crate::wire::json::{Array, Object, write_string};

/// The warning for a prompt-cache breakpoint.
pub(super) const CACHE_DROPPED: &str = "cache_control dropped: Cohere caches prompts without being told";

/// Writes `messages` and `documents`. `thinks`: the model takes thoughts of earlier turns.
pub(super) fn write(
    request: &ChatRequest<'_>,
    thinks: bool,
    losses: &mut Losses,
    body: &mut Object<'_>,
) -> Result<(), Failure> {
    let own = request.origin == Dialect::Cohere;
    let asked = request.messages.last().map(|message| message.place);
    let mut writer = Writer {
        own,
        thinks: thinks || own,
        asked,
        losses,
        documents: Vec::new(),
        moved: Vec::new(),
        calls: 0,
        results: 0,
    };
    body.array("messages", |list| {
        for message in &request.messages {
            writer.message(message, list)?;
        }
        writer.say_moved(list)?;
        match request.messages.last().filter(|_| list.is_empty() && !own) {
            Some(last) if writer.documents.is_empty() => {
                Err(writer.losses.nothing_left(&last.place.to_string()))
            }
            _ => Ok(()),
        }
    })?;
    let documents: Vec<&Document<'_>> = request.documents.iter().chain(writer.documents).collect();
    if !documents.is_empty() {
        body.array("documents", |list| {
            for document in documents {
                write_document(document, false, list.item());
            }
        });
    }
    Ok(())
}

struct Writer<'l, 'm> {
    /// The request's unknown fields are Cohere's own.
    own: bool,
    thinks: bool,
    /// What the model is to answer.
    asked: Option<Place>,
    losses: &'l mut Losses,
    /// Documents that stood in messages.
    documents: Vec<&'m Document<'m>>,
    /// Pictures of results, with their messages: they follow when all results of the turn are said.
    moved: Vec<(Place, &'m Part<'m>)>,
    /// Calls and results without an id so far: ids are made up from their numbers.
    calls: usize,
    results: usize,
}

/// What can be said of some parts.
#[derive(Default)]
struct Said<'m> {
    blocks: Vec<&'m Part<'m>>,
    plans: Vec<&'m Text<'m>>,
    calls: Vec<&'m ToolCall<'m>>,
}

impl<'m> Writer<'_, 'm> {
    fn message(&mut self, message: &'m Message<'m>, list: &mut Array<'_>) -> Result<(), Failure> {
        let place = message.place;
        if !self.own {
            self.losses.lost_extra(place, &message.extra, WHY)?;
        }
        if message.name.is_some() && message.role != Role::Tool {
            self.losses.lost(&format!("{place}.name"), WHY)?;
        }
        self.losses.said_by_model(false);
        let mut rest = Vec::new();
        for part in &message.parts {
            match &part.kind {
                PartKind::ToolResult(result) => self.result(message, part, result, list)?,
                _ => rest.push(part),
            }
        }
        if rest.is_empty() && !message.parts.is_empty() {
            return Ok(());
        }
        self.say_moved(list)?;
        self.losses.said_by_model(message.role == Role::Assistant);
        let has_calls = rest.iter().any(|part| matches!(part.kind, PartKind::ToolCall(_)));
        let said = self.gather(place, message.role, has_calls, rest)?;
        if said.blocks.is_empty()
            && said.calls.is_empty()
            && said.plans.is_empty()
            && !message.parts.is_empty()
        {
            let told = message.parts.iter().any(|part| matches!(part.kind, PartKind::Document(_)));
            if !told && self.asked == Some(place) && !self.own {
                return Err(self.losses.nothing_left(&place.to_string()));
            }
            if !told {
                self.losses.note(format_args!("{place} dropped: nothing of it could be carried over"));
            }
            return Ok(());
        }
        list.object(|o| {
            o.word(
                "role",
                match message.role {
                    Role::System | Role::Developer => "system",
                    Role::User | Role::Tool => "user",
                    Role::Assistant => "assistant",
                },
            );
            if !said.blocks.is_empty() || said.calls.is_empty() {
                write_content(&said.blocks, self.own, o);
            }
            if !said.plans.is_empty() {
                joined("tool_plan", &said.plans, o);
            }
            if !said.calls.is_empty() {
                o.array("tool_calls", |list| {
                    for call in &said.calls {
                        let number = usize::from(call.id.is_empty());
                        self.calls = self.calls.saturating_add(number);
                        write_call(call, self.calls, list);
                    }
                });
            }
            if self.own {
                o.extra(&message.extra);
            }
        });
        Ok(())
    }

    /// Says what was moved out of results in a user's message of its own.
    fn say_moved(&mut self, list: &mut Array<'_>) -> Result<(), Failure> {
        let moved = std::mem::take(&mut self.moved);
        let Some((place, _)) = moved.first() else { return Ok(()) };
        let said = self.gather(*place, Role::User, false, moved.iter().map(|(_, part)| *part))?;
        if !said.blocks.is_empty() {
            list.object(|o| {
                o.word("role", "user");
                write_content(&said.blocks, self.own, o);
            });
        }
        Ok(())
    }

    /// One result is one message. Cohere's results hold text and documents: pictures follow in a user's message.
    fn result(
        &mut self,
        message: &'m Message<'m>,
        part: &'m Part<'m>,
        result: &'m ToolResult<'m>,
        list: &mut Array<'_>,
    ) -> Result<(), Failure> {
        let place = message.place;
        if result.is_error == Some(true) {
            self.losses.note(format_args!("{place}.is_error dropped: {WHY}"));
        }
        if !self.own {
            self.losses.lost_extra(place, &part.extra, WHY)?;
        }
        if part.cache_control.is_some() {
            self.losses.note(CACHE_DROPPED);
        }
        let mut kept = Vec::new();
        for inner in &result.content {
            match &inner.kind {
                PartKind::Text(_) | PartKind::Document(Document { source: Source::Text(_), .. }) => {
                    if inner.cache_control.is_some() {
                        self.losses.note(CACHE_DROPPED);
                    }
                    if !self.own {
                        self.losses.lost_extra(place, &inner.extra, WHY)?;
                    }
                    kept.push(inner);
                }
                PartKind::Image { .. } => {
                    self.losses.note(format_args!(
                        "{place}: a tool result's picture moved into a user message that follows"
                    ));
                    self.moved.push((place, inner));
                }
                PartKind::Other(opaque) => {
                    let why = format!("content of type {:?} {WHY}", &*opaque.kind.to_str());
                    self.losses.missed(&inner.kind, &place.to_string(), &why)?;
                }
                _ => {
                    self.losses.missed(
                        &inner.kind,
                        &place.to_string(),
                        &format!("this content of a tool's result {WHY}"),
                    )?;
                }
            }
        }
        if result.call_id.is_empty() {
            self.results = self.results.saturating_add(1);
        }
        list.object(|o| {
            o.word("role", "tool");
            write_id("tool_call_id", &result.call_id, self.results, o);
            write_content(&kept, self.own, o);
            if self.own && message.role == Role::Tool {
                o.extra(&message.extra);
            }
        });
        Ok(())
    }

    /// Sorts parts by where they are written; what has no place is lost.
    fn gather(
        &mut self,
        place: Place,
        role: Role,
        has_calls: bool,
        parts: impl IntoIterator<Item = &'m Part<'m>>,
    ) -> Result<Said<'m>, Failure> {
        let mut said = Said::default();
        for part in parts {
            if part.cache_control.is_some() {
                self.losses.note(CACHE_DROPPED);
            }
            if !self.own {
                self.losses.lost_extra(place, &part.extra, WHY)?;
            }
            let lost = match &part.kind {
                PartKind::Text(_) | PartKind::Refusal(_) => {
                    said.blocks.push(part);
                    continue;
                }
                PartKind::Thinking(thinking) => {
                    if thinking.signature.is_some() {
                        self.losses.note(format_args!("{place}: the signature of reasoning dropped: {WHY}"));
                    }
                    if is_plan(part) || (has_calls && !self.own) {
                        said.plans.push(&thinking.text);
                    } else if self.thinks {
                        said.blocks.push(part);
                    } else {
                        self.losses
                            .note(format_args!("{place}: reasoning dropped: this model does not think"));
                    }
                    continue;
                }
                PartKind::ToolCall(call) => {
                    said.calls.push(call);
                    continue;
                }
                PartKind::Image { source: Source::Base64 { .. } | Source::Url(_), .. }
                    if role == Role::User =>
                {
                    said.blocks.push(part);
                    continue;
                }
                PartKind::Document(document @ Document { source: Source::Text(_), .. }) => {
                    self.documents.push(document);
                    continue;
                }
                PartKind::RedactedThinking(_) => {
                    self.losses.note(format_args!(
                        "{place}: redacted reasoning dropped: only its maker can read it"
                    ));
                    continue;
                }
                PartKind::Other(_) if self.own => {
                    said.blocks.push(part);
                    continue;
                }
                PartKind::Image { .. } => "an image in this place".to_owned(),
                PartKind::Audio { .. } => "audio".to_owned(),
                PartKind::Document(_) => "a document that is not plain text".to_owned(),
                PartKind::SearchResult(_) => "a search result".to_owned(),
                PartKind::Other(opaque) => format!("content of type {:?}", &*opaque.kind.to_str()),
                PartKind::ToolResult(_) => "a result within a result".to_owned(),
            };
            self.losses.missed(&part.kind, &place.to_string(), &format!("{lost} {WHY}"))?;
        }
        Ok(said)
    }
}

/// Writes `content`: a string where one text is all there is, blocks otherwise.
fn write_content(blocks: &[&Part<'_>], own: bool, o: &mut Object<'_>) {
    match blocks {
        [] => o.word("content", ""),
        [Part { kind: PartKind::Text(text) | PartKind::Refusal(text), extra, .. }]
            if extra.is_empty() || !own =>
        {
            o.text("content", text);
        }
        _ => o.array("content", |list| blocks.iter().for_each(|part| write_block(part, own, list))),
    }
}

fn write_block(part: &Part<'_>, own: bool, list: &mut Array<'_>) {
    if let PartKind::Other(opaque) = &part.kind {
        return list.item().extend_from_slice(opaque.json.as_str().as_bytes());
    }
    list.object(|o| {
        match &part.kind {
            PartKind::Text(text) | PartKind::Refusal(text) => {
                o.word("type", "text");
                o.text("text", text);
            }
            PartKind::Thinking(thinking) => {
                o.word("type", "thinking");
                o.text("thinking", &thinking.text);
            }
            PartKind::Image { source, detail } => {
                o.word("type", "image_url");
                o.object("image_url", |o| {
                    write_url(source, o);
                    if let Some(detail) = detail {
                        o.text("detail", detail);
                    }
                });
            }
            PartKind::Document(document) => {
                o.word("type", "document");
                write_document(document, true, o.key("document"));
            }
            _ => {}
        }
        if own {
            o.extra(&part.extra);
        }
    });
}

fn write_url(source: &Source<'_>, o: &mut Object<'_>) {
    match source {
        Source::Base64 { media_type, data } => {
            let out = o.key("url");
            out.extend_from_slice(b"\"data:");
            if media_type.is_empty() {
                out.extend_from_slice(b"image/png");
            }
            media_type.write_content(out);
            out.extend_from_slice(b";base64,");
            data.write_content(out);
            out.push(b'"');
        }
        Source::Url(url) => o.text("url", url),
        Source::File(_) | Source::Text(_) | Source::Pieces(_) | Source::Other(_) => {}
    }
}

/// A document whose text is one of Cohere's own objects is that object; any other is data with a text. A text alone may
/// stand among a request's documents, but not within a message.
fn write_document(document: &Document<'_>, within_message: bool, out: &mut Vec<u8>) {
    let Source::Text(text) = &document.source else { return out.extend_from_slice(b"\"\"") };
    let plain = text.to_str();
    let is_object = plain.starts_with('{')
        && serde_json::from_str::<serde::de::IgnoredAny>(&plain).is_ok()
        && plain.contains("\"data\"");
    if is_object {
        return out.extend_from_slice(plain.as_bytes());
    }
    if !within_message && document.title.is_none() && document.context.is_none() {
        return write_string(out, &plain);
    }
    crate::wire::json::object(out, |o| {
        o.object("data", |data| {
            for (key, value) in [("title", &document.title), ("context", &document.context)] {
                if let Some(value) = value {
                    data.text(key, value);
                }
            }
            data.text("text", text);
        });
    });
}

fn joined(key: &str, texts: &[&Text<'_>], o: &mut Object<'_>) {
    let out = o.key(key);
    out.push(b'"');
    for (index, text) in texts.iter().enumerate() {
        if index > 0 {
            out.extend_from_slice(b"\\n");
        }
        text.write_content(out);
    }
    out.push(b'"');
}

/// Writes one item of `tool_calls`; `number` makes an id where there is none.
pub(in super::super) fn write_call(call: &ToolCall<'_>, number: usize, list: &mut Array<'_>) {
    list.object(|o| {
        write_id("id", &call.id, number, o);
        o.word("type", "function");
        o.object("function", |o| {
            o.text("name", &call.name);
            let arguments = call.arguments.as_plain();
            o.str("arguments", if arguments.trim().is_empty() { "{}" } else { &arguments });
        });
    });
}

fn write_id(key: &str, id: &Text<'_>, number: usize, o: &mut Object<'_>) {
    if id.is_empty() {
        o.str(key, &format!("call_{number}"));
    } else {
        o.text(key, id);
    }
}
