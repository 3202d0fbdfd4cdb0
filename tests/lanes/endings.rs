//! How answers end: what a provider says of it, and what the client is told.

use crate::feed::run;
use serde_json::{Value, json};
use tollgate::dialect::Dialect::{
    self, Anthropic, Bedrock, Cohere, Gemini, Ollama, OpenaiChat, OpenaiCompletions, OpenaiResponses,
};
use tollgate::dialect::lane::{self, AnswerPlan, Progress, Stream};

/// A stream of server-sent events.
fn sse(events: &[Value]) -> String {
    events.iter().map(|event| format!("data: {event}\n\n")).collect::<Vec<_>>().concat()
}

/// A chunk of a conversation, or with `text` in the choice one of a text completion.
fn chunk(choice: &Value) -> Value {
    json!({"id": "c", "created": 1, "model": "m", "choices": [choice]})
}

const DONE: &str = "data: [DONE]\n\n";

/// The stream of a model of Anthropic's that says "hi" and ends so; `usage` stands beside its last counts.
fn claude(delta: &Value, usage: &Value) -> String {
    let mut last = json!({"output_tokens": 2});
    last.as_object_mut().unwrap().extend(usage.as_object().cloned().unwrap_or_default());
    sse(&[
        json!({"type": "message_start", "message": {"id": "m", "model": "c", "usage": {"input_tokens": 1}}}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": "hi"}}),
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "message_delta", "delta": delta, "usage": last}),
        json!({"type": "message_stop"}),
    ])
}

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

#[test]
fn an_answer_that_ends_with_an_error_is_a_failure() {
    let limit = json!({"code": 429, "message": "Provider is busy"});
    for (word, error, status, says) in [
        ("error", Value::Null, 502, "ended with error"),
        ("network_error", json!({}), 502, "ended with network_error"),
        ("insufficient_system_resource", Value::Null, 503, "insufficient_system_resource"),
        ("error", limit.clone(), 429, "Provider is busy"),
        ("stop", limit, 429, "Provider is busy"),
    ] {
        for (provider, delta, message) in [
            (OpenaiChat, "delta", json!({"role": "assistant", "content": "half"})),
            (OpenaiCompletions, "text", json!("half")),
        ] {
            let plan = AnswerPlan::new(Anthropic, provider, false, false);
            let mut choice = json!({"index": 0, "message": message, "text": message, "finish_reason": word, "error": error});
            let body = chunk(&choice).to_string();
            let failure = lane::answer(&plan, body.as_bytes()).unwrap_err();
            assert!(failure.status == status && failure.message.contains(says), "{word}: {failure:?}");

            choice[delta] = message;
            let plan = AnswerPlan::new(Anthropic, provider, true, false);
            let mut stream = Stream::new(&plan);
            stream.push((sse(&[chunk(&choice)]) + DONE).as_bytes(), &mut Vec::new());
            stream.end(&mut Vec::new());
            assert_eq!(stream.progress(), Progress::Failed, "{word}");
            assert_eq!(stream.failure().unwrap().status, status, "{word}");
        }
    }
}

#[test]
fn words_for_an_end_mean_the_same_in_every_lane() {
    for (word, to_anthropic, told) in [
        ("stop", "end_turn", "stop"),
        ("model_length", "max_tokens", "length"),
        ("max_tokens", "max_tokens", "length"),
        ("model_context_window_exceeded", "model_context_window_exceeded", "length"),
        ("sensitive", "refusal", "content_filter"),
        ("safety", "refusal", "content_filter"),
        ("refusal", "refusal", "content_filter"),
    ] {
        let choice =
            json!({"index": 0, "message": {"role": "assistant", "content": "a"}, "finish_reason": word});
        let body = chunk(&choice).to_string();
        let answer = lane::answer(&AnswerPlan::new(Anthropic, OpenaiChat, false, false), body.as_bytes());
        let answer: Value = serde_json::from_slice(&answer.unwrap().body.unwrap()).unwrap();
        assert_eq!(answer["stop_reason"], to_anthropic, "{word}");
        let identity = AnswerPlan::new(OpenaiChat, OpenaiChat, false, false);
        assert_eq!(lane::answer(&identity, body.as_bytes()).unwrap().report.finish, Some(told), "{word}");
    }
    for word in ["function_call", "error"] {
        let choice = json!({"index": 0, "message": {"content": "a"}, "finish_reason": word});
        let identity = AnswerPlan::new(OpenaiChat, OpenaiChat, false, false);
        let report = lane::answer(&identity, chunk(&choice).to_string().as_bytes()).unwrap().report;
        assert_eq!(report.finish, Some(word));
    }
}

