//! What a client makes of an answer, whole or streamed: read the plain way, from the whole text.

use crate::gemini_collect;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tollgate::dialect::Dialect::{
    self, Anthropic, Bedrock, Cohere, Gemini, Ollama, OllamaGenerate, OpenaiChat, OpenaiResponses,
};

/// What a client makes of a stream.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct Collected {
    pub(crate) text: String,
    pub(crate) thinking: String,
    pub(crate) signatures: Vec<String>,
    /// Id, name, arguments.
    pub(crate) calls: Vec<(String, String, Value)>,
    pub(crate) finish: Option<String>,
    pub(crate) input: Option<u64>,
    pub(crate) output: Option<u64>,
    pub(crate) error: bool,
    pub(crate) over: bool,
}

impl Collected {
    /// Replaces the counts, for comparisons that are not about them.
    pub(crate) fn count(&mut self, input: Option<u64>, output: Option<u64>) {
        (self.input, self.output) = (input, output);
    }

    /// Whether there is anything that a text completion cannot say, or that it says in other words.
    pub(crate) fn has_more_than_text(&self) -> bool {
        !self.calls.is_empty()
            || !self.thinking.is_empty()
            || self.error
            || self.finish.is_none()
            || self.input.is_none()
    }

    pub(crate) fn calls(&self) -> &[(String, String, Value)] {
        &self.calls
    }

    pub(crate) fn finish(&self) -> Option<&str> {
        self.finish.as_deref()
    }
}

/// Begins the collected input of a custom tool.
pub(crate) const FREE: char = '\u{1}';

pub(crate) fn arguments(text: &str) -> Value {
    // What a custom tool is called with is no JSON; as the argument of a function it is an object's member.
    if let Some(input) = text.strip_prefix(FREE) {
        return json!({"input": input});
    }
    serde_json::from_str(if text.is_empty() { "{}" } else { text }).unwrap_or_else(|_| Value::from(text))
}

/// Reads a stream the plain way, from the whole text.
pub(crate) fn collect(dialect: Dialect, stream: &str) -> Collected {
    let mut collected = Collected::default();
    if dialect == Gemini && stream.trim_start().starts_with('[') {
        let pieces: Vec<Value> = serde_json::from_str(stream).unwrap();
        for answer in &pieces {
            gemini_collect::piece(answer, &mut collected);
        }
        return collected;
    }
    let stream = stream.replace("\r\n", "\n").replace('\r', "\n");
    let is_lines = matches!(dialect, Bedrock | Ollama | OllamaGenerate);
    let data =
        stream.lines().filter_map(|line| if is_lines { Some(line) } else { line.strip_prefix("data:") });
    let data = data.map(str::trim);
    let mut calls: BTreeMap<(u64, String), (String, String, String)> = BTreeMap::new();
    let mut last_ids: BTreeMap<u64, String> = BTreeMap::new();
    for data in data.filter(|data| !data.is_empty()) {
        if data == "[DONE]" {
            collected.over = true;
            continue;
        }
        let event: Value = serde_json::from_str(data).unwrap_or_else(|error| panic!("{error}: {data}"));
        match dialect {
            OpenaiChat => openai(&event, &mut collected, &mut calls, &mut last_ids),
            Dialect::OpenaiCompletions => text(&event, &mut collected),
            Anthropic => anthropic(&event, &mut collected, &mut calls),
            Gemini => gemini_collect::piece(&event, &mut collected),
            OpenaiResponses => crate::responses::take(&event, &mut collected, &mut calls),
            Cohere => crate::cohere::take(&event, &mut collected, &mut calls),
            Bedrock => crate::bedrock::take(&event, &mut collected),
            Ollama | OllamaGenerate => crate::ollama::take(&event, &mut collected),
        }
    }
    let calls = calls.into_values().map(|(id, name, text)| (id, name, arguments(&text)));
    collected.calls.extend(calls);
    collected
}

pub(crate) type Calls = BTreeMap<(u64, String), (String, String, String)>;

