//! A provider's text completion becomes the hub's answer.

use super::super::logprobs;
use crate::chat::{ChatResponse, Choice, Failure, Part};
use crate::dialect::Dialect;
use crate::dialect::lane::{malformed, read_failure};
use crate::dialect::openai_chat::{finish, usage::UsageWire};
use crate::wire::json::{Count, Text, parse, wire_object};
use serde_json::value::RawValue;

/// Texts of one answer, at most: OpenAI takes 20 prompts of up to 128 choices each.
pub(in crate::dialect::openai_completions) const MOST_CHOICES: u32 = 2560;

wire_object! {
    /// The body of an answer.
    struct Answer<'a> {
        id: Text<'a> = "id",
        object: Text<'a> = "object",
        model: Text<'a> = "model",
        created: Count = "created",
        choices: Vec<ChoiceWire<'a>> = "choices",
        usage: UsageWire<'a> = "usage",
        error: &'a RawValue = "error",
    }
}

wire_object! {
    /// One of the texts.
    struct ChoiceWire<'a> {
        index: u32 = "index",
        text: Text<'a> = "text",
        finish_reason: Text<'a> = "finish_reason",
        logprobs: &'a RawValue = "logprobs",
        error: &'a RawValue = "error",
    }
}

/// Reads a provider's answer.
///
/// # Errors
/// 502 for a body that is empty or no answer, and what the provider says where it reports an error in a 200.
pub fn decode_response(body: &[u8]) -> Result<ChatResponse<'_>, Failure> {
    let wire: Answer<'_> = parse(body).map_err(|error| malformed(&error))?;
    if wire.error.is_some() {
        return Err(read_failure(200, body));
    }
    let choices = wire.choices.unwrap_or_default();
    if choices.is_empty() {
        return Err(Failure::new(502, "the provider's answer has no choices"));
    }
    let mut response = ChatResponse::new(Dialect::OpenaiCompletions);
    response.id = wire.id.unwrap_or_default();
    response.model = wire.model.unwrap_or_default();
    response.created = Count::of(wire.created);
    response.extra = wire.extra;
    if let Some(usage) = wire.usage {
        response.usage = usage.to_usage();
        response.usage_extra = usage.extra;
    }
    for (at, wire) in choices.into_iter().enumerate() {
        let index = wire.index.unwrap_or_else(|| u32::try_from(at).unwrap_or(u32::MAX));
        if index >= MOST_CHOICES {
            return Err(Failure::new(502, "the provider's answer holds too many choices"));
        }
        if let Some(failure) = finish::failure(wire.finish_reason.as_ref(), wire.error) {
            return Err(failure);
        }
        let mut choice = Choice::new(index);
        choice.parts.extend(wire.text.filter(|text| !text.is_empty()).map(Part::text));
        choice.finish =
            wire.finish_reason.filter(|word| !word.is_empty()).map(|word| finish::end(&word.to_str(), false));
        choice.extra = wire.extra;
        if let Some((json, offsets)) = wire.logprobs.and_then(logprobs::to_hub) {
            choice.logprobs = Some(json);
            choice.extra.extend(offsets.map(|offsets| ("logprobs.text_offset".into(), offsets)));
        }
        response.choices.push(choice);
    }
    Ok(response)
}
