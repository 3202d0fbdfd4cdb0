//! Gemini's objects. Google reads every field in camel case and in snake case, and a single object for a list of one.

use crate::chat::Text;
use crate::wire::json::{Count, OneOrMany, wire_object};
use serde_json::value::RawValue;

wire_object! {
    /// A request.
    pub(super) struct Request<'a> {
        pub(super) contents: OneOrMany<Content<'a>> = "contents",
        pub(super) system: Content<'a> = "systemInstruction" | "system_instruction",
        pub(super) tools: OneOrMany<&'a RawValue> = "tools",
        pub(super) tool_config: ToolConfig<'a> = "toolConfig" | "tool_config",
        pub(super) config: Config<'a> = "generationConfig" | "generation_config",
        /// Some clients name the model here as well; the path counts.
        pub(super) model: &'a RawValue = "model",
        pub(super) labels: &'a RawValue = "labels",
        pub(super) service_tier: Text<'a> = "serviceTier" | "service_tier",
    }
}

wire_object! {
    /// What one side says, in one turn.
    pub(super) struct Content<'a> {
        pub(super) role: Text<'a> = "role",
        pub(super) parts: OneOrMany<&'a RawValue> = "parts",
    }
}

wire_object! {
    /// A part of a turn: one of its fields says which.
    pub(super) struct Part<'a> {
        pub(super) text: Text<'a> = "text",
        pub(super) thought: bool = "thought",
        pub(super) signature: &'a RawValue = "thoughtSignature" | "thought_signature",
        pub(super) inline_data: Blob<'a> = "inlineData" | "inline_data",
        pub(super) file_data: File<'a> = "fileData" | "file_data",
        pub(super) call: Call<'a> = "functionCall" | "function_call",
        pub(super) result: FunctionResult<'a> = "functionResponse" | "function_response",
    }
}

wire_object! {
    /// Bytes within the request.
    pub(super) struct Blob<'a> {
        pub(super) mime_type: Text<'a> = "mimeType" | "mime_type",
        pub(super) data: Text<'a> = "data",
    }
}

wire_object! {
    /// A file at an address that Google can read.
    pub(super) struct File<'a> {
        pub(super) mime_type: Text<'a> = "mimeType" | "mime_type",
        pub(super) uri: Text<'a> = "fileUri" | "file_uri",
    }
}

wire_object! {
    /// A call of a function.
    pub(super) struct Call<'a> {
        pub(super) id: Text<'a> = "id",
        pub(super) name: Text<'a> = "name",
        pub(super) args: &'a RawValue = "args",
        /// Arguments that arrive piece by piece.
        pub(super) partial_args: Vec<PartialArg<'a>> = "partialArgs" | "partial_args",
        /// More pieces follow.
        pub(super) will_continue: bool = "willContinue" | "will_continue",
    }
}

wire_object! {
    /// A piece of one argument.
    pub(super) light struct PartialArg<'a> {
        pub(super) path: Text<'a> = "jsonPath" | "json_path",
        pub(super) string: Text<'a> = "stringValue" | "string_value",
        pub(super) number: &'a RawValue = "numberValue" | "number_value",
        pub(super) boolean: bool = "boolValue" | "bool_value",
        pub(super) null: &'a RawValue = "nullValue" | "null_value",
    }
}

wire_object! {
    /// What a function said.
    pub(super) struct FunctionResult<'a> {
        pub(super) id: Text<'a> = "id",
        pub(super) name: Text<'a> = "name",
        pub(super) response: &'a RawValue = "response",
        pub(super) parts: OneOrMany<&'a RawValue> = "parts",
    }
}

wire_object! {
    /// An entry of `tools`: functions, or a tool of Google's own.
    pub(super) struct Tool<'a> {
        pub(super) functions: OneOrMany<Function<'a>> = "functionDeclarations" | "function_declarations",
    }
}

wire_object! {
    /// A function on offer.
    pub(super) struct Function<'a> {
        pub(super) name: Text<'a> = "name",
        pub(super) description: Text<'a> = "description",
        pub(super) parameters: &'a RawValue = "parameters",
        pub(super) json_schema: &'a RawValue = "parametersJsonSchema" | "parameters_json_schema",
    }
}

wire_object! {
    /// How tools are to be used.
    pub(super) struct ToolConfig<'a> {
        pub(super) calling: Calling<'a> = "functionCallingConfig" | "function_calling_config",
    }
}

