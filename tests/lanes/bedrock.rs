//! Recorded exchanges of Bedrock's Converse: nothing is lost on the way back into the same dialect, and what matters
//! survives the way into others.

use crate::corpus::{Exchange, exchanges};
use crate::loss::silent_losses;
use crate::recorded::{answers, requests};
use crate::streamed::{Collected, neutral_finish};
use serde_json::Value;
use tollgate::chat::{Event, Losses};
use tollgate::dialect::Dialect::{Anthropic, Bedrock, OpenaiChat};
use tollgate::dialect::codec::{self, StreamDecoder, StreamEncoder};
use tollgate::dialect::lane::{self, AnswerPlan, Ask, Edit, Progress, Stream};
use tollgate::dialect::{Call, Operation};
use tollgate::provider::Quirks;
use tollgate::wire::eventstream::Framer;

/// Takes an event of a stream, `{"messageStop":{…}}`, or a whole answer, as a client does.
pub(crate) fn take(value: &Value, into: &mut Collected) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    for block in value["output"]["message"]["content"].as_array().into_iter().flatten() {
        into.text.push_str(&text(&block["text"]));
        for piece in block["citationsContent"]["content"].as_array().into_iter().flatten() {
            into.text.push_str(&text(&piece["text"]));
        }
        let reasoning = &block["reasoningContent"];
        into.thinking.push_str(&text(&reasoning["reasoningText"]["text"]));
        let proof =
            reasoning["reasoningText"]["signature"].as_str().or(reasoning["redactedContent"].as_str());
        into.signatures.extend(proof.map(str::to_owned));
        // What Bedrock's own tools are asked is answered there.
        let is_own = block["toolUse"]["type"] == "server_tool_use";
        if let Some(call) = block["toolUse"].as_object().filter(|_| !is_own) {
            into.calls.push((text(&call["toolUseId"]), text(&call["name"]), call["input"].clone()));
        }
    }
    let call = &value["contentBlockStart"]["start"]["toolUse"];
    if call.is_object() && call["type"] != "server_tool_use" {
        into.calls.push((text(&call["toolUseId"]), text(&call["name"]), Value::from("")));
    }
    let delta = &value["contentBlockDelta"]["delta"];
    into.text.push_str(&text(&delta["text"]));
    let reasoning = &delta["reasoningContent"];
    into.thinking.push_str(&text(&reasoning["text"]));
    let proof = reasoning["signature"].as_str().or(reasoning["redactedContent"].as_str());
    into.signatures.extend(proof.map(str::to_owned));
    if let (Some(more), Some((_, _, Value::String(so_far)))) =
        (delta["toolUse"]["input"].as_str(), into.calls.last_mut())
    {
        so_far.push_str(more);
    }
    if value.get("contentBlockStop").is_some()
        && let Some((_, _, arguments)) = into.calls.last_mut()
        && let Value::String(json) = arguments
    {
        let json = if json.is_empty() { "{}" } else { json };
        *arguments = serde_json::from_str(json).unwrap_or_else(|_| Value::from(json));
    }
    let reason = value["stopReason"].as_str().or(value["messageStop"]["stopReason"].as_str());
    if let Some(reason) = reason {
        into.finish = Some(neutral_finish(reason).to_owned());
    }
    for usage in [&value["usage"], &value["metadata"]["usage"]] {
        let count = |name: &str| usage[name].as_u64();
        if let Some(input) = count("inputTokens") {
            let cached =
                ["cacheReadInputTokens", "cacheWriteInputTokens"].map(|name| count(name).unwrap_or(0));
            into.input = Some(input + cached.iter().sum::<u64>());
            into.output = count("outputTokens");
        }
    }
    into.over |= value.get("metadata").is_some();
    into.error |=
        value.as_object().is_some_and(|members| members.keys().any(|key| key.ends_with("Exception")));
}

#[test]
fn recorded_requests_of_the_others_arrive() {
    for model in ["us.anthropic.claude-sonnet-4-5-20250929-v1:0", "us.amazon.nova-2-lite-v1:0"] {
        requests(OpenaiChat, Bedrock, model, 200);
    }
    requests(Anthropic, Bedrock, "us.anthropic.claude-sonnet-4-5-20250929-v1:0", 200);
}

#[test]
fn recorded_answers_of_the_others_arrive() {
    answers(OpenaiChat, Bedrock, 100);
    answers(Anthropic, Bedrock, 100);
}

fn ask(model: &str) -> Ask<'_> {
    Ask { drop_content: true, ..Ask::new(model, &Quirks::OPENAI) }
}

/// The model that the path names, as the provider knows it.
fn model(path: &str) -> String {
    let name = path.split('/').nth(2).unwrap_or_default();
    name.replace("%3A", ":")
}

fn recorded() -> Option<Vec<Exchange>> {
    let mut all = exchanges("bedrock.converse")?;
    all.extend(exchanges("bedrock.converse-stream")?);
    Some(all)
}

