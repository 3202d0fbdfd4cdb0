//! Hard cases of translation towards Anthropic, from what an OpenAI client says to what is sent.

use crate::chat::Failure;
use crate::dialect::lane::{Ask, Edit, Outgoing, request};
use crate::dialect::{Call, Dialect};
use crate::provider::Quirks;
use serde_json::{Value, json};

fn ask(model: &'static str) -> Ask<'static> {
    let quirks = Box::leak(Box::new(Quirks::default()));
    Ask::new(model, quirks)
}

fn try_send(ask: &Ask<'_>, body: &Value) -> Result<(Value, Outgoing), Failure> {
    let outgoing =
        request(&Call::chat(Dialect::OpenaiChat), Dialect::Anthropic, body.to_string().as_bytes(), ask)?;
    let Edit::Replace(sent) = &outgoing.edit else { panic!("a translated body replaces the client's") };
    Ok((serde_json::from_slice(sent).unwrap(), outgoing))
}

/// What Anthropic gets for these fields, and the warnings.
fn send_to(model: &'static str, body: &Value) -> (Value, Vec<String>) {
    let mut full = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
    for (key, value) in body.as_object().unwrap() {
        full[key] = value.clone();
    }
    let (sent, outgoing) = try_send(&ask(model), &full).unwrap();
    (sent, outgoing.warnings)
}

fn send(body: &Value) -> Value {
    send_to("claude-sonnet-4-5", body).0
}

fn messages(list: &Value) -> Value {
    send(&json!({"messages": list}))["messages"].clone()
}

fn call(id: &str) -> Value {
    json!({"id": id, "type": "function", "function": {"name": "f", "arguments": "{\"a\":1}"}})
}

fn text(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

fn tools() -> Value {
    json!([{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}])
}

#[test]
fn tool_results_and_what_the_user_adds_are_one_message_results_first() {
    let sent = messages(&json!([
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": null, "tool_calls": [call("a"), call("b")]},
        {"role": "tool", "tool_call_id": "a", "content": "1"},
        {"role": "tool", "tool_call_id": "b", "content": "2"},
        {"role": "user", "content": "so?"},
    ]));
    assert_eq!(
        sent,
        json!([
            {"role": "user", "content": [text("go")]},
            {"role": "assistant", "content": [
                {"type": "tool_use", "id": "a", "name": "f", "input": {"a": 1}},
                {"type": "tool_use", "id": "b", "name": "f", "input": {"a": 1}},
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "a", "content": "1"},
                {"type": "tool_result", "tool_use_id": "b", "content": "2"},
                text("so?"),
            ]},
        ])
    );
}

#[test]
fn instructions_go_to_the_system_field_in_order() {
    let (sent, warnings) = send_to(
        "claude-sonnet-4-5",
        &json!({"messages": [
            {"role": "system", "content": "S1"},
            {"role": "developer", "content": "D"},
            {"role": "user", "content": "a"},
            {"role": "system", "content": "S2"},
            {"role": "user", "content": "b"},
        ]}),
    );
    assert_eq!(sent["system"], json!([text("S1"), text("D"), text("S2")]));
    assert_eq!(sent["messages"], json!([{"role": "user", "content": [text("a"), text("b")]}]));
    assert_eq!(warnings, ["messages[3] moved into the leading system text"]);
}

#[test]
fn instructions_alone_become_the_users_words() {
    let sent = send(&json!({"messages": [{"role": "system", "content": "S"}]}));
    assert_eq!(
        (&sent["system"], &sent["messages"]),
        (&Value::Null, &json!([{"role": "user", "content": [text("S")]}]))
    );
}

#[test]
fn nothing_blank_is_sent() {
    for empty in [json!(""), json!(null), json!(" \n"), json!([{"type": "text", "text": ""}])] {
        let sent = messages(&json!([
            {"role": "user", "content": "a"},
            {"role": "assistant", "content": empty},
            {"role": "user", "content": "b"},
        ]));
        assert_eq!(sent, json!([{"role": "user", "content": [text("a"), text("b")]}]), "{empty}");
    }
    let nothing = json!({"model": "m", "messages": [{"role": "user", "content": " "}]});
    assert_eq!(try_send(&ask("claude-sonnet-4-5"), &nothing).unwrap_err().param.as_deref(), Some("messages"));
}

#[test]
fn a_beginning_of_the_answer_ends_without_white_space() {
    let sent = messages(&json!([
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "{ \n"},
    ]));
    assert_eq!(sent[1]["content"], json!([text("{")]));
}

