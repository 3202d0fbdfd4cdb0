use super::*;
use crate::chat::{Delta, Event, Failure, Finish, FinishReason, PartStart, Text, Usage};
use crate::dialect::Dialect;
use crate::dialect::lane::AnswerPlan;
use proptest::prelude::*;
use serde_json::{Value, json};

/// A stream with every kind of event, some of them unknown to the hub.
fn stream() -> String {
    let events = [
        json!({"type": "message_start", "message": {"id": "msg_1", "type": "message", "role": "assistant",
            "model": "c", "content": [], "stop_reason": null, "usage":
            {"input_tokens": 10, "cache_read_input_tokens": 5, "cache_creation_input_tokens": 0, "output_tokens": 1}}}),
        json!({"type": "ping"}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": "", "signature": ""}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "hm é😀"}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "si"}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "g"}}),
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "content_block_start", "index": 1, "content_block": {"type": "redacted_thinking", "data": "xyz"}}),
        json!({"type": "content_block_stop", "index": 1}),
        json!({"type": "content_block_start", "index": 2, "content_block": {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}}),
        json!({"type": "content_block_delta", "index": 2, "delta": {"type": "input_json_delta", "partial_json": "{}"}}),
        json!({"type": "content_block_stop", "index": 2}),
        json!({"type": "content_block_start", "index": 3, "content_block": {"type": "text", "text": ""}}),
        json!({"type": "content_block_delta", "index": 3, "delta": {"type": "text_delta", "text": "a\n\"b\""}}),
        json!({"type": "content_block_delta", "index": 3, "delta": {"type": "citations_delta", "citation": {}}}),
        json!({"type": "content_block_delta", "index": 3, "delta": {"type": "from_the_future"}}),
        json!({"type": "content_block_stop", "index": 3}),
        json!({"type": "content_block_start", "index": 4, "content_block": {"type": "tool_use", "id": "t1", "name": "f", "input": {}}}),
        json!({"type": "content_block_delta", "index": 4, "delta": {"type": "input_json_delta", "partial_json": ""}}),
        json!({"type": "content_block_delta", "index": 4, "delta": {"type": "input_json_delta", "partial_json": "{\"a\":"}}),
        json!({"type": "content_block_delta", "index": 4, "delta": {"type": "input_json_delta", "partial_json": "1}"}}),
        json!({"type": "content_block_stop", "index": 4}),
        json!({"type": "content_block_start", "index": 5, "content_block": {"type": "tool_use", "id": "t2", "name": "g", "input": {}}}),
        json!({"type": "content_block_stop", "index": 5}),
        json!({"type": "some_new_event"}),
        json!({"type": "message_delta", "delta": {"stop_reason": "tool_use", "stop_sequence": null},
            "usage": {"output_tokens": 20}}),
        json!({"type": "message_stop"}),
    ];
    let frame = |event: &Value| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap());
    events.iter().map(frame).collect::<Vec<_>>().concat()
}

fn decode<'c>(chunks: impl IntoIterator<Item = &'c [u8]>) -> Vec<String> {
    let mut seen = Vec::new();
    let mut sink = |event: Event<'_>| seen.push(format!("{event:?}"));
    let mut decoder = StreamDecoder::new();
    for chunk in chunks {
        decoder.push(chunk, &mut sink);
    }
    decoder.end(&mut sink);
    seen
}

