//! OpenAI's Responses against the recorded exchanges, as clients and as providers.

use crate::feed::run;
use crate::recorded::{answers, requests};
use crate::streamed::{Calls, Collected, FREE, arguments};
use proptest::prelude::*;
use serde_json::{Value, json};
use tollgate::chat::Event;
use tollgate::dialect::Dialect::{Anthropic, Ollama, OpenaiChat, OpenaiResponses};
use tollgate::dialect::codec::{StreamDecoder, StreamEncoder};
use tollgate::dialect::lane::{AnswerPlan, Stream};

/// What a client makes of an event.
pub(crate) fn take(event: &Value, into: &mut Collected, calls: &mut Calls) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let index = (event["output_index"].as_u64().unwrap_or(0), String::new());
    match event["type"].as_str().unwrap_or_default() {
        "error" | "response.failed" => into.error = true,
        "response.output_text.delta" | "response.refusal.delta" => into.text.push_str(&text(&event["delta"])),
        "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" => {
            into.thinking.push_str(&text(&event["delta"]));
        }
        "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta" => {
            if let Some(call) = calls.get_mut(&index) {
                call.2.push_str(&text(&event["delta"]));
            }
        }
        // The parts of a thought are one thought to the others.
        "response.reasoning_summary_part.added" if event["summary_index"].as_u64() > Some(0) => {
            into.thinking.push_str("\n\n");
        }
        "response.output_item.added" if event["item"]["type"] == "function_call" => {
            let item = &event["item"];
            calls.insert(index, (text(&item["call_id"]), text(&item["name"]), String::new()));
        }
        "response.output_item.added" if event["item"]["type"] == "custom_tool_call" => {
            let item = &event["item"];
            calls.insert(index, (text(&item["call_id"]), text(&item["name"]), FREE.to_string()));
        }
        "response.output_item.done" => {
            let item = &event["item"];
            let content = item["encrypted_content"].as_str().filter(|content| !content.is_empty());
            if let Some(content) = content.filter(|_| item["type"] == "reasoning") {
                into.signatures.push(unmarked(content));
            }
            // Some only send the whole item.
            if item["type"] == "function_call" && calls.get(&index).is_none_or(|call| call.2.is_empty()) {
                let call = (text(&item["call_id"]), text(&item["name"]), text(&item["arguments"]));
                calls.insert(index, call);
            }
        }
        "response.completed" | "response.incomplete" => {
            into.over = true;
            let response = &event["response"];
            into.finish = Some(responses_finish(response).to_owned());
            into.input = response["usage"]["input_tokens"].as_u64();
            into.output = response["usage"]["output_tokens"].as_u64();
        }
        _ => {}
    }
}

/// A signature without the mark that says whose it is.
fn unmarked(content: &str) -> String {
    content
        .strip_prefix("tollgate1:")
        .and_then(|rest| rest.splitn(3, ':').nth(2))
        .unwrap_or(content)
        .to_owned()
}

fn responses_finish(response: &Value) -> &'static str {
    let output = || response["output"].as_array().into_iter().flatten();
    match response["incomplete_details"]["reason"].as_str() {
        Some("max_output_tokens") => "length",
        Some("content_filter") => "refusal",
        _ if output().any(|item| item["type"] == "function_call" || item["type"] == "custom_tool_call") => {
            "tools"
        }
        _ if output().any(|item| item["content"][0]["type"] == "refusal") => "refusal",
        _ => "stop",
    }
}

/// What a client makes of a whole answer.
pub(crate) fn of_answer(answer: &Value, collected: &mut Collected) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    for item in answer["output"].as_array().into_iter().flatten() {
        match item["type"].as_str().unwrap_or_default() {
            "message" => {
                for part in item["content"].as_array().into_iter().flatten() {
                    collected.text.push_str(&(text(&part["text"]) + &text(&part["refusal"])));
                }
            }
            "reasoning" => {
                let full = item["content"].as_array().filter(|parts| !parts.is_empty());
                let parts = full.or(item["summary"].as_array());
                let parts: Vec<String> =
                    parts.into_iter().flatten().map(|part| text(&part["text"])).collect();
                collected.thinking.push_str(&parts.join("\n\n"));
                let content = item["encrypted_content"].as_str().filter(|content| !content.is_empty());
                collected.signatures.extend(content.map(unmarked));
            }
            "function_call" => collected.calls.push((
                text(&item["call_id"]),
                text(&item["name"]),
                arguments(&text(&item["arguments"])),
            )),
            "custom_tool_call" => collected.calls.push((
                text(&item["call_id"]),
                text(&item["name"]),
                json!({"input": item["input"]}),
            )),
            _ => {}
        }
    }
    collected.finish = Some(responses_finish(answer).to_owned());
    collected.input = answer["usage"]["input_tokens"].as_u64();
    collected.output = answer["usage"]["output_tokens"].as_u64();
}

