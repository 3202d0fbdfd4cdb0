//! The shape of an answer, and how strictly tools are called, where the provider takes less than the client's dialect says.

use serde_json::{Value, json};
use tollgate::chat::Failure;
use tollgate::dialect::Call;
use tollgate::dialect::Dialect::{
    self, Anthropic, Bedrock, Cohere, Gemini, Ollama, OpenaiChat, OpenaiResponses,
};
use tollgate::dialect::lane::{self, AnswerPlan, Ask, Edit};
use tollgate::provider::Quirks;

const OLD: &str = "claude-sonnet-4-0";
const NEW: &str = "claude-sonnet-4-5";
const NOVA: &str = "amazon.nova-pro-v1:0";

fn asked(
    client: Dialect,
    (provider, model): (Dialect, &str),
    quirks: &Quirks,
    body: &Value,
) -> Result<(Value, Vec<String>, AnswerPlan), Failure> {
    let outgoing =
        lane::request(&Call::chat(client), provider, body.to_string().as_bytes(), &Ask::new(model, quirks))?;
    let Edit::Replace(out) = outgoing.edit else { panic!("not translated") };
    Ok((serde_json::from_slice(&out).unwrap(), outgoing.warnings, outgoing.plan))
}

fn sent(client: Dialect, to: (Dialect, &str), body: &Value) -> (Value, Vec<String>, AnswerPlan) {
    asked(client, to, &Quirks::OPENAI, body).unwrap_or_else(|failure| panic!("{failure:?}"))
}

/// A request of one question, with the shape in the client's words.
fn shaped(client: Dialect, shape: &Value) -> Value {
    let mut body = match client {
        Gemini => json!({"contents": [{"role": "user", "parts": [{"text": "q"}]}]}),
        Bedrock => json!({"messages": [{"role": "user", "content": [{"text": "q"}]}]}),
        OpenaiResponses => json!({"model": "m", "input": [{"role": "user", "content": "q"}]}),
        _ => json!({"model": "m", "max_tokens": 99, "messages": [{"role": "user", "content": "q"}]}),
    };
    body.as_object_mut().unwrap().extend(shape.as_object().unwrap().clone());
    body
}

fn list() -> Value {
    json!({"type": "array", "items": {"type": "integer"}})
}

/// A list asked for in each dialect.
fn lists() -> [(Dialect, Value, &'static str); 4] {
    [
        (
            Gemini,
            json!({"generationConfig": {"responseMimeType": "application/json",
                "responseSchema": {"type": "ARRAY", "items": {"type": "INTEGER"}}}}),
            "generationConfig.responseSchema",
        ),
        (Ollama, json!({"format": list()}), "format"),
        (
            Anthropic,
            json!({"output_config": {"format": {"type": "json_schema", "schema": list()}}}),
            "output_config.format",
        ),
        (
            OpenaiChat,
            json!({"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": list()}}}),
            "response_format",
        ),
    ]
}

#[test]
fn the_word_is_said_where_any_json_is_asked_for() {
    let asks = [
        (Gemini, json!({"generationConfig": {"responseMimeType": "application/json"}})),
        (Ollama, json!({"format": "json"})),
        (Cohere, json!({"response_format": {"type": "json_object"}})),
        (OpenaiResponses, json!({"text": {"format": {"type": "json_object"}}})),
    ];
    for (client, shape) in asks {
        for (provider, at) in [(OpenaiChat, "/messages"), (OpenaiResponses, "/input")] {
            if client == provider {
                continue;
            }
            let body = shaped(client, &shape);
            let (out, warnings, _) = sent(client, (provider, "gpt-4o"), &body);
            assert!(out.pointer(at).unwrap()[0].to_string().contains("JSON"), "{out}");
            let is_told =
                |warnings: &[String]| warnings.iter().any(|warning| warning.contains("the word JSON"));
            assert!(is_told(&warnings), "{warnings:?}");
            let body = body.to_string().replace("\"q\"", "\"q as json\"");
            let (out, warnings, _) =
                sent(client, (provider, "gpt-4o"), &serde_json::from_str(&body).unwrap());
            assert_eq!(out.pointer(at).unwrap().as_array().unwrap().len(), 1, "{out}");
            assert!(!is_told(&warnings), "{warnings:?}");
        }
    }
    // Behind the instructions that are there, and where a schema cannot be said.
    let body = json!({"model": "m", "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "q"}],
        "format": {"type": "object", "properties": {}}});
    let quirks = Quirks { json_schema: false, ..Quirks::COMPATIBLE };
    let (out, ..) = asked(Ollama, (OpenaiChat, "deepseek-chat"), &quirks, &body).unwrap();
    assert_eq!(out["response_format"]["type"], "json_object");
    assert_eq!(out["messages"].as_array().unwrap().len(), 2);
    assert!(out["messages"][0]["content"].to_string().contains("JSON"), "{out}");
}

