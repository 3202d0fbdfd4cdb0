//! What becomes of requests.

use super::*;
use crate::chat::Losses;
use crate::dialect::lane::Ask;
use crate::dialect::{Dialect, codec};
use crate::provider::Quirks;
use serde_json::{Value, json};

const CLAUDE: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
const OLD_CLAUDE: &str = "anthropic.claude-3-sonnet-20240229-v1:0";
const NOVA: &str = "amazon.nova-lite-v1:0";
const LLAMA: &str = "us.meta.llama4-maverick-17b-instruct-v1:0";

fn ask(model: &str, drop_params: bool) -> Ask<'_> {
    Ask { drop_params, ..Ask::new(model, &Quirks::OPENAI) }
}

/// The request of a client of `dialect` as `model` gets it, and the warnings.
fn send(dialect: Dialect, model: &str, body: &Value) -> (Value, Vec<String>) {
    let text = body.to_string();
    let request = codec::decode_request(dialect, text.as_bytes()).unwrap();
    let mut losses = Losses::new(true);
    let encoded = encode_request(&request, &ask(model, true), &mut losses).unwrap();
    (serde_json::from_slice(&encoded.body).unwrap(), losses.into_warnings())
}

fn openai(model: &str, body: &Value) -> Value {
    send(Dialect::OpenaiChat, model, body).0
}

/// The field that a strict gateway names.
fn refused(dialect: Dialect, model: &str, body: &Value) -> Option<String> {
    let text = body.to_string();
    let request = codec::decode_request(dialect, text.as_bytes()).unwrap();
    encode_request(&request, &ask(model, false), &mut Losses::new(false)).unwrap_err().param
}

fn user(text: &str) -> Value {
    json!({"role": "user", "content": text})
}

fn tool(name: &str) -> Value {
    json!({"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": {}}}})
}

#[test]
fn roles_alternate_and_results_come_first() {
    let body = openai(
        CLAUDE,
        &json!({"model": "m", "messages": [
            {"role": "system", "content": "s1"}, {"role": "developer", "content": "s2"},
            user("a"), user("b"),
            {"role": "assistant", "content": "", "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{\"x\":1}"}},
                {"id": "c2", "type": "function", "function": {"name": "f", "arguments": ""}}]},
            {"role": "tool", "tool_call_id": "c1", "content": "r1"},
            {"role": "tool", "tool_call_id": "c2", "content": " "},
            user("so?"),
        ], "tools": [tool("f")]}),
    );
    assert_eq!(body["system"], json!([{"text": "s1"}, {"text": "s2"}]));
    assert_eq!(
        body["messages"],
        json!([
            {"role": "user", "content": [{"text": "a"}, {"text": "b"}]},
            {"role": "assistant", "content": [
                {"toolUse": {"toolUseId": "c1", "name": "f", "input": {"x": 1}}},
                {"toolUse": {"toolUseId": "c2", "name": "f", "input": {}}}]},
            {"role": "user", "content": [
                {"toolResult": {"toolUseId": "c1", "content": [{"text": "r1"}]}},
                {"toolResult": {"toolUseId": "c2", "content": [{"text": "(no output)"}]}},
                {"text": "so?"}]},
        ])
    );
    assert_eq!(body["inferenceConfig"], json!({"maxTokens": 4096}));
    assert!(body.get("model").is_none() && body.get("stream").is_none());
}

