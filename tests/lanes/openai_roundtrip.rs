//! OpenAI chat through the hub and back: nothing is lost.

use crate::corpus::exchanges;
use serde_json::{Map, Value, json};
use tollgate::chat::Losses;
use tollgate::dialect::Dialect::OpenaiChat;
use tollgate::dialect::codec;
use tollgate::dialect::lane::{AnswerPlan, Ask};
use tollgate::provider::{Quirks, ReasoningSwitch, Replay};

/// A provider that takes everything.
const ALL: Quirks = Quirks {
    cache_control: true,
    top_k: true,
    reasoning: ReasoningSwitch::Effort,
    replay: Replay::Blocks,
    short_ids: false,
    ..Quirks::OPENAI
};

fn without_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, value| !value.is_null());
            map.values_mut().for_each(without_nulls);
        }
        Value::Array(list) => list.iter_mut().for_each(without_nulls),
        Value::Number(number) => *value = json!(number.as_f64()),
        _ => {}
    }
}

/// Two spellings of the same become one.
fn normal_message(message: &mut Map<String, Value>) {
    if let Some(control) = message.remove("cache_control")
        && let Some(text) = message.get("content").cloned()
    {
        let text = text.as_str().map(str::to_owned).unwrap_or_default();
        message.insert("content".into(), json!([{"type": "text", "text": text, "cache_control": control}]));
    }
    if let Some(Value::Array(parts)) = message.get_mut("content") {
        for part in parts.iter_mut() {
            if let Some(url) = part["image_url"].as_str().map(str::to_owned) {
                part["image_url"] = json!({ "url": url });
            }
            // Bytes without a type get the type that OpenAI would take them for.
            if let Some(data) = part["file"]["file_data"].as_str().map(str::to_owned)
                && !data.starts_with("data:")
                && !data.starts_with("http")
            {
                part["file"]["file_data"] = json!(format!("data:application/pdf;base64,{data}"));
            }
            if part["type"] == "image_url" {
                part.as_object_mut().unwrap().remove("text");
            }
            if let Some(url) = part["document_url"].as_str().map(str::to_owned) {
                *part = json!({"type": "file", "file": {"file_data": url}});
            }
        }
        // Mistral's reasoning is a part of the content.
        let thinking: String = parts
            .iter()
            .filter_map(|part| part["thinking"].as_array())
            .flatten()
            .filter_map(|piece| piece["text"].as_str())
            .collect();
        parts.retain(|part| part["type"] != "thinking");
        let single = match parts.as_slice() {
            [Value::Object(part)] if part.len() == 2 && part["type"] == "text" => Some(part["text"].clone()),
            [] => Some(json!("")),
            _ => None,
        };
        if let Some(text) = single {
            message.insert("content".into(), text);
        }
        if !thinking.is_empty() {
            message.insert("reasoning_content".into(), json!(thinking));
        }
    }
    if message.get("content").is_some_and(|content| content == "") {
        message.remove("content");
    }
    if let Some(reasoning) = message.remove("reasoning") {
        message.entry("reasoning_content").or_insert(reasoning);
    }
    if message.get("reasoning_content").is_some_and(|text| text == "") {
        message.remove("reasoning_content");
    }
    if message.get("tool_calls").is_some_and(|calls| calls.as_array().is_some_and(Vec::is_empty)) {
        message.remove("tool_calls");
    }
    if let Some(function) = message.remove("function_call").filter(|function| function["name"] != "") {
        message.insert("tool_calls".into(), json!([{"function": function}]));
    }
    for call in message.get_mut("tool_calls").and_then(Value::as_array_mut).into_iter().flatten() {
        let call = call.as_object_mut().unwrap();
        call.remove("index");
        call.remove("type");
    }
}

