//! The hard cases of Gemini: what goes in, what must come out.

use crate::feed::run;
use serde_json::{Value, json};
use tollgate::chat::Failure;
use tollgate::dialect::Call;
use tollgate::dialect::Dialect::{self, Anthropic, Gemini, OpenaiChat};
use tollgate::dialect::lane::{self, AnswerPlan, Ask, Edit, Progress};
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

fn to_gemini(model: &str, body: &Value) -> (Value, Vec<String>) {
    translated(OpenaiChat, Gemini, model, body, true).unwrap_or_else(|failure| panic!("{failure:?}"))
}

fn from_gemini(provider: Dialect, body: &Value) -> (Value, Vec<String>) {
    let model = if provider == Anthropic { "claude-sonnet-4-5" } else { "gpt-5" };
    translated(Gemini, provider, model, body, true).unwrap_or_else(|failure| panic!("{failure:?}"))
}

fn ask(more: &Value) -> Value {
    let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

fn with_parameters(parameters: &Value) -> Value {
    ask(&json!({"tools": [{"type": "function", "function": {"name": "f", "parameters": parameters}}]}))
}

fn parameters(schema: &Value) -> Value {
    to_gemini(FLASH, &with_parameters(schema)).0["tools"][0]["functionDeclarations"][0].clone()
}

fn answer(client: Dialect, body: &Value) -> Value {
    let plan = AnswerPlan::new(client, Gemini, false, false);
    let answer = lane::answer(&plan, body.to_string().as_bytes()).unwrap_or_else(|f| panic!("{f:?}"));
    serde_json::from_slice(&answer.body.unwrap()).unwrap()
}

fn call(id: &str) -> Value {
    json!({"id": id, "type": "function", "function": {"name": "f", "arguments": "{\"x\":1}"}})
}

const FLASH: &str = "gemini-2.5-flash";

/// Beside what a function said, its result holds bytes and nothing else.
#[test]
fn documents_of_results() {
    let text = |data: &str| json!({"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": data}});
    let picture =
        json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}});
    let linked = json!({"type": "image", "source": {"type": "url", "url": "https://a.example/b.png"}});
    let body = json!({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "q"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "f", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t",
            "content": [{"type": "text", "text": "said"}, text("read"), picture, linked]}]}]});
    let (out, warnings) = translated(Anthropic, Gemini, "gemini-3-pro-preview", &body, true).unwrap();
    let parts = &out["contents"][2]["parts"];
    let result = &parts[0]["functionResponse"];
    assert_eq!(result["response"], json!({"result": "said\nread"}));
    assert_eq!(result["parts"], json!([{"inlineData": {"mimeType": "image/png", "data": "AAAA"}}]));
    assert_eq!(parts[1]["fileData"]["fileUri"], "https://a.example/b.png");
    assert_eq!(
        warnings,
        ["messages[2].content[0].content[3]: put after the result, this model's results hold no addresses"]
    );
    let (out, _) = translated(Anthropic, Gemini, FLASH, &body, true).unwrap();
    assert_eq!(
        out["contents"][2]["parts"][0]["functionResponse"]["response"],
        json!({"result": "said\nread"})
    );
}

#[test]
fn results_find_their_names_in_one_turn() {
    let (out, warnings) = to_gemini(
        FLASH,
        &json!({"model": "m", "messages": [
            {"role": "system", "content": "S"},
            {"role": "user", "content": "go"},
            {"role": "assistant", "content": null, "tool_calls": [call("a"),
                {"id": "b", "type": "function", "function": {"name": "g", "arguments": ""}}]},
            {"role": "tool", "tool_call_id": "a", "content": "{\"t\":21}"},
            {"role": "tool", "tool_call_id": "b", "content": "fine"},
            {"role": "user", "content": "so?"},
        ]}),
    );
    assert_eq!(
        out,
        json!({"systemInstruction": {"parts": [{"text": "S"}]}, "contents": [
            {"role": "user", "parts": [{"text": "go"}]},
            {"role": "model", "parts": [{"functionCall": {"id": "a", "name": "f", "args": {"x": 1}}},
                {"functionCall": {"id": "b", "name": "g", "args": {}}}]},
            {"role": "user", "parts": [
                {"functionResponse": {"id": "a", "name": "f", "response": {"t": 21}}},
                {"functionResponse": {"id": "b", "name": "g", "response": {"result": "fine"}}},
                {"text": "so?"}]},
        ]})
    );
    assert!(warnings.is_empty(), "{warnings:?}");
}

