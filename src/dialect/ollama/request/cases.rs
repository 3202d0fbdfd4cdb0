//! Golden cases of requests, both ways.

use super::super::generate;
use super::*;
use crate::chat::{ChatRequest, Failure, Losses, Part, PartKind, Role};
use crate::dialect::lane::Ask;
use crate::dialect::{Dialect, codec};
use crate::provider::Quirks;
use serde_json::{Value, json};

fn ask(model: &str, drop_params: bool) -> Ask<'_> {
    Ask { drop_params, ..Ask::new(model, &Quirks::OPENAI) }
}

fn encode(request: &ChatRequest<'_>, model: &str) -> (Value, Vec<String>) {
    let mut losses = Losses::new(true);
    let encoded = encode_request(request, &ask(model, true), &mut losses).unwrap();
    (serde_json::from_slice(&encoded.body).unwrap(), losses.into_warnings())
}

fn from_openai(body: &Value, model: &str) -> (Value, Vec<String>) {
    let text = body.to_string();
    encode(&codec::decode_request(Dialect::OpenaiChat, text.as_bytes()).unwrap(), model)
}

#[test]
fn options_format_and_pictures_from_openai() {
    let schema = json!({"type": "object", "properties": {"a": {"type": "integer"}}});
    let (body, warnings) = from_openai(
        &json!({"model": "m", "temperature": 0.5, "stop": "END", "max_tokens": 100, "seed": -3, "response_format":
            {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}, "messages": [
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}]}]}),
        "llama3",
    );
    assert_eq!(
        body,
        json!({"model": "llama3", "messages": [{"role": "system", "content": "Be brief."},
            {"role": "user", "content": "a\nb", "images": ["aGk="]}], "stream": false, "format": schema,
            "options": {"temperature": 0.5, "num_predict": 100, "seed": -3, "stop": ["END"]}})
    );
    assert_eq!(warnings, Vec::<String>::new());
}

#[test]
fn a_result_may_name_an_id_that_its_call_lost() {
    let call = |name: &str| json!({"function": {"name": name, "arguments": {}}});
    let body = json!({"model": "m", "messages": [{"role": "user", "content": "a"},
        {"role": "assistant", "content": "", "tool_calls": [call("f"), call("g"),
            {"id": "own", "function": {"name": "h", "arguments": {}}}]},
        {"role": "tool", "tool_call_id": "lost-2", "tool_name": "g", "content": "of g"},
        {"role": "tool", "tool_call_id": "own", "content": "of h"},
        {"role": "tool", "tool_call_id": "lost-1", "content": "of f"},
        {"role": "tool", "tool_call_id": "stray", "content": "of nobody"}]});
    let text = body.to_string();
    let request = decode_request(text.as_bytes()).unwrap();
    let results =
        request.messages.iter().flat_map(|message| &message.parts).filter_map(|part| match &part.kind {
            PartKind::ToolResult(result) => Some((
                result.call_id.to_str().into_owned(),
                result.name.clone().map(|name| name.to_str().into_owned()),
            )),
            _ => None,
        });
    let found: Vec<_> = results.collect();
    let tool = |name: &str| Some(name.to_owned());
    assert_eq!(
        found,
        [
            ("call_1_1".to_owned(), tool("g")),
            ("own".to_owned(), tool("h")),
            ("call_1_0".to_owned(), tool("f")),
            ("stray".to_owned(), None)
        ]
    );
}

#[test]
fn arguments_are_objects_and_results_name_their_tool() {
    let (body, warnings) = from_openai(
        &json!({"model": "m", "tools": [{"type": "function", "function": {"name": "f", "strict": true}}],
            "tool_choice": "required", "messages": [{"role": "user", "content": "a"},
            {"role": "assistant", "content": null, "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{\"x\":1}"}},
                {"id": "c2", "type": "function", "function": {"name": "g", "arguments": ""}}]},
            {"role": "tool", "tool_call_id": "c2", "content": "two"},
            {"role": "tool", "tool_call_id": "c1", "content": "one"}]}),
        "llama3",
    );
    assert_eq!(
        body["messages"],
        json!([{"role": "user", "content": "a"},
            {"role": "assistant", "content": "", "tool_calls": [
                {"id": "c1", "function": {"name": "f", "arguments": {"x": 1}}},
                {"id": "c2", "function": {"name": "g", "arguments": {}}}]},
            {"role": "tool", "content": "two", "tool_name": "g", "tool_call_id": "c2"},
            {"role": "tool", "content": "one", "tool_name": "f", "tool_call_id": "c1"}])
    );
    assert_eq!(
        body["tools"],
        json!([{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}])
    );
    assert_eq!(
        warnings,
        [
            "tool_choice dropped: cannot be forced: Ollama has no tool_choice",
            "tools[0].strict dropped: is not supported by Ollama"
        ]
    );
}

#[test]
fn a_tool_choice_filters_what_it_cannot_force() {
    let tool = |name: &str| json!({"type": "function", "function": {"name": name, "parameters": {}}});
    let ask = |choice: Value| {
        from_openai(
            &json!({"model": "m", "tools": [tool("f"), tool("g")], "tool_choice": choice,
                "messages": [{"role": "user", "content": "a"}]}),
            "m",
        )
    };
    let (body, _) = ask(json!({"type": "function", "function": {"name": "g"}}));
    assert_eq!(body["tools"][0]["function"]["name"], "g");
    assert_eq!(body["tools"].as_array().unwrap().len(), 1);
    assert_eq!(ask(json!("none")).0["tools"], Value::Null);
    assert_eq!(ask(json!("auto")).1, Vec::<String>::new());
}

