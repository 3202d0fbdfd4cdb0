//! A client's request becomes the hub's.

use super::search::MOST_CALLS;
use super::{input, option, wire};
use crate::chat::{ChatRequest, Failure, Message, Part, Place, Role, Text};
use crate::dialect::Dialect;
use crate::dialect::openai_chat::SAFETY;
use crate::wire::json::{TextOr, object, parse};
use serde_json::value::RawValue;

/// Reads a client's request.
///
/// What only a provider of this dialect can do, because it keeps answers and conversations, is refused for every
/// other one ([`ChatRequest::own_only`]). `store` asks for nothing that a client would miss: it is on unless said
/// otherwise, and the answer says that nothing was stored.
///
/// # Errors
/// 400 that names the field.
pub fn decode_request(body: &[u8]) -> Result<ChatRequest<'_>, Failure> {
    let mut wire: wire::Request<'_> = parse(body)?;
    let mut request = ChatRequest::new(Dialect::OpenaiResponses);
    request.echo = Some(echo(&wire));
    request.model = wire.model.take().unwrap_or_default();
    request.extra = std::mem::take(&mut wire.extra);
    stateful(&mut request, &wire);
    if let Some(instructions) = wire.instructions.take() {
        let mut message = Message::new(Role::System, Place::Instructions);
        message.parts.push(Part::text(instructions));
        request.messages.push(message);
    }
    match wire.input.take() {
        // A stored prompt or conversation can be all there is to say.
        None if request.own_only.is_some() => {}
        None => return Err(Failure::field("input", "input is required")),
        Some(TextOr::Text(text)) => {
            let mut message = Message::new(Role::User, Place::Input(0));
            message.parts.push(Part::text(text));
            request.messages.push(message);
        }
        Some(TextOr::Other(items)) => input::decode(&mut request, items)?,
    }
    for (index, tool) in wire.tools.take().unwrap_or_default().into_iter().enumerate() {
        request.tools.push(option::tool(tool, index)?);
    }
    request.tool_choice = wire.tool_choice.map(option::tool_choice).transpose()?;
    request.parallel_tool_calls = wire.parallel_tool_calls;
    request.max_tokens = wire.max_output_tokens;
    request.temperature = wire.temperature;
    request.top_p = wire.top_p;
    request.top_logprobs = wire.top_logprobs;
    request.user = wire.user.or(wire.safety_identifier).and_then(Text::from_raw);
    request.service_tier = wire.service_tier.take();
    request.stream = wire.stream.unwrap_or(false);
    // The usage of a stream comes unasked.
    request.include_usage = Some(true);
    if let Some(raw) = wire.text {
        option::text(&mut request, raw)?;
    }
    if let Some(raw) = wire.reasoning {
        option::reasoning(&mut request, raw)?;
    }
    if let Some(raw) = wire.include {
        option::include(&mut request, raw)?;
    }
    // What this dialect writes back as it came, and no other one misses: said above in the hub's words, or without
    // any bearing on the answer.
    for (name, value) in [
        ("own.text", wire.text),
        ("own.tool_choice", wire.tool_choice),
        ("own.reasoning", wire.reasoning),
        // Labels of what is stored; the answer repeats them.
        ("own.metadata", wire.metadata),
        ("own.user", wire.user),
        // Two names for who asks, of which other dialects know one.
        (if wire.user.is_some() { SAFETY[0] } else { SAFETY[1] }, wire.safety_identifier),
        ("own.store", wire.store),
        ("own.background", wire.background),
        ("own.previous_response_id", wire.previous_response_id),
        ("own.conversation", wire.conversation),
        ("own.prompt", wire.prompt),
    ] {
        if let Some(value) = value {
            request.extra.push((name.into(), value));
        }
    }
    if let Some(truncation) = wire.truncation {
        let name = if truncation.get() == "\"disabled\"" { "own.truncation" } else { "truncation" };
        request.extra.push((name.into(), truncation));
    }
    for (name, _) in &mut request.extra {
        if HINTS.contains(&&**name) {
            *name = format!("own.{name}").into();
        }
    }
    Ok(request)
}

/// Fields without any bearing on what an answer says: where its prompt is cached, how its stream is padded, how often
/// the provider's own tools may run.
const HINTS: [&str; 5] =
    ["prompt_cache_key", "prompt_cache_retention", "prompt_cache_options", "stream_options", MOST_CALLS];

/// Notes what only a provider that keeps answers can do.
fn stateful(request: &mut ChatRequest<'_>, wire: &wire::Request<'_>) {
    const KEEPS: &str = "which the provider of this model does not keep";
    let background = wire.background.filter(|background| background.get() != "false");
    for (field, value, why) in [
        (
            "previous_response_id",
            wire.previous_response_id,
            format!("builds on a stored response, {KEEPS}; send the conversation as input items instead"),
        ),
        (
            "conversation",
            wire.conversation,
            format!("builds on a stored conversation, {KEEPS}; send it as input items instead"),
        ),
        ("prompt", wire.prompt, format!("names a stored prompt, {KEEPS}; send its text instead")),
        (
            "background",
            background,
            format!("asks for an answer to be fetched later, {KEEPS}; ask for a stream instead"),
        ),
    ] {
        if value.is_some() && request.own_only.is_none() {
            request.own_only = Some(Failure::unsupported(field, format!("{field} {why}")));
        }
    }
}

/// The members of the request that every answer repeats, with what they are where nothing was said.
fn echo(wire: &wire::Request<'_>) -> String {
    let extra = |name: &str| wire.extra.iter().find(|(key, _)| key == name).map(|(_, value)| *value);
    let mut out = Vec::with_capacity(512);
    object(&mut out, |o| {
        match &wire.instructions {
            Some(instructions) => o.text("instructions", instructions),
            None => o.null("instructions"),
        }
        let mut member = |name: &str, value: Option<&RawValue>, unsaid: &str| {
            o.key(name).extend_from_slice(value.map_or(unsaid, RawValue::get).as_bytes());
        };
        member("background", None, "false");
        member("previous_response_id", None, "null");
        // Whatever was asked for, the gateway keeps nothing.
        member("store", None, "false");
        member("metadata", wire.metadata, "{}");
        member(MOST_CALLS, extra(MOST_CALLS), "null");
        member("prompt_cache_key", extra("prompt_cache_key"), "null");
        member("reasoning", wire.reasoning, r#"{"effort":null,"summary":null}"#);
        member("safety_identifier", wire.safety_identifier, "null");
        member("text", wire.text, r#"{"format":{"type":"text"}}"#);
        member("tool_choice", wire.tool_choice, "\"auto\"");
        member("truncation", wire.truncation, "\"disabled\"");
        member("user", wire.user, "null");
        o.array("tools", |list| wire.tools.iter().flatten().for_each(|tool| list.raw(tool)));
        o.bool("parallel_tool_calls", wire.parallel_tool_calls.unwrap_or(true));
        o.f64("temperature", wire.temperature.unwrap_or(1.0));
        o.f64("top_p", wire.top_p.unwrap_or(1.0));
        o.u64("top_logprobs", wire.top_logprobs.unwrap_or(0));
        match wire.max_output_tokens {
            Some(most) => o.u64("max_output_tokens", most),
            None => o.null("max_output_tokens"),
        }
    });
    let text = String::from_utf8(out).unwrap_or_default();
    text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap_or_default().to_owned()
}
