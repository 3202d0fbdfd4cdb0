//! The hub's answer as a client of Ollama's reads it.

use super::super::form::{Form, write_usage};
use super::super::request::write_call;
use super::super::{WHY, finish};
use crate::chat::{ChatResponse, Choice, FinishReason, Losses, Part, PartKind, Source, Text, ToolCall};
use crate::dialect::Dialect;
use crate::dialect::date::rfc3339;
use crate::dialect::lane::AnswerPlan;
use crate::dialect::service::is_missed;
use crate::wire::json::{Object, members, object};

/// Writes an answer, for `/api/chat` or `/api/generate` as the plan's client is.
pub fn encode_response(response: &ChatResponse<'_>, plan: &AnswerPlan, losses: &mut Losses) -> Vec<u8> {
    let own = matches!(response.origin, Dialect::Ollama | Dialect::OllamaGenerate);
    let form = Form::of(plan.client);
    let empty = Choice::new(0);
    let choice = response.choices.first().unwrap_or(&empty);
    if response.choices.len() > 1 {
        losses.note("choices: only the first is shown, Ollama knows no others");
    }
    if !own {
        let extra = response.extra.iter().chain(&choice.extra).chain(&choice.message_extra);
        for (name, _) in extra.filter(|(name, value)| is_missed(name, value)) {
            losses.note(format_args!("{name} dropped: {WHY}"));
        }
    }
    let said = gather(choice, own, losses);
    let mut out = Vec::with_capacity(512);
    object(&mut out, |body| {
        body.text("model", &response.model);
        body.str("created_at", &rfc3339(response.created.unwrap_or(plan.created)));
        match form {
            Form::Chat => body.object("message", |message| {
                message.word("role", "assistant");
                write_said("content", &said, message);
                if !said.pictures.is_empty() {
                    message.array("images", |list| said.pictures.iter().for_each(|data| list.text(data)));
                }
                if !said.calls.is_empty() {
                    message.array("tool_calls", |list| {
                        for call in &said.calls {
                            if write_call(call, list) {
                                losses
                                    .note("tool_calls: arguments are no JSON object, shown as INVALID_JSON");
                            }
                        }
                    });
                }
                if own {
                    message.extra(&choice.message_extra);
                }
            }),
            Form::Generate => {
                write_said("response", &said, body);
                if !said.calls.is_empty() {
                    losses.note("tool_calls dropped: answers of /api/generate hold none");
                }
            }
        }
        body.bool("done", true);
        let reason = choice.finish.as_ref().map_or(FinishReason::Unknown, |finish| finish.reason);
        body.word("done_reason", finish::word(reason));
        write_usage(&response.usage, body);
        if let Some(logprobs) = &choice.logprobs {
            write_logprobs(logprobs.as_str(), body);
        }
        if own {
            body.extra(&response.extra);
        }
    });
    out
}

#[derive(Default)]
struct Said<'r> {
    texts: Vec<&'r Text<'r>>,
    thoughts: Vec<&'r Text<'r>>,
    pictures: Vec<&'r Text<'r>>,
    calls: Vec<&'r ToolCall<'r>>,
}

fn gather<'r>(choice: &'r Choice<'r>, own: bool, losses: &mut Losses) -> Said<'r> {
    let mut said = Said::default();
    for (index, Part { kind, extra, .. }) in choice.parts.iter().enumerate() {
        if !own {
            for (name, _) in extra.iter().filter(|(name, value)| is_missed(name, value)) {
                losses.note(format_args!("content[{index}].{name} dropped: {WHY}"));
            }
        }
        match kind {
            PartKind::Text(text) | PartKind::Refusal(text) => said.texts.push(text),
            PartKind::Thinking(thinking) => {
                if thinking.signature.is_some() {
                    losses.note(format_args!("content[{index}].signature dropped: {WHY}"));
                }
                said.thoughts.push(&thinking.text);
            }
            PartKind::ToolCall(call) => said.calls.push(call),
            PartKind::Image { source: Source::Base64 { data, .. }, .. } => said.pictures.push(data),
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
                losses.note(format_args!("content[{index}] dropped: Ollama's answers hold no such block"));
            }
        }
    }
    said
}

