//! A server's answer into the hub.

use super::super::request::picture;
use super::super::wire::Answer;
use super::super::{finish, ids};
use crate::chat::{
    Arguments, ChatResponse, Choice, Failure, Json, Part, PartKind, Thinking, ToolCall, Usage,
};
use crate::dialect::Dialect;
use crate::dialect::date::parse_rfc3339;
use crate::dialect::lane::{malformed, read_failure};
use crate::wire::json::{Count, parse};
use serde_json::value::RawValue;

/// Reads an answer of `/api/chat`.
///
/// # Errors
/// 502 when it is empty, malformed or no answer; what it says when it is an error in a 200.
pub fn decode_response(body: &[u8]) -> Result<ChatResponse<'_>, Failure> {
    decode_response_of(Dialect::Ollama, body)
}

/// Reads an answer of either endpoint.
///
/// # Errors
/// As for [`decode_response`].
pub fn decode_response_of(origin: Dialect, body: &[u8]) -> Result<ChatResponse<'_>, Failure> {
    let answer: Answer<'_> = parse(body).map_err(|error| malformed(&error))?;
    if answer.error.is_some() {
        return Err(read_failure(200, body));
    }
    if answer.message.is_none() && answer.response.is_none() {
        return Err(Failure::new(502, "the provider's answer has no message").with_code("malformed_answer"));
    }
    let created_at = answer.created_at.clone().unwrap_or_default();
    let mut response = ChatResponse::new(origin);
    response.usage = answer_usage(&answer);
    response.model = answer.model.unwrap_or_default();
    response.id = ids::answer(&response.model, &created_at);
    response.created = parse_rfc3339(&created_at.to_str());
    response.extra = answer.extra;

    let message = answer.message.unwrap_or_default();
    let mut choice = Choice::new(0);
    choice.message_extra = message.extra;
    choice.logprobs = answer.logprobs.map(logprobs);
    let thinking = message.thinking.or(answer.thinking).filter(|text| !text.is_empty());
    choice
        .parts
        .extend(thinking.map(|text| Part::new(PartKind::Thinking(Thinking { text, signature: None }))));
    let content = message.content.or(answer.response).filter(|text| !text.is_empty());
    choice.parts.extend(content.map(Part::text));
    choice.parts.extend(message.images.unwrap_or_default().into_iter().map(picture));
    let mut called = false;
    for (at, call) in message.tool_calls.unwrap_or_default().into_iter().enumerate() {
        called = true;
        let function = call.function.unwrap_or_default();
        let name = function.name.unwrap_or_default();
        let arguments = function.arguments.map_or("{}", RawValue::get);
        let id = call.id.filter(|id| !id.is_empty());
        let id = id.unwrap_or_else(|| ids::call(&created_at, at, &name, arguments));
        let call = ToolCall { id, name, arguments: Arguments::Json(Json::trusted(arguments)) };
        choice.parts.push(Part::new(PartKind::ToolCall(call)));
    }
    // Older versions leave the reason out.
    let reason = answer.done_reason.map_or_else(|| "stop".into(), |reason| reason.to_str());
    choice.finish = Some(finish::decode(&reason, called));
    response.choices.push(choice);
    Ok(response)
}

/// The counts of an answer. Servers leave the input out where all of it came from the cache.
pub(in super::super) fn answer_usage(answer: &Answer<'_>) -> Usage {
    Usage {
        input: Count::of(answer.prompt_eval_count),
        output: Count::of(answer.eval_count),
        ..Usage::default()
    }
}

/// Ollama's list of tokens is what OpenAI calls `content`.
pub(in super::super) fn logprobs(tokens: &RawValue) -> Json<'static> {
    Json::trusted(format!("{{\"content\":{},\"refusal\":null}}", tokens.get()))
}
