//! The hub's answer becomes an OpenAI client's.

use super::super::citation::write_nested;
use super::super::request::{write_call, write_function, write_reasoning, write_thinking_blocks};
use super::super::{finish, usage};
use crate::chat::{ChatResponse, Choice, Extra, FinishReason, Losses, OWN, Part, PartKind, Text};
use crate::dialect::Dialect;
use crate::dialect::lane::AnswerPlan;
use crate::dialect::service::is_missed;
use crate::provider::Quirks;
use crate::wire::json::{Object, object};

/// Clients take ids of any length, and send them back to the provider they came from.
const CLIENT: Quirks = Quirks { short_ids: false, ..Quirks::OPENAI };

/// Writes an answer for an OpenAI client. What it cannot say is noted, never refused: the answer is there.
pub fn encode_response(response: &ChatResponse<'_>, plan: &AnswerPlan, losses: &mut Losses) -> Vec<u8> {
    let own = response.origin == Dialect::OpenaiChat;
    let mut body = Vec::with_capacity(1024);
    object(&mut body, |o| {
        o.text("id", &response.id);
        o.word("object", "chat.completion");
        o.u64("created", response.created.unwrap_or(plan.created));
        o.text("model", &response.model);
        o.array("choices", |list| {
            for choice in &response.choices {
                list.object(|o| write_choice(o, choice, plan, own, losses));
            }
        });
        if !response.usage.is_empty() {
            o.object("usage", |o| {
                usage::write(o, &response.usage);
                if own {
                    for (name, value) in &response.usage_extra {
                        o.raw(name, value);
                    }
                }
            });
        }
        if own {
            if let Some(tier) = &response.service_tier {
                o.text("service_tier", tier);
            }
            o.extra(&response.extra);
        } else if let Some(tier) = &response.service_tier {
            match &*tier.to_str() {
                "standard" | "default" => o.word("service_tier", "default"),
                "priority" => o.word("service_tier", "priority"),
                "flex" => o.word("service_tier", "flex"),
                "scale" => o.word("service_tier", "scale"),
                "auto" => o.word("service_tier", "auto"),
                // OpenAI has no word for the other tiers, and a client no use for them.
                _ => {}
            }
        }
    });
    if !own {
        note_extra(losses, "", &response.extra);
        note_extra(losses, "usage.", &response.usage_extra);
    }
    body
}

/// One warning for all the fields of an answer that have no place here and are missed.
fn note_extra(losses: &mut Losses, base: &str, extra: &Extra<'_>) {
    let missed = extra.iter().filter(|(name, value)| is_missed(name, value));
    let names: Vec<String> = missed.map(|(name, _)| format!("{base}{name}")).collect();
    if !names.is_empty() {
        losses.note(format_args!("fields of the answer dropped: {}", names.join(", ")));
    }
}

fn write_choice(o: &mut Object<'_>, choice: &Choice<'_>, plan: &AnswerPlan, own: bool, losses: &mut Losses) {
    o.u64("index", u64::from(choice.index));
    o.object("message", |o| write_message(o, choice, plan, own, losses));
    match &choice.logprobs {
        Some(logprobs) => o.key("logprobs").extend_from_slice(logprobs.as_str().as_bytes()),
        None => o.null("logprobs"),
    }
    let reason = choice.finish.as_ref().map_or(FinishReason::Unknown, |finish| finish.reason);
    let refused = choice.parts.iter().any(|part| matches!(part.kind, PartKind::Refusal(_)));
    let reason = finish::with_refusal(reason, refused);
    o.word("finish_reason", finish::word(reason, plan.legacy_functions));
    if own {
        o.extra(&choice.extra);
    } else {
        note_extra(losses, "", &choice.extra);
        if let Some(stop) = choice.finish.as_ref().and_then(|finish| finish.stop_sequence.as_ref()) {
            // vLLM's field for it.
            o.text("stop_reason", stop);
        }
    }
}

/// Writes what the texts rely on. Here they are one text.
fn write_citations(o: &mut Object<'_>, choice: &Choice<'_>) {
    if choice.parts.iter().all(|part| part.citations.is_empty()) {
        return;
    }
    o.array("annotations", |list| {
        let mut before = 0_u64;
        for part in &choice.parts {
            let PartKind::Text(text) = &part.kind else { continue };
            part.citations.iter().for_each(|page| list.object(|o| write_nested(o, page, before)));
            let characters = u64::try_from(text.to_str().chars().count()).unwrap_or(0);
            before = before.saturating_add(characters);
        }
    });
}

fn write_message(o: &mut Object<'_>, choice: &Choice<'_>, plan: &AnswerPlan, own: bool, losses: &mut Losses) {
    let mut texts: Vec<&Text<'_>> = Vec::new();
    let mut thoughts: Vec<&Part<'_>> = Vec::new();
    let mut calls: Vec<&Part<'_>> = Vec::new();
    let mut refusal: Option<&Text<'_>> = None;
    for part in &choice.parts {
        match &part.kind {
            PartKind::Text(text) => texts.push(text),
            PartKind::Thinking(_) | PartKind::RedactedThinking(_) => thoughts.push(part),
            PartKind::ToolCall(_) => calls.push(part),
            PartKind::Refusal(text) => refusal = Some(text),
            PartKind::Other(opaque) => {
                losses.note(format_args!(
                    "a block of type {:?} dropped from the answer",
                    &*opaque.kind.to_str()
                ));
            }
            _ => losses.note("a picture, sound or document dropped from the answer"),
        }
        if !own {
            note_extra(losses, "", &part.extra);
        }
    }
    o.word("role", "assistant");
    if texts.is_empty() && (!calls.is_empty() || refusal.is_some()) {
        o.null("content");
    } else {
        let out = o.key("content");
        out.push(b'"');
        for text in &texts {
            text.write_content(out);
        }
        out.push(b'"');
    }
    match refusal {
        Some(refusal) => o.text("refusal", refusal),
        None => o.null("refusal"),
    }
    write_reasoning(o, "reasoning_content", &thoughts);
    write_thinking_blocks(o, &thoughts);
    if let (true, Some(Part { kind: PartKind::ToolCall(call), .. })) = (plan.legacy_functions, calls.first())
    {
        o.object("function_call", |o| write_function(o, call, own));
    } else if !calls.is_empty() {
        o.array("tool_calls", |list| {
            for part in &calls {
                write_call(list, part, &CLIENT, own);
            }
        });
    }
    if own {
        for (name, value) in &choice.message_extra {
            o.raw(name.strip_prefix(OWN).unwrap_or(name), value);
        }
    } else {
        write_citations(o, choice);
        note_extra(losses, "", &choice.message_extra);
    }
}