#[test]
fn sampling() {
    let (sent, warnings) = send_to("claude-3-5-sonnet-20240620", &json!({"temperature": 1.5, "top_p": 0.9}));
    assert_eq!((&sent["temperature"], &sent["top_p"]), (&json!(1.0), &json!(0.9)));
    assert_eq!(warnings.len(), 1);

    let (sent, warnings) = send_to("claude-sonnet-4-5", &json!({"temperature": 0.5, "top_p": 0.9}));
    assert_eq!((&sent["temperature"], &sent["top_p"]), (&json!(0.5), &Value::Null));
    assert!(warnings[0].starts_with("top_p"));

    let (sent, warnings) = send_to("claude-opus-4-7", &json!({"temperature": 0.5}));
    assert_eq!(sent["temperature"], Value::Null);
    assert_eq!(warnings.len(), 1);
}

#[test]
fn thinking_removes_sampling_and_raises_the_limit() {
    let (sent, warnings) = send_to(
        "claude-sonnet-4-5",
        &json!({"max_tokens": 64, "reasoning_effort": "low", "temperature": 0.3, "top_p": 0.9}),
    );
    let budget = sent["thinking"]["budget_tokens"].as_u64().unwrap();
    assert!(budget >= 1024);
    assert_eq!(sent["thinking"]["type"], "enabled");
    assert_eq!(sent["max_tokens"], json!(64 + budget));
    assert_eq!((&sent["temperature"], &sent["top_p"]), (&Value::Null, &Value::Null));
    assert_eq!(warnings.len(), 3);
}

#[test]
fn the_operators_limit_stands() {
    let body =
        json!({"model": "m", "reasoning_effort": "high", "messages": [{"role": "user", "content": "a"}]});
    let ask = Ask { max_tokens: Some(4000), ..ask("claude-sonnet-4-5") };
    let (sent, _) = try_send(&ask, &body).unwrap();
    assert_eq!(sent["max_tokens"], 4000);
    assert!(sent["thinking"]["budget_tokens"].as_u64().unwrap() < 4000);
}

#[test]
fn newer_models_decide_themselves_how_much_to_think() {
    let (sent, _) = send_to("claude-opus-4-7", &json!({"reasoning_effort": "high"}));
    assert_eq!(sent["thinking"], json!({"type": "adaptive", "display": "summarized"}));
    assert_eq!(sent["output_config"], json!({"effort": "high"}));
    let (sent, _) = send_to("claude-3-5-haiku-20241022", &json!({"reasoning_effort": "high"}));
    assert_eq!((&sent["thinking"], &sent["output_config"]), (&Value::Null, &Value::Null));
    let (sent, _) = send_to("claude-sonnet-4-5", &json!({"reasoning_effort": "none"}));
    assert_eq!(sent["thinking"], Value::Null);
}

#[test]
fn thoughts_are_replayed_first_and_only_with_proof() {
    let sent = messages(&json!([
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "t", "thinking_blocks": [
            {"type": "thinking", "thinking": "hm", "signature": "sig"},
            {"type": "redacted_thinking", "data": "xyz"},
        ], "tool_calls": [call("c")]},
        {"role": "tool", "tool_call_id": "c", "content": ""},
        {"role": "assistant", "content": null, "reasoning_content": "no proof"},
    ]));
    assert_eq!(
        sent,
        json!([
            {"role": "user", "content": [text("a")]},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "hm", "signature": "sig"},
                {"type": "redacted_thinking", "data": "xyz"},
                text("t"),
                {"type": "tool_use", "id": "c", "name": "f", "input": {"a": 1}},
            ]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c"}]},
        ])
    );
}

