//! The request as it stands on the wire: OpenAI's API reference for chat completions, with the fields that DeepSeek,
//! OpenRouter, vLLM, Mistral and LiteLLM add to it.

use crate::wire::json::{Text, TextOr, wire_object};
use serde_json::value::RawValue;

wire_object! {
    /// The body of `POST /v1/chat/completions`.
    pub(crate) struct Request<'a> {
        pub(crate) model: Text<'a> = "model",
        pub(crate) messages: Vec<Message<'a>> = "messages",
        pub(crate) stream: bool = "stream",
        pub(crate) stream_options: StreamOptions<'a> = "stream_options",
        pub(crate) tools: Vec<Tool<'a>> = "tools",
        pub(crate) tool_choice: &'a RawValue = "tool_choice",
        pub(crate) parallel_tool_calls: bool = "parallel_tool_calls",
        pub(crate) functions: Vec<Function<'a>> = "functions",
        pub(crate) function_call: &'a RawValue = "function_call",
        pub(crate) max_tokens: u64 = "max_tokens",
        pub(crate) max_completion_tokens: u64 = "max_completion_tokens",
        pub(crate) temperature: f64 = "temperature",
        pub(crate) top_p: f64 = "top_p",
        pub(crate) top_k: u64 = "top_k",
        pub(crate) frequency_penalty: f64 = "frequency_penalty",
        pub(crate) presence_penalty: f64 = "presence_penalty",
        pub(crate) seed: i64 = "seed",
        pub(crate) stop: TextOr<'a, Vec<Text<'a>>> = "stop",
        pub(crate) n: u64 = "n",
        pub(crate) logprobs: bool = "logprobs",
        pub(crate) top_logprobs: u64 = "top_logprobs",
        pub(crate) logit_bias: &'a RawValue = "logit_bias",
        pub(crate) response_format: &'a RawValue = "response_format",
        pub(crate) reasoning_effort: Text<'a> = "reasoning_effort",
        pub(crate) reasoning: Reasoning<'a> = "reasoning",
        pub(crate) thinking: Thinking<'a> = "thinking",
        pub(crate) user: Text<'a> = "user",
        pub(crate) safety_identifier: &'a RawValue = "safety_identifier",
        pub(crate) metadata: &'a RawValue = "metadata",
        pub(crate) service_tier: Text<'a> = "service_tier",
        pub(crate) verbosity: Text<'a> = "verbosity",
    }
}

wire_object! {
    /// What a stream should hold beside the answer.
    pub(crate) struct StreamOptions<'a> {
        pub(crate) include_usage: bool = "include_usage",
    }
}

wire_object! {
    /// OpenRouter's switch for reasoning.
    pub(crate) struct Reasoning<'a> {
        pub(crate) effort: Text<'a> = "effort",
        pub(crate) max_tokens: u64 = "max_tokens",
        pub(crate) enabled: bool = "enabled",
    }
}

wire_object! {
    /// LiteLLM's (and DeepSeek's and Z.ai's) switch for reasoning, in the shape of Anthropic.
    pub(crate) struct Thinking<'a> {
        pub(crate) kind: Text<'a> = "type",
        pub(crate) budget_tokens: u64 = "budget_tokens",
        pub(crate) display: Text<'a> = "display",
    }
}

wire_object! {
    /// A message of any role.
    pub(crate) struct Message<'a> {
        pub(crate) role: Text<'a> = "role",
        pub(crate) content: TextOr<'a, Vec<Part<'a>>> = "content",
        pub(crate) name: Text<'a> = "name",
        pub(crate) tool_calls: Vec<ToolCall<'a>> = "tool_calls",
        pub(crate) tool_call_id: Text<'a> = "tool_call_id",
        pub(crate) refusal: Text<'a> = "refusal",
        pub(crate) reasoning_content: Text<'a> = "reasoning_content",
        pub(crate) reasoning: Text<'a> = "reasoning",
        pub(crate) thinking_blocks: Vec<ThinkingBlock<'a>> = "thinking_blocks",
        pub(crate) function_call: Function<'a> = "function_call",
        pub(crate) cache_control: &'a RawValue = "cache_control",
    }
}

wire_object! {
    /// A part of a message's content.
    pub(crate) struct Part<'a> {
        pub(crate) kind: Text<'a> = "type",
        pub(crate) text: Text<'a> = "text",
        pub(crate) image_url: TextOr<'a, ImageUrl<'a>> = "image_url",
        pub(crate) input_audio: Audio<'a> = "input_audio",
        pub(crate) file: File<'a> = "file",
        pub(crate) refusal: Text<'a> = "refusal",
        pub(crate) thinking: TextOr<'a, Vec<Part<'a>>> = "thinking",
        pub(crate) signature: Text<'a> = "signature",
        pub(crate) document_url: Text<'a> = "document_url",
        pub(crate) cache_control: &'a RawValue = "cache_control",
    }
}

wire_object! {
    /// A picture.
    pub(crate) struct ImageUrl<'a> {
        pub(crate) url: Text<'a> = "url",
        pub(crate) detail: Text<'a> = "detail",
    }
}

wire_object! {
    /// Sound.
    pub(crate) struct Audio<'a> {
        pub(crate) data: Text<'a> = "data",
        pub(crate) format: Text<'a> = "format",
    }
}