#[test]
fn a_history_of_tools_needs_the_tools() {
    let history = json!([
        user("a"),
        {"role": "assistant", "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "c1", "content": "r"},
    ]);
    let (body, warnings) = send(Dialect::OpenaiChat, CLAUDE, &json!({"model": "m", "messages": history}));
    let spec =
        json!({"toolSpec": {"name": "f", "inputSchema": {"json": {"type": "object", "properties": {}}}}});
    assert_eq!(body["toolConfig"], json!({"tools": [spec]}));
    assert_eq!(warnings.len(), 1);
    let none = json!({"model": "m", "messages": history, "tools": [tool("f")], "tool_choice": "none"});
    let body = openai(CLAUDE, &none);
    assert_eq!(body["additionalModelRequestFields"]["tool_choice"], json!({"type": "none"}));
    assert!(body["toolConfig"]["tools"].is_array() && body["toolConfig"].get("toolChoice").is_none());
    assert_eq!(refused(Dialect::OpenaiChat, NOVA, &none).as_deref(), Some("tool_choice"));
}

#[test]
fn choices_among_tools() {
    let with = |choice: Value, parallel: Value| {
        json!({"model": "m", "messages": [user("a")], "tools": [tool("f")],
            "tool_choice": choice, "parallel_tool_calls": parallel})
    };
    let config =
        |model, choice| openai(model, &with(choice, Value::Null))["toolConfig"]["toolChoice"].clone();
    assert_eq!(config(CLAUDE, json!("required")), json!({"any": {}}));
    assert_eq!(config(CLAUDE, json!("auto")), Value::Null);
    let named = json!({"type": "function", "function": {"name": "f"}});
    assert_eq!(config(NOVA, named.clone()), json!({"tool": {"name": "f"}}));
    assert_eq!(config(LLAMA, named.clone()), Value::Null);
    assert_eq!(openai(CLAUDE, &with(json!("none"), Value::Null)).get("toolConfig"), None);
    let single = openai(CLAUDE, &with(json!("required"), json!(false)));
    assert_eq!(
        single["additionalModelRequestFields"]["tool_choice"],
        json!({"type": "any", "disable_parallel_tool_use": true})
    );
    assert_eq!(single["toolConfig"].get("toolChoice"), None);
    assert_eq!(
        refused(Dialect::OpenaiChat, NOVA, &with(json!("auto"), json!(false))).as_deref(),
        Some("parallel_tool_calls")
    );
}

#[test]
fn cache_breakpoints_become_points() {
    let (body, _) = send(
        Dialect::Anthropic,
        CLAUDE,
        &json!({"model": "m", "max_tokens": 9,
            "system": [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
            "tools": [{"name": "f", "input_schema": {"type": "object"}, "cache_control": {"type": "ephemeral"}}],
            "messages": [{"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": "r"}],
                    "cache_control": {"type": "ephemeral", "ttl": "5m"}},
                {"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}]}]}),
    );
    let point = json!({"cachePoint": {"type": "default"}});
    assert_eq!(body["system"], json!([{"text": "s"}, {"cachePoint": {"type": "default", "ttl": "1h"}}]));
    assert_eq!(body["toolConfig"]["tools"][1], point);
    let content = body["messages"][0]["content"].as_array().unwrap();
    assert_eq!(content[1], json!({"cachePoint": {"type": "default", "ttl": "5m"}}));
    assert_eq!(content[3], point);
    let (body, warnings) = send(
        Dialect::Anthropic,
        LLAMA,
        &json!({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": [
            {"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}]}]}),
    );
    assert_eq!(body["messages"][0]["content"], json!([{"text": "x"}]));
    assert_eq!(warnings.len(), 1);
}

#[test]
fn thoughts_keep_their_proof() {
    let (body, _) = send(
        Dialect::Anthropic,
        CLAUDE,
        &json!({"model": "m", "max_tokens": 4000, "thinking": {"type": "enabled", "budget_tokens": 2000},
            "messages": [user("a"), {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "hm", "signature": "sig"},
                {"type": "redacted_thinking", "data": "AAEC"},
                {"type": "tool_use", "id": "t", "name": "f", "input": {}}]},
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "is_error": true, "content": "no"}]}]}),
    );
    assert_eq!(
        body["messages"][1]["content"],
        json!([
            {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "sig"}}},
            {"reasoningContent": {"redactedContent": "AAEC"}},
            {"toolUse": {"toolUseId": "t", "name": "f", "input": {}}}])
    );
    assert_eq!(body["messages"][2]["content"][0]["toolResult"]["status"], "error");
    assert_eq!(
        body["additionalModelRequestFields"],
        json!({"thinking": {"type": "enabled", "budget_tokens": 2000}})
    );
    assert_eq!(body["inferenceConfig"]["maxTokens"], 4000);
}

