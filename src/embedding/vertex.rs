//! Vertex AI's `:predict` for embeddings, as the reference of its text embeddings API describes it. Its `:embedContent`
//! is Gemini's, with the settings in another place.

use super::purpose::Said;
use super::{
    Elements, EmbedRequest, EmbedResponse, Format, Input, Purpose, Truncate, Vector, Words, malformed,
};
use crate::chat::{Failure, Losses, Text, Usage};
use crate::dialect::lane::{Ask, read_failure, with_params};
use crate::wire::json::{Count, object, parse, wire_object};
use serde_json::value::RawValue;

/// Whether a model is asked by `:predict`: all are that were there before `:embedContent`.
pub(super) fn predicts(model: &str) -> bool {
    !embeds(model) || ["gemini-embedding-001", "gemini-embedding-exp"].iter().any(|old| model.contains(old))
}

/// Whether a model is asked by `:embedContent`, as Google's own clients decide it.
pub(super) fn embeds(model: &str) -> bool {
    model.contains("gemini") || model.contains("maas")
}

wire_object! {
    /// The body of a request.
    struct RequestWire<'a> {
        instances: Vec<InstanceWire<'a>> = "instances",
        parameters: ParametersWire<'a> = "parameters",
    }
}

wire_object! {
    /// One text.
    struct InstanceWire<'a> {
        content: Text<'a> = "content",
        task_type: Text<'a> = "task_type",
        task_type_camel: Text<'a> = "taskType",
        title: Text<'a> = "title",
    }
}

wire_object! {
    /// What is the same for all texts.
    struct ParametersWire<'a> {
        dimensions: u64 = "outputDimensionality",
        auto_truncate: bool = "autoTruncate",
    }
}

/// Reads a client's request. What the hub says once must be the same for all texts.
pub(super) fn decode_request(body: &[u8]) -> Result<EmbedRequest<'_>, Failure> {
    let wire: RequestWire<'_> = parse(body)?;
    let mut request = EmbedRequest::new(Format::VertexPredict);
    request.extra = wire.extra;
    for (at, one) in wire.instances.unwrap_or_default().into_iter().enumerate() {
        let wrong = |field: &str, why: &str| {
            let field = format!("instances[{at}].{field}");
            let message = format!("{field}: {why}");
            Failure::field(field, message)
        };
        let content = one.content.ok_or_else(|| wrong("content", "a text to embed is required"))?;
        let purpose = one.task_type.or(one.task_type_camel).and_then(Purpose::of_word);
        if at == 0 {
            request.purpose = purpose;
        } else if request.purpose != purpose {
            return Err(wrong("task_type", "this provider needs the same value for all texts of a request"));
        }
        request.inputs.push(Input { title: one.title, ..Input::text(content) });
        request.extra.extend(one.extra);
    }
    if request.inputs.is_empty() {
        return Err(Failure::field("instances", "instances: at least one text is required"));
    }
    let parameters = wire.parameters.unwrap_or_default();
    request.dimensions = parameters.dimensions;
    // To cut what is too long is what is done unasked.
    request.truncate = (parameters.auto_truncate == Some(false)).then_some(Truncate::No);
    request.extra.extend(parameters.extra);
    Ok(request)
}

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

/// Writes a client's answer. How many tokens each of several texts had is not known.
pub(super) fn encode_response(response: &EmbedResponse<'_>) -> Result<Vec<u8>, Failure> {
    let set = response.set(Elements::Float)?;
    let only = set.vectors.len() == 1;
    let mut body = Vec::with_capacity(1024);
    object(&mut body, |o| {
        o.array("predictions", |list| {
            for vector in &set.vectors {
                list.object(|one| {
                    one.object("embeddings", |embeddings| {
                        if let Some(input) = response.usage.input.filter(|_| only) {
                            embeddings.object("statistics", |counts| counts.u64("token_count", input));
                        }
                        vector.write_numbers(set.elements, embeddings.key("values"))
                    })
                })?;
            }
            Ok::<_, Failure>(())
        })
    })?;
    Ok(body)
}
