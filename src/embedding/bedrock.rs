//! Embeddings through Amazon Bedrock's `InvokeModel`, as the model parameters of its user guide describe them: Titan
//! (text and multimodal), Nova and Cohere. As a provider only. Titan and Nova embed one input a request.

use super::purpose::Said;
use super::{
    Elements, EmbedRequest, EmbedResponse, Input, Piece, Truncate, Vector, Words, cohere, malformed,
};
use crate::chat::{Failure, Losses, Source, Usage};
use crate::dialect::lane::{Ask, read_failure, with_params};
use crate::wire::json::{Count, Object, object, parse, wire_object};
use serde_json::value::RawValue;

/// Whose body a model takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    /// `amazon.titan-embed-text-v1` and `amazon.titan-embed-g1-text-02`.
    TitanFirst,
    /// `amazon.titan-embed-text-v2:0`.
    TitanSecond,
    /// `amazon.titan-embed-image-v1`.
    TitanImage,
    /// `amazon.nova-2-multimodal-embeddings-v1:0`.
    Nova,
    /// `cohere.embed-…`.
    Cohere,
}

impl Family {
    /// By the model's id, which may be an ARN or that of an inference profile (`us.cohere.embed-v4:0`).
    fn of(model: &str) -> Option<Self> {
        [
            ("titan-embed-image", Self::TitanImage),
            ("titan-embed-text-v2", Self::TitanSecond),
            ("titan-embed", Self::TitanFirst),
            ("multimodal-embeddings", Self::Nova),
            ("cohere.embed", Self::Cohere),
        ]
        .into_iter()
        .find_map(|(part, family)| model.contains(part).then_some(family))
    }
}

/// Writes a provider's request.
pub(super) fn encode_request(
    request: &EmbedRequest<'_>,
    ask: &Ask<'_>,
    losses: &mut Losses,
) -> Result<Vec<u8>, Failure> {
    let Some(family) = Family::of(ask.model) else {
        let message =
            format!("`{}` is not known as a model of Bedrock that embeds (Titan, Nova, Cohere).", ask.model);
        return Err(Failure::new(400, message));
    };
    if family == Family::Cohere {
        return cohere::encode_request(request, cohere::Maker::Bedrock, ask, losses);
    }
    request.only_elements(&[Elements::Float], losses)?;
    request.lose(request.names().max_tokens, request.max_tokens.is_some(), losses)?;
    request.lose_rest(losses)?;
    let input = request.only_input()?;
    let mut body = Vec::with_capacity(256);
    object(&mut body, |o| match family {
        Family::Nova => nova(o, request, input, losses),
        Family::TitanImage => titan_image(o, request, input, losses),
        _ => titan(o, request, family, losses),
    })?;
    Ok(with_params(body, ask))
}

/// `{"inputText"}`, and for the second model `dimensions`.
fn titan(
    o: &mut Object<'_>,
    request: &EmbedRequest<'_>,
    family: Family,
    losses: &mut Losses,
) -> Result<(), Failure> {
    o.text("inputText", &request.only_text(losses)?);
    match request.dimensions {
        Some(dimensions) if family == Family::TitanSecond => o.u64("dimensions", dimensions),
        dimensions => request.lose(request.names().dimensions, dimensions.is_some(), losses)?,
    }
    request.lose_purpose("has no counterpart in Titan's embeddings", losses)?;
    let cut = !matches!(request.truncate, None | Some(Truncate::No));
    request.lose(request.names().truncate, cut, losses)
}

/// `{"inputText", "inputImage", "embeddingConfig"}`.
fn titan_image(
    o: &mut Object<'_>,
    request: &EmbedRequest<'_>,
    input: &Input<'_>,
    losses: &mut Losses,
) -> Result<(), Failure> {
    let mut texts = input.pieces.iter().filter_map(|piece| match piece {
        Piece::Text(text) => Some(text),
        _ => None,
    });
    let mut pictures = input.pieces.iter().filter_map(|piece| match piece {
        Piece::Media(Source::Base64 { data, .. }) => Some(data),
        _ => None,
    });
    let (text, picture) = (texts.next(), pictures.next());
    let read = usize::from(text.is_some()) + usize::from(picture.is_some());
    if read == 0 || read != input.pieces.len() {
        return Err(refuse(request, "this model embeds one text, one picture given as data, or one of each"));
    }
    if let Some(text) = text {
        o.text("inputText", text);
    }
    if let Some(picture) = picture {
        o.text("inputImage", picture);
    }
    if let Some(dimensions) = request.dimensions {
        o.object("embeddingConfig", |config| config.u64("outputEmbeddingLength", dimensions));
    }
    request.lose_purpose("has no counterpart in Titan's embeddings", losses)?;
    request.lose(request.names().title, input.title.is_some(), losses)?;
    let cut = !matches!(request.truncate, None | Some(Truncate::No));
    request.lose(request.names().truncate, cut, losses)
}

