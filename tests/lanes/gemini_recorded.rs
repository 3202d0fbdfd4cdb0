//! Recorded exchanges with Gemini: requests and answers come back whole, reach the other dialects, and streams are the
//! same however they are cut.

use crate::corpus::{Exchange, exchanges};
use crate::feed::run;
use crate::loss::silent_losses;
use serde_json::Value;
use tollgate::chat::Losses;
use tollgate::dialect::Call;
use tollgate::dialect::Dialect::{self, Anthropic, Gemini, OpenaiChat};
use tollgate::dialect::codec;
use tollgate::dialect::lane::{self, AnswerPlan, Ask, Edit};
use tollgate::provider::Quirks;

const WHOLE: &str = "gemini.generateContent";
const STREAMED: &str = "gemini.streamGenerateContent";

fn asking(model: &str) -> Ask<'_> {
    Ask { drop_content: true, ..Ask::new(model, &Quirks::OPENAI) }
}

fn all() -> Option<Vec<Exchange>> {
    let mut found = exchanges(WHOLE)?;
    found.extend(exchanges(STREAMED)?);
    Some(found)
}

/// The spelling of fields is Google's to choose, and so is the case of a type: one of each.
fn plain(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (key, mut value) in std::mem::take(map) {
                // What belongs to the client's own functions keeps its names.
                if !matches!(&*key, "args" | "response" | "properties") {
                    plain(&mut value);
                }
                if key == "properties" {
                    value.as_object_mut().into_iter().flatten().for_each(|(_, schema)| plain(schema));
                }
                if matches!(&*key, "type" | "thinkingLevel") && value.is_string() {
                    value = Value::from(value.as_str().unwrap().to_lowercase());
                }
                map.insert(camel(&key), value);
            }
        }
        Value::Array(list) => list.iter_mut().for_each(plain),
        _ => {}
    }
}

fn camel(key: &str) -> String {
    let mut words = key.split('_');
    let mut out = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        out.extend(letters.next().map(|c| c.to_ascii_uppercase()));
        out.push_str(letters.as_str());
    }
    out
}

/// The request, its bytes in the alphabet of base64 in which they are sent on.
fn source(exchange: &Exchange) -> Option<Value> {
    let body = exchange.request.as_ref().filter(|body| body.starts_with('{'))?;
    let mut source = serde_json::from_str(body).ok()?;
    in_standard_letters(&mut source);
    Some(source)
}

fn in_standard_letters(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(in_standard_letters),
        Value::Object(members) => {
            for (key, value) in members {
                match value {
                    Value::String(data) if key == "data" => *data = data.replace('-', "+").replace('_', "/"),
                    other => in_standard_letters(other),
                }
            }
        }
        _ => {}
    }
}

