//! What answers become.

use super::{decode_response, encode_response};
use crate::chat::{
    Arguments, ChatResponse, Choice, FinishReason, Json, Losses, Part, PartKind, Thinking, ToolCall, Usage,
};
use crate::dialect::Dialect;
use crate::dialect::lane::{self, AnswerPlan};
use serde_json::{Value, json};

fn encode(response: &ChatResponse<'_>, plan: &AnswerPlan) -> (Value, Vec<String>) {
    let mut losses = Losses::new(true);
    let body = encode_response(response, plan, &mut losses);
    (serde_json::from_slice(&body).unwrap(), losses.into_warnings())
}

fn claudes() -> ChatResponse<'static> {
    let mut response = ChatResponse::new(Dialect::Anthropic);
    response.id = "msg_01Ab-c".into();
    response.model = "claude".into();
    let mut choice = Choice::new(0);
    let thinking = |text: &'static str| {
        PartKind::Thinking(Thinking { text: text.into(), signature: Some("SIG".into()) })
    };
    let call = ToolCall {
        id: "t1".into(),
        name: "f".into(),
        arguments: Arguments::Json(Json::trusted("{\"a\":1}")),
    };
    choice.parts = [
        thinking("hm"),
        PartKind::RedactedThinking("D".into()),
        PartKind::Text("one".into()),
        PartKind::Text("two".into()),
        PartKind::ToolCall(call),
        PartKind::ToolCall(ToolCall {
            id: "t2".into(),
            name: "g".into(),
            arguments: Arguments::Text("".into()),
        }),
    ]
    .map(Part::new)
    .into();
    choice.finish = Some(FinishReason::ToolCalls.into());
    response.choices.push(choice);
    response.usage = Usage { input: Some(9), output: Some(4), cache_read: Some(5), ..Usage::default() };
    response
}

#[test]
fn an_answer_of_another_dialect_has_all_that_clients_require() {
    let plan = AnswerPlan {
        created: 7,
        echo: Some(r#""tools":[],"tool_choice":"auto","parallel_tool_calls":true,"store":false"#.into()),
        ..AnswerPlan::new(Dialect::OpenaiResponses, Dialect::Anthropic, false, true)
    };
    let text = |text: &str| json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []});
    let (body, warnings) = encode(&claudes(), &plan);
    assert_eq!(
        body,
        json!({"id": "resp_msg01Abc", "object": "response", "created_at": 7, "status": "completed",
            "incomplete_details": null, "error": null, "model": "claude", "output": [
            {"type": "reasoning", "id": "rs_msg01Abc_0", "summary": [{"type": "summary_text", "text": "hm"}],
                "encrypted_content": "tollgate1:anthropic:thinking:SIG"},
            {"type": "reasoning", "id": "rs_msg01Abc_1", "summary": [],
                "encrypted_content": "tollgate1:anthropic:redacted:D"},
            {"type": "message", "id": "msg_msg01Abc_2", "status": "completed", "role": "assistant",
                "content": [text("one"), text("two")]},
            {"type": "function_call", "id": "fc_msg01Abc_3", "status": "completed", "call_id": "t1", "name": "f",
                "arguments": "{\"a\":1}"},
            {"type": "function_call", "id": "fc_msg01Abc_4", "status": "completed",
                "call_id": "t2", "name": "g", "arguments": "{}"},
        ], "usage": {"input_tokens": 9, "input_tokens_details": {"cached_tokens": 5, "cache_write_tokens": 0},
            "output_tokens": 4, "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 13},
            "tools": [], "tool_choice": "auto", "parallel_tool_calls": true, "store": false})
    );
    assert!(warnings.is_empty(), "{warnings:?}");
}

#[test]
fn how_it_ended() {
    let plan = AnswerPlan::new(Dialect::OpenaiResponses, Dialect::Anthropic, false, true);
    for (reason, refused, status, details) in [
        (FinishReason::Stop, false, "completed", Value::Null),
        (FinishReason::Unknown, false, "completed", Value::Null),
        (FinishReason::Length, false, "incomplete", json!({"reason": "max_output_tokens"})),
        (FinishReason::ContextWindow, false, "incomplete", json!({"reason": "max_output_tokens"})),
        (FinishReason::ContentFilter, false, "incomplete", json!({"reason": "content_filter"})),
        (FinishReason::Refusal, false, "incomplete", json!({"reason": "content_filter"})),
        (FinishReason::Refusal, true, "completed", Value::Null),
    ] {
        let mut response = ChatResponse::new(Dialect::OpenaiChat);
        let mut choice = Choice::new(0);
        let kind = if refused { PartKind::Refusal("no".into()) } else { PartKind::Text("x".into()) };
        choice.parts.push(Part::new(kind));
        choice.finish = Some(reason.into());
        response.choices.push(choice);
        let (body, _) = encode(&response, &plan);
        assert_eq!((&body["status"], &body["incomplete_details"]), (&json!(status), &details), "{reason:?}");
        assert!(body["tools"].is_array() && body["tool_choice"] == "auto", "{body}");
    }
}

