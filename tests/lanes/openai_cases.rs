//! Hard cases of OpenAI's two dialects, as clients and as providers.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use serde_json::{Value, json};
use tollgate::chat::Failure;
use tollgate::dialect::Dialect::{
    self, Anthropic, Bedrock, Cohere, Gemini, Ollama, OpenaiChat, OpenaiResponses,
};
use tollgate::dialect::lane::{self, AnswerPlan, Ask, Edit};
use tollgate::dialect::{Call, lane::Outgoing};
use tollgate::provider::Quirks;

fn outgoing(client: Dialect, provider: Dialect, quirks: &Quirks, body: &Value) -> Result<Outgoing, Failure> {
    let model = match provider {
        Anthropic => "claude-sonnet-4-5",
        Bedrock => "anthropic.claude-sonnet-4-5-20250929-v1:0",
        _ => "gpt-5.1",
    };
    lane::request(&Call::chat(client), provider, body.to_string().as_bytes(), &Ask::new(model, quirks))
}

fn sent(client: Dialect, provider: Dialect, body: &Value) -> (Value, Vec<String>) {
    let outgoing =
        outgoing(client, provider, &Quirks::OPENAI, body).unwrap_or_else(|failure| panic!("{failure:?}"));
    let Edit::Replace(out) = outgoing.edit else { panic!("not translated") };
    (serde_json::from_slice(&out).unwrap(), outgoing.warnings)
}

fn answered(plan: &AnswerPlan, body: &Value) -> Value {
    let answer =
        lane::answer(plan, body.to_string().as_bytes()).unwrap_or_else(|failure| panic!("{failure:?}"));
    serde_json::from_slice(&answer.body.unwrap()).unwrap()
}

fn streamed(plan: &AnswerPlan, events: &[Value]) -> String {
    let stream: String = events.iter().map(|event| format!("data: {event}\n\n")).collect::<Vec<_>>().concat()
        + "data: [DONE]\n\n";
    let whole = crate::feed::run(plan, stream.as_bytes(), stream.len()).0;
    assert_eq!(crate::feed::run(plan, stream.as_bytes(), 1).0, whole);
    whole
}

fn plan(client: Dialect, provider: Dialect) -> AnswerPlan {
    AnswerPlan::new(client, provider, false, false)
}

fn roles(body: &Value) -> Vec<&str> {
    body["messages"].as_array().unwrap().iter().map(|message| message["role"].as_str().unwrap()).collect()
}

fn chunk(delta: &Value, finish: &Value) -> Value {
    json!({"id": "c", "model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})
}

#[test]
fn a_turn_of_a_thought_and_an_unknown_item_is_dropped() {
    let thought = json!({"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Plan"}],
        "encrypted_content": "gAAA"});
    let body = json!({"model": "m", "input": [{"role": "user", "content": "q"}, thought,
        {"type": "web_search_call", "id": "ws_1", "status": "completed"}, {"role": "user", "content": "go on"}]});
    for provider in [OpenaiChat, Anthropic, Bedrock, Gemini, Cohere, Ollama] {
        let (out, warnings) = sent(OpenaiResponses, provider, &body);
        assert!(
            !out.to_string().contains("assistant") && out.to_string().contains("go on"),
            "{provider:?} {out}"
        );
        assert!(warnings.iter().any(|warning| warning.contains("web_search_call")), "{warnings:?}");
    }
}

