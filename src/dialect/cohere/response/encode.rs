//! The hub's answer as a client of Cohere's reads it.

use super::super::block::is_plan;
use super::super::request::write_call;
use super::super::usage::write_usage;
use super::super::{WHY, finish, logprobs};
use crate::chat::{ChatResponse, Choice, FinishReason, Losses, Part, PartKind, Text, ToolCall};
use crate::dialect::Dialect;
use crate::dialect::lane::AnswerPlan;
use crate::dialect::service::is_missed;
use crate::wire::json::{Object, object};

/// Writes an answer for a client that speaks Cohere.
pub fn encode_response(response: &ChatResponse<'_>, _plan: &AnswerPlan, losses: &mut Losses) -> Vec<u8> {
    let own = response.origin == Dialect::Cohere;
    let empty = Choice::new(0);
    let choice = response.choices.first().unwrap_or(&empty);
    if response.choices.len() > 1 {
        losses.note("choices: only the first is shown, Cohere knows no others");
    }
    if !own {
        let extra = response.extra.iter().chain(&choice.extra).chain(&choice.message_extra);
        for (name, _) in extra.filter(|(name, value)| is_missed(name, value)) {
            losses.note(format_args!("{name} dropped: {WHY}"));
        }
    }
    let mut out = Vec::with_capacity(1024);
    object(&mut out, |body| {
        body.text("id", &response.id);
        body.object("message", |message| write_message(choice, own, losses, message));
        let reason = choice.finish.as_ref().map_or(FinishReason::Unknown, |finish| finish.reason);
        let called = choice.parts.iter().any(|part| matches!(part.kind, PartKind::ToolCall(_)));
        body.word("finish_reason", finish::word(settled(reason, called)));
        let extra = |wanted: &str| {
            response.usage_extra.iter().find(|(name, _)| own && name == wanted).map(|(_, value)| *value)
        };
        body.object("usage", |usage| {
            write_usage(&response.usage, extra("billed_units"), extra("image_tokens"), usage);
        });
        if let Some(json) = &choice.logprobs {
            logprobs::write(json.as_str(), body);
        }
        if own {
            body.extra(&response.extra);
        }
    });
    out
}

/// The reason that fits what was said: some providers end a tool call with a plain stop.
pub(in super::super) fn settled(reason: FinishReason, called: bool) -> FinishReason {
    match reason {
        FinishReason::Stop | FinishReason::Unknown if called => FinishReason::ToolCalls,
        other => other,
    }
}

