//! A provider's OpenAI answer becomes the hub's.

use super::super::request::{decode_block, decode_call, decode_part, wire};
use super::super::{citation, finish, usage::UsageWire};
use crate::chat::{ChatResponse, Choice, Failure, FinishReason, Json, Part, PartKind, Thinking};
use crate::dialect::Dialect;
use crate::dialect::lane::read_failure;
use crate::wire::json::{Count, Text, TextOr, parse, wire_object};
use serde_json::value::RawValue;

/// Answers of one request, at most: OpenAI takes `n` up to 128.
pub(in crate::dialect::openai_chat) const MOST_CHOICES: u32 = 128;

wire_object! {
    /// The body of an answer.
    struct ResponseWire<'a> {
        id: Text<'a> = "id",
        object: Text<'a> = "object",
        model: Text<'a> = "model",
        created: Count = "created",
        choices: Vec<ChoiceWire<'a>> = "choices",
        usage: UsageWire<'a> = "usage",
        service_tier: Text<'a> = "service_tier",
        error: &'a RawValue = "error",
    }
}

wire_object! {
    /// One of the answers.
    struct ChoiceWire<'a> {
        index: u32 = "index",
        message: MessageWire<'a> = "message",
        finish_reason: Text<'a> = "finish_reason",
        logprobs: &'a RawValue = "logprobs",
        error: &'a RawValue = "error",
    }
}

wire_object! {
    /// What the model says.
    struct MessageWire<'a> {
        role: Text<'a> = "role",
        content: TextOr<'a, Vec<wire::Part<'a>>> = "content",
        refusal: Text<'a> = "refusal",
        annotations: &'a RawValue = "annotations",
        reasoning_content: Text<'a> = "reasoning_content",
        reasoning: Text<'a> = "reasoning",
        thinking_blocks: Vec<wire::ThinkingBlock<'a>> = "thinking_blocks",
        tool_calls: Vec<wire::ToolCall<'a>> = "tool_calls",
        function_call: wire::Function<'a> = "function_call",
    }
}

/// Reads a provider's answer.
///
/// # Errors
/// 502 for a body that is empty or no answer, and what the provider says where it reports an error in a 200.
pub fn decode_response(body: &[u8]) -> Result<ChatResponse<'_>, Failure> {
    let wire: ResponseWire<'_> = parse(body).map_err(|error| malformed(&error.to_string()))?;
    if wire.error.is_some() {
        return Err(read_failure(200, body));
    }
    let choices = wire.choices.unwrap_or_default();
    if choices.is_empty() {
        return Err(malformed("it holds no choices"));
    }
    let mut response = ChatResponse::new(Dialect::OpenaiChat);
    response.id = wire.id.unwrap_or_default();
    response.model = wire.model.unwrap_or_default();
    response.created = Count::of(wire.created);
    response.service_tier = wire.service_tier;
    response.extra = wire.extra;
    if let Some(usage) = wire.usage {
        response.usage = usage.to_usage();
        response.usage_extra = usage.extra;
    }
    for (at, choice) in choices.into_iter().enumerate() {
        response.choices.push(decode_choice(choice, at)?);
    }
    // Those who can show one answer show the first.
    response.choices.sort_by_key(|choice| choice.index);
    Ok(response)
}

fn malformed(what: &str) -> Failure {
    Failure::new(502, format!("the provider's answer could not be read: {what}"))
}

/// What the text relies on. The list itself is kept for its own dialect, and for those who miss what it holds besides.
fn cite<'a>(choice: &mut Choice<'a>, list: &'a RawValue) {
    let (pages, mut are_all) = citation::read_all(list);
    match choice.parts.iter_mut().find(|part| matches!(part.kind, PartKind::Text(_))) {
        Some(part) => part.citations = pages,
        None => are_all &= pages.is_empty(),
    }
    let name = if are_all { "own.annotations" } else { "annotations" };
    choice.message_extra.push((name.into(), list));
}

fn decode_choice(wire: ChoiceWire<'_>, at: usize) -> Result<Choice<'_>, Failure> {
    let index = wire.index.unwrap_or_else(|| u32::try_from(at).unwrap_or(u32::MAX));
    if index >= MOST_CHOICES {
        return Err(malformed("it holds too many choices"));
    }
    if let Some(failure) = finish::failure(wire.finish_reason.as_ref(), wire.error) {
        return Err(failure);
    }
    let mut choice = Choice::new(index);
    let message = match wire.message {
        Some(message) => message,
        // Azure's filter leaves the message out and says why.
        None if wire.finish_reason.is_some() => MessageWire::default(),
        None => return Err(malformed(&format!("choices[{at}] holds no message"))),
    };
    choice.message_extra = message.extra;
    let plain = message.reasoning_content.or(message.reasoning);
    if let Some(blocks) = message.thinking_blocks.filter(|blocks| !blocks.is_empty()) {
        choice.parts.extend(blocks.into_iter().map(decode_block));
    } else if let Some(text) = plain.filter(|text| !text.is_empty()) {
        choice.parts.push(Part::new(PartKind::Thinking(Thinking { text, signature: None })));
    }
    match message.content {
        None => {}
        Some(TextOr::Text(text)) if text.is_empty() => {}
        Some(TextOr::Text(text)) => choice.parts.push(Part::text(text)),
        Some(TextOr::Other(parts)) => {
            for part in parts {
                choice.parts.push(decode_part(part).map_err(|(_, what)| malformed(what))?);
            }
        }
    }
    if let Some(list) = message.annotations {
        cite(&mut choice, list);
    }
    if let Some(refusal) = message.refusal.filter(|refusal| !refusal.is_empty()) {
        choice.parts.push(Part::new(PartKind::Refusal(refusal)));
    }
    let mut called = false;
    let legacy = message
        .function_call
        .filter(wire::Function::is_called)
        .map(|function| wire::ToolCall { function: Some(function), ..wire::ToolCall::default() });
    for call in message.tool_calls.unwrap_or_default().into_iter().chain(legacy) {
        called = true;
        let call = decode_call(call, || format!("choices[{at}].message.tool_calls[].function.name"))
            .map_err(|failure| malformed(&failure.message))?;
        choice.parts.push(call);
    }
    choice.finish = match wire.finish_reason.filter(|word| !word.is_empty()) {
        Some(word) => Some(finish::end(&word.to_str(), called)),
        None if called => Some(FinishReason::ToolCalls.into()),
        None => None,
    };
    choice.logprobs = wire.logprobs.map(Json::from);
    choice.extra = wire.extra;
    Ok(choice)
}