#[test]
fn custom_tools_pass_between_openais_dialects() {
    let grammar = json!({"syntax": "lark", "definition": "start: /x/"});
    let chat = json!({"model": "m",
        "messages": [
            {"role": "user", "content": "q"},
            {"role": "assistant", "content": null, "tool_calls": [
                {"id": "c1", "type": "custom", "custom": {"name": "g", "input": "SELECT \"1\""}}]},
            {"role": "tool", "tool_call_id": "c1", "content": "ok"},
        ],
        "tools": [{"type": "custom", "custom": {"name": "g", "description": "D", "format": {"type": "grammar", "grammar": grammar}}}],
        "tool_choice": {"type": "custom", "custom": {"name": "g"}}});
    let (out, warnings) = sent(OpenaiChat, OpenaiResponses, &chat);
    assert!(warnings.is_empty(), "{warnings:?}");
    assert_eq!(
        out["input"][1],
        json!({"type": "custom_tool_call", "call_id": "c1", "name": "g", "input": "SELECT \"1\""})
    );
    assert_eq!(out["input"][2], json!({"type": "custom_tool_call_output", "call_id": "c1", "output": "ok"}));
    assert_eq!(out["tool_choice"], json!({"type": "custom", "name": "g"}));
    assert_eq!(
        out["tools"][0]["format"],
        json!({"type": "grammar", "syntax": "lark", "definition": "start: /x/"})
    );
    let (back, _) = sent(OpenaiResponses, OpenaiChat, &out);
    assert_eq!(back["messages"], chat["messages"]);
    assert_eq!((&back["tools"], &back["tool_choice"]), (&chat["tools"], &chat["tool_choice"]));

    let call = json!({"id": "c1", "type": "custom", "custom": {"name": "g", "input": "SELECT"}});
    let answer = json!({"id": "x", "model": "m", "choices": [{"index": 0, "finish_reason": "tool_calls",
        "message": {"role": "assistant", "content": null, "tool_calls": [call]}}]});
    let item = &answered(&plan(OpenaiResponses, OpenaiChat), &answer)["output"][0];
    assert_eq!((&item["type"], &item["input"]), (&json!("custom_tool_call"), &json!("SELECT")));
    let items = json!({"id": "r", "status": "completed", "model": "m", "output": [
        {"type": "custom_tool_call", "id": "ctc_1", "call_id": "c1", "name": "g", "input": "SELECT"}]});
    let choice = &answered(&plan(OpenaiChat, OpenaiResponses), &items)["choices"][0];
    assert_eq!(
        (&choice["message"]["tool_calls"][0], &choice["finish_reason"]),
        (&call, &json!("tool_calls"))
    );

    let stream = [
        chunk(
            &json!({"tool_calls": [{"index": 0, "id": "c1", "type": "custom", "custom": {"name": "g", "input": ""}}]}),
            &Value::Null,
        ),
        chunk(&json!({"tool_calls": [{"index": 0, "custom": {"input": "SELECT"}}]}), &Value::Null),
        chunk(&json!({}), &json!("tool_calls")),
    ];
    let events = streamed(&plan(OpenaiResponses, OpenaiChat), &stream);
    assert!(
        events.contains("response.custom_tool_call_input.delta") && events.contains("\"input\":\"SELECT\""),
        "{events}"
    );
    let event = |kind: &str, rest: Value| {
        let mut event = json!({"type": kind, "output_index": 0});
        event.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        event
    };
    let stream = [
        event(
            "response.output_item.added",
            json!({"item": {"type": "custom_tool_call", "id": "ctc_1", "call_id": "c1", "name": "g", "input": ""}}),
        ),
        event("response.custom_tool_call_input.delta", json!({"delta": "SELECT"})),
        event("response.custom_tool_call_input.done", json!({"input": "SELECT"})),
        event(
            "response.output_item.done",
            json!({"item": {"type": "custom_tool_call", "id": "ctc_1", "call_id": "c1", "name": "g", "input": "SELECT"}}),
        ),
        json!({"type": "response.completed", "response": {"id": "r", "status": "completed", "output": []}}),
    ];
    let chunks = streamed(&plan(OpenaiChat, OpenaiResponses), &stream);
    assert!(
        chunks.contains("\"custom\":{\"name\":\"g\"") && chunks.contains("\"input\":\"SELECT\""),
        "{chunks}"
    );
    // A client that knows no custom tools loses nothing.
    let blocks = streamed(&plan(Anthropic, OpenaiResponses), &stream);
    assert!(
        blocks.contains("\"name\":\"g\"") && blocks.contains("SELECT") && blocks.contains("input"),
        "{blocks}"
    );
}

