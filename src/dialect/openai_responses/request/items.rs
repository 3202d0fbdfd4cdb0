//! Messages become the items of a request.

use super::super::part::{is_input, says, says_own, write_input, write_output, write_own};
use crate::chat::{
    Arguments, ChatRequest, Document, Failure, Losses, Message, Part, PartKind, Role, Source, Text, Thinking,
    ToolCall, ToolResult,
};
use crate::dialect::Dialect;
use crate::dialect::lane::Ask;
use crate::dialect::openai_chat::write_call_id_within;
use crate::provider::Quirks;
use crate::wire::json::{Array, Extra, Object};
use serde_json::value::RawValue;
use std::collections::HashSet;

/// Why something that another dialect says is lost here.
pub(super) const UNKNOWN_HERE: &str = "has no counterpart in OpenAI's Responses";

/// Characters of a call's id, at most.
const LONGEST_CALL_ID: usize = 64;

/// The type of a custom tool's result.
const CUSTOM_OUTPUT: &str = "custom_tool_call_output";

const CACHE_DROPPED: &str = "cache_control dropped: OpenAI caches prompts by itself";

/// Writes all items but leading instructions, which are items too.
pub(super) fn write(
    list: &mut Array<'_>,
    request: &ChatRequest<'_>,
    ask: &Ask<'_>,
    losses: &mut Losses,
) -> Result<(), Failure> {
    let own = request.origin == Dialect::OpenaiResponses;
    let parts = request.messages.iter().flat_map(|message| &message.parts);
    let custom = parts.filter_map(|part| match &part.kind {
        PartKind::ToolCall(ToolCall { id, arguments: Arguments::Input(_), .. }) => {
            Some(id.to_str().into_owned())
        }
        _ => None,
    });
    let mut items = Items { own, quirks: ask.quirks, losses, custom: custom.collect() };
    for message in &request.messages {
        if own && message.place == crate::chat::Place::Instructions {
            continue;
        }
        items.message(list, message)?;
    }
    Ok(())
}

struct Items<'i> {
    /// The request came in this dialect: its extras and opaque parts are OpenAI's own.
    own: bool,
    quirks: &'i Quirks,
    losses: &'i mut Losses,
    /// The ids of custom tools' calls: their results are items of another type.
    custom: HashSet<String>,
}