#[test]
fn thinking_by_family() {
    let think = json!({"model": "m", "messages": [user("a")], "max_completion_tokens": 64,
        "reasoning_effort": "low", "temperature": 0.5});
    let claude = openai(CLAUDE, &think);
    assert_eq!(
        claude["additionalModelRequestFields"]["thinking"],
        json!({"type": "enabled", "budget_tokens": 1024})
    );
    assert_eq!(claude["inferenceConfig"], json!({"maxTokens": 1088}));
    let nova = openai("us.amazon.nova-2-lite-v1:0", &think);
    assert_eq!(
        nova["additionalModelRequestFields"],
        json!({"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"}})
    );
    assert_eq!(nova["inferenceConfig"], json!({"maxTokens": 64, "temperature": 0.5}));
    let gpt = openai("openai.gpt-oss-120b-1:0", &think);
    assert_eq!(gpt["additionalModelRequestFields"], json!({"reasoning_effort": "low"}));
    assert_eq!(refused(Dialect::OpenaiChat, LLAMA, &think).as_deref(), Some("reasoning_effort"));
    let newest = openai("us.anthropic.claude-sonnet-5", &think);
    assert_eq!(
        newest["additionalModelRequestFields"],
        json!({"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": "low"}})
    );
}

#[test]
fn sampling_and_stops() {
    let body = openai(
        OLD_CLAUDE,
        &json!({"model": "m", "messages": [user("a")], "temperature": 1.5, "top_p": 0.9, "stop": ["END", " \n"],
            "max_tokens": 1, "max_completion_tokens": 2, "user": "u1", "metadata": {"team": "a"}, "service_tier": "flex"}),
    );
    assert_eq!(
        body["inferenceConfig"],
        json!({"maxTokens": 2, "temperature": 1.0, "topP": 0.9, "stopSequences": ["END"]})
    );
    assert_eq!(body["requestMetadata"], json!({"team": "a", "user": "u1"}));
    assert_eq!(body["serviceTier"], json!({"type": "flex"}));
    for (field, value) in
        [("n", json!(2)), ("seed", json!(1)), ("logprobs", json!(true)), ("logit_bias", json!({"1": 1}))]
    {
        let mut body = json!({"model": "m", "messages": [user("a")]});
        body[field] = value;
        assert_eq!(refused(Dialect::OpenaiChat, CLAUDE, &body).as_deref(), Some(field));
    }
    let both =
        openai(CLAUDE, &json!({"model": "m", "messages": [user("a")], "temperature": 0.5, "top_p": 0.9}));
    assert_eq!(both["inferenceConfig"], json!({"maxTokens": 4096, "temperature": 0.5}));
    let (anthropic, _) = send(
        Dialect::Anthropic,
        CLAUDE,
        &json!({"model": "m", "max_tokens": 5, "top_k": 7, "stop_sequences": ["END"], "messages": [user("a")]}),
    );
    assert_eq!(anthropic["additionalModelRequestFields"], json!({"top_k": 7}));
    assert_eq!(anthropic["additionalModelResponseFieldPaths"], json!(["/stop_sequence"]));
    let (nova, _) = send(
        Dialect::Anthropic,
        NOVA,
        &json!({"model": "m", "max_tokens": 5, "top_k": 7, "messages": [user("a")]}),
    );
    assert_eq!(nova["additionalModelRequestFields"], json!({"inferenceConfig": {"topK": 7}}));
}