#[test]
fn an_error_without_a_frame_around_it_is_told() {
    let error = json!({"error": {"message": "Overloaded", "type": "overloaded_error"}});
    for body in [error.to_string(), format!("{error:#}\n"), format!("{error}\n\n")] {
        for (client, provider) in [(Anthropic, OpenaiChat), (OpenaiChat, OpenaiCompletions)] {
            let plan = AnswerPlan::new(client, provider, true, false);
            let (out, progress) = told(&plan, &body);
            assert!(progress == Progress::Failed && out.contains("Overloaded"), "{body}: {out}");
            let mut stream = Stream::new(&plan);
            stream.push(body.as_bytes(), &mut Vec::new());
            stream.end(&mut Vec::new());
            assert_eq!(stream.failure().unwrap().status, 529);
        }
    }
}

#[test]
fn the_text_that_ended_an_answer_is_told_in_streams_too() {
    let stream = claude(&json!({"stop_reason": "stop_sequence", "stop_sequence": "END"}), &json!({}));
    for client in [OpenaiChat, OpenaiCompletions] {
        let (out, _) = told(&AnswerPlan::new(client, Anthropic, true, false), &stream);
        assert!(out.contains("\"finish_reason\":\"stop\",\"stop_reason\":\"END\""), "{out}");
    }
}

#[test]
fn what_stands_beside_the_counts_of_a_stream_is_no_silent_loss() {
    let warnings = |stream: &str| {
        let mut lane = Stream::new(&AnswerPlan::new(OpenaiChat, Anthropic, true, false));
        lane.push(stream.as_bytes(), &mut Vec::new());
        lane.report().warnings.clone()
    };
    let end = json!({"stop_reason": "end_turn"});
    let searched = claude(&end, &json!({"server_tool_use": {"web_search_requests": 2}}));
    assert_eq!(warnings(&searched), ["usage.server_tool_use dropped from the stream"]);
    let quiet =
        claude(&end, &json!({"server_tool_use": {"web_search_requests": 0}, "service_tier": "standard"}));
    assert_eq!(warnings(&quiet), [""; 0]);
    let cleared = quiet.replace(
        "\"type\":\"message_delta\"",
        "\"type\":\"message_delta\",\"context_management\":{\"applied_edits\":[{\"cleared_tool_uses\":3}]}",
    );
    assert_eq!(warnings(&cleared), ["context_management dropped from the stream"]);
}

#[test]
fn an_end_mark_alone_ends_no_answer() {
    let plan = AnswerPlan::new(OpenaiChat, Anthropic, true, false);
    let (out, progress) = told(&plan, &claude(&json!({"stop_reason": null}), &json!({})));
    assert!(progress == Progress::Failed && out.contains("broke off") && !out.contains("[DONE]"), "{out}");
}

/// Whole answers that end in a word that the hub does not know, and the word.
fn ended_otherwise() -> Vec<(Dialect, Value, &'static str)> {
    let text = json!({"type": "text", "text": "a"});
    vec![
        (
            OpenaiChat,
            chunk(&json!({"index": 0, "message": {"content": "a"}, "finish_reason": "odd"})),
            "finish_reason odd",
        ),
        (
            OpenaiCompletions,
            chunk(&json!({"index": 0, "text": "a", "finish_reason": "odd"})),
            "finish_reason odd",
        ),
        (
            Anthropic,
            json!({"id": "m", "type": "message", "role": "assistant", "model": "c", "content": [text],
                "stop_reason": "compaction"}),
            "stop_reason compaction",
        ),
        (
            Cohere,
            json!({"id": "u", "message": {"role": "assistant", "content": [text]}, "finish_reason": "USER_CANCEL"}),
            "finish_reason USER_CANCEL",
        ),
        (
            Bedrock,
            json!({"output": {"message": {"role": "assistant", "content": [{"text": "a"}]}},
                "stopReason": "malformed_model_output"}),
            "stopReason malformed_model_output",
        ),
        (
            Ollama,
            json!({"model": "q", "message": {"role": "assistant", "content": "a"}, "done": true, "done_reason": "odd"}),
            "done_reason odd",
        ),
        (
            OpenaiResponses,
            json!({"id": "r", "model": "m", "status": "incomplete", "incomplete_details": {"reason": "steered"},
                "output": [{"type": "message", "id": "i", "role": "assistant", "content": [
                    {"type": "output_text", "text": "a", "annotations": []}]}]}),
            "incomplete_details.reason steered",
        ),
        (
            Gemini,
            json!({"candidates": [{"content": {"parts": [{"text": "a"}]}, "finishReason": "OTHER", "finishMessage": "why"}]}),
            "finishReason OTHER \"why\"",
        ),
    ]
}