#[test]
fn a_signature_goes_out_in_the_id_and_comes_back_on_the_first_call() {
    let said = json!({"responseId": "r", "candidates": [{"content": {"role": "model", "parts": [
        {"functionCall": {"name": "f", "args": {"x": 1}}, "thoughtSignature": "AbC+/w=="},
        {"functionCall": {"name": "f", "args": {"x": 2}}}]}, "finishReason": "STOP"}]});
    for client in [OpenaiChat, Anthropic] {
        let shown = answer(client, &said);
        let (ids, replay) = if client == OpenaiChat {
            let message = &shown["choices"][0]["message"];
            let calls = message["tool_calls"].as_array().unwrap();
            let ids: Vec<String> = calls.iter().map(|c| c["id"].as_str().unwrap().to_owned()).collect();
            let results = ids.iter().map(|id| json!({"role": "tool", "tool_call_id": id, "content": "ok"}));
            let mut messages = vec![json!({"role": "user", "content": "go"}), message.clone()];
            messages.extend(results);
            (ids, json!({"model": "m", "messages": messages}))
        } else {
            let blocks = shown["content"].as_array().unwrap();
            let ids: Vec<String> = blocks.iter().map(|c| c["id"].as_str().unwrap().to_owned()).collect();
            let results: Vec<Value> = ids
                .iter()
                .map(|id| json!({"type": "tool_result", "tool_use_id": id, "content": "ok"}))
                .collect();
            (
                ids.clone(),
                json!({"model": "m", "max_tokens": 10, "messages": [{"role": "user", "content": "go"},
                {"role": "assistant", "content": blocks}, {"role": "user", "content": results}]}),
            )
        };
        assert!(ids[0].ends_with("__thought__AbC+/w=="), "{ids:?}");
        assert!(!ids[1].contains("__thought__") && ids[1].len() > 8, "{ids:?}");
        let (out, _) = translated(client, Gemini, "gemini-3-pro-preview", &replay, false).unwrap();
        let turns = out["contents"].as_array().unwrap();
        let [calls, results] = [&turns[1]["parts"], &turns[2]["parts"]];
        assert_eq!(calls[0]["thoughtSignature"], "AbC+/w==");
        assert_eq!(calls[1].get("thoughtSignature"), None);
        assert!(!calls[0]["functionCall"]["id"].as_str().unwrap().contains("__thought__"));
        assert_eq!(calls[0]["functionCall"]["id"], results[0]["functionResponse"]["id"]);
        assert_eq!(
            (&results[0]["functionResponse"]["name"], results[0].get("thoughtSignature")),
            (&json!("f"), None)
        );

        // Another provider gets the plain id, in its own dialect too.
        for provider in [OpenaiChat, Anthropic] {
            let request = Call::chat(client);
            let quirks = Quirks::OPENAI;
            let ask = Ask::new("gpt-5", &quirks);
            let sent = lane::request(&request, provider, replay.to_string().as_bytes(), &ask).unwrap();
            let Edit::Replace(sent) = sent.edit else { panic!("the ids had to change") };
            let sent = String::from_utf8(sent).unwrap();
            assert!(
                !sent.contains("__thought__") && sent.contains(ids[0].split("__").next().unwrap()),
                "{sent}"
            );
        }
    }
}

#[test]
fn a_signature_beside_a_call_goes_with_it() {
    for beside in [
        json!({"extra_content": {"google": {"thought_signature": "AbC+/w=="}}}),
        json!({"provider_specific_fields": {"thought_signature": "AbC+/w=="}}),
    ] {
        let mut signed = call("a");
        signed.as_object_mut().unwrap().extend(beside.as_object().unwrap().clone());
        let body = json!({"model": "m", "messages": [
            {"role": "user", "content": "go"},
            {"role": "assistant", "content": null, "tool_calls": [signed, call("b")]},
            {"role": "tool", "tool_call_id": "b", "content": "2"},
            {"role": "tool", "tool_call_id": "a", "content": "1"},
        ]});
        let (out, warnings) = to_gemini("gemini-3-pro-preview", &body);
        let calls = &out["contents"][1]["parts"];
        assert_eq!(
            (&calls[0]["thoughtSignature"], calls[1].get("thoughtSignature")),
            (&json!("AbC+/w=="), None)
        );
        // Results stand in the order of the calls.
        let results = &out["contents"][2]["parts"];
        assert_eq!(results[0]["functionResponse"]["response"], json!({"result": "1"}));
        assert_eq!(warnings, [""; 0]);
    }
}

