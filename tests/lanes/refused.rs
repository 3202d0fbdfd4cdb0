//! What a provider would answer with 400, and another takes: it is put into words that this one takes, and that is told.

use serde_json::{Value, json};
use tollgate::dialect::Call;
use tollgate::dialect::Dialect::{
    self, Anthropic, Bedrock, Gemini, OpenaiChat, OpenaiCompletions, OpenaiResponses,
};
use tollgate::dialect::lane::{self, AnswerPlan, Ask, Edit};
use tollgate::provider::Quirks;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const BEDROCK_CLAUDE: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";

/// The request as the provider gets it, the warnings, and the plan of the answer.
fn planned(
    client: Dialect,
    provider: Dialect,
    model: &str,
    body: &Value,
) -> (Value, Vec<String>, AnswerPlan) {
    let ask = Ask::new(model, &Quirks::OPENAI);
    let outgoing = lane::request(&Call::chat(client), provider, body.to_string().as_bytes(), &ask)
        .unwrap_or_else(|failure| panic!("{failure:?}"));
    let Edit::Replace(out) = outgoing.edit else { panic!("not translated") };
    (serde_json::from_slice(&out).unwrap(), outgoing.warnings, outgoing.plan)
}

fn sent(client: Dialect, provider: Dialect, model: &str, body: &Value) -> (Value, Vec<String>) {
    let (out, warnings, _) = planned(client, provider, model, body);
    (out, warnings)
}

