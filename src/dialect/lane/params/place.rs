//! What each dialect calls the settings that OpenAI's chat completions have, as data.
//!
//! A target names a provider, and a provider may have endpoints of several dialects: which one answers follows from the
//! client. So a target's settings may be said in the words that are known best, and have a place in all of them. A name
//! that a dialect has itself needs no row, and neither does one that no table has: both are the provider's to read.

use crate::dialect::Dialect;

/// Where a dialect has a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// At the top level, by this name.
    Field(&'static str),
    /// At the top level by this name, as a list even of one.
    List(&'static str),
    /// Within an object, by this name.
    Within(&'static str, &'static str),
    /// Within an object by this name, as a list even of one.
    ListWithin(&'static str, &'static str),
    /// It is the output limit, which the dialect's encoder knows where to put.
    Limit,
    /// Nowhere: the provider would refuse it, or not read it.
    Nowhere,
}
use Place::{Field, Limit, List, ListWithin, Nowhere, Within};

type Table = &'static [(&'static str, Place)];

/// Some providers and models know the limit by the one name, some by the other.
const CHAT: Table = &[("max_tokens", Limit), ("max_completion_tokens", Limit)];

/// The limits are too old and too new for a text completion.
const COMPLETIONS: Table = &[("max_completion_tokens", Field("max_tokens")), ("reasoning_effort", Nowhere)];

/// <https://platform.openai.com/docs/api-reference/responses/create>
const RESPONSES: Table = &[
    ("max_tokens", Limit),
    ("max_completion_tokens", Limit),
    ("reasoning_effort", Within("reasoning", "effort")),
    ("verbosity", Within("text", "verbosity")),
    ("stop", Nowhere),
    ("n", Nowhere),
    ("seed", Nowhere),
    ("presence_penalty", Nowhere),
    ("frequency_penalty", Nowhere),
    ("logprobs", Nowhere),
    ("logit_bias", Nowhere),
    ("response_format", Nowhere),
];

/// <https://docs.claude.com/en/api/messages>
const ANTHROPIC: Table = &[
    ("max_completion_tokens", Field("max_tokens")),
    ("stop", List("stop_sequences")),
    ("user", Within("metadata", "user_id")),
    ("n", Nowhere),
    ("seed", Nowhere),
    ("presence_penalty", Nowhere),
    ("frequency_penalty", Nowhere),
    ("logprobs", Nowhere),
    ("top_logprobs", Nowhere),
    ("logit_bias", Nowhere),
    ("reasoning_effort", Nowhere),
    ("verbosity", Nowhere),
    ("response_format", Nowhere),
    ("parallel_tool_calls", Nowhere),
];

const CONFIG: &str = "generationConfig";

/// <https://ai.google.dev/api/generate-content#generationconfig>
const GEMINI: Table = &[
    ("max_tokens", Limit),
    ("max_completion_tokens", Limit),
    ("temperature", Within(CONFIG, "temperature")),
    ("top_p", Within(CONFIG, "topP")),
    ("top_k", Within(CONFIG, "topK")),
    ("stop", ListWithin(CONFIG, "stopSequences")),
    ("n", Within(CONFIG, "candidateCount")),
    ("seed", Within(CONFIG, "seed")),
    ("presence_penalty", Within(CONFIG, "presencePenalty")),
    ("frequency_penalty", Within(CONFIG, "frequencyPenalty")),
    ("logprobs", Within(CONFIG, "responseLogprobs")),
    ("top_logprobs", Within(CONFIG, "logprobs")),
    ("logit_bias", Nowhere),
    ("reasoning_effort", Nowhere),
    ("verbosity", Nowhere),
    ("user", Nowhere),
    ("response_format", Nowhere),
    ("parallel_tool_calls", Nowhere),
];

/// <https://docs.cohere.com/reference/chat>
const COHERE: Table = &[
    ("max_completion_tokens", Field("max_tokens")),
    ("top_p", Field("p")),
    ("top_k", Field("k")),
    ("stop", List("stop_sequences")),
    ("n", Nowhere),
    ("top_logprobs", Nowhere),
    ("logit_bias", Nowhere),
    ("reasoning_effort", Nowhere),
    ("verbosity", Nowhere),
    ("user", Nowhere),
    ("parallel_tool_calls", Nowhere),
];

const INFERENCE: &str = "inferenceConfig";

/// <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html>; what Converse has no word for is
/// the model's own, and those that sample from the likeliest k call it as here.
const BEDROCK: Table = &[
    ("max_tokens", Limit),
    ("max_completion_tokens", Limit),
    ("temperature", Within(INFERENCE, "temperature")),
    ("top_p", Within(INFERENCE, "topP")),
    ("stop", ListWithin(INFERENCE, "stopSequences")),
    ("top_k", Within("additionalModelRequestFields", "top_k")),
    ("n", Nowhere),
    ("seed", Nowhere),
    ("presence_penalty", Nowhere),
    ("frequency_penalty", Nowhere),
    ("logprobs", Nowhere),
    ("top_logprobs", Nowhere),
    ("logit_bias", Nowhere),
    ("reasoning_effort", Nowhere),
    ("verbosity", Nowhere),
    ("user", Nowhere),
    ("response_format", Nowhere),
    ("parallel_tool_calls", Nowhere),
];

const OPTIONS: &str = "options";

/// <https://docs.ollama.com/api/chat>, and for the names of the options <https://docs.ollama.com/modelfile>: at the top
/// level nobody reads them.
const OLLAMA: Table = &[
    ("max_tokens", Limit),
    ("max_completion_tokens", Limit),
    ("temperature", Within(OPTIONS, "temperature")),
    ("top_p", Within(OPTIONS, "top_p")),
    ("top_k", Within(OPTIONS, "top_k")),
    ("min_p", Within(OPTIONS, "min_p")),
    ("stop", ListWithin(OPTIONS, "stop")),
    ("seed", Within(OPTIONS, "seed")),
    ("presence_penalty", Within(OPTIONS, "presence_penalty")),
    ("frequency_penalty", Within(OPTIONS, "frequency_penalty")),
    ("num_ctx", Within(OPTIONS, "num_ctx")),
    ("num_predict", Within(OPTIONS, "num_predict")),
    ("repeat_penalty", Within(OPTIONS, "repeat_penalty")),
    ("n", Nowhere),
    ("logit_bias", Nowhere),
    ("reasoning_effort", Nowhere),
    ("verbosity", Nowhere),
    ("user", Nowhere),
    ("response_format", Nowhere),
    ("parallel_tool_calls", Nowhere),
];

fn table(dialect: Dialect) -> Table {
    match dialect {
        Dialect::OpenaiChat => CHAT,
        Dialect::OpenaiCompletions => COMPLETIONS,
        Dialect::OpenaiResponses => RESPONSES,
        Dialect::Anthropic => ANTHROPIC,
        Dialect::Gemini => GEMINI,
        Dialect::Cohere => COHERE,
        Dialect::Bedrock => BEDROCK,
        Dialect::Ollama | Dialect::OllamaGenerate => OLLAMA,
    }
}

/// Where a dialect has what a target calls by this name; `None`: where it is said, at the top level.
pub(super) fn place(dialect: Dialect, name: &str) -> Option<Place> {
    table(dialect).iter().find(|(known, _)| *known == name).map(|(_, place)| *place)
}