fn encode(events: &[Event<'_>]) -> Vec<Value> {
    let plan = AnswerPlan::new(Dialect::Anthropic, Dialect::OpenaiChat, true, true);
    let (mut encoder, mut out) = (StreamEncoder::new(&plan), Vec::new());
    for event in events {
        encoder.event(event, &mut out);
    }
    let text = String::from_utf8(out).unwrap();
    text.split_terminator("\n\n")
        .map(|frame| {
            let (name, data) = frame.split_once('\n').unwrap();
            let data: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
            assert_eq!(name, format!("event: {}", data["type"].as_str().unwrap()));
            data
        })
        .collect()
}

#[test]
fn every_event_is_understood_or_reported() {
    let seen = decode([stream().as_bytes()]);
    let count = |start: &str| seen.iter().filter(|event| event.starts_with(start)).count();
    assert_eq!((count("Start"), count("Ping"), count("End"), count("Error")), (1, 1, 1, 0));
    assert_eq!((count("PartStart"), count("PartStop")), (5, 5));
    assert_eq!(count("Lost"), 4);
    for expected in [
        r#"Lost("server_tool_use")"#,
        r#"Lost("citations")"#,
        r#"Delta { choice: 0, delta: Signature("sig") }"#,
        r#"PartStart { choice: 0, part: RedactedThinking("xyz") }"#,
    ] {
        assert!(seen.iter().any(|event| event == expected), "{expected}");
    }
    let empty = seen.iter().position(|event| event.contains("\"t2\"")).unwrap();
    assert_eq!(seen[empty + 1], r#"Delta { choice: 0, delta: Arguments("{}") }"#);
    let usage = seen.iter().rfind(|event| event.starts_with("Usage")).unwrap();
    assert!(
        usage.contains("input: Some(15)")
            && usage.contains("output: Some(20)")
            && usage.ends_with("last: true }")
    );
}

#[test]
fn names_may_be_missing_and_the_last_blank_line_too() {
    let stream_with_names = stream();
    let bare: Vec<_> = stream_with_names.lines().filter(|line| !line.starts_with("event:")).collect();
    let bare = bare.join("\n");
    assert_eq!(decode([bare.trim_end().as_bytes()]), decode([stream_with_names.as_bytes()]));
}

#[test]
fn an_error_ends_the_stream() {
    for error in [
        "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"full\"}}\n\n",
        "data: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"full\"}}\n\n",
        "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"full\"}}",
    ] {
        let seen = decode([error.as_bytes(), stream().as_bytes()]);
        let last = if error.starts_with('{') { decode([error.as_bytes()]) } else { seen };
        assert_eq!(last.len(), 1);
        assert!(last[0].starts_with("Error(Failure { status: 529, kind: Overloaded"), "{last:?}");
    }
    assert!(decode([&b"event: message_start\ndata: {broken\n\n"[..]])[0].starts_with("Error"));
}

#[test]
fn a_stream_for_a_client_is_well_formed() {
    let arguments = |text| Event::Delta { choice: 0, delta: Delta::Arguments(Text::plain(text)) };
    let sent = encode(&[
        Event::Start { id: "id".into(), model: "m".into(), created: None },
        Event::PartStart { choice: 0, part: PartStart::Thinking },
        Event::Delta { choice: 0, delta: Delta::Thinking("hm".into()) },
        Event::PartStop { choice: 0 },
        Event::PartStart { choice: 0, part: PartStart::Text },
        Event::PartStop { choice: 0 },
        Event::PartStart { choice: 1, part: PartStart::Text },
        Event::Delta { choice: 1, delta: Delta::Text("other choice".into()) },
        Event::PartStart { choice: 0, part: PartStart::Text },
        Event::Delta { choice: 0, delta: Delta::Text("a".into()) },
        Event::PartStart { choice: 0, part: PartStart::ToolCall { id: "toolu_2".into(), name: "f".into() } },
        arguments("{}"),
        Event::PartStop { choice: 0 },
        Event::Finish { choice: 0, finish: Finish::from(FinishReason::Stop) },
        Event::Usage {
            usage: Usage { input: Some(15), output: Some(2), cache_read: Some(5), ..Usage::default() },
            last: true,
        },
        Event::End,
        Event::Ping,
    ]);
    let names: Vec<_> = sent.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        [
            "message_start",
            "content_block_start",
            "content_block_delta",
            "content_block_stop",
            "content_block_start",
            "content_block_delta",
            "content_block_stop",
            "content_block_start",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop",
        ]
    );
    let indices: Vec<_> = sent.iter().filter_map(|event| event["index"].as_u64()).collect();
    assert_eq!(indices, [0, 0, 0, 1, 1, 1, 2, 2, 2]);
    assert_eq!(
        sent[7]["content_block"],
        json!({"type": "tool_use", "id": "toolu_2", "name": "f", "input": {}})
    );
    let end = &sent[10];
    assert_eq!(end["delta"], json!({"stop_reason": "tool_use", "stop_sequence": null}));
    assert_eq!(end["usage"], json!({"input_tokens": 10, "cache_read_input_tokens": 5, "output_tokens": 2}));
    let start = &sent[0]["message"];
    assert_eq!((&start["content"], &start["usage"]["input_tokens"]), (&json!([]), &json!(0)));
}

#[test]
fn an_error_takes_the_place_of_the_end() {
    let sent = encode(&[
        Event::Start { id: "id".into(), model: "m".into(), created: None },
        Event::Error(Failure::new(529, "full")),
        Event::End,
    ]);
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[1], json!({"type": "error", "error": {"type": "overloaded_error", "message": "full"}}));
}

#[test]
fn an_answer_that_says_nothing_still_starts_and_ends() {
    let names: Vec<_> = encode(&[Event::End]).iter().map(|event| event["type"].clone()).collect();
    assert_eq!(names, ["message_start", "message_delta", "message_stop"]);
}

proptest! {
    #[test]
    fn any_split_same_events(
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        ends in prop::sample::select(vec!["\n", "\r\n", "\r"]),
    ) {
        let stream = stream().replace('\n', ends);
        let stream = stream.as_bytes();
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        at.extend([0, stream.len()]);
        at.sort_unstable();
        let cut = decode(at.windows(2).map(|pair| &stream[pair[0]..pair[1]]));
        prop_assert_eq!(cut, decode([stream]));
    }
}
