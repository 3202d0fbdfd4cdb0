//! Anthropic messages through the hub and back: nothing is lost.

use crate::corpus::exchanges;
use crate::loss::silent_losses;
use serde_json::Value;
use tollgate::chat::Losses;
use tollgate::dialect::Dialect::Anthropic;
use tollgate::dialect::codec;
use tollgate::dialect::lane::{AnswerPlan, Ask};
use tollgate::provider::Quirks;

#[test]
fn requests_come_back_whole() {
    let Some(exchanges) = exchanges("anthropic.messages") else { return };
    let (mut seen, mut wrong) = (0, Vec::new());
    for exchange in exchanges {
        let id = &exchange.id;
        let Some(body) = exchange.request.filter(|body| body.starts_with('{')) else { continue };
        let mut source: Value = serde_json::from_str(&body).unwrap();
        // `custom` is what a tool without a type is.
        for tool in
            source["tools"].as_array_mut().into_iter().flatten().filter(|tool| tool["type"] == "custom")
        {
            tool.as_object_mut().unwrap().remove("type");
        }
        let Some(model) = source["model"].as_str() else { continue };
        let request = match codec::decode_request(Anthropic, body.as_bytes()) {
            Ok(request) => request,
            Err(_) if exchange.status >= 400 => continue,
            Err(failure) => {
                wrong.push(format!("{id}: {failure:?}"));
                continue;
            }
        };
        let ask = Ask::new(model, &Quirks::OPENAI);
        let mut losses = Losses::new(true);
        let encoded = codec::encode_request(Anthropic, &request, &ask, &mut losses).unwrap();
        let back: Value =
            serde_json::from_slice(&encoded.body).unwrap_or_else(|error| panic!("{id}: {error}"));
        let warnings = losses.into_warnings();
        // A switch that is off is what nothing said means too; everything else is there, word for word.
        let lost = silent_losses(&source, &back, &warnings, &[]);
        wrong.extend(lost.into_iter().map(|lost| format!("{id}: {lost} (warnings: {warnings:?})")));
        for list in ["messages", "tools"] {
            let length = |value: &Value| value[list].as_array().map_or(0, Vec::len);
            if length(&source) != length(&back) && warnings.is_empty() && list == "tools" {
                wrong.push(format!("{id}: {list} were {} and are {}", length(&source), length(&back)));
            }
        }
        seen += 1;
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
    assert!(seen > 200, "only {seen} requests");
}

#[test]
fn answers_come_back_whole() {
    let Some(exchanges) = exchanges("anthropic.messages") else { return };
    let (mut seen, mut wrong) = (0, Vec::new());
    for exchange in exchanges.iter().filter(|exchange| !exchange.stream && exchange.status == 200) {
        let id = &exchange.id;
        let body = exchange.response.as_bytes();
        let Ok(source) = serde_json::from_slice::<Value>(body) else { continue };
        let response = match codec::decode_response(Anthropic, body) {
            Ok(response) => response,
            Err(_) if !source["content"].is_array() => continue,
            Err(failure) => {
                wrong.push(format!("{id}: {failure:?}"));
                continue;
            }
        };
        let mut losses = Losses::new(true);
        let plan = AnswerPlan::new(Anthropic, Anthropic, false, false);
        let back = codec::encode_response(&response, &plan, &mut losses);
        let back: Value = serde_json::from_slice(&back).unwrap_or_else(|error| panic!("{id}: {error}"));
        let warnings = losses.into_warnings();
        let lost = silent_losses(&source, &back, &warnings, &[]);
        wrong.extend(lost.into_iter().map(|lost| format!("{id}: {lost} (warnings: {warnings:?})")));
        if source["content"].as_array().map(Vec::len) != back["content"].as_array().map(Vec::len) {
            wrong.push(format!("{id}: another number of blocks"));
        }
        seen += 1;
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
    assert!(seen > 150, "only {seen} answers");
}