#[test]
fn a_call_of_another_model_skips_the_check() {
    let history = json!({"model": "m", "messages": [{"role": "user", "content": "go"},
        {"role": "assistant", "tool_calls": [call("a"), call("b")]},
        {"role": "tool", "tool_call_id": "a", "content": "1"}, {"role": "tool", "tool_call_id": "b", "content": "2"}]});
    let (out, _) = to_gemini("gemini-3-flash-preview", &history);
    let calls = &out["contents"][1]["parts"];
    assert_eq!(calls[0]["thoughtSignature"], "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I=");
    assert_eq!(calls[1].get("thoughtSignature"), None);
    let (out, _) = to_gemini(FLASH, &history);
    assert_eq!(out["contents"][1]["parts"][0].get("thoughtSignature"), None);
}

#[test]
fn schemas_become_geminis() {
    let schema = json!({"type": "object", "$schema": "x", "additionalProperties": false, "required": ["l"],
        "properties": {"l": {"$ref": "#/$defs/L", "description": "where"}, "k": {"const": "x"},
            "n": {"type": ["string", "null"]}, "e": {"type": "object", "properties": {}}},
        "$defs": {"L": {"type": "object", "properties": {"c": {"type": "string"}}}}});
    assert_eq!(
        parameters(&schema)["parameters"],
        json!({"type": "object", "required": ["l"], "properties": {
            "l": {"type": "object", "properties": {"c": {"type": "string"}}, "description": "where"},
            "k": {"type": "string", "enum": ["x"]}, "n": {"type": "string", "nullable": true},
            "e": {"type": "object", "properties": {}}}})
    );
    assert_eq!(parameters(&json!({"type": "object", "properties": {}})), json!({"name": "f"}));
}

#[test]
fn a_recursive_schema_goes_as_it_is_or_is_refused() {
    let schema = json!({"type": "object", "properties": {"n": {"$ref": "#/$defs/N"}},
        "$defs": {"N": {"type": "object", "properties": {"next": {"$ref": "#/$defs/N"}}}}});
    let declared = parameters(&schema);
    assert_eq!((&declared["parametersJsonSchema"], declared.get("parameters")), (&schema, None));
    let failure =
        translated(OpenaiChat, Gemini, "gemma-3-27b-it", &with_parameters(&schema), true).unwrap_err();
    assert_eq!((failure.status, failure.param.as_deref()), (400, Some("tools[0].parameters")));
}

#[test]
fn tool_choices() {
    let choose = |choice: Value| {
        let mut body = with_parameters(&json!({"type": "object", "properties": {"a": {"type": "string"}}}));
        body["tool_choice"] = choice;
        to_gemini(FLASH, &body).0["toolConfig"]["functionCallingConfig"].clone()
    };
    let named = json!({"type": "function", "function": {"name": "f"}});
    assert_eq!(choose(named), json!({"mode": "ANY", "allowedFunctionNames": ["f"]}));
    assert_eq!(choose(json!("none")), json!({"mode": "NONE"}));
    assert_eq!(choose(json!("required")), json!({"mode": "ANY"}));
    assert_eq!(choose(json!("auto")), json!({"mode": "AUTO"}));
}

#[test]
fn gemma_takes_no_instructions() {
    let body = json!({"model": "m", "messages": [{"role": "system", "content": "S"}, {"role": "user", "content": "hi"}]});
    let (out, warnings) = to_gemini("gemma-3-27b-it", &body);
    assert_eq!(out, json!({"contents": [{"role": "user", "parts": [{"text": "S"}, {"text": "hi"}]}]}));
    assert_eq!(warnings.len(), 1);
}

#[test]
fn response_formats() {
    let config = |format: Value| {
        to_gemini(FLASH, &ask(&json!({"response_format": format}))).0.get("generationConfig").cloned()
    };
    assert_eq!(config(json!({"type": "json_object"})), Some(json!({"responseMimeType": "application/json"})));
    assert_eq!(config(json!({"type": "text"})), None);
    let schema =
        json!({"type": "object", "properties": {"a": {"type": "integer"}}, "additionalProperties": false});
    assert_eq!(
        config(
            json!({"type": "json_schema", "json_schema": {"name": "n", "strict": true, "schema": schema}})
        ),
        Some(json!({"responseMimeType": "application/json",
            "responseSchema": {"type": "object", "properties": {"a": {"type": "integer"}}}}))
    );
}

