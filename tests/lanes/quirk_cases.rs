//! Providers of the OpenAI dialect that are not OpenAI: an Anthropic client's request in each one's way.

use serde_json::{Value, json};
use tollgate::dialect::Call;
use tollgate::dialect::Dialect::{Anthropic, OpenaiChat};
use tollgate::dialect::lane::{self, Ask, Edit};
use tollgate::provider::{Quirks, ReasoningSwitch, Replay};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn sent(quirks: &Quirks, body: &Value) -> (Value, Vec<String>) {
    let ask = Ask::new("model-x", quirks);
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

/// A turn with tools, and one without; no reasoning of it is known.
fn tools_then_words() -> Value {
    json!({"model": "m", "tool_choice": "required",
    "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
    "messages": [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "b"},
        {"role": "user", "content": "c"},
        {"role": "assistant", "content": null, "tool_calls": [
            {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "call_1", "content": "r"},
        {"role": "assistant", "content": "d"},
        {"role": "user", "content": "e"},
    ]})
}

#[test]
fn models_that_think_unless_told_otherwise_get_the_reasoning_of_every_turn_with_tools() {
    for (preset, model) in [("deepseek", "deepseek-v4-pro"), ("moonshot", "kimi-k2.5")] {
        let quirks = tollgate::provider::preset(preset).unwrap().quirks;
        let mut body = tools_then_words();
        let (out, warnings) = passed_to(model, &quirks, &body);
        assert!(out["messages"][1]["reasoning_content"].is_null());
        assert_eq!(out["messages"][3]["reasoning_content"], "");
        assert_eq!(out["messages"][5]["reasoning_content"], "");
        assert!(out["tool_choice"].is_null() && warnings.iter().any(|w| w.contains("tool_choice")));
        // What the client has of it stays.
        body["messages"][3]["reasoning_content"] = json!("because");
        body["messages"][5]["reasoning_content"] = json!("and so");
        let (out, _) = passed_to(model, &quirks, &body);
        assert_eq!(out["messages"][3], body["messages"][3]);
        assert_eq!(out["messages"][5], body["messages"][5]);
        // Without thinking none is missed, and any tool may be chosen.
        let mut body = tools_then_words();
        body["thinking"] = json!({"type": "disabled"});
        let (out, warnings) = passed_to(model, &quirks, &body);
        assert_eq!((&out["messages"], &out["tool_choice"]), (&body["messages"], &json!("required")));
        assert!(warnings.is_empty(), "{warnings:?}");
    }
    let quirks = tollgate::provider::preset("deepseek").unwrap().quirks;
    let (out, _) = passed_to("deepseek-reasoner", &quirks, &tools_then_words());
    assert_eq!(out, {
        let mut same = tools_then_words();
        same["model"] = json!("deepseek-reasoner");
        same
    });
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

#[test]
fn mistral_gets_nobody_but_the_assistant_after_a_tool() {
    let quirks = tollgate::provider::preset("mistral").unwrap().quirks;
    let mut body = conversation();
    body["messages"][4]["content"].as_array_mut().unwrap().push(json!({"type": "text", "text": "reminder"}));
    let (out, warnings) = sent(&quirks, &body);
    let roles = |out: &Value| -> Vec<String> {
        let of = |message: &Value| message["role"].as_str().unwrap().to_owned();
        out["messages"].as_array().unwrap().iter().map(of).collect()
    };
    assert_eq!(roles(&out)[4..], ["assistant", "tool", "assistant", "user"]);
    assert!(warnings.iter().any(|warning| warning.contains("between")), "{warnings:?}");

    let mut own = tools_then_words();
    own["messages"].as_array_mut().unwrap().remove(5);
    let (out, _) = passed(&quirks, &own);
    assert_eq!(roles(&out)[3..], ["assistant", "tool", "assistant", "user"]);
    let (out, _) = passed(&quirks, &tools_then_words());
    assert_eq!(roles(&out)[3..], ["assistant", "tool", "assistant", "user"]);
    assert_eq!(out["messages"][5]["content"], "d");
}

#[test]
fn mistral_gets_no_field_of_a_message_that_it_does_not_know() {
    let quirks = tollgate::provider::preset("mistral").unwrap().quirks;
    let body = json!({"model": "m", "safety_identifier": "s", "messages": [
        {"role": "user", "content": "a", "name": "ann"},
        {"role": "assistant", "content": "b", "refusal": null, "annotations": [], "reasoning_content": "t",
            "metadata": {"k": "v"}},
        {"role": "user", "content": "c"},
        {"role": "assistant", "content": null, "refusal": "no"},
        {"role": "user", "content": "d"},
        {"role": "assistant", "content": "{", "prefix": true},
    ]});
    let (out, warnings) = passed(&quirks, &body);
    let clean = json!({"model": "m", "messages": [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "b"},
        {"role": "user", "content": "c"},
        {"role": "assistant", "content": "no"},
        {"role": "user", "content": "d"},
        {"role": "assistant", "content": "{", "prefix": true},
    ]});
    assert_eq!(out, clean);
    for lost in ["safety_identifier", "messages[0].name", "messages[1].metadata", "thinking"] {
        assert!(warnings.iter().any(|warning| warning.contains(lost)), "{lost}: {warnings:?}");
    }
    assert!(!warnings.iter().any(|warning| warning.contains("annotations")), "{warnings:?}");
}

/// What a client of the dialect's own sends, and what reaches the provider.
fn passed(quirks: &Quirks, body: &Value) -> (Value, Vec<String>) {
    passed_to("m", quirks, body)
}

fn passed_to(model: &str, quirks: &Quirks, body: &Value) -> (Value, Vec<String>) {
    let ask = Ask::new(model, quirks);
    let text = body.to_string();
    let outgoing = lane::request(&Call::chat(OpenaiChat), OpenaiChat, text.as_bytes(), &ask).unwrap();
    let sent = match outgoing.edit {
        Edit::Keep => text.into_bytes(),
        Edit::Prefix { drop, insert } => [&insert[..], &text.as_bytes()[drop..]].concat(),
        Edit::Replace(sent) => sent,
    };
    (serde_json::from_slice(&sent).unwrap(), outgoing.warnings)
}

#[test]
fn who_speaks_and_how_many_answers_are_said_where_they_may_be() {
    let body = |messages: Value, n: u64| json!({"model": "m", "n": n, "messages": messages});
    let named = json!([{"role": "user", "content": "a", "name": "ann"}]);
    let result = json!([
        {"role": "assistant", "content": null, "tool_calls": [
            {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "c", "name": "f", "content": "r"},
    ]);
    let quirks = Quirks { names: false, choices: false, ..Quirks::OPENAI };
    let (sent, warnings) = passed(&quirks, &body(named.clone(), 2));
    assert_eq!(sent["messages"], json!([{"role": "user", "content": "a"}]));
    assert!(sent["n"].is_null() && warnings.len() == 2, "{sent} {warnings:?}");
    // Nothing else is touched.
    let (sent, warnings) = passed(&quirks, &body(result.clone(), 1));
    assert_eq!((sent, warnings.len()), (body(result, 1), 0));
    assert_eq!(passed(&Quirks::OPENAI, &body(named.clone(), 2)), (body(named, 2), vec![]));
}

#[test]
fn a_seed_has_the_providers_name() {
    let quirks = Quirks { seed: "random_seed", ..Quirks::OPENAI };
    let body = json!({"model": "m", "seed": 7, "messages": []});
    let (sent, _) = passed(&quirks, &body);
    assert_eq!((&sent["random_seed"], &sent["seed"]), (&json!(7), &Value::Null));
    let both = json!({"model": "m", "seed": 7, "random_seed": 8, "messages": []});
    assert_eq!(passed(&quirks, &both).0["random_seed"], 8);
}
