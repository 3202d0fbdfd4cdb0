//! OpenAI's Responses against the recorded exchanges, as clients and as providers.

use crate::recorded::{answers, requests};
use crate::streamed::{Calls, Collected, arguments, streams};
use serde_json::Value;
use tollgate::dialect::Dialect::{Anthropic, Ollama, OpenaiChat, OpenaiResponses};

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
        "response.function_call_arguments.delta" => {
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
        _ if output().any(|item| item["type"] == "function_call") => "tools",
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

#[test]
fn responses_streams_reach_the_others() {
    streams(OpenaiResponses, OpenaiChat, 80);
    streams(OpenaiResponses, Anthropic, 80);
}

#[test]
fn streams_of_the_others_reach_responses_clients() {
    streams(OpenaiChat, OpenaiResponses, 50);
    streams(Anthropic, OpenaiResponses, 50);
}
