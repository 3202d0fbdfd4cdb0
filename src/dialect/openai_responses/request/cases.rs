//! What comes in and what it becomes, both ways.

use crate::chat::{ChatRequest, Effort, Failure, Part, PartKind, Role, ToolChoice};
use crate::dialect::lane::{self, Ask, Edit};
use crate::dialect::{Call, Dialect};
use crate::provider::Quirks;
use serde_json::{Value, json};

fn decode(body: &str) -> ChatRequest<'_> {
    super::decode_request(body.as_bytes()).unwrap_or_else(|failure| panic!("{failure:?}"))
}

fn lane(
    client: Dialect,
    provider: Dialect,
    body: &Value,
    drop_params: bool,
) -> Result<(Value, Vec<String>), Failure> {
    let ask = Ask { drop_params, drop_content: drop_params, ..Ask::new("gpt-5", &Quirks::OPENAI) };
    let outgoing = lane::request(&Call::chat(client), provider, body.to_string().as_bytes(), &ask)?;
    match outgoing.edit {
        Edit::Replace(out) => Ok((serde_json::from_slice(&out).unwrap(), outgoing.warnings)),
        edit => panic!("not translated: {edit:?}"),
    }
}

fn to_chat(body: &Value) -> (Value, Vec<String>) {
    lane(Dialect::OpenaiResponses, Dialect::OpenaiChat, body, true).unwrap()
}

fn from_chat(body: &Value) -> (Value, Vec<String>) {
    lane(Dialect::OpenaiChat, Dialect::OpenaiResponses, body, true).unwrap()
}

fn roles(request: &ChatRequest<'_>) -> Vec<(Role, usize)> {
    request.messages.iter().map(|message| (message.role, message.parts.len())).collect()
}

#[test]
fn what_the_model_said_between_two_words_of_others_is_one_message() {
    let body = json!({"model": "m", "instructions": "S", "input": [
        {"role": "user", "content": "hi"},
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "a"},
            {"type": "summary_text", "text": "b"}], "encrypted_content": "gAAA"},
        {"type": "message", "role": "assistant", "id": "msg_1", "status": "completed",
            "content": [{"type": "output_text", "text": "one", "annotations": []}]},
        {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f", "arguments": "{}"},
        {"type": "function_call", "call_id": "c2", "name": "g", "arguments": ""},
        {"type": "function_call_output", "call_id": "c1", "output": "1"},
        {"type": "function_call_output", "call_id": "c2", "output": [{"type": "input_text", "text": "2"}]},
        {"role": "assistant", "content": "two"},
        {"role": "assistant", "content": "three"},
    ]})
    .to_string();
    let request = decode(&body);
    let expected = [
        (Role::System, 1),
        (Role::User, 1),
        (Role::Assistant, 4),
        (Role::Tool, 1),
        (Role::Tool, 1),
        (Role::Assistant, 1),
        (Role::Assistant, 1),
    ];
    assert_eq!(roles(&request), expected);
    let PartKind::Thinking(thinking) = &request.messages[2].parts[0].kind else { panic!("a thought") };
    assert_eq!(thinking.text, "a\n\nb");
    assert_eq!(thinking.signature.as_ref().unwrap(), &"gAAA");
    let (chat, warnings) = to_chat(&serde_json::from_str(&body).unwrap());
    let calls = json!([
        {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}},
        {"id": "c2", "type": "function", "function": {"name": "g", "arguments": "{}"}},
    ]);
    assert_eq!(chat["messages"][0], json!({"role": "system", "content": "S"}));
    assert_eq!(chat["messages"][2], json!({"role": "assistant", "content": "one", "tool_calls": calls}));
    assert_eq!(chat["messages"][4], json!({"role": "tool", "tool_call_id": "c2", "content": "2"}));
    assert_eq!(warnings.len(), 2, "{warnings:?}");
}

