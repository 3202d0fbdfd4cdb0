//! The dialects' codecs behind one name each: plain functions and enums, chosen by [`Dialect`].

use super::{Dialect, anthropic, openai_chat};
use crate::chat::{ChatRequest, ChatResponse, Event, EventSink, Failure, Losses};
use crate::dialect::lane::{AnswerPlan, Ask, Encoded};

/// Reads a client's request.
///
/// # Errors
/// 400 that names the field.
pub fn decode_request(dialect: Dialect, body: &[u8]) -> Result<ChatRequest<'_>, Failure> {
    match dialect {
        Dialect::OpenaiChat => openai_chat::decode_request(body),
        Dialect::Anthropic => anthropic::decode_request(body),
    }
}

/// Writes a request for a provider.
///
/// # Errors
/// 400 that names what the provider cannot take, where such fields are refused.
pub fn encode_request(
    dialect: Dialect,
    request: &ChatRequest<'_>,
    ask: &Ask<'_>,
    losses: &mut Losses,
) -> Result<Encoded, Failure> {
    match dialect {
        Dialect::OpenaiChat => openai_chat::encode_request(request, ask, losses),
        Dialect::Anthropic => anthropic::encode_request(request, ask, losses),
    }
}

/// Reads a provider's answer.
///
/// # Errors
/// An empty or malformed body, or an error object in place of an answer.
pub fn decode_response(dialect: Dialect, body: &[u8]) -> Result<ChatResponse<'_>, Failure> {
    match dialect {
        Dialect::OpenaiChat => openai_chat::decode_response(body),
        Dialect::Anthropic => anthropic::decode_response(body),
    }
}

/// Writes an answer for the plan's client.
pub fn encode_response(response: &ChatResponse<'_>, plan: &AnswerPlan, losses: &mut Losses) -> Vec<u8> {
    match plan.client {
        Dialect::OpenaiChat => openai_chat::encode_response(response, plan, losses),
        Dialect::Anthropic => anthropic::encode_response(response, plan, losses),
    }
}

/// A provider's stream becomes events.
#[derive(Debug)]
pub enum StreamDecoder {
    /// See [`openai_chat::StreamDecoder`].
    OpenaiChat(openai_chat::StreamDecoder),
    /// See [`anthropic::StreamDecoder`].
    Anthropic(anthropic::StreamDecoder),
}

impl StreamDecoder {
    /// A decoder at the beginning of a stream.
    pub fn new(dialect: Dialect) -> Self {
        match dialect {
            Dialect::OpenaiChat => Self::OpenaiChat(openai_chat::StreamDecoder::new()),
            Dialect::Anthropic => Self::Anthropic(anthropic::StreamDecoder::new()),
        }
    }

    /// Takes the next bytes, however they are cut.
    pub fn push<S: EventSink>(&mut self, chunk: &[u8], sink: &mut S) {
        match self {
            Self::OpenaiChat(decoder) => decoder.push(chunk, sink),
            Self::Anthropic(decoder) => decoder.push(chunk, sink),
        }
    }

    /// The connection was closed.
    pub fn end<S: EventSink>(&mut self, sink: &mut S) {
        match self {
            Self::OpenaiChat(decoder) => decoder.end(sink),
            Self::Anthropic(decoder) => decoder.end(sink),
        }
    }
}

/// Events become a client's stream.
#[derive(Debug)]
pub enum StreamEncoder {
    /// See [`openai_chat::StreamEncoder`].
    OpenaiChat(openai_chat::StreamEncoder),
    /// See [`anthropic::StreamEncoder`].
    Anthropic(anthropic::StreamEncoder),
}

impl StreamEncoder {
    /// An encoder for the plan's client.
    pub fn new(plan: &AnswerPlan) -> Self {
        match plan.client {
            Dialect::OpenaiChat => Self::OpenaiChat(openai_chat::StreamEncoder::new(plan)),
            Dialect::Anthropic => Self::Anthropic(anthropic::StreamEncoder::new(plan)),
        }
    }

    /// Appends what an event is in the client's words.
    pub fn event(&mut self, event: &Event<'_>, out: &mut Vec<u8>) {
        match self {
            Self::OpenaiChat(encoder) => encoder.event(event, out),
            Self::Anthropic(encoder) => encoder.event(event, out),
        }
    }
}