#[test]
fn pictures_and_documents() {
    let body = openai(
        CLAUDE,
        &json!({"model": "m", "messages": [{"role": "user", "content": [
            {"type": "image_url", "image_url": {"url": "data:image/jpg;base64,/9j/"}},
            {"type": "file", "file": {"filename": "Q3_report.v2.pdf", "file_data": "data:application/pdf;base64,JVBERi0="}},
            {"type": "file", "file": {"filename": "Q3_report.v2.pdf", "file_data": "data:application/pdf;base64,JVBERi0="}},
        ]}]}),
    );
    let document =
        |name| json!({"document": {"format": "pdf", "name": name, "source": {"bytes": "JVBERi0="}}});
    assert_eq!(
        body["messages"][0]["content"],
        json!([
            {"image": {"format": "jpeg", "source": {"bytes": "/9j/"}}},
            document("Q3-report-v2"), document("Q3-report-v2 2"), {"text": "."},
        ])
    );
    let url = json!({"model": "m", "messages": [{"role": "user", "content": [
        {"type": "image_url", "image_url": {"url": "https://a.example/x.png"}}]}]});
    assert_eq!(refused(Dialect::OpenaiChat, CLAUDE, &url).as_deref(), Some("messages[0].content[0]"));
    let (text, _) = send(
        Dialect::Anthropic,
        CLAUDE,
        &json!({"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": [
            {"type": "document", "title": "T", "context": "C", "citations": {"enabled": true},
                "source": {"type": "text", "media_type": "text/plain", "data": "hi"}},
            {"type": "text", "text": "x"}]}]}),
    );
    assert_eq!(
        text["messages"][0]["content"][0],
        json!({"document": {"format": "txt", "name": "T", "source": {"text": "hi"}, "context": "C",
            "citations": {"enabled": true}}})
    );
}

#[test]
fn structured_output() {
    let body = json!({"model": "m", "messages": [user("a")], "response_format": {"type": "json_schema",
        "json_schema": {"name": "city", "strict": true, "schema": {"type": "object",
            "properties": {"n": {"type": "integer", "minimum": 1}}, "required": ["n"]}}}});
    let claude = openai(CLAUDE, &body);
    let definition = &claude["outputConfig"]["textFormat"]["structure"]["jsonSchema"];
    assert_eq!(definition["name"], "city");
    let schema: Value = serde_json::from_str(definition["schema"].as_str().unwrap()).unwrap();
    assert_eq!(
        (&schema["additionalProperties"], schema["properties"]["n"].get("minimum")),
        (&json!(false), None)
    );
    let nova = openai(NOVA, &body);
    assert_eq!(nova["toolConfig"]["toolChoice"], json!({"tool": {"name": "json_tool_call"}}));
    let llama = openai(LLAMA, &body);
    assert!(llama["system"][0]["text"].as_str().unwrap().contains("\"minimum\":1"));
}

#[test]
fn an_own_request_loses_nothing() {
    let body = json!({
        "messages": [
            {"role": "user", "content": [
                {"document": {"format": "md", "name": "d", "source": {"text": "t"}, "citations": {"enabled": true}}},
                {"document": {"format": "txt", "name": "e", "source": {"content": [{"text": "a"}]}}},
                {"image": {"format": "png", "source": {"s3Location": {"uri": "s3://b/k.png"}}}},
                {"video": {"format": "mp4", "source": {"s3Location": {"uri": "s3://b/k.mp4"}}}},
                {"audio": {"format": "wav", "source": {"bytes": "AAEC"}}},
                {"guardContent": {"text": {"text": "g", "qualifiers": ["query"]}}},
                {"text": " "}, {"cachePoint": {"type": "default"}}]},
            {"role": "user", "content": [{"text": "again"}]},
            {"role": "assistant", "content": [
                {"reasoningContent": {"reasoningText": {"text": "unsigned"}}},
                {"toolUse": {"toolUseId": "t", "name": "f", "input": {}}}]},
            {"role": "user", "content": [{"toolResult": {"toolUseId": "t", "status": "success", "content": []}}]},
        ],
        "system": [{"text": "s"}, {"cachePoint": {"type": "default", "ttl": "1h"}}],
        "inferenceConfig": {"maxTokens": 5, "temperature": 0.5, "topP": 0.5, "stopSequences": ["x"]},
        "toolConfig": {"tools": [{"toolSpec": {"name": "f", "inputSchema": {"json": {"type": "object"}}}},
            {"cachePoint": {"type": "default"}}, {"systemTool": {"name": "nova_grounding"}}], "toolChoice": {"auto": {}}},
        "additionalModelRequestFields": {"thinking": {"type": "enabled", "budget_tokens": 3}, "top_k": 5, "other": [1]},
        "additionalModelResponseFieldPaths": ["/x"],
        "guardrailConfig": {"guardrailIdentifier": "g", "guardrailVersion": "1"},
        "requestMetadata": {"a": "b"},
        "performanceConfig": {"latency": "optimized"},
        "serviceTier": {"type": "priority"},
        "outputConfig": {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"schema": "{\"type\":\"object\"}"}}}},
    });
    assert_eq!(send(Dialect::Bedrock, CLAUDE, &body), (body, vec![]));
}