#[test]
fn parts_of_a_user_message() {
    let body = json!({"model": "m", "input": [{"role": "user", "content": [
        {"type": "input_text", "text": "look"},
        {"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": "high"},
        {"type": "input_image", "image_url": "https://a.example/b.png", "detail": "auto"},
        {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,BBBB"},
        {"type": "input_file", "file_url": "https://a.example/c.pdf"},
    ]}]});
    let (chat, warnings) = to_chat(&body);
    assert_eq!(
        chat["messages"][0]["content"],
        json!([
            {"type": "text", "text": "look"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": "high"}},
            {"type": "image_url", "image_url": {"url": "https://a.example/b.png", "detail": "auto"}},
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,BBBB"}},
        ])
    );
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    let (back, _) = from_chat(&json!({"model": "m", "messages": chat["messages"]}));
    assert_eq!(back["input"][0]["content"][1]["image_url"], "data:image/png;base64,AAAA");
    assert_eq!(back["input"][0]["content"][3], body["input"][0]["content"][3]);
}

#[test]
fn options_become_those_of_chat_and_back() {
    let schema = json!({"type": "object", "properties": {}, "additionalProperties": false});
    let tool = |name: &str| json!({"type": "function", "name": name, "parameters": schema, "strict": true});
    let body = json!({"model": "m", "input": "hi", "max_output_tokens": 64, "parallel_tool_calls": false,
        "tools": [tool("f"), tool("g")], "tool_choice": {"type": "function", "name": "f"},
        "text": {"verbosity": "low", "format":
            {"type": "json_schema", "name": "n", "strict": true, "schema": schema}},
        "reasoning": {"effort": "high"}, "service_tier": "flex", "user": "u", "store": true,
        "metadata": {"a": "b"}, "truncation": "disabled", "include": ["reasoning.encrypted_content"],
        "prompt_cache_key": "k", "stream": true});
    let (chat, warnings) = to_chat(&body);
    let function = |name: &str| json!({"type": "function", "function": {"name": name, "parameters": schema, "strict": true}});
    let expected = json!({"model": "gpt-5", "messages": [{"role": "user", "content": "hi"}],
        "tools": [function("f"), function("g")],
        "tool_choice": {"type": "function", "function": {"name": "f"}},
        "parallel_tool_calls": false, "max_completion_tokens": 64, "verbosity": "low", "reasoning_effort": "high",
        "response_format": {"type": "json_schema",
            "json_schema": {"name": "n", "strict": true, "schema": schema}},
        "user": "u", "service_tier": "flex", "prompt_cache_key": "k",
        "stream": true, "stream_options": {"include_usage": true}});
    assert_eq!(chat, expected);
    assert!(warnings.is_empty(), "{warnings:?}");

    let (back, warnings) = from_chat(&json!({"model": "m", "messages": [{"role": "user", "content": "hi"}],
        "max_tokens": 3, "tools": [{"type": "function", "function": {"name": "f"}}], "tool_choice": "required",
        "response_format": {"type": "json_object"}, "reasoning_effort": "low", "stop": "END", "seed": 1}));
    assert_eq!(back["max_output_tokens"], 16);
    let empty = json!({"type": "object", "properties": {}});
    let tool = json!([{"type": "function", "name": "f", "parameters": empty, "strict": false}]);
    assert_eq!((&back["tools"], &back["tool_choice"]), (&tool, &json!("required")));
    assert_eq!(back["text"], json!({"format": {"type": "json_object"}}));
    assert_eq!(back["reasoning"], json!({"effort": "low"}));
    assert_eq!((&back["store"], &back["include"]), (&json!(false), &json!(["reasoning.encrypted_content"])));
    assert_eq!(warnings.len(), 4, "{warnings:?}");
}

#[test]
fn allowed_tools_and_tools_of_the_provider() {
    let named = json!({"type": "function", "name": "f"});
    let body = json!({"model": "m", "input": "hi", "tools": [
        {"type": "function", "name": "f", "parameters": {"type": "object"}},
        {"type": "web_search"},
        {"type": "local_shell"},
    ], "tool_choice": {"type": "allowed_tools", "mode": "required", "tools": [named, {"type": "web_search"}]}});
    let text = body.to_string();
    let ToolChoice::Allowed { required: true, names } = decode(&text).tool_choice.unwrap() else {
        panic!("allowed")
    };
    assert_eq!(names, ["f"]);
    let (chat, warnings) = to_chat(&body);
    assert_eq!((chat["tools"].as_array().map(Vec::len), warnings.len()), (Some(1), 2));
    let failure = lane(Dialect::OpenaiResponses, Dialect::OpenaiChat, &body, false).unwrap_err();
    assert_eq!((failure.status, failure.param.as_deref()), (400, Some("tools[1]")));
}

#[test]
fn what_only_a_keeper_of_answers_can_do_is_refused_for_others() {
    for (field, value) in [
        ("previous_response_id", json!("resp_1")),
        ("conversation", json!("conv_1")),
        ("conversation", json!({"id": "conv_1"})),
        ("prompt", json!({"id": "pmpt_1"})),
        ("background", json!(true)),
    ] {
        let mut body = json!({"model": "m", "input": "hi"});
        body[field] = value;
        for provider in [Dialect::OpenaiChat, Dialect::Anthropic] {
            let failure = lane(Dialect::OpenaiResponses, provider, &body, true).unwrap_err();
            assert_eq!((failure.status, failure.param.as_deref()), (400, Some(field)));
            assert!(failure.message.starts_with(field), "{}", failure.message);
        }
    }
    let body = json!({"model": "m", "input": [{"type": "item_reference", "id": "msg_1"}]});
    let failure = lane(Dialect::OpenaiResponses, Dialect::OpenaiChat, &body, true).unwrap_err();
    assert_eq!((failure.status, failure.param.as_deref()), (400, Some("input[0]")));
    let body = json!({"model": "m", "input": "hi", "background": false, "previous_response_id": null, "store": true});
    assert!(to_chat(&body).1.is_empty());
}

#[test]
fn a_thought_by_its_id_alone_is_missed_and_no_more() {
    let body = json!({"model": "m", "input": [
        {"role": "user", "content": "weather?"},
        {"type": "item_reference", "id": "rs_1_0"},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": "sunny"},
    ]});
    let (sent, warnings) = to_chat(&body);
    assert_eq!(sent["messages"].as_array().map(Vec::len), Some(3));
    assert!(warnings.iter().any(|warning| warning.starts_with("input[1]")), "{warnings:?}");
    let strict = lane(Dialect::OpenaiResponses, Dialect::OpenaiChat, &body, false).unwrap_err();
    assert_eq!((strict.status, strict.param.as_deref()), (400, Some("input[1]")));
}

#[test]
fn what_is_wrong_is_named() {
    for (body, param) in [
        (json!({"model": "m"}), "input"),
        (json!({"model": "m", "input": []}), "input"),
        (json!({"model": "m", "input": [{"role": "tool", "content": "x"}]}), "input[0].role"),
        (json!({"model": "m", "input": [{"role": "user"}]}), "input[0].content"),
        (
            json!({"model": "m", "input": [{"role": "user", "content": [{"type": "input_text"}]}]}),
            "input[0].content[0].text",
        ),
        (
            json!({"model": "m", "input": [{"role": "user", "content": [{"type": 7}]}]}),
            "input[0].content[0].type",
        ),
        (json!({"model": "m", "input": [{"type": "function_call", "call_id": "c"}]}), "input[0].name"),
        (
            json!({"model": "m", "input": [{"type": "function_call_output", "output": "c"}]}),
            "input[0].call_id",
        ),
        (json!({"model": "m", "input": [{"type": "reasoning", "summary": 7}]}), "input[0].summary"),
        (json!({"model": "m", "input": [{}]}), "input[0].type"),
        (json!({"model": "m", "input": "hi", "tools": [{"type": "function"}]}), "tools[0].name"),
        (json!({"model": "m", "input": "hi", "tool_choice": "all"}), "tool_choice"),
        (json!({"model": "m", "input": "hi", "tool_choice": {"type": "function"}}), "tool_choice.name"),
        (
            json!({"model": "m", "input": "hi", "text": {"format": {"type": "json_schema"}}}),
            "text.format.schema",
        ),
        (json!({"model": "m", "input": "hi", "reasoning": {"effort": "some"}}), "reasoning.effort"),
        (json!({"model": "m", "input": "hi", "temperature": "x"}), "temperature"),
    ] {
        let failure = super::decode_request(body.to_string().as_bytes()).unwrap_err();
        assert_eq!((failure.status, failure.param.as_deref()), (400, Some(param)), "{body}");
    }
}

#[test]
fn thoughts_come_back_to_their_maker_and_to_nobody_else() {
    let body = |content: &str| {
        json!({"model": "m", "reasoning": {"effort": "low"}, "max_output_tokens": 9000, "input": [
            {"role": "user", "content": "hi"},
            {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "hm"}],
                "encrypted_content": content},
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c", "output": "1"},
        ]})
    };
    let to_claude = |body: &Value| {
        let quirks = &Quirks::OPENAI;
        let ask = Ask::new("claude-sonnet-4-5", quirks);
        let call = Call::chat(Dialect::OpenaiResponses);
        let outgoing = lane::request(&call, Dialect::Anthropic, body.to_string().as_bytes(), &ask).unwrap();
        let Edit::Replace(out) = outgoing.edit else { panic!("not translated") };
        (serde_json::from_slice::<Value>(&out).unwrap(), outgoing.warnings)
    };
    let (claude, warnings) = to_claude(&body("tollgate1:anthropic:thinking:SIG=="));
    let thought = json!({"type": "thinking", "thinking": "hm", "signature": "SIG=="});
    assert_eq!(claude["messages"][1]["content"][0], thought);
    assert!(!warnings.iter().any(|warning| warning.contains("reasoning")), "{warnings:?}");
    let (claude, _) = to_claude(&body("gAAAA"));
    assert_eq!(claude["messages"][1]["content"][0]["type"], "tool_use");

    // OpenAI itself never sees the marks of others.
    let (own, warnings) = lane(
        Dialect::OpenaiResponses,
        Dialect::OpenaiResponses,
        &body("tollgate1:anthropic:thinking:SIG=="),
        true,
    )
    .unwrap();
    assert!(!own.to_string().contains("SIG"), "{own}");
    assert_eq!(warnings.len(), 1);
    let redacted = json!({"model": "m", "input": [{"role": "user", "content": "hi"},
        {"type": "reasoning", "summary": [], "encrypted_content": "tollgate1:anthropic:redacted:D"},
        {"role": "assistant", "content": "so"}]});
    let (claude, _) = to_claude(&redacted);
    assert_eq!(claude["messages"][1]["content"][0], json!({"type": "redacted_thinking", "data": "D"}));
}