#[test]
fn an_end_that_has_no_word_elsewhere_is_told() {
    for (provider, body, word) in ended_otherwise() {
        let client = if provider == OpenaiChat { Anthropic } else { OpenaiChat };
        let plan = AnswerPlan::new(client, provider, false, false);
        let answer = lane::answer(&plan, body.to_string().as_bytes()).unwrap();
        assert_eq!(answer.report.warnings, [format!("{word} has no counterpart")]);
    }
}

#[test]
fn an_end_of_a_stream_that_has_no_word_elsewhere_is_told() {
    let chat = |choice: Value| sse(&[chunk(&choice)]) + DONE;
    let answer = ended_otherwise().remove(6).1;
    for (provider, stream, word) in [
        (OpenaiChat, chat(json!({"delta": {"content": "a"}, "finish_reason": "odd"})), "finish_reason odd"),
        (OpenaiCompletions, chat(json!({"text": "a", "finish_reason": "odd"})), "finish_reason odd"),
        (Anthropic, claude(&json!({"stop_reason": "compaction"}), &json!({})), "stop_reason compaction"),
        (
            Cohere,
            sse(&[
                json!({"type": "message-start", "id": "u"}),
                json!({"type": "content-delta", "delta": {"message": {"content": {"text": "a"}}}}),
                json!({"type": "message-end", "delta": {"finish_reason": "USER_CANCEL"}}),
            ]),
            "finish_reason USER_CANCEL",
        ),
        (
            Ollama,
            json!({"message": {"content": "a"}, "done": true, "done_reason": "odd"}).to_string(),
            "done_reason odd",
        ),
        (
            OpenaiResponses,
            sse(&[json!({"type": "response.incomplete", "response": answer})]),
            "incomplete_details.reason steered",
        ),
    ] {
        let client = if provider == OpenaiChat { Anthropic } else { OpenaiChat };
        let mut lane = Stream::new(&AnswerPlan::new(client, provider, true, false));
        lane.push(stream.as_bytes(), &mut Vec::new());
        lane.end(&mut Vec::new());
        assert_eq!(lane.progress(), Progress::Finished, "{provider:?}");
        assert_eq!(lane.report().warnings, [format!("{word} dropped from the stream")]);
    }
}

#[test]
fn an_answer_told_as_a_stream_loses_nothing_in_silence() {
    let logprobs = json!({"content": [{"token": "a", "logprob": -0.5, "bytes": null, "top_logprobs": []}]});
    let choice = json!({"index": 0, "message": {"content": "a", "odd": 1}, "finish_reason": "stop", "logprobs": logprobs});
    let mut body = chunk(&choice);
    body["odder"] = json!(true);
    body["usage"] = json!({"prompt_tokens": 1, "completion_tokens": 2, "num_search_queries": 3});
    let streamed = |client| {
        let plan = AnswerPlan::new(client, OpenaiChat, true, true);
        let answer = lane::answer_as_stream(&plan, body.to_string().as_bytes()).unwrap();
        (String::from_utf8_lossy(&answer.body.unwrap()).into_owned(), answer.report.warnings)
    };
    let fields = ["odder", "usage.num_search_queries", "odd"];
    for (client, more) in
        [(OpenaiResponses, None), (Cohere, None), (Anthropic, Some("logprobs")), (Bedrock, Some("logprobs"))]
    {
        let (out, warnings) = streamed(client);
        let expected: Vec<String> =
            fields.into_iter().chain(more).map(|what| format!("{what} dropped from the stream")).collect();
        assert_eq!(warnings, expected, "{client:?}");
        assert_eq!(out.contains("-0.5"), more.is_none(), "{client:?}: {out}");
    }
}