#[test]
fn what_is_no_object_is_asked_for_within_one() {
    let targets = [
        (OpenaiChat, "gpt-4o", "/response_format/json_schema/schema"),
        (OpenaiResponses, "gpt-4o", "/text/format/schema"),
        (Anthropic, OLD, "/tools/0/input_schema"),
        (Anthropic, NEW, "/output_config/format/schema"),
        (Bedrock, NOVA, "/toolConfig/tools/0/toolSpec/inputSchema/json"),
        (Cohere, "command-a-03-2025", "/response_format/json_schema"),
    ];
    for (client, shape, field) in lists() {
        for (provider, model, at) in targets.into_iter().filter(|(provider, ..)| *provider != client) {
            let (out, warnings, plan) = sent(client, (provider, model), &shaped(client, &shape));
            let schema = out.pointer(at).unwrap_or_else(|| panic!("{out}"));
            assert_eq!((&schema["type"], &schema["required"]), (&json!("object"), &json!(["answer"])));
            assert_eq!(
                schema["properties"]["answer"]["type"], "array",
                "{client:?} to {provider:?}: {schema}"
            );
            assert!(plan.wrapped.is_some());
            assert!(warnings.iter().any(|warning| warning.starts_with(field)), "{warnings:?}");
        }
    }
    let recursive = json!({"type": "array", "items": {"$ref": "#"}});
    for (client, schema, field) in [
        (Ollama, json!({"format": recursive}), "format"),
        (
            Gemini,
            json!({"generationConfig": {"responseMimeType": "application/json", "responseJsonSchema": recursive}}),
            "generationConfig.responseSchema",
        ),
    ] {
        let body = shaped(client, &schema);
        let failure = asked(client, (OpenaiChat, "gpt-4o"), &Quirks::OPENAI, &body).unwrap_err();
        assert_eq!((failure.status, failure.param.as_deref()), (400, Some(field)));
    }
}

#[test]
fn the_answer_is_taken_out_of_its_object() {
    let body = shaped(Ollama, &json!({"format": list()}));
    let (_, _, plan) = sent(Ollama, (OpenaiChat, "gpt-4o"), &body);
    let whole = json!({"id": "x", "model": "m", "choices": [{"index": 0, "finish_reason": "stop",
        "message": {"role": "assistant", "content": "{\"answer\": [1, 2]}"}}]});
    let answer = lane::answer(&plan, whole.to_string().as_bytes()).unwrap();
    let answer: Value = serde_json::from_slice(&answer.body.unwrap()).unwrap();
    assert_eq!(answer["message"]["content"], "[1, 2]");

    // As the arguments of a tool, streamed.
    let (_, _, plan) = sent(Ollama, (Anthropic, OLD), &body);
    let mut stream = lane::Stream::new(&AnswerPlan { stream: true, ..plan });
    let mut events = vec![
        json!({"type": "message_start", "message": {"id": "i", "model": "m", "usage": {"input_tokens": 1}}}),
        json!({"type": "content_block_start", "index": 0,
            "content_block": {"type": "tool_use", "id": "t", "name": lane::JSON_TOOL, "input": {}}}),
    ];
    events.extend(["{\"answ", "er\": [", "1, 2", "]", "}"].map(|piece| {
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": piece}})
    }));
    events.push(json!({"type": "content_block_stop", "index": 0}));
    events.push(
        json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 1}}),
    );
    events.push(json!({"type": "message_stop"}));
    let mut out = Vec::new();
    for event in events {
        let kind = event["type"].as_str().unwrap();
        stream.push(format!("event: {kind}\ndata: {event}\n\n").as_bytes(), &mut out);
    }
    stream.end(&mut out);
    let lines: Vec<Value> =
        String::from_utf8(out).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let text: String = lines.iter().filter_map(|line| line["message"]["content"].as_str()).collect();
    assert_eq!(text, "[1, 2]");
    assert_eq!(lines.last().unwrap()["done_reason"], "stop");
}

