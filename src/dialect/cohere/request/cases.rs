//! Golden cases of requests, both ways.

use super::*;
use crate::chat::{Losses, PartKind};
use crate::dialect::lane::Ask;
use crate::dialect::{Dialect, codec};
use crate::provider::Quirks;
use serde_json::{Value, json};

fn ask(model: &str, drop_params: bool) -> Ask<'_> {
    Ask { drop_params, ..Ask::new(model, &Quirks::OPENAI) }
}

fn to_cohere(from: Dialect, body: &Value, model: &str) -> (Value, Vec<String>) {
    let text = body.to_string();
    let request = codec::decode_request(from, text.as_bytes()).unwrap();
    let mut losses = Losses::new(true);
    let encoded = encode_request(&request, &ask(model, true), &mut losses).unwrap();
    (serde_json::from_slice(&encoded.body).unwrap(), losses.into_warnings())
}

fn from_openai(body: &Value) -> (Value, Vec<String>) {
    to_cohere(Dialect::OpenaiChat, body, "command-a-03-2025")
}

fn tool(name: &str) -> Value {
    json!({"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": {}}}})
}

#[test]
fn choices_among_tools() {
    let choice = |choice: Value| {
        let messages = json!([{"role": "user", "content": "a"}]);
        from_openai(&json!({"model": "m", "tools": [tool("f"), tool("g")], "tool_choice": choice,
            "messages": messages}))
    };
    let names = |body: &Value| {
        let tools = body["tools"].as_array().unwrap();
        tools.iter().map(|tool| tool["function"]["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(choice(json!("auto")).0["tool_choice"], Value::Null);
    assert_eq!(choice(json!("none")).0["tool_choice"], "NONE");
    assert_eq!(choice(json!("required")).0["tool_choice"], "REQUIRED");
    let (body, warnings) = choice(json!({"type": "function", "function": {"name": "g"}}));
    assert_eq!((&body["tool_choice"], names(&body)), (&json!("REQUIRED"), vec!["g".to_owned()]));
    assert_eq!(warnings, ["tools: only those that tool_choice names were sent"]);
}

#[test]
fn sampling_within_what_cohere_takes() {
    let (body, warnings) =
        from_openai(&json!({"model": "m", "temperature": 1.5, "top_p": 1.0, "stop": "END",
        "max_completion_tokens": 9, "seed": 3, "frequency_penalty": -0.5, "n": 1, "logprobs": true,
        "messages": [{"role": "user", "content": "a"}]}));
    assert_eq!(
        body,
        json!({"model": "command-a-03-2025", "messages": [{"role": "user", "content": "a"}], "max_tokens": 9,
            "temperature": 1.0, "p": 0.99, "frequency_penalty": 0.0, "seed": 3, "stop_sequences": ["END"],
            "logprobs": true})
    );
    assert_eq!(
        warnings,
        [
            "temperature moved from 1.5 to 1, as far as Cohere goes",
            "top_p moved from 1 to 0.99, as far as Cohere goes",
            "frequency_penalty moved from -0.5 to 0, as far as Cohere goes"
        ]
    );
}

#[test]
fn results_plans_and_pictures_from_anthropic() {
    let (body, warnings) = to_cohere(
        Dialect::Anthropic,
        &json!({"model": "m", "max_tokens": 5, "system": "Be brief.", "messages": [
            {"role": "user", "content": [{"type": "text", "text": "q"},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}]},
            {"role": "assistant", "content": [{"type": "thinking", "thinking": "I will look", "signature": "s"},
                {"type": "tool_use", "id": "t1", "name": "f", "input": {"a": 1}}]},
            {"role": "user", "content": [{"type": "text", "text": "and?"},
                {"type": "tool_result", "tool_use_id": "t1", "content": "sunny"},
                {"type": "document", "title": "Facts", "source": {"type": "text", "media_type": "text/plain",
                    "data": "Ruby is red."}}]}]}),
        "command-a-03-2025",
    );
    assert_eq!(
        body["messages"],
        json!([{"role": "system", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "q"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}]},
            {"role": "assistant", "tool_plan": "I will look", "tool_calls": [{"id": "t1", "type": "function",
                "function": {"name": "f", "arguments": "{\"a\":1}"}}]},
            {"role": "tool", "tool_call_id": "t1", "content": "sunny"},
            {"role": "user", "content": "and?"}])
    );
    assert_eq!(body["documents"], json!([{"data": {"title": "Facts", "text": "Ruby is red."}}]));
    assert_eq!(warnings, ["messages[1]: the signature of reasoning dropped: is not supported by Cohere"]);
}

