//! The input tokens of a whole request: its words, what frames them, its tools and pictures.

use super::{Counter, Tokenizer, image};
use crate::chat::{
    Arguments, ChatRequest, Document, Message, Part, PartKind, ResponseFormat, Source, Text, Tool, ToolKind,
};

/// What stands around the words, in tokens.
#[derive(Debug, Clone, Copy)]
struct Frame {
    /// Before the first message and where the answer begins.
    request: u64,
    /// Around a message.
    message: u64,
    /// The instructions to use tools, once.
    tools: u64,
    /// Around a tool.
    tool: u64,
    /// What a schema takes, in percent of its JSON.
    schema: u64,
}

/// A page of a PDF and a second of sound are not seen from here: a document in bytes is taken for one token per
/// this many bytes of its file, which is about a page of text and its picture in 50 KB.
const DOCUMENT_BYTES: u64 = 25;
/// Sound at 32 tokens a second (Google) and about 4,000 bytes a second of MP3.
const AUDIO_BYTES: u64 = 125;

/// The input tokens of a request, as its provider would count them; an estimate.
pub fn from_request(request: &ChatRequest<'_>, tokenizer: Tokenizer) -> u64 {
    let frame = frame(tokenizer);
    let mut counter = Counter::new(tokenizer);
    counter.add(frame.request);
    for message in &request.messages {
        take_message(&mut counter, message);
        counter.add(frame.message);
    }
    if !request.tools.is_empty() {
        counter.add(frame.tools);
    }
    for tool in &request.tools {
        take_tool(&mut counter, tool, frame);
        counter.add(frame.tool);
    }
    if let Some(ResponseFormat::JsonSchema(schema)) = &request.response_format {
        take_raw(&mut counter, schema.schema.as_str());
    }
    counter.tokens()
}

/// The frames. Messages: OpenAI's cookbook on counting tokens (3 a message and 3 for the answer). Tools: a fit of what
/// providers counted for recorded requests.
fn frame(tokenizer: Tokenizer) -> Frame {
    match tokenizer {
        // A page of instructions on how to call tools.
        Tokenizer::Claude => Frame { request: 3, message: 4, tools: 500, tool: 0, schema: 154 },
        Tokenizer::Gemini => Frame { request: 0, message: 1, tools: 0, tool: 0, schema: 135 },
        Tokenizer::Deepseek => Frame { request: 3, message: 4, tools: 200, tool: 50, schema: 70 },
        Tokenizer::Llama | Tokenizer::Qwen => {
            Frame { request: 3, message: 4, tools: 60, tool: 20, schema: 100 }
        }
        // Schemas become type declarations; the guess for models that are not known, too.
        Tokenizer::O200k | Tokenizer::Cl100k => {
            Frame { request: 3, message: 4, tools: 30, tool: 5, schema: 75 }
        }
    }
}

fn take_message(counter: &mut Counter, message: &Message<'_>) {
    if let Some(name) = &message.name {
        take(counter, name);
    }
    for part in &message.parts {
        take_part(counter, part, 0);
    }
}

fn take_part(counter: &mut Counter, part: &Part<'_>, depth: u8) {
    match &part.kind {
        PartKind::Text(text) | PartKind::Refusal(text) | PartKind::RedactedThinking(text) => {
            take(counter, text);
        }
        PartKind::Thinking(thinking) => take(counter, &thinking.text),
        PartKind::Image { source, detail } => {
            let is_low = detail.as_ref().is_some_and(|detail| *detail == "low");
            let data = match source {
                Source::Base64 { data, .. } => Some(data.to_str()),
                _ => None,
            };
            counter.add(image::tokens(counter.tokenizer(), data.as_deref(), is_low));
        }
        PartKind::Audio { source, .. } => counter.add(bytes_of(source) / AUDIO_BYTES),
        PartKind::Document(document) => take_document(counter, document),
        PartKind::SearchResult(found) => {
            for text in [&found.title, &found.source].into_iter().chain(&found.pieces) {
                take(counter, text);
            }
        }
        PartKind::ToolCall(call) => {
            take(counter, &call.name);
            match &call.arguments {
                Arguments::Json(json) => take_raw(counter, json.as_str()),
                Arguments::Text(text) | Arguments::Input(text) => take(counter, text),
            }
        }
        PartKind::ToolResult(result) => {
            // A result holds parts, but no results.
            for part in result.content.iter().filter(|_| depth == 0) {
                take_part(counter, part, depth + 1);
            }
        }
        PartKind::Other(opaque) => take_raw(counter, opaque.json.as_str()),
    }
}

fn take_document(counter: &mut Counter, document: &Document<'_>) {
    for words in [&document.title, &document.context].into_iter().flatten() {
        take(counter, words);
    }
    match &document.source {
        Source::Text(text) => take(counter, text),
        Source::Pieces(pieces) => pieces.iter().for_each(|piece| take(counter, piece)),
        source => counter.add(bytes_of(source) / DOCUMENT_BYTES),
    }
}

/// Bytes of what is sent within the request; what is elsewhere has a size that nobody here knows.
fn bytes_of(source: &Source<'_>) -> u64 {
    match source {
        Source::Base64 { data, .. } => u64::try_from(data.len()).unwrap_or(u64::MAX) / 4 * 3,
        _ => 0,
    }
}

fn take_tool(counter: &mut Counter, tool: &Tool<'_>, frame: Frame) {
    match &tool.kind {
        ToolKind::Function(function) => {
            take(counter, &function.name);
            if let Some(description) = &function.description {
                take(counter, description);
            }
            if let Some(parameters) = &function.parameters {
                counter.add_percent(parameters.as_str().as_bytes(), frame.schema);
            }
        }
        ToolKind::Custom(custom) => {
            take(counter, &custom.name);
            let definition = custom.grammar.as_ref().map(|grammar| &grammar.definition);
            for text in [custom.description.as_ref(), definition].into_iter().flatten() {
                take(counter, text);
            }
        }
        // What the provider tells the model of its own search nobody else knows.
        ToolKind::Search(_) => {}
        ToolKind::Other(opaque) => take_raw(counter, opaque.json.as_str()),
    }
}

fn take(counter: &mut Counter, text: &Text<'_>) {
    counter.push_text(text);
    counter.pause();
}

fn take_raw(counter: &mut Counter, json: &str) {
    counter.push(json.as_bytes());
    counter.pause();
}
