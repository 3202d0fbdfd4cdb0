//! A provider's answer.

use super::super::call_id::{self, Place};
use super::super::finish::{finish_reason, finish_word, settled, unexplained};
use super::super::part::{SIGNATURE, part};
use super::super::wire::{Answer, Candidate, Feedback};
use super::super::{grounding, logprobs, signature, usage};
use crate::chat::{
    ChatResponse, Choice, Extra, Failure, Finish, FinishReason, Part, PartKind, Text, ToolCall,
};
use crate::dialect::Dialect;
use crate::dialect::date::parse_rfc3339;
use crate::dialect::lane::{malformed, read_failure};
use crate::wire::json::{Count, ParseError, parse, parse_raw, wire_object};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// Most choices of one answer that are told apart; Google allows eight.
pub(in crate::dialect::gemini) const MOST_CHOICES: u32 = 128;

wire_object! {
    /// What the counts say beside the counts.
    light struct Tier<'a> { tier: Text<'a> = "serviceTier" }
}

/// Reads an answer; a streamed one that arrived whole, as one array, is read as the answer its pieces make.
///
/// # Errors
/// 502 when it is empty, malformed or no answer; what it says when it is an error in a 200.
pub fn decode_response(body: &[u8]) -> Result<ChatResponse<'_>, Failure> {
    let pieces = pieces(body).map_err(|error| malformed(&error))?;
    let mut response = ChatResponse::new(Dialect::Gemini);
    let mut is_answer = false;
    for (answer, bytes) in pieces {
        if answer.error.is_some() {
            return Err(read_failure(200, bytes));
        }
        is_answer |= answer.candidates.is_some() || answer.feedback.is_some() || answer.usage.is_some();
        take(&mut response, answer)?;
    }
    if !is_answer {
        return Err(
            Failure::new(502, "the provider's answer has no candidates").with_code("malformed_answer")
        );
    }
    if response.choices.is_empty() {
        response.choices.push(Choice::new(0));
    }
    let id = response.id.to_str().into_owned();
    for choice in &mut response.choices {
        settle(choice, &id);
        grounding::cite(choice);
    }
    Ok(response)
}

/// The pieces of an answer, each with its bytes.
fn pieces(body: &[u8]) -> Result<Vec<(Answer<'_>, &[u8])>, ParseError> {
    if !body.trim_ascii_start().starts_with(b"[") {
        return Ok(vec![(parse(body)?, body)]);
    }
    let items: Vec<&RawValue> = parse(body)?;
    items.into_iter().map(|raw| Ok((parse_raw(raw)?, raw.get().as_bytes()))).collect()
}

/// Adds a piece to the answer.
fn take<'a>(response: &mut ChatResponse<'a>, answer: Answer<'a>) -> Result<(), Failure> {
    let newest = |new: Option<Text<'a>>, old: &mut Text<'a>| {
        if let Some(new) = new {
            *old = new;
        }
    };
    newest(answer.id, &mut response.id);
    newest(answer.model, &mut response.model);
    response.created = answer.created.and_then(|time| parse_rfc3339(&time.to_str())).or(response.created);
    if let Some(raw) = answer.usage {
        response.usage.update(&usage::read(raw));
        response.service_tier = parse_raw::<Tier<'_>>(raw).ok().and_then(|usage| usage.tier);
        // As it came, for a client of this dialect.
        response.usage_extra = vec![(Cow::Borrowed("usageMetadata"), raw)];
    }
    for candidate in answer.candidates.unwrap_or_default() {
        take_candidate(response, candidate)?;
    }
    if let Some(feedback) = answer.feedback {
        if refused(feedback) && response.choices.is_empty() {
            let mut choice = Choice::new(0);
            choice.finish = Some(FinishReason::ContentFilter.into());
            response.choices.push(choice);
        }
        response.extra.push((Cow::Borrowed("promptFeedback"), feedback));
    }
    response.extra.extend(answer.extra);
    Ok(())
}

/// Whether the prompt was refused: then there is no candidate.
pub(in crate::dialect::gemini) fn refused(feedback: &RawValue) -> bool {
    parse_raw::<Feedback<'_>>(feedback).is_ok_and(|feedback| feedback.reason.is_some())
}

