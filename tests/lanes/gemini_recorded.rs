//! Recorded exchanges with Gemini: requests and answers come back whole, reach the other dialects, and streams are the
//! same however they are cut.

use crate::corpus::{Exchange, exchanges};
use crate::feed::run;
use crate::gemini_collect::piece;
use crate::loss::silent_losses;
use crate::streamed::{Collected, collect, of_answer};
use serde_json::Value;
use tollgate::chat::Losses;
use tollgate::dialect::Call;
use tollgate::dialect::Dialect::{self, Anthropic, Gemini, OpenaiChat};
use tollgate::dialect::codec;
use tollgate::dialect::lane::{self, AnswerPlan, Ask, Edit, Progress};
use tollgate::provider::Quirks;

const WHOLE: &str = "gemini.generateContent";
const STREAMED: &str = "gemini.streamGenerateContent";

fn asking(model: &str) -> Ask<'_> {
    Ask {
        model,
        params: &[],
        max_tokens: None,
        default_max_tokens: 4096,
        drop_params: true,
        quirks: &Quirks::OPENAI,
    }
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

fn source(exchange: &Exchange) -> Option<Value> {
    let body = exchange.request.as_ref().filter(|body| body.starts_with('{'))?;
    serde_json::from_str(body).ok()
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

/// What was said, with the ids that were made up for it: of those only their being there is compared.
fn compare(id: &str, mut was: Collected, mut is: Collected, wrong: &mut Vec<String>) {
    let mut ids: Vec<String> = is.calls.iter().map(|(id, _, _)| id.clone()).collect();
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    if ids.len() != count || ids.iter().any(String::is_empty) {
        wrong.push(format!("{id}: ids {ids:?}"));
    }
    for (was, is) in was.calls.iter_mut().zip(&mut is.calls) {
        if was.0.is_empty() {
            was.0.clone_from(&is.0);
        }
        is.0 = is.0.split("__thought__").next().unwrap_or_default().to_owned();
        was.0 = was.0.split("__thought__").next().unwrap_or_default().to_owned();
    }
    if !was.calls.is_empty() && was.finish.as_deref() == Some("stop") {
        was.finish = Some("tools".to_owned());
    }
    was.over = true;
    is.signatures.clear();
    if is.input.is_none() {
        (was.input, was.output) = (None, None);
    }
    if was != is {
        wrong.push(format!("{id}:\n  was {was:?}\n  is  {is:?}"));
    }
}

fn answers(client: Dialect) {
    let Some(exchanges) = exchanges(WHOLE) else { return };
    let (mut seen, mut wrong) = (0, Vec::new());
    for exchange in exchanges.iter().filter(|exchange| exchange.status == 200) {
        let id = &exchange.id;
        let body = exchange.response.as_bytes();
        let Ok(source) = serde_json::from_slice::<Value>(body) else { continue };
        let plan = AnswerPlan::new(client, Gemini, false, false);
        let answer = match lane::answer(&plan, body) {
            Ok(answer) => answer,
            Err(failure) => {
                wrong.push(format!("{id}: {failure:?}"));
                continue;
            }
        };
        let target: Value = serde_json::from_slice(&answer.body.unwrap()).unwrap();
        let mut was = Collected::default();
        piece(&source, &mut was);
        let unary = of_answer(client, &target);
        let streamed = lane::answer_as_stream(&plan, body).unwrap().body.unwrap();
        let streamed = collect(client, &String::from_utf8(streamed).unwrap());
        compare(id, was, unary, &mut wrong);
        let mut whole = of_answer(client, &target);
        if client == OpenaiChat {
            (whole.input, whole.output) = (streamed.input, streamed.output);
        }
        if streamed != whole {
            wrong.push(format!("{id}: streamed {streamed:?} is not {whole:?}"));
        }
        seen += 1;
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
    assert!(seen > 150, "only {seen} answers");
}

#[test]
fn answers_reach_openai_clients() {
    answers(OpenaiChat);
}

#[test]
fn answers_reach_anthropic_clients() {
    answers(Anthropic);
}

fn streams(client: Dialect) {
    let Some(exchanges) = exchanges(STREAMED) else { return };
    let (mut seen, mut wrong) = (0, Vec::new());
    for exchange in exchanges.iter().filter(|exchange| exchange.status == 200) {
        let id = &exchange.id;
        let body = exchange.response.as_bytes();
        let plan = AnswerPlan::new(client, Gemini, true, true);
        let (out, progress) = run(&plan, body, body.len());
        for size in [1, 7, 61, 1024] {
            if run(&plan, body, size).0 != out {
                wrong.push(format!("{id}: cut into {size} it is another stream"));
            }
        }
        let mut was = Collected::default();
        if exchange.response.trim_start().starts_with('[') {
            let pieces: Vec<Value> = serde_json::from_str(&exchange.response).unwrap();
            for answer in &pieces {
                piece(answer, &mut was);
            }
        } else {
            was = collect(Gemini, &exchange.response);
        }
        let is = collect(client, &out);
        if was.finish.is_none() {
            if progress != Progress::Failed || !is.error {
                wrong.push(format!("{id}: breaks off without a word, {progress:?}: {is:?}"));
            }
            continue;
        }
        if progress != Progress::Finished {
            wrong.push(format!("{id}: {progress:?}"));
        }
        // Arguments in pieces are put together; the unit tests of that hold how.
        if exchange.response.contains("partialArgs") {
            was.calls.clone_from(&is.calls);
        }
        compare(id, was, is, &mut wrong);
        seen += 1;
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
    assert!(seen > 30, "only {seen} streams");
}

#[test]
fn streams_reach_openai_clients() {
    streams(OpenaiChat);
}

#[test]
fn streams_reach_anthropic_clients() {
    streams(Anthropic);
}

/// What the other providers said reaches a client of Gemini.
fn from_others(provider: Dialect, op: &str) {
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
        let (out, progress) = run(&plan, stream.as_bytes(), stream.len());
        if run(&plan, stream.as_bytes(), 1).0 != out {
            wrong.push(format!("{id}: byte by byte it is another stream"));
        }
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
        // The finish reason that no provider said is nothing to compare.
        if progress != Progress::Finished || collect(provider, stream).finish.is_none() {
            continue;
        }
        let (mut was, mut is) = (collect(provider, stream), collect(Gemini, &out));
        was.signatures.clear();
        // Gemini ends calls with a plain stop.
        if was.finish.as_deref() == Some("tools") || !was.calls.is_empty() {
            was.finish = Some("stop".into());
        }
        was.over = is.over;
        // Some servers count reasoning beside the completion; the unit tests of the counts hold that.
        if was.input.is_none() || was.output < is.output {
            (was.input, was.output, is.input, is.output) = (None, None, None, None);
        }
        for ((was, _, _), (is, _, _)) in was.calls.iter_mut().zip(&mut is.calls) {
            if was.is_empty() {
                was.clone_from(is);
            }
        }
        if was != is {
            wrong.push(format!("{id}:\n  was {was:?}\n  is  {is:?}"));
        }
        seen += 1;
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
    assert!(seen > 50, "only {seen} streams");
}

#[test]
fn openai_streams_reach_gemini_clients() {
    from_others(OpenaiChat, "openai.chat");
}

#[test]
fn anthropic_streams_reach_gemini_clients() {
    from_others(Anthropic, "anthropic.messages");
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
            !(shape && (lost.starts_with("output_format.") || lost.starts_with("output_config.format.")))
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
