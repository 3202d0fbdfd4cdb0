//! A provider's whole answer becomes a client's, whole or as a stream.

use super::call_ids::name_calls;
use super::marks::mark;
use super::names::Said;
use super::replay::replay;
use super::{Answer, AnswerPlan, JSON_TOOL, Report, answer_id, cited, count, custom, identity, translated};
use crate::chat::{ChatResponse, Event, Extra, Failure, FinishReason, Losses, Part, PartKind, Text};
use crate::dialect::carriage::Wrap;
use crate::dialect::codec::{self, StreamEncoder};
use crate::dialect::service::is_missed;
use crate::dialect::{Carriage, Dialect, Operation};
use crate::meter::estimate::{Counter, Tokenizer};
use std::collections::BTreeSet;

/// Translates an answer that arrived whole. Where both sides speak the same dialect it is only looked at.
///
/// # Errors
/// The body is empty, is no answer, or is an error in a 200: a reason to try the next target.
pub fn answer(plan: &AnswerPlan, body: &[u8]) -> Result<Answer, Failure> {
    if plan.operation == Operation::CountTokens {
        return count::answer(plan, body);
    }
    if let Some(plan) = &plan.embedding {
        return crate::embedding::answer(plan, body);
    }
    if let Some(plan) = &plan.rerank {
        return crate::rerank::answer(plan, body);
    }
    if plan.client == plan.provider {
        return identity::answer(plan, body);
    }
    let mut response = decode(plan, body)?;
    let mut losses = Losses::new(true);
    note_end(&response, &mut losses);
    cited::fit(plan.client, &mut response, &mut losses);
    let body = codec::encode_response(&response, plan, &mut losses);
    let report = report(&response, losses);
    Ok(Answer { body: Some(body), report })
}

/// Translates an answer that arrived whole although a stream was asked for: the whole stream for the client.
///
/// # Errors
/// As for [`answer`].
pub fn answer_as_stream(plan: &AnswerPlan, body: &[u8]) -> Result<Answer, Failure> {
    let mut response = decode(plan, body)?;
    let mut losses = Losses::new(true);
    note_end(&response, &mut losses);
    note_extra(&response, &mut losses);
    cited::fit(plan.client, &mut response, &mut losses);
    cited::split(plan.client, &mut response);
    let mut encoder = StreamEncoder::new(plan);
    let mut out = Vec::with_capacity(body.len().saturating_mul(2));
    let mut unsaid = BTreeSet::new();
    replay(&response, &mut losses, |event| {
        // What a citation says and the client is not told, is known of already.
        if !matches!(event, Event::Citation { .. }) {
            unsaid.extend(translated::unsaid(plan.client, &event));
        }
        encoder.event(&event, &mut out);
    });
    for what in unsaid {
        losses.note(format_args!("{what} dropped from the stream"));
    }
    if plan.client_carriage == Carriage::BedrockInvoke {
        let events = std::mem::take(&mut out);
        Wrap::default().push(&events, &mut out);
    }
    Ok(Answer { body: Some(out), report: report(&response, losses) })
}

fn decode<'b>(plan: &AnswerPlan, body: &'b [u8]) -> Result<ChatResponse<'b>, Failure> {
    let mut response = codec::decode_response(plan.provider, body)?;
    if plan.client != plan.provider && is_at_work(&response) {
        let message = "the provider has not answered yet: it works in the background, where only a client of its \
            own dialect can fetch the answer";
        return Err(Failure::new(502, message));
    }
    if response.id.is_empty() {
        response.id = Text::from(answer_id::made(plan));
    }
    if response.model.is_empty() {
        response.model = Text::from(plan.model.clone());
    }
    if plan.json_tool {
        unwrap_json_tool(&mut response);
    }
    if let Some(wrapped) = plan.wrapped {
        wrapped.settle(&mut response);
    }
    if !plan.tool_names.is_empty() {
        let said = Said::new(&plan.tool_names);
        for part in response.choices.iter_mut().flat_map(|choice| &mut choice.parts) {
            if let PartKind::ToolCall(call) = &mut part.kind {
                call.name = said.name(std::mem::take(&mut call.name));
            }
        }
    }
    cited::join(&mut response);
    name_calls(&mut response, plan.created);
    custom::settle(plan, &mut response);
    mark(plan.client, &mut response);
    Ok(response)
}