#[test]
fn custom_tools_are_functions_of_one_text_elsewhere() {
    let body = json!({"model": "m", "tools": [{"type": "custom", "name": "apply_patch"}], "input": [
        {"role": "user", "content": "q"},
        {"type": "custom_tool_call", "call_id": "c1", "name": "apply_patch", "input": "*** Begin"},
        {"type": "custom_tool_call_output", "call_id": "c1", "output": "ok"},
    ]});
    for provider in [Anthropic, Bedrock, Gemini, Cohere, Ollama] {
        let (out, warnings) = sent(OpenaiResponses, provider, &body);
        let text = out.to_string();
        assert!(text.contains("apply_patch") && text.contains("*** Begin") && text.contains("ok"), "{text}");
        assert!(warnings.iter().any(|warning| warning.starts_with("tools[0]")), "{warnings:?}");
    }
    let made = outgoing(OpenaiResponses, OpenaiChat, &Quirks::COMPATIBLE, &body).unwrap().plan;
    let function = json!({"name": "apply_patch", "arguments": "{\"input\": \"*** End\\n\"}"});
    let call = json!({"index": 0, "id": "c2", "type": "function", "function": function});
    let answer = json!({"id": "x", "model": "m", "choices": [{"index": 0, "finish_reason": "tool_calls",
        "message": {"role": "assistant", "content": null, "tool_calls": [call]}}]});
    let item = &answered(&made, &answer)["output"][0];
    assert_eq!((&item["type"], &item["input"]), (&json!("custom_tool_call"), &json!("*** End\n")));
    let stream =
        [chunk(&json!({"tool_calls": [call]}), &Value::Null), chunk(&json!({}), &json!("tool_calls"))];
    let events = streamed(&made, &stream);
    assert!(events.contains("\"input\":\"*** End\\n\""), "{events}");
}

#[test]
fn results_stand_together_and_pictures_follow_them() {
    let picture = json!([{"type": "input_image", "image_url": "data:image/png;base64,AAAA"}]);
    let call = |id: &str| json!({"type": "function_call", "call_id": id, "name": "f", "arguments": ""});
    let body = json!({"model": "m", "input": [{"role": "user", "content": "q"}, call("a"), call("b"),
        {"type": "function_call_output", "call_id": "a", "output": picture},
        {"role": "user", "content": "mid"},
        {"type": "function_call_output", "call_id": "b", "output": "2"}]});
    let (out, _) = sent(OpenaiResponses, OpenaiChat, &body);
    assert_eq!(roles(&out), ["user", "assistant", "tool", "tool", "user"]);
    assert_eq!(out["messages"][4]["content"][0]["type"], "image_url");
    assert_eq!(out["messages"][1]["tool_calls"][0]["function"]["arguments"], "{}");
    let (out, _) = sent(OpenaiResponses, Cohere, &body);
    assert_eq!(roles(&out)[2..4], ["tool", "tool"]);
    assert!(out.to_string().contains("data:image/png;base64,AAAA"), "{out}");

    let result = |id: &str| {
        json!({"role": "tool", "tool_call_id": id, "content": [
        {"type": "document", "document": {"data": format!("T{id}")}}]})
    };
    let call = |id: &str| json!({"id": id, "type": "function", "function": {"name": "f", "arguments": "{}"}});
    let body = json!({"model": "m", "messages": [{"role": "user", "content": "q"},
        {"role": "assistant", "tool_calls": [call("a"), call("b")]}, result("a"), result("b")]});
    let (out, _) = sent(Cohere, OpenaiChat, &body);
    assert_eq!(roles(&out), ["user", "assistant", "tool", "tool"]);
    assert!(out["messages"][2]["content"].as_str().unwrap().contains("Ta"), "{out}");
}

