//! A search of the web that a client asks for, and the searches of earlier turns.

use serde_json::{Value, json};
use tollgate::chat::Failure;
use tollgate::dialect::Call;
use tollgate::dialect::Dialect::{
    self, Anthropic, Bedrock, Cohere, Gemini, Ollama, OpenaiChat, OpenaiResponses,
};
use tollgate::dialect::lane::{self, Ask, Edit, Outgoing};
use tollgate::provider::{Quirks, preset};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const CLIENTS: [Dialect; 4] = [OpenaiChat, Anthropic, OpenaiResponses, Gemini];

fn model(provider: Dialect) -> &'static str {
    match provider {
        Anthropic => "claude-sonnet-4-5",
        Gemini => "gemini-2.5-flash",
        _ => "gpt-5.1",
    }
}

fn outgoing(client: Dialect, provider: Dialect, body: &Value, strict: bool) -> Result<Outgoing, Failure> {
    asked(client, provider, body, &Ask { drop_params: !strict, ..Ask::new(model(provider), &Quirks::OPENAI) })
}

fn asked(client: Dialect, provider: Dialect, body: &Value, ask: &Ask<'_>) -> Result<Outgoing, Failure> {
    let in_path = client == Gemini;
    let call = Call {
        model: in_path.then(|| "m".to_owned()),
        stream: in_path.then_some(false),
        ..Call::chat(client)
    };
    lane::request(&call, provider, body.to_string().as_bytes(), ask)
}

fn translated(outgoing: Outgoing) -> (Value, Vec<String>) {
    let Edit::Replace(out) = outgoing.edit else { panic!("not translated") };
    (serde_json::from_slice(&out).unwrap(), outgoing.warnings)
}

fn sent(client: Dialect, provider: Dialect, body: &Value) -> (Value, Vec<String>) {
    translated(outgoing(client, provider, body, false).unwrap_or_else(|failure| panic!("{failure:?}")))
}