fn openai(event: &Value, into: &mut Collected, calls: &mut Calls, last_ids: &mut BTreeMap<u64, String>) {
    if !event["error"].is_null() {
        into.error = true;
    }
    if let Some(count) = event["usage"]["prompt_tokens"].as_u64() {
        into.input = Some(count);
        into.output = event["usage"]["completion_tokens"].as_u64();
    }
    for choice in event["choices"].as_array().into_iter().flatten().filter(|choice| choice["index"] == 0) {
        let delta = &choice["delta"];
        openai_words(delta, into);
        for call in delta["tool_calls"].as_array().into_iter().flatten() {
            let index = call["index"].as_u64().unwrap_or(0);
            if let Some(id) = call["id"].as_str().filter(|id| !id.is_empty()) {
                last_ids.insert(index, id.to_owned());
            }
            let id = last_ids.get(&index).cloned().unwrap_or_default();
            let known = calls.entry((index, String::new())).or_default();
            known.0 = id;
            known.1.push_str(call["function"]["name"].as_str().unwrap_or_default());
            known.2.push_str(call["function"]["arguments"].as_str().unwrap_or_default());
            if call["type"] == "custom" {
                known.2.push(FREE);
            }
            known.1.push_str(call["custom"]["name"].as_str().unwrap_or_default());
            known.2.push_str(call["custom"]["input"].as_str().unwrap_or_default());
        }
        if let Some(reason) = choice["finish_reason"].as_str().filter(|reason| !reason.is_empty()) {
            into.finish = Some(neutral_finish(reason).to_owned());
        }
    }
}

/// Takes what a message of OpenAI's, or a piece of one, says in words.
fn openai_words(message: &Value, into: &mut Collected) {
    match &message["content"] {
        Value::Array(parts) => {
            for part in parts {
                into.text.push_str(part["text"].as_str().unwrap_or_default());
                for piece in part["thinking"].as_array().into_iter().flatten() {
                    into.thinking.push_str(piece["text"].as_str().unwrap_or_default());
                }
            }
        }
        text => into.text.push_str(text.as_str().unwrap_or_default()),
    }
    into.text.push_str(message["refusal"].as_str().unwrap_or_default());
    let thought = message["reasoning_content"].as_str().or(message["reasoning"].as_str());
    into.thinking.push_str(thought.unwrap_or_default());
    for block in message["thinking_blocks"].as_array().into_iter().flatten() {
        into.signatures.extend(block["signature"].as_str().or(block["data"].as_str()).map(str::to_owned));
    }
}

fn text(event: &Value, into: &mut Collected) {
    into.error |= !event["error"].is_null();
    if let Some(count) = event["usage"]["prompt_tokens"].as_u64() {
        into.input = Some(count);
        into.output = event["usage"]["completion_tokens"].as_u64();
    }
    for choice in event["choices"].as_array().into_iter().flatten().filter(|choice| choice["index"] == 0) {
        into.text.push_str(choice["text"].as_str().unwrap_or_default());
        if let Some(reason) = choice["finish_reason"].as_str().filter(|reason| !reason.is_empty()) {
            into.finish = Some(neutral_finish(reason).to_owned());
        }
    }
}

fn anthropic(event: &Value, into: &mut Collected, calls: &mut Calls) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let index = event["index"].as_u64().unwrap_or(0);
    let usage = match &event["message"]["usage"] {
        Value::Null => &event["usage"],
        usage => usage,
    };
    if let Some(plain) = usage["input_tokens"].as_u64() {
        let cached = |name: &str| usage[name].as_u64().unwrap_or(0);
        into.input = Some(plain + cached("cache_read_input_tokens") + cached("cache_creation_input_tokens"));
    }
    into.output = usage["output_tokens"].as_u64().or(into.output);
    match event["type"].as_str().unwrap_or_default() {
        "error" => into.error = true,
        "message_stop" => into.over = true,
        "message_delta" => {
            into.finish =
                event["delta"]["stop_reason"].as_str().map(|reason| neutral_finish(reason).to_owned());
        }
        "content_block_start" => {
            let block = &event["content_block"];
            into.text.push_str(&text(&block["text"]));
            into.thinking.push_str(&text(&block["thinking"]));
            into.signatures.extend(block["data"].as_str().map(str::to_owned));
            if block["type"] == "tool_use" {
                calls.insert(
                    (index, String::new()),
                    (text(&block["id"]), text(&block["name"]), String::new()),
                );
            }
        }
        "content_block_delta" => {
            let delta = &event["delta"];
            into.text.push_str(&text(&delta["text"]));
            into.thinking.push_str(&text(&delta["thinking"]));
            into.signatures.extend(delta["signature"].as_str().map(str::to_owned));
            if let Some(call) = calls.get_mut(&(index, String::new())) {
                call.2.push_str(&text(&delta["partial_json"]));
            }
        }
        _ => {}
    }
}

/// One word per meaning.
pub(crate) fn neutral_finish(reason: &str) -> &'static str {
    match reason {
        "tool_calls" | "function_call" | "tool_use" => "tools",
        "length" | "max_tokens" | "model_context_window_exceeded" => "length",
        "content_filter" | "content_filtered" | "guardrail_intervened" | "refusal" => "refusal",
        _ => "stop",
    }
}

