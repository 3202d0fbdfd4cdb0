//! The hub's answer becomes a Responses client's.

use super::super::finish::COMPLETED;
use super::super::part::{says, says_own, write_output, write_own};
use super::super::{finish, usage};
use super::frame::{Frame, Status};
use super::output::item_id;
use crate::chat::{Arguments, ChatResponse, Choice, Extra, Losses, Part, PartKind, Text};
use crate::dialect::lane::AnswerPlan;
use crate::dialect::service::is_missed;
use crate::dialect::{Dialect, signature};
use crate::wire::json::{Array, array, members, object};
use serde_json::value::RawValue;

/// Writes an answer for a Responses client. What it cannot say is noted, never refused: the answer is there.
pub fn encode_response(response: &ChatResponse<'_>, plan: &AnswerPlan, losses: &mut Losses) -> Vec<u8> {
    let own = response.origin == Dialect::OpenaiResponses;
    let empty = Choice::new(0);
    let choice = response.choices.first().unwrap_or(&empty);
    if response.choices.len() > 1 {
        losses.note("choices: only the first is shown, OpenAI's Responses know no others");
    }
    if !own {
        note_extra(losses, "", &response.extra);
        note_extra(losses, "usage.", &response.usage_extra);
        note_extra(losses, "", &choice.extra);
        note_extra(losses, "", &choice.message_extra);
    }
    let frame = Frame::new(plan, &response.id, &response.model, response.created);
    let mut body = Vec::with_capacity(2048);
    let write_items = |out: &mut Vec<u8>, losses: &mut Losses| {
        array(out, |list| {
            Items { frame: &frame, maker: plan.provider, own, losses, next: 0 }.write(list, choice);
        });
    };
    let finish = choice.finish.as_ref();
    let refused = choice.parts.iter().any(|part| matches!(part.kind, PartKind::Refusal(_)));
    object(&mut body, |o| {
        if own {
            // Another provider of this dialect said all of it.
            o.text("id", &response.id);
            o.word("object", "response");
            o.u64("created_at", frame.created);
            finish::write(o, finish::incomplete(finish, true));
            o.null("error");
            o.text("model", &response.model);
            write_items(o.key("output"), losses);
            if !response.usage.is_empty() {
                o.object("usage", |o| {
                    usage::write(o, &response.usage);
                    o.extra(&response.usage_extra);
                });
            }
            if let Some(tier) = &response.service_tier {
                o.text("service_tier", tier);
            }
            return write_own(o, &response.extra);
        }
        let tier = response.service_tier.as_ref().and_then(|tier| tier_word(tier));
        let status = Status::Ended { finish, refused };
        frame.write(o, status, &response.usage, tier.as_ref(), |out| write_items(out, losses));
    });
    body
}

/// A service tier in OpenAI's words; it has none for the tiers of others.
fn tier_word(tier: &Text<'_>) -> Option<Text<'static>> {
    Some(Text::plain(match &*tier.to_str() {
        "standard" | "default" => "default",
        "priority" => "priority",
        "flex" => "flex",
        "auto" => "auto",
        "scale" => "scale",
        _ => return None,
    }))
}

/// One warning for all the fields of an answer that have no place here and are missed.
fn note_extra(losses: &mut Losses, base: &str, extra: &Extra<'_>) {
    let missed = extra.iter().filter(|(name, value)| is_missed(name, value));
    let names: Vec<String> = missed.map(|(name, _)| format!("{base}{name}")).collect();
    if !names.is_empty() {
        losses.note(format_args!("fields of the answer dropped: {}", names.join(", ")));
    }
}

/// The items of one answer.
struct Items<'i> {
    frame: &'i Frame,
    /// Whose thoughts these are.
    maker: Dialect,
    own: bool,
    losses: &'i mut Losses,
    /// The place of the next item.
    next: usize,
}

