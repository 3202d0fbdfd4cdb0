//! Hard cases of streams.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::feed::run;
use serde_json::Value;
use tollgate::dialect::Dialect::{self, Anthropic, OpenaiChat};
use tollgate::dialect::lane::{AnswerPlan, Progress, Stream};

fn events(stream: &str) -> Vec<Value> {
    let data = stream.lines().filter_map(|line| line.strip_prefix("data: ")).filter(|data| *data != "[DONE]");
    data.map(|data| serde_json::from_str(data).unwrap_or_else(|error| panic!("{error}: {data}"))).collect()
}

fn chunk(delta: &str) -> String {
    format!(
        "data: {{\"id\":\"c\",\"created\":1,\"model\":\"m\",\"choices\":[{{\"index\":0,\"delta\":{delta}}}]}}\n\n"
    )
}

fn finish(reason: &str) -> String {
    format!(
        "data: {{\"id\":\"c\",\"choices\":[{{\"index\":0,\"delta\":{{}},\"finish_reason\":\"{reason}\"}}]}}\n\n"
    )
}

const DONE: &str = "data: [DONE]\n\n";

fn to_anthropic(stream: &str) -> (Vec<Value>, Progress) {
    let plan = AnswerPlan::new(Anthropic, OpenaiChat, true, false);
    let (out, progress) = run(&plan, stream.as_bytes(), stream.len());
    (events(&out), progress)
}

fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().unwrap_or_default()).collect()
}

/// Blocks open and close one after the other, with rising indexes.
fn assert_well_formed(events: &[Value]) {
    let mut open = None;
    let mut next = 0;
    for event in events {
        match event["type"].as_str().unwrap_or_default() {
            "content_block_start" => {
                assert!(open.is_none(), "{events:#?}");
                assert_eq!(event["index"], next);
                open = Some(next);
                next += 1;
            }
            "content_block_delta" => assert_eq!(event["index"].as_u64(), open, "{events:#?}"),
            "content_block_stop" => assert_eq!(event["index"].as_u64(), open.take(), "{events:#?}"),
            _ => {}
        }
    }
    assert!(open.is_none(), "{events:#?}");
}

#[test]
fn interleaved_calls_come_one_after_the_other() {
    let call = |index: u32, id: &str, name: &str, arguments: &str| {
        let arguments = serde_json::to_string(arguments).unwrap();
        let head =
            if id.is_empty() { String::new() } else { format!("\"id\":\"{id}\",\"type\":\"function\",") };
        let name = if name.is_empty() { String::new() } else { format!("\"name\":\"{name}\",") };
        chunk(&format!(
            "{{\"tool_calls\":[{{\"index\":{index},{head}\"function\":{{{name}\"arguments\":{arguments}}}}}]}}"
        ))
    };
    let stream = [
        chunk("{\"content\":\"let me see\"}"),
        call(0, "a", "f", "{\"x\":"),
        call(1, "b", "g", "{\"y\":"),
        call(0, "", "", "\"}{\"}"),
        call(1, "", "", "2}"),
        call(2, "c", "h", ""),
        finish("stop"),
        DONE.to_owned(),
    ]
    .concat();
    let (events, progress) = to_anthropic(&stream);
    assert_eq!(progress, Progress::Finished);
    assert_well_formed(&events);
    let mut calls: Vec<(String, String)> = Vec::new();
    for event in &events {
        if event["content_block"]["type"] == "tool_use" {
            calls.push((event["content_block"]["id"].as_str().unwrap().to_owned(), String::new()));
        }
        if let (Some(piece), Some(last)) = (event["delta"]["partial_json"].as_str(), calls.last_mut()) {
            last.1.push_str(piece);
        }
    }
    let expected = [("a", "{\"x\":\"}{\"}"), ("b", "{\"y\":2}"), ("c", "")];
    let calls: Vec<(&str, &str)> = calls.iter().map(|(id, text)| (&**id, text.trim_matches(' '))).collect();
    // No arguments may also be said as an empty object.
    assert!(calls[..2] == expected[..2] && (calls[2] == expected[2] || calls[2] == ("c", "{}")), "{calls:?}");
    let delta = events.iter().find(|event| event["type"] == "message_delta").unwrap();
    assert_eq!(delta["delta"]["stop_reason"], "tool_use");
}

