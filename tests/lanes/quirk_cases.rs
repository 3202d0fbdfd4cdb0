//! Providers of the OpenAI dialect that are not OpenAI: an Anthropic client's request in each one's way.

use serde_json::{Value, json};
use tollgate::dialect::Call;
use tollgate::dialect::Dialect::{Anthropic, OpenaiChat};
use tollgate::dialect::lane::{self, Ask, Edit};
use tollgate::provider::{Quirks, ReasoningSwitch, Replay};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn sent(quirks: &Quirks, body: &Value) -> (Value, Vec<String>) {
    let ask = Ask {
        model: "model-x",
        params: &[],
        max_tokens: None,
        default_max_tokens: 4096,
        drop_params: true,
        quirks,
    };
    let outgoing =
        lane::request(&Call::chat(Anthropic), OpenaiChat, body.to_string().as_bytes(), &ask).unwrap();
    let Edit::Replace(out) = outgoing.edit else { panic!("not translated") };
    (serde_json::from_slice(&out).unwrap(), outgoing.warnings)
}

fn conversation() -> Value {
    json!({"model": "m", "max_tokens": 9, "stream": true,
    "thinking": {"type": "enabled", "budget_tokens": 2000},
    "system": [{"type": "text", "text": "A", "cache_control": {"type": "ephemeral"}}, {"type": "text", "text": "B"}],
    "tools": [{"name": "f", "input_schema": {"type": "object"}}],
    "tool_choice": {"type": "any"},
    "messages": [
        {"role": "user", "content": "one"},
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "old", "signature": "S0"}, {"type": "text", "text": "ok"}]},
        {"role": "user", "content": "two"},
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "new", "signature": "S1"},
            {"type": "tool_use", "id": "toolu_012345", "name": "f", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_012345", "content": "r"}]},
    ]})
}

#[test]
fn deepseek_gets_the_reasoning_of_this_turn_only() {
    let quirks = Quirks {
        replay: Replay::SinceLastUser,
        reasoning: ReasoningSwitch::Switch,
        text_parts: false,
        ..Quirks::COMPATIBLE
    };
    let (out, _) = sent(&quirks, &conversation());
    assert_eq!(out["messages"][0], json!({"role": "system", "content": "A\nB"}));
    assert!(out["messages"][2]["reasoning_content"].is_null());
    assert_eq!(out["messages"][4]["reasoning_content"], "new");
    assert_eq!(out["thinking"], json!({"type": "enabled"}));
    assert_eq!(out["max_tokens"], 9);
    assert_eq!(out["stream_options"], json!({"include_usage": true}));
}

#[test]
fn litellm_gets_blocks_with_their_signatures() {
    let quirks = Quirks {
        replay: Replay::Blocks,
        reasoning: ReasoningSwitch::Thinking,
        cache_control: true,
        ..Quirks::OPENAI
    };
    let (out, warnings) = sent(&quirks, &conversation());
    assert_eq!(out["messages"][0]["content"][0]["cache_control"]["type"], "ephemeral");
    assert_eq!(
        out["messages"][4]["thinking_blocks"],
        json!([{"type": "thinking", "thinking": "new", "signature": "S1"}])
    );
    assert_eq!(out["thinking"], json!({"type": "enabled", "budget_tokens": 2000}));
    assert!(warnings.is_empty(), "{warnings:?}");
}

#[test]
fn openrouter_is_asked_in_its_own_way() {
    let quirks =
        Quirks { replay: Replay::Reasoning, reasoning: ReasoningSwitch::Object, ..Quirks::COMPATIBLE };
    let (out, _) = sent(&quirks, &conversation());
    assert_eq!(out["reasoning"], json!({"max_tokens": 2000}));
    assert_eq!(out["messages"][2]["reasoning"], "old");
}

#[test]
fn mistral_gets_its_ids_and_words() {
    let quirks = Quirks {
        mistral_tools: true,
        stream_options: false,
        reasoning: ReasoningSwitch::None,
        prefill: Some("prefix"),
        refused: &["user"],
        ..Quirks::COMPATIBLE
    };
    let mut body = conversation();
    body["metadata"] = json!({"user_id": "u"});
    let (out, warnings) = sent(&quirks, &body);
    let id = out["messages"][4]["tool_calls"][0]["id"].as_str().unwrap();
    assert!(id.len() == 9 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{id}");
    assert_eq!(out["messages"][5]["tool_call_id"], id);
    assert_eq!(out["tool_choice"], "any");
    assert!(out["stream_options"].is_null() && out["user"].is_null());
    for lost in ["thinking", "user"] {
        assert!(warnings.iter().any(|warning| warning.contains(lost)), "{warnings:?}");
    }

    let prefill = json!({"model": "m", "max_tokens": 9, "messages": [
        {"role": "user", "content": "count"}, {"role": "assistant", "content": "one, "}]});
    assert_eq!(sent(&quirks, &prefill).0["messages"][1]["prefix"], true);
}