#[test]
fn schemas_strictness_and_thinking() {
    let schema = json!({"type": "object", "properties": {}});
    let format =
        json!({"type": "json_schema", "json_schema": {"name": "x", "strict": true, "schema": schema}});
    let messages = json!([{"role": "user", "content": "a"}]);
    let (body, _) = from_openai(&json!({"model": "m", "messages": messages, "response_format": format}));
    assert_eq!(body["response_format"], json!({"type": "json_object", "json_schema": schema}));
    let mut strict = tool("f");
    strict["function"]["strict"] = json!(true);
    strict["function"]["parameters"]["required"] = json!(["a"]);
    let (body, warnings) =
        from_openai(&json!({"model": "m", "messages": messages, "response_format": format,
        "tools": [strict], "reasoning_effort": "low"}));
    assert_eq!((&body["strict_tools"], &body["response_format"]), (&json!(true), &Value::Null));
    assert_eq!(body["tools"][0]["function"]["parameters"]["required"], json!(["a"]));
    assert_eq!(
        warnings,
        [
            "response_format dropped: is not supported by Cohere together with tools",
            "reasoning_effort dropped: is not supported by this model"
        ]
    );
    let think = |effort: &str| {
        let body = json!({"model": "m", "messages": messages, "reasoning_effort": effort});
        to_cohere(Dialect::OpenaiChat, &body, "command-a-reasoning-08-2025").0["thinking"].clone()
    };
    assert_eq!(think("medium"), json!({"type": "enabled", "token_budget": 4096}));
    assert_eq!(think("none"), json!({"type": "disabled"}));
}

#[test]
fn a_clients_request_reaches_others() {
    let body = json!({"model": "m", "safety_mode": "STRICT", "strict_tools": true, "tools": [tool("f")],
        "documents": ["plain", {"id": "d1", "data": {"text": "Ruby is red."}}], "k": 0, "messages": [
        {"role": "user", "content": "q"},
        {"role": "assistant", "tool_plan": "I will", "tool_calls": [{"id": "c1", "type": "function",
            "function": {"name": "f", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "c1", "content": [{"type": "document", "document": {"data": "x"}}]}]});
    let text = body.to_string();
    let call = crate::dialect::Call::chat(Dialect::Cohere);
    let quiet = ask("gpt-5", true);
    let outgoing =
        crate::dialect::lane::request(&call, Dialect::OpenaiChat, text.as_bytes(), &quiet).unwrap();
    let crate::dialect::lane::Edit::Replace(openai) = outgoing.edit else { panic!("translated") };
    let openai: Value = serde_json::from_slice(&openai).unwrap();
    let said = openai["messages"][0]["content"].as_array().unwrap();
    assert_eq!(said.len(), 3, "{said:?}");
    assert!(said[1]["text"].as_str().unwrap().contains("Ruby is red."));
    assert_eq!(openai["tools"][0]["function"]["strict"], Value::Null);
    assert!(outgoing.warnings.iter().any(|warning| warning.starts_with("safety_mode dropped")));

    let request = decode_request(text.as_bytes()).unwrap();
    assert!(matches!(request.messages[1].parts[0].kind, PartKind::Thinking(_)));
    let encoded = encode_request(&request, &ask("m", false), &mut Losses::new(false)).unwrap();
    let mut again = body;
    again.as_object_mut().unwrap().remove("k");
    assert_eq!(serde_json::from_slice::<Value>(&encoded.body).unwrap(), again);
}

#[test]
fn what_is_wrong_is_named() {
    for (body, param) in [
        ("{}", "messages"),
        (r#"{"messages":[{"content":"x"}]}"#, "messages[0].role"),
        (r#"{"messages":[{"role":"robot"}]}"#, "messages[0].role"),
        (r#"{"messages":[{"role":"tool","content":"x"}]}"#, "messages[0].tool_call_id"),
        (r#"{"messages":[{"role":"user","content":[{"type":"text"}]}]}"#, "messages[0].content[0].text"),
        (r#"{"messages":[],"tool_choice":"ANY"}"#, "tool_choice"),
        (r#"{"messages":[],"thinking":{"type":"maybe"}}"#, "thinking.type"),
    ] {
        let failure = decode_request(body.as_bytes()).unwrap_err();
        assert_eq!((failure.status, failure.param.as_deref()), (400, Some(param)), "{body}");
    }
}

#[test]
fn a_document_within_a_result_is_an_object() {
    let document =
        json!({"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "Red."}});
    let (body, _) = to_cohere(
        Dialect::Anthropic,
        &json!({"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "q"},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "f", "input": {}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t",
                "content": [{"type": "text", "text": "said"}, document]}]}]}),
        "command-a-03-2025",
    );
    assert_eq!(
        body["messages"][2]["content"][1],
        json!({"type": "document", "document": {"data": {"text": "Red."}}})
    );
}