#[test]
fn calls_that_share_an_index_are_told_apart_by_their_ids() {
    let stream = [
        chunk("{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]}"),
        chunk("{\"tool_calls\":[{\"index\":0,\"id\":\"b\",\"function\":{\"name\":\"g\",\"arguments\":\"{}\"}}]}"),
        finish("tool_calls"),
        DONE.to_owned(),
    ]
    .concat();
    let (events, _) = to_anthropic(&stream);
    assert_well_formed(&events);
    assert_eq!(kinds(&events).iter().filter(|kind| **kind == "content_block_start").count(), 2);

    // Without ids, a complete call is followed by another.
    let stream = stream.replace("\"id\":\"a\",", "").replace("\"id\":\"b\",", "");
    let (events, _) = to_anthropic(&stream);
    assert_well_formed(&events);
    let names = events.iter().filter_map(|event| event["content_block"]["name"].as_str());
    assert_eq!(names.collect::<Vec<_>>(), ["f", "g"], "{events:#?}");
}

#[test]
fn what_a_stream_cannot_say_is_reported() {
    let claude = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"model\":\"c\",\"usage\":{\"input_tokens\":1}}}\n\n\
        event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}}\n\n\
        event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"signature_delta\",\"signature\":\"c2ln\"}}\n\n\
        event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n\
        event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":\"redacted_thinking\",\"data\":\"x\"}}\n\n";
    let chosen = "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"},\"logprobs\":{\"content\":[{\"token\":\"a\",\"logprob\":-0.1}]}}]}\n\n";
    let reported = |client, provider, stream: &str| {
        let mut lane = Stream::new(&AnswerPlan::new(client, provider, true, true));
        lane.push(stream.as_bytes(), &mut Vec::new());
        lane.report().warnings.join("; ")
    };
    for client in [Dialect::Cohere, Dialect::Ollama] {
        let told = reported(client, Anthropic, claude);
        assert!(told.contains("signature") && told.contains("redacted"), "{client:?}: {told}");
    }
    assert_eq!(reported(OpenaiChat, Anthropic, claude), "");
    for client in [Anthropic, Dialect::Bedrock] {
        assert!(reported(client, OpenaiChat, chosen).contains("logprobs"), "{client:?}");
    }
    assert_eq!(reported(Dialect::Ollama, OpenaiChat, chosen), "");
}