#[test]
fn a_word_comes_back_without_quotes() {
    let body = shaped(
        Gemini,
        &json!({"generationConfig": {"responseMimeType": "text/x.enum",
            "responseSchema": {"type": "STRING", "enum": ["red", "blue"]}}}),
    );
    let (out, _, plan) = sent(Gemini, (OpenaiResponses, "gpt-4o"), &body);
    assert_eq!(out["text"]["format"]["schema"]["properties"]["answer"]["enum"], json!(["red", "blue"]));
    let whole = json!({"id": "r", "object": "response", "status": "completed", "model": "m", "output": [
        {"type": "message", "id": "a", "status": "completed", "role": "assistant", "content": [
            {"type": "output_text", "text": "{\"answer\":\"red\"}", "annotations": []}]}]});
    let answer = lane::answer(&plan, whole.to_string().as_bytes()).unwrap();
    let answer: Value = serde_json::from_slice(&answer.body.unwrap()).unwrap();
    assert_eq!(answer["candidates"][0]["content"]["parts"][0]["text"], "red");
    let (out, _, plan) = sent(Gemini, (Ollama, "llama3.2"), &body);
    assert_eq!((&out["format"]["type"], plan.wrapped.is_some()), (&json!("object"), true));
}

/// A tool, in Anthropic's words.
fn tools(schema: &Value) -> Value {
    json!({"model": "m", "max_tokens": 99, "messages": [{"role": "user", "content": "q"}],
        "tools": [{"name": "f", "strict": true, "input_schema": schema}]})
}

fn openai_tools(schema: &Value) -> Value {
    json!({"model": "m", "messages": [{"role": "user", "content": "q"}],
        "tools": [{"type": "function", "function": {"name": "f", "strict": true, "parameters": schema}}]})
}

#[test]
fn tools_are_as_strict_as_openai_can_be() {
    let closed = json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"],
        "additionalProperties": false});
    let open =
        json!({"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": false});
    for (schema, strict, told) in [(closed, json!(true), 0), (open, json!(null), 1)] {
        let (out, warnings, _) = sent(Anthropic, (OpenaiChat, "gpt-4o"), &tools(&schema));
        assert_eq!((&out["tools"][0]["function"]["strict"], warnings.len()), (&strict, told), "{warnings:?}");
        let (out, warnings, _) = sent(Anthropic, (OpenaiResponses, "gpt-4o"), &tools(&schema));
        assert_eq!((out["tools"][0]["strict"] == true, warnings.len()), (strict == true, told));
        // Who asks OpenAI for it in its own words is told by it what is wrong.
        let (out, ..) = sent(OpenaiChat, (OpenaiResponses, "gpt-4o"), &openai_tools(&schema));
        assert_eq!(out["tools"][0]["strict"], true);
        let cohere = json!({"model": "m", "messages": [{"role": "user", "content": "q"}], "strict_tools": true,
            "tools": [{"type": "function", "function": {"name": "f", "parameters": schema}}]});
        let (out, ..) = sent(Cohere, (OpenaiChat, "gpt-4o"), &cohere);
        assert_eq!(out["tools"][0]["function"]["strict"], strict);
    }
}

#[test]
fn cohere_is_strict_where_every_tool_requires_something() {
    for (required, strict) in [(json!(["a"]), json!(true)), (json!([]), json!(null))] {
        let schema = json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": required});
        let (out, warnings, _) = sent(OpenaiChat, (Cohere, "command-a-03-2025"), &openai_tools(&schema));
        assert_eq!((&out["strict_tools"], warnings.is_empty()), (&strict, strict == true), "{warnings:?}");
    }
}