#[test]
fn a_providers_answer_is_read() {
    let body = json!({"id": "resp_1", "object": "response", "created_at": 1.7e9, "status": "completed",
        "model": "m", "error": null, "output": [
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA"},
        {"type": "reasoning", "id": "rs_2", "summary": [], "content": [{"type": "reasoning_text", "text": "hm"}]},
        {"type": "web_search_call", "id": "ws_1", "status": "completed"},
        {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [
            {"type": "output_text", "text": "a", "annotations": [], "logprobs": [{"token": "a", "logprob": -0.1}]},
            {"type": "refusal", "refusal": "no"}]},
        {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "f", "arguments": "{}", "status": "completed"},
    ], "usage": {"input_tokens": 3, "input_tokens_details": {"cached_tokens": 2}, "output_tokens": 4,
        "output_tokens_details": {"reasoning_tokens": 1}, "total_tokens": 7}})
    .to_string();
    let response = decode_response(body.as_bytes()).unwrap();
    assert_eq!((response.created, response.usage.reasoning), (Some(1_700_000_000), Some(1)));
    let choice = &response.choices[0];
    assert_eq!(choice.finish.as_ref().unwrap().reason, FinishReason::ToolCalls);
    assert_eq!(choice.logprobs.as_ref().unwrap().as_str(), r#"{"content":[{"logprob":-0.1,"token":"a"}]}"#);
    let kinds: Vec<u8> = choice
        .parts
        .iter()
        .map(|part| match &part.kind {
            PartKind::RedactedThinking(data) if *data == "gAAA" => b'd',
            PartKind::Thinking(thinking) if thinking.text == "hm" => b't',
            PartKind::Other(_) => b'o',
            PartKind::Text(_) => b'x',
            PartKind::Refusal(_) => b'r',
            PartKind::ToolCall(call) if call.id == "c" => b'c',
            _ => b'?',
        })
        .collect();
    assert_eq!(kinds, b"dtoxrc");
}

#[test]
fn an_answer_in_the_background_is_none_for_another_dialect() {
    for status in ["queued", "in_progress"] {
        let body = json!({"id": "resp_1", "object": "response", "status": status, "output": []}).to_string();
        for client in [Dialect::OpenaiChat, Dialect::Anthropic, Dialect::Gemini] {
            let plan = AnswerPlan::new(client, Dialect::OpenaiResponses, false, false);
            let failure = lane::answer(&plan, body.as_bytes()).unwrap_err();
            assert_eq!(failure.status, 502);
            assert!(failure.message.contains("background"), "{}", failure.message);
        }
        let own = AnswerPlan::new(Dialect::OpenaiResponses, Dialect::OpenaiResponses, false, false);
        assert_eq!(lane::answer(&own, body.as_bytes()).unwrap().body, None);
    }
}

#[test]
fn what_is_no_answer_is_a_failure() {
    for (body, status) in [
        ("", 502),
        ("{}", 502),
        ("<html>", 502),
        (r#"{"output":[{"type":"message","role":"assistant"}]}"#, 502),
        (r#"{"error":{"message":"x","code":"rate_limit_exceeded"}}"#, 429),
        (
            r#"{"object":"response","status":"failed","output":[],"error":{"code":"server_error","message":"x"}}"#,
            500,
        ),
        (
            r#"{"object":"response","status":"failed","output":[],"error":{"code":"rate_limit_exceeded","message":"x"}}"#,
            429,
        ),
        (r#"{"object":"response","status":"failed","output":[]}"#, 502),
        (r#"{"object":"response","status":"cancelled","output":[]}"#, 502),
    ] {
        assert_eq!(decode_response(body.as_bytes()).unwrap_err().status, status, "{body}");
    }
}
