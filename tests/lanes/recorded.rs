//! Every recorded exchange translates to the other dialect, and every loss has its warning.

use crate::corpus::{Exchange, exchanges};
use crate::loss::silent_losses;
use serde_json::Value;
use tollgate::dialect::Call;
use tollgate::dialect::Dialect::{
    self, Anthropic, Bedrock, Cohere, Gemini, Ollama, OllamaGenerate, OpenaiChat, OpenaiResponses,
};
use tollgate::dialect::lane::{self, AnswerPlan, Ask, Edit};
use tollgate::provider::Quirks;

pub(crate) fn op(dialect: Dialect) -> &'static str {
    match dialect {
        OpenaiChat => "openai.chat",
        Dialect::OpenaiCompletions => "openai.completions",
        Anthropic => "anthropic.messages",
        Gemini => "gemini.generateContent",
        OpenaiResponses => "openai.responses",
        Cohere => "cohere.chat.v2",
        Bedrock => "bedrock.converse",
        Ollama => "ollama.chat",
        OllamaGenerate => "ollama.generate",
    }
}

/// Fields that the other dialect says in other words.
const MAPPED: [&str; 22] = [
    // The label of a schema, and its strictness, which Anthropic always has.
    "json_schema.name",
    "format.name",
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
];

/// What only a provider that keeps answers can do: refused for the others, which has a test of its own.
const STATEFUL: [&str; 4] = ["previous_response_id", "conversation", "background", "prompt"];