/// Whether a Responses provider still works on the answer: of all its answers, these alone have no end.
fn is_at_work(response: &ChatResponse<'_>) -> bool {
    response.origin == Dialect::OpenaiResponses
        && response.choices.iter().all(|choice| choice.finish.is_none())
}

/// An end that the hub has no word for is told in the provider's own: it may be all that the answer says.
fn note_end(response: &ChatResponse<'_>, losses: &mut Losses) {
    for choice in &response.choices {
        let finish = choice.finish.as_ref().filter(|finish| finish.reason == FinishReason::Unknown);
        if let Some(word) = finish.and_then(|finish| finish.unknown.as_ref()) {
            losses.note(format_args!("{} has no counterpart", word.to_str()));
        }
    }
}

/// The fields of an answer that the events of a stream have no place for.
fn note_extra(response: &ChatResponse<'_>, losses: &mut Losses) {
    let mut note = |base: &str, extra: &Extra<'_>| {
        for (name, _) in extra.iter().filter(|(name, value)| is_missed(name, value)) {
            losses.note(format_args!("{base}{name} dropped from the stream"));
        }
    };
    note("", &response.extra);
    note("usage.", &response.usage_extra);
    for choice in &response.choices {
        note("", &choice.extra);
        note("", &choice.message_extra);
        choice.parts.iter().for_each(|part| note("", &part.extra));
    }
}

/// The forced call that stood for structured output is the answer's text.
fn unwrap_json_tool(response: &mut ChatResponse<'_>) {
    for choice in &mut response.choices {
        let mut unwrapped = false;
        for part in &mut choice.parts {
            if let PartKind::ToolCall(call) = &part.kind
                && call.name == JSON_TOOL
            {
                let text = Text::from(call.arguments.as_plain().into_owned());
                *part = Part::text(text);
                unwrapped = true;
            }
        }
        if unwrapped
            && let Some(finish) = &mut choice.finish
            && finish.reason == FinishReason::ToolCalls
        {
            finish.reason = FinishReason::Stop;
        }
    }
}

/// An estimate of what was generated, for an answer that does not say it.
fn output_tokens(response: &ChatResponse<'_>) -> u64 {
    let mut counter = Counter::new(Tokenizer::of_model(&response.model.to_str()));
    for part in response.choices.iter().flat_map(|choice| &choice.parts) {
        match &part.kind {
            PartKind::Text(text) | PartKind::Refusal(text) => counter.push_text(text),
            PartKind::Thinking(thinking) => counter.push_text(&thinking.text),
            PartKind::ToolCall(call) => {
                counter.push_text(&call.name);
                counter.push(call.arguments.as_plain().as_bytes());
            }
            _ => {}
        }
        counter.pause();
    }
    counter.tokens()
}

/// What an answer says of itself.
pub(super) fn report(response: &ChatResponse<'_>, losses: Losses) -> Report {
    let parts = response.choices.iter().flat_map(|choice| &choice.parts);
    let written = parts.map(|part| match &part.kind {
        PartKind::Text(text) | PartKind::Refusal(text) => text.len(),
        PartKind::Thinking(thinking) => thinking.text.len(),
        PartKind::ToolCall(call) => call.arguments.as_plain().len(),
        _ => 0,
    });
    let bytes = written.fold(0_usize, usize::saturating_add);
    Report {
        usage: response.usage,
        usage_is_final: !response.usage.is_empty(),
        finish: response
            .choices
            .first()
            .and_then(|choice| choice.finish.as_ref())
            .map(|finish| finish.reason.as_openai()),
        model: Some(response.model.to_str().into_owned()).filter(|model| !model.is_empty()),
        output_bytes: u64::try_from(bytes).unwrap_or(u64::MAX),
        counted: None,
        output_tokens: if response.usage.output.is_none() { output_tokens(response) } else { 0 },
        search_units: None,
        audio_seconds: None,
        warnings: losses.into_warnings(),
    }
}
