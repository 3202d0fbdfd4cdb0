//! The request as it stands on the wire: OpenAI's API reference for `POST /v1/responses`.

use crate::wire::json::{Text, TextOr, wire_object};
use serde_json::value::RawValue;

wire_object! {
    /// The body.
    pub(super) struct Request<'a> {
        pub(super) model: Text<'a> = "model",
        pub(super) input: TextOr<'a, Vec<&'a RawValue>> = "input",
        pub(super) instructions: Text<'a> = "instructions",
        pub(super) stream: bool = "stream",
        pub(super) tools: Vec<&'a RawValue> = "tools",
        pub(super) tool_choice: &'a RawValue = "tool_choice",
        pub(super) parallel_tool_calls: bool = "parallel_tool_calls",
        pub(super) max_output_tokens: u64 = "max_output_tokens",
        pub(super) temperature: f64 = "temperature",
        pub(super) top_p: f64 = "top_p",
        pub(super) top_logprobs: u64 = "top_logprobs",
        pub(super) text: &'a RawValue = "text",
        pub(super) reasoning: &'a RawValue = "reasoning",
        pub(super) include: &'a RawValue = "include",
        pub(super) metadata: &'a RawValue = "metadata",
        pub(super) user: &'a RawValue = "user",
        pub(super) safety_identifier: &'a RawValue = "safety_identifier",
        pub(super) service_tier: Text<'a> = "service_tier",
        pub(super) store: &'a RawValue = "store",
        pub(super) background: &'a RawValue = "background",
        pub(super) truncation: &'a RawValue = "truncation",
        pub(super) previous_response_id: &'a RawValue = "previous_response_id",
        pub(super) conversation: &'a RawValue = "conversation",
        pub(super) prompt: &'a RawValue = "prompt",
    }
}

wire_object! {
    /// `text`.
    pub(super) struct Words<'a> {
        pub(super) format: &'a RawValue = "format",
        pub(super) verbosity: Text<'a> = "verbosity",
    }
}

wire_object! {
    /// `text.format`: the schema stands beside the type.
    pub(super) struct Format<'a> {
        pub(super) kind: Text<'a> = "type",
        pub(super) name: Text<'a> = "name",
        pub(super) description: Text<'a> = "description",
        pub(super) strict: bool = "strict",
        pub(super) schema: &'a RawValue = "schema",
    }
}

wire_object! {
    /// `reasoning`.
    pub(super) struct Reasoning<'a> {
        pub(super) effort: Text<'a> = "effort",
        pub(super) summary: Text<'a> = "summary",
        /// The older name of the same.
        pub(super) generate_summary: Text<'a> = "generate_summary",
    }
}

wire_object! {
    /// A function on offer: its fields stand beside the type.
    pub(super) struct Tool<'a> {
        pub(super) kind: Text<'a> = "type",
        pub(super) name: Text<'a> = "name",
        pub(super) description: Text<'a> = "description",
        pub(super) parameters: &'a RawValue = "parameters",
        pub(super) strict: bool = "strict",
        pub(super) format: Grammar<'a> = "format",
    }
}

wire_object! {
    /// What the input of a custom tool looks like.
    pub(super) struct Grammar<'a> {
        pub(super) kind: &'a RawValue = "type",
        pub(super) syntax: Text<'a> = "syntax",
        pub(super) definition: Text<'a> = "definition",
    }
}

wire_object! {
    /// The object forms of `tool_choice`.
    pub(super) struct ToolChoice<'a> {
        pub(super) kind: Text<'a> = "type",
        pub(super) name: Text<'a> = "name",
        pub(super) mode: Text<'a> = "mode",
        pub(super) tools: Vec<Named<'a>> = "tools",
    }
}

wire_object! {
    /// A tool by its type and name.
    pub(super) struct Named<'a> {
        pub(super) kind: Text<'a> = "type",
        pub(super) name: Text<'a> = "name",
    }
}
