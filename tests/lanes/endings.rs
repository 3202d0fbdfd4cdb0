//! How answers end: what a provider says of it, and what the client is told.

use crate::feed::run;
use serde_json::{Value, json};
use tollgate::dialect::Dialect::{Anthropic, OpenaiChat, OpenaiCompletions};
use tollgate::dialect::lane::{AnswerPlan, Progress};

/// A stream of server-sent events.
fn sse(events: &[Value]) -> String {
    events.iter().map(|event| format!("data: {event}\n\n")).collect::<Vec<_>>().concat()
}

/// A chunk of a conversation, or with `text` in the choice one of a text completion.
fn chunk(choice: &Value) -> Value {
    json!({"id": "c", "created": 1, "model": "m", "choices": [choice]})
}

const DONE: &str = "data: [DONE]\n\n";

/// The client's stream, which is the same at any split.
fn told(plan: &AnswerPlan, stream: &str) -> (String, Progress) {
    let whole = run(plan, stream.as_bytes(), stream.len());
    for size in 1..stream.len() {
        assert_eq!(run(plan, stream.as_bytes(), size), whole, "cut into {size}");
    }
    whole
}

#[test]
fn a_stream_goes_on_after_a_finish_reason() {
    let call = json!([{"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}}]);
    let stream = sse(&[
        chunk(&json!({"index": 0, "delta": {"content": "one "}, "finish_reason": "stop"})),
        chunk(&json!({"index": 0, "delta": {"content": "two"}, "finish_reason": "stop"})),
        chunk(&json!({"index": 0, "delta": {"tool_calls": call}, "finish_reason": "length"})),
        json!({"id": "c", "choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 4}}),
    ]);
    let plan = AnswerPlan::new(Anthropic, OpenaiChat, true, false);
    for end in [DONE, ""] {
        let (out, progress) = told(&plan, &(stream.clone() + end));
        assert_eq!(progress, Progress::Finished);
        for said in
            ["\"one \"", "\"two\"", "\"tool_use\"", "\"stop_reason\":\"max_tokens\"", "\"output_tokens\":4"]
        {
            assert!(out.contains(said), "{said}: {out}");
        }
        assert!(out.trim_end().ends_with("{\"type\":\"message_stop\"}"), "{out}");
    }

    let text = |text: &str| chunk(&json!({"index": 0, "text": text, "finish_reason": "stop"}));
    let stream = sse(&[text("one "), text("two")]);
    for (client, end) in [(Anthropic, DONE), (Anthropic, ""), (OpenaiChat, "")] {
        let plan = AnswerPlan::new(client, OpenaiCompletions, true, false);
        let (out, progress) = told(&plan, &(stream.clone() + end));
        assert_eq!(progress, Progress::Finished);
        assert!(out.contains("\"one \"") && out.contains("\"two\""), "{out}");
    }
}

#[test]
fn without_the_end_mark_every_choice_has_to_end() {
    let stream = sse(&[
        chunk(&json!({"index": 0, "delta": {"content": "a"}, "finish_reason": "stop"})),
        chunk(&json!({"index": 1, "delta": {"content": "b"}})),
    ]);
    let plan = AnswerPlan::new(Anthropic, OpenaiChat, true, false);
    assert_eq!(told(&plan, &stream).1, Progress::Failed);
    assert_eq!(told(&plan, &(stream + DONE)).1, Progress::Finished);
}