#[test]
fn requests_come_back_whole() {
    let Some(all) = recorded() else { return };
    let (mut seen, mut wrong) = (0, Vec::new());
    for Exchange { id, request, status, path, .. } in all {
        let Some(body) = request.filter(|body| body.starts_with('{')) else { continue };
        let source: Value = serde_json::from_str(&body).unwrap();
        let request = match codec::decode_request(Bedrock, body.as_bytes()) {
            Ok(request) => request,
            Err(_) if status >= 400 => continue,
            Err(failure) => {
                wrong.push(format!("{id}: {failure:?}"));
                continue;
            }
        };
        let mut losses = Losses::new(true);
        let encoded = codec::encode_request(Bedrock, &request, &ask(&model(&path)), &mut losses).unwrap();
        let back: Value = serde_json::from_slice(&encoded.body).unwrap();
        let warnings = losses.into_warnings();
        // JSON that a tool said goes as text; an empty object of additional fields says nothing.
        let lost = silent_losses(&source, &back, &warnings, &["json"]);
        wrong.extend(lost.into_iter().map(|lost| format!("{id}: {lost} (warnings: {warnings:?})")));
        wrong.extend(warnings.iter().map(|warning| format!("{id}: {warning}")));
        for (at, message) in source["messages"].as_array().into_iter().flatten().enumerate() {
            let length = |value: &Value| value["content"].as_array().map(Vec::len);
            if length(message) != length(&back["messages"][at]) {
                wrong.push(format!("{id}: messages[{at}] has another number of blocks"));
            }
        }
        seen += 1;
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
    assert!(seen > 100, "only {seen} requests");
}

#[test]
fn answers_come_back_whole() {
    let Some(all) = exchanges("bedrock.converse") else { return };
    let (mut seen, mut wrong) = (0, Vec::new());
    for exchange in all.iter().filter(|exchange| exchange.status == 200) {
        let id = &exchange.id;
        let source: Value = serde_json::from_slice(&exchange.bytes).unwrap();
        let response =
            codec::decode_response(Bedrock, &exchange.bytes).unwrap_or_else(|e| panic!("{id}: {e:?}"));
        let mut losses = Losses::new(true);
        let plan = AnswerPlan::new(Bedrock, Bedrock, false, false);
        let back: Value =
            serde_json::from_slice(&codec::encode_response(&response, &plan, &mut losses)).unwrap();
        let warnings = losses.into_warnings();
        // The older names of two counts.
        let doubled = ["cacheReadInputTokenCount", "cacheWriteInputTokenCount", "type"];
        let lost = silent_losses(&source, &back, &warnings, &doubled);
        wrong.extend(lost.into_iter().map(|lost| format!("{id}: {lost} (warnings: {warnings:?})")));
        let blocks = |value: &Value| value["output"]["message"]["content"].as_array().map(Vec::len);
        if blocks(&source) != blocks(&back) {
            wrong.push(format!("{id}: another number of blocks"));
        }
        seen += 1;
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
    assert!(seen > 100, "only {seen} answers");
}

/// All strings under keys of this name, anywhere.
fn strings(value: &Value, key: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::String(text) if name == key && !text.trim().is_empty() => found.push(text.clone()),
                    _ => strings(value, key, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| strings(item, key, found)),
        _ => {}
    }
}

#[test]
fn what_was_said_survives_the_way_into_other_dialects() {
    let Some(all) = recorded() else { return };
    let (mut seen, mut wrong) = (0, Vec::new());
    for Exchange { id, request, status, .. } in all {
        let Some(body) = request.filter(|body| body.starts_with('{') && status < 400) else { continue };
        let source: Value = serde_json::from_str(&body).unwrap();
        for (provider, name) in [(OpenaiChat, "gpt-5"), (Anthropic, "claude-sonnet-4-5")] {
            let call = Call {
                operation: Operation::Chat,
                model: Some("smart".to_owned()),
                stream: Some(false),
                ..Call::chat(Bedrock)
            };
            let outgoing = match lane::request(&call, provider, body.as_bytes(), &ask(name)) {
                Ok(outgoing) => outgoing,
                Err(failure) => {
                    wrong.push(format!("{id}: {failure:?}"));
                    continue;
                }
            };
            let Edit::Replace(sent) = &outgoing.edit else {
                panic!("a translated body replaces the client's")
            };
            let sent: Value = serde_json::from_slice(sent).unwrap();
            let (mut said, mut names, mut everything) = (Vec::new(), Vec::new(), Vec::new());
            strings(&source["messages"], "text", &mut said);
            strings(&source["system"], "text", &mut said);
            strings(&source, "toolUseId", &mut names);
            for key in [
                "text",
                "content",
                "thinking",
                "arguments",
                "id",
                "tool_call_id",
                "tool_use_id",
                "file_data",
                "data",
            ] {
                strings(&sent, key, &mut everything);
            }
            let all_text = everything.join("\n");
            // Thoughts have no place in OpenAI's dialect; sources of documents and citations are told as lost.
            let lost = said.iter().filter(|text| !all_text.contains(text.as_str()));
            if outgoing.warnings.is_empty() {
                wrong.extend(lost.map(|text| format!("{id} to {provider:?}: {text:?} is lost")));
            }
            // Anthropic knows fewer characters, and those that change are told apart by a hash.
            let plain = |name: &String| format!("{}_", name.replace(['.', ':'], "_"));
            let is_there = |name: &&String| {
                everything.iter().any(|known| known == *name || known.starts_with(&plain(name)))
            };
            let lost = names.iter().filter(|name| !is_there(name));
            if !outgoing.warnings.iter().any(|warning| warning.contains("tool")) {
                wrong.extend(lost.map(|name| format!("{id} to {provider:?}: the id {name} is lost")));
            }
            seen += 1;
        }
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
    assert!(seen > 200, "only {seen} lanes");
}

fn push(plan: &AnswerPlan, stream: &[u8], size: usize) -> (Vec<u8>, Progress) {
    let mut lane = Stream::new(plan);
    let mut out = Vec::new();
    for piece in stream.chunks(size.max(1)) {
        if lane.push(piece, &mut out) == lane::Pass::AsIs {
            out.extend_from_slice(piece);
        }
    }
    lane.end(&mut out);
    (out, lane.progress())
}

/// The payloads of a stream of frames by the names of their events, without what Bedrock pads them with.
fn frames(bytes: &[u8]) -> Vec<(String, Value)> {
    let (mut framer, mut rest, mut seen) = (Framer::default(), bytes, Vec::new());
    while let Some(frame) = framer.next(&mut rest).expect("frames") {
        let mut data: Value = serde_json::from_slice(frame.payload).unwrap();
        data.as_object_mut().unwrap().remove("p");
        seen.push((frame.header(":event-type").unwrap_or_default().to_owned(), data));
    }
    seen
}

fn recorded_streams() -> Option<Vec<Exchange>> {
    let all = exchanges("bedrock.converse-stream")?;
    // Some were recorded as chunks without their frames.
    Some(
        all.into_iter()
            .filter(|exchange| exchange.status == 200 && exchange.bytes.first() == Some(&0))
            .collect(),
    )
}

#[test]
fn streams_are_captured_and_counted() {
    let Some(all) = recorded_streams() else { return };
    for exchange in &all {
        let id = &exchange.id;
        let text: String =
            frames(&exchange.bytes).iter().filter_map(|(_, data)| data["delta"]["text"].as_str()).collect();
        for client in [OpenaiChat, Anthropic, Bedrock] {
            let plan = AnswerPlan { capture: true, ..AnswerPlan::new(client, Bedrock, true, true) };
            let (_, progress) = push(&plan, &exchange.bytes, exchange.bytes.len());
            assert_eq!(progress, Progress::Finished, "{id}");
            let mut lane = Stream::new(&plan);
            lane.push(&exchange.bytes, &mut Vec::new());
            let transcript: Value = serde_json::from_str(&lane.transcript().unwrap()).unwrap();
            assert_eq!(transcript["text"].as_str().unwrap_or_default(), text, "{id}");
            assert!(lane.report().usage.output.is_some() && lane.report().finish.is_some(), "{id}");
        }
    }
    assert!(all.len() > 20, "only {} streams", all.len());
}

#[test]
fn streams_come_back_whole() {
    let Some(all) = recorded_streams() else { return };
    for exchange in &all {
        let plan = AnswerPlan::new(Bedrock, Bedrock, true, true);
        let (mut decoder, mut encoder, mut out) =
            (StreamDecoder::new(Bedrock), StreamEncoder::new(&plan), Vec::new());
        let mut lost = false;
        decoder.push(&exchange.bytes, &mut |event: Event<'_>| {
            lost |= matches!(event, Event::Lost(_));
            encoder.event(&event, &mut out);
        });
        // What the hub has no word for is told; blocks that say nothing have no place in what is written.
        if lost {
            continue;
        }
        let said = |bytes: &[u8]| -> Vec<(String, Value)> {
            let mut all = frames(bytes);
            // What a text relies on is told behind it, wherever in its block it stood.
            all.chunk_by_mut(|(_, a), (_, b)| a["contentBlockIndex"] == b["contentBlockIndex"])
                .for_each(|block| block.sort_by_key(|(_, data)| data["delta"]["citation"].is_object()));
            all.retain(|(name, data)| {
                name != "contentBlockStop"
                    && data["delta"]["text"] != ""
                    && data["delta"]["reasoningContent"]["text"] != ""
                    && data["delta"]["toolUse"]["input"] != ""
            });
            for (name, data) in &mut all {
                data.as_object_mut().unwrap().remove("contentBlockIndex");
                if name == "metadata" {
                    data.as_object_mut().unwrap().remove("metrics");
                    // Always there and always empty.
                    data["usage"].as_object_mut().unwrap().remove("serverToolUsage");
                }
            }
            all
        };
        assert_eq!(said(&out), said(&exchange.bytes), "{}", exchange.id);
    }
}