#[test]
fn sampling_and_limits() {
    let (out, warnings) = to_gemini(
        FLASH,
        &ask(
            &json!({"max_tokens": 5, "max_completion_tokens": 9, "temperature": 0.5, "top_p": 0.9, "top_k": 7,
            "n": 2, "seed": 3, "presence_penalty": 0.1, "frequency_penalty": 0.2, "stop": "END",
            "logprobs": true, "top_logprobs": 2}),
        ),
    );
    assert_eq!(
        out["generationConfig"],
        json!({"maxOutputTokens": 9, "temperature": 0.5, "topP": 0.9, "topK": 7, "candidateCount": 2, "seed": 3,
            "presencePenalty": 0.1, "frequencyPenalty": 0.2, "stopSequences": ["END"],
            "responseLogprobs": true, "logprobs": 2})
    );
    assert!(warnings.is_empty(), "{warnings:?}");
    let biased = ask(&json!({"logit_bias": {"5": 1}}));
    assert_eq!(
        translated(OpenaiChat, Gemini, FLASH, &biased, false).unwrap_err().param.as_deref(),
        Some("logit_bias")
    );
}

#[test]
fn thinking_by_budget_and_by_level() {
    let thinking = |model: &str, more: Value| {
        to_gemini(model, &ask(&more)).0["generationConfig"]["thinkingConfig"].clone()
    };
    let low = json!({"reasoning_effort": "low"});
    assert_eq!(thinking(FLASH, low.clone()), json!({"thinkingBudget": 1024, "includeThoughts": true}));
    assert_eq!(
        thinking("gemini-3-pro-preview", low),
        json!({"thinkingLevel": "low", "includeThoughts": true})
    );
    let none = json!({"reasoning_effort": "none"});
    assert_eq!(thinking(FLASH, none.clone()), json!({"thinkingBudget": 0}));
    assert_eq!(thinking("gemini-2.5-pro", none.clone()), json!({"thinkingBudget": 128}));
    assert_eq!(thinking("gemini-3-flash-preview", none.clone()), json!({"thinkingLevel": "minimal"}));
    assert_eq!(thinking("gemini-2.0-flash", none), Value::Null);
    let refused =
        translated(OpenaiChat, Gemini, "gemini-2.0-flash", &ask(&json!({"reasoning_effort": "high"})), false);
    assert_eq!(refused.unwrap_err().param.as_deref(), Some("reasoning_effort"));
    let claude = json!({"model": "m", "max_tokens": 9000, "messages": [{"role": "user", "content": "hi"}],
        "thinking": {"type": "enabled", "budget_tokens": 8000}});
    let (out, _) = translated(Anthropic, Gemini, FLASH, &claude, false).unwrap();
    assert_eq!(
        out["generationConfig"]["thinkingConfig"],
        json!({"thinkingBudget": 8000, "includeThoughts": true})
    );
}

#[test]
fn pictures_and_files() {
    let body = |url: &str| {
        json!({"model": "m", "messages": [{"role": "user", "content": [
        {"type": "text", "text": "look"}, {"type": "image_url", "image_url": {"url": url}}]}]})
    };
    let part = |url: &str| to_gemini(FLASH, &body(url)).0["contents"][0]["parts"][1].clone();
    assert_eq!(
        part("data:image/png;base64,aGk="),
        json!({"inlineData": {"mimeType": "image/png", "data": "aGk="}})
    );
    assert_eq!(
        part("gs://b/a.jpg"),
        json!({"fileData": {"mimeType": "image/jpeg", "fileUri": "gs://b/a.jpg"}})
    );
    // What the older models cannot fetch.
    let refused = translated(OpenaiChat, Gemini, "gemini-2.0-flash", &body("https://a.example/x.png"), false);
    let refused = refused.unwrap_err();
    assert_eq!((refused.status, refused.param.as_deref()), (400, Some("messages[0].content[1]")));
    assert_eq!(
        part("https://a.example/x.png"),
        json!({"fileData": {"mimeType": "image/png", "fileUri": "https://a.example/x.png"}})
    );
    let vertex = Quirks { file_urls: true, ..Quirks::OPENAI };
    let ask = Ask { drop_params: false, ..Ask::new(FLASH, &vertex) };
    let sent = lane::request(
        &Call::chat(OpenaiChat),
        Gemini,
        body("https://a.example/x.png").to_string().as_bytes(),
        &ask,
    )
    .unwrap();
    let Edit::Replace(sent) = sent.edit else { panic!() };
    let sent: Value = serde_json::from_slice(&sent).unwrap();
    assert_eq!(
        sent["contents"][0]["parts"][1]["fileData"],
        json!({"mimeType": "image/png", "fileUri": "https://a.example/x.png"})
    );
}

