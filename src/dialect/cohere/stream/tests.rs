//! Streams, both ways.

use crate::dialect::Dialect;
use crate::dialect::lane::{AnswerPlan, Progress, Stream};
use serde_json::{Value, json};

const CALLS: &str = concat!(
    "event: message-start\ndata: {\"id\":\"u1\",\"type\":\"message-start\",\"delta\":{\"message\":{\"role\":\"assistant\",\"content\":[],\"tool_plan\":\"\",\"tool_calls\":[],\"citations\":[]}}}\n\n",
    "event: tool-plan-delta\ndata: {\"type\":\"tool-plan-delta\",\"delta\":{\"message\":{\"tool_plan\":\"I will é\"}}}\n\n",
    "event: tool-call-start\ndata: {\"type\":\"tool-call-start\",\"index\":0,\"delta\":{\"message\":{\"tool_calls\":{\"id\":\"f_1\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}}}}}\n\n",
    "event: tool-call-delta\ndata: {\"type\":\"tool-call-delta\",\"index\":0,\"delta\":{\"message\":{\"tool_calls\":{\"function\":{\"arguments\":\"{\\n  \\\"a\\\": 1}\"}}}}}\n\n",
    "event: tool-call-end\ndata: {\"type\":\"tool-call-end\",\"index\":0}\n\n",
    "data: {\"type\":\"tool-call-start\",\"index\":1,\"delta\":{\"message\":{\"tool_calls\":{\"id\":\"g_1\",\"type\":\"function\",\"function\":{\"name\":\"g\",\"arguments\":\"\"}}}}}\n\n",
    "data: {\"type\":\"tool-call-end\",\"index\":1}\n\n",
    "event: message-end\ndata: {\"type\":\"message-end\",\"delta\":{\"finish_reason\":\"TOOL_CALL\",\"usage\":{\"billed_units\":{\"input_tokens\":62,\"output_tokens\":28},\"tokens\":{\"input_tokens\":968,\"output_tokens\":83},\"cached_tokens\":9}}}\n\n",
    "data: [DONE]\n\n",
);

fn through(client: Dialect, provider: Dialect, stream: &str, size: usize) -> (String, Stream) {
    let mut lane = Stream::new(&AnswerPlan::new(client, provider, true, true));
    let mut out = Vec::new();
    for piece in stream.as_bytes().chunks(size) {
        lane.push(piece, &mut out);
    }
    lane.end(&mut out);
    (String::from_utf8(out).unwrap(), lane)
}

