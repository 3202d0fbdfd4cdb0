//! An answer for a client that speaks Gemini.

use super::super::finish::finish_word;
use super::super::grounding;
use super::super::logprobs;
use super::super::part::SIGNATURE;
use super::super::signature;
use super::super::usage::write_usage;
use crate::chat::{
    ChatResponse, Choice, FinishReason, Losses, Measured, Part, PartKind, Source, Text, Thinking, ToolCall,
};
use crate::dialect::Dialect;
use crate::dialect::date::rfc3339;
use crate::dialect::lane::AnswerPlan;
use crate::dialect::service::is_missed;
use crate::dialect::signature::Kind;
use crate::wire::json::{Array, Object, object};

/// Writes an answer. What Gemini's dialect cannot say is noted, never refused: the answer is there.
pub fn encode_response(response: &ChatResponse<'_>, plan: &AnswerPlan, losses: &mut Losses) -> Vec<u8> {
    let own = response.origin == Dialect::Gemini;
    let mut out = Vec::with_capacity(1024);
    object(&mut out, |body| {
        body.array("candidates", |list| {
            for choice in &response.choices {
                list.object(|candidate| write_candidate(choice, response.origin, losses, candidate));
            }
        });
        match response.usage_extra.iter().find(|(name, _)| own && name == "usageMetadata") {
            Some((name, raw)) => body.raw(name, raw),
            None => body.object("usageMetadata", |usage| write_usage(&response.usage, usage)),
        }
        body.text("modelVersion", &response.model);
        let created = response.created.unwrap_or(plan.created);
        if created > 0 {
            body.str("createTime", &rfc3339(created));
        }
        body.text("responseId", &response.id);
        if own {
            body.extra(&response.extra);
        } else {
            note_extra(&response.extra, losses);
            note_extra(&response.usage_extra, losses);
        }
    });
    out
}

fn note_extra(extra: &crate::chat::Extra<'_>, losses: &mut Losses) {
    for (name, _) in extra.iter().filter(|(name, value)| is_missed(name, value)) {
        losses.note(format_args!("{name} dropped: is not supported by Gemini"));
    }
}

fn write_candidate(choice: &Choice<'_>, maker: Dialect, losses: &mut Losses, candidate: &mut Object<'_>) {
    let own = maker == Dialect::Gemini;
    candidate.object("content", |content| {
        content.array("parts", |list| {
            for (index, part) in choice.parts.iter().enumerate() {
                write_part(part, index, maker, losses, list);
            }
        });
        content.word("role", "model");
    });
    let raw = choice.extra.iter().find(|(name, _)| own && name == "finishReason");
    match (raw, &choice.finish) {
        (Some((_, raw)), _) => candidate.raw("finishReason", raw),
        (None, Some(finish)) => candidate.word("finishReason", finish_word(finish.reason)),
        (None, None) if own => {}
        (None, None) => candidate.word("finishReason", finish_word(FinishReason::Unknown)),
    }
    candidate.u64("index", choice.index.into());
    if let Some(json) = choice.logprobs.as_ref().filter(|_| !own) {
        logprobs::write_gemini(json, candidate);
    }
    if let Some(stop) = choice.finish.as_ref().and_then(|finish| finish.stop_sequence.as_ref()) {
        candidate.str("finishMessage", &format!("stop sequence: {}", stop.to_str()));
    }
    if own {
        grounding::write_own(&choice.extra, candidate);
    } else {
        write_grounding(choice, candidate);
        note_extra(&choice.extra, losses);
        note_extra(&choice.message_extra, losses);
    }
}

/// Writes what the texts rely on. Here they are one text.
fn write_grounding(choice: &Choice<'_>, candidate: &mut Object<'_>) {
    if choice.parts.iter().all(|part| part.citations.is_empty()) {
        return;
    }
    let (mut said, mut pages) = (Measured::default(), Vec::new());
    for part in &choice.parts {
        let PartKind::Text(text) = &part.kind else { continue };
        pages.extend(part.citations.iter().map(|page| page.clone().moved(said.characters())));
        said.push(&text.to_str());
    }
    grounding::write(&said, &pages, candidate);
}

fn write_part(part: &Part<'_>, index: usize, maker: Dialect, losses: &mut Losses, list: &mut Array<'_>) {
    let own = maker == Dialect::Gemini;
    match &part.kind {
        PartKind::Text(text) | PartKind::Refusal(text) => {
            if text.is_empty() && part.extra.is_empty() {
                return;
            }
            list.object(|o| {
                o.text("text", text);
                if own {
                    o.extra(&part.extra);
                }
            });
        }
        PartKind::Thinking(thinking) => list.object(|o| {
            write_thought(thinking, Some(maker), o);
            if own {
                o.extra(&part.extra);
            }
        }),
        PartKind::RedactedThinking(data) => list.object(|o| {
            o.word("text", "");
            o.bool("thought", true);
            o.str(SIGNATURE, &signature::wrap(maker, Kind::Redacted, data));
        }),
        PartKind::ToolCall(call) => {
            if write_call(call, list) {
                losses.note(format_args!(
                    "parts[{index}]: arguments are no JSON object, shown as INVALID_JSON"
                ));
            }
        }
        PartKind::Image { source: Source::Base64 { media_type, data }, .. }
        | PartKind::Audio { source: Source::Base64 { media_type, data }, .. } => list.object(|o| {
            o.object("inlineData", |blob| {
                blob.text("mimeType", media_type);
                blob.text("data", data);
            });
            if own {
                o.extra(&part.extra);
            }
        }),
        PartKind::Other(opaque) if own => list.item().extend_from_slice(opaque.json.as_str().as_bytes()),
        PartKind::Other(opaque) => {
            losses.note(format_args!(
                "parts[{index}] {} dropped: is not supported by Gemini",
                opaque.kind.to_str()
            ));
        }
        PartKind::Image { .. }
        | PartKind::Audio { .. }
        | PartKind::Document(_)
        | PartKind::SearchResult(_)
        | PartKind::ToolResult(_) => {
            losses.note(format_args!("parts[{index}] dropped: Gemini's answers hold no such part"));
        }
    }
    if !own {
        note_extra(&part.extra, losses);
    }
}

/// A thought with what its maker, where it is another than Google, wants back.
pub(in crate::dialect::gemini) fn write_thought(
    thinking: &Thinking<'_>,
    maker: Option<Dialect>,
    o: &mut Object<'_>,
) {
    o.text("text", &thinking.text);
    o.bool("thought", true);
    let proof = thinking.signature.as_ref().filter(|proof| !proof.is_empty());
    if let (Some(maker), Some(proof)) = (maker, proof) {
        o.str(SIGNATURE, &signature::wrap(maker, Kind::Thinking, proof));
    }
}

/// A call. Whether its arguments had to be wrapped into an object.
pub(in crate::dialect::gemini) fn write_call(call: &ToolCall<'_>, list: &mut Array<'_>) -> bool {
    let (args, wrapped) = call.arguments.to_object();
    let (id, signature): (Text<'_>, _) = signature::split(&call.id);
    list.object(|o| {
        o.object("functionCall", |o| {
            if !id.is_empty() {
                o.text("id", &id);
            }
            o.text("name", &call.name);
            o.key("args").extend_from_slice(args.as_str().as_bytes());
        });
        if let Some(signature) = &signature {
            o.text(SIGNATURE, signature);
        }
    });
    wrapped
}