#[test]
fn responses_requests_reach_the_others() {
    requests(OpenaiResponses, OpenaiChat, "gpt-5", 300);
    requests(OpenaiResponses, Anthropic, "claude-sonnet-4-5", 300);
    requests(OpenaiResponses, Ollama, "qwen3", 300);
}

#[test]
fn requests_of_the_others_reach_responses() {
    requests(OpenaiChat, OpenaiResponses, "gpt-5", 200);
    requests(Anthropic, OpenaiResponses, "gpt-5", 200);
}

#[test]
fn responses_answers_reach_the_others() {
    answers(OpenaiResponses, OpenaiChat, 200);
    answers(OpenaiResponses, Anthropic, 200);
    answers(OpenaiResponses, Ollama, 200);
}

#[test]
fn answers_of_the_others_reach_responses() {
    answers(OpenaiChat, OpenaiResponses, 400);
    answers(Anthropic, OpenaiResponses, 100);
}

const PIECES: &[&str] = &[
    ": keep-alive\n\n",
    "event: response.created\ndata: {\"type\":\"response.created\",\"sequence_number\":0,\"response\":{\"id\":\"resp_1\",\"model\":\"m\",\"created_at\":7.0}}\r\n\r\n",
    "data:{\"type\":\"response.output_item.added\",\"output_index\":0,\"item\":{\"type\":\"reasoning\",\"id\":\"rs_1\",\"summary\":[]}}\r\r",
    "event: response.reasoning_summary_text.delta\ndata: {\"type\":\"response.reasoning_summary_text.delta\",\"output_index\":0,\"summary_index\":0,\"delta\":\"h\\u00e9 \\\"q\\\"\"}\n\n",
    "event: response.output_item.done\ndata: {\"type\":\"response.output_item.done\",\"output_index\":0,\"item\":{\"type\":\"reasoning\",\"id\":\"rs_1\",\"summary\":[{\"type\":\"summary_text\",\"text\":\"h\\u00e9 \\\"q\\\"\"}],\"encrypted_content\":\"gAAA\"}}\n\n",
    "event: response.output_item.added\ndata: {\"type\":\"response.output_item.added\",\"output_index\":1,\"item\":{\"type\":\"message\",\"id\":\"msg_1\",\"role\":\"assistant\",\"content\":[]}}\n\n",
    "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"output_index\":1,\"content_index\":0,\"delta\":\"\u{e9}\u{1f600} \\n\",\"logprobs\":[{\"token\":\"x\",\"logprob\":-0.5}]}\n\n",
    "event: response.refusal.delta\ndata: {\"type\":\"response.refusal.delta\",\"output_index\":1,\"content_index\":1,\"delta\":\"no\"}\n\n",
    "event: response.output_item.done\ndata: {\"type\":\"response.output_item.done\",\"output_index\":1,\"item\":{\"type\":\"message\",\"id\":\"msg_1\",\"role\":\"assistant\",\"content\":[{\"type\":\"output_text\",\"text\":\"\u{e9}\u{1f600} \\n\",\"annotations\":[]}]}}\n\n",
    "event: response.output_item.added\ndata: {\"type\":\"response.output_item.added\",\"output_index\":2,\"item\":{\"type\":\"function_call\",\"id\":\"fc_1\",\"call_id\":\"c1\",\"name\":\"f\",\"arguments\":\"\"}}\n\n",
    "event: response.output_item.done\ndata: {\"type\":\"response.output_item.done\",\"output_index\":3,\"item\":{\"type\":\"function_call\",\"id\":\"fc_2\",\"call_id\":\"c2\",\"name\":\"g\",\"arguments\":\"{}\"}}\n\n",
    "event: response.function_call_arguments.delta\ndata: {\"type\":\"response.function_call_arguments.delta\",\"output_index\":2,\"delta\":\"{\\\"x\\\":1}\"}\n\n",
    "event: response.shell_call_command.delta\ndata: {\"type\":\"response.shell_call_command.delta\",\"output_index\":4,\"delta\":{\"x\":1}}\n\n",
    "event: response.output_item.done\ndata: {\"type\":\"response.output_item.done\",\"output_index\":2,\"item\":{\"type\":\"function_call\",\"id\":\"fc_1\",\"call_id\":\"c1\",\"name\":\"f\",\"arguments\":\"{\\\"x\\\":1}\"}}\n\n",
    "event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"id\":\"resp_1\",\"status\":\"completed\",\"output\":[],\"usage\":{\"input_tokens\":5,\"output_tokens\":6}}}\n\n",
    "event: error\ndata: {\"type\":\"error\",\"code\":\"server_error\",\"message\":\"no capacity\"}\n\n",
    "event: response.failed\ndata: {\"type\":\"response.failed\",\"response\":{\"status\":\"failed\",\"error\":{\"code\":\"server_error\",\"message\":\"x\"}}}\n\n",
    "data: {\"broken\n\n",
];