fn question(client: Dialect, more: &Value) -> Value {
    let mut body = match client {
        OpenaiResponses => json!({"model": "m", "input": "q"}),
        Gemini => json!({"contents": [{"role": "user", "parts": [{"text": "q"}]}]}),
        _ => json!({"model": "m", "max_tokens": 64, "messages": [{"role": "user", "content": "q"}]}),
    };
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

/// A question with a search and nothing else.
fn search(client: Dialect) -> Value {
    question(
        client,
        &match client {
            OpenaiChat => json!({"web_search_options": {}}),
            Anthropic => {
                json!({"tools": [{"type": "web_search_20250305", "name": "web_search", "max_uses": null}]})
            }
            OpenaiResponses => json!({"tools": [{"type": "web_search"}]}),
            _ => json!({"tools": [{"google_search": {}}]}),
        },
    )
}

fn function(client: Dialect, name: &str) -> Value {
    let schema = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    match client {
        OpenaiChat => json!({"type": "function", "function": {"name": name, "parameters": schema}}),
        Anthropic => json!({"name": name, "input_schema": schema}),
        OpenaiResponses => json!({"type": "function", "name": name, "parameters": schema}),
        _ => json!({"functionDeclarations": [{"name": name, "parameters": schema}]}),
    }
}

fn with_function(client: Dialect, name: &str) -> Value {
    let mut body = search(client);
    match body["tools"].as_array_mut() {
        Some(tools) => tools.push(function(client, name)),
        None => body["tools"] = json!([function(client, name)]),
    }
    body
}

#[test]
fn a_search_is_the_providers_own() {
    for client in CLIENTS {
        for (provider, tool) in [
            (Anthropic, json!({"type": "web_search_20250305", "name": "web_search"})),
            (OpenaiResponses, json!({"type": "web_search"})),
            (Gemini, json!({"googleSearch": {}})),
        ] {
            if client == provider {
                continue;
            }
            let (out, warnings) = sent(client, provider, &search(client));
            assert_eq!((&out["tools"], warnings), (&json!([tool]), vec![]), "{client:?} to {provider:?}");
        }
    }
    for kind in ["web_search_preview", "web_search_preview_2025_03_11", "web_search_2025_08_26"] {
        let (out, _) =
            sent(OpenaiResponses, Anthropic, &question(OpenaiResponses, &json!({"tools": [{"type": kind}]})));
        assert_eq!(out["tools"][0]["name"], "web_search", "{kind}");
    }
    let (out, _) = sent(
        Anthropic,
        Gemini,
        &question(Anthropic, &json!({"tools": [{"type": "web_search_20260209", "name": "web_search"}]})),
    );
    assert_eq!(out["tools"], json!([{"googleSearch": {}}]));
}

#[test]
fn its_options_go_along_where_they_are_known() {
    let place = json!({"type": "approximate", "city": "Paris", "country": "FR", "region": null, "timezone": "Europe/Paris"});
    let kept = json!({"type": "approximate", "city": "Paris", "country": "FR", "timezone": "Europe/Paris"});
    let claudes = question(
        Anthropic,
        &json!({"tools": [{"type": "web_search_20250305", "name": "web_search",
        "max_uses": 3, "allowed_domains": ["a.example", "b.example/x"], "user_location": place, "defer_loading": true}]}),
    );
    let (out, warnings) = sent(Anthropic, OpenaiResponses, &claudes);
    assert_eq!(
        out["tools"],
        json!([{"type": "web_search", "filters": {"allowed_domains": ["a.example", "b.example/x"]},
        "user_location": kept}])
    );
    assert_eq!(out["max_tool_calls"], 3);
    assert!(warnings[0].starts_with("tools[0].defer_loading"), "{warnings:?}");
    let (out, warnings) = sent(Anthropic, Gemini, &claudes);
    assert_eq!(out["tools"], json!([{"googleSearch": {}}]));
    for name in ["max_uses", "allowed_domains", "user_location", "defer_loading"] {
        assert!(
            warnings.iter().any(|warning| warning.starts_with(&format!("tools[0].{name} "))),
            "{warnings:?}"
        );
    }
    assert_eq!(
        outgoing(Anthropic, Gemini, &claudes, true).unwrap_err().param.as_deref(),
        Some("tools[0].max_uses")
    );

    let openais = question(
        OpenaiResponses,
        &json!({"tools": [{"type": "web_search", "search_context_size": "low",
        "filters": {"allowed_domains": ["a.example"], "blocked_domains": ["b.example"]}, "user_location": place}],
        "max_tool_calls": 4}),
    );
    let (out, warnings) = sent(OpenaiResponses, Anthropic, &openais);
    assert_eq!(
        out["tools"],
        json!([{"type": "web_search_20250305", "name": "web_search", "max_uses": 4,
        "allowed_domains": ["a.example"], "user_location": kept}])
    );
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    let (_, warnings) = sent(OpenaiResponses, Gemini, &openais);
    assert!(warnings.iter().any(|warning| warning.starts_with("max_tool_calls dropped")), "{warnings:?}");

    let chats = question(
        OpenaiChat,
        &json!({"web_search_options": {"search_context_size": "high",
        "user_location": {"type": "approximate", "approximate": {"city": "Paris"}}}}),
    );
    let (out, warnings) = sent(OpenaiChat, Anthropic, &chats);
    assert_eq!(out["tools"][0]["user_location"], json!({"type": "approximate", "city": "Paris"}));
    assert!(warnings[0].starts_with("web_search_options.search_context_size dropped"), "{warnings:?}");

    let googles = question(
        Gemini,
        &json!({"tools": [{"googleSearch": {"excludeDomains": ["b.example"],
        "timeRangeFilter": {"startTime": "2025-01-01T00:00:00Z"}}}]}),
    );
    let (out, warnings) = sent(Gemini, Anthropic, &googles);
    assert_eq!(out["tools"][0]["blocked_domains"], json!(["b.example"]));
    assert!(warnings[0].starts_with("tools[0].timeRangeFilter"), "{warnings:?}");
}

#[test]
fn what_is_malformed_is_named() {
    for (client, field, more) in [
        (OpenaiChat, "web_search_options", json!({"web_search_options": {"search_context_size": 7}})),
        (
            Anthropic,
            "tools[0]",
            json!({"tools": [{"type": "web_search_20250305", "name": "web_search", "max_uses": "x"}]}),
        ),
        (OpenaiResponses, "tools[0]", json!({"tools": [{"type": "web_search", "user_location": 7}]})),
        (Gemini, "tools[0]", json!({"tools": [{"googleSearch": 7}]})),
    ] {
        let provider = if client == Anthropic { OpenaiResponses } else { Anthropic };
        let failure = outgoing(client, provider, &question(client, &more), false).unwrap_err();
        assert_eq!((failure.status, failure.param.as_deref()), (400, Some(field)), "{client:?}");
    }
}

#[test]
fn google_searches_without_functions_only() {
    for client in [OpenaiChat, Anthropic, OpenaiResponses] {
        let (out, warnings) = sent(client, Gemini, &with_function(client, "f"));
        let tools = out["tools"].as_array().unwrap();
        assert_eq!(tools.len(), 1);
        assert_eq!(tools[0]["functionDeclarations"][0]["name"], "f");
        let path = if client == OpenaiChat { "web_search_options" } else { "tools[0]" };
        assert!(warnings.iter().any(|warning| warning.starts_with(path)), "{warnings:?}");
        assert_eq!(outgoing(client, Gemini, &with_function(client, "f"), true).unwrap_err().status, 400);
        for provider in [Anthropic, OpenaiResponses] {
            if client != provider {
                let (out, warnings) = sent(client, provider, &with_function(client, "f"));
                assert_eq!((out["tools"].as_array().unwrap().len(), warnings), (2, vec![]), "{client:?}");
            }
        }
    }
    let mut body = search(Anthropic);
    body["output_config"] =
        json!({"format": {"type": "json_schema", "schema": {"type": "object", "properties": {}}}});
    let (out, warnings) = sent(Anthropic, Gemini, &body);
    assert!(out["tools"].is_null() && !warnings.is_empty(), "{out}");
    let ask = Ask::new("gemini-3-pro", &Quirks::OPENAI);
    let (out, _) = translated(asked(Anthropic, Gemini, &body, &ask).unwrap());
    assert_eq!(out["tools"], json!([{"googleSearch": {}}]));
}

#[test]
fn a_choice_of_the_search_is_one_there_too() {
    let mut claudes = with_function(Anthropic, "f");
    claudes["tool_choice"] = json!({"type": "tool", "name": "web_search"});
    let (out, warnings) = sent(Anthropic, OpenaiResponses, &claudes);
    assert_eq!((&out["tool_choice"], warnings), (&json!({"type": "web_search"}), vec![]));
    let mut openais = with_function(OpenaiResponses, "f");
    openais["tool_choice"] = json!({"type": "web_search"});
    let (out, warnings) = sent(OpenaiResponses, Anthropic, &openais);
    assert_eq!((&out["tool_choice"], warnings), (&json!({"type": "tool", "name": "web_search"}), vec![]));
    let mut only = search(Anthropic);
    only["tool_choice"] = claudes["tool_choice"].clone();
    let (out, warnings) = sent(Anthropic, Gemini, &only);
    assert!(
        out["toolConfig"].is_null()
            && warnings[0].starts_with("toolConfig") | warnings[0].starts_with("tool_choice")
    );
    only["tool_choice"] = json!({"type": "none"});
    let (out, warnings) = sent(Anthropic, Gemini, &only);
    assert!(out["tools"].is_null() && warnings.is_empty(), "{out} {warnings:?}");
    // A choice among functions leaves the search out where it could be used besides.
    let mut among = with_function(OpenaiResponses, "f");
    among["tool_choice"] =
        json!({"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "f"}]});
    let (out, _) = sent(OpenaiResponses, Anthropic, &among);
    assert_eq!(out["tools"].as_array().unwrap().len(), 1, "{out}");
}

#[test]
fn a_function_of_its_name_wins() {
    for client in [OpenaiChat, OpenaiResponses] {
        let (out, warnings) = sent(client, Anthropic, &with_function(client, "web_search"));
        assert_eq!(out["tools"].as_array().unwrap().len(), 1);
        assert!(out["tools"][0]["input_schema"].is_object() && warnings.len() == 1, "{out} {warnings:?}");
    }
}

#[test]
fn who_does_not_search_is_not_asked_to() {
    for client in CLIENTS {
        for provider in [OpenaiChat, Cohere, Bedrock, Ollama] {
            if client == provider {
                continue;
            }
            let (out, warnings) = sent(client, provider, &with_function(client, "f"));
            assert!(!out.to_string().to_lowercase().contains("search"), "{client:?} to {provider:?}: {out}");
            assert!(out.to_string().contains("\"f\""), "{out}");
            let field = if client == OpenaiChat { "web_search_options" } else { "tools[0]" };
            assert!(warnings.iter().any(|warning| warning.starts_with(field)), "{warnings:?}");
        }
    }
    for (name, dialect) in [
        ("bedrock_anthropic", Anthropic),
        ("deepseek", Anthropic),
        ("openrouter", Anthropic),
        ("fireworks", Anthropic),
        ("litellm", Anthropic),
        ("xai", OpenaiResponses),
        ("groq", OpenaiResponses),
        ("vllm", OpenaiResponses),
        ("ollama", OpenaiResponses),
    ] {
        let ask = Ask::new("m", &preset(name).unwrap().quirks);
        let (out, warnings) = translated(asked(Gemini, dialect, &search(Gemini), &ask).unwrap());
        let sent = out.to_string();
        assert!(!sent.contains("web_search") && !warnings.is_empty(), "{name}: {sent}");
    }
    for (name, dialect) in
        [("vertex_anthropic", Anthropic), ("anthropic", Anthropic), ("azure", OpenaiResponses)]
    {
        let ask = Ask::new("m", &preset(name).unwrap().quirks);
        let (out, _) = translated(asked(Gemini, dialect, &search(Gemini), &ask).unwrap());
        assert!(out.to_string().contains("web_search"), "{name}: {out}");
    }
}

fn cited(text: &str) -> Value {
    json!({"type": "text", "text": text, "citations": [{"type": "web_search_result_location", "url": "https://a.example",
        "title": "A", "cited_text": "x", "encrypted_index": "E"}]})
}

/// An earlier turn of Anthropic's with a search, sent back.
fn replayed() -> Value {
    question(
        Anthropic,
        &json!({"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": [
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "q"}},
        {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [
            {"type": "web_search_result", "url": "https://a.example", "title": "A", "encrypted_content": "C"}]},
        {"type": "text", "text": "Hé: "}, cited("one"), {"type": "text", "text": ", "}, cited("two"),
        {"type": "text", "text": "."}]}, {"role": "user", "content": "go on"}]}),
    )
}

