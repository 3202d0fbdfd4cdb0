//! Whole answers, both ways.

use super::block::part;
use super::citation;
use super::finish::{finish, stop_reason};
use super::usage::write_usage;
use super::wire::Answer;
use crate::chat::{ChatResponse, Choice, Failure, Finish, FinishReason, Losses, Part, PartKind, Text};
use crate::dialect::Dialect;
use crate::dialect::lane::{AnswerPlan, malformed, read_failure};
use crate::dialect::service::is_missed;
use crate::wire::json::{Array, object, parse};

/// Reads an answer.
///
/// # Errors
/// 502 when it is empty, malformed or no answer; what it says when it is an error in a 200.
pub fn decode_response(body: &[u8]) -> Result<ChatResponse<'_>, Failure> {
    let answer: Answer<'_> = parse(body).map_err(|error| malformed(&error))?;
    if answer.error.is_some() || answer.kind.as_ref().is_some_and(|kind| *kind == "error") {
        return Err(read_failure(200, body));
    }
    let Some(blocks) = answer.content else {
        return Err(Failure::new(502, "the provider's answer has no content").with_code("malformed_answer"));
    };
    let mut response = ChatResponse::new(Dialect::Anthropic);
    response.id = answer.id.unwrap_or_default();
    response.model = answer.model.unwrap_or_default();
    response.extra = answer.extra;
    if let Some(mut usage) = answer.usage {
        response.usage = usage.to_usage();
        let tier = usage.extra.iter().position(|(name, _)| name == "service_tier");
        if let Some((_, tier)) = tier.map(|at| usage.extra.remove(at)) {
            response.service_tier = Text::from_raw(tier);
        }
        response.usage_extra = usage.extra;
    }
    let mut choice = Choice::new(0);
    for (index, block) in blocks.into_iter().enumerate() {
        choice.parts.push(part(block).map_err(|bad| {
            let message = format!(
                "the provider's answer is malformed: content[{index}].{}: {}",
                bad.field, bad.message
            );
            Failure::new(502, message).with_code("malformed_answer")
        })?);
    }
    choice.finish = answer
        .stop_reason
        .map(|reason| Finish { stop_sequence: answer.stop_sequence, ..finish(&reason.to_str()) });
    response.choices.push(choice);
    Ok(response)
}

/// Writes an answer for a client that speaks Anthropic.
pub fn encode_response(response: &ChatResponse<'_>, _plan: &AnswerPlan, losses: &mut Losses) -> Vec<u8> {
    let own = response.origin == Dialect::Anthropic;
    let empty = Choice::new(0);
    let choice = response.choices.first().unwrap_or(&empty);
    if response.choices.len() > 1 {
        losses.note("choices: only the first is shown, Anthropic knows no others");
    }
    if choice.logprobs.is_some() {
        losses.note("logprobs dropped: is not supported by Anthropic");
    }
    if !own {
        for (name, value) in response.extra.iter().chain(&choice.extra).chain(&choice.message_extra) {
            if is_missed(name, value) {
                losses.note(format_args!("{name} dropped: is not supported by Anthropic"));
            }
        }
    }
    let mut out = Vec::with_capacity(1024);
    object(&mut out, |body| {
        if response.id.is_empty() {
            body.word("id", "msg_0");
        } else {
            body.text("id", &response.id);
        }
        body.word("type", "message");
        body.word("role", "assistant");
        body.text("model", &response.model);
        let mut calls = 0;
        body.array("content", |list| {
            for (index, part) in choice.parts.iter().enumerate() {
                write_block(part, index, response.origin, losses, list);
                calls += usize::from(matches!(part.kind, PartKind::ToolCall(_)));
            }
        });
        let reason = choice.finish.as_ref().map_or(FinishReason::Unknown, |finish| finish.reason);
        let has_refusal = choice.parts.iter().any(|part| matches!(part.kind, PartKind::Refusal(_)));
        match (own, &choice.finish) {
            (true, None) => body.null("stop_reason"),
            (true, Some(_)) => body.word("stop_reason", stop_reason(reason)),
            (false, _) => body.word("stop_reason", stop_reason(settled(reason, calls > 0, has_refusal))),
        }
        match choice.finish.as_ref().and_then(|finish| finish.stop_sequence.as_ref()) {
            Some(text) => body.text("stop_sequence", text),
            None => body.null("stop_sequence"),
        }
        body.object("usage", |usage| {
            write_usage(&response.usage, usage);
            if own {
                if let Some(tier) = &response.service_tier {
                    usage.text("service_tier", tier);
                }
                usage.extra(&response.usage_extra);
            }
        });
        if own {
            body.extra(&response.extra);
        }
    });
    out
}