#[test]
fn bedrocks_words_in_other_dialects() {
    let text = json!({
        "messages": [{"role": "user", "content": [{"guardContent": {"text": {"text": "g"}}}]}],
        "additionalModelRequestFields": {"thinking": {"type": "enabled", "budget_tokens": 2000}},
        "inferenceConfig": {"maxTokens": 5000, "temperature": 0.5},
        "toolConfig": {"tools": [{"toolSpec": {"name": "f", "description": "d", "inputSchema": {"json": {"type": "object"}}}}],
            "toolChoice": {"any": {}}},
        "guardrailConfig": {"guardrailIdentifier": "g", "guardrailVersion": "1"},
    })
    .to_string();
    let request = decode_request(text.as_bytes()).unwrap();
    let mut losses = Losses::new(true);
    let encoded =
        codec::encode_request(Dialect::OpenaiChat, &request, &ask("gpt-5", true), &mut losses).unwrap();
    let body: Value = serde_json::from_slice(&encoded.body).unwrap();
    assert_eq!(body["messages"][0]["content"], "g");
    assert_eq!(body["reasoning_effort"], "low");
    assert_eq!(body["tool_choice"], "required");
    let warnings = losses.into_warnings();
    assert!(warnings.iter().any(|warning| warning.starts_with("guardrailConfig")), "{warnings:?}");
    assert!(warnings.iter().any(|warning| warning.contains("guardContent")), "{warnings:?}");
}

#[test]
fn what_is_wrong_is_named() {
    for (body, field) in [
        (json!({}), "messages"),
        (json!({"messages": [{"content": []}]}), "messages[0].role"),
        (json!({"messages": [{"role": "user", "content": [{"image": 7}]}]}), "messages[0].content[0].image"),
        (json!({"messages": [], "system": [{"text": 1}]}), "system[0].text"),
        (json!({"messages": [], "toolConfig": {"toolChoice": {}}}), "toolConfig.toolChoice"),
        (json!({"messages": [], "inferenceConfig": {"maxTokens": "x"}}), "inferenceConfig.maxTokens"),
    ] {
        let failure = decode_request(body.to_string().as_bytes()).unwrap_err();
        assert_eq!((failure.status, failure.param.as_deref()), (400, Some(field)), "{body}");
    }
}

#[test]
fn thoughts_go_back_to_models_that_take_them() {
    let thought = json!({"type": "thinking", "thinking": "t", "signature": "S"});
    let hidden = json!({"type": "redacted_thinking", "data": "UkVE"});
    let answer = json!({"role": "assistant", "content": [thought, hidden, {"type": "text", "text": "a"}]});
    let body = json!({"model": "m", "max_tokens": 9, "messages": [user("u"), answer, user("v")]});
    for (model, blocks) in [
        (CLAUDE, 3),
        (OLD_CLAUDE, 3),
        ("arn:aws:bedrock:us-east-1:1:application-inference-profile/x", 3),
        (NOVA, 1),
        (LLAMA, 1),
    ] {
        let (sent, warnings) = send(Dialect::Anthropic, model, &body);
        assert_eq!(sent["messages"][1]["content"].as_array().unwrap().len(), blocks, "{model}");
        let dropped = "messages[1]: reasoning dropped: this model takes none back";
        assert_eq!(warnings.iter().any(|warning| warning == dropped), blocks == 1, "{model}: {warnings:?}");
    }
}

#[test]
fn names_of_instructions_are_lost_like_those_of_others() {
    let named = json!({"role": "system", "content": "s", "name": "n"});
    let (_, warnings) =
        send(Dialect::OpenaiChat, CLAUDE, &json!({"model": "m", "messages": [named, user("u")]}));
    assert_eq!(warnings, ["messages[0].name dropped: is not supported by Bedrock"]);
}