/// What a client makes of a whole answer: the same, so that both can be compared.
pub(crate) fn of_answer(dialect: Dialect, answer: &Value) -> Collected {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut collected = Collected { over: true, ..Collected::default() };
    match dialect {
        Cohere => crate::cohere::take_answer(answer, &mut collected),
        Bedrock => crate::bedrock::take(answer, &mut collected),
        Ollama | OllamaGenerate => crate::ollama::take(answer, &mut collected),
        OpenaiChat => {
            let choice = &answer["choices"][0];
            let message = &choice["message"];
            openai_words(message, &mut collected);
            for call in message["tool_calls"].as_array().into_iter().flatten() {
                let function = &call["function"];
                let (name, arguments) = match &call["custom"] {
                    Value::Null => (text(&function["name"]), arguments(&text(&function["arguments"]))),
                    custom => (text(&custom["name"]), json!({"input": custom["input"]})),
                };
                collected.calls.push((text(&call["id"]), name, arguments));
            }
            // The older way to call.
            let older = &message["function_call"];
            if let Some(name) = older["name"].as_str().filter(|name| !name.is_empty()) {
                collected.calls.push((String::new(), name.to_owned(), arguments(&text(&older["arguments"]))));
            }
            collected.finish =
                choice["finish_reason"].as_str().map(|reason| neutral_finish(reason).to_owned());
        }
        Dialect::OpenaiCompletions => {
            let choice = &answer["choices"][0];
            collected.text = text(&choice["text"]);
            collected.finish =
                choice["finish_reason"].as_str().map(|reason| neutral_finish(reason).to_owned());
            collected.input = answer["usage"]["prompt_tokens"].as_u64();
            collected.output = answer["usage"]["completion_tokens"].as_u64();
        }
        Gemini => {
            gemini_collect::piece(answer, &mut collected);
            collected.over = true;
        }
        Anthropic => {
            for block in answer["content"].as_array().into_iter().flatten() {
                match block["type"].as_str().unwrap_or_default() {
                    "text" => collected.text.push_str(&text(&block["text"])),
                    "thinking" => {
                        collected.thinking.push_str(&text(&block["thinking"]));
                        let signature = block["signature"].as_str().filter(|signature| !signature.is_empty());
                        collected.signatures.extend(signature.map(str::to_owned));
                    }
                    "redacted_thinking" => collected.signatures.push(text(&block["data"])),
                    "tool_use" => collected.calls.push((
                        text(&block["id"]),
                        text(&block["name"]),
                        block["input"].clone(),
                    )),
                    _ => {}
                }
            }
            collected.finish = answer["stop_reason"].as_str().map(|reason| neutral_finish(reason).to_owned());
            let usage = &answer["usage"];
            let count = |name: &str| usage[name].as_u64().unwrap_or(0);
            let cached = count("cache_read_input_tokens") + count("cache_creation_input_tokens");
            collected.input = Some(count("input_tokens") + cached);
            collected.output = Some(count("output_tokens"));
        }
        OpenaiResponses => crate::responses::of_answer(answer, &mut collected),
    }
    collected
}

/// Some recordings hold the streams of several turns one after the other.
pub(crate) fn first_turn(stream: &str) -> &str {
    const START: &str = "event: message_start";
    let next = stream.match_indices(START).nth(1);
    next.map_or(stream, |(at, _)| &stream[..at])
}

/// Proofs of thoughts without the marks that tell clients of Anthropic's and Bedrock's whose they are; what only says
/// that there is no proof is none.
pub(crate) fn unmarked(signatures: &[String]) -> Vec<String> {
    let plain = signatures.iter().map(|signature| {
        let wrapped = signature
            .starts_with("dG9sbGdhdGUx")
            .then(|| tollgate::wire::base64::decode(signature))
            .flatten();
        let signature = wrapped.map_or_else(|| signature.clone(), |bytes| String::from_utf8(bytes).unwrap());
        match signature.strip_prefix("tollgate1:") {
            Some(rest) => rest.splitn(3, ':').nth(2).unwrap_or_default().to_owned(),
            None => signature,
        }
    });
    plain.filter(|signature| !signature.is_empty()).collect()
}

/// xAI counts reasoning beside the completion, and Vercel's gateway does before Gemini; its unit test holds that.
pub(crate) fn reasoning_beside(stream: &str) -> bool {
    ["grok", "cost_in_usd_ticks", "billableWebSearchCalls"].iter().any(|sign| stream.contains(sign))
}