/// Translates every recorded request; at least `least` of them there must be.
pub(crate) fn requests(client: Dialect, provider: Dialect, model: &str, least: usize) {
    let Some(exchanges) = exchanges(op(client)) else { return };
    let (mut seen, mut wrong) = (0, Vec::new());
    for Exchange { id, request, status, .. } in exchanges {
        let Some(body) = request.filter(|body| body.starts_with('{')) else { continue };
        let source: Value = serde_json::from_str(&body).unwrap();
        let ask = Ask::new(model, &Quirks::OPENAI);
        let outgoing = match lane::request(&Call::chat(client), provider, body.as_bytes(), &ask) {
            Ok(outgoing) => outgoing,
            // What the provider itself refused may be refused here, and Azure and Vertex name the model elsewhere.
            Err(_) if status >= 400 || !source["model"].is_string() => continue,
            Err(failure) if STATEFUL.contains(&failure.param.as_deref().unwrap_or_default()) => continue,
            // A message of which nothing is left is a 400 that names it.
            Err(failure) if failure.code.as_deref() == Some("unsupported_parameter") => continue,
            Err(failure) => {
                wrong.push(format!("{id}: {failure:?}"));
                continue;
            }
        };
        let Edit::Replace(target) = outgoing.edit else { panic!("{id}: not translated") };
        let target: Value = serde_json::from_slice(&target).unwrap_or_else(|error| panic!("{id}: {error}"));
        let lost = silent_losses(&asking(client, &source), &target, &outgoing.warnings, &MAPPED);
        // Ollama's pictures are told by their first bytes, and documents are JSON within its one string of content.
        let told = |lost: &String| lost.contains(" = \"image/") || lost.starts_with("documents.");
        let lost = lost.into_iter().filter(|lost| provider != Ollama || !told(lost));
        // Bedrock has words of its own for media types, and takes no ending in a document's name.
        let renamed = [" = \"image/", " = \"application/pdf\"", ".filename = ", ".title = ", ".is_error = "];
        let lost = lost.filter(|lost| provider != Bedrock || !renamed.iter().any(|name| lost.contains(name)));
        // Characters of ids that Anthropic does not know: a hash of the id stands beside what is left of them.
        let changed = |lost: &String| {
            let id = [".id = \"", ".tool_call_id = \""].iter().find_map(|name| lost.split_once(name));
            let value = id.and_then(|(_, rest)| rest.split('"').next());
            value.is_some_and(|value| {
                value.contains(|c: char| !c.is_ascii_alphanumeric() && !"_-".contains(c))
            })
        };
        let lost = lost.filter(|lost| provider != Anthropic || !changed(lost));
        // Proofs of thoughts, of which a warning speaks as what they are.
        let sealed = outgoing.warnings.iter().any(|warning| warning.starts_with("encrypted reasoning"));
        let proof = |lost: &String| sealed && (lost.contains(".data = ") || lost.contains(".signature = "));
        let lost = lost.filter(|lost| !proof(lost));
        wrong.extend(lost.map(|lost| format!("{id}: {lost} (warnings: {:?})", outgoing.warnings)));
        seen += 1;
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
    assert!(seen >= least, "only {seen} requests");
}

/// The request without what asks for nothing.
fn asking(client: Dialect, source: &Value) -> Value {
    let mut asking = source.clone();
    if let Some(map) = asking.as_object_mut() {
        map.retain(|name, value| match name.as_str() {
            "n" => *value != 1,
            "presence_penalty" | "frequency_penalty" => value.as_f64() != Some(0.0),
            "response_format" => value["type"] != "text",
            "truncation" => value != "disabled",
            // The gateway gives encrypted reasoning without being asked for it.
            "include" => *value != serde_json::json!(["reasoning.encrypted_content"]),
            // Hints for the caches of one provider.
            "prompt_cache_key" | "prompt_cache_retention" => false,
            "store" => client != OpenaiResponses,
            _ => true,
        });
        for item in map.get_mut("input").and_then(Value::as_array_mut).into_iter().flatten() {
            let Some(item) = item.as_object_mut() else { continue };
            // Labels of an item that is sent back; what it says is what counts.
            item.retain(|name, _| !matches!(name.as_str(), "id" | "status" | "phase"));
        }
    }
    shorten(&mut asking);
    asking
}

/// Ids that are longer than the target takes become others, in the call and in its result alike.
fn shorten(value: &mut Value) {
    match value {
        Value::Object(map) => {
            let long = |value: &Value| value.as_str().is_some_and(|id| id.len() > 40);
            map.retain(|name, value| {
                !(matches!(name.as_str(), "call_id" | "tool_call_id" | "id") && long(value))
            });
            map.values_mut().for_each(shorten);
        }
        Value::Array(list) => list.iter_mut().for_each(shorten),
        _ => {}
    }
}

#[test]
fn openai_requests_reach_anthropic() {
    requests(OpenaiChat, Anthropic, "claude-sonnet-4-5", 200);
}

#[test]
fn anthropic_requests_reach_openai() {
    requests(Anthropic, OpenaiChat, "gpt-5", 200);
}

/// Translates every recorded answer; at least `least` of them there must be.
pub(crate) fn answers(provider: Dialect, client: Dialect, least: usize) {
    const MAPPED: [&str; 31] = [
        "done_reason",
        "total_duration",
        "load_duration",
        "prompt_eval_duration",
        "eval_duration",
        "created_at",
        "done",
        // What the service says of itself is no part of the answer.
        "system_fingerprint",
        "provider",
        "x_groq",
        "token_ids",
        "time_info",
        "generationId",
        "provider_metadata",
        "native_finish_reason",
        "prompt_filter_results",
        "content_filter_results",
        "type",
        "role",
        "object",
        "index",
        "finish_reason",
        "stop_reason",
        "created",
        // Counts are compared by themselves, below.
        "usage",
        "service_tier",
        // The block list of reasoning says the same as the reasoning.
        "reasoning_details",
        "model",
        "logprobs",
        "choices.1",
        // Which of the provider's runtimes made a call.
        "caller",
    ];
    let Some(exchanges) = exchanges(op(provider)) else { return };
    let (mut seen, mut wrong) = (0, Vec::new());
    for exchange in exchanges.iter().filter(|exchange| !exchange.stream && exchange.status == 200) {
        let id = &exchange.id;
        let body = exchange.response.as_bytes();
        let Ok(source) = serde_json::from_slice::<Value>(body) else { continue };
        if !is_answer(provider, &source) {
            continue;
        }
        let plan = AnswerPlan::new(client, provider, false, false);
        let answer = match lane::answer(&plan, body) {
            Ok(answer) => answer,
            Err(failure) => {
                wrong.push(format!("{id}: {failure:?}"));
                continue;
            }
        };
        let mut target: Value = serde_json::from_slice(&answer.body.unwrap()).unwrap();
        if client == Anthropic {
            // A text that relies on pages is several blocks.
            let blocks = target["content"].as_array().into_iter().flatten();
            let text: String = blocks.filter_map(|block| block["text"].as_str()).collect();
            target["text of all blocks"] = text.into();
        }
        if client == Bedrock {
            let blocks = target["output"]["message"]["content"].as_array().into_iter().flatten();
            let said = |block: &Value| {
                let cited = block["citationsContent"]["content"][0]["text"].as_str();
                block["text"].as_str().or(cited).map(str::to_owned)
            };
            target["text of all blocks"] = blocks.filter_map(said).collect::<String>().into();
        }
        let first = said_by(provider, client, first_choice_only(&source));
        let lost = silent_losses(&first, &target, &answer.report.warnings, &MAPPED);
        // Ollama's answers have no id, and audio of no bytes that has never expired says nothing.
        let unsaid = |lost: &String| {
            // Blocks begin and end where the pages do that they rely on.
            let is_place = lost.contains(".start_index = ") || lost.contains(".end_index = ");
            lost.ends_with("audio.expires_at = 0")
                || matches!(client, Anthropic | Bedrock) && lost.contains("annotations.") && is_place
                || matches!(client, Bedrock | Ollama) && lost.starts_with("id = ")
        };
        let lost: Vec<String> = lost.into_iter().filter(|lost| !unsaid(lost)).collect();
        wrong.extend(
            lost.into_iter().map(|lost| format!("{id}: {lost} (warnings: {:?})", answer.report.warnings)),
        );
        check_usage(id, (provider, &source), (client, &target), &mut wrong);
        seen += 1;
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
    assert!(seen >= least, "only {seen} answers");
}

/// Counted tokens, compacted conversations and errors in a 200 are no answers.
pub(crate) fn is_answer(provider: Dialect, source: &Value) -> bool {
    match provider {
        // One in the background has not been answered.
        OpenaiResponses => {
            source["object"] == "response"
                && source["status"] != "queued"
                && source["status"] != "in_progress"
        }
        OpenaiChat | Dialect::OpenaiCompletions => source["choices"].is_array(),
        Anthropic => source["content"].is_array(),
        _ => true,
    }
}

/// Only OpenAI's dialect has several answers in one; the others are warned of.
fn first_choice_only(source: &Value) -> Value {
    let mut first = source.clone();
    if let Some(choices) = first.get_mut("choices").and_then(Value::as_array_mut) {
        choices.truncate(1);
        for choice in choices {
            let Some(message) = choice.get_mut("message").and_then(Value::as_object_mut) else { continue };
            // The signed blocks repeat the plain reasoning.
            if message.contains_key("reasoning_content") {
                message.remove("reasoning");
            }
        }
    }
    first
}

/// The answer without what it says of the request and of the service, where its dialect says all that.
fn said_by(provider: Dialect, client: Dialect, mut answer: Value) -> Value {
    let Some(map) = answer.as_object_mut() else { return answer };
    if client == OpenaiResponses {
        // Ids have a form of their own there.
        map.remove("id");
    }
    if provider == OpenaiResponses {
        map.retain(|name, _| matches!(name.as_str(), "model" | "output" | "usage"));
        for item in map.get_mut("output").and_then(Value::as_array_mut).into_iter().flatten() {
            // What names and labels an item; a call has an id besides.
            let item = item.as_object_mut().unwrap();
            item.retain(|name, _| !matches!(name.as_str(), "id" | "status" | "phase"));
            // What warnings call it.
            if let Some(content) = item.remove("encrypted_content") {
                item.insert("signature".into(), content);
            }
        }
    }
    answer
}

fn check_usage(id: &str, source: (Dialect, &Value), target: (Dialect, &Value), wrong: &mut Vec<String>) {
    let (was, is) = (counts(source.0, source.1), counts(target.0, target.1));
    // xAI counts reasoning beside the completion.
    let reasoning = count(&source.1["usage"]["completion_tokens_details"]["reasoning_tokens"]);
    if was != is && (was.0, was.1 + reasoning) != is {
        wrong.push(format!("{id}: usage {was:?} became {is:?}"));
    }
}

fn count(value: &Value) -> u64 {
    value.as_u64().unwrap_or(0)
}

/// All input and all output of an answer.
pub(crate) fn counts(dialect: Dialect, answer: &Value) -> (u64, u64) {
    let usage = &answer["usage"];
    match dialect {
        Anthropic => {
            let cached =
                count(&usage["cache_read_input_tokens"]) + count(&usage["cache_creation_input_tokens"]);
            (count(&usage["input_tokens"]) + cached, count(&usage["output_tokens"]))
        }
        OpenaiChat | Dialect::OpenaiCompletions => {
            (count(&usage["prompt_tokens"]), count(&usage["completion_tokens"]))
        }
        Gemini => {
            let usage = &answer["usageMetadata"];
            let output = count(&usage["candidatesTokenCount"]) + count(&usage["thoughtsTokenCount"]);
            let input = count(&usage["promptTokenCount"]) + count(&usage["toolUsePromptTokenCount"]);
            (input, output)
        }
        OpenaiResponses => (count(&usage["input_tokens"]), count(&usage["output_tokens"])),
        Cohere => {
            let tokens = &usage["tokens"];
            let images = count(&tokens["image_tokens"]);
            let input = count(&tokens["input_tokens"]);
            (if images > input { input + images } else { input }, count(&tokens["output_tokens"]))
        }
        Bedrock => {
            let cached = count(&usage["cacheReadInputTokens"]) + count(&usage["cacheWriteInputTokens"]);
            (count(&usage["inputTokens"]) + cached, count(&usage["outputTokens"]))
        }
        Ollama | OllamaGenerate => (count(&answer["prompt_eval_count"]), count(&answer["eval_count"])),
    }
}

#[test]
fn openai_answers_reach_anthropic_clients() {
    answers(OpenaiChat, Anthropic, 100);
}

#[test]
fn anthropic_answers_reach_openai_clients() {
    answers(Anthropic, OpenaiChat, 100);
}
