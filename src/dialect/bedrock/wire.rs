//! The objects of the wire. Fields follow the service model of AWS's SDKs; what is not named here travels as `extra`.

use crate::wire::json::{Count, Text, wire_object};
use serde_json::value::RawValue;

wire_object! {
    /// A request.
    pub(super) struct Request<'a> {
        pub(super) messages: Vec<Message<'a>> = "messages",
        pub(super) system: Vec<Block<'a>> = "system",
        pub(super) inference: InferenceConfig<'a> = "inferenceConfig",
        pub(super) tools: ToolConfig<'a> = "toolConfig",
        pub(super) additional: &'a RawValue = "additionalModelRequestFields",
        pub(super) output: OutputConfig<'a> = "outputConfig",
        pub(super) metadata: &'a RawValue = "requestMetadata",
        pub(super) service_tier: ServiceTier<'a> = "serviceTier",
    }
}

wire_object! {
    /// A message, of a request or of an answer.
    pub(super) struct Message<'a> {
        pub(super) role: Text<'a> = "role",
        pub(super) content: Vec<Block<'a>> = "content",
    }
}

wire_object! {
    /// A content block: a union, of which one member is there.
    pub(super) struct Block<'a> {
        pub(super) text: &'a RawValue = "text",
        pub(super) image: &'a RawValue = "image",
        pub(super) document: &'a RawValue = "document",
        pub(super) video: &'a RawValue = "video",
        pub(super) audio: &'a RawValue = "audio",
        pub(super) tool_use: &'a RawValue = "toolUse",
        pub(super) tool_result: &'a RawValue = "toolResult",
        pub(super) json: &'a RawValue = "json",
        pub(super) guard: &'a RawValue = "guardContent",
        pub(super) cache_point: &'a RawValue = "cachePoint",
        pub(super) reasoning: &'a RawValue = "reasoningContent",
        pub(super) citations: &'a RawValue = "citationsContent",
        pub(super) search_result: &'a RawValue = "searchResult",
    }
}

wire_object! {
    /// A picture, a sound or a film.
    pub(super) struct Media<'a> {
        pub(super) format: Text<'a> = "format",
        pub(super) source: Source<'a> = "source",
    }
}

wire_object! {
    /// Where the bytes of a medium are: a union.
    pub(super) struct Source<'a> {
        pub(super) bytes: Text<'a> = "bytes",
        pub(super) text: Text<'a> = "text",
        pub(super) content: Vec<Piece<'a>> = "content",
    }
}

wire_object! {
    /// What a search of the client's found.
    pub(super) struct SearchResult<'a> {
        pub(super) source: Text<'a> = "source",
        pub(super) title: Text<'a> = "title",
        pub(super) content: Vec<Piece<'a>> = "content",
    }
}

wire_object! {
    /// A document.
    pub(super) struct Document<'a> {
        pub(super) format: &'a RawValue = "format",
        pub(super) name: Text<'a> = "name",
        pub(super) source: &'a RawValue = "source",
        pub(super) context: Text<'a> = "context",
    }
}

wire_object! {
    /// A call of a tool.
    pub(super) struct ToolUse<'a> {
        pub(super) id: Text<'a> = "toolUseId",
        pub(super) name: Text<'a> = "name",
        pub(super) input: &'a RawValue = "input",
        pub(super) kind: Text<'a> = "type",
    }
}

wire_object! {
    /// What a tool said.
    pub(super) struct ToolResult<'a> {
        pub(super) id: Text<'a> = "toolUseId",
        pub(super) content: Vec<Block<'a>> = "content",
        pub(super) status: Text<'a> = "status",
        pub(super) kind: Text<'a> = "type",
    }
}

wire_object! {
    /// Reasoning: a union.
    pub(super) struct Reasoning<'a> {
        pub(super) text: ReasoningText<'a> = "reasoningText",
        pub(super) redacted: Text<'a> = "redactedContent",
    }
}

wire_object! {
    /// Reasoning that can be read.
    pub(super) struct ReasoningText<'a> {
        pub(super) text: Text<'a> = "text",
        pub(super) signature: Text<'a> = "signature",
    }
}

