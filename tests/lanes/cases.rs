//! The hard cases, a table a lane: what goes in, what must be in the translation.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use serde_json::{Value, json};
use tollgate::chat::Failure;
use tollgate::dialect::Call;
use tollgate::dialect::Dialect::{self, Anthropic, OpenaiChat};
use tollgate::dialect::lane::{self, AnswerPlan, Ask, Edit};
use tollgate::provider::Quirks;

fn translated(
    client: Dialect,
    provider: Dialect,
    model: &str,
    body: &Value,
    drop_params: bool,
) -> Result<(Value, Vec<String>), Failure> {
    let ask = Ask { drop_params, ..Ask::new(model, &Quirks::OPENAI) };
    let outgoing = lane::request(&Call::chat(client), provider, body.to_string().as_bytes(), &ask)?;
    let Edit::Replace(out) = outgoing.edit else { panic!("not translated") };
    Ok((serde_json::from_slice(&out).expect("JSON"), outgoing.warnings))
}

fn to_anthropic(model: &str, body: &Value) -> (Value, Vec<String>) {
    translated(OpenaiChat, Anthropic, model, body, true).unwrap_or_else(|failure| panic!("{failure:?}"))
}

fn to_openai(model: &str, body: &Value) -> (Value, Vec<String>) {
    translated(Anthropic, OpenaiChat, model, body, true).unwrap_or_else(|failure| panic!("{failure:?}"))
}

