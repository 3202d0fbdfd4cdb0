//! Whole answers, both ways.

use super::block::parts;
use super::citation;
use super::finish::{finish, finish_reason, settled, stop_reason};
use super::usage::write_usage;
use super::wire::{AdditionalAnswer, Answer};
use crate::chat::{ChatResponse, Choice, Failure, FinishReason, Losses, Part, PartKind, Text};
use crate::dialect::Dialect;
use crate::dialect::lane::{AnswerPlan, malformed, read_failure};
use crate::dialect::service::is_missed;
use crate::wire::json::{Array, object, parse, parse_raw};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// Reads an answer. It names neither itself nor its model.
///
/// # Errors
/// 502 when it is empty, malformed or no answer; what it says when it is an error in a 200.
pub fn decode_response(body: &[u8]) -> Result<ChatResponse<'_>, Failure> {
    let answer: Answer<'_> = parse(body).map_err(|error| malformed(&error))?;
    let Some(message) = answer.output.and_then(|output| output.message) else {
        if answer.message.is_some() {
            return Err(read_failure(200, body));
        }
        return Err(Failure::new(502, "the provider's answer has no message").with_code("malformed_answer"));
    };
    let mut response = ChatResponse::new(Dialect::Bedrock);
    response.extra = answer.extra;
    response.extra.extend(answer.metrics.map(|raw| (Cow::Borrowed("metrics"), raw)));
    response.service_tier = answer.service_tier.and_then(|tier| tier.kind);
    if let Some(usage) = answer.usage {
        response.usage = usage.to_usage();
        response.usage_extra = usage.extra;
    }
    let mut choice = Choice::new(0);
    choice.message_extra = message.extra;
    choice.parts = parts(message.content.unwrap_or_default()).map_err(|(index, bad)| {
        let message =
            format!("the provider's answer is malformed: content[{index}].{}: {}", bad.field, bad.message);
        Failure::new(502, message).with_code("malformed_answer")
    })?;
    let stop_sequence = answer.additional.and_then(stop_sequence);
    if stop_sequence.is_none() {
        response
            .extra
            .extend(answer.additional.map(|raw| (Cow::Borrowed("additionalModelResponseFields"), raw)));
    }
    choice.finish = answer.stop_reason.and_then(|raw| {
        let word = Text::from_raw(raw)?.to_str();
        if stop_reason(finish_reason(&word)) != word {
            // A word that the hub does not tell from another.
            choice.extra.push((Cow::Borrowed("own.stopReason"), raw));
        }
        let called = choice.parts.iter().any(|part| matches!(part.kind, PartKind::ToolCall(_)));
        Some(finish(&word, called, stop_sequence))
    });
    response.choices.push(choice);
    Ok(response)
}

/// The text that ended the answer, where the model's own fields tell it.
pub(super) fn stop_sequence(additional: &RawValue) -> Option<Text<'_>> {
    parse_raw::<AdditionalAnswer<'_>>(additional).ok()?.stop_sequence
}