#[test]
fn thinking_is_off_where_the_thought_before_the_calls_is_lost() {
    let (sent, warnings) = send_to(
        "claude-sonnet-4-5",
        &json!({"reasoning_effort": "low", "messages": [
            {"role": "user", "content": "a"},
            {"role": "assistant", "tool_calls": [call("c")]},
            {"role": "tool", "tool_call_id": "c", "content": "1"},
        ]}),
    );
    assert_eq!(sent["thinking"], Value::Null);
    assert_eq!(warnings.len(), 1);
}

#[test]
fn the_choice_of_tools() {
    for (choice, parallel, expected) in [
        (json!("required"), json!(false), json!({"type": "any", "disable_parallel_tool_use": true})),
        (json!("none"), json!(null), json!({"type": "none"})),
        (json!("auto"), json!(true), json!({"type": "auto"})),
        (json!(null), json!(false), json!({"type": "auto", "disable_parallel_tool_use": true})),
        (
            json!({"type": "function", "function": {"name": "f"}}),
            json!(null),
            json!({"type": "tool", "name": "f"}),
        ),
    ] {
        let sent = send(&json!({"tools": tools(), "tool_choice": choice, "parallel_tool_calls": parallel}));
        assert_eq!(sent["tool_choice"], expected);
    }
    assert_eq!(send(&json!({"tool_choice": "auto"}))["tool_choice"], Value::Null);
}

#[test]
fn a_forced_tool_and_thinking_do_not_go_together() {
    let (sent, warnings) = send_to(
        "claude-sonnet-4-5",
        &json!({"tools": tools(), "tool_choice": "required", "reasoning_effort": "low"}),
    );
    assert_eq!((&sent["thinking"], &sent["tool_choice"]["type"]), (&Value::Null, &json!("any")));
    assert_eq!(warnings.len(), 1);
}

#[test]
fn tools_always_have_a_schema_of_an_object() {
    let sent = send(&json!({"tools": [
        {"type": "function", "function": {"name": "t"}},
        {"type": "function", "function": {"name": "u", "parameters": {}}},
        {"type": "function", "function": {"name": "v", "parameters": {"properties": {"b": {}, "a": {}}}}},
    ]}));
    let empty = json!({"type": "object", "properties": {}});
    assert_eq!(sent["tools"][0]["input_schema"], empty);
    assert_eq!(sent["tools"][1]["input_schema"], empty);
    assert_eq!(sent["tools"][2]["input_schema"], json!({"type": "object", "properties": {"b": {}, "a": {}}}));
}

#[test]
fn stop_texts_and_limits() {
    assert_eq!(send(&json!({"stop": "END"}))["stop_sequences"], json!(["END"]));
    assert_eq!(send(&json!({"stop": ["a", " ", "\n"]}))["stop_sequences"], json!(["a"]));
    assert_eq!(send(&json!({"stop": [" "]}))["stop_sequences"], Value::Null);
    assert_eq!(send(&json!({}))["max_tokens"], 4096);
    assert_eq!(send(&json!({"max_tokens": 5, "max_completion_tokens": 6}))["max_tokens"], 6);
}

