//! A provider's answer becomes the hub's.

use super::super::item::{self, Item};
use super::super::part::cite;
use super::super::{finish, usage::UsageWire};
use crate::chat::{ChatResponse, Choice, Failure, FailureKind, Json, Part, PartKind, Text};
use crate::dialect::Dialect;
use crate::dialect::lane::{malformed, read_failure};
use crate::wire::json::{Count, parse, wire_object};
use serde_json::value::RawValue;

wire_object! {
    /// The body of an answer, and the `response` of a stream's first and last events.
    pub(in crate::dialect::openai_responses) struct Answer<'a> {
        pub(in crate::dialect::openai_responses) id: Text<'a> = "id",
        pub(in crate::dialect::openai_responses) object: Text<'a> = "object",
        pub(in crate::dialect::openai_responses) model: Text<'a> = "model",
        pub(in crate::dialect::openai_responses) created_at: Count = "created_at",
        pub(in crate::dialect::openai_responses) status: Text<'a> = "status",
        pub(in crate::dialect::openai_responses) output: Vec<&'a RawValue> = "output",
        pub(in crate::dialect::openai_responses) usage: UsageWire<'a> = "usage",
        pub(in crate::dialect::openai_responses) error: &'a RawValue = "error",
        pub(in crate::dialect::openai_responses) incomplete_details: Incomplete<'a> = "incomplete_details",
        pub(in crate::dialect::openai_responses) service_tier: Text<'a> = "service_tier",
    }
}

wire_object! {
    /// Why an answer is not complete.
    pub(in crate::dialect::openai_responses) struct Incomplete<'a> {
        pub(in crate::dialect::openai_responses) reason: Text<'a> = "reason",
    }
}

/// Reads a provider's answer.
///
/// # Errors
/// 502 for a body that is empty or no answer, and what the provider says where it reports an error in a 200.
pub fn decode_response(body: &[u8]) -> Result<ChatResponse<'_>, Failure> {
    let answer: Answer<'_> = parse(body).map_err(|error| malformed(&error))?;
    if let Some(failure) = failure_of(&answer) {
        return Err(failure);
    }
    let Some(items) = answer.output else {
        // An error of a server that only speaks the path.
        return Err(if answer.error.is_some() {
            read_failure(200, body)
        } else {
            Failure::new(502, "the provider's answer has no output").with_code("malformed_answer")
        });
    };
    let mut response = ChatResponse::new(Dialect::OpenaiResponses);
    response.id = answer.id.unwrap_or_default();
    response.model = answer.model.unwrap_or_default();
    response.created = Count::of(answer.created_at);
    response.service_tier = answer.service_tier;
    response.extra = answer.extra;
    // Most of an answer's fields repeat the request, or say what nobody misses.
    for (name, _) in &mut response.extra {
        if REPEATED.contains(&&**name) {
            *name = format!("own.{name}").into();
        }
    }
    if let Some(usage) = answer.usage {
        response.usage = usage.to_usage();
        response.usage_extra = usage.extra;
    }
    let mut choice = Choice::new(0);
    for (index, raw) in items.into_iter().enumerate() {
        let item = item::read(raw).map_err(|bad| {
            let message =
                format!("the provider's answer is malformed: output[{index}].{}: {}", bad.field, bad.message);
            Failure::new(502, message).with_code("malformed_answer")
        })?;
        push(&mut choice, item);
    }
    let called = choice.parts.iter().any(|part| matches!(part.kind, PartKind::ToolCall(_)));
    let refused = choice.parts.iter().any(|part| matches!(part.kind, PartKind::Refusal(_)));
    let status = answer.status.unwrap_or_default().to_str();
    let reason = answer.incomplete_details.and_then(|details| details.reason);
    if !finish::is_at_work(&status) {
        choice.finish = Some(finish::decode(&status, reason.as_ref(), called, refused));
    }
    response.choices.push(choice);
    Ok(response)
}

/// Fields of an answer that repeat the request's, or tell what the service did with it.
const REPEATED: [&str; 28] = [
    "access_programs",
    "background",
    "billing",
    "completed_at",
    "content_filters",
    "frequency_penalty",
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "moderation",
    "parallel_tool_calls",
    "presence_penalty",
    "previous_response_id",
    "prompt",
    "prompt_cache_key",
    "prompt_cache_retention",
    "reasoning",
    "safety_identifier",
    "store",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "truncation",
    "user",
];

fn push<'a>(choice: &mut Choice<'a>, item: Item<'a>) {
    match item {
        Item::Message { parts, extra, .. } => {
            let mut fields = Some(extra);
            for mut part in parts {
                cite(&mut part);
                if let Some(at) = part.extra.iter().position(|(name, _)| name == "own.logprobs") {
                    let (_, logprobs) = part.extra.remove(at);
                    choice.logprobs = Some(more_logprobs(choice.logprobs.as_ref(), logprobs.get()));
                }
                for (name, value) in fields.take().into_iter().flatten() {
                    let name = name.strip_prefix("own.").unwrap_or(&name).to_owned();
                    part.extra.push((format!("own.item.{name}").into(), value));
                }
                choice.parts.push(part);
            }
        }
        Item::Thought(part) | Item::Call(part) | Item::Result(part) => choice.parts.push(part),
        Item::Other(opaque) => choice.parts.push(Part::new(PartKind::Other(opaque))),
        Item::Reference(_) => {}
    }
}

/// The log probabilities of all texts so far are one list.
fn more_logprobs(before: Option<&Json<'_>>, list: &str) -> Json<'static> {
    let inner = |text: &str| text.trim().trim_start_matches('[').trim_end_matches(']').trim().to_owned();
    let before = before.and_then(|json| json.as_str().strip_prefix("{\"content\":")?.strip_suffix('}'));
    let lists = [before.map(inner).unwrap_or_default(), inner(list)];
    let said: Vec<&str> = lists.iter().map(String::as_str).filter(|list| !list.is_empty()).collect();
    Json::trusted(format!("{{\"content\":[{}]}}", said.join(",")))
}

/// What the provider says where the answer failed.
pub(in crate::dialect::openai_responses) fn failure_of(answer: &Answer<'_>) -> Option<Failure> {
    let status = answer.status.as_ref().map(Text::to_str);
    match (status.as_deref(), answer.error) {
        (Some("failed"), None) => {
            Some(Failure::new(502, "the provider says that the response failed, and not why"))
        }
        (Some("failed"), Some(error)) => {
            let mut failure = read_failure(200, error.get().as_bytes());
            // Its codes are words of their own.
            if failure.code.as_deref() == Some("server_error") {
                failure.status = 500;
                failure.kind = FailureKind::Api;
            }
            Some(failure)
        }
        (Some("cancelled"), _) => {
            Some(Failure::new(502, "the provider says that the response was cancelled"))
        }
        _ => None,
    }
}