fn normal_request(mut value: Value) -> Value {
    without_nulls(&mut value);
    let map = value.as_object_mut().unwrap();
    for message in map["messages"].as_array_mut().unwrap() {
        let message = message.as_object_mut().unwrap();
        normal_message(message);
        if message["role"] == "function" {
            message.insert("role".into(), json!("tool"));
        }
    }
    if let Some(limit) = map.remove("max_tokens") {
        map.entry("max_completion_tokens").or_insert(limit);
    }
    if let Some(functions) = map.remove("functions") {
        let tools =
            functions.as_array().unwrap().iter().map(|function| json!({"function": function})).collect();
        map.insert("tools".into(), tools);
    }
    if map.get("tools").is_some_and(|tools| tools.as_array().is_some_and(Vec::is_empty)) {
        map.remove("tools");
    }
    for tool in map.get_mut("tools").and_then(Value::as_array_mut).into_iter().flatten() {
        let tool = tool.as_object_mut().unwrap();
        if tool.get("type").is_none_or(|kind| kind == "function") {
            tool.remove("type");
            if !tool.contains_key("function") {
                let function = Value::Object(std::mem::take(tool));
                tool.insert("function".into(), function);
            }
        }
    }
    if !map.contains_key("tools") {
        map.remove("tool_choice");
        map.remove("parallel_tool_calls");
    }
    if let Some(choice) = map.remove("function_call") {
        map.insert("tool_choice".into(), choice);
    }
    if let Some(choice) = map.get_mut("tool_choice") {
        if choice == "any" {
            *choice = json!("required");
        }
        if let Some(choice) = choice.as_object_mut() {
            choice.remove("type");
        }
    }
    if map.get("stop").is_some_and(Value::is_string) {
        let stop = map["stop"].take();
        map.insert("stop".into(), json!([stop]));
    }
    if map.get("stream").is_some_and(|stream| stream == false) {
        map.remove("stream");
    }
    // OpenAI requires a name; a schema without one gets one.
    if let Some(Value::Object(schema)) = map.get_mut("response_format").and_then(|f| f.get_mut("json_schema"))
    {
        schema.entry("name").or_insert(json!("response"));
    }
    map.remove("stream_options");
    // The three ways of asking for reasoning are one in the hub; their own tests hold them.
    for name in ["reasoning", "reasoning_effort", "thinking"] {
        map.remove(name);
    }
    value
}

#[test]
fn requests_come_back_whole() {
    let Some(exchanges) = exchanges("openai.chat") else { return };
    let (mut seen, mut wrong) = (0, Vec::new());
    for exchange in exchanges {
        let Some(body) = exchange.request.filter(|body| body.starts_with('{')) else { continue };
        let source: Value = serde_json::from_str(&body).unwrap();
        if exchange.status >= 400 && codec::decode_request(OpenaiChat, body.as_bytes()).is_err() {
            continue;
        }
        let Some(model) = source["model"].as_str() else { continue };
        let request = codec::decode_request(OpenaiChat, body.as_bytes())
            .unwrap_or_else(|failure| panic!("{}: {failure:?}", exchange.id));
        let ask = Ask::new(model, &ALL);
        let mut losses = Losses::new(true);
        let encoded = codec::encode_request(OpenaiChat, &request, &ask, &mut losses).unwrap();
        let back: Value =
            serde_json::from_slice(&encoded.body).unwrap_or_else(|error| panic!("{}: {error}", exchange.id));
        let (mut source, mut back) = (normal_request(source), normal_request(back));
        // An id that the older functions did not have.
        if source.to_string().contains("\"function\"") && body.contains("\"function_call\"") {
            strip_made_up_ids(&mut source);
            strip_made_up_ids(&mut back);
        }
        differences(&exchange.id, &source, &back, &mut wrong);
        wrong.extend(losses.into_warnings().into_iter().map(|warning| format!("{}: {warning}", exchange.id)));
        seen += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen > 500, "only {seen} requests");
}

fn strip_made_up_ids(value: &mut Value) {
    for message in value["messages"].as_array_mut().unwrap() {
        let message = message.as_object_mut().unwrap();
        message.remove("tool_call_id");
        for call in message.get_mut("tool_calls").and_then(Value::as_array_mut).into_iter().flatten() {
            call.as_object_mut().unwrap().remove("id");
        }
    }
}

/// Where two values differ, a line a place.
fn differences(path: &str, source: &Value, back: &Value, into: &mut Vec<String>) {
    match (source, back) {
        (Value::Object(source), Value::Object(back)) => {
            let keys: std::collections::BTreeSet<&String> = source.keys().chain(back.keys()).collect();
            for key in keys {
                let at = |map: &Map<String, Value>| map.get(key).cloned().unwrap_or_default();
                differences(&format!("{path}.{key}"), &at(source), &at(back), into);
            }
        }
        (Value::Array(source), Value::Array(back)) if source.len() == back.len() => {
            for (index, (source, back)) in source.iter().zip(back).enumerate() {
                differences(&format!("{path}[{index}]"), source, back, into);
            }
        }
        _ if source == back => {}
        _ => into.push(format!("{path}: {source:.300} became {back:.300}")),
    }
}