/// Writes the text and the reasoning; pieces of an answer follow each other without anything between.
fn write_said(key: &str, said: &Said<'_>, o: &mut Object<'_>) {
    let mut joined = |key: &str, texts: &[&Text<'_>]| {
        let out = o.key(key);
        out.push(b'"');
        for text in texts {
            text.write_content(out);
        }
        out.push(b'"');
    };
    joined(key, &said.texts);
    if !said.thoughts.is_empty() {
        joined("thinking", &said.thoughts);
    }
}

/// Writes `logprobs`, given them as OpenAI shapes them.
pub(in super::super) fn write_logprobs(json: &str, o: &mut Object<'_>) {
    let found = members(json.as_bytes()).ok();
    let content = found.as_ref().and_then(|found| found.get("content"));
    if let Some(tokens) = content.filter(|tokens| tokens.value.get() != "null") {
        o.raw("logprobs", tokens.value);
    }
}

#[cfg(test)]
mod tests {
    use super::super::decode_response;
    use super::*;
    use crate::chat::{Arguments, Usage};
    use serde_json::{Value, json};

    fn encode(response: &ChatResponse<'_>, client: Dialect) -> (Value, Vec<String>) {
        let mut losses = Losses::new(true);
        let plan = AnswerPlan { created: 60, ..AnswerPlan::new(client, Dialect::OpenaiChat, false, true) };
        let body = encode_response(response, &plan, &mut losses);
        (serde_json::from_slice(&body).unwrap(), losses.into_warnings())
    }

    #[test]
    fn an_answer_comes_back_as_it_was() {
        let body = json!({"model": "qwen3", "created_at": "2026-08-07T06:08:14Z", "message": {"role": "assistant",
            "content": "a\n", "thinking": "hm", "tool_calls": [{"id": "call_1", "function": {"name": "f",
            "arguments": {"a": 1}}}]}, "logprobs": [{"token": "a", "logprob": -0.1}], "done": true,
            "done_reason": "stop", "total_duration": 5, "prompt_eval_count": 21, "eval_count": 9});
        let text = body.to_string();
        let response = decode_response(text.as_bytes()).unwrap();
        assert_eq!(response.created, Some(1_786_082_894));
        assert_eq!(response.choices[0].finish.as_ref().unwrap().reason, FinishReason::ToolCalls);
        assert_eq!(encode(&response, Dialect::Ollama), (body, vec![]));
    }

    #[test]
    fn another_dialects_answer_in_both_forms() {
        let mut response = ChatResponse::new(Dialect::OpenaiChat);
        let mut choice = Choice::new(0);
        let arguments = Arguments::Text("[broken".into());
        let call = ToolCall { id: Text::default(), name: "f".into(), arguments };
        choice.parts = vec![Part::text("a"), Part::text("b"), Part::new(PartKind::ToolCall(call))];
        choice.finish = Some(FinishReason::Length.into());
        response.choices = vec![choice, Choice::new(1)];
        response.usage = Usage { input: Some(7), output: Some(1), ..Usage::default() };
        let (body, warnings) = encode(&response, Dialect::Ollama);
        assert_eq!(
            body,
            json!({"model": "", "created_at": "1970-01-01T00:01:00Z", "message": {"role": "assistant", "content": "ab",
                "tool_calls": [{"function": {"name": "f", "arguments": {"INVALID_JSON": "[broken"}}}]},
                "done": true, "done_reason": "length", "prompt_eval_count": 7, "eval_count": 1})
        );
        assert_eq!(warnings.len(), 2);
        let (body, warnings) = encode(&response, Dialect::OllamaGenerate);
        assert_eq!((&body["response"], &body["message"]), (&json!("ab"), &Value::Null));
        assert_eq!(warnings.len(), 2);
    }

    #[test]
    fn what_is_no_answer_is_a_failure() {
        for (body, status) in [("", 502), ("{}", 502), ("<html>", 502), (r#"{"error":"boom"}"#, 502)] {
            assert_eq!(decode_response(body.as_bytes()).unwrap_err().status, status, "{body}");
        }
    }
}