#[test]
fn claude_follows_no_schema_that_refers_to_itself() {
    let tree = json!({"type": "object", "properties": {"next": {"$ref": "#"}}});
    let shape =
        json!({"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": tree}}});
    let body = shaped(OpenaiChat, &shape);
    for (to, at) in [
        ((Anthropic, NEW), "/tools/0/input_schema/properties/next/$ref"),
        (
            (Bedrock, "us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
            "/toolConfig/tools/0/toolSpec/inputSchema/json/properties/next/$ref",
        ),
    ] {
        let (out, warnings, plan) = sent(OpenaiChat, to, &body);
        assert_eq!(out.pointer(at), Some(&json!("#")), "{out}");
        assert!(plan.json_tool);
        assert!(warnings.iter().any(|warning| warning.contains("refers to itself")), "{warnings:?}");
        let (out, warnings, _) = sent(OpenaiChat, to, &openai_tools(&tree));
        assert!(!out.to_string().contains("strict"), "{out}");
        assert_eq!(warnings.len(), 1, "{warnings:?}");
    }
    // Nor can one be told to use a tool that is too new for it.
    let failure = asked(OpenaiChat, (Anthropic, "claude-opus-5-5"), &Quirks::OPENAI, &body).unwrap_err();
    assert_eq!((failure.status, failure.param.as_deref()), (400, Some("response_format")));
}

/// Tools as many MCP servers describe theirs: OpenAI refuses a list that does not say of what it is and an object that
/// does not say what it has.
#[test]
fn schemas_of_tools_say_what_their_provider_wants_to_see() {
    let loose = json!({"type": "object", "properties": {"tags": {"type": "array"}}});
    let empty = json!({"type": "object"});
    let pair =
        json!({"type": "object", "properties": {"at": {"type": "array", "items": [{"type": "number"}]}}});
    let of_anthropic = json!({"model": "m", "max_tokens": 64, "messages": [{"role": "user", "content": "q"}], "tools": [
        {"name": "a", "input_schema": loose}, {"name": "b", "input_schema": empty}, {"name": "c", "input_schema": pair}]});
    for (provider, at) in [(OpenaiChat, "/function/parameters"), (OpenaiResponses, "/parameters")] {
        let (out, warnings, _) = sent(Anthropic, (provider, "gpt-4o"), &of_anthropic);
        let schema = |tool: usize| out["tools"][tool].pointer(at).unwrap();
        assert_eq!(schema(0)["properties"]["tags"], json!({"type": "array", "items": {}}));
        assert_eq!(*schema(1), json!({"type": "object", "properties": {}}));
        let items = json!({"type": "array", "prefixItems": [{"type": "number"}], "items": {}});
        assert_eq!(schema(2)["properties"]["at"], items);
        assert!(warnings.is_empty(), "{warnings:?}");
    }
    let tool = |schema: &Value| json!({"type": "function", "function": {"name": "f", "parameters": schema}});
    let of_openai = json!({"model": "m", "messages": [{"role": "user", "content": "q"}],
        "tools": [tool(&loose), tool(&pair)]});
    for (provider, model, at) in
        [(Anthropic, NEW, "/input_schema"), (Bedrock, NOVA, "/toolSpec/inputSchema/json")]
    {
        let (out, ..) = sent(OpenaiChat, (provider, model), &of_openai);
        let tools = out.pointer(if provider == Bedrock { "/toolConfig/tools" } else { "/tools" }).unwrap();
        assert_eq!(*tools[0].pointer(at).unwrap(), loose);
        let items = json!({"type": "array", "prefixItems": [{"type": "number"}]});
        assert_eq!(tools[1].pointer(at).unwrap()["properties"]["at"], items);
    }
    // Who speaks OpenAI's own words knows what it asks for.
    let (out, ..) = sent(OpenaiChat, (OpenaiResponses, "gpt-4o"), &of_openai);
    assert_eq!(out["tools"][0]["parameters"], loose);
}
