//! Fields of answers that a client of another dialect does not miss.

use serde_json::Value;
use serde_json::value::RawValue;

/// What services say of themselves: where, how fast and for how much an answer was made, and by which build. Every
/// answer of the service carries them, so a warning of their loss would stand on every answer and tell nothing.
const OF_THE_SERVICE: [&str; 45] = [
    // OpenAI and Azure.
    "system_fingerprint",
    "service_tier",
    "obfuscation",
    "object",
    "prompt_filter_results",
    "content_filter_results",
    "content_filter_offsets",
    // Anthropic; `caller` says which of its runtimes made a tool call.
    "inference_geo",
    "caller",
    "speed",
    "iterations",
    // Google. Signatures are for Google alone: calls carry theirs in their ids. What the message beside a finish reason
    // says, the reason says.
    "thoughtSignature",
    "mimeType",
    "finishReason",
    "finishMessage",
    "avgLogprobs",
    "tokenCount",
    "safetyRatings",
    "usageMetadata",
    "logprobsResult",
    // OpenRouter.
    "provider",
    "native_finish_reason",
    "cost",
    "cost_details",
    "is_byok",
    // Bedrock.
    "metrics",
    "performanceConfig",
    // Groq and Cerebras.
    "x_groq",
    "queue_time",
    "prompt_time",
    "completion_time",
    "total_time",
    "time_info",
    "usage_breakdown",
    // Vercel's gateway.
    "generationId",
    "provider_metadata",
    // Ollama.
    "total_duration",
    "load_duration",
    "prompt_eval_duration",
    "eval_duration",
    "remote_model",
    "remote_host",
    // Cohere: what is paid for, which the counts include.
    "billed_units",
    // vLLM.
    "kv_transfer_params",
    "token_ids",
];

/// Longer values are not looked into: they say something.
const LONGEST_LOOK: usize = 512;

/// Whether a client misses a field that its dialect has no place for.
pub(super) fn is_missed(name: &str, value: &RawValue) -> bool {
    if name.starts_with(crate::chat::OWN) || OF_THE_SERVICE.contains(&name) {
        return false;
    }
    let json = value.get();
    match json {
        "null" | "false" | "[]" | "{}" | "\"\"" | "0" => false,
        _ if json.len() > LONGEST_LOOK => true,
        _ => serde_json::from_str::<Value>(json).map_or(true, |value| says_something(&value)),
    }
}

/// Whether anything in a value is more than the word for nothing.
fn says_something(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::Bool(true) => true,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !matches!(text.as_str(), "" | "not_available" | "none"),
        Value::Array(items) => items.iter().any(says_something),
        Value::Object(members) => members.values().any(says_something),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missed(name: &str, json: &str) -> bool {
        is_missed(name, &RawValue::from_string(json.to_owned()).unwrap())
    }

    #[test]
    fn nothing_said_is_nothing_missed() {
        for json in [
            "null",
            "[]",
            "{}",
            "\"\"",
            "false",
            "0",
            "0.0",
            "\"not_available\"",
            "{\"applied_edits\": []}",
            "{\"web_search_requests\":0,\"web_fetch_requests\":0}",
        ] {
            assert!(!missed("x", json), "{json}");
        }
        for json in ["true", "7", "\"refused\"", "[1]", "{\"id\":\"c\"}", "[{\"type\":\"url_citation\"}]"] {
            assert!(missed("x", json), "{json}");
        }
    }

    #[test]
    fn what_is_about_the_service_is_not_missed() {
        assert!(!missed("system_fingerprint", "\"fp_1\""));
        assert!(!missed("inference_geo", "\"us\""));
        assert!(missed("container", "{\"id\":\"container_1\"}"));
    }
}