/// `{"taskType": "SINGLE_EMBEDDING", "singleEmbeddingParams"}`.
fn nova(
    o: &mut Object<'_>,
    request: &EmbedRequest<'_>,
    input: &Input<'_>,
    losses: &mut Losses,
) -> Result<(), Failure> {
    let purpose = match request.purpose.as_ref().map(|purpose| purpose.say(Words::Nova)) {
        None => "GENERIC_INDEX",
        Some(Said::Exactly(word)) => word,
        Some(Said::Nearly(word)) => {
            losses.note(format_args!("{} sent as {word}", request.names().purpose));
            word
        }
        Some(Said::Never) => {
            request.lose_purpose("has no counterpart in Nova's purposes", losses)?;
            "GENERIC_INDEX"
        }
    };
    o.word("taskType", "SINGLE_EMBEDDING");
    o.object("singleEmbeddingParams", |params| {
        params.word("embeddingPurpose", purpose);
        if let Some(dimensions) = request.dimensions {
            params.u64("embeddingDimension", dimensions);
        }
        if let [Piece::Media(Source::Base64 { media_type, data })] = input.pieces.as_slice() {
            request.lose(request.names().title, input.title.is_some(), losses)?;
            let media_type = media_type.to_str();
            let Some(format) = media_type.strip_prefix("image/") else {
                return Err(refuse(request, "this model embeds texts, and pictures given as data"));
            };
            params.object("image", |image| {
                image.str("format", format);
                image.object("source", |source| source.text("bytes", data));
            });
            return Ok(());
        }
        let text = request.only_text(losses)?;
        params.object("text", |one| {
            let mode = match request.truncate {
                // The field is required; an error is what the others answer where nothing is said.
                None | Some(Truncate::No) => "NONE",
                Some(Truncate::Start) => "START",
                Some(Truncate::End) => "END",
            };
            one.word("truncationMode", mode);
            one.text("value", &text);
        });
        Ok(())
    })
}

fn refuse(request: &EmbedRequest<'_>, why: &str) -> Failure {
    let field = request.names().inputs;
    Failure::unsupported(field, format!("{field}: {why}"))
}

wire_object! {
    /// The body of an answer, whichever family's.
    struct ResponseWire<'a> {
        embedding: &'a RawValue = "embedding",
        embeddings: &'a RawValue = "embeddings",
        input_text_tokens: Count = "inputTextTokenCount",
        message: &'a RawValue = "message",
        by_type: &'a RawValue = "embeddingsByType",
    }
}

wire_object! {
    /// One of Nova's vectors.
    light struct NovaWire<'a> {
        embedding: &'a RawValue = "embedding",
    }
}

/// Reads a provider's answer.
pub(super) fn decode_response(body: &[u8]) -> Result<EmbedResponse<'_>, Failure> {
    let wire: ResponseWire<'_> = parse(body).map_err(|error| malformed(&error.to_string()))?;
    if let Some(one) = wire.embedding {
        let usage = Usage { input: Count::of(wire.input_text_tokens), ..Usage::default() };
        return Ok(EmbedResponse {
            usage,
            extra: wire.extra,
            ..EmbedResponse::floats(vec![Vector::of(one)?])
        });
    }
    let Some(embeddings) = wire.embeddings else {
        // Titan's multimodal model puts its errors into a good answer.
        return Err(match wire.message.filter(|message| message.get() != "null") {
            Some(_) => read_failure(200, body),
            None => malformed("it holds no embeddings"),
        });
    };
    match serde_json::from_str::<Vec<NovaWire<'_>>>(embeddings.get()) {
        Ok(found) if !found.is_empty() => {
            let mut vectors = Vec::with_capacity(found.len());
            for one in found {
                let value = one.embedding.ok_or_else(|| malformed("an item holds no embedding"))?;
                vectors.push(Vector::of(value)?);
            }
            Ok(EmbedResponse { extra: wire.extra, ..EmbedResponse::floats(vectors) })
        }
        _ => cohere::decode_response(body),
    }
}