#[test]
fn ids_of_calls_are_unique() {
    let call =
        |name: &str| json!([{"id": "c1", "type": "function", "function": {"name": name, "arguments": "{}"}}]);
    let result = json!({"role": "tool", "tool_call_id": "c1", "content": "r"});
    let body = json!({"model": "m", "messages": [{"role": "user", "content": "q"},
        {"role": "assistant", "tool_calls": call("f")}, result, {"role": "assistant", "tool_calls": call("g")}, result]});
    let (out, _) = sent(OpenaiChat, Anthropic, &body);
    assert_eq!(out["messages"][3]["content"][0]["id"], out["messages"][4]["content"][0]["tool_use_id"]);
    assert_ne!(out["messages"][1]["content"][0]["id"], out["messages"][3]["content"][0]["id"]);
    let (out, _) = sent(OpenaiChat, Gemini, &body);
    assert_eq!(out["contents"][2]["parts"][0]["functionResponse"]["name"], "f");

    let answer = |id: &str| {
        let call = json!({"id": "", "type": "function", "function": {"name": "f", "arguments": "{}"}});
        answered(
            &plan(Anthropic, OpenaiChat),
            &json!({"id": id, "model": "m", "choices": [{"index": 0, "finish_reason": "tool_calls",
                "message": {"role": "assistant", "content": null, "tool_calls": [call]}}]}),
        )["content"][0]["id"]
            .clone()
    };
    assert_ne!(answer("chatcmpl-1"), answer("chatcmpl-2"));
}

#[test]
fn a_proof_of_anothers_is_not_sent() {
    let body = json!({"model": "m", "messages": [{"role": "user", "content": "q"},
        {"role": "assistant", "content": "a", "thinking_blocks": [{"type": "thinking", "thinking": "T", "signature": "CLAUDES"},
            {"type": "redacted_thinking", "data": "RD"}]},
        {"role": "user", "content": "z"}]});
    let (out, warnings) = sent(OpenaiChat, OpenaiResponses, &body);
    assert!(!out.to_string().contains("CLAUDES") && !out.to_string().contains("RD"), "{out}");
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(sent(OpenaiChat, Anthropic, &body).0.to_string().contains("CLAUDES"));

    let answer = json!({"id": "r", "status": "completed", "model": "m", "output": [
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "T"}], "encrypted_content": "gAAA"},
        {"type": "message", "id": "m", "role": "assistant", "status": "completed", "content": [
            {"type": "output_text", "text": "hi", "annotations": []}]}]});
    let message = answered(&plan(OpenaiChat, OpenaiResponses), &answer)["choices"][0]["message"].clone();
    let next = json!({"model": "m", "messages": [{"role": "user", "content": "q"}, message, {"role": "user", "content": "z"}]});
    assert!(
        sent(OpenaiChat, OpenaiResponses, &next).0.to_string().contains("\"encrypted_content\":\"gAAA\"")
    );
    assert!(!sent(OpenaiChat, Anthropic, &next).0.to_string().contains("gAAA"));
}

#[test]
fn thinking_that_lost_its_thought_is_not_asked_for() {
    let body = json!({"model": "c", "max_tokens": 3000, "thinking": {"type": "enabled", "budget_tokens": 2000},
        "tools": [{"name": "f", "input_schema": {"type": "object"}}], "messages": [{"role": "user", "content": "q"},
        {"role": "assistant", "content": [{"type": "thinking", "thinking": "x", "signature": "tollgate1:openai_chat:thinking:"},
            {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "ok"}]}]});
    for provider in [Anthropic, Bedrock] {
        let (out, warnings) = sent(Anthropic, provider, &body);
        assert!(
            !out.to_string().contains("thinking\":{") && !out.to_string().contains("\"signature\""),
            "{out}"
        );
        assert!(!warnings.is_empty());
    }
}