/// The reason that fits what was said: some providers end a tool call, or a refusal, with a plain stop.
pub(super) fn settled(reason: FinishReason, has_call: bool, has_refusal: bool) -> FinishReason {
    match reason {
        FinishReason::Stop | FinishReason::Unknown if has_call => FinishReason::ToolCalls,
        FinishReason::Stop | FinishReason::Unknown if has_refusal => FinishReason::Refusal,
        other => other,
    }
}

fn write_block(part: &Part<'_>, index: usize, maker: Dialect, losses: &mut Losses, list: &mut Array<'_>) {
    let own = maker == Dialect::Anthropic;
    match &part.kind {
        PartKind::Text(text) | PartKind::Refusal(text) if text.is_empty() && !own => {}
        PartKind::Text(text) if !own && !part.citations.is_empty() => {
            citation::write_blocks(&text.to_str(), &part.citations, maker, list);
        }
        PartKind::Text(text) | PartKind::Refusal(text) => list.object(|block| {
            block.word("type", "text");
            block.text("text", text);
            if own {
                citation::write_own(block, &part.extra);
            }
        }),
        PartKind::Thinking(thinking) if thinking.text.is_empty() && thinking.signature.is_none() && !own => {}
        PartKind::Thinking(thinking) => list.object(|block| {
            block.word("type", "thinking");
            block.text("thinking", &thinking.text);
            // The official clients require the field; an empty one is dropped again when the turn is replayed.
            block.text("signature", &thinking.signature.clone().unwrap_or_default());
        }),
        PartKind::RedactedThinking(data) => list.object(|block| {
            block.word("type", "redacted_thinking");
            block.text("data", data);
        }),
        PartKind::ToolCall(call) => {
            let (input, wrapped) = call.arguments.to_object();
            if wrapped {
                losses.note(format_args!(
                    "content[{index}]: arguments are no JSON object, shown as INVALID_JSON"
                ));
            }
            list.object(|block| {
                block.word("type", "tool_use");
                block.text("id", &call.id);
                block.text("name", &call.name);
                block.key("input").extend_from_slice(input.as_str().as_bytes());
                if own {
                    block.extra(&part.extra);
                }
            });
        }
        PartKind::Other(opaque) if own => list.item().extend_from_slice(opaque.json.as_str().as_bytes()),
        PartKind::Other(opaque) => {
            losses.note(format_args!(
                "content[{index}] {} dropped: is not supported by Anthropic",
                opaque.kind.to_str()
            ));
        }
        PartKind::Image { .. }
        | PartKind::Audio { .. }
        | PartKind::Document(_)
        | PartKind::SearchResult(_)
        | PartKind::ToolResult(_) => {
            losses.note(format_args!("content[{index}] dropped: Anthropic's answers hold no such block"));
        }
    }
    if !own {
        for (name, value) in &part.extra {
            if is_missed(name, value) {
                losses.note(format_args!("content[{index}].{name} dropped: is not supported by Anthropic"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::{Arguments, ToolCall, Usage};
    use serde_json::{Value, json};

    fn plan() -> AnswerPlan {
        AnswerPlan::new(Dialect::Anthropic, Dialect::OpenaiChat, false, true)
    }

    fn encode(response: &ChatResponse<'_>) -> (Value, Vec<String>) {
        let mut losses = Losses::new(true);
        let body = encode_response(response, &plan(), &mut losses);
        (serde_json::from_slice(&body).unwrap(), losses.into_warnings())
    }

    #[test]
    fn an_answer_comes_back_as_it_was() {
        let body = json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "c", "content": [
            {"type": "thinking", "thinking": "hm", "signature": "s"},
            {"type": "redacted_thinking", "data": "x"},
            {"type": "text", "text": "a", "citations": [{"type": "char_location"}]},
            {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"q": 1}},
            {"type": "web_search_tool_result", "tool_use_id": "s1", "content": [{"type": "web_search_result"}]},
            {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}, "caller": {"type": "direct"}},
        ], "stop_reason": "stop_sequence", "stop_sequence": "END", "container": {"id": "c"}, "usage": {
            "input_tokens": 16, "cache_creation_input_tokens": 2387, "cache_read_input_tokens": 3,
            "cache_creation": {"ephemeral_5m_input_tokens": 2387, "ephemeral_1h_input_tokens": 0},
            "output_tokens": 9, "service_tier": "standard", "server_tool_use": {"web_search_requests": 1}}});
        let text = body.to_string();
        let response = decode_response(text.as_bytes()).unwrap();
        assert_eq!(response.usage.input, Some(16 + 2387 + 3));
        assert_eq!(response.service_tier.as_ref().unwrap(), &"standard");
        let finish = response.choices[0].finish.as_ref().unwrap();
        assert_eq!((finish.reason, finish.reason.as_openai()), (FinishReason::StopSequence, "stop"));
        assert_eq!(encode(&response), (body, vec![]));
    }

    #[test]
    fn another_dialects_answer_becomes_a_message() {
        let mut response = ChatResponse::new(Dialect::OpenaiChat);
        let mut choice = Choice::new(0);
        let call = |id: &'static str, arguments: &'static str| {
            let arguments = Arguments::Text(arguments.into());
            Part::new(PartKind::ToolCall(ToolCall { id: id.into(), name: "f".into(), arguments }))
        };
        choice.parts = vec![Part::text(""), call("toolu_1", ""), call("toolu_2", "[broken")];
        choice.finish = Some(FinishReason::Stop.into());
        response.choices = vec![choice, Choice::new(1)];
        response.usage = Usage { input: Some(7), output: Some(1), cache_read: Some(2), ..Usage::default() };
        let (body, warnings) = encode(&response);
        assert_eq!(
            body["content"],
            json!([
                {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}},
                {"type": "tool_use", "id": "toolu_2", "name": "f", "input": {"INVALID_JSON": "[broken"}},
            ])
        );
        assert_eq!((&body["stop_reason"], &body["stop_sequence"]), (&json!("tool_use"), &Value::Null));
        assert_eq!(
            body["usage"],
            json!({"input_tokens": 5, "cache_read_input_tokens": 2, "output_tokens": 1})
        );
        assert_eq!(warnings.len(), 2);
    }

    #[test]
    fn a_refusal_is_text_with_its_reason() {
        let mut response = ChatResponse::new(Dialect::OpenaiChat);
        let mut choice = Choice::new(0);
        choice.parts = vec![Part::new(PartKind::Refusal("no".into()))];
        choice.finish = Some(FinishReason::Stop.into());
        response.choices = vec![choice];
        let (body, _) = encode(&response);
        assert_eq!((&body["content"][0]["text"], &body["stop_reason"]), (&json!("no"), &json!("refusal")));
    }

    #[test]
    fn what_is_no_answer_is_a_failure() {
        for (body, status) in [
            ("", 502),
            ("{}", 502),
            ("<html>", 502),
            (r#"{"content":[{"type":"text"}]}"#, 502),
            (r#"{"type":"error","error":{"type":"overloaded_error","message":"x"}}"#, 529),
        ] {
            assert_eq!(decode_response(body.as_bytes()).unwrap_err().status, status, "{body}");
        }
    }
}
