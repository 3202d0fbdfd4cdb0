//! Vertex AI's `:predict` for embeddings, as the reference of its text embeddings API describes it. As a provider only.

use super::purpose::Said;
use super::{Elements, EmbedRequest, EmbedResponse, Truncate, Vector, Words, malformed};
use crate::chat::{Failure, Losses, Text, Usage};
use crate::dialect::lane::{Ask, read_failure, with_params};
use crate::wire::json::{Count, object, parse, wire_object};
use serde_json::value::RawValue;

/// Writes a provider's request.
pub(super) fn encode_request(
    request: &EmbedRequest<'_>,
    ask: &Ask<'_>,
    losses: &mut Losses,
) -> Result<Vec<u8>, Failure> {
    request.only_elements(&[Elements::Float], losses)?;
    let mut texts: Vec<Text<'_>> = Vec::with_capacity(request.inputs.len());
    for input in &request.inputs {
        // The title is known here, so that it is not lost with the texts.
        let bare = EmbedRequest {
            inputs: vec![super::Input { title: None, ..input.clone() }],
            ..EmbedRequest::new(request.origin)
        };
        texts.append(&mut bare.texts(losses)?);
    }
    if texts.is_empty() {
        return Err(request.no_input());
    }
    request.lose(request.names().truncate, request.truncate == Some(Truncate::Start), losses)?;
    request.lose(request.names().max_tokens, request.max_tokens.is_some(), losses)?;
    request.lose_rest(losses)?;
    let task = match request.purpose.as_ref().map(|purpose| purpose.say(Words::Gemini)) {
        Some(Said::Exactly(word) | Said::Nearly(word)) => Some(word),
        Some(Said::Never) => {
            request.lose_purpose("has no counterpart in Vertex's task types", losses)?;
            None
        }
        None => None,
    };
    let mut body = Vec::with_capacity(512);
    object(&mut body, |o| {
        o.array("instances", |list| {
            for (text, input) in texts.iter().zip(&request.inputs) {
                list.object(|one| {
                    one.text("content", text);
                    if let Some(task) = task {
                        one.word("task_type", task);
                    }
                    if let Some(title) = &input.title {
                        one.text("title", title);
                    }
                });
            }
        });
        let cut = request.truncate.map(|truncate| truncate != Truncate::No);
        if request.dimensions.is_some() || cut.is_some() {
            o.object("parameters", |parameters| {
                if let Some(dimensions) = request.dimensions {
                    parameters.u64("outputDimensionality", dimensions);
                }
                if let Some(cut) = cut {
                    parameters.bool("autoTruncate", cut);
                }
            });
        }
    });
    Ok(with_params(body, ask))
}

wire_object! {
    /// The body of an answer.
    struct ResponseWire<'a> {
        predictions: Vec<PredictionWire<'a>> = "predictions",
        error: &'a RawValue = "error",
    }
}

wire_object! {
    /// One of its vectors.
    light struct PredictionWire<'a> {
        embeddings: EmbeddingsWire<'a> = "embeddings",
    }
}

wire_object! {
    /// The vector itself.
    light struct EmbeddingsWire<'a> {
        values: &'a RawValue = "values",
        statistics: StatisticsWire<'a> = "statistics",
    }
}

wire_object! {
    /// What it took.
    light struct StatisticsWire<'a> {
        token_count: Count = "token_count",
        truncated: &'a RawValue = "truncated",
    }
}

/// Reads a provider's answer.
pub(super) fn decode_response(body: &[u8]) -> Result<EmbedResponse<'_>, Failure> {
    let wire: ResponseWire<'_> = parse(body).map_err(|error| malformed(&error.to_string()))?;
    if wire.error.is_some() {
        return Err(read_failure(200, body));
    }
    let mut vectors = Vec::new();
    let mut input = Some(0_u64);
    for prediction in wire.predictions.unwrap_or_default() {
        let embeddings = prediction.embeddings.unwrap_or_default();
        let count = embeddings.statistics.and_then(|statistics| Count::of(statistics.token_count));
        // A sum with a gap in it is no sum.
        input = input.zip(count).and_then(|(sum, count)| sum.checked_add(count));
        vectors
            .push(Vector::of(embeddings.values.ok_or_else(|| malformed("an embedding holds no values"))?)?);
    }
    if vectors.is_empty() {
        return Err(malformed("it holds no embeddings"));
    }
    Ok(EmbedResponse {
        usage: Usage { input, ..Usage::default() },
        extra: wire.extra,
        ..EmbedResponse::floats(vectors)
    })
}
