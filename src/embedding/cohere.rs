//! Cohere's `/v2/embed` and `/v1/embed`, as `docs.cohere.com/reference/embed` describes them, and the same model on
//! Bedrock, whose body has neither a model nor counts.

use super::purpose::Said;
use super::request::{source_of, url_of};
use super::{
    Elements, EmbedRequest, EmbedResponse, Format, Input, Piece, Plan, Purpose, Set, Truncate, Vector, Words,
    malformed,
};
use crate::chat::{Failure, Losses, Text, Usage};
use crate::dialect::lane::{Ask, read_failure, with_params};
use crate::wire::json::{Count, Object, TextOr, object, parse, wire_object};
use serde_json::value::RawValue;

/// Who makes the vectors of Cohere's models.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Maker {
    V2,
    V1,
    Bedrock,
}

wire_object! {
    /// The body of a request.
    struct RequestWire<'a> {
        model: Text<'a> = "model",
        texts: Vec<Text<'a>> = "texts",
        images: Vec<Text<'a>> = "images",
        inputs: Vec<InputWire<'a>> = "inputs",
        input_type: Text<'a> = "input_type",
        embedding_types: Vec<Text<'a>> = "embedding_types",
        truncate: Text<'a> = "truncate",
        output_dimension: u64 = "output_dimension",
        max_tokens: u64 = "max_tokens",
    }
}

wire_object! {
    /// An input of several pieces.
    light struct InputWire<'a> {
        content: Vec<ContentWire<'a>> = "content",
    }
}

wire_object! {
    /// A piece.
    light struct ContentWire<'a> {
        text: Text<'a> = "text",
        image_url: TextOr<'a, UrlWire<'a>> = "image_url",
    }
}

wire_object! {
    /// A picture.
    light struct UrlWire<'a> {
        url: Text<'a> = "url",
    }
}

/// Reads a client's request.
pub(super) fn decode_request(body: &[u8], format: Format) -> Result<EmbedRequest<'_>, Failure> {
    let wire: RequestWire<'_> = parse(body)?;
    let mut request = EmbedRequest::new(format);
    request.model = wire.model.unwrap_or_default();
    request.inputs.extend(wire.texts.unwrap_or_default().into_iter().map(Input::text));
    for image in wire.images.unwrap_or_default() {
        request.inputs.push(Input { pieces: vec![Piece::Media(source_of(image))], title: None });
    }
    for (at, input) in wire.inputs.unwrap_or_default().into_iter().enumerate() {
        let mut pieces = Vec::new();
        for content in input.content.unwrap_or_default() {
            pieces.push(match (content.text, content.image_url) {
                (Some(text), _) => Piece::Text(text),
                (None, Some(TextOr::Text(url) | TextOr::Other(UrlWire { url: Some(url) }))) => {
                    Piece::Media(source_of(url))
                }
                _ => {
                    let field = format!("inputs[{at}].content");
                    let message = format!("{field}: expected `text` or `image_url`");
                    return Err(Failure::field(field, message));
                }
            });
        }
        request.inputs.push(Input { pieces, title: None });
    }
    if request.inputs.is_empty() {
        return Err(Failure::field("texts", "texts: one of `texts`, `images` and `inputs` is required"));
    }
    request.purpose = wire.input_type.and_then(Purpose::of_word);
    for word in wire.embedding_types.unwrap_or_default() {
        let word = word.to_str();
        match Elements::of_word(&word) {
            _ if word == "base64" => request.base64 = true,
            Some(elements) if !request.elements.contains(&elements) => request.elements.push(elements),
            Some(_) => {}
            None => {
                let message = format!("embedding_types: `{word}` is not known");
                return Err(Failure::field("embedding_types", message));
            }
        }
    }
    request.truncate = match wire.truncate.as_ref().map(Text::to_str).as_deref() {
        None => None,
        Some("NONE") => Some(Truncate::No),
        Some("START") => Some(Truncate::Start),
        Some("END") => Some(Truncate::End),
        Some(other) => {
            let message = format!("truncate: `{other}` is none of NONE, START and END");
            return Err(Failure::field("truncate", message));
        }
    };
    request.dimensions = wire.output_dimension;
    request.max_tokens = wire.max_tokens;
    request.extra = wire.extra;
    Ok(request)
}

