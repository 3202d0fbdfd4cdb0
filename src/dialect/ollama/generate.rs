//! `POST /api/generate`: one prompt, one answer.
//!
//! As a client's request it is a conversation of one turn; what only this endpoint can say (`template`, `raw`,
//! `context`) is lost elsewhere, and `suffix` everywhere but in text completions. As a provider's it takes a conversation only if that has one turn.

use super::request::{Settings, picture, settings, write_settings, write_texts};
use super::wire::Generate;
use super::{WHY, response};
use crate::chat::{
    ChatRequest, ChatResponse, Failure, Losses, Message, Part, PartKind, Place, Role, Source, Text,
};
use crate::dialect::lane::{Ask, Encoded, with_params};
use crate::dialect::{Dialect, Shape, Takes};
use crate::wire::json::{object, parse};

pub use super::{StreamDecoder, StreamEncoder, encode_response, write_failure, write_failure_event};

/// See [`Shape`].
pub const SHAPE: Shape = Shape { takes: &[Takes::Suffix], ..super::SHAPE };

/// Reads a request.
///
/// # Errors
/// 400, which names the field.
pub fn decode_request(body: &[u8]) -> Result<ChatRequest<'_>, Failure> {
    let wire: Generate<'_> = parse(body)?;
    let mut request = ChatRequest::new(Dialect::OllamaGenerate);
    request.extra = wire.extra;
    // `raw: false` is the default; old clients say it always.
    request.extra.retain(|(name, value)| !(name == "raw" && value.get() == "false"));
    request.model = wire.model.unwrap_or_default();
    if let Some(system) = wire.system.filter(|text| !text.is_empty()) {
        let mut message = Message::new(Role::System, Place::System);
        message.parts.push(Part::text(system));
        request.messages.push(message);
    }
    let mut message = Message::new(Role::User, Place::Message(0));
    message.parts.extend(wire.prompt.filter(|text| !text.is_empty()).map(Part::text));
    message.parts.extend(wire.images.unwrap_or_default().into_iter().map(picture));
    request.messages.push(message);
    request.suffix = wire.suffix.filter(|text| !text.is_empty());
    request.stream = wire.stream.unwrap_or(true);
    let said = Settings {
        options: wire.options,
        format: wire.format,
        think: wire.think,
        logprobs: wire.logprobs,
        top_logprobs: wire.top_logprobs,
    };
    settings(said, &mut request)?;
    Ok(request)
}

/// Writes a request for an Ollama server.
///
/// # Errors
/// 400 when the conversation has more than one turn, offers tools, or holds what would be lost and must not be.
pub fn encode_request(
    request: &ChatRequest<'_>,
    ask: &Ask<'_>,
    losses: &mut Losses,
) -> Result<Encoded, Failure> {
    let own = request.origin == Dialect::OllamaGenerate;
    let (system, turns): (Vec<_>, Vec<_>) = request.messages.iter().partition(|m| m.role.is_system());
    let [turn] = turns.as_slice() else {
        return Err(Failure::field("messages", "messages: Ollama's generate takes one user message"));
    };
    if turn.role != Role::User {
        return Err(Failure::field("messages", "messages: Ollama's generate takes one user message"));
    }
    if !request.tools.is_empty() {
        losses.lost("tools", "are not supported by Ollama's generate")?;
    }
    let mut texts: [Vec<&Text<'_>>; 2] = [Vec::new(), Vec::new()];
    let mut pictures: Vec<&Text<'_>> = Vec::new();
    let [instructions, prompt] = &mut texts;
    for message in system {
        gather(message, instructions, &mut pictures, losses)?;
    }
    gather(turn, prompt, &mut pictures, losses)?;
    let mut out = Vec::with_capacity(1024);
    object(&mut out, |body| {
        body.str("model", ask.model);
        write_texts("prompt", prompt, body);
        if let Some(suffix) = &request.suffix {
            body.text("suffix", suffix);
        }
        if !instructions.is_empty() {
            write_texts("system", instructions, body);
        }
        if !pictures.is_empty() {
            body.array("images", |list| pictures.iter().for_each(|data| list.text(data)));
        }
        write_settings(request, ask, own, losses, body)
    })?;
    Ok(Encoded { body: with_params(out, ask), json_tool: false })
}

fn gather<'m>(
    message: &'m Message<'m>,
    texts: &mut Vec<&'m Text<'m>>,
    pictures: &mut Vec<&'m Text<'m>>,
    losses: &mut Losses,
) -> Result<(), Failure> {
    for part in &message.parts {
        match &part.kind {
            PartKind::Text(text) => texts.push(text),
            PartKind::Image { source: Source::Base64 { data, .. }, .. } => pictures.push(data),
            _ => {
                losses
                    .lost(&message.place.to_string(), &format!("what is neither text nor picture {WHY}"))?;
            }
        }
    }
    Ok(())
}

/// Reads an answer.
///
/// # Errors
/// 502 when it is empty, malformed or no answer; what it says when it is an error in a 200.
pub fn decode_response(body: &[u8]) -> Result<ChatResponse<'_>, Failure> {
    response::decode_response_of(Dialect::OllamaGenerate, body)
}