#[test]
fn requests_come_back_whole() {
    let Some(exchanges) = all() else { return };
    let (mut seen, mut wrong) = (0, Vec::new());
    for exchange in exchanges {
        let id = &exchange.id;
        let Some(source) = source(&exchange) else { continue };
        let body = source.to_string();
        let request = match codec::decode_request(Gemini, body.as_bytes()) {
            Ok(request) => request,
            Err(_) if exchange.status >= 400 => continue,
            Err(failure) => {
                wrong.push(format!("{id}: {failure:?}"));
                continue;
            }
        };
        let mut losses = Losses::new(true);
        let model = exchange
            .path
            .split('?')
            .next()
            .unwrap_or_default()
            .rsplit('/')
            .next()
            .unwrap_or_default()
            .split(':')
            .next()
            .unwrap_or_default();
        let encoded = codec::encode_request(Gemini, &request, &asking(model), &mut losses).unwrap();
        let back: Value =
            serde_json::from_slice(&encoded.body).unwrap_or_else(|error| panic!("{id}: {error}"));
        let warnings = losses.into_warnings();
        let (mut was, mut is) = (source.clone(), back);
        plain(&mut was);
        plain(&mut is);
        // The role of instructions says nothing, text is what every answer is, and a tool mode that checks arguments
        // is the usual one.
        let mapped = [
            "systemInstruction.role",
            "responseModalities",
            "functionCallingConfig",
            "propertyOrdering",
            "nullable",
            "type",
        ];
        let lost = silent_losses(&was, &is, &warnings, &mapped);
        wrong.extend(lost.into_iter().map(|lost| format!("{id}: {lost} (warnings: {warnings:?})")));
        seen += 1;
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
    assert!(seen > 200, "only {seen} requests");
}

#[test]
fn answers_come_back_whole() {
    let Some(exchanges) = exchanges(WHOLE) else { return };
    let (mut seen, mut wrong) = (0, Vec::new());
    for exchange in exchanges.iter().filter(|exchange| exchange.status == 200) {
        let id = &exchange.id;
        let body = exchange.response.as_bytes();
        let Ok(source) = serde_json::from_slice::<Value>(body) else { continue };
        let response = match codec::decode_response(Gemini, body) {
            Ok(response) => response,
            Err(failure) => {
                wrong.push(format!("{id}: {failure:?}"));
                continue;
            }
        };
        let mut losses = Losses::new(true);
        let plan = AnswerPlan::new(Gemini, Gemini, false, false);
        let back = codec::encode_response(&response, &plan, &mut losses);
        let back: Value = serde_json::from_slice(&back).unwrap_or_else(|error| panic!("{id}: {error}"));
        let warnings = losses.into_warnings();
        // Times lose their fractions.
        let lost = silent_losses(&source, &back, &warnings, &["createTime"]);
        wrong.extend(lost.into_iter().map(|lost| format!("{id}: {lost} (warnings: {warnings:?})")));
        seen += 1;
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
    assert!(seen > 150, "only {seen} answers");
}

/// Fields that the other dialects say in other words; their own tests hold them.
const MAPPED: [&str; 28] = [
    "role",
    "model",
    "type",
    "mode",
    "functionCallingConfig",
    "maxOutputTokens",
    "thinkingConfig",
    "temperature",
    "topP",
    "responseMimeType",
    "responseModalities",
    "candidateCount",
    "format",
    "nullable",
    "serviceTier",
    "thoughtSignature",
    "mimeType",
    "propertyOrdering",
    "functionResponse.name",
    "thought",
    "displayName",
    "enum",
    // Said in lower case.
    "topK",
    "responseLogprobs",
    "frequencyPenalty",
    "presencePenalty",
    "stopSequences",
    "logprobs",
];

fn requests(provider: Dialect, model: &str) {
    let Some(exchanges) = all() else { return };
    let (mut seen, mut wrong) = (0, Vec::new());
    for exchange in exchanges {
        let id = &exchange.id;
        let Some(source) = source(&exchange) else { continue };
        let body = source.to_string();
        let outgoing = match lane::request(&Call::chat(Gemini), provider, body.as_bytes(), &asking(model)) {
            Ok(outgoing) => outgoing,
            Err(_) if exchange.status >= 400 => continue,
            Err(failure) => {
                wrong.push(format!("{id}: {failure:?}"));
                continue;
            }
        };
        let Edit::Replace(target) = outgoing.edit else { panic!("{id}: not translated") };
        let target: Value = serde_json::from_slice(&target).unwrap_or_else(|error| panic!("{id}: {error}"));
        let mut was = source.clone();
        plain(&mut was);
        // Text is told as text where bytes are not.
        let is_told = |lost: &String| lost.contains("inlineData.data") && body.contains("\"text/plain\"");
        let lost = silent_losses(&was, &target, &outgoing.warnings, &MAPPED)
            .into_iter()
            .filter(|lost| !is_told(lost));
        wrong.extend(lost.map(|lost| format!("{id}: {lost} (warnings: {:?})", outgoing.warnings)));
        seen += 1;
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
    assert!(seen > 200, "only {seen} requests");
}

#[test]
fn requests_reach_openai() {
    requests(OpenaiChat, "gpt-5");
}

#[test]
fn requests_reach_anthropic() {
    requests(Anthropic, "claude-sonnet-4-5");
}

/// A stream as an array holds what it holds as events.
fn in_an_array(provider: Dialect, op: &str) {
    let Some(exchanges) = exchanges(op) else { return };
    let (mut seen, mut wrong) = (0, Vec::new());
    for exchange in exchanges.iter().filter(|exchange| exchange.stream && exchange.status == 200) {
        let id = &exchange.id;
        let stream = &exchange.response;
        // Some recordings hold the streams of several turns one after the other.
        if !stream.contains("data:") || stream.matches("event: message_start").count() > 1 {
            continue;
        }
        let plan = AnswerPlan::new(Gemini, provider, true, true);
        let out = run(&plan, stream.as_bytes(), stream.len()).0;
        let in_array = AnswerPlan { array: true, ..plan.clone() };
        let items = run(&in_array, stream.as_bytes(), 64).0;
        let items: Vec<Value> =
            serde_json::from_str(&items).unwrap_or_else(|error| panic!("{id}: {error}: {items}"));
        let events: Vec<Value> = out
            .split("\r\n\r\n")
            .filter_map(|event| event.strip_prefix("data: "))
            .map(|data| serde_json::from_str(data).unwrap())
            .collect();
        if events != items {
            wrong.push(format!("{id}: as an array it says something else"));
        }
        seen += 1;
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
    assert!(seen > 50, "only {seen} streams");
}

#[test]
fn openai_streams_are_the_same_in_an_array() {
    in_an_array(OpenaiChat, "openai.chat");
}

#[test]
fn anthropic_streams_are_the_same_in_an_array() {
    in_an_array(Anthropic, "anthropic.messages");
}

/// The others' requests reach Gemini, and nothing of them is lost without a word.
fn to_gemini(client: Dialect, op: &str, model: &str) {
    const MAPPED: [&str; 33] = [
        "json_schema.name",
        "strict",
        "reasoning",
        "type",
        "role",
        "model",
        "stream",
        "stream_options",
        "tool_choice",
        "parallel_tool_calls",
        "max_tokens",
        "max_completion_tokens",
        "reasoning_effort",
        "thinking_budget",
        "temperature",
        "top_p",
        "service_tier",
        "thinking",
        "output_config",
        "index",
        "anthropic_version",
        "n",
        "presence_penalty",
        "frequency_penalty",
        "response_format.type",
        "logprobs",
        "$schema",
        "additionalProperties",
        "cache_control",
        "$defs",
        "$ref",
        "is_error",
        "input_audio.format",
    ];
    let Some(exchanges) = exchanges(op) else { return };
    let (mut seen, mut wrong) = (0, Vec::new());
    for exchange in exchanges {
        let id = &exchange.id;
        let Some(source) = source(&exchange) else { continue };
        let body = source.to_string();
        let outgoing = match lane::request(&Call::chat(client), Gemini, body.as_bytes(), &asking(model)) {
            Ok(outgoing) => outgoing,
            Err(_) if exchange.status >= 400 || !source["model"].is_string() => continue,
            Err(failure) => {
                wrong.push(format!("{id}: {failure:?}"));
                continue;
            }
        };
        let Edit::Replace(target) = outgoing.edit else { panic!("{id}: not translated") };
        let target: Value = serde_json::from_slice(&target).unwrap_or_else(|error| panic!("{id}: {error}"));
        // Warnings call the shape of an answer by its name in the hub, and proofs of thoughts what they are.
        let told = |word: &str| outgoing.warnings.iter().any(|warning| warning.starts_with(word));
        let (shape, sealed) = (told("response_format"), told("encrypted reasoning"));
        let lost = silent_losses(&source, &target, &outgoing.warnings, &MAPPED);
        let lost = lost.into_iter().filter(|lost| {
            // Anthropic's search has a name among the tools, Google's has none.
            let is_search = lost.starts_with("tools.") && lost.ends_with(".name = \"web_search\"");
            !is_search
                && !(shape
                    && (lost.starts_with("output_format.") || lost.starts_with("output_config.format.")))
                && !(sealed && (lost.contains(".data = ") || lost.contains(".signature = ")))
        });
        wrong.extend(lost.map(|lost| format!("{id}: {lost} (warnings: {:?})", outgoing.warnings)));
        seen += 1;
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
    assert!(seen > 200, "only {seen} requests");
}

#[test]
fn openai_requests_reach_gemini() {
    to_gemini(OpenaiChat, "openai.chat", "gemini-3-pro-preview");
}

#[test]
fn anthropic_requests_reach_gemini() {
    to_gemini(Anthropic, "anthropic.messages", "gemini-2.5-pro");
}
