//! Every recorded exchange to every other dialect: what was said, what was called, why it ended and what it cost arrive,
//! or a warning speaks of it. The lanes from and to OpenAI's chat and Anthropic are held to more in `recorded` and
//! `streamed`.

use crate::corpus::{Exchange, exchanges};
use crate::feed::run;
use crate::recorded::op;
use crate::streamed::{Collected, collect, of_answer, reasoning_beside};
use serde_json::Value;
use std::collections::BTreeSet;
use tollgate::chat::{ChatRequest, Part, PartKind, ToolKind};
use tollgate::dialect::Dialect::{
    self, Anthropic, Bedrock, Cohere, Gemini, Ollama, OpenaiChat, OpenaiResponses,
};
use tollgate::dialect::lane::{self, AnswerPlan, Ask, Edit, Progress};
use tollgate::dialect::{Call, codec};
use tollgate::provider::Quirks;

/// All that conversations are held in.
const CHATS: [Dialect; 7] = [OpenaiChat, Anthropic, OpenaiResponses, Gemini, Cohere, Bedrock, Ollama];

/// The pairs that no other test looks at.
fn fresh(from: Dialect, to: Dialect) -> bool {
    let is_held = |dialect| matches!(dialect, OpenaiChat | Anthropic);
    from != to && !is_held(from) && !is_held(to)
}

/// What of a translation is not what it was.
fn differences(was: &Collected, is: &Collected) -> Vec<String> {
    let mut wrong = Vec::new();
    if was.text != is.text {
        wrong.push(format!("text {:?} became {:?}", was.text, is.text));
    }
    let calls = |said: &Collected| -> Vec<(String, Value)> {
        said.calls.iter().map(|(_, name, arguments)| (name.clone(), arguments.clone())).collect()
    };
    if calls(was) != calls(is) {
        wrong.push(format!("calls {:?} became {:?}", was.calls, is.calls));
    }
    // An id may carry more than it was (a signature of Gemini's); where there was none, one was made.
    let is_same = |(was, is): (&(String, String, Value), &(String, String, Value))| {
        was.0.is_empty() || is.0.starts_with(was.0.split("__thought__").next().unwrap_or_default())
    };
    if !was.calls.iter().zip(&is.calls).all(is_same) {
        wrong.push(format!("ids {:?} became {:?}", was.calls, is.calls));
    }
    let ids: BTreeSet<&str> = is.calls.iter().map(|(id, ..)| id.as_str()).collect();
    if ids.len() < is.calls.len() && is.calls.iter().all(|(id, ..)| !id.is_empty()) {
        wrong.push(format!("two calls of one id: {:?}", is.calls));
    }
    // Gemini stops when it calls.
    let finish = |said: &Collected| match said.finish.as_deref() {
        Some("stop") if !said.calls.is_empty() => Some("tools".to_owned()),
        other => other.map(str::to_owned),
    };
    if finish(was) != finish(is) {
        wrong.push(format!("finish {:?} became {:?}", was.finish, is.finish));
    }
    if was.input.is_some() && (was.input, was.output) != (is.input, is.output) {
        let (was, is) = ((was.input, was.output), (is.input, is.output));
        wrong.push(format!("usage {was:?} became {is:?}"));
    }
    wrong
}

/// What Bedrock's own tools and guards say is Converse's alone; `bedrock` holds what becomes of it.
const BEDROCKS: [&str; 4] = ["citationsContent", "server_tool_use", "nova_grounding", "guardrail"];

/// Holds all answers of one dialect's providers, whole and streamed, against what clients of the others get.
fn answers(provider: Dialect, least: usize) {
    let Some(exchanges) = exchanges(op(provider)) else { return };
    let (mut seen, mut wrong) = (0, Vec::new());
    let is_own = |exchange: &&Exchange| {
        let text = String::from_utf8_lossy(&exchange.bytes);
        provider == Bedrock && BEDROCKS.iter().any(|word| text.contains(word))
    };
    for exchange in exchanges.iter().filter(|exchange| exchange.status == 200 && !is_own(exchange)) {
        for client in CHATS.into_iter().filter(|client| fresh(provider, *client)) {
            let Some((was, is)) = translated(exchange, provider, client) else { continue };
            let id = &exchange.id;
            wrong
                .extend(differences(&was, &is).into_iter().map(|what| format!("{id} to {client:?}: {what}")));
            seen += 1;
        }
    }
    assert!(wrong.is_empty(), "{} wrong of {seen}\n{}", wrong.len(), wrong.join("\n"));
    assert!(seen >= least, "only {seen} answers");
}

/// What the provider said and what the client gets; `None` where nothing was said.
fn translated(exchange: &Exchange, provider: Dialect, client: Dialect) -> Option<(Collected, Collected)> {
    let plan = AnswerPlan::new(client, provider, exchange.stream, true);
    let (mut was, is);
    if exchange.stream {
        let source = crate::feed::text(provider, exchange.bytes.clone());
        was = collect(provider, &source);
        // What broke off, and what failed, is held by the tests of the dialect.
        if was.finish.is_none() || was.error {
            return None;
        }
        let (out, progress) = run(&plan, &exchange.bytes, exchange.bytes.len());
        assert_eq!(progress, Progress::Finished, "{}", exchange.id);
        is = collect(client, &out);
    } else {
        let source: Value = serde_json::from_slice(&exchange.bytes).ok()?;
        was = of_answer(provider, &source);
        let answer = lane::answer(&plan, &exchange.bytes).ok()?;
        is = of_answer(client, &serde_json::from_slice(&answer.body.unwrap()).unwrap());
    }
    // Cohere counts pictures beside the rest where it does; its own tests hold that.
    let pictures = exchange.response.contains("\"image_tokens\"");
    if reasoning_beside(&exchange.response) || pictures {
        was.count(None, None);
    }
    Some((was, is))
}

#[test]
fn responses_answers_reach_all_clients() {
    answers(OpenaiResponses, 100);
}

#[test]
fn gemini_answers_reach_all_clients() {
    answers(Gemini, 100);
}

#[test]
fn cohere_answers_reach_all_clients() {
    answers(Cohere, 100);
}

#[test]
fn bedrock_answers_reach_all_clients() {
    answers(Bedrock, 100);
}

#[test]
fn ollama_answers_reach_all_clients() {
    answers(Ollama, 10);
}

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
                let mut arguments: Value =
                    serde_json::from_str(&call.arguments.as_plain()).unwrap_or(Value::Null);
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
    let Some(exchanges) = exchanges(op(client)) else { return };
    let (mut seen, mut wrong) = (0, Vec::new());
    for Exchange { id, request, status, .. } in &exchanges {
        let Some(body) = request.as_ref().filter(|body| body.starts_with('{') && *status == 200) else {
            continue;
        };
        let Ok(was) = codec::decode_request(client, body.as_bytes()) else { continue };
        if was.own_only.is_some() {
            continue;
        }
        let was = Asked::of(&was);
        for provider in CHATS.into_iter().filter(|provider| fresh(client, *provider)) {
            let ask = Ask {
                model: "m",
                params: &[],
                max_tokens: None,
                default_max_tokens: 4096,
                drop_params: true,
                quirks: &Quirks::OPENAI,
            };
            let outgoing = match lane::request(&Call::chat(client), provider, body.as_bytes(), &ask) {
                Ok(outgoing) => outgoing,
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
    assert!(seen >= least, "only {seen} requests");
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
