//! What streams become.

use super::{StreamDecoder, StreamEncoder};
use crate::chat::{Delta, Event, Failure, FinishReason, PartStart, Usage};
use crate::dialect::Dialect;
use crate::dialect::lane::AnswerPlan;
use serde_json::{Value, json};

fn plan() -> AnswerPlan {
    AnswerPlan::new(Dialect::OpenaiResponses, Dialect::Anthropic, true, true)
}

fn encode(events: &[Event<'_>]) -> Vec<Value> {
    let mut encoder = StreamEncoder::new(&plan());
    let mut out = Vec::new();
    for event in events {
        encoder.event(event, &mut out);
    }
    let text = String::from_utf8(out).unwrap();
    let events: Vec<Value> = text
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|data| serde_json::from_str(data).unwrap())
        .collect();
    for (number, event) in events.iter().enumerate() {
        assert_eq!(event["sequence_number"], number, "{event}");
    }
    events
}

fn start() -> Event<'static> {
    Event::Start { id: "a1".into(), model: "m".into(), created: Some(7) }
}

fn part(part: PartStart<'static>) -> Event<'static> {
    Event::PartStart { choice: 0, part }
}

fn delta(delta: Delta<'static>) -> Event<'static> {
    Event::Delta { choice: 0, delta }
}

const STOP: Event<'static> = Event::PartStop { choice: 0 };

fn types(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().unwrap().trim_start_matches("response.")).collect()
}

#[test]
fn every_event_in_its_order() {
    let events = encode(&[
        start(),
        part(PartStart::Thinking),
        delta(Delta::Thinking("h\"".into())),
        delta(Delta::Thinking("m".into())),
        delta(Delta::Signature("SIG".into())),
        STOP,
        part(PartStart::Text),
        delta(Delta::Text("a".into())),
        STOP,
        part(PartStart::Refusal),
        delta(Delta::Text("no".into())),
        STOP,
        part(PartStart::ToolCall { id: "t".into(), name: "f".into() }),
        STOP,
        Event::Finish { choice: 0, finish: FinishReason::ToolCalls.into() },
        Event::Usage { usage: Usage { input: Some(1), output: Some(2), ..Usage::default() }, last: true },
        Event::End,
    ]);
    assert_eq!(
        types(&events),
        [
            "created",
            "in_progress",
            "output_item.added",
            "reasoning_summary_part.added",
            "reasoning_summary_text.delta",
            "reasoning_summary_text.delta",
            "reasoning_summary_text.done",
            "reasoning_summary_part.done",
            "output_item.done",
            "output_item.added",
            "content_part.added",
            "output_text.delta",
            "output_text.done",
            "content_part.done",
            "content_part.added",
            "refusal.delta",
            "refusal.done",
            "content_part.done",
            "output_item.done",
            "output_item.added",
            "function_call_arguments.delta",
            "function_call_arguments.done",
            "output_item.done",
            "completed",
        ]
    );
    let last = &events.last().unwrap()["response"];
    assert_eq!(
        last["output"],
        json!([
            {"type": "reasoning", "id": "rs_a1_0", "summary": [{"type": "summary_text", "text": "h\"m"}],
                "encrypted_content": "tollgate1:anthropic:thinking:SIG"},
            {"type": "message", "id": "msg_a1_1", "status": "completed", "role": "assistant", "content": [
                {"type": "output_text", "text": "a", "annotations": [], "logprobs": []},
                {"type": "refusal", "refusal": "no"}]},
            {"type": "function_call", "id": "fc_a1_2", "call_id": "t", "name": "f", "arguments": "{}",
                "status": "completed"},
        ])
    );
    assert_eq!((&last["status"], &last["usage"]["total_tokens"]), (&json!("completed"), &json!(3)));
    assert_eq!(events[16]["content_index"], 1);
}

#[test]
fn an_end_that_is_none() {
    let events =
        encode(&[start(), Event::Finish { choice: 0, finish: FinishReason::Length.into() }, Event::End]);
    assert_eq!(types(&events), ["created", "in_progress", "incomplete"]);
    let events = encode(&[
        start(),
        part(PartStart::Text),
        delta(Delta::Text("a".into())),
        Event::Error(Failure::new(529, "full")),
        Event::End,
    ]);
    assert_eq!(types(&events)[5..], ["failed", "error"]);
    assert_eq!(events[5]["response"]["error"], json!({"code": "server_error", "message": "full"}));
    assert_eq!((&events[6]["message"], &events[6]["error"]["message"]), (&json!("full"), &json!("full")));
}

#[test]
fn empty_parts_are_none() {
    let events = encode(&[
        start(),
        part(PartStart::Text),
        STOP,
        part(PartStart::Thinking),
        STOP,
        part(PartStart::RedactedThinking("D".into())),
        STOP,
        Event::End,
    ]);
    assert_eq!(types(&events)[2..], ["output_item.added", "output_item.done", "completed"]);
}

fn decode(stream: &str, size: usize) -> Vec<String> {
    let mut decoder = StreamDecoder::new();
    let mut events = Vec::new();
    let mut take = |event: Event<'_>| events.push(format!("{event:?}"));
    for chunk in stream.as_bytes().chunks(size) {
        decoder.push(chunk, &mut take);
    }
    decoder.end(&mut take);
    events
}

fn stream(events: &[Value]) -> String {
    let texts =
        events.iter().map(|event| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap()));
    texts.collect::<Vec<_>>().concat()
}