fn take_candidate<'a>(response: &mut ChatResponse<'a>, candidate: Candidate<'a>) -> Result<(), Failure> {
    let index = Count::of(candidate.index).and_then(|index| u32::try_from(index).ok()).unwrap_or(0);
    let index = index.min(MOST_CHOICES);
    let known = response.choices.iter().position(|choice| choice.index == index);
    let at = known.unwrap_or_else(|| {
        response.choices.push(Choice::new(index));
        response.choices.len().saturating_sub(1)
    });
    let Some(choice) = response.choices.get_mut(at) else { return Ok(()) };
    let content = candidate.content.unwrap_or_default();
    for raw in content.parts.unwrap_or_default().0 {
        let part = part(raw).map_err(|error| bad_part(&error))?;
        append(&mut choice.parts, part);
    }
    if let Some(raw) = candidate.finish {
        let reason = finish_reason(raw);
        let unknown = (reason == FinishReason::Unknown).then(|| unexplained(raw, &candidate.extra).into());
        choice.finish = Some(Finish { unknown, ..reason.into() });
        if finish_word(reason) != raw.get().trim_matches('"') {
            choice.extra.push((Cow::Borrowed("finishReason"), raw));
        }
    }
    if let Some(raw) = candidate.logprobs {
        choice.logprobs = logprobs::to_openai(raw);
        choice.extra.push((Cow::Borrowed("logprobsResult"), raw));
    }
    choice.message_extra.extend(content.extra);
    choice.extra.extend(candidate.extra);
    Ok(())
}

fn bad_part(error: &ParseError) -> Failure {
    Failure::new(502, format!("the provider's answer is malformed: content.parts: {error}"))
        .with_code("malformed_answer")
}

/// Adds a part; the pieces of one text or thought become one part.
fn append<'a>(parts: &mut Vec<Part<'a>>, part: Part<'a>) {
    if let Some(last) = parts.last_mut().filter(|last| last.extra.is_empty() && part.extra.is_empty()) {
        match (&mut last.kind, &part.kind) {
            (PartKind::Text(first), PartKind::Text(second)) => {
                first.push(second);
                return;
            }
            (PartKind::Thinking(first), PartKind::Thinking(second)) if first.signature.is_none() => {
                first.text.push(&second.text);
                first.signature.clone_from(&second.signature);
                return;
            }
            _ => {}
        }
    }
    parts.push(part);
}

/// Gives the calls of a complete choice the ids that carry their signatures, and the choice the reason that fits.
fn settle(choice: &mut Choice<'_>, answer: &str) {
    let mut calls = 0_u32;
    for part in &mut choice.parts {
        let PartKind::ToolCall(call) = &part.kind else { continue };
        let id = called(call, &part.extra, Place { answer, choice: choice.index, number: calls });
        part.extra.retain(|(name, _)| name != SIGNATURE);
        if let PartKind::ToolCall(call) = &mut part.kind {
            call.id = id;
        }
        calls = calls.saturating_add(1);
    }
    // A signature by itself says nothing to anybody else.
    choice.parts.retain(
        |part| !matches!(&part.kind, PartKind::Text(text) if text.is_empty() && part.extra.is_empty()),
    );
    if let Some(finish) = &mut choice.finish {
        finish.reason = settled(finish.reason, calls > 0);
    }
}

/// The id of a call of an answer: its own or a made one, with the signature it carries.
pub(in crate::dialect::gemini) fn called(
    call: &ToolCall<'_>,
    extra: &Extra<'_>,
    place: Place<'_>,
) -> Text<'static> {
    let signature = extra.iter().find(|(name, _)| name == SIGNATURE).and_then(|(_, raw)| Text::from_raw(raw));
    let id = if call.id.is_empty() {
        let proof = signature.as_ref().map(Text::to_str).unwrap_or_default();
        Text::from(call_id::generated(place, &call.name.to_str(), &call.arguments.as_plain(), &proof))
    } else {
        call.id.clone().into_owned()
    };
    signature::join(&id, signature.as_ref())
}

/// The fields of a candidate that clients of other dialects could miss.
pub(in crate::dialect::gemini) fn candidate_extra<'e>(
    candidate: &'e Candidate<'_>,
) -> impl Iterator<Item = &'e str> {
    let missed =
        |(name, value): &&'e (Cow<'_, str>, &RawValue)| crate::dialect::service::is_missed(name, value);
    candidate.extra.iter().filter(missed).map(|(name, _)| &**name)
}