#[test]
fn thinking_is_a_switch_or_a_level() {
    let think = |effort: &str, model: &str| {
        let messages = json!([{"role": "user", "content": "a"}]);
        let body = json!({"model": "m", "reasoning_effort": effort, "messages": messages});
        from_openai(&body, model).0["think"].clone()
    };
    assert_eq!(think("high", "qwen3"), json!(true));
    assert_eq!(think("minimal", "gpt-oss:20b"), json!("low"));
    assert_eq!(think("none", "qwen3"), json!(false));
}

#[test]
fn what_cannot_be_said_is_refused_where_it_must_not_be_lost() {
    let body = json!({"model": "m", "n": 2, "messages": [{"role": "user", "content": "a"}]}).to_string();
    let request = codec::decode_request(Dialect::OpenaiChat, body.as_bytes()).unwrap();
    let failure = encode_request(&request, &ask("m", false), &mut Losses::new(false)).unwrap_err();
    assert_eq!((failure.status, failure.param.as_deref()), (400, Some("n")));
}

#[test]
fn a_clients_request_is_read() {
    let body = json!({"model": "m", "messages": [{"role": "user", "content": "q", "images": ["aGk="]},
        {"role": "assistant", "content": "", "thinking": "hm", "tool_calls": [
            {"function": {"name": "f", "arguments": {"x": 1}}}, {"function": {"name": "g", "arguments": {}}}]},
        {"role": "tool", "content": "of g", "tool_name": "g"}, {"role": "tool", "content": "of f"}],
        "think": "high", "options": {"num_predict": 5.0, "num_ctx": 4096, "stop": "x"}, "keep_alive": "5m",
        "format": "json"})
    .to_string();
    let request = decode_request(body.as_bytes()).unwrap();
    assert!(request.stream);
    assert_eq!((request.max_tokens, request.stop.len()), (Some(5), 1));
    let extra: Vec<&str> = request.extra.iter().map(|(name, _)| &**name).collect();
    assert_eq!(extra, ["keep_alive", "options.num_ctx"]);
    let result = |index: usize| match &request.messages[index].parts[0].kind {
        PartKind::ToolResult(result) => result.call_id.to_str().into_owned(),
        other => panic!("{other:?}"),
    };
    assert_eq!([result(2), result(3)], ["call_1_1", "call_1_0"]);
    let (again, warnings) = encode(&request, "m");
    assert_eq!(again["options"], json!({"num_predict": 5, "num_ctx": 4096, "stop": ["x"]}));
    assert_eq!(
        (&again["think"], &again["keep_alive"], &again["format"]),
        (&json!("high"), &json!("5m"), &json!("json"))
    );
    assert_eq!(warnings, Vec::<String>::new());
}

#[test]
fn others_are_told_the_type_of_a_picture() {
    let body = json!({"model": "m", "messages": [{"role": "user", "content": "", "images": ["/9j/aGk=", "iVBORw0K"]}]});
    let text = body.to_string();
    let request = decode_request(text.as_bytes()).unwrap();
    let encoded =
        codec::encode_request(Dialect::OpenaiChat, &request, &ask("m", true), &mut Losses::new(true))
            .unwrap();
    let openai: Value = serde_json::from_slice(&encoded.body).unwrap();
    let url =
        |at: usize| openai["messages"][0]["content"][at]["image_url"]["url"].as_str().unwrap().to_owned();
    assert_eq!([url(0), url(1)], ["data:image/jpeg;base64,/9j/aGk=", "data:image/png;base64,iVBORw0K"]);
}

#[test]
fn generate_is_a_conversation_of_one_turn() {
    let body =
        json!({"model": "m", "prompt": "q", "system": "s", "template": "", "context": [], "raw": false,
        "images": ["aGk="], "suffix": "end", "options": {}, "keep_alive": null, "format": ""})
        .to_string();
    let request = generate::decode_request(body.as_bytes()).unwrap();
    assert_eq!(request.messages.iter().map(|m| m.role).collect::<Vec<_>>(), [Role::System, Role::User]);
    assert!(matches!(
        request.messages[1].parts[..],
        [Part { kind: PartKind::Text(_), .. }, Part { kind: PartKind::Image { .. }, .. }]
    ));
    let mut losses = Losses::new(true);
    let encoded = codec::encode_request(Dialect::OpenaiChat, &request, &ask("m", true), &mut losses).unwrap();
    let openai: Value = serde_json::from_slice(&encoded.body).unwrap();
    assert_eq!((&openai["messages"][0]["content"], &openai["stream"]), (&json!("s"), &json!(true)));
    assert_eq!(losses.into_warnings(), [""; 0]);
    let encoded = generate::encode_request(&request, &ask("m", true), &mut Losses::new(true)).unwrap();
    assert_eq!(
        serde_json::from_slice::<Value>(&encoded.body).unwrap(),
        json!({"model": "m", "prompt": "q", "system": "s", "images": ["aGk="], "stream": true, "suffix": "end"})
    );
}

#[test]
fn what_is_wrong_is_named() {
    for (body, param) in [
        (r#"{"messages":[{"content":"x"}]}"#, "messages[0].role"),
        (r#"{"messages":[{"role":"robot"}]}"#, "messages[0].role"),
        (r#"{"messages":[{"role":"assistant","tool_calls":[{}]}]}"#, "messages[0].tool_calls[0].function"),
        (r#"{"format":"xml"}"#, "format"),
        (r#"{"think":7}"#, "think"),
        (r#"{"options":{"num_predict":"x"}}"#, "options.num_predict"),
        (r#"{"messages":{}}"#, "messages"),
    ] {
        let failure: Failure = decode_request(body.as_bytes()).unwrap_err();
        assert_eq!((failure.status, failure.param.as_deref()), (400, Some(param)), "{body}");
    }
}