/// An OpenAI request of one user message, with more fields.
fn ask(more: &Value) -> Value {
    let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

fn tool(parameters: &Value) -> Value {
    json!([{"type": "function", "function": {"name": "f", "parameters": parameters}}])
}

fn answer(plan: &AnswerPlan, body: &Value) -> (Value, Vec<String>) {
    let answer = lane::answer(plan, body.to_string().as_bytes()).unwrap();
    (serde_json::from_slice(&answer.body.unwrap()).unwrap(), answer.report.warnings)
}

#[test]
fn base64_in_the_alphabet_of_urls_becomes_the_standard_one() {
    let body = json!({"contents": [{"role": "user", "parts": [
        {"inlineData": {"mimeType": "image/png", "data": "iVBOR-_w-A=="}}, {"text": "q"}]}]});
    let (out, _) = sent(Gemini, Anthropic, "claude-sonnet-4-5", &body);
    assert_eq!(out["messages"][0]["content"][0]["source"]["data"], "iVBOR+/w+A==");
}

#[test]
fn the_beginning_of_an_answer_goes_where_it_is_taken() {
    let body = json!({"model": "m", "reasoning_effort": "high", "messages": [
        {"role": "user", "content": "hi"}, {"role": "assistant", "content": "So"}]});
    for (provider, model) in [(Anthropic, "claude-opus-4-6"), (Bedrock, "global.anthropic.claude-sonnet-4-6")]
    {
        let (out, warnings) = sent(OpenaiChat, provider, model, &body);
        let last = &out["messages"][2];
        assert_eq!((&last["role"], &last["content"][0]["text"]), (&json!("user"), &json!("Continue.")));
        assert_eq!(warnings.len(), 1, "{warnings:?}");
    }
    let (out, warnings) = sent(OpenaiChat, Anthropic, "claude-sonnet-4-5", &body);
    assert_eq!((&out["messages"][2], &out["thinking"]), (&Value::Null, &Value::Null));
    assert_eq!(warnings.len(), 1, "{warnings:?}");
}

#[test]
fn gemini_takes_nothing_beside_any_of_and_wants_types() {
    let parameters = json!({"type": "object", "properties": {
        "a": {"type": ["string", "integer", "null"], "description": "d"}, "five": {"const": 5}}});
    let (out, _) = sent(OpenaiChat, Gemini, "gemini-2.5-flash", &ask(&json!({"tools": tool(&parameters)})));
    let properties = &out["tools"][0]["functionDeclarations"][0]["parameters"]["properties"];
    assert_eq!(
        properties["a"],
        json!({"anyOf": [{"type": "string", "nullable": true, "description": "d"},
            {"type": "integer", "nullable": true, "description": "d"}]})
    );
    assert_eq!(properties["five"]["type"], "integer");
    let parameters = json!({"type": "object", "properties": {"any": {}}});
    let (out, warnings) =
        sent(OpenaiChat, Gemini, "gemini-2.5-flash", &ask(&json!({"tools": tool(&parameters)})));
    assert_eq!(out["tools"][0]["functionDeclarations"][0]["parametersJsonSchema"], parameters);
    assert_eq!(warnings.len(), 1, "{warnings:?}");
}

#[test]
fn parameters_are_one_object() {
    let parameters = json!({"type": "object", "properties": {"a": {"type": "string"}},
        "anyOf": [{"required": ["a"]}, {"required": ["b"], "properties": {"b": {"type": "string"}}}]});
    for (provider, model, path) in [
        (Anthropic, "claude-sonnet-4-5", "/tools/0/input_schema"),
        (Bedrock, BEDROCK_CLAUDE, "/toolConfig/tools/0/toolSpec/inputSchema/json"),
        (Gemini, "gemini-2.5-flash", "/tools/0/functionDeclarations/0/parameters"),
    ] {
        let (out, warnings) = sent(OpenaiChat, provider, model, &ask(&json!({"tools": tool(&parameters)})));
        let schema = out.pointer(path).unwrap();
        assert_eq!(schema["properties"], json!({"a": {"type": "string"}, "b": {"type": "string"}}));
        assert_eq!((&schema["type"], &schema["anyOf"]), (&json!("object"), &Value::Null));
        assert!(schema["description"].as_str().unwrap().contains("\"required\":[\"b\"]"), "{schema}");
        assert_eq!(warnings.len(), 1, "{warnings:?}");
    }
}

#[test]
fn names_of_tools_are_fitted_and_put_right() {
    let long = format!("mcp__{}", "x".repeat(80));
    let body = json!({"model": "c", "max_tokens": 10, "tool_choice": {"type": "tool", "name": long},
        "tools": [{"name": long, "input_schema": {"type": "object"}}], "messages": [
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": long, "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "ok"}]}]});
    let (out, _, plan) = planned(Anthropic, OpenaiChat, "gpt-5", &body);
    let name = &out["tools"][0]["function"]["name"];
    assert!(name.as_str().unwrap().len() <= 64, "{name}");
    assert_eq!(&out["tool_choice"]["function"]["name"], name);
    assert_eq!(&out["messages"][1]["tool_calls"][0]["function"]["name"], name);

    let call =
        json!({"index": 0, "id": "c", "type": "function", "function": {"name": name, "arguments": "{}"}});
    let whole = json!({"id": "x", "model": "m", "choices": [{"index": 0, "finish_reason": "tool_calls",
        "message": {"role": "assistant", "content": null, "tool_calls": [call]}}]});
    assert_eq!(answer(&plan, &whole).0["content"][0]["name"], long);

    let chunk = json!({"id": "x", "model": "m", "choices": [{"index": 0, "delta": {"tool_calls": [call]}}]});
    let mut stream = lane::Stream::new(&AnswerPlan { stream: true, ..plan });
    let mut told = Vec::new();
    stream.push(format!("data: {chunk}\n\n").as_bytes(), &mut told);
    stream.end(&mut told);
    assert!(String::from_utf8(told).unwrap().contains(&long));

    let body = json!({"contents": [{"parts": [{"text": "q"}]}],
        "tools": [{"functionDeclarations": [{"name": "files.read:v1"}]}]});
    let (out, _) = sent(Gemini, Bedrock, BEDROCK_CLAUDE, &body);
    let name = out["toolConfig"]["tools"][0]["toolSpec"]["name"].as_str().unwrap();
    assert!(name.starts_with("files_read_v1_"), "{name}");
}