wire_object! {
    /// What a guardrail is to look at.
    pub(super) light struct Guard<'a> {
        pub(super) text: Piece<'a> = "text",
        pub(super) image: Media<'a> = "image",
    }
}

wire_object! {
    /// A piece of text.
    pub(super) light struct Piece<'a> {
        pub(super) text: Text<'a> = "text",
    }
}

wire_object! {
    /// Text with what it relies on.
    pub(super) light struct Cited<'a> {
        pub(super) content: Vec<Piece<'a>> = "content",
        pub(super) citations: Vec<&'a RawValue> = "citations",
    }
}

wire_object! {
    /// What a text relies on.
    pub(super) light struct WireCitation<'a> {
        pub(super) title: Text<'a> = "title",
        pub(super) source: Text<'a> = "source",
        pub(super) content: Vec<Piece<'a>> = "sourceContent",
        pub(super) location: CitationLocation<'a> = "location",
    }
}

wire_object! {
    /// Where that is: a union.
    pub(super) struct CitationLocation<'a> {
        pub(super) web: Web<'a> = "web",
    }
}

wire_object! {
    /// A page of the web.
    pub(super) light struct Web<'a> {
        pub(super) url: Text<'a> = "url",
    }
}

wire_object! {
    /// A place in what the request gave to read.
    pub(super) struct Place<'a> {
        pub(super) document: u64 = "documentIndex",
        pub(super) result: u64 = "searchResultIndex",
        pub(super) start: u64 = "start",
        pub(super) end: u64 = "end",
    }
}

wire_object! {
    /// A prompt-cache breakpoint.
    pub(super) light struct CachePoint<'a> {
        pub(super) ttl: Text<'a> = "ttl",
    }
}

wire_object! {
    /// Limits and sampling.
    pub(super) struct InferenceConfig<'a> {
        pub(super) max_tokens: u64 = "maxTokens",
        pub(super) temperature: f64 = "temperature",
        pub(super) top_p: f64 = "topP",
        pub(super) stop: Vec<Text<'a>> = "stopSequences",
    }
}

wire_object! {
    /// Tools and the choice among them.
    pub(super) struct ToolConfig<'a> {
        pub(super) tools: Vec<Tool<'a>> = "tools",
        pub(super) choice: ToolChoice<'a> = "toolChoice",
    }
}

wire_object! {
    /// A tool: a union.
    pub(super) struct Tool<'a> {
        pub(super) spec: ToolSpec<'a> = "toolSpec",
        pub(super) cache_point: &'a RawValue = "cachePoint",
    }
}

wire_object! {
    /// A function.
    pub(super) struct ToolSpec<'a> {
        pub(super) name: Text<'a> = "name",
        pub(super) description: Text<'a> = "description",
        pub(super) schema: InputSchema<'a> = "inputSchema",
        pub(super) strict: bool = "strict",
    }
}

wire_object! {
    /// The schema of a function's arguments.
    pub(super) struct InputSchema<'a> {
        pub(super) json: &'a RawValue = "json",
    }
}

wire_object! {
    /// Which tool to use: a union.
    pub(super) struct ToolChoice<'a> {
        pub(super) auto: &'a RawValue = "auto",
        pub(super) any: &'a RawValue = "any",
        pub(super) tool: NamedTool<'a> = "tool",
    }
}

wire_object! {
    /// The tool to use.
    pub(super) light struct NamedTool<'a> {
        pub(super) name: Text<'a> = "name",
    }
}

wire_object! {
    /// The shape of the answer, and how hard to try.
    pub(super) struct OutputConfig<'a> {
        pub(super) format: &'a RawValue = "textFormat",
        pub(super) effort: Text<'a> = "effort",
    }
}

wire_object! {
    /// The shape of the answer.
    pub(super) light struct TextFormat<'a> {
        pub(super) kind: Text<'a> = "type",
        pub(super) structure: Structure<'a> = "structure",
    }
}