/// An OpenAI request of one user message, with more fields.
fn ask(more: &Value) -> Value {
    let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

/// An Anthropic request of one user message, with more fields.
fn ask_claude(more: &Value) -> Value {
    let mut body = ask(&json!({"max_tokens": 100}));
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

fn call(id: &str) -> Value {
    json!({"id": id, "type": "function", "function": {"name": "f", "arguments": "{\"x\":1}"}})
}

const CLAUDE: &str = "claude-sonnet-4-5";

#[test]
fn tool_results_merge_and_come_before_text() {
    let (out, warnings) = to_anthropic(
        CLAUDE,
        &json!({"model": "m", "messages": [
            {"role": "user", "content": "go"},
            {"role": "assistant", "content": null, "tool_calls": [call("a"), call("b")]},
            {"role": "tool", "tool_call_id": "a", "content": "1"},
            {"role": "tool", "tool_call_id": "b", "content": "2"},
            {"role": "user", "content": "so?"},
        ]}),
    );
    let messages = out["messages"].as_array().unwrap();
    assert_eq!(messages.len(), 3, "{out:#}");
    assert_eq!(messages[1]["content"][0]["type"], "tool_use");
    assert_eq!(messages[1]["content"][1]["input"], json!({"x": 1}));
    let kinds: Vec<&str> =
        messages[2]["content"].as_array().unwrap().iter().map(|b| b["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["tool_result", "tool_result", "text"]);
    assert_eq!(messages[2]["content"][1]["tool_use_id"], "b");
    assert_eq!(out["max_tokens"], 4096);
    assert!(warnings.is_empty(), "{warnings:?}");
}

#[test]
fn instructions_are_hoisted_in_order() {
    let (out, warnings) = to_anthropic(
        CLAUDE,
        &json!({"model": "m", "messages": [
            {"role": "system", "content": "S1"},
            {"role": "developer", "content": "D1"},
            {"role": "user", "content": "a"},
            {"role": "system", "content": "S2"},
            {"role": "user", "content": "b"},
        ]}),
    );
    let system: Vec<&str> =
        out["system"].as_array().unwrap().iter().map(|b| b["text"].as_str().unwrap()).collect();
    assert_eq!(system, ["S1", "D1", "S2"]);
    assert_eq!(out["messages"].as_array().unwrap().len(), 1, "{out:#}");
    assert_eq!(out["messages"][0]["content"].as_array().unwrap().len(), 2);
    assert!(warnings.iter().any(|warning| warning.contains("system")), "{warnings:?}");
}

#[test]
fn blank_assistant_messages_disappear() {
    for content in [json!(""), json!(null), json!("  ")] {
        let (out, _) = to_anthropic(
            CLAUDE,
            &json!({"model": "m", "messages": [
                {"role": "user", "content": "a"},
                {"role": "assistant", "content": content},
                {"role": "user", "content": "b"},
            ]}),
        );
        assert_eq!(out["messages"].as_array().unwrap().len(), 1, "{out:#}");
    }
}

#[test]
fn sampling_is_what_claude_takes() {
    let (out, warnings) = to_anthropic(CLAUDE, &ask(&json!({"temperature": 1.5})));
    assert_eq!(out["temperature"].as_f64(), Some(1.0));
    assert!(warnings.iter().any(|warning| warning.contains("temperature")));

    let (out, warnings) = to_anthropic(CLAUDE, &ask(&json!({"temperature": 0.5, "top_p": 0.9})));
    assert_eq!((out["temperature"].as_f64(), &out["top_p"]), (Some(0.5), &Value::Null));
    assert!(warnings.iter().any(|warning| warning.contains("top_p")));

    let (out, _) =
        to_anthropic("claude-3-5-sonnet-20240620", &ask(&json!({"temperature": 0.5, "top_p": 0.9})));
    assert_eq!(out["top_p"].as_f64(), Some(0.9));
}

#[test]
fn thinking_has_its_room_and_no_sampling() {
    let (out, _) = to_anthropic(
        CLAUDE,
        &ask(
            &json!({"max_tokens": 64, "reasoning_effort": "low", "temperature": 0.3, "top_p": 0.9, "top_k": 5}),
        ),
    );
    assert_eq!(out["thinking"]["type"], "enabled");
    let budget = out["thinking"]["budget_tokens"].as_u64().unwrap();
    assert!(budget >= 1024);
    assert_eq!(out["max_tokens"].as_u64(), Some(64 + budget));
    for field in ["temperature", "top_p", "top_k"] {
        assert!(out[field].is_null(), "{field}");
    }
}

#[test]
fn tool_choices() {
    let tools = json!([{"type": "function", "function": {"name": "t"}}]);
    for (choice, parallel, expected) in [
        (json!("auto"), json!(null), json!({"type": "auto"})),
        (json!("required"), json!(false), json!({"type": "any", "disable_parallel_tool_use": true})),
        (json!("none"), json!(null), json!({"type": "none"})),
        (
            json!({"type": "function", "function": {"name": "t"}}),
            json!(null),
            json!({"type": "tool", "name": "t"}),
        ),
    ] {
        let body = json!({"tools": tools, "tool_choice": choice, "parallel_tool_calls": parallel});
        let (out, _) = to_anthropic(CLAUDE, &ask(&body));
        assert_eq!(out["tool_choice"], expected, "{choice}");
        assert_eq!(out["tools"][0]["input_schema"], json!({"type": "object", "properties": {}}));
    }
}

#[test]
fn limits_and_stops() {
    let (out, _) = to_anthropic(CLAUDE, &ask(&json!({"stop": "END"})));
    assert_eq!(out["stop_sequences"], json!(["END"]));
    let (out, _) = to_anthropic(CLAUDE, &ask(&json!({"stop": ["\n", "END", " "]})));
    assert_eq!(out["stop_sequences"], json!(["END"]));
    let (out, _) = to_anthropic(CLAUDE, &ask(&json!({"max_tokens": 5, "max_completion_tokens": 7})));
    assert_eq!(out["max_tokens"], 7);
    let (out, _) = to_anthropic(CLAUDE, &ask(&json!({"user": "u1"})));
    assert_eq!(out["metadata"], json!({"user_id": "u1"}));
}

#[test]
fn pictures_and_documents() {
    let (out, _) = to_anthropic(
        CLAUDE,
        &json!({"model": "m", "messages": [{"role": "user", "content": [
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}},
            {"type": "image_url", "image_url": {"url": "https://x.test/a.png"}},
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBE"}},
        ]}]}),
    );
    let blocks = &out["messages"][0]["content"];
    assert_eq!(blocks[0]["source"], json!({"type": "base64", "media_type": "image/png", "data": "aGk="}));
    assert_eq!(blocks[1]["source"], json!({"type": "url", "url": "https://x.test/a.png"}));
    assert_eq!(blocks[2]["type"], "document");
    assert_eq!(
        blocks[2]["source"],
        json!({"type": "base64", "media_type": "application/pdf", "data": "JVBE"})
    );
}

#[test]
fn signed_thinking_is_replayed_and_unsigned_is_not() {
    let history = |assistant: Value| {
        json!({"model": "m", "messages": [
            {"role": "user", "content": "go"},
            assistant,
            {"role": "tool", "tool_call_id": "a", "content": "1"},
        ]})
    };
    let (out, _) = to_anthropic(
        CLAUDE,
        &history(json!({"role": "assistant", "content": null, "reasoning_content": "T",
            "thinking_blocks": [
                {"type": "thinking", "thinking": "T", "signature": "S"},
                {"type": "redacted_thinking", "data": "R"},
            ],
            "tool_calls": [call("a")]})),
    );
    let blocks = &out["messages"][1]["content"];
    assert_eq!(blocks[0], json!({"type": "thinking", "thinking": "T", "signature": "S"}));
    assert_eq!(blocks[1], json!({"type": "redacted_thinking", "data": "R"}));
    assert_eq!(blocks[2]["type"], "tool_use");

    let (out, _) = to_anthropic(
        CLAUDE,
        &history(
            json!({"role": "assistant", "content": null, "reasoning_content": "T", "tool_calls": [call("a")]}),
        ),
    );
    assert_eq!(out["messages"][1]["content"][0]["type"], "tool_use");

    let (out, _) = to_anthropic(
        CLAUDE,
        &json!({"model": "m", "messages": [
            {"role": "user", "content": "a"},
            {"role": "assistant", "reasoning_content": "T"},
            {"role": "user", "content": "b"},
        ]}),
    );
    assert_eq!(out["messages"].as_array().unwrap().len(), 1, "{out:#}");
}

#[test]
fn cache_control_keeps_its_places() {
    let control = json!({"type": "ephemeral"});
    let (out, _) = to_anthropic(
        CLAUDE,
        &json!({"model": "m",
            "messages": [
                {"role": "system", "content": [{"type": "text", "text": "S", "cache_control": control}]},
                {"role": "user", "content": [{"type": "text", "text": "U", "cache_control": {"type": "ephemeral", "ttl": "1h"}}]},
                {"role": "assistant", "content": null, "tool_calls": [call("a")]},
                {"role": "tool", "tool_call_id": "a", "content": "1", "cache_control": control},
            ],
            "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}, "cache_control": control}]}),
    );
    assert_eq!(out["system"][0]["cache_control"], control);
    assert_eq!(out["messages"][0]["content"][0]["cache_control"]["ttl"], "1h");
    assert_eq!(out["messages"][2]["content"][0]["cache_control"], control);
    assert_eq!(out["tools"][0]["cache_control"], control);
}

#[test]
fn structured_output() {
    let format = json!({"response_format": {"type": "json_schema", "json_schema": {"name": "P", "strict": true,
        "schema": {"type": "object", "properties": {"age": {"type": "integer", "minimum": 0}},
            "required": ["age"], "additionalProperties": false}}}});
    let (out, warnings) = to_anthropic(CLAUDE, &ask(&format));
    assert_eq!(out["output_config"]["format"]["type"], "json_schema");
    let age = &out["output_config"]["format"]["schema"]["properties"]["age"];
    assert!(age["minimum"].is_null() && age["description"].as_str().unwrap().contains("minimum"), "{age}");
    assert!(!warnings.is_empty());

    let (out, _) = to_anthropic("claude-3-5-sonnet-20240620", &ask(&format));
    assert_eq!(out["tool_choice"], json!({"type": "tool", "name": lane::JSON_TOOL}));
    let plan = AnswerPlan { json_tool: true, ..AnswerPlan::new(OpenaiChat, Anthropic, false, false) };
    let answer = json!({"id": "m", "type": "message", "role": "assistant", "model": "c", "stop_reason": "tool_use",
        "content": [{"type": "tool_use", "id": "t", "name": lane::JSON_TOOL, "input": {"age": 3}}],
        "usage": {"input_tokens": 1, "output_tokens": 2}});
    let answer = lane::answer(&plan, answer.to_string().as_bytes()).unwrap();
    let answer: Value = serde_json::from_slice(&answer.body.unwrap()).unwrap();
    assert_eq!(answer["choices"][0]["finish_reason"], "stop");
    assert_eq!(answer["choices"][0]["message"]["content"], "{\"age\":3}");
    assert!(answer["choices"][0]["message"]["tool_calls"].is_null());
}

#[test]
fn what_says_nothing_is_no_loss() {
    let warnings = |client, provider, body: &Value| {
        let plan = AnswerPlan::new(client, provider, false, false);
        lane::answer(&plan, body.to_string().as_bytes()).unwrap().report.warnings
    };
    let mut claude = json!({"id": "m", "type": "message", "role": "assistant", "model": "c",
        "content": [{"type": "text", "text": "hi", "citations": null},
            {"type": "tool_use", "id": "t", "name": "f", "input": {}, "caller": {"type": "direct"}}],
        "stop_reason": "end_turn", "stop_sequence": null, "stop_details": null, "container": null,
        "context_management": {"applied_edits": []},
        "usage": {"input_tokens": 1, "output_tokens": 2, "inference_geo": "not_available", "service_tier": "batch",
            "server_tool_use": {"web_search_requests": 0}}});
    assert_eq!(warnings(OpenaiChat, Anthropic, &claude), [""; 0]);
    claude["stop_details"] = json!({"category": "cyber"});
    claude["container"] = json!({"id": "c1"});
    let told = warnings(OpenaiChat, Anthropic, &claude).concat();
    assert!(told.contains("stop_details") && told.contains("container"), "{told}");

    let mut gpt = json!({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [
            {"index": 0, "finish_reason": "stop", "content_filter_results": {"hate": {"filtered": false}},
             "message": {"role": "assistant", "content": "hi", "refusal": null, "annotations": [], "audio": null}}],
        "service_tier": "default", "system_fingerprint": "fp", "prompt_filter_results": [{"prompt_index": 0}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 2}});
    assert_eq!(warnings(Anthropic, OpenaiChat, &gpt), [""; 0]);
    gpt["choices"][0]["message"]["annotations"] = json!([{"type": "url_citation"}]);
    assert!(warnings(Anthropic, OpenaiChat, &gpt).concat().contains("annotations"));
}

#[test]
fn a_function_call_of_empty_strings_calls_nothing() {
    let empty = json!({"name": "", "arguments": ""});
    let answer = json!({"id": "", "created": 1, "model": "m", "choices": [{"index": 0, "finish_reason": "",
        "message": {"role": "assistant", "content": "4", "function_call": empty, "tool_calls": null}}]});
    let plan = AnswerPlan::new(Anthropic, OpenaiChat, false, false);
    let answer = lane::answer(&plan, answer.to_string().as_bytes()).unwrap();
    let answer: Value = serde_json::from_slice(&answer.body.unwrap()).unwrap();
    assert_eq!(answer["content"].as_array().map(Vec::len), Some(1), "{answer:#}");
    assert_eq!(answer["stop_reason"], "end_turn");

    let chunk = |delta: Value, finish: Value| {
        let chunk = json!({"id": "c", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]});
        format!("data: {chunk}\n\n")
    };
    let stream = chunk(json!({"content": "4", "function_call": empty}), Value::Null)
        + &chunk(json!({"content": "2", "function_call": empty}), json!("stop"))
        + "data: [DONE]\n\n";
    let plan = AnswerPlan::new(Anthropic, OpenaiChat, true, false);
    let (out, _) = crate::feed::run(&plan, stream.as_bytes(), stream.len());
    assert!(!out.contains("tool_use") && out.contains("end_turn"), "{out}");

    let (out, _) = to_anthropic(
        CLAUDE,
        &json!({"model": "m", "messages": [
            {"role": "user", "content": "2+2"},
            {"role": "assistant", "content": "4", "function_call": empty},
            {"role": "user", "content": "so?"},
        ]}),
    );
    assert_eq!(out["messages"][1]["content"], json!([{"type": "text", "text": "4"}]));
}

#[test]
fn what_claude_cannot_say_is_refused_or_warned_of() {
    for (field, value) in
        [("n", json!(2)), ("logprobs", json!(true)), ("seed", json!(7)), ("presence_penalty", json!(0.5))]
    {
        let body = ask(&json!({ field: value }));
        let (out, warnings) = to_anthropic(CLAUDE, &body);
        assert!(out[field].is_null());
        assert!(warnings.iter().any(|warning| warning.starts_with(field)), "{field}: {warnings:?}");
        let failure = translated(OpenaiChat, Anthropic, CLAUDE, &body, false).unwrap_err();
        assert_eq!((failure.status, failure.param.as_deref()), (400, Some(field)));
    }
    let (_, warnings) =
        to_anthropic(CLAUDE, &ask(&json!({"n": 1, "logprobs": false, "presence_penalty": 0})));
    assert!(warnings.is_empty(), "{warnings:?}");
}

#[test]
fn anthropic_tool_results_become_tool_messages_first() {
    let (out, _) = to_openai(
        "gpt-4.1",
        &json!({"model": "m", "max_tokens": 9, "messages": [
            {"role": "user", "content": "go"},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}}]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "a", "content": [
                    {"type": "text", "text": "1"},
                    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}},
                ]},
                {"type": "text", "text": "so?"},
            ]},
        ]}),
    );
    let messages = out["messages"].as_array().unwrap();
    let roles: Vec<&str> = messages.iter().map(|message| message["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["user", "assistant", "tool", "user"]);
    assert_eq!(messages[1]["tool_calls"][0]["function"]["arguments"], "{\"x\":1}");
    assert_eq!(messages[2]["content"], "1");
    assert_eq!(messages[3]["content"][0]["image_url"]["url"], "data:image/png;base64,aGk=");
    assert_eq!(messages[3]["content"][1]["text"], "so?");
    assert_eq!(out["max_completion_tokens"], 9);
}

#[test]
fn long_ids_become_short_ones_that_match() {
    let history = |id: &str| {
        ask_claude(&json!({"metadata": {"user_id": "u".repeat(75)}, "messages": [
            {"role": "user", "content": "go"},
            {"role": "assistant", "content": [{"type": "tool_use", "id": id, "name": "f", "input": {}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": id, "content": "1"}]},
        ]}))
    };
    let sent = |id: &str| {
        let (out, warnings) = to_openai("gpt-4.1", &history(id));
        let call = out["messages"][1]["tool_calls"][0]["id"].as_str().unwrap().to_owned();
        assert_eq!(out["messages"][2]["tool_call_id"], call.as_str());
        assert!(out["user"].as_str().unwrap().len() <= 64);
        assert!(warnings.iter().any(|warning| warning.contains("metadata.user_id")), "{warnings:?}");
        call
    };
    assert_eq!(sent("toolu_01A"), "toolu_01A");
    let long = format!("toolu_{}", "x".repeat(60));
    let short = sent(&long);
    assert!(short.len() <= 40 && short == sent(&long) && short != sent(&format!("{long}y")), "{short}");

    // The client gets the provider's id as it is: it has to send it back.
    let answer = json!({"id": "m", "type": "message", "role": "assistant", "model": "c", "stop_reason": "tool_use",
        "content": [{"type": "tool_use", "id": long, "name": "f", "input": {}}],
        "usage": {"input_tokens": 1, "output_tokens": 2}});
    let plan = AnswerPlan::new(OpenaiChat, Anthropic, false, false);
    let answer = lane::answer(&plan, answer.to_string().as_bytes()).unwrap();
    let answer: Value = serde_json::from_slice(&answer.body.unwrap()).unwrap();
    assert_eq!(answer["choices"][0]["message"]["tool_calls"][0]["id"], long.as_str());
}

#[test]
fn more_than_four_stops_are_cut_or_refused() {
    let body = ask_claude(&json!({"stop_sequences": ["a", "b", "c", "d", "e"]}));
    let (out, warnings) = to_openai("gpt-4.1", &body);
    assert_eq!(out["stop"], json!(["a", "b", "c", "d"]));
    assert!(warnings.concat().contains("stop_sequences[4..]"), "{warnings:?}");
    let failure = translated(Anthropic, OpenaiChat, "gpt-4.1", &body, false).unwrap_err();
    assert_eq!((failure.status, failure.param.as_deref()), (400, Some("stop_sequences[4..]")));
}

#[test]
fn reasoning_models_get_no_sampling() {
    let body = ask_claude(&json!({"temperature": 0.2, "top_p": 0.9, "stop_sequences": ["END"]}));
    for model in ["gpt-5-mini", "o3"] {
        let (out, warnings) = to_openai(model, &body);
        for (field, said) in [("temperature", "temperature"), ("top_p", "top_p"), ("stop", "stop_sequences")]
        {
            assert!(out[field].is_null(), "{out:#}");
            assert!(warnings.iter().any(|warning| warning.starts_with(said)), "{field}: {warnings:?}");
        }
        let failure = translated(Anthropic, OpenaiChat, model, &body, false).unwrap_err();
        assert_eq!(failure.status, 400);
    }
    for model in ["gpt-4.1", "gpt-5-chat-latest"] {
        let (out, _) = to_openai(model, &body);
        assert_eq!((out["temperature"].as_f64(), &out["stop"]), (Some(0.2), &json!(["END"])));
    }
    let (_, warnings) = to_openai("gpt-5", &ask_claude(&json!({"temperature": 1})));
    assert_eq!(warnings, [""; 0]);

    // The lane between two sides that speak the same dialect lets the client have its way.
    let body = ask(&json!({"model": "gpt-5", "temperature": 0.2, "stop": "END"})).to_string();
    let to = Ask::new("gpt-5", &Quirks::OPENAI);
    let outgoing = lane::request(&Call::chat(OpenaiChat), OpenaiChat, body.as_bytes(), &to).unwrap();
    assert_eq!(outgoing.edit, Edit::Keep);
}

#[test]
fn server_tools_are_dropped_with_a_warning() {
    let body = ask_claude(&json!({"tools": [
        {"type": "web_search_20250305", "name": "web_search"},
        {"name": "f", "input_schema": {"type": "object"}},
    ]}));
    let (out, warnings) = to_openai("gpt-4.1", &body);
    assert_eq!(out["tools"].as_array().unwrap().len(), 1);
    assert_eq!(out["tools"][0]["function"]["name"], "f");
    assert!(warnings.iter().any(|warning| warning.contains("web_search_20250305")), "{warnings:?}");
    assert_eq!(translated(Anthropic, OpenaiChat, "gpt-4.1", &body, false).unwrap_err().status, 400);
}

#[test]
fn thinking_becomes_an_effort() {
    for (thinking, effort) in [
        (json!({"thinking": {"type": "enabled", "budget_tokens": 1024}}), json!("low")),
        (json!({"thinking": {"type": "enabled", "budget_tokens": 8000}}), json!("medium")),
        (json!({"thinking": {"type": "enabled", "budget_tokens": 24000}}), json!("high")),
        (json!({"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}}), json!("low")),
        (json!({"thinking": {"type": "disabled"}}), json!(null)),
    ] {
        let (out, _) = to_openai("gpt-5", &ask_claude(&thinking));
        assert_eq!(out["reasoning_effort"], effort, "{thinking}");
    }
    let thinking = json!({"thinking": {"type": "enabled", "budget_tokens": 1024}});
    let (out, warnings) = to_openai("gpt-4o", &ask_claude(&thinking));
    assert!(out["reasoning_effort"].is_null() && !warnings.is_empty());
}

#[test]
fn finish_reasons_of_claude() {
    for (stop, finish) in [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("tool_use", "tool_calls"),
        ("refusal", "content_filter"),
        ("pause_turn", "stop"),
        ("model_context_window_exceeded", "length"),
        ("a_new_one", "stop"),
    ] {
        let body = json!({"id": "m", "type": "message", "role": "assistant", "model": "c", "stop_reason": stop,
            "content": [{"type": "text", "text": "x"}],
            "usage": {"input_tokens": 16, "cache_read_input_tokens": 0, "cache_creation_input_tokens": 2387, "output_tokens": 2}});
        let plan = AnswerPlan::new(OpenaiChat, Anthropic, false, false);
        let answer = lane::answer(&plan, body.to_string().as_bytes()).unwrap();
        assert_eq!(answer.report.usage.input, Some(2403));
        let answer: Value = serde_json::from_slice(&answer.body.unwrap()).unwrap();
        assert_eq!(answer["choices"][0]["finish_reason"], finish, "{stop}");
        assert_eq!(answer["usage"]["prompt_tokens"], 2403);
        assert_eq!(answer["usage"]["prompt_tokens_details"]["cached_tokens"], 0);
    }
}

#[test]
fn a_bad_200_is_a_reason_to_go_on() {
    for provider in [OpenaiChat, Anthropic] {
        let client = if provider == OpenaiChat { Anthropic } else { OpenaiChat };
        let plan = AnswerPlan::new(client, provider, false, false);
        for body in [
            "",
            "  ",
            "<html>",
            "{}",
            "null",
            "{\"error\":{\"message\":\"busy\",\"type\":\"overloaded_error\"}}",
            "{\"choices\":[]}",
        ] {
            let failure = lane::answer(&plan, body.as_bytes()).expect_err(body);
            assert!(failure.status >= 500, "{body}: {failure:?}");
        }
    }
}

#[test]
fn pictures_and_texts_are_called_what_they_are() {
    let body = json!({"model": "m", "messages": [{"role": "user", "content": [
        {"type": "text", "text": "q"},
        {"type": "image_url", "image_url": {"url": "data:image/jpg;base64,/9j/"}},
        {"type": "file", "file": {"filename": "a.txt", "file_data": "data:text/plain;base64,aGVsbG8="}},
    ]}]});
    let sent = |provider, model| translated(OpenaiChat, provider, model, &body, true).unwrap().0.to_string();
    assert!(sent(Anthropic, CLAUDE).contains("image/jpeg"));
    assert!(sent(Dialect::Gemini, "gemini-2.5-pro").contains("image/jpeg"));
    for (provider, model) in
        [(Anthropic, CLAUDE), (Dialect::Cohere, "command-a-vision-07-2025"), (Dialect::Ollama, "qwen3")]
    {
        assert!(sent(provider, model).contains("hello"), "{model}");
    }
}

#[test]
fn a_message_of_which_nothing_can_be_said_is_refused() {
    let picture = |url: &str| {
        json!({"model": "m", "messages": [{"role": "user", "content": [
            {"type": "image_url", "image_url": {"url": url}}]}]})
    };
    let sound = json!({"model": "m", "messages": [{"role": "user", "content": [
        {"type": "input_audio", "input_audio": {"data": "aGk=", "format": "wav"}}]}]});
    let https = picture("https://a.example/x.png");
    for (provider, model, body) in [
        (Dialect::Gemini, "gemini-2.0-flash", &https),
        (Dialect::Bedrock, "us.anthropic.claude-sonnet-4-5-20250929-v1:0", &https),
        (Dialect::Ollama, "qwen3", &https),
        (Dialect::Cohere, "command-a-03-2025", &sound),
        (Anthropic, CLAUDE, &sound),
    ] {
        let failure = translated(OpenaiChat, provider, model, body, true).expect_err(model);
        assert_eq!(failure.status, 400, "{model}");
        assert!(failure.param.unwrap().starts_with("messages[0]"), "{model}: {}", failure.message);
    }
}

#[test]
fn where_no_tool_is_left_none_is_chosen() {
    let unknown = json!([{"type": "browser", "browser": {"name": "c"}}]);
    let body = ask(&json!({"tools": unknown, "tool_choice": "required", "parallel_tool_calls": false}));
    for (provider, model) in [
        (Anthropic, CLAUDE),
        (Dialect::OpenaiResponses, "gpt-5"),
        (Dialect::Gemini, "gemini-2.5-pro"),
        (Dialect::Bedrock, "us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
        (Dialect::Cohere, "command-a-03-2025"),
        (Dialect::Ollama, "qwen3"),
    ] {
        let (out, warnings) = translated(OpenaiChat, provider, model, &body, true).unwrap();
        for field in ["tools", "tool_choice", "toolConfig", "parallel_tool_calls"] {
            assert_eq!(out.get(field), None, "{provider:?}: {out:#}");
        }
        let warnings = warnings.concat();
        assert!(
            warnings.contains("tools[0]") && warnings.contains("tool_choice"),
            "{provider:?}: {warnings}"
        );
        let failure = translated(OpenaiChat, provider, model, &body, false).unwrap_err();
        assert_eq!(failure.param.as_deref(), Some("tools[0]"), "{provider:?}");
    }
}

#[test]
fn wrong_types_are_named() {
    for (body, param) in [
        (json!({"model": "m"}), "messages"),
        (json!({"model": "m", "messages": []}), "messages"),
        (json!({"model": "m", "messages": [{"role": "user", "content": 7}]}), "messages[0].content"),
        (json!({"model": "m", "messages": [{"role": "robot", "content": "x"}]}), "messages[0].role"),
        (
            json!({"model": "m", "messages": [{"role": "user", "content": [{"type": "text"}]}]}),
            "messages[0].content[0].text",
        ),
        (json!({"model": "m", "messages": [{"role": "tool", "content": "x"}]}), "messages[0].tool_call_id"),
        (ask(&json!({"temperature": "hot"})), "temperature"),
        (ask(&json!({"tools": [{"type": "function", "function": {}}]})), "tools[0].function.name"),
        (ask(&json!({"tool_choice": {"type": "function"}})), "tool_choice.function.name"),
        (
            ask(
                &json!({"response_format": {"type": "json_schema", "json_schema": {"schema": 1, "name": 2}}}),
            ),
            "response_format.json_schema.name",
        ),
        (ask(&json!({"reasoning_effort": "huge"})), "reasoning_effort"),
    ] {
        let failure = translated(OpenaiChat, Anthropic, CLAUDE, &body, true).expect_err(&body.to_string());
        assert_eq!((failure.status, failure.param.as_deref()), (400, Some(param)), "{body}");
    }
}

#[test]
fn a_target_has_the_last_word() {
    let params: Vec<(Box<str>, Box<serde_json::value::RawValue>)> =
        vec![("temperature".into(), serde_json::value::RawValue::from_string("0.2".into()).unwrap())];
    let ask_of = Ask { params: &params, max_tokens: Some(11), ..Ask::new("gpt-4.1", &Quirks::COMPATIBLE) };
    let body = ask_claude(&json!({"temperature": 0.9})).to_string();
    let outgoing = lane::request(&Call::chat(Anthropic), OpenaiChat, body.as_bytes(), &ask_of).unwrap();
    let Edit::Replace(out) = outgoing.edit else { panic!("not translated") };
    assert_eq!(String::from_utf8(out.clone()).unwrap().matches("temperature").count(), 1);
    let out: Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(
        (out["temperature"].as_f64(), &out["max_tokens"], &out["model"]),
        (Some(0.2), &json!(11), &json!("gpt-4.1"))
    );
}

#[test]
fn the_text_after_the_answer_goes_where_it_is_known() {
    use tollgate::dialect::Dialect::{OllamaGenerate, OpenaiCompletions};
    let asked = json!({"model": "m", "prompt": "def f(", "suffix": "return", "stream": false});
    for (client, provider) in [(OllamaGenerate, OpenaiCompletions), (OpenaiCompletions, OllamaGenerate)] {
        let (out, warnings) = translated(client, provider, "m", &asked, false).unwrap();
        assert_eq!((&out["prompt"], &out["suffix"], warnings.len()), (&asked["prompt"], &asked["suffix"], 0));
    }
    for client in [OllamaGenerate, OpenaiCompletions] {
        for provider in [OpenaiChat, Anthropic, Dialect::Ollama, Dialect::Gemini] {
            let (out, warnings) = translated(client, provider, CLAUDE, &asked, true).unwrap();
            assert!(out["suffix"].is_null() && warnings[0].starts_with("suffix dropped"), "{warnings:?}");
            let refused = translated(client, provider, CLAUDE, &asked, false).unwrap_err();
            assert_eq!(refused.param.as_deref(), Some("suffix"));
        }
    }
}

#[test]
fn a_request_to_load_a_model_is_not_an_empty_conversation() {
    for (client, field) in [(Dialect::Ollama, "messages"), (Dialect::OllamaGenerate, "prompt")] {
        for provider in [OpenaiChat, Anthropic, Dialect::OpenaiResponses, Dialect::Cohere] {
            let refused = translated(client, provider, CLAUDE, &json!({"model": "m"}), true).unwrap_err();
            assert_eq!((refused.status, refused.param.as_deref()), (400, Some(field)), "{provider:?}");
        }
    }
}