/// Writes a provider's request.
pub(super) fn encode_request(
    request: &EmbedRequest<'_>,
    maker: Maker,
    ask: &Ask<'_>,
    losses: &mut Losses,
) -> Result<Vec<u8>, Failure> {
    if request.inputs.is_empty() {
        return Err(request.no_input());
    }
    let mut body = Vec::with_capacity(512);
    object(&mut body, |o| {
        if maker != Maker::Bedrock {
            o.str("model", ask.model);
        }
        write_inputs(o, request, maker, losses)?;
        write_purpose(o, request, ask, losses)?;
        o.array("embedding_types", |types| {
            if request.base64 && request.elements.is_empty() && maker == Maker::V2 {
                // Half as long as numbers, and exact.
                return types.str("base64");
            }
            let floats = request.elements.is_empty()
                || (request.base64
                    && request.origin != Format::Openai
                    && !request.elements.contains(&Elements::Float));
            for elements in
                floats.then_some(Elements::Float).into_iter().chain(request.elements.iter().copied())
            {
                types.str(elements.word());
            }
        });
        match request.truncate {
            Some(Truncate::No) => o.word("truncate", "NONE"),
            Some(Truncate::Start) => o.word("truncate", "START"),
            Some(Truncate::End) => o.word("truncate", "END"),
            None => {}
        }
        if let Some(dimensions) = request.dimensions {
            o.u64("output_dimension", dimensions);
        }
        if let Some(max_tokens) = request.max_tokens {
            o.u64("max_tokens", max_tokens);
        }
        if matches!(request.origin, Format::CohereV1 | Format::CohereV2) && maker != Maker::Bedrock {
            o.extra(&request.extra);
            return Ok(());
        }
        request.lose_rest(losses)
    })?;
    Ok(with_params(body, ask))
}

/// Texts as `texts`, one picture each as `images`, anything else as `inputs`.
fn write_inputs(
    o: &mut Object<'_>,
    request: &EmbedRequest<'_>,
    maker: Maker,
    losses: &mut Losses,
) -> Result<(), Failure> {
    let plain = |input: &Input<'_>| !matches!(input.pieces.as_slice(), [Piece::Media(_)]);
    let has_media =
        request.inputs.iter().flat_map(|input| &input.pieces).any(|piece| matches!(piece, Piece::Media(_)));
    if !has_media {
        let texts = request.texts(losses)?;
        o.array("texts", |list| texts.iter().for_each(|text| list.text(text)));
        return Ok(());
    }
    let field = request.names().inputs;
    let refuse = |why: &str| Failure::unsupported(field, format!("{field}: {why}"));
    let address = |piece: &Piece<'_>| match piece {
        Piece::Media(source) => url_of(source).map(std::borrow::Cow::into_owned),
        _ => None,
    };
    if request.inputs.iter().any(plain) {
        if maker == Maker::V1 {
            return Err(refuse("pictures and texts together need Cohere's second API"));
        }
        return o.array("inputs", |list| {
            for input in &request.inputs {
                list.object(|one| {
                    one.array("content", |content| {
                        for piece in &input.pieces {
                            content.object(|part| match (piece, address(piece)) {
                                (Piece::Text(text), _) => {
                                    part.word("type", "text");
                                    part.text("text", text);
                                    Ok(())
                                }
                                (_, Some(url)) => {
                                    part.word("type", "image_url");
                                    part.object("image_url", |image| image.str("url", &url));
                                    Ok(())
                                }
                                _ => Err(refuse("Cohere takes texts, and pictures as data or at an address")),
                            })?;
                        }
                        Ok::<_, Failure>(())
                    })
                })?;
            }
            Ok(())
        });
    }
    o.array("images", |list| {
        for piece in request.inputs.iter().filter_map(|input| input.pieces.first()) {
            let url =
                address(piece).ok_or_else(|| refuse("Cohere takes pictures as data or at an address"))?;
            list.str(&url);
        }
        Ok(())
    })
}

/// All models since the third need to be told.
fn write_purpose(
    o: &mut Object<'_>,
    request: &EmbedRequest<'_>,
    ask: &Ask<'_>,
    losses: &mut Losses,
) -> Result<(), Failure> {
    const FIELD: &str = "input_type";
    let word = match request.purpose.as_ref().map(|purpose| (purpose, purpose.say(Words::Cohere))) {
        Some((_, Said::Exactly(word))) => word,
        Some((_, Said::Nearly(word))) => {
            losses.note(format_args!("{} sent as {word}", request.names().purpose));
            word
        }
        Some((Purpose::Other(word), Said::Never)) if request.origin != Format::Openai => {
            o.text(FIELD, word);
            return Ok(());
        }
        other => {
            if other.is_some() {
                request.lose_purpose("has no counterpart in Cohere's input types", losses)?;
            }
            if !ask.params.iter().any(|(name, _)| **name == *FIELD) {
                losses.note(
                    "input_type: search_document sent, for Cohere must be told what the vectors are for",
                );
            }
            "search_document"
        }
    };
    o.word(FIELD, word);
    Ok(())
}

wire_object! {
    /// The body of an answer.
    struct ResponseWire<'a> {
        id: Text<'a> = "id",
        embeddings: &'a RawValue = "embeddings",
        texts: &'a RawValue = "texts",
        images: &'a RawValue = "images",
        response_type: Text<'a> = "response_type",
        meta: MetaWire<'a> = "meta",
        message: Text<'a> = "message",
    }
}

wire_object! {
    /// Vectors by their kind.
    light struct ByTypeWire<'a> {
        float: Vec<&'a RawValue> = "float",
        base64: Vec<&'a RawValue> = "base64",
        int8: Vec<&'a RawValue> = "int8",
        uint8: Vec<&'a RawValue> = "uint8",
        binary: Vec<&'a RawValue> = "binary",
        ubinary: Vec<&'a RawValue> = "ubinary",
    }
}