fn normal_response(mut value: Value) -> Value {
    without_nulls(&mut value);
    let map = value.as_object_mut().unwrap();
    for choice in map["choices"].as_array_mut().unwrap() {
        let choice = choice.as_object_mut().unwrap();
        // Azure's filter leaves the message out.
        choice.entry("message").or_insert(json!({"role": "assistant"}));
        let calls = {
            let message = choice["message"].as_object_mut().unwrap();
            normal_message(message);
            message.remove("refusal");
            message.contains_key("tool_calls")
        };
        if calls && choice["finish_reason"] == "function_call" {
            choice.insert("finish_reason".into(), json!("tool_calls"));
        }
        if calls && (choice["finish_reason"] == "stop" || choice["finish_reason"] == "") {
            choice.insert("finish_reason".into(), json!("tool_calls"));
        }
        if choice.get("finish_reason").is_some_and(|reason| reason == "") {
            choice.insert("finish_reason".into(), json!("stop"));
        }
        for call in
            choice["message"].get_mut("tool_calls").and_then(Value::as_array_mut).into_iter().flatten()
        {
            if call["id"] == "" {
                call.as_object_mut().unwrap().remove("id");
            }
        }
    }
    // The counts are held by their own comparison.
    map.remove("usage");
    value
}

#[test]
fn answers_come_back_whole() {
    let Some(exchanges) = exchanges("openai.chat") else { return };
    let (mut seen, mut wrong) = (0, Vec::new());
    for exchange in exchanges.iter().filter(|exchange| !exchange.stream && exchange.status == 200) {
        let body = exchange.response.as_bytes();
        let Ok(source) = serde_json::from_slice::<Value>(body) else { continue };
        if !source["choices"].is_array() {
            assert!(
                codec::decode_response(OpenaiChat, body).is_err(),
                "{}: no answer, but taken for one",
                exchange.id
            );
            continue;
        }
        let response = match codec::decode_response(OpenaiChat, body) {
            Ok(response) => response,
            Err(failure) => {
                wrong.push(format!("{}: {failure:?}", exchange.id));
                continue;
            }
        };
        let plan = AnswerPlan::new(OpenaiChat, OpenaiChat, false, false);
        let mut losses = Losses::new(true);
        let back = codec::encode_response(&response, &plan, &mut losses);
        let back: Value =
            serde_json::from_slice(&back).unwrap_or_else(|error| panic!("{}: {error}", exchange.id));
        let usage = &source["usage"];
        for name in ["prompt_tokens", "prompt_tokens_details", "completion_tokens_details"] {
            for (key, mut count) in flat(name, &usage[name]) {
                // What was read and what was written are apart; one provider counts the same tokens as both.
                if key.ends_with("cache_write_tokens") {
                    let count_of = |value: &Value| value.as_u64().unwrap_or(0);
                    let read = count_of(&usage[name]["cached_tokens"]);
                    count = count.min(count_of(&usage["prompt_tokens"]).saturating_sub(read));
                } else if key.ends_with(".cached_tokens") {
                    count = count.min(usage["prompt_tokens"].as_u64().unwrap_or(0));
                }
                assert_eq!(Some(&count), flat(name, &back["usage"][name]).get(&key), "{} {key}", exchange.id);
            }
        }
        differences(&exchange.id, &normal_response(source), &normal_response(back), &mut wrong);
        wrong.extend(losses.into_warnings().into_iter().map(|warning| format!("{}: {warning}", exchange.id)));
        seen += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen > 400, "only {seen} answers");
}

/// Counts by path; details that the hub does not know (images, video) are no counts of its own.
fn flat(name: &str, value: &Value) -> std::collections::BTreeMap<String, u64> {
    const KNOWN: [&str; 6] = [
        "cached_tokens",
        "audio_tokens",
        "cache_write_tokens",
        "reasoning_tokens",
        "accepted_prediction_tokens",
        "rejected_prediction_tokens",
    ];
    match value {
        Value::Object(map) => map
            .iter()
            .filter(|(key, _)| KNOWN.contains(&&***key))
            .filter_map(|(key, count)| Some((format!("{name}.{key}"), count.as_u64()?)))
            .collect(),
        other => other.as_u64().map(|count| (name.to_owned(), count)).into_iter().collect(),
    }
}