impl Items<'_> {
    fn message(&mut self, list: &mut Array<'_>, message: &Message<'_>) -> Result<(), Failure> {
        if !self.own {
            self.losses.lost_extra(message.place, &message.extra, UNKNOWN_HERE)?;
            if message.name.is_some() {
                self.losses.lost(&format!("{}.name", message.place), UNKNOWN_HERE)?;
            }
        }
        match message.role {
            Role::Assistant => self.assistant(list, message),
            Role::System => self.said(list, message, "system"),
            Role::Developer if !self.quirks.developer_role => self.said(list, message, "system"),
            Role::Developer => self.said(list, message, "developer"),
            Role::User | Role::Tool => self.said(list, message, "user"),
        }
    }

    /// Results of tools are items of their own and come first; the rest is one message.
    fn said(
        &mut self,
        list: &mut Array<'_>,
        message: &Message<'_>,
        role: &'static str,
    ) -> Result<(), Failure> {
        let mut rest: Vec<&Part<'_>> = Vec::with_capacity(message.parts.len());
        for part in &message.parts {
            self.cache(part);
            match &part.kind {
                PartKind::ToolResult(result) => self.result(list, message, part, result)?,
                PartKind::Other(opaque)
                    if self.own
                        && message.role != Role::Assistant
                        && message.parts.len() == 1
                        && message.extra.is_empty() =>
                {
                    list.item().extend_from_slice(opaque.json.as_str().as_bytes());
                }
                _ => rest.extend(self.sayable(message, part)?.then_some(part)),
            }
        }
        if rest.is_empty() {
            return Ok(());
        }
        list.object(|o| {
            o.word("type", "message");
            o.word("role", role);
            match rest.as_slice() {
                [Part { kind: PartKind::Text(text), extra, .. }] if extra.is_empty() || !self.own => {
                    o.text("content", text);
                }
                parts => o.array("content", |content| {
                    for part in parts {
                        write_input(content, part, self.own);
                    }
                }),
            }
            if self.own {
                write_own(o, &message.extra);
            }
        });
        Ok(())
    }

    /// Whether a part can stand in a message; its loss is reported where not.
    fn sayable(&mut self, message: &Message<'_>, part: &Part<'_>) -> Result<bool, Failure> {
        if let Err(what) = is_input(part, self.own) {
            self.losses.missed(&part.kind, &message.place.to_string(), &format!("{what} {UNKNOWN_HERE}"))?;
            return Ok(false);
        }
        if !self.own {
            self.losses.lost_extra(message.place, &part.extra, UNKNOWN_HERE)?;
            if let PartKind::Document(Document { context: Some(_), .. }) = &part.kind {
                self.losses.lost(&format!("{}.document.context", message.place), UNKNOWN_HERE)?;
            }
            if let PartKind::Document(Document { source: Source::Text(_), title: Some(_), .. }) = &part.kind {
                self.losses.lost(&format!("{}.document.title", message.place), UNKNOWN_HERE)?;
            }
            if let PartKind::Document(Document { source: Source::Other(_), .. }) = &part.kind {
                let why = format!("a document of this source {UNKNOWN_HERE}");
                self.losses.unread(&message.place.to_string(), &why)?;
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn result(
        &mut self,
        list: &mut Array<'_>,
        message: &Message<'_>,
        part: &Part<'_>,
        result: &ToolResult<'_>,
    ) -> Result<(), Failure> {
        if !self.own {
            self.losses.lost_extra(message.place, &part.extra, UNKNOWN_HERE)?;
        }
        let mut content: Vec<&Part<'_>> = Vec::with_capacity(result.content.len());
        for inner in &result.content {
            self.cache(inner);
            content.extend(self.sayable(message, inner)?.then_some(inner));
        }
        let is_custom = self.custom.contains(&*result.call_id.to_str())
            || item_fields(part).any(|(name, value)| name == "type" && value.get().contains(CUSTOM_OUTPUT));
        if result.is_error == Some(true) {
            let why = "is_error dropped: OpenAI takes what the tool said as it is";
            self.losses.note(format_args!("{}: {why}", message.place));
        }
        list.object(|o| {
            o.word("type", if is_custom { CUSTOM_OUTPUT } else { "function_call_output" });
            self.write_call_id(o, &result.call_id);
            match content.as_slice() {
                [] => o.word("output", ""),
                [Part { kind: PartKind::Text(text), extra, .. }] if extra.is_empty() || !self.own => {
                    o.text("output", text);
                }
                parts => o.array("output", |output| {
                    for part in parts {
                        write_input(output, part, self.own);
                    }
                }),
            }
            if self.own {
                write_own(o, &part.extra);
            }
        });
        Ok(())
    }

    /// Each thought and each call is an item; texts that stand together are one message.
    fn assistant(&mut self, list: &mut Array<'_>, message: &Message<'_>) -> Result<(), Failure> {
        let mut texts: Vec<&Part<'_>> = Vec::new();
        // The fields of the first message item are kept with the hub's message.
        let mut fields = Some(&message.extra);
        for part in &message.parts {
            self.cache(part);
            match &part.kind {
                PartKind::Text(_) | PartKind::Refusal(_) => {
                    if !self.own {
                        self.losses.lost_extra(message.place, &part.extra, UNKNOWN_HERE)?;
                    }
                    if item_fields(part).next().is_some() {
                        self.texts(list, &mut texts, fields.take());
                    }
                    texts.extend((says(part) || self.own).then_some(part));
                    continue;
                }
                _ if texts.is_empty() => {}
                _ => self.texts(list, &mut texts, fields.take()),
            }
            match &part.kind {
                PartKind::Thinking(thinking) => self.thinking(list, message, part, thinking),
                PartKind::RedactedThinking(data) => list.object(|o| {
                    o.word("type", "reasoning");
                    if !(self.own && says_own(part, "own.summary")) {
                        o.array("summary", |_| ());
                    }
                    o.text("encrypted_content", data);
                    if self.own {
                        write_own(o, &part.extra);
                    }
                }),
                PartKind::ToolCall(call) => {
                    if !self.own {
                        self.losses.lost_extra(message.place, &part.extra, UNKNOWN_HERE)?;
                    }
                    list.object(|o| {
                        let is_custom = matches!(call.arguments, Arguments::Input(_));
                        o.word("type", if is_custom { "custom_tool_call" } else { "function_call" });
                        self.write_call_id(o, &call.id);
                        o.text("name", &call.name);
                        write_arguments(o, &call.arguments);
                        if self.own {
                            write_own(o, &part.extra);
                        }
                    });
                }
                PartKind::Other(opaque) if self.own => {
                    list.item().extend_from_slice(opaque.json.as_str().as_bytes());
                }
                PartKind::Other(opaque) => {
                    let why = format!("content of type {:?} {UNKNOWN_HERE}", &*opaque.kind.to_str());
                    self.losses.lost(&message.place.to_string(), &why)?;
                }
                _ => {
                    let why = format!("a picture, sound or document of the model's {UNKNOWN_HERE}");
                    self.losses.lost(&message.place.to_string(), &why)?;
                }
            }
        }
        self.texts(list, &mut texts, fields.take());
        Ok(())
    }

    /// One message of the model's; nothing where there is no text.
    fn texts(&mut self, list: &mut Array<'_>, texts: &mut Vec<&Part<'_>>, fields: Option<&Extra<'_>>) {
        if texts.is_empty() {
            return;
        }
        list.object(|o| {
            o.word("type", "message");
            o.word("role", "assistant");
            o.array("content", |content| {
                for part in texts.iter() {
                    write_output(content, part, None, self.own);
                }
            });
            if !self.own {
                return;
            }
            match texts.first().map(|part| item_fields(part).collect::<Vec<_>>()) {
                Some(fields) if !fields.is_empty() => {
                    for (name, value) in fields {
                        o.raw(name, value);
                    }
                }
                _ => fields.into_iter().for_each(|fields| write_own(o, fields)),
            }
        });
        texts.clear();
    }

    fn thinking(
        &mut self,
        list: &mut Array<'_>,
        message: &Message<'_>,
        part: &Part<'_>,
        thinking: &Thinking<'_>,
    ) {
        if thinking.signature.is_none() && !self.own {
            self.losses.note(format_args!("{}: reasoning without a signature dropped", message.place));
            return;
        }
        list.object(|o| {
            o.word("type", "reasoning");
            // As it came, in as many pieces, where it came in this dialect.
            if !(self.own && says_own(part, "own.summary")) {
                o.array("summary", |summary| {
                    if !thinking.text.is_empty() {
                        summary.object(|o| {
                            o.word("type", "summary_text");
                            o.text("text", &thinking.text);
                        });
                    }
                });
            }
            if let Some(signature) = &thinking.signature {
                o.text("encrypted_content", signature);
            }
            if self.own {
                write_own(o, &part.extra);
            }
        });
    }

    fn write_call_id(&self, o: &mut Object<'_>, id: &Text<'_>) {
        if self.own {
            return o.text("call_id", id);
        }
        write_call_id_within(o.key("call_id"), id, self.quirks, LONGEST_CALL_ID);
    }

    /// Notes a breakpoint that cannot be said.
    fn cache(&mut self, part: &Part<'_>) {
        if part.cache_control.is_some() {
            self.losses.note(CACHE_DROPPED);
        }
    }
}

/// Fields of a message item that shares a message of the hub with another one.
fn item_fields<'p>(part: &'p Part<'_>) -> impl Iterator<Item = (&'p str, &'p RawValue)> {
    part.extra.iter().filter_map(|(name, value)| Some((name.strip_prefix("own.item.")?, *value)))
}

/// Arguments are a string that holds JSON.
fn write_arguments(o: &mut Object<'_>, arguments: &Arguments<'_>) {
    match arguments {
        Arguments::Text(text) if text.is_blank() => o.word("arguments", "{}"),
        Arguments::Text(text) => o.text("arguments", text),
        Arguments::Json(json) => o.str("arguments", json.as_str()),
        Arguments::Input(input) => o.text("input", input),
    }
}