#[test]
fn newer_claudes_are_kept_from_thinking_as_they_can_be() {
    for (model, thinking, effort) in [
        ("claude-opus-4-7", json!(null), json!(null)),
        ("claude-sonnet-5", json!({"type": "disabled"}), json!(null)),
        ("claude-sonnet-5-5", json!({"type": "between_tools"}), json!(null)),
        ("claude-opus-5-5", json!(null), json!("low")),
        ("claude-mythos-preview", json!(null), json!("low")),
    ] {
        let (out, _) = sent(OpenaiChat, Anthropic, model, &ask(&json!({"reasoning_effort": "none"})));
        assert_eq!((&out["thinking"], &out["output_config"]["effort"]), (&thinking, &effort), "{model}");
    }
}

#[test]
fn who_asks_for_thoughts_gets_to_see_them() {
    let body = json!({"contents": [{"parts": [{"text": "q"}]}],
        "generationConfig": {"thinkingConfig": {"includeThoughts": true}}});
    for (provider, at) in [(Anthropic, "/thinking"), (Bedrock, "/additionalModelRequestFields/thinking")] {
        let (out, _) = sent(Gemini, provider, "claude-opus-4-7", &body);
        assert_eq!(out.pointer(at).unwrap(), &json!({"type": "adaptive", "display": "summarized"}));
    }
}

#[test]
fn a_tool_is_forced_where_it_can_be() {
    let body =
        ask(&json!({"tools": tool(&json!({"type": "object", "properties": {}})), "tool_choice": "required",
        "reasoning_effort": "low"}));
    let (out, warnings) = sent(OpenaiChat, Anthropic, "claude-opus-5-5", &body);
    assert_eq!(out["tool_choice"]["type"], "auto");
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    let (out, _) = sent(OpenaiChat, Bedrock, "us.anthropic.claude-opus-5-5", &body);
    assert_eq!(out["toolConfig"]["toolChoice"], Value::Null);
    let (out, _) = sent(OpenaiChat, Anthropic, "claude-opus-5", &body);
    assert_eq!((&out["tool_choice"]["type"], &out["thinking"]["type"]), (&json!("any"), &json!("adaptive")));
}

#[test]
fn other_models_on_bedrock_get_what_they_take() {
    let body = ask(
        &json!({"reasoning_effort": "high", "temperature": 0.4, "max_tokens": 100, "stop": ["END"],
        "tools": [{"type": "function", "function": {"name": "f"}, "cache_control": {"type": "ephemeral", "ttl": "1h"}}]}),
    );
    let (out, warnings) = sent(OpenaiChat, Bedrock, "amazon.nova-pro-v1:0", &body);
    assert_eq!(out["additionalModelRequestFields"], Value::Null);
    assert_eq!(out["toolConfig"]["tools"].as_array().unwrap().len(), 1);
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    let (out, warnings) = sent(OpenaiChat, Bedrock, "us.amazon.nova-2-lite-v1:0", &body);
    assert_eq!(out["inferenceConfig"], json!({"stopSequences": ["END"]}));
    assert_eq!(out["additionalModelRequestFields"]["reasoningConfig"]["maxReasoningEffort"], "high");
    assert_eq!(warnings.len(), 3, "{warnings:?}");
    let (out, _) = sent(OpenaiChat, Bedrock, "openai.gpt-oss-120b-1:0", &body);
    assert_eq!(out["inferenceConfig"]["stopSequences"], Value::Null);
}