/// Writes an answer for a client that speaks Converse.
pub fn encode_response(response: &ChatResponse<'_>, _plan: &AnswerPlan, losses: &mut Losses) -> Vec<u8> {
    let own = response.origin == Dialect::Bedrock;
    let empty = Choice::new(0);
    let choice = response.choices.first().unwrap_or(&empty);
    if response.choices.len() > 1 {
        losses.note("choices: only the first is shown, Bedrock knows no others");
    }
    if choice.logprobs.is_some() {
        losses.note("logprobs dropped: is not supported by Bedrock");
    }
    if !own {
        for (name, value) in response.extra.iter().chain(&choice.extra).chain(&choice.message_extra) {
            if is_missed(name, value) {
                losses.note(format_args!("{name} dropped: is not supported by Bedrock"));
            }
        }
    }
    let mut out = Vec::with_capacity(1024);
    object(&mut out, |body| {
        body.object("output", |output| {
            output.object("message", |message| {
                message.word("role", "assistant");
                message.array("content", |list| {
                    for (index, part) in choice.parts.iter().enumerate() {
                        write_block(part, index, own, losses, list);
                    }
                });
                if own {
                    message.extra(&choice.message_extra);
                }
            });
        });
        let of = |kind: fn(&PartKind<'_>) -> bool| choice.parts.iter().any(|part| kind(&part.kind));
        let has_call = of(|kind| matches!(kind, PartKind::ToolCall(_)));
        let has_refusal = of(|kind| matches!(kind, PartKind::Refusal(_)));
        let reason = choice.finish.as_ref().map_or(FinishReason::Unknown, |finish| finish.reason);
        let kept = choice.extra.iter().find(|(name, _)| own && name == "own.stopReason");
        match kept {
            Some((_, raw)) => body.raw("stopReason", raw),
            None if own => body.word("stopReason", stop_reason(reason)),
            None => body.word("stopReason", stop_reason(settled(reason, has_call, has_refusal))),
        }
        body.object("usage", |usage| {
            write_usage(&response.usage, usage);
            if own {
                usage.extra(&response.usage_extra);
            }
        });
        if !response.extra.iter().any(|(name, _)| own && name == "metrics") {
            // Required by AWS's SDKs; the time that is known here is none.
            body.object("metrics", |metrics| metrics.u64("latencyMs", 0));
        }
        if let Some(text) = choice.finish.as_ref().and_then(|finish| finish.stop_sequence.as_ref()) {
            body.object("additionalModelResponseFields", |fields| fields.text("stop_sequence", text));
        }
        if own {
            if let Some(tier) = &response.service_tier {
                body.object("serviceTier", |object| object.text("type", tier));
            }
            body.extra(&response.extra);
        }
    });
    out
}

fn write_block(part: &Part<'_>, index: usize, own: bool, losses: &mut Losses, list: &mut Array<'_>) {
    match &part.kind {
        PartKind::Text(text) | PartKind::Refusal(text) if text.is_empty() && !own => {}
        PartKind::Text(text) if !own && !part.citations.is_empty() => {
            citation::write_blocks(&text.to_str(), &part.citations, list);
        }
        PartKind::Text(text) | PartKind::Refusal(text) => list.object(|block| {
            let mut richer = part.extra.iter().filter(|(name, _)| own && citation::is_field(name));
            match richer.next() {
                Some((_, raw)) => block.raw(citation::FIELD, raw),
                None => block.text("text", text),
            }
        }),
        PartKind::Thinking(thinking) => list.object(|block| {
            block.object("reasoningContent", |reasoning| {
                reasoning.object("reasoningText", |text| {
                    text.text("text", &thinking.text);
                    if let Some(signature) = &thinking.signature {
                        text.text("signature", signature);
                    }
                });
            });
        }),
        PartKind::RedactedThinking(data) => list.object(|block| {
            block.object("reasoningContent", |reasoning| reasoning.text("redactedContent", data));
        }),
        PartKind::ToolCall(call) => {
            let (input, wrapped) = call.arguments.to_object();
            if wrapped {
                losses.note(format_args!(
                    "content[{index}]: arguments are no JSON object, shown as INVALID_JSON"
                ));
            }
            list.object(|block| {
                block.object("toolUse", |tool| {
                    tool.text("toolUseId", &call.id);
                    tool.text("name", &call.name);
                    tool.key("input").extend_from_slice(input.as_str().as_bytes());
                });
            });
        }
        PartKind::Other(opaque) if own => list.item().extend_from_slice(opaque.json.as_str().as_bytes()),
        PartKind::Other(opaque) => {
            losses.note(format_args!(
                "content[{index}] {} dropped: is not supported by Bedrock",
                opaque.kind.to_str()
            ));
        }
        PartKind::Image { .. }
        | PartKind::Audio { .. }
        | PartKind::Document(_)
        | PartKind::SearchResult(_)
        | PartKind::ToolResult(_) => {
            losses.note(format_args!("content[{index}] dropped: Bedrock's answers hold no such block"));
        }
    }
    if !own {
        for (name, value) in &part.extra {
            if is_missed(name, value) {
                losses.note(format_args!("content[{index}].{name} dropped: is not supported by Bedrock"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::{Arguments, ToolCall, Usage};
    use serde_json::{Value, json};

    fn encode(response: &ChatResponse<'_>) -> (Value, Vec<String>) {
        let plan = AnswerPlan::new(Dialect::Bedrock, response.origin, false, false);
        let mut losses = Losses::new(true);
        let body = encode_response(response, &plan, &mut losses);
        (serde_json::from_slice(&body).unwrap(), losses.into_warnings())
    }

    #[test]
    fn an_own_answer_loses_nothing() {
        let body = json!({
            "output": {"message": {"role": "assistant", "content": [
                {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "sig"}}},
                {"reasoningContent": {"redactedContent": "AAEC"}},
                {"text": "hi"},
                {"citationsContent": {"content": [{"text": "a"}], "citations": [{"title": "t"}]}},
                {"toolUse": {"toolUseId": "t1", "name": "f", "input": {"a": 1}}},
            ]}},
            "stopReason": "guardrail_intervened",
            "usage": {"inputTokens": 1, "outputTokens": 2, "totalTokens": 3, "serverToolUsage": {}},
            "metrics": {"latencyMs": 77},
            "trace": {"guardrail": {"actionReason": "x"}},
            "serviceTier": {"type": "flex"},
        });
        let text = body.to_string();
        let response = decode_response(text.as_bytes()).unwrap();
        assert_eq!(response.choices[0].finish.as_ref().unwrap().reason, FinishReason::ContentFilter);
        assert_eq!(encode(&response), (body, vec![]));
    }

    #[test]
    fn another_dialects_answer_becomes_a_message() {
        let mut response = ChatResponse::new(Dialect::OpenaiChat);
        let mut choice = Choice::new(0);
        let arguments = Arguments::Text("[broken".into());
        let call = ToolCall { id: "tooluse_2".into(), name: "f".into(), arguments };
        choice.parts = vec![Part::text(""), Part::text("x"), Part::new(PartKind::ToolCall(call))];
        choice.finish = Some(FinishReason::Stop.into());
        response.choices = vec![choice, Choice::new(1)];
        response.usage = Usage { input: Some(7), output: Some(1), cache_read: Some(2), ..Usage::default() };
        let (body, warnings) = encode(&response);
        assert_eq!(
            body["output"]["message"]["content"],
            json!([
                {"text": "x"},
                {"toolUse": {"toolUseId": "tooluse_2", "name": "f", "input": {"INVALID_JSON": "[broken"}}},
            ])
        );
        assert_eq!(body["stopReason"], "tool_use");
        assert_eq!(
            body["usage"],
            json!({"inputTokens": 5, "outputTokens": 1, "totalTokens": 8, "cacheReadInputTokens": 2})
        );
        assert_eq!(warnings.len(), 2);
    }

    #[test]
    fn what_is_no_answer_is_a_failure() {
        for (body, status) in [
            ("", 502),
            ("{}", 502),
            ("<html>", 502),
            (r#"{"message":"x"}"#, 502),
            (r#"{"__type":"ThrottlingException","message":"x"}"#, 429),
            (r#"{"output":{"message":{"role":"assistant","content":[{}]}}}"#, 502),
        ] {
            assert_eq!(decode_response(body.as_bytes()).unwrap_err().status, status, "{body}");
        }
    }
}
