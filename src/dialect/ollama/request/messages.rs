//! The hub's messages as Ollama takes them: one string of content, pictures in base64 beside it, arguments as objects.

use super::super::WHY;
use crate::chat::{
    ChatRequest, Document, Failure, Losses, Message, Part, PartKind, Place, Role, Source, Text, ToolCall,
    ToolResult,
};
use crate::dialect::Dialect;
use crate::wire::json::{Array, Object};
use std::borrow::Cow;
use std::collections::HashMap;

/// The warning for a prompt-cache breakpoint.
pub(super) const CACHE_DROPPED: &str = "cache_control dropped: Ollama caches prompts without being told";

/// A picture as the wire has it: base64 without a media type, which others have to be told. Some clients send a data URI
/// all the same.
pub(in super::super) fn picture(data: Text<'_>) -> Part<'_> {
    let source = match data.data_uri() {
        Some((media_type, data)) => Source::Base64 { media_type, data },
        None => Source::Base64 { media_type: Text::plain(media_type(&data.to_str())), data },
    };
    Part::new(PartKind::Image { source, detail: None })
}

/// The media type of a picture in base64, by its first bytes; what none of these begin is left to the provider to refuse.
fn media_type(base64: &str) -> &'static str {
    const STARTS: [(&str, &str); 3] =
        [("/9j/", "image/jpeg"), ("UklGR", "image/webp"), ("R0lGOD", "image/gif")];
    let found = STARTS.iter().find(|(start, _)| base64.starts_with(start));
    found.map_or("image/png", |(_, media_type)| media_type)
}

/// Writes texts as one string, joined by line ends.
pub(in super::super) fn write_texts(key: &str, texts: &[&Text<'_>], o: &mut Object<'_>) {
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

/// Writes the messages.
pub(super) fn write(
    request: &ChatRequest<'_>,
    losses: &mut Losses,
    list: &mut Array<'_>,
) -> Result<(), Failure> {
    let asked = request.messages.last().map(|message| message.place);
    let mut writer = Writer { own: request.origin == Dialect::Ollama, asked, losses, called: HashMap::new() };
    for message in &request.messages {
        writer.message(message, list)?;
    }
    Ok(())
}

struct Writer<'l, 'm> {
    /// The request's unknown fields are Ollama's own.
    own: bool,
    /// What the model is to answer.
    asked: Option<Place>,
    losses: &'l mut Losses,
    /// The names of the calls so far by their ids: results are told by the tool's name.
    called: HashMap<Cow<'m, str>, &'m Text<'m>>,
}

/// What can be said of some parts.
#[derive(Default)]
struct Said<'m> {
    texts: Vec<&'m Text<'m>>,
    thoughts: Vec<&'m Text<'m>>,
    pictures: Vec<&'m Text<'m>>,
    calls: Vec<&'m ToolCall<'m>>,
}

impl Said<'_> {
    fn is_empty(&self) -> bool {
        self.texts.is_empty() && self.pictures.is_empty() && self.calls.is_empty() && self.thoughts.is_empty()
    }
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
        self.losses.said_by_model(message.role == Role::Assistant);
        let mut rest = Vec::new();
        let mut results = 0_usize;
        for part in &message.parts {
            match &part.kind {
                PartKind::ToolResult(result) => {
                    results = results.saturating_add(1);
                    self.result(message, part, result, list)?;
                }
                _ => rest.push(part),
            }
        }
        if rest.is_empty() && results > 0 {
            return Ok(());
        }
        let said = self.gather(place, rest)?;
        if said.is_empty() && !message.parts.is_empty() {
            if self.asked == Some(place) && !self.own {
                return Err(self.losses.nothing_left(&place.to_string()));
            }
            self.losses.note(format_args!("{place} dropped: nothing of it could be carried over"));
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
            self.content(place, &said, o);
            if self.own {
                o.extra(&message.extra);
            }
        });
        self.called.extend(said.calls.iter().map(|call| (call.id.to_str(), &call.name)));
        Ok(())
    }

    /// One result is one message of its own.
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
        let said = self.gather(place, &result.content)?;
        let called = self.called.get(&*result.call_id.to_str()).copied();
        list.object(|o| {
            o.word("role", "tool");
            self.content(place, &said, o);
            if let Some(name) = result.name.as_ref().or(called) {
                o.text("tool_name", name);
            }
            if !result.call_id.is_empty() {
                o.text("tool_call_id", &result.call_id);
            }
            if self.own && message.role == Role::Tool {
                o.extra(&message.extra);
            }
        });
        Ok(())
    }

    fn content(&mut self, place: Place, said: &Said<'_>, o: &mut Object<'_>) {
        write_texts("content", &said.texts, o);
        if !said.thoughts.is_empty() {
            write_texts("thinking", &said.thoughts, o);
        }
        if !said.pictures.is_empty() {
            o.array("images", |list| said.pictures.iter().for_each(|data| list.text(data)));
        }
        if !said.calls.is_empty() {
            o.array("tool_calls", |list| {
                for call in &said.calls {
                    if write_call(call, list) {
                        self.losses.note(format_args!(
                            "{place}: arguments are no JSON object, sent as INVALID_JSON"
                        ));
                    }
                }
            });
        }
    }

    /// Sorts parts by where they are written; what has no place is lost.
    fn gather(
        &mut self,
        place: Place,
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
                PartKind::Text(text) | PartKind::Refusal(text) => {
                    said.texts.push(text);
                    continue;
                }
                PartKind::Thinking(thinking) => {
                    if thinking.signature.is_some() {
                        self.losses.note(format_args!("{place}: the signature of reasoning dropped: {WHY}"));
                    }
                    said.thoughts.push(&thinking.text);
                    continue;
                }
                PartKind::ToolCall(call) => {
                    said.calls.push(call);
                    continue;
                }
                PartKind::Image { source: Source::Base64 { data, .. }, detail } => {
                    if detail.as_ref().is_some_and(|detail| *detail != "auto") {
                        self.losses.note(format_args!("{place}: image detail dropped: {WHY}"));
                    }
                    said.pictures.push(data);
                    continue;
                }
                PartKind::Document(Document { source: Source::Text(text), title, context }) => {
                    for (field, value) in [("title", title), ("context", context)] {
                        if value.is_some() {
                            self.losses.lost(&format!("{place}.document.{field}"), WHY)?;
                        }
                    }
                    said.texts.push(text);
                    continue;
                }
                PartKind::RedactedThinking(_) => {
                    self.losses.note(format_args!(
                        "{place}: redacted reasoning dropped: only its maker can read it"
                    ));
                    continue;
                }
                PartKind::Image { .. } => "an image that is not within the request".to_owned(),
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

/// Writes one item of `tool_calls`, in a request or an answer; whether its arguments had to be wrapped.
pub(in super::super) fn write_call(call: &ToolCall<'_>, list: &mut Array<'_>) -> bool {
    let (arguments, wrapped) = call.arguments.to_object();
    list.object(|o| {
        // Newer versions know ids; older ones ignore them.
        if !call.id.is_empty() {
            o.text("id", &call.id);
        }
        o.object("function", |o| {
            o.text("name", &call.name);
            o.key("arguments").extend_from_slice(arguments.as_str().as_bytes());
        });
    });
    wrapped
}
