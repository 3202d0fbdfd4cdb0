//! Ollama's `/api/embed` and the older `/api/embeddings`, as `docs/api.md` of its repository describes them.

use super::{Elements, EmbedRequest, EmbedResponse, Format, Input, Plan, Truncate, Vector, malformed};
use crate::chat::{Failure, Losses, Text, Usage};
use crate::dialect::lane::{Ask, read_failure, with_params};
use crate::wire::json::{Count, TextOr, object, parse, wire_object};
use serde_json::value::RawValue;

wire_object! {
    /// The body of a request, of either endpoint.
    struct RequestWire<'a> {
        model: Text<'a> = "model",
        input: TextOr<'a, Vec<Text<'a>>> = "input",
        prompt: Text<'a> = "prompt",
        truncate: bool = "truncate",
        dimensions: u64 = "dimensions",
    }
}

/// Reads a client's request.
pub(super) fn decode_request(body: &[u8]) -> Result<EmbedRequest<'_>, Failure> {
    let wire: RequestWire<'_> = parse(body)?;
    let mut request = EmbedRequest::new(Format::Ollama);
    match wire.input {
        Some(TextOr::Text(text)) => {
            request.inputs.push(Input::text(text));
            request.is_single = true;
        }
        Some(TextOr::Other(texts)) => request.inputs.extend(texts.into_iter().map(Input::text)),
        None => {}
    }
    if request.inputs.is_empty() {
        return Err(request.no_input());
    }
    request.model = wire.model.unwrap_or_default();
    request.dimensions = wire.dimensions;
    // To cut what is too long is what Ollama does unasked.
    request.truncate = (wire.truncate == Some(false)).then_some(Truncate::No);
    request.extra = wire.extra;
    forget_empty_options(&mut request);
    Ok(request)
}

/// Reads a client's request of the older form.
pub(super) fn decode_prompt(body: &[u8]) -> Result<EmbedRequest<'_>, Failure> {
    let wire: RequestWire<'_> = parse(body)?;
    let prompt = wire.prompt.ok_or_else(|| Failure::field("prompt", "prompt: a prompt is required"))?;
    let mut request = EmbedRequest::new(Format::OllamaPrompt);
    request.model = wire.model.unwrap_or_default();
    request.inputs.push(Input::text(prompt));
    request.is_single = true;
    request.extra = wire.extra;
    forget_empty_options(&mut request);
    Ok(request)
}

/// Its own client always sends `options`, mostly empty.
fn forget_empty_options(request: &mut EmbedRequest<'_>) {
    request.extra.retain(|(name, value)| !(name == "options" && value.get() == "{}"));
}

/// Writes a provider's request.
pub(super) fn encode_request(
    request: &EmbedRequest<'_>,
    ask: &Ask<'_>,
    losses: &mut Losses,
) -> Result<Vec<u8>, Failure> {
    let texts = request.texts(losses)?;
    prepare(request, losses)?;
    let mut body = Vec::with_capacity(256);
    object(&mut body, |o| {
        o.str("model", ask.model);
        match texts.as_slice() {
            [one] if request.is_single => o.text("input", one),
            all => o.array("input", |list| all.iter().for_each(|text| list.text(text))),
        }
        match request.truncate {
            Some(Truncate::No) => o.bool("truncate", false),
            Some(Truncate::End) => o.bool("truncate", true),
            Some(Truncate::Start) => request.lose(request.names().truncate, true, losses)?,
            None => {}
        }
        if let Some(dimensions) = request.dimensions {
            o.u64("dimensions", dimensions);
        }
        if is_own(request) {
            o.extra(&request.extra);
        }
        Ok::<_, Failure>(())
    })?;
    Ok(with_params(body, ask))
}

/// Writes a provider's request of the older form.
pub(super) fn encode_prompt(
    request: &EmbedRequest<'_>,
    ask: &Ask<'_>,
    losses: &mut Losses,
) -> Result<Vec<u8>, Failure> {
    let text = request.only_text(losses)?;
    prepare(request, losses)?;
    request.lose(request.names().dimensions, request.dimensions.is_some(), losses)?;
    request.lose(request.names().truncate, request.truncate.is_some(), losses)?;
    let mut body = Vec::with_capacity(256);
    object(&mut body, |o| {
        o.str("model", ask.model);
        o.text("prompt", &text);
        if is_own(request) {
            o.extra(&request.extra);
        }
    });
    Ok(with_params(body, ask))
}

fn is_own(request: &EmbedRequest<'_>) -> bool {
    matches!(request.origin, Format::Ollama | Format::OllamaPrompt)
}

fn prepare(request: &EmbedRequest<'_>, losses: &mut Losses) -> Result<(), Failure> {
    request.only_elements(&[Elements::Float], losses)?;
    request.lose_purpose("has no counterpart at Ollama", losses)?;
    request.lose(request.names().max_tokens, request.max_tokens.is_some(), losses)?;
    if is_own(request) { Ok(()) } else { request.lose_rest(losses) }
}

wire_object! {
    /// The body of an answer, of either endpoint.
    struct ResponseWire<'a> {
        model: Text<'a> = "model",
        embeddings: Vec<&'a RawValue> = "embeddings",
        embedding: &'a RawValue = "embedding",
        prompt_eval_count: Count = "prompt_eval_count",
        error: &'a RawValue = "error",
    }
}

/// Reads a provider's answer.
pub(super) fn decode_response(body: &[u8]) -> Result<EmbedResponse<'_>, Failure> {
    let wire: ResponseWire<'_> = parse(body).map_err(|error| malformed(&error.to_string()))?;
    if wire.error.is_some() {
        return Err(read_failure(200, body));
    }
    let found = wire.embeddings.unwrap_or_default().into_iter().chain(wire.embedding);
    let vectors = found.map(Vector::of).collect::<Result<Vec<_>, _>>()?;
    // There are none of an input that is empty; whether it was is for the lane to know.
    Ok(EmbedResponse {
        model: wire.model.unwrap_or_default(),
        usage: Usage { input: Count::of(wire.prompt_eval_count), ..Usage::default() },
        extra: wire.extra,
        ..EmbedResponse::floats(vectors)
    })
}

/// Writes a client's answer.
pub(super) fn encode_response(response: &EmbedResponse<'_>, plan: &Plan) -> Result<Vec<u8>, Failure> {
    let set = response.set(Elements::Float)?;
    let mut body = Vec::with_capacity(1024);
    object(&mut body, |o| {
        o.text("model", response.model.or(&Text::from(plan.model.as_str())));
        o.array("embeddings", |list| {
            set.vectors.iter().try_for_each(|vector| vector.write_numbers(set.elements, list.item()))
        })?;
        if let Some(input) = response.usage.input {
            o.u64("prompt_eval_count", input);
        }
        Ok::<_, Failure>(())
    })?;
    Ok(body)
}

/// Writes a client's answer of the older form.
pub(super) fn encode_prompt_response(response: &EmbedResponse<'_>) -> Result<Vec<u8>, Failure> {
    let set = response.set(Elements::Float)?;
    let vector = set.vectors.first().ok_or_else(|| malformed("it holds no embeddings"))?;
    let mut body = Vec::with_capacity(1024);
    object(&mut body, |o| vector.write_numbers(set.elements, o.key("embedding")))?;
    Ok(body)
}