wire_object! {
    /// A file: its bytes as a data URI, or its id.
    pub(crate) struct File<'a> {
        pub(crate) filename: Text<'a> = "filename",
        pub(crate) file_data: Text<'a> = "file_data",
        pub(crate) file_id: Text<'a> = "file_id",
        pub(crate) format: Text<'a> = "format",
    }
}

wire_object! {
    /// LiteLLM's way of carrying Anthropic's reasoning with its signature.
    pub(crate) struct ThinkingBlock<'a> {
        pub(crate) kind: Text<'a> = "type",
        pub(crate) thinking: Text<'a> = "thinking",
        pub(crate) signature: Text<'a> = "signature",
        pub(crate) data: Text<'a> = "data",
        pub(crate) cache_control: &'a RawValue = "cache_control",
        /// Its number in a stream, which some clients send back.
        pub(crate) index: &'a RawValue = "index",
    }
}

wire_object! {
    /// A tool call of an assistant.
    pub(crate) struct ToolCall<'a> {
        pub(crate) id: Text<'a> = "id",
        pub(crate) kind: Text<'a> = "type",
        pub(crate) index: u64 = "index",
        pub(crate) function: Function<'a> = "function",
        pub(crate) custom: CustomCall<'a> = "custom",
        pub(crate) cache_control: &'a RawValue = "cache_control",
    }
}

wire_object! {
    /// A custom tool that is called.
    pub(crate) struct CustomCall<'a> {
        pub(crate) name: Text<'a> = "name",
        pub(crate) input: Text<'a> = "input",
    }
}

wire_object! {
    /// A custom tool on offer.
    pub(crate) struct Custom<'a> {
        pub(crate) name: Text<'a> = "name",
        pub(crate) description: Text<'a> = "description",
        pub(crate) format: CustomFormat<'a> = "format",
    }
}

wire_object! {
    /// What the input of a custom tool looks like.
    pub(crate) struct CustomFormat<'a> {
        pub(crate) kind: Text<'a> = "type",
        pub(crate) grammar: Grammar<'a> = "grammar",
    }
}

wire_object! {
    /// A grammar.
    pub(crate) struct Grammar<'a> {
        pub(crate) syntax: Text<'a> = "syntax",
        pub(crate) definition: Text<'a> = "definition",
    }
}

wire_object! {
    /// A function: on offer (with parameters) or called (with arguments).
    pub(crate) struct Function<'a> {
        pub(crate) name: Text<'a> = "name",
        pub(crate) description: Text<'a> = "description",
        pub(crate) parameters: &'a RawValue = "parameters",
        pub(crate) strict: bool = "strict",
        pub(crate) arguments: TextOr<'a, &'a RawValue> = "arguments",
    }
}

impl Function<'_> {
    /// Whether anything is called: some servers write every field there is, a `function_call` of empty strings among them.
    pub(crate) fn is_called(&self) -> bool {
        let is_named = self.name.as_ref().is_some_and(|name| !name.is_empty());
        let has_arguments = match &self.arguments {
            None => false,
            Some(TextOr::Text(text)) => !text.is_empty(),
            Some(TextOr::Other(_)) => true,
        };
        is_named || has_arguments
    }
}

wire_object! {
    /// A tool on offer. The flat form (`name` beside `type`) is what some clients of the responses API send here.
    pub(crate) struct Tool<'a> {
        pub(crate) kind: Text<'a> = "type",
        pub(crate) function: Function<'a> = "function",
        pub(crate) custom: Custom<'a> = "custom",
        pub(crate) name: Text<'a> = "name",
        pub(crate) description: Text<'a> = "description",
        pub(crate) parameters: &'a RawValue = "parameters",
        pub(crate) cache_control: &'a RawValue = "cache_control",
    }
}

wire_object! {
    /// The object forms of `tool_choice`.
    pub(crate) struct ToolChoice<'a> {
        pub(crate) kind: Text<'a> = "type",
        pub(crate) function: Named<'a> = "function",
        pub(crate) custom: Named<'a> = "custom",
        pub(crate) name: Text<'a> = "name",
        pub(crate) allowed_tools: Allowed<'a> = "allowed_tools",
    }
}

wire_object! {
    /// Something with a name.
    pub(crate) struct Named<'a> {
        pub(crate) name: Text<'a> = "name",
    }
}

wire_object! {
    /// A choice among some of the tools.
    pub(crate) struct Allowed<'a> {
        pub(crate) mode: Text<'a> = "mode",
        pub(crate) tools: Vec<ToolChoice<'a>> = "tools",
    }
}

wire_object! {
    /// What shape the answer must have.
    pub(crate) struct ResponseFormat<'a> {
        pub(crate) kind: Text<'a> = "type",
        pub(crate) json_schema: JsonSchema<'a> = "json_schema",
    }
}

wire_object! {
    /// A schema with its name.
    pub(crate) struct JsonSchema<'a> {
        pub(crate) name: Text<'a> = "name",
        pub(crate) description: Text<'a> = "description",
        pub(crate) strict: bool = "strict",
        pub(crate) schema: &'a RawValue = "schema",
    }
}