#[test]
fn what_both_of_openais_dialects_know_is_carried() {
    let body = json!({"model": "m", "messages": [{"role": "user", "content": "q"}], "prompt_cache_key": "k",
        "prompt_cache_retention": "24h", "stream": true, "stream_options": {"include_obfuscation": false},
        "store": false, "modalities": ["text"], "user": "u", "safety_identifier": "s", "reasoning_effort": "none",
        "temperature": 0.3});
    let (out, warnings) = sent(OpenaiChat, OpenaiResponses, &body);
    assert_eq!(warnings, Vec::<String>::new());
    for (field, value) in [
        ("prompt_cache_key", json!("k")),
        ("prompt_cache_retention", json!("24h")),
        ("stream_options", json!({"include_obfuscation": false})),
        ("user", json!("u")),
        ("safety_identifier", json!("s")),
        ("temperature", json!(0.3)),
    ] {
        assert_eq!(out[field], value, "{field}");
    }
    let (_, warnings) = sent(OpenaiChat, Anthropic, &body);
    assert!(warnings.iter().any(|warning| warning.contains("safety_identifier")), "{warnings:?}");
    let alone = json!({"model": "m", "input": "q", "safety_identifier": "s"});
    let (out, _) = sent(OpenaiResponses, OpenaiChat, &alone);
    assert_eq!((&out["safety_identifier"], &out["user"]), (&json!("s"), &Value::Null));
    assert!(sent(OpenaiResponses, Anthropic, &alone).0.to_string().contains("\"user_id\":\"s\""));
}

#[test]
fn a_refusal_in_words_stops() {
    let answer = json!({"id": "r", "status": "completed", "model": "m", "service_tier": "flex", "output": [{"type": "message", "id": "m",
        "role": "assistant", "status": "completed", "content": [{"type": "refusal", "refusal": "no"}]}]});
    let out = answered(&plan(OpenaiChat, OpenaiResponses), &answer);
    assert_eq!(out["choices"][0]["finish_reason"], "stop");
    assert_eq!(out["service_tier"], "flex");
    let stream = [json!({"type": "response.completed", "response": answer})];
    assert!(streamed(&plan(OpenaiChat, OpenaiResponses), &stream).contains("\"finish_reason\":\"stop\""));
}

#[test]
fn calls_whose_pieces_stand_apart_are_whole() {
    let call = |index: u64, id: Value, name: Value, arguments: &str| json!({"index": index, "id": id, "function": {"name": name, "arguments": arguments}});
    let stream = [
        chunk(&json!({"tool_calls": [call(0, json!("a"), json!("get_"), "")]}), &Value::Null),
        chunk(&json!({"tool_calls": [call(0, Value::Null, json!("weather"), "{\"x\"")]}), &Value::Null),
        chunk(&json!({"content": "\n"}), &Value::Null),
        chunk(&json!({"tool_calls": [call(0, Value::Null, Value::Null, ":1}")]}), &Value::Null),
        chunk(&json!({"tool_calls": [call(1, json!("b"), json!("g"), "")]}), &Value::Null),
        chunk(
            &json!({"tool_calls": [call(0, Value::Null, Value::Null, ""), call(1, Value::Null, Value::Null, "{}")]}),
            &Value::Null,
        ),
        chunk(&json!({}), &json!("tool_calls")),
    ];
    let out = streamed(&plan(Anthropic, OpenaiChat), &stream);
    assert!(!out.contains("event: error") && out.contains("\"name\":\"get_weather\""), "{out}");
    let collected: String = ["{\\\"x\\\"", ":1}"].concat();
    let pieces: Vec<&str> =
        out.split("\"partial_json\":\"").skip(1).map(|rest| rest.split("\"}").next().unwrap()).collect();
    assert!(pieces.concat().contains(&collected), "{pieces:?}");
}

#[test]
fn an_answer_that_broke_off_says_so_of_its_last_item() {
    let call =
        json!({"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": "{\"x\":"}});
    let answer = json!({"id": "x", "model": "m", "choices": [{"index": 0, "finish_reason": "length",
        "message": {"role": "assistant", "content": "hi", "tool_calls": [call]}}]});
    let output = answered(&plan(OpenaiResponses, OpenaiChat), &answer)["output"].clone();
    assert_eq!((&output[0]["status"], &output[1]["status"]), (&json!("completed"), &json!("incomplete")));
    let stream = [chunk(&json!({"tool_calls": [call]}), &Value::Null), chunk(&json!({}), &json!("length"))];
    let out = streamed(&plan(OpenaiResponses, OpenaiChat), &stream);
    assert!(out.contains("\"arguments\":\"{\\\"x\\\":\",\"status\":\"incomplete\""), "{out}");
}