fn data(stream: &str) -> Vec<Value> {
    let lines = stream.lines().filter_map(|line| line.strip_prefix("data: "));
    lines.filter(|line| *line != "[DONE]").map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn calls_reach_an_openai_client() {
    let (text, lane) = through(Dialect::OpenaiChat, Dialect::Cohere, CALLS, CALLS.len());
    assert_eq!((lane.progress(), lane.report().finish), (Progress::Finished, Some("tool_calls")));
    let usage = lane.report().usage;
    assert_eq!((usage.input, usage.output, usage.cache_read), (Some(968), Some(83), Some(9)));
    assert_eq!((usage.billed_input, usage.billed_output), (Some(62), Some(28)));
    let chunks = data(&text);
    let deltas: Vec<&Value> = chunks.iter().map(|chunk| &chunk["choices"][0]["delta"]).collect();
    assert!(deltas.iter().any(|delta| delta["reasoning_content"] == "I will é"));
    let calls: Vec<&Value> = deltas.iter().filter_map(|delta| delta["tool_calls"].get(0)).collect();
    let (mut ids, mut arguments) = (Vec::new(), [String::new(), String::new()]);
    for call in calls {
        ids.extend(call["id"].as_str());
        let at = usize::try_from(call["index"].as_u64().unwrap()).unwrap();
        arguments[at].push_str(call["function"]["arguments"].as_str().unwrap_or_default());
    }
    assert_eq!(ids, ["f_1", "g_1"]);
    assert_eq!(arguments, ["{\n  \"a\": 1}", "{}"]);
}

#[test]
fn any_split_gives_the_same() {
    let whole = through(Dialect::Anthropic, Dialect::Cohere, CALLS, CALLS.len()).0;
    for size in 1..80 {
        assert_eq!(through(Dialect::Anthropic, Dialect::Cohere, CALLS, size).0, whole, "{size}");
    }
}

#[test]
fn a_failed_generation_is_an_error() {
    let failed = CALLS.split("event: tool-call-start").next().unwrap().to_owned()
        + "data: {\"type\":\"message-end\",\"delta\":{\"finish_reason\":\"ERROR\",\"usage\":{},\"error\":\"invalid tool generation\"}}\n\n";
    let (text, lane) = through(Dialect::OpenaiChat, Dialect::Cohere, &failed, 9);
    assert_eq!(lane.progress(), Progress::Failed);
    assert!(text.contains("invalid tool generation") && !text.contains("[DONE]"), "{text}");
    // Without a word of why, after text: still no end of an answer.
    let silent =
        failed.replace(",\"error\":\"invalid tool generation\"", "").replace("\"ERROR\"", "\"TIMEOUT\"");
    let (text, lane) = through(Dialect::OpenaiChat, Dialect::Cohere, &silent, 9);
    assert_eq!(
        (lane.progress(), lane.failure().map(|failure| failure.status)),
        (Progress::Failed, Some(504))
    );
    assert!(text.contains("ended with TIMEOUT") && !text.contains("\"finish_reason\":\"stop\""), "{text}");
    let broken = "data: {\"id\":\"x\",\"message\":\"internal server error\"}\n\n";
    assert_eq!(through(Dialect::OpenaiChat, Dialect::Cohere, broken, 9).1.progress(), Progress::Failed);
}

#[test]
fn a_client_reads_what_another_provider_says() {
    let stream = concat!(
        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m1\",\"model\":\"c\",\"usage\":{\"input_tokens\":5,\"output_tokens\":1}}}\n\n",
        "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"thinking\",\"thinking\":\"\"}}\n\n",
        "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"thinking_delta\",\"thinking\":\"hm\"}}\n\n",
        "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n",
        "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":\"text\",\"text\":\"a\"}}\n\n",
        "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":1}\n\n",
        "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":2,\"content_block\":{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"f\",\"input\":{}}}\n\n",
        "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":2}\n\n",
        "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\"},\"usage\":{\"output_tokens\":9}}\n\n",
        "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
    );
    let (text, _) = through(Dialect::Cohere, Dialect::Anthropic, stream, 11);
    assert!(text.ends_with("data: [DONE]\n\n"));
    let events = data(&text);
    let kinds: Vec<&str> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(
        kinds,
        [
            "message-start",
            "content-start",
            "content-delta",
            "content-end",
            "content-start",
            "content-delta",
            "content-end",
            "tool-call-start",
            "tool-call-delta",
            "tool-call-end",
            "message-end"
        ]
    );
    assert_eq!(events[1]["delta"]["message"]["content"], json!({"type": "thinking", "thinking": ""}));
    assert_eq!((&events[4]["index"], &events[7]["index"]), (&json!(1), &json!(0)));
    assert_eq!(events[8]["delta"]["message"]["tool_calls"], json!({"function": {"arguments": "{}"}}));
    assert_eq!(
        events[10]["delta"],
        json!({"finish_reason": "TOOL_CALL", "usage": {"billed_units": {"input_tokens": 5, "output_tokens": 9},
            "tokens": {"input_tokens": 5, "output_tokens": 9}}})
    );
}

#[test]
fn the_log_probabilities_of_an_event_are_one_item() {
    let token = |token: &str, logprob: f64| json!({"token": token, "logprob": logprob, "bytes": null});
    let choice = json!({"index": 0, "delta": {"content": "ab"}, "logprobs": {
        "content": [token("a", -0.5), token("b", -1.5)]}, "finish_reason": "stop"});
    let stream = format!("data: {}\n\ndata: [DONE]\n\n", json!({"id": "c", "choices": [choice]}));
    let (text, _) = through(Dialect::Cohere, Dialect::OpenaiChat, &stream, 7);
    let told: Vec<Value> = data(&text).into_iter().filter(|event| !event["logprobs"].is_null()).collect();
    assert_eq!(told.len(), 1, "{text}");
    assert_eq!(told[0]["logprobs"], json!({"text": "ab", "token_ids": [], "logprobs": [-0.5, -1.5]}));
}
