//! Every recorded request to the providers of every other dialect: what is said, called, offered and linked by ids
//! arrives, or a warning speaks of it.

use crate::corpus::Exchange;
use crate::matrix::{CHATS, recorded};
use serde_json::Value;
use std::collections::BTreeSet;
use tollgate::chat::{Arguments, ChatRequest, Part, PartKind, ToolKind};
use tollgate::dialect::Dialect::{
    self, Anthropic, Bedrock, Cohere, Gemini, Ollama, OpenaiChat, OpenaiResponses,
};
use tollgate::dialect::lane::{self, Ask, Edit};
use tollgate::dialect::{Call, codec};
use tollgate::provider::Quirks;

/// What a request says, whatever dialect it is in.
#[derive(Debug, Default, PartialEq)]
struct Asked {
    /// Every text, of instructions, questions, answers and results, without white space: texts may be joined, and stand
    /// in another order (instructions first).
    texts: BTreeSet<String>,
    all: String,
    calls: Vec<(String, Value)>,
    tools: Vec<String>,
}

impl Asked {
    fn of(request: &ChatRequest<'_>) -> Self {
        let mut asked = Self::default();
        for part in request.messages.iter().flat_map(|message| &message.parts) {
            asked.part(part);
        }
        for tool in &request.tools {
            if let ToolKind::Function(function) = &tool.kind {
                asked.tools.push(function.name.to_str().into_owned());
            }
        }
        asked
    }

    fn part(&mut self, part: &Part<'_>) {
        match &part.kind {
            PartKind::Text(text) => {
                let text = text.to_str();
                // What a function said stands within an object where it has to be one.
                if let Ok(Value::Object(object)) = serde_json::from_str::<Value>(&text) {
                    object
                        .values()
                        .filter_map(Value::as_str)
                        .for_each(|inner| self.all.extend(inner.split_whitespace()));
                }
                let text: String = text.split_whitespace().collect();
                self.all.push_str(&text);
                if !text.is_empty() {
                    self.texts.insert(text);
                }
            }
            PartKind::ToolCall(call) => {
                let text = match &call.arguments {
                    Arguments::Input(_) => call.arguments.to_object().0.as_str().to_owned(),
                    plain => plain.as_plain().into_owned(),
                };
                let mut arguments: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
                // What is no object travels within one, and a warning says so.
                if let Some(Value::String(text)) = arguments.get("INVALID_JSON") {
                    arguments = serde_json::from_str(text).unwrap_or(Value::Null);
                }
                self.calls.push((call.name.to_str().into_owned(), arguments));
            }
            PartKind::ToolResult(result) => result.content.iter().for_each(|inner| self.part(inner)),
            _ => {}
        }
    }
}

/// Holds all requests of one dialect's clients against what the providers of the others get.
fn requests(client: Dialect, least: usize) {
    let Some(exchanges) = recorded(client) else { return };
    let (mut seen, mut wrong, mut refused) = (0, Vec::new(), Vec::new());
    for Exchange { id, request, status, .. } in &exchanges {
        let Some(body) = request.as_ref().filter(|body| body.starts_with('{') && *status == 200) else {
            continue;
        };
        let Ok(was) = codec::decode_request(client, body.as_bytes()) else { continue };
        if was.own_only.is_some() {
            continue;
        }
        let was = Asked::of(&was);
        for provider in CHATS.into_iter().filter(|provider| *provider != client) {
            let ask = Ask { drop_content: true, ..Ask::new("m", &Quirks::OPENAI) };
            let outgoing = match lane::request(&Call::chat(client), provider, body.as_bytes(), &ask) {
                Ok(outgoing) => outgoing,
                // A message of which nothing is left is a 400 that names it.
                Err(failure) if failure.code.as_deref() == Some("unsupported_parameter") => {
                    refused.push(format!("{id} to {provider:?}: {}", failure.message));
                    continue;
                }
                Err(failure) => {
                    wrong.push(format!("{id} to {provider:?}: {}", failure.message));
                    continue;
                }
            };
            let Edit::Replace(target) = outgoing.edit else { panic!("{id}: not translated") };
            let is = Asked::of(&codec::decode_request(provider, &target).unwrap());
            let mut lost = Vec::new();
            lost.extend(
                was.texts
                    .iter()
                    .filter(|text| !is.all.contains(text.as_str()))
                    .map(|text| format!("text {text:.80?}")),
            );
            if was.calls != is.calls {
                lost.push(format!("calls {:?} became {:?}", was.calls, is.calls));
            }
            // Structured output through a tool of the gateway's own.
            let is_tools: Vec<String> = is.tools.into_iter().filter(|name| name != lane::JSON_TOOL).collect();
            let told = outgoing.warnings.iter().any(|warning| warning.contains("tools"));
            if was.tools != is_tools && !told {
                lost.push(format!("tools {:?} became {is_tools:?}", was.tools));
            }
            if outgoing.warnings.iter().any(|warning| {
                warning.contains("dropped")
                    || warning.contains("no counterpart")
                    || warning.contains("not supported")
            }) {
                // The loss of a part is told with its place: the oracle for that is `recorded`'s.
                lost.retain(|lost| !lost.starts_with("text"));
            }
            wrong.extend(
                lost.into_iter()
                    .map(|lost| format!("{id} to {provider:?}: {lost} (warnings: {:?})", outgoing.warnings)),
            );
            seen += 1;
        }
    }
    assert!(wrong.is_empty(), "{} wrong of {seen}\n{}", wrong.len(), wrong.join("\n"));
    assert!(refused.len() * 100 < seen, "too many refused\n{}", refused.join("\n"));
    assert!(seen >= least, "only {seen} requests");
}

#[test]
fn openai_requests_reach_all_providers() {
    requests(OpenaiChat, 100);
}

#[test]
fn anthropic_requests_reach_all_providers() {
    requests(Anthropic, 100);
}

#[test]
fn responses_requests_reach_all_providers() {
    requests(OpenaiResponses, 100);
}

#[test]
fn gemini_requests_reach_all_providers() {
    requests(Gemini, 100);
}

#[test]
fn cohere_requests_reach_all_providers() {
    requests(Cohere, 100);
}

#[test]
fn bedrock_requests_reach_all_providers() {
    requests(Bedrock, 100);
}

#[test]
fn ollama_requests_reach_all_providers() {
    requests(Ollama, 10);
}