#[test]
fn nothing_left_to_say_is_refused_by_name() {
    let block = json!({"type": "document", "source": {"type": "url", "url": "https://x.y/a.pdf"}});
    let body = json!({"max_tokens": 9, "messages": [{"role": "user", "content": [block]}]});
    for provider in [OpenaiChat, Cohere, Ollama] {
        let failure = outgoing(Anthropic, provider, &Quirks::OPENAI, &body).unwrap_err();
        assert_eq!(failure.status, 400);
        assert!(failure.param.unwrap().starts_with("messages[0]"), "{provider:?}");
    }
    let thought = json!({"type": "thinking", "thinking": "t", "signature": "s"});
    let body = json!({"max_tokens": 9, "messages": [{"role": "user", "content": "q"},
        {"role": "assistant", "content": [thought]}, {"role": "user", "content": "z"}]});
    assert_eq!(roles(&sent(Anthropic, OpenaiChat, &body).0), ["user", "user"]);
    let call = Call { model: Some("m".to_owned()), ..Call::chat(Gemini) };
    let body = json!({"contents": [{"parts": [{"text": "q"}]}], "generationConfig": {"candidateCount": 2}});
    let ask = Ask { drop_params: false, ..Ask::new("claude-sonnet-4-5", &Quirks::OPENAI) };
    let failure = lane::request(&call, Anthropic, body.to_string().as_bytes(), &ask).unwrap_err();
    assert_eq!(failure.param.as_deref(), Some("generationConfig.candidateCount"));
}

/// A page as both dialects describe it, in flat members.
fn page(start: u64, end: u64) -> Value {
    json!({"start_index": start, "end_index": end, "url": "https://a.example/\u{e9}", "title": "A"})
}

fn annotation(dialect: Dialect, page: &Value) -> Value {
    if dialect == OpenaiChat {
        return json!({"type": "url_citation", "url_citation": page});
    }
    let mut flat = page.clone();
    flat["type"] = json!("url_citation");
    flat
}

#[test]
fn citations_of_pages_pass_between_openais_dialects() {
    let (chats, flat) = (annotation(OpenaiChat, &page(0, 2)), annotation(OpenaiResponses, &page(0, 2)));
    let chat = json!({"id": "c", "model": "m", "choices": [{"index": 0, "finish_reason": "stop",
        "message": {"role": "assistant", "content": "hi", "annotations": [chats]}}]});
    let out = answered(&plan(OpenaiResponses, OpenaiChat), &chat);
    assert_eq!(out["output"][0]["content"][0]["annotations"], json!([flat]));

    let text = |text: &str, pages: Value| json!({"type": "output_text", "text": text, "annotations": pages});
    let responses = json!({"id": "resp_1", "object": "response", "model": "m", "status": "completed", "output": [
        {"type": "message", "id": "m1", "role": "assistant",
         "content": [text("h\u{e9} ", json!([])), text("hi", json!([flat]))]}]});
    let out = answered(&plan(OpenaiChat, OpenaiResponses), &responses);
    // The texts are one here, and the places are counted from its beginning.
    assert_eq!(out["choices"][0]["message"]["content"], "h\u{e9} hi");
    assert_eq!(out["choices"][0]["message"]["annotations"], json!([annotation(OpenaiChat, &page(3, 5))]));

    for (provider, body) in [(OpenaiChat, &chat), (OpenaiResponses, &responses)] {
        let answer = lane::answer(&plan(Cohere, provider), body.to_string().as_bytes()).unwrap();
        assert_eq!(answer.report.warnings, ["fields of the answer dropped: annotations"]);
        let whole = lane::answer_as_stream(&plan(OpenaiChat, provider), body.to_string().as_bytes()).unwrap();
        assert!(String::from_utf8(whole.body.unwrap()).unwrap().contains("\"url_citation\":{"));
    }
}

