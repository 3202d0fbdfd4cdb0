//! OpenAI's Responses through the hub and back: nothing is lost.

use crate::corpus::exchanges;
use crate::loss::silent_losses;
use crate::streamed::collect;
use serde_json::Value;
use tollgate::chat::{Event, Losses};
use tollgate::dialect::Dialect::OpenaiResponses;
use tollgate::dialect::codec::{self, StreamDecoder, StreamEncoder};
use tollgate::dialect::lane::{AnswerPlan, Ask};
use tollgate::provider::Quirks;

fn types(items: &Value) -> Vec<String> {
    let kind = |item: &Value| item["type"].as_str().unwrap_or("message").to_owned();
    items.as_array().into_iter().flatten().map(kind).collect()
}

#[test]
fn requests_come_back_whole() {
    let Some(exchanges) = exchanges("openai.responses") else { return };
    let (mut seen, mut wrong) = (0, Vec::new());
    for exchange in exchanges {
        let id = &exchange.id;
        let Some(body) = exchange.request.filter(|body| body.starts_with('{')) else { continue };
        let source: Value = serde_json::from_str(&body).unwrap();
        let Some(model) = source["model"].as_str() else { continue };
        let request = match codec::decode_request(OpenaiResponses, body.as_bytes()) {
            Ok(request) => request,
            Err(_) if exchange.status >= 400 => continue,
            Err(failure) => {
                wrong.push(format!("{id}: {failure:?}"));
                continue;
            }
        };
        let ask = Ask::new(model, &Quirks::OPENAI);
        let mut losses = Losses::new(true);
        let encoded = codec::encode_request(OpenaiResponses, &request, &ask, &mut losses).unwrap();
        let back: Value =
            serde_json::from_slice(&encoded.body).unwrap_or_else(|error| panic!("{id}: {error}"));
        let warnings = losses.into_warnings();
        // A content that is one text may be a string.
        let lost = silent_losses(&source, &back, &warnings, &["type"]);
        wrong.extend(lost.into_iter().map(|lost| format!("{id}: {lost} (warnings: {warnings:?})")));
        wrong.extend(warnings.iter().map(|warning| format!("{id}: {warning}")));
        if source["input"].is_array() && types(&source["input"]) != types(&back["input"]) {
            wrong.push(format!(
                "{id}: items {:?} became {:?}",
                types(&source["input"]),
                types(&back["input"])
            ));
        }
        seen += 1;
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
    assert!(seen > 300, "only {seen} requests");
}

#[test]
fn answers_come_back_whole() {
    let Some(exchanges) = exchanges("openai.responses") else { return };
    let (mut seen, mut wrong) = (0, Vec::new());
    for exchange in exchanges.iter().filter(|exchange| !exchange.stream && exchange.status == 200) {
        let id = &exchange.id;
        let body = exchange.response.as_bytes();
        let Ok(source) = serde_json::from_slice::<Value>(body) else { continue };
        // Counted tokens, compacted conversations and answers still to come are no answers.
        if source["object"] != "response" {
            continue;
        }
        let response = match codec::decode_response(OpenaiResponses, body) {
            Ok(response) => response,
            Err(failure) => {
                wrong.push(format!("{id}: {failure:?}"));
                continue;
            }
        };
        let mut losses = Losses::new(true);
        let plan = AnswerPlan::new(OpenaiResponses, OpenaiResponses, false, false);
        let back = codec::encode_response(&response, &plan, &mut losses);
        let back: Value = serde_json::from_slice(&back).unwrap_or_else(|error| panic!("{id}: {error}"));
        let warnings = losses.into_warnings();
        let mut lost = silent_losses(&source, &back, &warnings, &[]);
        // `queued`: only another request can tell more.
        lost.retain(|lost| !lost.starts_with("status"));
        wrong.extend(lost.into_iter().map(|lost| format!("{id}: {lost} (warnings: {warnings:?})")));
        if types(&source["output"]) != types(&back["output"]) {
            wrong.push(format!(
                "{id}: items {:?} became {:?}",
                types(&source["output"]),
                types(&back["output"])
            ));
        }
        seen += 1;
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
    assert!(seen > 200, "only {seen} answers");
}

#[test]
fn streams_come_back_whole_and_well_formed() {
    let Some(exchanges) = exchanges("openai.responses") else { return };
    let (mut seen, mut wrong) = (0, Vec::new());
    for exchange in exchanges.iter().filter(|exchange| exchange.stream && exchange.status == 200) {
        if !exchange.response.contains("data:") {
            continue;
        }
        let plan = AnswerPlan::new(OpenaiResponses, OpenaiResponses, true, true);
        let (mut decoder, mut encoder) = (StreamDecoder::new(OpenaiResponses), StreamEncoder::new(&plan));
        let mut out = Vec::new();
        decoder.push(exchange.response.as_bytes(), &mut |event: Event<'_>| encoder.event(&event, &mut out));
        decoder.end(&mut |event: Event<'_>| encoder.event(&event, &mut out));
        let out = String::from_utf8(out).unwrap();
        let (was, is) = (collect(OpenaiResponses, &exchange.response), collect(OpenaiResponses, &out));
        if was != is {
            wrong.push(format!("{}:\n  was {was:?}\n  is  {is:?}", exchange.id));
        }
        wrong.extend(ill_formed(&out).map(|what| format!("{}: {what}", exchange.id)));
        seen += 1;
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
    assert!(seen > 80, "only {seen} streams");
}

/// What is wrong with a stream that this dialect's clients get: events in order with rising numbers, each item begun
/// before it is spoken of and ended before the next begins, and all of them in the last event as they were.
pub(crate) fn ill_formed(stream: &str) -> Option<String> {
    let events: Vec<Value> = stream
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|data| serde_json::from_str(data).expect("an event is JSON"))
        .collect();
    let names: Vec<&str> = stream.lines().filter_map(|line| line.strip_prefix("event: ")).collect();
    let (mut open, mut done) = (None, Vec::new());
    for (number, event) in events.iter().enumerate() {
        let kind = event["type"].as_str()?;
        let wrong = |what: &str| Some(format!("event {number}, {kind}: {what}"));
        if names.get(number) != Some(&kind) {
            return wrong("its name is another");
        }
        if event["sequence_number"].as_u64() != Some(number as u64) {
            return wrong("its number is another");
        }
        if number == 0 && kind != "response.created" && kind != "error" {
            return wrong("it is the first");
        }
        match kind {
            "response.output_item.added" => {
                if open.is_some() || event["output_index"].as_u64() != Some(done.len() as u64) {
                    return wrong("it begins out of order");
                }
                open = event["item"]["id"].as_str().map(str::to_owned);
                if open.is_none() {
                    return wrong("its item has no id");
                }
            }
            "response.output_item.done" => {
                if open.take().as_deref() != event["item"]["id"].as_str() {
                    return wrong("it ends what was not begun");
                }
                done.push(event["item"].clone());
            }
            "response.completed" | "response.incomplete"
                if event["response"]["output"] != Value::Array(done.clone()) || open.is_some() =>
            {
                return wrong("its output is not what was said");
            }
            _ if event["item_id"].is_string() && open.as_deref() != event["item_id"].as_str() => {
                return wrong("it speaks of what is not open");
            }
            _ => {}
        }
    }
    match events.last().and_then(|event| event["type"].as_str()) {
        Some("response.completed" | "response.incomplete" | "error") => None,
        last => Some(format!("the last event is {last:?}")),
    }
}