#[test]
fn the_pieces_of_a_thought_have_a_number() {
    let plan = AnswerPlan::new(OpenaiChat, Anthropic, true, true);
    let block = |index: u32, start: &str, delta: &str| {
        format!(
            "event: content_block_start\ndata: {{\"type\":\"content_block_start\",\"index\":{index},\"content_block\":{start}}}\n\n\
             event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":{index},\"delta\":{delta}}}\n\n\
             event: content_block_stop\ndata: {{\"type\":\"content_block_stop\",\"index\":{index}}}\n\n"
        )
    };
    let thinking = "{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}";
    let stream = [
        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"model\":\"c\",\"usage\":{\"input_tokens\":1}}}\n\n".to_owned(),
        block(0, thinking, "{\"type\":\"thinking_delta\",\"thinking\":\"a\"}"),
        block(1, thinking, "{\"type\":\"signature_delta\",\"signature\":\"c2ln\"}"),
    ]
    .concat();
    let (out, _) = run(&plan, stream.as_bytes(), stream.len());
    let events = events(&out);
    let blocks = events.iter().filter_map(|event| event["choices"][0]["delta"].get("thinking_blocks"));
    let numbers: Vec<u64> = blocks.map(|list| list[0]["index"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [0, 1], "{out}");
}

#[test]
fn an_error_within_a_stream_is_an_error_of_the_client() {
    let stream = [
        chunk("{\"content\":\"a\"}"),
        "data: {\"error\":{\"message\":\"Overloaded\",\"type\":\"overloaded_error\"}}\n\n".to_owned(),
        chunk("{\"content\":\"never\"}"),
        DONE.to_owned(),
    ]
    .concat();
    let (events, progress) = to_anthropic(&stream);
    assert_eq!(progress, Progress::Failed);
    let last = events.last().unwrap();
    assert_eq!((&last["type"], &last["error"]["type"]), (&"error".into(), &"overloaded_error".into()));
    assert!(!kinds(&events).contains(&"message_stop"));

    let stream = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"model\":\"c\",\"usage\":{\"input_tokens\":1}}}\n\n\
        event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n\
        event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"hi\"}}\n\n\
        event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n";
    let plan = AnswerPlan::new(OpenaiChat, Anthropic, true, true);
    let (out, progress) = run(&plan, stream.as_bytes(), 5);
    assert_eq!(progress, Progress::Failed);
    assert_eq!(events_last(&out)["error"]["type"], "overloaded_error");
    assert!(!out.contains("[DONE]") && !out.contains("\"finish_reason\":\"stop\""));
}

fn events_last(stream: &str) -> Value {
    events(stream).pop().unwrap()
}

#[test]
fn an_error_before_content_is_a_reason_to_go_on() {
    let plan = AnswerPlan::new(Anthropic, OpenaiChat, true, false);
    let mut stream = Stream::new(&plan);
    let mut out = Vec::new();
    stream.push(chunk("{\"role\":\"assistant\",\"content\":\"\"}").as_bytes(), &mut out);
    assert_eq!(stream.progress(), Progress::Waiting);
    stream.push(b"data: {\"error\":{\"message\":\"slow down\",\"code\":429}}\n\n", &mut out);
    assert_eq!(stream.progress(), Progress::Failed);
    assert_eq!(stream.failure().unwrap().status, 429);
}

#[test]
fn what_says_nothing_is_no_loss_of_a_stream() {
    let quiet = "data: {\"id\":\"c\",\"system_fingerprint\":\"f\",\"x_new\":null,\"choices\":[{\"index\":0,\"content_filter_results\":{\"hate\":{\"filtered\":false}},\"delta\":{\"content\":\"a\",\"annotations\":[]}}]}\n\n";
    let telling = chunk("{\"content\":\"a\",\"annotations\":[{\"type\":\"url_citation\"}]}");
    let plan = AnswerPlan::new(Anthropic, OpenaiChat, true, false);
    for (first, warned) in [(quiet, 0), (&*telling, 1)] {
        let mut lane = Stream::new(&plan);
        lane.push([first, &finish("stop"), DONE].concat().as_bytes(), &mut Vec::new());
        assert_eq!(lane.report().warnings.len(), warned, "{:?}", lane.report().warnings);
    }
}

#[test]
fn a_stream_that_breaks_off_is_no_answer() {
    let (events, progress) = to_anthropic(&chunk("{\"content\":\"half\"}"));
    assert_eq!(progress, Progress::Failed);
    assert_eq!(events.last().unwrap()["type"], "error");
    let (_, progress) = to_anthropic("");
    assert_eq!(progress, Progress::Failed);
    // The end mark may be missing once the finish is there.
    let (events, progress) = to_anthropic(&(chunk("{\"content\":\"all\"}") + &finish("length")));
    assert_eq!(progress, Progress::Finished);
    assert_eq!(kinds(&events).last(), Some(&"message_stop"));
}

#[test]
fn groqs_counts_are_counts() {
    let end = r#"{"id":"c","x_groq":{"id":"r","usage":{"queue_time":0.1,"prompt_tokens":11,"completion_tokens":7}},"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
    let stream = [chunk("{\"content\":\"a\"}"), format!("data: {end}\n\n"), DONE.to_owned()].concat();
    let mut lane = Stream::new(&AnswerPlan::new(Anthropic, OpenaiChat, true, false));
    lane.push(stream.as_bytes(), &mut Vec::new());
    let report = lane.report();
    assert_eq!((report.usage.input, report.usage.output, report.usage_is_final), (Some(11), Some(7), true));
    assert_eq!(report.warnings, [""; 0]);
}

#[test]
fn usage_is_shown_to_those_who_asked() {
    let stream = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"model\":\"c\",\"usage\":{\"input_tokens\":3,\"cache_read_input_tokens\":4,\"output_tokens\":1}}}\n\n\
        event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"f\",\"input\":{}}}\n\n\
        event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n\
        event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\"},\"usage\":{\"output_tokens\":9,\"cache_read_input_tokens\":4}}\n\n\
        event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
    for show_usage in [true, false] {
        let plan = AnswerPlan::new(OpenaiChat, Anthropic, true, show_usage);
        let mut lane = Stream::new(&plan);
        let mut out = Vec::new();
        lane.push(stream.as_bytes(), &mut out);
        lane.end(&mut out);
        let report = lane.report();
        assert_eq!(
            (report.usage.input, report.usage.output, report.usage_is_final),
            (Some(7), Some(9), true)
        );
        let out = String::from_utf8(out).unwrap();
        assert_eq!(out.contains("\"prompt_tokens\":7"), show_usage, "{out}");
        assert!(out.ends_with(DONE));
        // A call without arguments is called with an empty object.
        assert!(out.contains("\"arguments\":\"{}\""), "{out}");
    }
}