#[test]
fn claudes_thinking_asks_for_a_summary() {
    let (out, _) = lane(
        Dialect::Anthropic,
        Dialect::OpenaiResponses,
        &json!({"model": "m", "max_tokens": 100, "thinking": {"type": "enabled", "budget_tokens": 2000},
            "system": "S", "messages": [{"role": "user", "content": "hi"},
            {"role": "assistant", "content": [{"type": "thinking", "thinking": "hm",
                "signature": "tollgate1:openai_responses:thinking:gAAA"},
                {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "1"},
                {"type": "text", "text": "so?"}]}]}),
        true,
    )
    .unwrap();
    assert_eq!(out["reasoning"], json!({"effort": "low", "summary": "auto"}));
    assert_eq!(out["input"][0], json!({"type": "message", "role": "system", "content": "S"}));
    assert_eq!(
        out["input"].as_array().unwrap()[2..],
        [
            json!({"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}], "encrypted_content": "gAAA"}),
            json!({"type": "function_call", "call_id": "t", "name": "f", "arguments": "{\"a\": 1}".replace(": ", ":")}),
            json!({"type": "function_call_output", "call_id": "t", "output": "1"}),
            json!({"type": "message", "role": "user", "content": "so?"}),
        ]
    );
}

#[test]
fn items_of_others_make_no_empty_message() {
    let (chat, warnings) = to_chat(&json!({"model": "m", "input": [
        {"role": "user", "content": "hi"},
        {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search"}},
        {"type": "computer_call_output", "call_id": "c", "output": {"type": "computer_screenshot"}},
        {"role": "user", "content": "so?"},
    ]}));
    assert_eq!(chat["messages"].as_array().map(Vec::len), Some(2), "{chat}");
    assert_eq!(warnings.len(), 2, "{warnings:?}");
}

#[test]
fn an_effort_of_none_switches_thinking_off() {
    let text =
        json!({"model": "m", "input": "hi", "reasoning": {"effort": "none", "summary": "auto"}}).to_string();
    let request = decode(&text);
    assert_eq!((request.reasoning.effort, request.reasoning.is_on()), (Some(Effort::None), false));
    let first: &Part<'_> = &request.messages[0].parts[0];
    assert!(matches!(&first.kind, PartKind::Text(text) if *text == "hi"));
}
