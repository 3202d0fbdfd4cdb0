//! Streams, both ways.

use super::*;
use crate::chat::{Event, Failure, FinishReason, PartStart};
use crate::dialect::Dialect;
use crate::dialect::lane::AnswerPlan;
use crate::wire::eventstream::{Framer, write_frame};
use serde_json::{Value, json};

/// Frames of events, each by its name and payload.
fn frames(events: &[(&str, Value)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, payload) in events {
        let headers = if name.ends_with("Exception") {
            [
                (":exception-type", *name),
                (":content-type", "application/json"),
                (":message-type", "exception"),
            ]
        } else {
            [(":event-type", *name), (":content-type", "application/json"), (":message-type", "event")]
        };
        write_frame(&headers, payload.to_string().as_bytes(), &mut out);
    }
    out
}

fn read(bytes: &[u8]) -> Vec<(String, Value)> {
    let mut framer = Framer::default();
    let mut rest = bytes;
    let mut seen = Vec::new();
    while let Some(frame) = framer.next(&mut rest).unwrap() {
        let name = frame.header(":event-type").or(frame.header(":exception-type")).unwrap();
        seen.push((name.to_owned(), serde_json::from_slice(frame.payload).unwrap()));
    }
    assert!(!framer.is_cut());
    seen
}

fn events<'c>(chunks: impl IntoIterator<Item = &'c [u8]>) -> Vec<String> {
    let mut decoder = StreamDecoder::new();
    let mut seen = Vec::new();
    let mut sink = |event: Event<'_>| seen.push(format!("{event:?}"));
    for chunk in chunks {
        decoder.push(chunk, &mut sink);
    }
    decoder.end(&mut sink);
    seen
}

fn again(bytes: &[u8]) -> Vec<(String, Value)> {
    let plan = AnswerPlan::new(Dialect::Bedrock, Dialect::Bedrock, true, false);
    let (mut decoder, mut encoder, mut out) = (StreamDecoder::new(), StreamEncoder::new(&plan), Vec::new());
    decoder.push(bytes, &mut |event: Event<'_>| encoder.event(&event, &mut out));
    read(&out)
}

fn whole() -> Vec<(&'static str, Value)> {
    vec![
        ("messageStart", json!({"role": "assistant"})),
        ("contentBlockDelta", json!({"delta": {"reasoningContent": {"text": "hm"}}, "contentBlockIndex": 0})),
        (
            "contentBlockDelta",
            json!({"delta": {"reasoningContent": {"signature": "sig"}}, "contentBlockIndex": 0}),
        ),
        ("contentBlockStop", json!({"contentBlockIndex": 0})),
        (
            "contentBlockDelta",
            json!({"delta": {"reasoningContent": {"redactedContent": "AAEC"}}, "contentBlockIndex": 1}),
        ),
        ("contentBlockStop", json!({"contentBlockIndex": 1})),
        ("contentBlockDelta", json!({"delta": {"text": "hé"}, "contentBlockIndex": 2})),
        ("contentBlockStop", json!({"contentBlockIndex": 2})),
        (
            "contentBlockStart",
            json!({"start": {"toolUse": {"toolUseId": "t1", "name": "f"}}, "contentBlockIndex": 3}),
        ),
        ("contentBlockDelta", json!({"delta": {"toolUse": {"input": "{\"a\":"}}, "contentBlockIndex": 3})),
        ("contentBlockDelta", json!({"delta": {"toolUse": {"input": "1}"}}, "contentBlockIndex": 3})),
        ("contentBlockStop", json!({"contentBlockIndex": 3})),
        ("messageStop", json!({"stopReason": "tool_use"})),
        (
            "metadata",
            json!({"usage": {"inputTokens": 1, "outputTokens": 2, "totalTokens": 6, "cacheReadInputTokens": 3},
                "metrics": {"latencyMs": 0}}),
        ),
    ]
}

#[test]
fn what_is_read_is_written_again() {
    let expected: Vec<(String, Value)> =
        whole().into_iter().map(|(name, data)| (name.to_owned(), data)).collect();
    assert_eq!(again(&frames(&whole())), expected);
}

#[test]
fn a_proof_in_pieces_is_one() {
    let added = |index: u32, reasoning: Value| {
        ("contentBlockDelta", json!({"delta": {"reasoningContent": reasoning}, "contentBlockIndex": index}))
    };
    let stopped = |index: u32| ("contentBlockStop", json!({"contentBlockIndex": index}));
    let bytes = frames(&[
        ("messageStart", json!({"role": "assistant"})),
        added(0, json!({"text": "hm"})),
        added(0, json!({"signature": "si"})),
        added(0, json!({"signature": "g"})),
        stopped(0),
        // Bytes, each piece of which is encoded by itself.
        added(1, json!({"redactedContent": "AAE="})),
        added(1, json!({"redactedContent": "AgM="})),
        stopped(1),
        added(2, json!({"redactedContent": "BA=="})),
        stopped(2),
        ("messageStop", json!({"stopReason": "end_turn"})),
    ]);
    let seen = events([&bytes[..]]).join("\n");
    assert!(seen.contains("Signature(\"sig\")"), "{seen}");
    let thoughts: Vec<&str> = seen.lines().filter(|line| line.contains("Redacted")).collect();
    assert!(
        thoughts.len() == 2 && thoughts[0].contains("AAECAw==") && thoughts[1].contains("BA=="),
        "{seen}"
    );
    assert_eq!(events(bytes.chunks(1)).join("\n"), seen);
}

#[test]
fn every_split_is_the_same() {
    let bytes = frames(&whole());
    let at_once = events([&bytes[..]]);
    assert_eq!(events(bytes.chunks(1)), at_once);
    for at in 0..bytes.len() {
        assert_eq!(events([&bytes[..at], &bytes[at..]]), at_once, "{at}");
    }
}

#[test]
fn a_call_without_arguments_has_empty_ones() {
    let seen = again(&frames(&[
        ("messageStart", json!({"role": "assistant"})),
        (
            "contentBlockStart",
            json!({"start": {"toolUse": {"toolUseId": "t", "name": "f"}}, "contentBlockIndex": 0}),
        ),
        ("contentBlockStop", json!({"contentBlockIndex": 0})),
        ("messageStop", json!({"stopReason": "end_turn"})),
        ("metadata", json!({"usage": {}, "metrics": {"latencyMs": 1}})),
    ]));
    assert_eq!(seen[2].1["delta"], json!({"toolUse": {"input": "{}"}}));
    assert_eq!(seen[4].1, json!({"stopReason": "tool_use"}));

    // Nor is it the decoders' business alone: OpenAI's providers say an empty string.
    let plan = AnswerPlan::new(Dialect::Bedrock, Dialect::OpenaiChat, true, false);
    let (mut encoder, mut out) = (StreamEncoder::new(&plan), Vec::new());
    let part = PartStart::ToolCall { id: "t".into(), name: "f".into() };
    for event in [Event::PartStart { choice: 0, part }, Event::PartStop { choice: 0 }, Event::End] {
        encoder.event(&event, &mut out);
    }
    let seen = read(&out);
    assert_eq!(seen[2].1["delta"], json!({"toolUse": {"input": "{}"}}));
    assert_eq!((&*seen[3].0, &seen[4].1), ("contentBlockStop", &json!({"stopReason": "tool_use"})));
}

#[test]
fn exceptions_end_the_stream() {
    for (name, status) in [
        ("throttlingException", 429),
        ("modelStreamErrorException", 500),
        ("validationException", 400),
        ("internalServerException", 500),
        ("serviceUnavailableException", 503),
        ("newException", 500),
    ] {
        let bytes = frames(&[
            ("contentBlockDelta", json!({"delta": {"text": "a"}, "contentBlockIndex": 0})),
            (name, json!({"message": "no more"})),
            ("metadata", json!({})),
        ]);
        let mut failures: Vec<Failure> = Vec::new();
        StreamDecoder::new().push(&bytes, &mut |event: Event<'_>| match event {
            Event::Error(failure) => failures.push(failure),
            Event::End => panic!("no end"),
            _ => {}
        });
        let [failure] = &failures[..] else { panic!("{failures:?}") };
        assert_eq!(
            (failure.status, &*failure.message, failure.code.as_deref()),
            (status, "no more", Some(name))
        );
    }
}