wire_object! {
    /// How functions are to be called.
    pub(super) struct Calling<'a> {
        pub(super) mode: Text<'a> = "mode",
        pub(super) allowed: OneOrMany<Text<'a>> = "allowedFunctionNames" | "allowed_function_names",
    }
}

wire_object! {
    /// How to generate.
    pub(super) struct Config<'a> {
        pub(super) temperature: &'a RawValue = "temperature",
        pub(super) top_p: &'a RawValue = "topP" | "top_p",
        pub(super) top_k: &'a RawValue = "topK" | "top_k",
        pub(super) candidate_count: &'a RawValue = "candidateCount" | "candidate_count",
        pub(super) max_output_tokens: &'a RawValue = "maxOutputTokens" | "max_output_tokens",
        pub(super) stop_sequences: OneOrMany<Text<'a>> = "stopSequences" | "stop_sequences",
        pub(super) seed: &'a RawValue = "seed",
        pub(super) presence_penalty: &'a RawValue = "presencePenalty" | "presence_penalty",
        pub(super) frequency_penalty: &'a RawValue = "frequencyPenalty" | "frequency_penalty",
        pub(super) response_logprobs: bool = "responseLogprobs" | "response_logprobs",
        pub(super) logprobs: &'a RawValue = "logprobs",
        pub(super) mime_type: Text<'a> = "responseMimeType" | "response_mime_type",
        pub(super) schema: &'a RawValue = "responseSchema" | "response_schema",
        pub(super) json_schema: &'a RawValue = "responseJsonSchema" | "response_json_schema",
        pub(super) thinking: Thinking<'a> = "thinkingConfig" | "thinking_config",
        pub(super) modalities: &'a RawValue = "responseModalities" | "response_modalities",
    }
}

wire_object! {
    /// How much to think, and whether to show it.
    pub(super) struct Thinking<'a> {
        pub(super) include: bool = "includeThoughts" | "include_thoughts",
        pub(super) budget: &'a RawValue = "thinkingBudget" | "thinking_budget",
        pub(super) level: Text<'a> = "thinkingLevel" | "thinking_level",
    }
}

wire_object! {
    /// An answer, or a piece of a streamed one.
    pub(super) struct Answer<'a> {
        pub(super) candidates: Vec<Candidate<'a>> = "candidates",
        pub(super) feedback: &'a RawValue = "promptFeedback",
        pub(super) usage: &'a RawValue = "usageMetadata",
        pub(super) model: Text<'a> = "modelVersion",
        pub(super) id: Text<'a> = "responseId",
        pub(super) created: Text<'a> = "createTime",
        pub(super) error: &'a RawValue = "error",
    }
}

wire_object! {
    /// One of the answers.
    pub(super) struct Candidate<'a> {
        pub(super) content: Content<'a> = "content",
        pub(super) finish: &'a RawValue = "finishReason",
        pub(super) index: Count = "index",
        pub(super) logprobs: &'a RawValue = "logprobsResult",
    }
}

wire_object! {
    /// What is said of a prompt that was refused.
    pub(super) light struct Feedback<'a> {
        pub(super) reason: &'a RawValue = "blockReason",
    }
}

wire_object! {
    /// Log probabilities: the tokens that were said, and for each of them the likeliest.
    pub(super) light struct LogprobsResult<'a> {
        pub(super) chosen: Vec<Token<'a>> = "chosenCandidates",
        pub(super) top: Vec<TopTokens<'a>> = "topCandidates",
    }
}

wire_object! {
    /// The likeliest tokens at one place.
    pub(super) light struct TopTokens<'a> {
        pub(super) candidates: Vec<Token<'a>> = "candidates",
    }
}

wire_object! {
    /// A token and its probability.
    pub(super) light struct Token<'a> {
        pub(super) token: Text<'a> = "token",
        pub(super) logprob: f64 = "logProbability",
    }
}

/// A number, which Google takes in quotes as well.
pub(super) fn number(raw: &RawValue) -> Option<f64> {
    let text = raw.get();
    let text = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    text.parse::<f64>().ok().filter(|number| number.is_finite())
}

/// The word of an enumeration, in the spelling of the wire; its number where the sender gave that.
pub(super) fn word(raw: &RawValue) -> std::borrow::Cow<'_, str> {
    match Text::from_raw(raw) {
        Some(text) => text.to_str(),
        None => std::borrow::Cow::Borrowed(raw.get()),
    }
}