#[test]
fn pictures_and_files() {
    let sent = messages(&json!([{"role": "user", "content": [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0="}},
        {"type": "image_url", "image_url": {"url": "https://a.example/x.png"}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0="}},
        {"type": "file", "file": {"file_id": "file_1"}},
        {"type": "file", "file": {"filename": "a.txt", "file_data": "data:text/plain;base64,aGV5"}},
    ]}]));
    let content = &sent[0]["content"];
    let base64 = |media: &str, data: &str| json!({"type": "base64", "media_type": media, "data": data});
    assert_eq!(content[0], json!({"type": "image", "source": base64("image/png", "iVBORw0=")}));
    assert_eq!(
        content[1],
        json!({"type": "image", "source": {"type": "url", "url": "https://a.example/x.png"}})
    );
    assert_eq!(content[2]["source"], base64("application/pdf", "JVBERi0="));
    assert_eq!(content[2]["type"], "document");
    assert_eq!(content[3]["source"], json!({"type": "file", "file_id": "file_1"}));
    assert_eq!(content[4]["source"], json!({"type": "text", "media_type": "text/plain", "data": "hey"}));
}

#[test]
fn cache_breakpoints_stay_where_they_are() {
    let cache = json!({"type": "ephemeral", "ttl": "1h"});
    let sent = send(&json!({
        "messages": [
            {"role": "system", "content": [{"type": "text", "text": "S", "cache_control": cache}]},
            {"role": "user", "content": [{"type": "text", "text": "a", "cache_control": cache}]},
            {"role": "assistant", "tool_calls": [call("c")]},
            {"role": "tool", "tool_call_id": "c", "content": "1", "cache_control": cache},
        ],
        "tools": [{"type": "function", "function": {"name": "f"}, "cache_control": cache}],
    }));
    assert_eq!(sent["system"][0]["cache_control"], cache);
    assert_eq!(sent["messages"][0]["content"][0]["cache_control"], cache);
    assert_eq!(sent["messages"][2]["content"][0]["cache_control"], cache);
    assert_eq!(sent["tools"][0]["cache_control"], cache);
}

#[test]
fn structured_output() {
    let format = json!({"type": "json_schema", "json_schema": {"name": "n", "strict": true, "schema":
        {"type": "object", "properties": {"a": {"type": "integer", "minimum": 1}}, "required": ["a"]}}});
    let (sent, warnings) = send_to("claude-sonnet-4-5", &json!({"response_format": format}));
    assert_eq!(
        sent["output_config"]["format"],
        json!({"type": "json_schema", "schema": {"title": "n", "type": "object", "properties":
            {"a": {"type": "integer", "description": "minimum: 1"}}, "required": ["a"], "additionalProperties": false}})
    );
    assert_eq!(warnings.len(), 1);

    let body =
        json!({"model": "m", "messages": [{"role": "user", "content": "a"}], "response_format": format});
    let (sent, outgoing) = try_send(&ask("claude-3-5-sonnet-20240620"), &body).unwrap();
    assert_eq!(sent["tool_choice"]["name"], sent["tools"][0]["name"]);
    assert_eq!(sent["tools"][0]["input_schema"]["required"], json!(["a"]));
    assert!(outgoing.plan.json_tool);

    let sent = send(&json!({"response_format": {"type": "json_object"}}));
    assert!(sent["system"][0]["text"].as_str().unwrap().contains("JSON"));
}

#[test]
fn the_user_and_what_has_no_word() {
    assert_eq!(send(&json!({"user": "u1"}))["metadata"], json!({"user_id": "u1"}));
    let (_, warnings) = send_to("claude-sonnet-4-5", &json!({"n": 2, "logprobs": true, "seed": 1}));
    assert_eq!(warnings.len(), 3);
    let strict = Ask { drop_params: false, ..ask("claude-sonnet-4-5") };
    let body = json!({"model": "m", "n": 2, "messages": [{"role": "user", "content": "a"}]});
    let failure = try_send(&strict, &body).unwrap_err();
    assert_eq!((failure.status, failure.param.as_deref()), (400, Some("n")));
}

#[test]
fn ids_are_made_fit_alike_in_call_and_result() {
    let sent = messages(&json!([
        {"role": "user", "content": "a"},
        {"role": "assistant", "tool_calls": [call("functions.f:0")]},
        {"role": "tool", "tool_call_id": "functions.f:0", "content": "1"},
    ]));
    let id = &sent[1]["content"][0]["id"];
    assert!(id.as_str().unwrap().starts_with("functions_f_0_"), "{id}");
    assert_eq!(&sent[2]["content"][0]["tool_use_id"], id);
}

#[test]
fn params_of_the_target_replace_what_was_translated() {
    let params = [("temperature".into(), serde_json::value::RawValue::from_string("0.2".into()).unwrap())];
    let ask = Ask { params: &params, ..ask("claude-sonnet-4-5") };
    let body = json!({"model": "m", "temperature": 1, "messages": [{"role": "user", "content": "a"}]});
    assert_eq!(try_send(&ask, &body).unwrap().0["temperature"], json!(0.2));
}