fn write_message(choice: &Choice<'_>, own: bool, losses: &mut Losses, message: &mut Object<'_>) {
    let mut blocks: Vec<(&'static str, &'static str, &Text<'_>)> = Vec::new();
    let mut plan: Option<&Text<'_>> = None;
    let mut calls: Vec<&ToolCall<'_>> = Vec::new();
    for (index, part @ Part { kind, extra, .. }) in choice.parts.iter().enumerate() {
        if !own {
            for (name, _) in extra.iter().filter(|(name, value)| is_missed(name, value)) {
                losses.note(format_args!("content[{index}].{name} dropped: {WHY}"));
            }
        }
        match kind {
            PartKind::Text(text) | PartKind::Refusal(text) if text.is_empty() => {}
            PartKind::Text(text) | PartKind::Refusal(text) => blocks.push(("text", "text", text)),
            PartKind::Thinking(thinking) if is_plan(part) => plan = Some(&thinking.text),
            PartKind::Thinking(thinking) => {
                if thinking.signature.is_some() {
                    losses.note(format_args!("content[{index}].signature dropped: {WHY}"));
                }
                blocks.push(("thinking", "thinking", &thinking.text));
            }
            PartKind::ToolCall(call) => calls.push(call),
            PartKind::RedactedThinking(_) => {
                losses.note(format_args!("content[{index}]: redacted reasoning dropped: {WHY}"));
            }
            PartKind::Other(opaque) => {
                losses.note(format_args!("content[{index}] {} dropped: {WHY}", opaque.kind.to_str()));
            }
            PartKind::Image { .. }
            | PartKind::Audio { .. }
            | PartKind::Document(_)
            | PartKind::SearchResult(_)
            | PartKind::ToolResult(_) => {
                losses.note(format_args!("content[{index}] dropped: Cohere's answers hold no such block"));
            }
        }
    }
    message.word("role", "assistant");
    if !blocks.is_empty() || calls.is_empty() {
        message.array("content", |list| {
            for (kind, key, text) in &blocks {
                list.object(|block| {
                    block.word("type", kind);
                    block.text(key, text);
                });
            }
        });
    }
    if let Some(plan) = plan {
        message.text("tool_plan", plan);
    }
    if !calls.is_empty() {
        message.array("tool_calls", |list| {
            for (number, call) in calls.iter().enumerate() {
                write_call(call, number, list);
            }
        });
    }
    if own {
        message.extra(&choice.message_extra);
    }
}

#[cfg(test)]
mod tests {
    use super::super::decode_response;
    use super::*;
    use crate::chat::{Arguments, Usage};
    use serde_json::{Value, json};

    fn encode(response: &ChatResponse<'_>) -> (Value, Vec<String>) {
        let mut losses = Losses::new(true);
        let plan = AnswerPlan::new(Dialect::Cohere, Dialect::OpenaiChat, false, true);
        let body = encode_response(response, &plan, &mut losses);
        (serde_json::from_slice(&body).unwrap(), losses.into_warnings())
    }

    #[test]
    fn an_answer_comes_back_as_it_was() {
        let body = json!({"id": "u", "message": {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "a"}], "tool_plan": "I will",
            "tool_calls": [{"id": "f_1", "type": "function", "function": {"name": "f", "arguments": "{\"a\":1}"}}],
            "citations": [{"start": 0, "end": 1}]}, "finish_reason": "TOOL_CALL", "usage": {
            "billed_units": {"input_tokens": 3, "output_tokens": 2, "search_units": 1}, "cached_tokens": 4,
            "tokens": {"input_tokens": 20, "output_tokens": 9, "reasoning_tokens": 5}}});
        let text = body.to_string();
        let response = decode_response(text.as_bytes()).unwrap();
        assert_eq!((response.usage.input, response.usage.billed_input), (Some(20), Some(3)));
        assert_eq!(encode(&response), (body, vec![]));
    }

    #[test]
    fn another_dialects_answer() {
        let mut response = ChatResponse::new(Dialect::OpenaiChat);
        let mut choice = Choice::new(0);
        let call = ToolCall { id: Text::default(), name: "f".into(), arguments: Arguments::Text("".into()) };
        choice.parts = vec![Part::text(""), Part::new(PartKind::ToolCall(call))];
        choice.finish = Some(FinishReason::Stop.into());
        response.choices = vec![choice];
        response.usage = Usage { input: Some(7), output: Some(1), ..Usage::default() };
        let (body, warnings) = encode(&response);
        assert_eq!(
            body,
            json!({"id": "", "message": {"role": "assistant", "tool_calls": [{"id": "call_0", "type": "function",
                "function": {"name": "f", "arguments": "{}"}}]}, "finish_reason": "TOOL_CALL", "usage": {
                "billed_units": {"input_tokens": 7, "output_tokens": 1},
                "tokens": {"input_tokens": 7, "output_tokens": 1}}})
        );
        assert_eq!(warnings, Vec::<String>::new());
    }

    #[test]
    fn reasons_are_known_and_the_unknown_is_no_error() {
        for (word, reason) in [
            ("COMPLETE", "stop"),
            ("STOP_SEQUENCE", "stop"),
            ("MAX_TOKENS", "length"),
            ("TOOL_CALL", "tool_calls"),
            ("NEW", "stop"),
        ] {
            let body =
                json!({"message": {"content": [{"type": "text", "text": "a"}]}, "finish_reason": word});
            let text = body.to_string();
            let response = decode_response(text.as_bytes()).unwrap();
            assert_eq!(response.choices[0].finish.as_ref().unwrap().reason.as_openai(), reason, "{word}");
        }
    }

    #[test]
    fn what_is_no_answer_is_a_failure() {
        for (body, status) in [
            ("", 502),
            ("{}", 502),
            ("<html>", 502),
            (r#"{"message":"boom","id":"u"}"#, 502),
            (r#"{"message":{"role":"assistant"},"finish_reason":"TIMEOUT"}"#, 504),
            (r#"{"message":{"content":[{"type":"text","text":"half"}]},"finish_reason":"ERROR"}"#, 502),
            (r#"{"message":{"content":[{"type":"text"}]}}"#, 502),
        ] {
            assert_eq!(decode_response(body.as_bytes()).unwrap_err().status, status, "{body}");
        }
    }
}