fn cut(plan: &AnswerPlan, stream: &[u8], cuts: &[usize]) -> String {
    let mut lane = Stream::new(plan);
    let mut out = Vec::new();
    let mut from = 0;
    for to in cuts.iter().copied().chain([stream.len()]) {
        lane.push(&stream[from..to], &mut out);
        from = to;
    }
    lane.end(&mut out);
    String::from_utf8(out).expect("text")
}

#[test]
fn every_single_split_of_the_hard_pieces_is_the_same() {
    let stream = PIECES[..15].concat().into_bytes();
    for client in [OpenaiChat, Anthropic, Ollama] {
        let plan = AnswerPlan::new(client, OpenaiResponses, true, true);
        let whole = run(&plan, &stream, stream.len()).0;
        assert_eq!(run(&plan, &stream, 1).0, whole);
        for at in 0..stream.len() {
            assert_eq!(cut(&plan, &stream, &[at]), whole, "cut at {at}");
        }
        assert!(whole.contains("c1") && whole.contains("c2") && !whole.contains("error"), "{whole}");
    }
}

proptest! {
    #[test]
    fn any_order_of_events_cut_anywhere_is_the_same(
        picks in prop::collection::vec(any::<prop::sample::Index>(), 0..24),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let stream: String = picks.iter().map(|pick| PIECES[pick.index(PIECES.len())]).collect();
        let stream = stream.into_bytes();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        cuts.sort_unstable();
        let plan = AnswerPlan::new(Anthropic, OpenaiResponses, true, true);
        prop_assert_eq!(cut(&plan, &stream, &cuts), run(&plan, &stream, stream.len()).0);
    }

    /// Whatever a provider says in whatever order, the client's stream has its form.
    #[test]
    fn what_clients_get_is_always_well_formed(
        picks in prop::collection::vec(any::<prop::sample::Index>(), 0..24),
    ) {
        let stream: String = picks.iter().map(|pick| PIECES[pick.index(PIECES.len())]).collect();
        let plan = AnswerPlan::new(OpenaiResponses, OpenaiResponses, true, true);
        let (mut decoder, mut encoder) =
            (StreamDecoder::new(OpenaiResponses), StreamEncoder::new(&plan));
        let (mut out, mut over) = (Vec::new(), false);
        let mut take = |event: Event<'_>| {
            over |= matches!(event, Event::End | Event::Error(_));
            encoder.event(&event, &mut out);
        };
        decoder.push(stream.as_bytes(), &mut take);
        decoder.end(&mut take);
        let out = String::from_utf8(out).unwrap();
        if over {
            prop_assert_eq!(crate::responses_roundtrip::ill_formed(&out), None, "{}", out);
        }
    }
}
