//! The objects of the wire. Fields follow Anthropic's Messages API; what is not named here travels as `extra`.

use super::usage::WireUsage;
use crate::wire::json::{Text, TextOr, wire_object};
use serde_json::value::RawValue;

wire_object! {
    /// A request.
    pub(super) struct Request<'a> {
        pub(super) model: Text<'a> = "model",
        pub(super) messages: Vec<Message<'a>> = "messages",
        pub(super) system: TextOr<'a, Vec<Block<'a>>> = "system",
        pub(super) max_tokens: u64 = "max_tokens",
        pub(super) temperature: f64 = "temperature",
        pub(super) top_p: f64 = "top_p",
        pub(super) top_k: u64 = "top_k",
        pub(super) stop_sequences: Vec<Text<'a>> = "stop_sequences",
        pub(super) stream: bool = "stream",
        pub(super) tools: Vec<Tool<'a>> = "tools",
        pub(super) tool_choice: ToolChoice<'a> = "tool_choice",
        pub(super) thinking: Thinking<'a> = "thinking",
        pub(super) output_config: OutputConfig<'a> = "output_config",
        pub(super) output_format: Format<'a> = "output_format",
        pub(super) metadata: &'a RawValue = "metadata",
        pub(super) service_tier: Text<'a> = "service_tier",
    }
}

wire_object! {
    /// A message of a request.
    pub(super) struct Message<'a> {
        pub(super) role: Text<'a> = "role",
        pub(super) content: TextOr<'a, Vec<Block<'a>>> = "content",
    }
}

wire_object! {
    /// A content block of any kind. Only fields whose form is the same in all kinds are typed further than raw.
    pub(super) struct Block<'a> {
        pub(super) kind: Text<'a> = "type",
        pub(super) text: &'a RawValue = "text",
        pub(super) source: &'a RawValue = "source",
        pub(super) id: &'a RawValue = "id",
        pub(super) name: &'a RawValue = "name",
        pub(super) input: &'a RawValue = "input",
        pub(super) tool_use_id: &'a RawValue = "tool_use_id",
        pub(super) content: &'a RawValue = "content",
        pub(super) is_error: &'a RawValue = "is_error",
        pub(super) thinking: &'a RawValue = "thinking",
        pub(super) signature: &'a RawValue = "signature",
        pub(super) data: &'a RawValue = "data",
        pub(super) title: &'a RawValue = "title",
        pub(super) context: &'a RawValue = "context",
        pub(super) cache_control: &'a RawValue = "cache_control",
    }
}

wire_object! {
    /// Where the bytes of an image or a document are.
    pub(super) struct Source<'a> {
        pub(super) kind: Text<'a> = "type",
        pub(super) media_type: Text<'a> = "media_type",
        pub(super) data: Text<'a> = "data",
        pub(super) url: Text<'a> = "url",
        pub(super) file_id: Text<'a> = "file_id",
        pub(super) content: &'a RawValue = "content",
    }
}

wire_object! {
    /// A tool.
    pub(super) struct Tool<'a> {
        pub(super) kind: Text<'a> = "type",
        pub(super) name: Text<'a> = "name",
        pub(super) description: Text<'a> = "description",
        pub(super) input_schema: &'a RawValue = "input_schema",
        pub(super) strict: bool = "strict",
        pub(super) cache_control: &'a RawValue = "cache_control",
    }
}

wire_object! {
    /// Which tool to use.
    pub(super) struct ToolChoice<'a> {
        pub(super) kind: Text<'a> = "type",
        pub(super) name: Text<'a> = "name",
        pub(super) disable_parallel: bool = "disable_parallel_tool_use",
    }
}

wire_object! {
    /// How to think.
    pub(super) struct Thinking<'a> {
        pub(super) kind: Text<'a> = "type",
        pub(super) budget_tokens: u64 = "budget_tokens",
        pub(super) display: Text<'a> = "display",
    }
}

wire_object! {
    /// How to answer.
    pub(super) struct OutputConfig<'a> {
        pub(super) effort: Text<'a> = "effort",
        pub(super) format: Format<'a> = "format",
    }
}

wire_object! {
    /// The shape of the answer.
    pub(super) struct Format<'a> {
        pub(super) kind: Text<'a> = "type",
        pub(super) schema: &'a RawValue = "schema",
    }
}

wire_object! {
    /// Who the request is for.
    pub(super) struct Metadata<'a> {
        pub(super) user_id: Text<'a> = "user_id",
    }
}

wire_object! {
    /// A whole answer, and the `message` of `message_start`.
    pub(super) struct Answer<'a> {
        pub(super) kind: Text<'a> = "type",
        pub(super) role: Text<'a> = "role",
        pub(super) id: Text<'a> = "id",
        pub(super) model: Text<'a> = "model",
        pub(super) content: Vec<Block<'a>> = "content",
        pub(super) stop_reason: Text<'a> = "stop_reason",
        pub(super) stop_sequence: Text<'a> = "stop_sequence",
        pub(super) usage: WireUsage<'a> = "usage",
        pub(super) error: &'a RawValue = "error",
    }
}

wire_object! {
    /// The data of a stream's event.
    pub(super) light struct Data<'a> {
        pub(super) kind: Text<'a> = "type",
        pub(super) index: u64 = "index",
        pub(super) message: Answer<'a> = "message",
        pub(super) block: Block<'a> = "content_block",
        pub(super) delta: Delta<'a> = "delta",
        pub(super) usage: WireUsage<'a> = "usage",
        pub(super) context_management: &'a RawValue = "context_management",
    }
}

wire_object! {
    /// The data of the event that nearly all of a stream consists of.
    pub(super) light struct Added<'a> {
        pub(super) index: u64 = "index",
        pub(super) delta: Delta<'a> = "delta",
    }
}

wire_object! {
    /// What an event adds.
    pub(super) struct Delta<'a> {
        pub(super) kind: Text<'a> = "type",
        pub(super) text: Text<'a> = "text",
        pub(super) thinking: Text<'a> = "thinking",
        pub(super) signature: Text<'a> = "signature",
        pub(super) partial_json: Text<'a> = "partial_json",
        pub(super) citation: &'a RawValue = "citation",
        pub(super) stop_reason: Text<'a> = "stop_reason",
        pub(super) stop_sequence: Text<'a> = "stop_sequence",
    }
}