#[test]
fn earlier_turns_keep_their_text() {
    for provider in [OpenaiChat, OpenaiResponses, Gemini, Cohere, Bedrock, Ollama] {
        for strict in [false, true] {
            let sent = outgoing(Anthropic, provider, &replayed(), strict);
            let (out, warnings) =
                translated(sent.unwrap_or_else(|failure| panic!("{provider:?} {failure:?}")));
            let said = out.to_string();
            assert!(said.contains("\"Hé: one, two.\"") && said.contains("go on"), "{provider:?}: {out}");
            for word in ["encrypted_index", "srvtoolu", "cited_text", "web_search_result"] {
                assert!(!said.contains(word), "{provider:?}: {out}");
            }
            for word in ["server_tool_use", "web_search_tool_result"] {
                assert!(warnings.iter().any(|warning| warning.contains(word)), "{warnings:?}");
            }
            let is_told = warnings.iter().any(|warning| warning.contains(".citations dropped"));
            assert_eq!(is_told, provider != OpenaiResponses, "{provider:?} {warnings:?}");
        }
    }
    let (out, _) = sent(Anthropic, OpenaiResponses, &replayed());
    let part = &out["input"][1]["content"][0];
    assert_eq!(
        part["annotations"],
        json!([
        {"type": "url_citation", "start_index": 4, "end_index": 7, "url": "https://a.example", "title": "A"},
        {"type": "url_citation", "start_index": 9, "end_index": 12, "url": "https://a.example", "title": "A"}])
    );
}

