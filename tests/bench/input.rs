//! What is translated: one conversation, in every dialect by its own encoder.

use serde_json::json;
use tollgate::dialect::lane::{self, AnswerPlan, Ask, Edit};
use tollgate::dialect::{Call, Dialect};
use tollgate::provider::Quirks;

/// A pair of dialects.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lane {
    pub(crate) client: Dialect,
    pub(crate) provider: Dialect,
}

/// All pairs that can speak of a conversation with tools: a completion of one prompt cannot.
pub(crate) fn lanes() -> Vec<Lane> {
    let all = Dialect::ALL.iter().copied().filter(|dialect| !request(*dialect, 256).is_empty());
    let all: Vec<Dialect> = all.collect();
    all.iter()
        .flat_map(|client| all.iter().map(|provider| Lane { client: *client, provider: *provider }))
        .collect()
}

pub(crate) const ASK: Ask<'_> = Ask::new("upstream-model", &Quirks::OPENAI);

/// 0.25 KB of prose with an escape in it.
pub(crate) const WORDS: &str = "The harbour was quiet when the ferry came in, and two men stood at the end of the \
pier to watch it turn, slowly, against the wind, until its stern pointed at the old \"customs house\".\nNobody had \
bought a ticket for the morning crossing in weeks. ";

/// Chunks of a stream between its first and its last.
pub(crate) const CHUNKS: usize = 100;

/// What a client's path says where its dialect has the model there.
pub(crate) fn call(client: Dialect) -> Call {
    let shape = client.shape();
    Call {
        model: shape.model_in_path.then(|| "public-model".to_owned()),
        stream: shape.stream_in_path.then_some(false),
        ..Call::chat(client)
    }
}

/// A request of about `size` bytes: instructions, a tool, and turns of prose with a tool's call and result among them.
/// Empty for a dialect that cannot say it.
pub(crate) fn request(client: Dialect, size: usize) -> Vec<u8> {
    let mut messages = vec![json!({"role": "system", "content": "be brief"})];
    let said = |at: usize| json!({"role": (if at.is_multiple_of(2) { "user" } else { "assistant" }), "content": WORDS});
    messages.extend((0..size / (WORDS.len() + 40)).map(said));
    messages.push(json!({"role": "user", "content": "weather?"}));
    messages.push(json!({"role": "assistant", "content": null, "tool_calls": [
        {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": "{\"city\":\"Oslo\"}"}}]}));
    messages.push(json!({"role": "tool", "tool_call_id": "call_1", "content": "rain"}));
    let parameters =
        json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]});
    let body = json!({
        "model": "public-model", "max_tokens": 100, "temperature": 0.5, "messages": messages,
        "tools": [{"type": "function", "function": {"name": "weather", "description": "Weather", "parameters": parameters}}],
    });
    let body = body.to_string().into_bytes();
    if client == Dialect::OpenaiChat {
        return body;
    }
    match lane::request(&Call::chat(Dialect::OpenaiChat), client, &body, &ASK).map(|outgoing| outgoing.edit) {
        Ok(Edit::Replace(body)) => body,
        _ => Vec::new(),
    }
}

fn openai_answer(text: &str) -> Vec<u8> {
    let body = json!({
        "id": "c1", "object": "chat.completion", "created": 7, "model": "m",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14},
    });
    body.to_string().into_bytes()
}

/// An answer of 1 KB.
pub(crate) fn answer(provider: Dialect) -> Vec<u8> {
    let body = openai_answer(&WORDS.repeat(4));
    let plan = AnswerPlan::new(provider, Dialect::OpenaiChat, false, true);
    lane::answer(&plan, &body).expect("the answer is good").body.unwrap_or(body)
}

/// A stream, an event a chunk: [`CHUNKS`] with a few letters each, and what is before and after them.
pub(crate) fn stream(provider: Dialect) -> Vec<Vec<u8>> {
    let mut events = vec![json!({"role": "assistant", "content": ""})];
    events.extend((0..CHUNKS).map(|_| json!({"content": " word"})));
    let chunk = |delta: &serde_json::Value, finish: Option<&str>| {
        let chunk = json!({"id": "c1", "object": "chat.completion.chunk", "created": 7, "model": "m",
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]});
        format!("data: {chunk}\n\n").into_bytes()
    };
    let mut chunks: Vec<Vec<u8>> = events.iter().map(|delta| chunk(delta, None)).collect();
    chunks.push(chunk(&json!({}), Some("stop")));
    chunks.push(b"data: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":7,\"model\":\"m\",\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":100,\"total_tokens\":109}}\n\n".to_vec());
    chunks.push(b"data: [DONE]\n\n".to_vec());
    if provider == Dialect::OpenaiChat {
        return chunks;
    }
    let plan = AnswerPlan::new(provider, Dialect::OpenaiChat, true, true);
    let mut stream = lane::Stream::new(&plan);
    let mut translated = Vec::new();
    for chunk in &chunks {
        let mut out = Vec::new();
        stream.push(chunk, &mut out);
        translated.push(out);
    }
    let mut out = Vec::new();
    stream.end(&mut out);
    translated.push(out);
    translated.retain(|chunk| !chunk.is_empty());
    translated
}
