//! The objects of the wire. Fields follow Ollama's API documentation and the types of its official clients; what is not
//! named here travels as `extra`.

use crate::wire::json::{Count, Text, TextOr, wire_object};
use serde_json::value::RawValue;

wire_object! {
    /// A request of `/api/chat`.
    pub(super) struct Chat<'a> {
        pub(super) model: Text<'a> = "model",
        pub(super) messages: Vec<Message<'a>> = "messages",
        pub(super) tools: Vec<&'a RawValue> = "tools",
        pub(super) stream: bool = "stream",
        pub(super) options: Options<'a> = "options",
        pub(super) format: &'a RawValue = "format",
        pub(super) think: &'a RawValue = "think",
        pub(super) logprobs: bool = "logprobs",
        pub(super) top_logprobs: u64 = "top_logprobs",
    }
}

wire_object! {
    /// A request of `/api/generate`.
    pub(super) struct Generate<'a> {
        pub(super) model: Text<'a> = "model",
        pub(super) prompt: Text<'a> = "prompt",
        pub(super) suffix: Text<'a> = "suffix",
        pub(super) system: Text<'a> = "system",
        pub(super) images: Vec<Text<'a>> = "images",
        pub(super) stream: bool = "stream",
        pub(super) options: Options<'a> = "options",
        pub(super) format: &'a RawValue = "format",
        pub(super) think: &'a RawValue = "think",
        pub(super) logprobs: bool = "logprobs",
        pub(super) top_logprobs: u64 = "top_logprobs",
    }
}

wire_object! {
    /// A message, of a request or of an answer.
    pub(super) struct Message<'a> {
        pub(super) role: Text<'a> = "role",
        pub(super) content: Text<'a> = "content",
        pub(super) thinking: Text<'a> = "thinking",
        pub(super) images: Vec<Text<'a>> = "images",
        pub(super) tool_calls: Vec<Call<'a>> = "tool_calls",
        pub(super) tool_name: Text<'a> = "tool_name",
        pub(super) tool_call_id: Text<'a> = "tool_call_id",
    }
}

wire_object! {
    /// A call of a tool. `type` is always `function`.
    pub(super) struct Call<'a> {
        pub(super) id: Text<'a> = "id",
        pub(super) kind: &'a RawValue = "type",
        pub(super) function: Function<'a> = "function",
    }
}

wire_object! {
    /// What is called. `index` is the place among the calls, which their order says too.
    pub(super) struct Function<'a> {
        pub(super) index: &'a RawValue = "index",
        pub(super) name: Text<'a> = "name",
        pub(super) arguments: &'a RawValue = "arguments",
    }
}

wire_object! {
    /// A tool on offer.
    pub(super) struct Tool<'a> {
        pub(super) kind: Text<'a> = "type",
        pub(super) function: ToolFunction<'a> = "function",
    }
}

wire_object! {
    /// A function on offer.
    pub(super) struct ToolFunction<'a> {
        pub(super) name: Text<'a> = "name",
        pub(super) description: Text<'a> = "description",
        pub(super) parameters: &'a RawValue = "parameters",
    }
}

wire_object! {
    /// How to sample, and how to run the model. Whole numbers may be written as `100.0`.
    pub(super) struct Options<'a> {
        pub(super) temperature: f64 = "temperature",
        pub(super) top_p: f64 = "top_p",
        pub(super) top_k: f64 = "top_k",
        pub(super) seed: &'a RawValue = "seed",
        pub(super) num_predict: &'a RawValue = "num_predict",
        pub(super) frequency_penalty: f64 = "frequency_penalty",
        pub(super) presence_penalty: f64 = "presence_penalty",
        pub(super) stop: TextOr<'a, Vec<Text<'a>>> = "stop",
    }
}

wire_object! {
    /// A whole answer, or a line of a stream, of `/api/chat` (`message`) or `/api/generate` (`response`, `thinking`).
    pub(super) struct Answer<'a> {
        pub(super) model: Text<'a> = "model",
        pub(super) created_at: Text<'a> = "created_at",
        pub(super) message: Message<'a> = "message",
        pub(super) response: Text<'a> = "response",
        pub(super) thinking: Text<'a> = "thinking",
        pub(super) done: bool = "done",
        pub(super) done_reason: Text<'a> = "done_reason",
        pub(super) prompt_eval_count: Count = "prompt_eval_count",
        pub(super) eval_count: Count = "eval_count",
        pub(super) logprobs: &'a RawValue = "logprobs",
        pub(super) error: &'a RawValue = "error",
    }
}