impl Items<'_> {
    fn write(&mut self, list: &mut Array<'_>, choice: &Choice<'_>) {
        let logprobs = choice.logprobs.as_ref().and_then(|json| {
            let found = members(json.as_str().as_bytes()).ok()?;
            found.get("content").map(|member| member.value.get()).filter(|content| *content != "null")
        });
        let mut logprobs = Some(logprobs.unwrap_or("[]"));
        let mut texts: Vec<&Part<'_>> = Vec::new();
        // An answer that broke off did so within its last item.
        let refused = choice.parts.iter().any(|part| matches!(part.kind, PartKind::Refusal(_)));
        let ending = finish::status(choice.finish.as_ref(), refused);
        let final_part = choice.parts.len().saturating_sub(1);
        for (at, part) in choice.parts.iter().enumerate() {
            if !self.own {
                note_extra(self.losses, "", &part.extra);
            }
            if let PartKind::Text(_) | PartKind::Refusal(_) = &part.kind {
                if item_fields(part).next().is_some() {
                    self.message(list, &mut texts, &mut logprobs, COMPLETED);
                }
                if says(part) || self.own {
                    texts.push(part);
                }
                continue;
            }
            self.message(list, &mut texts, &mut logprobs, COMPLETED);
            self.part(list, part, if at == final_part { ending } else { COMPLETED });
        }
        self.message(list, &mut texts, &mut logprobs, ending);
    }

    /// The id of the next item.
    fn id(&mut self, prefix: &str) -> String {
        let id = item_id(prefix, &self.frame.core, self.next);
        self.next = self.next.saturating_add(1);
        id
    }

    /// What stands together is one message.
    fn message(
        &mut self,
        list: &mut Array<'_>,
        texts: &mut Vec<&Part<'_>>,
        logprobs: &mut Option<&str>,
        status: &'static str,
    ) {
        let Some(first) = texts.first() else { return };
        let fields: Vec<(&str, &RawValue)> = if self.own { item_fields(first).collect() } else { Vec::new() };
        list.object(|o| {
            o.word("type", "message");
            let said = |name: &str| fields.iter().any(|(field, _)| *field == name);
            if !said("id") {
                o.str("id", &self.id("msg"));
            }
            if !said("status") {
                o.word("status", status);
            }
            o.word("role", "assistant");
            o.array("content", |content| {
                for part in texts.iter() {
                    // They belong to the first text.
                    let logprobs = match &part.kind {
                        PartKind::Text(_) => Some(logprobs.take().unwrap_or("[]")),
                        _ => None,
                    };
                    write_output(content, part, logprobs, self.own);
                }
            });
            for (name, value) in fields {
                o.raw(name, value);
            }
        });
        texts.clear();
    }

    fn part(&mut self, list: &mut Array<'_>, part: &Part<'_>, status: &'static str) {
        match &part.kind {
            PartKind::Thinking(thinking) => {
                if thinking.text.is_empty() && thinking.signature.is_none() && !self.own {
                    return;
                }
                let signature = thinking.signature.as_ref();
                self.thought(list, part, Some(&thinking.text), signature, signature::Kind::Thinking);
            }
            PartKind::RedactedThinking(data) => {
                self.thought(list, part, None, Some(data), signature::Kind::Redacted);
            }
            PartKind::ToolCall(call) => {
                let is_custom = matches!(call.arguments, Arguments::Input(_));
                let item = self.id(if is_custom { "ctc" } else { "fc" });
                list.object(|o| {
                    o.word("type", if is_custom { "custom_tool_call" } else { "function_call" });
                    if !(self.own && says_own(part, "own.id")) {
                        o.str("id", &item);
                    }
                    if !(self.own && says_own(part, "own.status")) {
                        o.word("status", status);
                    }
                    o.text("call_id", &call.id);
                    o.text("name", &call.name);
                    match &call.arguments {
                        Arguments::Text(text) if text.is_blank() && !self.own => o.word("arguments", "{}"),
                        Arguments::Text(text) => o.text("arguments", text),
                        Arguments::Json(json) => o.str("arguments", json.as_str()),
                        Arguments::Input(input) => o.text("input", input),
                    }
                    if self.own {
                        write_own(o, &part.extra);
                    }
                });
            }
            PartKind::Other(opaque) if self.own => {
                list.item().extend_from_slice(opaque.json.as_str().as_bytes());
            }
            PartKind::Other(opaque) => {
                let kind = opaque.kind.to_str();
                self.losses.note(format_args!("a block of type {:?} dropped from the answer", &*kind));
            }
            _ => self.losses.note("a picture, sound or document dropped from the answer"),
        }
    }

    fn thought(
        &mut self,
        list: &mut Array<'_>,
        part: &Part<'_>,
        text: Option<&Text<'_>>,
        signature: Option<&Text<'_>>,
        kind: signature::Kind,
    ) {
        let id = self.id("rs");
        list.object(|o| {
            o.word("type", "reasoning");
            if !(self.own && says_own(part, "own.id")) {
                o.str("id", &id);
            }
            if !(self.own && says_own(part, "own.summary")) {
                o.array("summary", |summary| {
                    if let Some(text) = text.filter(|text| !text.is_empty()) {
                        summary.object(|o| {
                            o.word("type", "summary_text");
                            o.text("text", text);
                        });
                    }
                });
            }
            match signature {
                Some(signature) if self.maker == Dialect::OpenaiResponses => {
                    o.text("encrypted_content", signature);
                }
                Some(signature) => {
                    o.text("encrypted_content", &signature::marked(self.maker, kind, signature));
                }
                None => {}
            }
            if self.own {
                write_own(o, &part.extra);
            }
        });
    }
}

/// Fields of the item that a text begins.
fn item_fields<'p>(part: &'p Part<'_>) -> impl Iterator<Item = (&'p str, &'p RawValue)> {
    part.extra.iter().filter_map(|(name, value)| Some((name.strip_prefix("own.item.")?, *value)))
}