#[test]
fn a_geminis_request_in_either_spelling_reaches_the_others() {
    let camel = json!({"systemInstruction": {"parts": [{"text": "S"}]}, "contents": [
        {"role": "user", "parts": [{"text": "hi"}, {"inlineData": {"mimeType": "image/png", "data": "aGk="}}]},
        {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {"x": 1}}}, {"functionCall": {"name": "f", "args": {"x": 2}}}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"result": 1}}},
            {"functionResponse": {"name": "f", "response": {"error": "no"}}}]}],
        "tools": [{"functionDeclarations": [{"name": "f", "parameters": {"type": "OBJECT", "properties": {"x": {"type": "INTEGER"}}}}]}],
        "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}},
        "generationConfig": {"maxOutputTokens": 100, "topK": 3, "stopSequences": ["E"], "temperature": 0.2,
            "thinkingConfig": {"thinkingBudget": 0}}});
    let snake = json!({"system_instruction": {"parts": {"text": "S"}}, "contents": [
        {"role": "user", "parts": [{"text": "hi"}, {"inline_data": {"mime_type": "image/png", "data": "aGk="}}]},
        {"role": "model", "parts": [{"function_call": {"name": "f", "args": {"x": 1}}}, {"function_call": {"name": "f", "args": {"x": 2}}}]},
        {"role": "function", "parts": [{"function_response": {"name": "f", "response": {"result": 1}}},
            {"function_response": {"name": "f", "response": {"error": "no"}}}]}],
        "tools": {"function_declarations": {"name": "f", "parameters": {"type": "OBJECT", "properties": {"x": {"type": "INTEGER"}}}}},
        "tool_config": {"function_calling_config": {"mode": "any", "allowed_function_names": ["f"]}},
        "generation_config": {"max_output_tokens": "100", "top_k": 3, "stop_sequences": "E", "temperature": 0.2,
            "thinking_config": {"thinking_budget": 0}}});
    for provider in [OpenaiChat, Anthropic] {
        let (out, warnings) = from_gemini(provider, &camel);
        assert_eq!(out, from_gemini(provider, &snake).0);
        assert!(
            warnings.iter().all(|warning| warning.contains("contents[2].is_error")
                || warning.contains(" gpt-5 ")
                || warning.contains("top_k")),
            "{warnings:?}"
        );
    }
    let (out, _) = from_gemini(Anthropic, &camel);
    assert_eq!(out["system"][0]["text"], "S");
    let [calls, results] = [&out["messages"][1]["content"], &out["messages"][2]["content"]];
    assert_eq!((&calls[0]["id"], &calls[1]["id"]), (&results[0]["tool_use_id"], &results[1]["tool_use_id"]));
    assert_ne!(calls[0]["id"], calls[1]["id"]);
    assert_eq!((&results[0]["content"], &results[1]["is_error"]), (&json!("{\"result\":1}"), &json!(true)));
    assert_eq!(out["tools"][0]["input_schema"]["properties"]["x"], json!({"type": "integer"}));
    assert_eq!(out["tool_choice"], json!({"type": "tool", "name": "f"}));
    assert_eq!((&out["max_tokens"], &out["stop_sequences"]), (&json!(100), &json!(["E"])));
}