#[test]
fn a_turn_of_nothing_but_a_search_goes() {
    let mut body = replayed();
    body["messages"][1]["content"].as_array_mut().unwrap().truncate(2);
    let thought = json!({"type": "thinking", "thinking": "hm", "signature": "s"});
    body["messages"][1]["content"].as_array_mut().unwrap().insert(0, thought);
    for provider in [OpenaiChat, OpenaiResponses, Gemini, Cohere, Bedrock, Ollama] {
        let (out, _) = translated(outgoing(Anthropic, provider, &body, true).unwrap());
        assert!(
            !out.to_string().contains("assistant") && !out.to_string().contains("\"model\",\"parts"),
            "{out}"
        );
    }
    body["messages"].as_array_mut().unwrap().retain(|message| message["role"] == "assistant");
    assert_eq!(outgoing(Anthropic, OpenaiChat, &body, false).unwrap_err().status, 400);
}

#[test]
fn annotations_of_earlier_turns_are_taken() {
    let page = json!({"start_index": 0, "end_index": 2, "url": "https://a.example", "title": "A"});
    let mut flat = page.clone();
    flat["type"] = json!("url_citation");
    let nested = json!({"type": "url_citation", "url_citation": page});
    let chats = question(
        OpenaiChat,
        &json!({"messages": [{"role": "user", "content": "q"},
        {"role": "assistant", "content": "hi", "annotations": [nested]}, {"role": "user", "content": "go on"}]}),
    );
    let openais = question(
        OpenaiResponses,
        &json!({"input": [{"role": "user", "content": "q"},
        {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "q"}},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "hi", "annotations": [flat]}]},
        {"role": "user", "content": "go on"}]}),
    );
    for (client, body) in [(OpenaiChat, &chats), (OpenaiResponses, &openais)] {
        for provider in [OpenaiChat, Anthropic, Gemini, Cohere, Bedrock, Ollama] {
            if client == provider {
                continue;
            }
            let (out, warnings) = translated(outgoing(client, provider, body, true).unwrap());
            assert!(out.to_string().contains("hi") && !out.to_string().contains("a.example"), "{out}");
            assert!(warnings.iter().any(|warning| warning.contains(".annotations dropped")), "{warnings:?}");
        }
    }
    let (out, warnings) = sent(OpenaiChat, OpenaiResponses, &chats);
    assert_eq!((&out["input"][1]["content"][0]["annotations"], warnings), (&json!([flat]), vec![]));
    let mut empty = chats.clone();
    empty["messages"][1]["annotations"] = json!([]);
    assert_eq!(sent(OpenaiChat, Anthropic, &empty).1, [""; 0]);
}