#[test]
fn what_is_no_event_stream_is_a_failure() {
    let seen = events([&br#"{"message":"this is JSON, not frames"}"#[..]]);
    assert!(seen.len() == 1 && seen[0].contains("malformed_answer"), "{seen:?}");
}

#[test]
fn an_error_becomes_an_exception() {
    let plan = AnswerPlan::new(Dialect::Bedrock, Dialect::OpenaiChat, true, false);
    let (mut encoder, mut out) = (StreamEncoder::new(&plan), Vec::new());
    encoder.event(&Event::Error(Failure::new(429, "slow down")), &mut out);
    encoder.event(&Event::End, &mut out);
    assert_eq!(read(&out), [("throttlingException".to_owned(), json!({"message": "slow down"}))]);
}

#[test]
fn the_stop_text_comes_with_the_models_own_fields() {
    let bytes = frames(&[(
        "messageStop",
        json!({"stopReason": "stop_sequence", "additionalModelResponseFields": {"stop_sequence": "END"}}),
    )]);
    let mut found = None;
    StreamDecoder::new().push(&bytes, &mut |event: Event<'_>| {
        if let Event::Finish { finish, .. } = event {
            found = Some((finish.reason, finish.stop_sequence.map(|text| text.to_str().into_owned())));
        }
    });
    assert_eq!(found, Some((FinishReason::StopSequence, Some("END".to_owned()))));
}

#[test]
fn an_empty_start_begins_a_text_and_a_call_ends_as_one() {
    let seen = events([&*frames(&[
        ("contentBlockStart", json!({"contentBlockIndex": 0, "start": {}})),
        ("contentBlockDelta", json!({"contentBlockIndex": 0, "delta": {"text": "hi"}})),
        (
            "contentBlockStart",
            json!({"contentBlockIndex": 1, "start": {"toolUse": {"toolUseId": "t", "name": "f"}}}),
        ),
        ("messageStop", json!({"stopReason": "end_turn"})),
    ])]);
    let seen = seen.join("\n");
    assert!(seen.contains("hi") && seen.contains("ToolCalls") && !seen.contains("Lost"), "{seen}");
}

#[test]
fn counts_without_a_stop_end_no_answer() {
    let seen = events([&*frames(&[
        ("contentBlockDelta", json!({"contentBlockIndex": 0, "delta": {"text": "half"}})),
        ("metadata", json!({"usage": {"inputTokens": 1, "outputTokens": 2}})),
    ])]);
    assert!(seen.last().unwrap().contains("broke off"), "{seen:?}");
    assert!(seen.iter().any(|event| event.starts_with("Usage")), "{seen:?}");
}