#[test]
fn another_makers_thoughts_survive_a_gemini_client() {
    let claude = json!({"id": "m", "type": "message", "role": "assistant", "model": "c", "content": [
        {"type": "thinking", "thinking": "hm", "signature": "Sig+/="}, {"type": "redacted_thinking", "data": "xyz"},
        {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}}],
        "stop_reason": "tool_use", "usage": {"input_tokens": 1, "output_tokens": 2}});
    let plan = AnswerPlan::new(Gemini, Anthropic, false, false);
    let shown = lane::answer(&plan, claude.to_string().as_bytes()).unwrap().body.unwrap();
    let shown: Value = serde_json::from_slice(&shown).unwrap();
    let content = &shown["candidates"][0]["content"];
    assert_eq!((&content["parts"][0]["text"], &content["parts"][0]["thought"]), (&json!("hm"), &json!(true)));
    assert_eq!(content["parts"][2]["functionCall"], json!({"id": "t", "name": "f", "args": {"a": 1}}));
    assert_eq!(shown["candidates"][0]["finishReason"], "STOP");
    let body = json!({"contents": [{"role": "user", "parts": [{"text": "go"}]}, content,
        {"role": "user", "parts": [{"functionResponse": {"id": "t", "name": "f", "response": {"ok": 1}}}]}]});
    let (out, _) = from_gemini(Anthropic, &body);
    assert_eq!(out["messages"][1]["content"], claude["content"]);
}

#[test]
fn finish_reasons() {
    let finish = |candidate: Value| {
        let body = json!({"candidates": [candidate], "usageMetadata": {"promptTokenCount": 3}});
        answer(OpenaiChat, &body)["choices"][0].clone()
    };
    for (reason, openai) in [
        ("STOP", "stop"),
        ("MAX_TOKENS", "length"),
        ("SAFETY", "content_filter"),
        ("RECITATION", "content_filter"),
        ("MALFORMED_FUNCTION_CALL", "stop"),
        ("SOMETHING_NEW", "stop"),
    ] {
        assert_eq!(finish(json!({"finishReason": reason}))["finish_reason"], openai, "{reason}");
    }
    let called =
        finish(json!({"content": {"parts": [{"functionCall": {"name": "f"}}]}, "finishReason": "STOP"}));
    assert_eq!(called["finish_reason"], "tool_calls");
    assert_eq!(called["message"]["tool_calls"][0]["function"]["arguments"], "{}");
    let safety = finish(json!({"finishReason": "SAFETY", "index": 0}));
    assert_eq!(
        (&safety["message"]["content"], &safety["finish_reason"]),
        (&json!(""), &json!("content_filter"))
    );
}