fn ends(events: &[&str], wanted: &[&str]) {
    for wanted in wanted {
        assert!(events.iter().any(|event| event.contains(wanted)), "no {wanted} in {events:#?}");
    }
}

#[test]
fn items_at_once_come_one_after_the_other() {
    let call = |index: u64, id: &str, done: bool| {
        let arguments = if done { format!("{{\"i\":{index}}}") } else { String::new() };
        json!({"type": if done { "response.output_item.done" } else { "response.output_item.added" },
            "output_index": index, "item": {"type": "function_call", "id": format!("fc_{index}"), "call_id": id,
            "name": "f", "arguments": arguments}})
    };
    let delta = |index: u64, text: &str| json!({"type": "response.function_call_arguments.delta", "output_index": index, "delta": text});
    let text = stream(&[
        json!({"type": "response.created", "response": {"id": "resp_1", "model": "m", "created_at": 7}}),
        call(0, "a", false),
        call(1, "b", false),
        delta(1, "{\"i\""),
        delta(0, "{\"i\":0}"),
        delta(1, ":1}"),
        call(1, "b", true),
        call(0, "a", true),
        json!({"type": "response.completed", "response": {"id": "resp_1", "status": "completed", "output": [],
            "usage": {"input_tokens": 1, "output_tokens": 2}}}),
    ]);
    let whole = decode(&text, text.len());
    for size in [1, 2, 7, 64] {
        assert_eq!(decode(&text, size), whole);
    }
    let shown: Vec<&str> = whole.iter().map(String::as_str).collect();
    let starts: Vec<usize> =
        shown.iter().enumerate().filter(|(_, e)| e.starts_with("PartStart")).map(|(i, _)| i).collect();
    let stops: Vec<usize> =
        shown.iter().enumerate().filter(|(_, e)| e.starts_with("PartStop")).map(|(i, _)| i).collect();
    assert!(starts.len() == 2 && stops.len() == 2 && stops[0] < starts[1], "{shown:#?}");
    ends(&shown, &["Arguments(\"{\\\"i\\\":1}\")", "ToolCalls", "End"]);
}

#[test]
fn what_no_event_said_the_last_one_says() {
    let item = json!({"type": "message", "id": "msg_1", "role": "assistant",
        "content": [{"type": "output_text", "text": "hello", "annotations": []}]});
    let completed = json!({"type": "response.completed", "response": {"id": "resp_1", "model": "m",
        "status": "completed", "output": [item]}});
    for before in [
        vec![],
        vec![json!({"type": "response.output_item.added", "output_index": 0,
        "item": {"type": "message", "id": "msg_1", "role": "assistant", "content": []}})],
    ] {
        let events: Vec<Value> = before.into_iter().chain([completed.clone()]).collect();
        let text = stream(&events);
        let shown = decode(&text, text.len());
        let shown: Vec<&str> = shown.iter().map(String::as_str).collect();
        ends(&shown, &["Start { id: \"", "Text(\"hello\")", "reason: Stop", "End"]);
        assert_eq!(shown.iter().filter(|event| event.contains("hello")).count(), 1, "{shown:#?}");
    }
}

#[test]
fn failures_in_a_stream() {
    for (text, status) in [
        (stream(&[json!({"type": "error", "code": "rate_limit_exceeded", "message": "x"})]), "status: 429"),
        (
            stream(&[json!({"type": "error", "error": {"type": "server_error", "message": "x"}})]),
            "status: 502",
        ),
        (
            stream(&[json!({"type": "response.failed", "response": {"status": "failed", "error":
            {"code": "server_error", "message": "x"}}})]),
            "status: 500",
        ),
        ("data: {\"broken\n\n".to_owned(), "status: 502"),
        ("{\"error\":{\"message\":\"x\",\"type\":\"overloaded_error\"}}".to_owned(), "status: 529"),
    ] {
        let shown = decode(&text, text.len());
        assert!(
            shown.len() == 1 && shown[0].starts_with("Error") && shown[0].contains(status),
            "{text} {shown:#?}"
        );
        assert_eq!(decode(&text, 1), shown);
    }
}

#[test]
fn a_thought_of_several_parts_is_one() {
    let summary = |index: u64, text: &str| json!({"type": "response.reasoning_summary_text.delta", "output_index": 0, "summary_index": index, "delta": text});
    let text = stream(&[
        json!({"type": "response.output_item.added", "output_index": 0, "item": {"type": "reasoning", "id": "rs_1", "summary": []}}),
        summary(0, "a"),
        summary(1, "b"),
        json!({"type": "response.output_item.done", "output_index": 0, "item": {"type": "reasoning", "id": "rs_1",
            "summary": [{"type": "summary_text", "text": "a"}, {"type": "summary_text", "text": "b"}],
            "encrypted_content": "gAAA"}}),
    ]);
    let shown = decode(&text, text.len());
    let said: Vec<&str> = shown.iter().filter_map(|event| event.split("delta: ").nth(1)).collect();
    assert_eq!(
        said,
        ["Thinking(\"a\") }", "Thinking(\"\\n\\n\") }", "Thinking(\"b\") }", "Signature(\"gAAA\") }"]
    );
}