wire_object! {
    /// What is said about the answer.
    pub(crate) light struct MetaWire<'a> {
        billed_units: UnitsWire<'a> = "billed_units",
        tokens: UnitsWire<'a> = "tokens",
    }
}

wire_object! {
    /// What is billed.
    pub(crate) light struct UnitsWire<'a> {
        input_tokens: Count = "input_tokens",
        image_tokens: Count = "image_tokens",
        other: &'a RawValue = "classifications",
    }
}

impl MetaWire<'_> {
    /// Input tokens, those of pictures included.
    pub(crate) fn usage(&self) -> Usage {
        let of = |units: &Option<UnitsWire<'_>>| {
            let units = units.as_ref()?;
            let texts = Count::of(units.input_tokens)?;
            texts.checked_add(Count::of(units.image_tokens).unwrap_or(0))
        };
        Usage { input: of(&self.billed_units).or_else(|| of(&self.tokens)), ..Usage::default() }
    }
}

/// Reads a provider's answer.
pub(super) fn decode_response(body: &[u8]) -> Result<EmbedResponse<'_>, Failure> {
    let wire: ResponseWire<'_> = parse(body).map_err(|error| malformed(&error.to_string()))?;
    let Some(embeddings) = wire.embeddings else {
        return Err(match wire.message {
            Some(_) => read_failure(200, body),
            None => malformed("it holds no embeddings"),
        });
    };
    let mut response = EmbedResponse {
        id: wire.id.unwrap_or_default(),
        usage: wire.meta.map(|meta| meta.usage()).unwrap_or_default(),
        extra: wire.extra,
        ..EmbedResponse::default()
    };
    let text = embeddings.get();
    let by_type = if text.starts_with('[') {
        // The older form, of requests that name no types.
        let float = serde_json::from_str(text).map_err(|_| malformed("its embeddings are no array"))?;
        ByTypeWire { float: Some(float), ..ByTypeWire::default() }
    } else {
        parse(text.as_bytes()).map_err(|error| malformed(&error.to_string()))?
    };
    for (elements, vectors) in [
        (Elements::Float, by_type.float.or(by_type.base64)),
        (Elements::Int8, by_type.int8),
        (Elements::Uint8, by_type.uint8),
        (Elements::Binary, by_type.binary),
        (Elements::Ubinary, by_type.ubinary),
    ] {
        let Some(vectors) = vectors.filter(|vectors| !vectors.is_empty()) else { continue };
        let vectors = vectors.into_iter().map(Vector::of).collect::<Result<_, _>>()?;
        response.sets.push(Set { elements, vectors });
    }
    if response.sets.is_empty() {
        return Err(malformed("it holds no embeddings"));
    }
    Ok(response)
}

/// Writes a client's answer.
pub(super) fn encode_response(response: &EmbedResponse<'_>, plan: &Plan) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::with_capacity(1024);
    let is_first = plan.client == Format::CohereV1;
    // The first API answers requests that name no types with a plain list.
    let untyped = is_first && plan.elements.is_empty() && !plan.base64;
    object(&mut body, |o| {
        o.text("id", response.id.or(&Text::from(plan.id.as_str())));
        if untyped {
            let set = response.set(Elements::Float)?;
            write_set(o, "embeddings", set, false)?;
        } else {
            o.object("embeddings", |kinds| write_sets(kinds, response, plan))?;
        }
        if let Some(texts) = &plan.texts {
            o.key("texts").extend_from_slice(texts.as_bytes());
        }
        o.object("meta", |meta| {
            meta.object("api_version", |version| version.word("version", if is_first { "1" } else { "2" }));
            if let Some(input) = response.usage.input {
                meta.object("billed_units", |units| units.u64("input_tokens", input));
            }
        });
        o.word("response_type", if untyped { "embeddings_floats" } else { "embeddings_by_type" });
        Ok::<_, Failure>(())
    })?;
    Ok(body)
}

fn write_sets(kinds: &mut Object<'_>, response: &EmbedResponse<'_>, plan: &Plan) -> Result<(), Failure> {
    let default = (plan.elements.is_empty() && !plan.base64).then_some(Elements::Float);
    let mut written = false;
    for elements in default.into_iter().chain(plan.elements.iter().copied()) {
        // What the provider could not make was lost, with a warning, when it was asked.
        if let Some(set) = response.sets.iter().find(|set| set.elements == elements) {
            write_set(kinds, elements.word(), set, false)?;
            written = true;
        }
    }
    if plan.base64
        && let Some(set) = response.sets.iter().find(|set| set.elements == Elements::Float)
    {
        write_set(kinds, "base64", set, true)?;
        written = true;
    }
    if written { Ok(()) } else { Err(malformed("it holds no embeddings of the kind that was asked for")) }
}

fn write_set(o: &mut Object<'_>, key: &str, set: &Set<'_>, base64: bool) -> Result<(), Failure> {
    o.array(key, |list| {
        for vector in &set.vectors {
            if base64 {
                vector.write_base64(set.elements, list.item())?;
            } else {
                vector.write_numbers(set.elements, list.item())?;
            }
        }
        Ok(())
    })
}