#[test]
fn another_providers_pages_do_not_go_to_anthropic() {
    let answer = json!({"responseId": "g", "modelVersion": "g", "candidates": [{"finishReason": "STOP",
        "content": {"role": "model", "parts": [{"text": "hi"}]}, "groundingMetadata": {
            "groundingChunks": [{"web": {"uri": "https://a.example", "title": "A"}}],
            "groundingSupports": [{"segment": {"endIndex": 2, "text": "hi"}, "groundingChunkIndices": [0]}]}}]});
    let plan = lane::AnswerPlan::new(Anthropic, Gemini, false, false);
    let answer = lane::answer(&plan, answer.to_string().as_bytes()).unwrap();
    let answer: Value = serde_json::from_slice(&answer.body.unwrap()).unwrap();
    assert!(answer["content"][0]["citations"].is_array());
    let mut body = question(
        Anthropic,
        &json!({"messages": [{"role": "user", "content": "q"},
        {"role": "assistant", "content": answer["content"]}, {"role": "user", "content": "go on"}]}),
    );
    let (out, warnings) = translated(outgoing(Anthropic, Anthropic, &body, true).unwrap());
    assert_eq!(out["messages"][1]["content"], json!([{"type": "text", "text": "hi"}]));
    assert_eq!(warnings, ["messages[1].citations dropped: another provider found these pages"]);
    // Anthropic's own stay, byte for byte.
    body["messages"] = replayed()["messages"].clone();
    body["model"] = json!(model(Anthropic));
    assert_eq!(outgoing(Anthropic, Anthropic, &body, false).unwrap().edit, Edit::Keep);
}

/// gpt-5 refuses a search with the least effort.
#[test]
fn there_is_no_search_with_minimal_effort() {
    let ask = Ask::new("gpt-5", &Quirks::OPENAI);
    for (effort, sent) in [("minimal", "low"), ("high", "high")] {
        let body = question(OpenaiChat, &json!({"web_search_options": {}, "reasoning_effort": effort}));
        let (out, warnings) = translated(asked(OpenaiChat, OpenaiResponses, &body, &ask).unwrap());
        assert_eq!(
            (&out["reasoning"]["effort"], warnings.len()),
            (&json!(sent), usize::from(effort != sent))
        );
    }
}