wire_object! {
    /// The shape itself: a union.
    pub(super) light struct Structure<'a> {
        pub(super) schema: JsonSchema<'a> = "jsonSchema",
    }
}

wire_object! {
    /// A schema, as the text of its JSON.
    pub(super) light struct JsonSchema<'a> {
        pub(super) schema: Text<'a> = "schema",
        pub(super) name: Text<'a> = "name",
        pub(super) description: Text<'a> = "description",
    }
}

wire_object! {
    /// The service tier.
    pub(super) light struct ServiceTier<'a> {
        pub(super) kind: Text<'a> = "type",
    }
}

wire_object! {
    /// A whole answer.
    pub(super) struct Answer<'a> {
        pub(super) output: Output<'a> = "output",
        pub(super) stop_reason: &'a RawValue = "stopReason",
        pub(super) usage: Usage<'a> = "usage",
        pub(super) metrics: &'a RawValue = "metrics",
        pub(super) additional: &'a RawValue = "additionalModelResponseFields",
        pub(super) service_tier: ServiceTier<'a> = "serviceTier",
        pub(super) message: &'a RawValue = "message",
    }
}

wire_object! {
    /// What was said: a union.
    pub(super) light struct Output<'a> {
        pub(super) message: Message<'a> = "message",
    }
}

wire_object! {
    /// Token counts. Input excludes what was read from or written to the cache.
    pub(super) struct Usage<'a> {
        pub(super) input: Count = "inputTokens",
        pub(super) output: Count = "outputTokens",
        pub(super) total: Count = "totalTokens",
        pub(super) cache_read: Count = "cacheReadInputTokens",
        pub(super) cache_write: Count = "cacheWriteInputTokens",
        pub(super) cache_details: Vec<CacheDetail<'a>> = "cacheDetails",
        // Older names of the same two counts, which the service still sends beside them.
        pub(super) cache_read_count: Count = "cacheReadInputTokenCount",
        pub(super) cache_write_count: Count = "cacheWriteInputTokenCount",
    }
}

wire_object! {
    /// What was written to the cache for one lifetime.
    pub(super) light struct CacheDetail<'a> {
        pub(super) ttl: Text<'a> = "ttl",
        pub(super) input: Count = "inputTokens",
    }
}

wire_object! {
    /// The fields of the model's own that are understood in an answer.
    pub(super) light struct AdditionalAnswer<'a> {
        pub(super) stop_sequence: Text<'a> = "stop_sequence",
    }
}

wire_object! {
    /// The payload of any of a stream's events.
    pub(super) light struct Data<'a> {
        pub(super) index: u64 = "contentBlockIndex",
        pub(super) start: Start<'a> = "start",
        pub(super) delta: Delta<'a> = "delta",
        pub(super) stop_reason: Text<'a> = "stopReason",
        pub(super) additional: &'a RawValue = "additionalModelResponseFields",
        pub(super) usage: Usage<'a> = "usage",
        pub(super) trace: &'a RawValue = "trace",
        // Letters without meaning, so that nobody can tell a text by its length.
        pub(super) padding: Text<'a> = "p",
    }
}

wire_object! {
    /// How a block begins: a union.
    pub(super) struct Start<'a> {
        pub(super) tool_use: ToolUse<'a> = "toolUse",
    }
}

wire_object! {
    /// What is added to a block: a union.
    pub(super) struct Delta<'a> {
        pub(super) text: Text<'a> = "text",
        pub(super) reasoning: ReasoningDelta<'a> = "reasoningContent",
        pub(super) tool_use: ToolUseDelta<'a> = "toolUse",
        pub(super) citation: &'a RawValue = "citation",
    }
}

wire_object! {
    /// What is added to reasoning: a union.
    pub(super) light struct ReasoningDelta<'a> {
        pub(super) text: Text<'a> = "text",
        pub(super) signature: Text<'a> = "signature",
        pub(super) redacted: Text<'a> = "redactedContent",
    }
}

wire_object! {
    /// What is added to a call's arguments.
    pub(super) light struct ToolUseDelta<'a> {
        pub(super) input: Text<'a> = "input",
    }
}