#[test]
fn a_blocked_prompt_is_an_answer() {
    let body = json!({"candidates": [], "promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 8, "totalTokenCount": 8}});
    let shown = answer(OpenaiChat, &body);
    let choice = &shown["choices"][0];
    assert_eq!(
        (&choice["message"]["content"], &choice["finish_reason"]),
        (&json!(""), &json!("content_filter"))
    );
    assert_eq!(
        (&shown["usage"]["prompt_tokens"], &shown["usage"]["completion_tokens"]),
        (&json!(8), &json!(0))
    );
}

#[test]
fn usage_counts_the_thoughts() {
    let body = json!({"candidates": [{"content": {"parts": [{"text": "a"}]}, "finishReason": "STOP"}],
        "usageMetadata": {"promptTokenCount": 20, "candidatesTokenCount": 9, "thoughtsTokenCount": 100, "cachedContentTokenCount": 5}});
    let usage = &answer(OpenaiChat, &body)["usage"];
    assert_eq!(usage["completion_tokens"], 109);
    assert_eq!(usage["completion_tokens_details"]["reasoning_tokens"], 100);
    assert_eq!(usage["prompt_tokens_details"]["cached_tokens"], 5);
    let usage = &answer(Anthropic, &body)["usage"];
    assert_eq!((&usage["input_tokens"], &usage["cache_read_input_tokens"]), (&json!(15), &json!(5)));
}

#[test]
fn calls_without_ids_get_their_own() {
    let body = json!({"responseId": "r", "candidates": [{"content": {"parts": [
        {"functionCall": {"name": "f", "args": {}}}, {"functionCall": {"name": "f", "args": {}, "id": ""}}]}, "finishReason": "STOP"}]});
    let calls = answer(OpenaiChat, &body)["choices"][0]["message"]["tool_calls"].clone();
    assert_ne!(calls[0]["id"], calls[1]["id"]);
    let again = answer(OpenaiChat, &body)["choices"][0]["message"]["tool_calls"].clone();
    assert_eq!(calls, again);
    let mut later = body;
    later["responseId"] = json!("s");
    assert_ne!(answer(OpenaiChat, &later)["choices"][0]["message"]["tool_calls"][0]["id"], calls[0]["id"]);
}

fn sse(items: &[Value]) -> String {
    items.iter().fold(String::new(), |stream, item| stream + &format!("data: {item}\r\n\r\n"))
}

fn array(items: &[Value]) -> String {
    let items: Vec<String> = items.iter().map(|item| format!("{item:#}")).collect();
    format!("[{}\n]\n", items.join("\n,\r\n"))
}

fn piece(part: &Value) -> Value {
    json!({"candidates": [{"content": {"role": "model", "parts": [part]}, "index": 0}], "responseId": "r", "modelVersion": "g",
        "usageMetadata": {"promptTokenCount": 4}})
}

fn last() -> Value {
    json!({"candidates": [{"content": {"role": "model", "parts": [{"text": ""}]}, "finishReason": "STOP", "index": 0}],
        "responseId": "r", "usageMetadata": {"promptTokenCount": 4, "candidatesTokenCount": 3, "thoughtsTokenCount": 2, "totalTokenCount": 9}})
}

#[test]
fn an_array_is_read_as_the_events_are() {
    let items = [
        piece(&json!({"text": "hm", "thought": true})),
        piece(&json!({"text": "a]}"})),
        piece(&json!({"text": "\"b"})),
        last(),
    ];
    for client in [OpenaiChat, Anthropic] {
        let plan = AnswerPlan::new(client, Gemini, true, true);
        let (sse, array) = (sse(&items), array(&items));
        let (expected, progress) = run(&plan, sse.as_bytes(), sse.len());
        assert_eq!(progress, Progress::Finished);
        assert!(expected.contains("\\\"b") && expected.contains("hm"), "{expected}");
        for size in [1, 2, 3, 17, array.len()] {
            assert_eq!(run(&plan, array.as_bytes(), size).0, expected, "pieces of {size}");
        }
        // A client of the same answer in one piece reads the same text.
        let whole = lane::answer(&plan, array.as_bytes()).unwrap();
        assert_eq!(whole.report.usage.output, Some(5));
    }
}

#[test]
fn a_gemini_client_gets_the_framing_it_asked_for() {
    let items = [piece(&json!({"text": "a"})), piece(&json!({"text": "b"})), last()];
    let compact = format!("[{}]", items.iter().map(Value::to_string).collect::<Vec<_>>().join("\r\n,"));
    for size in [1, 5, 10_000] {
        let events = AnswerPlan::new(Gemini, Gemini, true, false);
        let in_array = AnswerPlan { array: true, ..events.clone() };
        assert_eq!(run(&in_array, sse(&items).as_bytes(), size).0, compact);
        assert_eq!(run(&events, compact.as_bytes(), size).0, sse(&items));
        assert_eq!(run(&events, items[2].to_string().as_bytes(), size).0, sse(&items[2..]));
    }
    let plan = AnswerPlan { array: true, ..AnswerPlan::new(Gemini, OpenaiChat, true, false) };
    let stream = "data: {\"id\":\"c\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hi\"}}]}\n\ndata: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    let (out, _) = run(&plan, stream.as_bytes(), 7);
    let out: Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"));
    assert_eq!(out[0]["candidates"][0]["content"]["parts"][0]["text"], "hi");
    assert_eq!(out[1]["candidates"][0]["finishReason"], "STOP");
}

#[test]
fn nothing_follows_an_array_that_breaks() {
    let stream = format!("[{},\nno object, {}]", piece(&json!({"text": "a"})), piece(&json!({"text": "b"})));
    let plan = AnswerPlan::new(Gemini, Gemini, true, false);
    let (whole, _) = run(&plan, stream.as_bytes(), stream.len());
    assert!(whole.contains("\"a\"") && whole.contains("\"error\"") && !whole.contains("\"b\""), "{whole}");
    for size in 1..stream.len() {
        assert_eq!(run(&plan, stream.as_bytes(), size).0, whole, "pieces of {size}");
    }
}

#[test]
fn a_streamed_call_ends_with_tool_calls_and_pieces_are_joined() {
    let call = |call: Value| piece(&json!({"functionCall": call}));
    let items = [
        call(json!({"name": "f", "args": {"x": 1}})),
        call(
            json!({"name": "g", "partialArgs": [{"jsonPath": "$.city", "stringValue": "New", "willContinue": true}], "willContinue": true}),
        ),
        call(json!({"partialArgs": [{"jsonPath": "$.city", "stringValue": " Delhi"}], "willContinue": true})),
        call(json!({})),
        call(json!({"name": "f"})),
        last(),
    ];
    let plan = AnswerPlan::new(OpenaiChat, Gemini, true, true);
    let stream = sse(&items);
    let (out, _) = run(&plan, stream.as_bytes(), 3);
    let collected = crate::streamed::collect(OpenaiChat, &out);
    let calls = collected.calls();
    let said: Vec<(&str, Value)> =
        calls.iter().map(|(_, name, args)| (name.as_str(), args.clone())).collect();
    assert_eq!(said, [("f", json!({"x": 1})), ("g", json!({"city": "New Delhi"})), ("f", json!({}))]);
    assert_eq!(collected.finish(), Some("tools"));
    let mut ids: Vec<&str> = calls.iter().map(|(id, _, _)| id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 3);
}

#[test]
fn a_stream_may_fail_or_break_off() {
    let error =
        json!({"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}});
    for client in [OpenaiChat, Anthropic, Gemini] {
        let plan = AnswerPlan::new(client, Gemini, true, false);
        let stream = sse(&[piece(&json!({"text": "a"})), error.clone()]);
        let (out, progress) = run(&plan, stream.as_bytes(), 9);
        assert_eq!(progress, Progress::Failed);
        assert_eq!(out.matches("overloaded").count().min(1), 1, "{out}");
        let stream = sse(&[piece(&json!({"text": "a"}))]);
        let (out, progress) = run(&plan, stream.as_bytes(), 9);
        assert_eq!(progress, Progress::Failed);
        assert!(out.contains("broke off"), "{out}");
        let (_, progress) = run(&plan, error.to_string().as_bytes(), 9);
        assert_eq!(progress, Progress::Failed);
    }
    let blocked = json!({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": {"promptTokenCount": 4}});
    let plan = AnswerPlan::new(OpenaiChat, Gemini, true, false);
    let (out, progress) = run(&plan, sse(&[blocked]).as_bytes(), 5);
    assert_eq!(progress, Progress::Finished);
    assert!(out.contains("\"finish_reason\":\"content_filter\""), "{out}");
}

#[test]
fn failures_are_googles() {
    let body = br#"{"error": {"code": 400, "message": "API key not valid. Please pass a valid API key.", "status": "INVALID_ARGUMENT",
        "details": [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}]}}"#;
    let failure = lane::read_failure(400, body);
    assert_eq!((failure.status, failure.kind.as_str()), (400, "authentication"));
    assert!(lane::is_failure_of(Gemini, body) && !lane::is_failure_of(Anthropic, body));
    let out = lane::write_failure(Gemini, &Failure::new(429, "slow"), &[], "");
    let out: Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(out, json!({"error": {"code": 429, "message": "slow", "status": "RESOURCE_EXHAUSTED"}}));
}

#[test]
fn every_object_of_a_stream_holds_text() {
    let choice = json!({"index": 0, "delta": {"content": "a"}, "finish_reason": "stop", "logprobs": {
        "content": [{"token": "a", "logprob": -0.5, "bytes": null, "top_logprobs": []}]}});
    let stream = format!("data: {}\n\ndata: [DONE]\n\n", json!({"id": "c", "choices": [choice]}));
    let plan = AnswerPlan::new(Gemini, OpenaiChat, true, false);
    let (out, _) = run(&plan, stream.as_bytes(), stream.len());
    let items: Vec<Value> =
        out.lines().filter_map(|line| serde_json::from_str(line.strip_prefix("data: ")?).ok()).collect();
    assert!(
        items.iter().all(|item| item["candidates"][0]["content"]["parts"][0]["text"].is_string()),
        "{out}"
    );
    let told = |item: &&Value| !item["candidates"][0]["logprobsResult"].is_null();
    assert_eq!(items.iter().filter(told).count(), 1, "{out}");
}

#[test]
fn an_array_that_ends_in_an_error_is_that_error() {
    let body = json!([
        {"candidates": [{"content": {"parts": [{"text": "half"}], "role": "model"}, "index": 0}]},
        {"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}},
    ]);
    let plan = AnswerPlan::new(OpenaiChat, Gemini, true, false);
    let failure = lane::answer_as_stream(&plan, body.to_string().as_bytes()).unwrap_err();
    assert_eq!((failure.status, &*failure.message), (503, "The model is overloaded."));
}
