//! The objects of the wire. Fields follow Cohere's API reference and the types of its official client; what is not named
//! here travels as `extra`.

use super::usage::WireUsage;
use crate::wire::json::{Text, TextOr, wire_object};
use serde_json::value::RawValue;

wire_object! {
    /// A request.
    pub(super) struct Request<'a> {
        pub(super) model: Text<'a> = "model",
        pub(super) messages: Vec<Message<'a>> = "messages",
        pub(super) tools: Vec<&'a RawValue> = "tools",
        pub(super) strict_tools: bool = "strict_tools",
        pub(super) tool_choice: Text<'a> = "tool_choice",
        pub(super) documents: Vec<&'a RawValue> = "documents",
        pub(super) response_format: Format<'a> = "response_format",
        pub(super) max_tokens: u64 = "max_tokens",
        pub(super) stop_sequences: Vec<Text<'a>> = "stop_sequences",
        pub(super) temperature: f64 = "temperature",
        pub(super) seed: i64 = "seed",
        pub(super) frequency_penalty: f64 = "frequency_penalty",
        pub(super) presence_penalty: f64 = "presence_penalty",
        pub(super) k: u64 = "k",
        pub(super) p: f64 = "p",
        pub(super) logprobs: bool = "logprobs",
        pub(super) thinking: Thinking<'a> = "thinking",
        pub(super) stream: bool = "stream",
    }
}

wire_object! {
    /// A message, of a request or of an answer.
    pub(super) struct Message<'a> {
        pub(super) role: Text<'a> = "role",
        pub(super) content: TextOr<'a, Vec<Block<'a>>> = "content",
        pub(super) tool_plan: Text<'a> = "tool_plan",
        pub(super) tool_calls: Vec<Call<'a>> = "tool_calls",
        pub(super) tool_call_id: Text<'a> = "tool_call_id",
    }
}

wire_object! {
    /// A content block of any kind.
    pub(super) struct Block<'a> {
        pub(super) kind: Text<'a> = "type",
        pub(super) text: Text<'a> = "text",
        pub(super) thinking: Text<'a> = "thinking",
        pub(super) image_url: ImageUrl<'a> = "image_url",
        pub(super) document: &'a RawValue = "document",
    }
}

wire_object! {
    /// Where a picture is: a URL or a data URI.
    pub(super) struct ImageUrl<'a> {
        pub(super) url: Text<'a> = "url",
        pub(super) detail: Text<'a> = "detail",
    }
}

wire_object! {
    /// A call of a tool; `type` is always `function`.
    pub(super) struct Call<'a> {
        pub(super) id: Text<'a> = "id",
        pub(super) kind: &'a RawValue = "type",
        pub(super) function: Function<'a> = "function",
    }
}

wire_object! {
    /// What is called, with arguments as a string that holds JSON.
    pub(super) struct Function<'a> {
        pub(super) name: Text<'a> = "name",
        pub(super) arguments: Text<'a> = "arguments",
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
    /// The shape of the answer; `schema` is what `json_schema` was called first.
    pub(super) struct Format<'a> {
        pub(super) kind: Text<'a> = "type",
        pub(super) json_schema: &'a RawValue = "json_schema",
        pub(super) schema: &'a RawValue = "schema",
    }
}

wire_object! {
    /// How to think.
    pub(super) struct Thinking<'a> {
        pub(super) kind: Text<'a> = "type",
        pub(super) token_budget: u64 = "token_budget",
    }
}

wire_object! {
    /// A whole answer. In place of the message there may be a sentence: an error.
    pub(super) struct Answer<'a> {
        pub(super) id: Text<'a> = "id",
        pub(super) message: TextOr<'a, Message<'a>> = "message",
        pub(super) finish_reason: Text<'a> = "finish_reason",
        pub(super) usage: WireUsage<'a> = "usage",
        pub(super) logprobs: &'a RawValue = "logprobs",
    }
}

wire_object! {
    /// The data of a stream's event.
    pub(super) light struct Data<'a> {
        pub(super) kind: Text<'a> = "type",
        pub(super) id: Text<'a> = "id",
        pub(super) index: u64 = "index",
        pub(super) delta: Delta<'a> = "delta",
        pub(super) logprobs: &'a RawValue = "logprobs",
        pub(super) message: &'a RawValue = "message",
    }
}

wire_object! {
    /// What an event says.
    pub(super) light struct Delta<'a> {
        pub(super) message: DeltaMessage<'a> = "message",
        pub(super) finish_reason: Text<'a> = "finish_reason",
        pub(super) error: Text<'a> = "error",
        pub(super) usage: WireUsage<'a> = "usage",
    }
}

wire_object! {
    /// What is added to the message. Lists at the start of a stream, objects afterwards: both are read only where they
    /// are objects.
    pub(super) light struct DeltaMessage<'a> {
        pub(super) content: &'a RawValue = "content",
        pub(super) tool_plan: Text<'a> = "tool_plan",
        pub(super) tool_calls: &'a RawValue = "tool_calls",
    }
}