#[test]
fn what_a_search_found_is_told() {
    let found = json!([{"type": "search_result", "source": "https://s", "title": "S", "content": [{"type": "text", "text": "sr"}]}]);
    let body = json!({"model": "c", "max_tokens": 30, "messages": [{"role": "user", "content": "q"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "f", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": found}]}],
        "tools": [{"name": "f", "input_schema": {"type": "object"}}]});
    for (provider, model) in [
        (OpenaiChat, "gpt-5"),
        (OpenaiResponses, "gpt-5"),
        (Gemini, "gemini-2.5-pro"),
        (Bedrock, "amazon.nova-pro-v1:0"),
    ] {
        let (out, warnings) = sent(Anthropic, provider, model, &body);
        assert!(out.to_string().contains(r"S\nhttps://s\nsr"), "{out}");
        assert!(warnings.is_empty(), "{warnings:?}");
    }
    let (out, warnings) = sent(Anthropic, Bedrock, BEDROCK_CLAUDE, &body);
    let result = json!({"searchResult": {"source": "https://s", "title": "S", "content": [{"text": "sr"}]}});
    assert_eq!(out["messages"][2]["content"][0]["toolResult"]["content"], json!([result]));
    assert!(warnings.is_empty(), "{warnings:?}");
    let document = json!([{"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "D"}]}}]);
    let body = json!({"model": "c", "max_tokens": 30, "messages": [{"role": "user", "content": document}]});
    let (out, _) = sent(Anthropic, Gemini, "gemini-2.5-pro", &body);
    assert!(out.to_string().contains("\"D\"") || out.to_string().contains("RA=="), "{out}");
}

#[test]
fn search_results_and_pieces_pass_between_anthropic_and_bedrock() {
    let cache = json!({"type": "ephemeral"});
    let asked = json!({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": [
        {"type": "search_result", "source": "https://s", "title": "S", "content": [{"type": "text", "text": "a"},
            {"type": "text", "text": "b"}], "citations": {"enabled": true}, "cache_control": cache},
        {"type": "document", "title": "D", "source": {"type": "content", "content": [{"type": "text", "text": "c"}]},
            "citations": {"enabled": true}},
        {"type": "text", "text": "q"}]}]});
    let (out, warnings) = sent(Anthropic, Bedrock, "anthropic.claude-sonnet-4-5", &asked);
    assert_eq!(
        out["messages"][0]["content"],
        json!([
            {"searchResult": {"source": "https://s", "title": "S", "content": [{"text": "a"}, {"text": "b"}],
                "citations": {"enabled": true}}},
            {"cachePoint": {"type": "default"}},
            {"document": {"format": "txt", "name": "D", "source": {"content": [{"text": "c"}]},
                "citations": {"enabled": true}}},
            {"text": "q"},
        ])
    );
    assert!(warnings.is_empty(), "{warnings:?}");
    let (back, warnings) = sent(Bedrock, Anthropic, "claude-sonnet-4-5", &out);
    assert_eq!(back["messages"], asked["messages"]);
    assert!(warnings.is_empty(), "{warnings:?}");
    // Others are told the text.
    let (out, warnings) = sent(Bedrock, OpenaiChat, "gpt-5", &out);
    assert!(out.to_string().contains(r"S\nhttps://s\na\nb"), "{out}");
    assert!(warnings.iter().any(|warning| warning.contains("citations of search results")), "{warnings:?}");
}

#[test]
fn an_end_without_a_word_for_it_is_told() {
    let body = json!({"candidates": [{"finishReason": "MALFORMED_FUNCTION_CALL",
        "finishMessage": "Malformed function call: call:x{}", "index": 0}], "usageMetadata": {"promptTokenCount": 1}});
    let plan = AnswerPlan::new(OpenaiChat, Gemini, false, false);
    let (out, warnings) = answer(&plan, &body);
    assert_eq!(out["choices"][0]["finish_reason"], "stop");
    assert!(warnings[0].contains("MALFORMED_FUNCTION_CALL \"Malformed"), "{warnings:?}");
    let mut stream = lane::Stream::new(&AnswerPlan { stream: true, ..plan });
    stream.push(format!("data: {body}\n\n").as_bytes(), &mut Vec::new());
    let warnings = &stream.report().warnings;
    assert!(warnings[0].contains("MALFORMED_FUNCTION_CALL"), "{warnings:?}");
}

#[test]
fn bedrocks_figures_are_not_missed_and_a_call_ends_as_one() {
    let body = json!({"output": {"message": {"role": "assistant", "content": [
        {"toolUse": {"toolUseId": "t", "name": "f", "input": {}}}]}}, "stopReason": "end_turn",
        "usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2}, "metrics": {"latencyMs": 8}});
    let (out, warnings) = answer(&AnswerPlan::new(OpenaiChat, Bedrock, false, false), &body);
    assert_eq!(out["choices"][0]["finish_reason"], "tool_calls");
    assert!(warnings.is_empty(), "{warnings:?}");
}

#[test]
fn citations_are_asked_of_claude_in_either_dialect() {
    let body = json!({"messages": [{"role": "user", "content": [{"text": "q"}, {"document": {"format": "txt", "name": "d",
        "source": {"text": "t"}, "citations": {"enabled": true}}}]}]});
    let (out, warnings) = sent(Bedrock, Anthropic, "claude-sonnet-4-5", &body);
    assert_eq!(out["messages"][0]["content"][1]["citations"], json!({"enabled": true}));
    assert!(warnings.is_empty(), "{warnings:?}");
}

#[test]
fn ids_of_calls_stay_apart_and_are_there() {
    let call = |id: &str| json!({"id": id, "type": "function", "function": {"name": "f", "arguments": "{}"}});
    let result = |id: &str| json!({"role": "tool", "tool_call_id": id, "content": "1"});
    let talk = |ids: &[&str]| {
        let mut talk = vec![json!({"role": "user", "content": "q"})];
        talk.push(
            json!({"role": "assistant", "tool_calls": ids.iter().map(|id| call(id)).collect::<Vec<_>>()}),
        );
        talk.extend(ids.iter().map(|id| result(id)));
        json!({"model": "m", "messages": talk})
    };
    for ids in [["call.1", "call:1"], ["ü", "ö"], ["", "call_1"], ["", ""]] {
        let (out, _) = sent(OpenaiChat, Anthropic, "claude-sonnet-4-5", &talk(&ids));
        let used = |at: usize| out["messages"][1]["content"][at]["id"].as_str().unwrap();
        assert!(used(0) != used(1) && !used(0).is_empty(), "{out}");
        for at in 0..2 {
            assert_eq!(out["messages"][2]["content"][at]["tool_use_id"], used(at));
        }
        let (out, _) = sent(OpenaiChat, Bedrock, BEDROCK_CLAUDE, &talk(&ids));
        let used = |at: usize| &out["messages"][1]["content"][at]["toolUse"]["toolUseId"];
        assert!(used(0) != used(1) && used(0) != "", "{out}");
        let (out, _) = sent(OpenaiChat, OpenaiResponses, "gpt-4o", &talk(&ids));
        let used = |at: usize| &out["input"][at]["call_id"];
        assert!(used(1) != used(2) && used(1) != "" && used(2) != "", "{out}");
        assert_eq!((used(1), used(2)), (used(3), used(4)));
    }
}

#[test]
fn names_of_custom_tools_are_fitted_too() {
    let body = ask(&json!({"tools": [{"type": "custom", "custom": {"name": "run code"}}],
        "tool_choice": {"type": "custom", "custom": {"name": "run code"}}}));
    let (out, _, plan) = planned(OpenaiChat, Anthropic, "claude-sonnet-4-5", &body);
    let name = out["tools"][0]["name"].as_str().unwrap();
    assert!(name.starts_with("run_code_"), "{name}");
    assert_eq!(out["tool_choice"]["name"], name);
    let whole = json!({"id": "x", "type": "message", "role": "assistant", "model": "m", "stop_reason": "tool_use",
        "content": [{"type": "tool_use", "id": "t", "name": name, "input": {"input": "1+1"}}],
        "usage": {"input_tokens": 1, "output_tokens": 1}});
    let call = &answer(&plan, &whole).0["choices"][0]["message"]["tool_calls"][0];
    assert_eq!(call["custom"], json!({"name": "run code", "input": "1+1"}));
}

#[test]
fn who_asks_is_a_hash_where_it_says_too_much() {
    for (user, is_hashed) in
        [("u1", false), ("a@b.example", true), ("+1 (555) 010-0199", true), (&*"u".repeat(257), true)]
    {
        let (out, warnings) = sent(OpenaiChat, Anthropic, "claude-sonnet-4-5", &ask(&json!({"user": user})));
        let sent = out["metadata"]["user_id"].as_str().unwrap();
        assert_eq!(
            (sent != user, warnings.len()),
            (is_hashed, usize::from(is_hashed)),
            "{sent}: {warnings:?}"
        );
    }
}

#[test]
fn penalties_and_candidates_are_as_many_as_gemini_takes() {
    let body = ask(&json!({"presence_penalty": 2, "frequency_penalty": -2, "n": 9}));
    let (out, warnings) = sent(OpenaiChat, Gemini, "gemini-2.5-flash", &body);
    let config = &out["generationConfig"];
    assert_eq!(
        (config["presencePenalty"].as_f64(), config["frequencyPenalty"].as_f64()),
        (Some(1.99), Some(-2.0))
    );
    assert_eq!((config["candidateCount"].as_u64(), warnings.len()), (Some(8), 2), "{warnings:?}");
}

#[test]
fn thoughts_alone_are_no_turn() {
    let thought = json!({"reasoningContent": {"reasoningText": {"text": "t", "signature": "s"}}});
    let body = json!({"messages": [{"role": "user", "content": [{"text": "q"}]},
        {"role": "assistant", "content": [thought]}, {"role": "user", "content": [{"text": "r"}]},
        {"role": "assistant", "content": [thought]}]});
    let (out, warnings) = sent(Bedrock, Anthropic, "claude-sonnet-4-5", &body);
    assert_eq!(
        out["messages"],
        json!([{"role": "user", "content": [{"type": "text", "text": "q"}, {"type": "text", "text": "r"}]}])
    );
    assert_eq!(warnings.len(), 2, "{warnings:?}");
}

#[test]
fn tiers_that_openai_has_too_are_asked_for() {
    let body = json!({"contents": [{"parts": [{"text": "q"}]}], "serviceTier": "flex"});
    let (out, warnings) = sent(Gemini, OpenaiChat, "gpt-5", &body);
    assert_eq!((&out["service_tier"], warnings.len()), (&json!("flex"), 0), "{warnings:?}");
    let body = json!({"messages": [{"role": "user", "content": [{"text": "q"}]}], "serviceTier": {"type": "priority"}});
    assert_eq!(sent(Bedrock, OpenaiChat, "gpt-5", &body).0["service_tier"], "priority");
}

#[test]
fn a_conversation_that_says_nothing_is_named_as_the_client_calls_it() {
    for (client, body, field) in [
        (Gemini, json!({"contents": [{"parts": [{"text": " "}]}]}), "contents"),
        (OpenaiResponses, json!({"model": "m", "input": " "}), "input"),
        (OpenaiCompletions, json!({"model": "m", "prompt": " "}), "prompt"),
        (OpenaiChat, json!({"model": "m", "messages": [{"role": "user", "content": " "}]}), "messages"),
    ] {
        let ask = Ask::new("claude-sonnet-4-5", &Quirks::OPENAI);
        let failure =
            lane::request(&Call::chat(client), Anthropic, body.to_string().as_bytes(), &ask).unwrap_err();
        assert_eq!(failure.param.as_deref(), Some(field), "{failure:?}");
    }
}

#[test]
fn items_that_make_one_message_are_named_one_by_one() {
    let thought = json!({"type": "reasoning", "summary": [{"type": "summary_text", "text": "t"}]});
    let body = json!({"model": "m", "input": [{"role": "user", "content": "q"},
        {"role": "assistant", "content": [{"type": "output_text", "text": "a"}]}, thought,
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "[1]"},
        {"type": "function_call_output", "call_id": "c", "output": "o"}]});
    for (provider, model) in [(Anthropic, "claude-sonnet-4-5"), (Gemini, "gemini-2.5-flash")] {
        let (_, warnings) = sent(OpenaiResponses, provider, model, &body);
        for place in ["input[2]: reasoning", "input[3].content[0]: arguments"] {
            assert!(warnings.iter().any(|warning| warning.starts_with(place)), "{warnings:?}");
        }
    }
}