#[test]
fn citations_of_pages_pass_in_streams() {
    let event = |name: &str, more: &Value| {
        let mut event = json!({"type": name, "output_index": 0, "content_index": 0});
        event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        event
    };
    let flat = annotation(OpenaiResponses, &page(0, 2));
    let message = json!({"type": "message", "id": "m1", "role": "assistant",
        "content": [{"type": "output_text", "text": "hi", "annotations": [flat]}]});
    let whole = json!({"id": "resp_1", "model": "m", "status": "completed", "output": [message]});
    let said = [
        json!({"type": "response.created", "response": {"id": "resp_1", "model": "m"}}),
        event(
            "response.output_item.added",
            &json!({"item": {"type": "message", "role": "assistant", "content": []}}),
        ),
        event("response.output_text.delta", &json!({"delta": "hi"})),
        event("response.output_text.annotation.added", &json!({"annotation_index": 0, "annotation": flat})),
        event("response.output_text.done", &json!({"text": "hi"})),
        event("response.output_item.done", &json!({"item": message})),
        json!({"type": "response.completed", "response": whole}),
    ];
    let only_last = [said[0].clone(), said[6].clone()];
    for events in [&said[..], &only_last] {
        let out = streamed(&plan(OpenaiChat, OpenaiResponses), events);
        let mut page = annotation(OpenaiChat, &page(0, 2));
        page["index"] = json!(0);
        let delta = format!("\"delta\":{{\"annotations\":[{page}]}}");
        let sorted =
            out.lines().filter_map(|line| serde_json::from_str::<Value>(line.strip_prefix("data: ")?).ok());
        let cited: Vec<String> = sorted
            .filter(|chunk| chunk["choices"][0]["delta"]["annotations"].is_array())
            .map(|chunk| format!("\"delta\":{}", chunk["choices"][0]["delta"]))
            .collect();
        assert_eq!(cited, [delta]);
    }

    let chats = annotation(OpenaiChat, &page(0, 2));
    let (text, pages) = (json!({"content": "hi"}), json!({"annotations": [chats]}));
    for order in [[&text, &pages], [&pages, &text]] {
        let chunks =
            [chunk(order[0], &Value::Null), chunk(order[1], &Value::Null), chunk(&json!({}), &json!("stop"))];
        let out = streamed(&plan(OpenaiResponses, OpenaiChat), &chunks);
        let last = out.lines().rev().find_map(|line| line.strip_prefix("data: ")).unwrap();
        let last: Value = serde_json::from_str(last).unwrap();
        assert_eq!(last["response"]["output"][0]["content"][0]["annotations"], json!([flat]));
        let is_told = out.contains("event: response.output_text.annotation.added");
        assert_eq!(is_told, order[0] == &text, "{out}");
        let mut lane = lane::Stream::new(&plan(Cohere, OpenaiChat));
        let stream = chunks.iter().map(|chunk| format!("data: {chunk}\n\n")).collect::<Vec<_>>().concat();
        lane.push(stream.as_bytes(), &mut Vec::new());
        assert_eq!(lane.report().warnings, ["annotations dropped from the stream"]);
    }
}

#[test]
fn a_search_of_the_web_is_a_tool_of_responses() {
    let asked = json!({"model": "m", "messages": [{"role": "user", "content": "q"}], "web_search_options": {
        "search_context_size": "low", "user_location": {"type": "approximate", "approximate": {"city": "Paris"}}}});
    let (out, warnings) = sent(OpenaiChat, OpenaiResponses, &asked);
    assert_eq!(
        out["tools"],
        json!([{"type": "web_search", "search_context_size": "low",
            "user_location": {"type": "approximate", "city": "Paris"}}])
    );
    assert_eq!(warnings, [""; 0]);
    let (_, warnings) = sent(OpenaiChat, Bedrock, &asked);
    assert!(warnings.concat().contains("web_search_options"), "{warnings:?}");
}
