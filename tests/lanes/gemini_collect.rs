//! What a client of Gemini makes of an answer, whole or in pieces.

use crate::streamed::{Collected, neutral_finish};
use serde_json::{Value, json};

/// Takes an answer object, or a piece of one.
pub(crate) fn piece(answer: &Value, into: &mut Collected) {
    into.error |= !answer["error"].is_null();
    let usage = &answer["usageMetadata"];
    let count = |name: &str| usage[name].as_u64().unwrap_or(0);
    if usage["promptTokenCount"].is_u64() {
        into.input = Some(count("promptTokenCount") + count("toolUsePromptTokenCount"));
        into.output = Some(count("candidatesTokenCount") + count("thoughtsTokenCount"));
    }
    if !answer["promptFeedback"]["blockReason"].is_null() {
        into.finish = Some("refusal".into());
    }
    for candidate in answer["candidates"].as_array().into_iter().flatten() {
        if candidate["index"].as_u64().unwrap_or(0) != 0 {
            continue;
        }
        for part in candidate["content"]["parts"].as_array().into_iter().flatten() {
            let text = part["text"].as_str().unwrap_or_default();
            if part["thought"] == true {
                into.thinking.push_str(text);
            } else {
                into.text.push_str(text);
            }
            into.signatures.extend(part["thoughtSignature"].as_str().map(str::to_owned));
            let call = &part["functionCall"];
            if let Some(name) = call["name"].as_str() {
                let id = call["id"].as_str().unwrap_or_default().to_owned();
                let args = if call["args"].is_null() { json!({}) } else { call["args"].clone() };
                into.calls.push((id, name.to_owned(), args));
            }
        }
        if !candidate["finishReason"].is_null() {
            let reason = match &candidate["finishReason"] {
                Value::String(word) => word.to_ascii_lowercase(),
                number => if *number == 2 { "length" } else { "stop" }.to_owned(),
            };
            into.finish = Some(match &*reason {
                "safety" | "model_armor" | "recitation" => "refusal".to_owned(),
                reason => neutral_finish(reason).to_owned(),
            });
            into.over = true;
        }
    }
}
