//! Streams whose blocks are filled side by side, told apart by their numbers.

use crate::feed::run;
use serde_json::{Value, json};
use tollgate::dialect::Dialect::{self, Anthropic, Bedrock, Cohere, OpenaiChat};
use tollgate::dialect::lane::AnswerPlan;
use tollgate::wire::eventstream::write_frame;

/// What happens to a block.
enum Step {
    /// A call begins.
    Call(u32),
    /// A text begins.
    Text(u32),
    /// More of either.
    More(u32, &'static str),
    End(u32),
}

use Step::{Call, End, More, Text};

/// Two calls and a text, begun before one of them was complete.
const STEPS: [Step; 13] = [
    Call(0),
    Call(1),
    More(1, "{\"b\""),
    More(0, "{\"a\""),
    Text(2),
    More(1, ":2}"),
    More(2, "and "),
    End(1),
    More(0, ":1}"),
    End(0),
    More(2, "so"),
    More(2, " on"),
    End(2),
];

fn sse(events: impl IntoIterator<Item = Value>) -> Vec<u8> {
    let frame = |event: Value| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap());
    events.into_iter().map(frame).collect::<String>().into_bytes()
}

fn anthropic() -> Vec<u8> {
    let block = |step: &Step| match step {
        Call(at) => json!({"type": "content_block_start", "index": at,
            "content_block": {"type": "tool_use", "id": format!("id{at}"), "name": format!("f{at}"), "input": {}}}),
        Text(at) => {
            json!({"type": "content_block_start", "index": at, "content_block": {"type": "text", "text": ""}})
        }
        More(2, text) => json!({"type": "content_block_delta", "index": 2,
            "delta": {"type": "text_delta", "text": text}}),
        More(at, text) => json!({"type": "content_block_delta", "index": at,
            "delta": {"type": "input_json_delta", "partial_json": text}}),
        End(at) => json!({"type": "content_block_stop", "index": at}),
    };
    let message = json!({"id": "m", "type": "message", "role": "assistant", "model": "c", "content": [],
        "usage": {"input_tokens": 1, "output_tokens": 1}});
    let end =
        json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 2}});
    let start = [json!({"type": "message_start", "message": message})];
    sse(start.into_iter().chain(STEPS.iter().map(block)).chain([end, json!({"type": "message_stop"})]))
}

fn cohere() -> Vec<u8> {
    let block = |step: &Step| {
        let (kind, index, message) = match step {
            Call(at) => {
                let function = json!({"name": format!("f{at}"), "arguments": ""});
                let call = json!({"id": format!("id{at}"), "type": "function", "function": function});
                ("tool-call-start", *at, json!({"tool_calls": call}))
            }
            Text(_) => ("content-start", 0, json!({"content": {"type": "text", "text": ""}})),
            More(2, text) => ("content-delta", 0, json!({"content": {"text": text}})),
            More(at, text) => {
                ("tool-call-delta", *at, json!({"tool_calls": {"function": {"arguments": text}}}))
            }
            End(2) => return json!({"type": "content-end", "index": 0}),
            End(at) => return json!({"type": "tool-call-end", "index": at}),
        };
        json!({"type": kind, "index": index, "delta": {"message": message}})
    };
    let start = [json!({"type": "message-start", "id": "m", "delta": {"message": {"role": "assistant"}}})];
    let end = json!({"type": "message-end", "delta": {"finish_reason": "TOOL_CALL"}});
    sse(start.into_iter().chain(STEPS.iter().map(block)).chain([end]))
}

fn bedrock() -> Vec<u8> {
    let mut out = Vec::new();
    let mut frame = |name: &str, payload: Value| {
        let headers = [(":event-type", name), (":message-type", "event")];
        write_frame(&headers, payload.to_string().as_bytes(), &mut out);
    };
    frame("messageStart", json!({"role": "assistant"}));
    for step in &STEPS {
        match step {
            Call(at) => {
                let call = json!({"toolUse": {"toolUseId": format!("id{at}"), "name": format!("f{at}")}});
                frame("contentBlockStart", json!({"contentBlockIndex": at, "start": call}));
            }
            // A text begins with its first words.
            Text(_) => {}
            More(2, text) => {
                frame("contentBlockDelta", json!({"contentBlockIndex": 2, "delta": {"text": text}}));
            }
            More(at, text) => {
                let delta = json!({"toolUse": {"input": text}});
                frame("contentBlockDelta", json!({"contentBlockIndex": at, "delta": delta}));
            }
            End(at) => frame("contentBlockStop", json!({"contentBlockIndex": at})),
        }
    }
    frame("messageStop", json!({"stopReason": "tool_use"}));
    frame("metadata", json!({"usage": {"inputTokens": 1, "outputTokens": 2, "totalTokens": 3}}));
    out
}

/// The calls by their index, and the text.
fn said(provider: Dialect, stream: &[u8], size: usize) -> (Vec<(String, String)>, String) {
    let plan = AnswerPlan::new(OpenaiChat, provider, true, false);
    let (out, _) = run(&plan, stream, size);
    let (mut calls, mut text): (Vec<(String, String)>, String) = Default::default();
    for data in out.lines().filter_map(|line| line.strip_prefix("data: {")) {
        let chunk: Value = serde_json::from_str(&format!("{{{data}")).unwrap();
        let delta = &chunk["choices"][0]["delta"];
        text.push_str(delta["content"].as_str().unwrap_or_default());
        for call in delta["tool_calls"].as_array().into_iter().flatten() {
            if let Some(name) = call["function"]["name"].as_str() {
                calls.push((format!("{} {name}", call["id"].as_str().unwrap()), String::new()));
            }
            let at = usize::try_from(call["index"].as_u64().unwrap()).unwrap();
            calls[at].1.push_str(call["function"]["arguments"].as_str().unwrap_or_default());
        }
    }
    (calls, text)
}

#[test]
fn each_block_keeps_what_is_its_own() {
    let call = |name: &str, arguments: &str| (name.to_owned(), arguments.to_owned());
    let wanted = (vec![call("id0 f0", "{\"a\":1}"), call("id1 f1", "{\"b\":2}")], "and so on".to_owned());
    for (provider, stream) in [(Anthropic, anthropic()), (Cohere, cohere()), (Bedrock, bedrock())] {
        for size in [1, 7, stream.len()] {
            assert_eq!(said(provider, &stream, size), wanted, "{provider:?}, {size} bytes at a time");
        }
    }
}
