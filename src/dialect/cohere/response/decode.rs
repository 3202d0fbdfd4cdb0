//! Cohere's answer into the hub.

use super::super::wire::Answer;
use super::super::{block, finish, logprobs};
use crate::chat::{ChatResponse, Choice, Failure, Part};
use crate::dialect::Dialect;
use crate::dialect::lane::{malformed, read_failure};
use crate::wire::json::{TextOr, parse};
use std::borrow::Cow;

/// Reads an answer.
///
/// # Errors
/// 502 when it is empty, malformed or no answer, or when the generation failed; what it says when it is an error in a 200.
pub fn decode_response(body: &[u8]) -> Result<ChatResponse<'_>, Failure> {
    let answer: Answer<'_> = parse(body).map_err(|error| malformed(&error))?;
    let message = match answer.message {
        Some(TextOr::Other(message)) => message,
        Some(TextOr::Text(_)) => return Err(read_failure(200, body)),
        None => {
            let failure = Failure::new(502, "the provider's answer has no message");
            return Err(failure.with_code("malformed_answer"));
        }
    };
    let mut response = ChatResponse::new(Dialect::Cohere);
    response.id = answer.id.unwrap_or_default();
    response.extra = answer.extra;
    if let Some(usage) = answer.usage {
        response.usage = usage.to_usage();
        response.usage_extra = usage.extra;
        let images = usage.tokens.and_then(|tokens| tokens.image_tokens);
        for (name, value) in [("billed_units", usage.billed_units), ("image_tokens", images)] {
            response.usage_extra.extend(value.map(|value| (Cow::Borrowed(name), value)));
        }
    }
    let mut choice = Choice::new(0);
    choice.message_extra = message.extra;
    choice.logprobs = answer.logprobs.and_then(logprobs::decode);
    match message.content {
        None => {}
        Some(TextOr::Text(text)) => choice.parts.push(Part::text(text)),
        Some(TextOr::Other(blocks)) => {
            for (index, block) in blocks.into_iter().enumerate() {
                choice.parts.push(block::part(block).map_err(|field| {
                    let message =
                        format!("the provider's answer is malformed: content[{index}].{field}: required");
                    Failure::new(502, message).with_code("malformed_answer")
                })?);
            }
        }
    }
    choice.parts.extend(message.tool_plan.filter(|plan| !plan.is_empty()).map(block::plan));
    choice.parts.extend(message.tool_calls.unwrap_or_default().into_iter().map(block::call));
    if let Some(reason) = answer.finish_reason {
        let word = reason.to_str();
        if let Some(failure) = finish::failure(&word, None) {
            return Err(failure);
        }
        choice.finish = Some(finish::decode(&word));
    }
    response.choices.push(choice);
    Ok(response)
}
