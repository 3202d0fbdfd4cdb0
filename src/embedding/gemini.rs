//! Gemini's `batchEmbedContents` and `embedContent`, as `ai.google.dev/api/embeddings` describes them. The model stands
//! in the path, and once more in each request of a batch.

use super::purpose::Said;
use super::request::quoted;
use super::{
    Elements, EmbedRequest, EmbedResponse, Format, Input, Piece, Purpose, Truncate, Vector, Words, malformed,
};
use crate::chat::{Extra, Failure, Losses, Source, Text, Usage};
use crate::dialect::lane::{Ask, read_failure, set_params, with_params};
use crate::wire::json::{Count, Object, Patch, array, members, object, parse, wire_object};
use serde_json::value::RawValue;

wire_object! {
    /// The body of a batch.
    struct BatchWire<'a> {
        requests: Vec<OneWire<'a>> = "requests",
    }
}

wire_object! {
    /// One request.
    struct OneWire<'a> {
        model: Text<'a> = "model",
        content: ContentWire<'a> = "content",
        task_type: Text<'a> = "taskType",
        task_type_snake: Text<'a> = "task_type",
        title: Text<'a> = "title",
        dimensions: u64 = "outputDimensionality",
        dimensions_snake: u64 = "output_dimensionality",
        config: ConfigWire<'a> = "embedContentConfig",
        auto_truncate: bool = "autoTruncate",
    }
}

wire_object! {
    /// The same settings where Vertex AI has them; beside `content` they are deprecated there.
    struct ConfigWire<'a> {
        task_type: Text<'a> = "taskType",
        title: Text<'a> = "title",
        dimensions: u64 = "outputDimensionality",
        auto_truncate: bool = "autoTruncate",
    }
}

wire_object! {
    /// What is embedded. The role says nothing here.
    light struct ContentWire<'a> {
        parts: Vec<PartWire<'a>> = "parts",
    }
}

wire_object! {
    /// A piece of it.
    struct PartWire<'a> {
        text: Text<'a> = "text",
        inline_data: BlobWire<'a> = "inlineData",
        inline_data_snake: BlobWire<'a> = "inline_data",
        file_data: FileWire<'a> = "fileData",
        file_data_snake: FileWire<'a> = "file_data",
    }
}

wire_object! {
    /// A medium within the request.
    light struct BlobWire<'a> {
        mime_type: Text<'a> = "mimeType",
        mime_type_snake: Text<'a> = "mime_type",
        data: Text<'a> = "data",
    }
}

wire_object! {
    /// A medium somewhere else.
    light struct FileWire<'a> {
        uri: Text<'a> = "fileUri",
        uri_snake: Text<'a> = "file_uri",
    }
}

/// Reads a client's batch. What the hub says once must be the same in all its requests.
pub(super) fn decode_batch(body: &[u8]) -> Result<EmbedRequest<'_>, Failure> {
    let wire: BatchWire<'_> = parse(body)?;
    let mut request = EmbedRequest::new(Format::GeminiBatch);
    request.extra = wire.extra;
    for (at, one) in wire.requests.unwrap_or_default().into_iter().enumerate() {
        let path = format!("requests[{at}]");
        let One { input, purpose, dimensions, truncate, extra } = read_one(one, &path)?;
        if at == 0 {
            (request.purpose, request.dimensions, request.truncate) = (purpose, dimensions, truncate);
        } else if request.purpose != purpose || request.dimensions != dimensions {
            let field = if request.purpose == purpose { "outputDimensionality" } else { "taskType" };
            let message =
                format!("{path}.{field}: this provider needs the same value in all requests of a batch");
            return Err(Failure::field(format!("{path}.{field}"), message));
        }
        request.inputs.push(input);
        request.extra.extend(extra);
    }
    if request.inputs.is_empty() {
        return Err(Failure::field("requests", "requests: at least one request is required"));
    }
    Ok(request)
}

/// Reads a client's single request.
pub(super) fn decode_one(body: &[u8], format: Format) -> Result<EmbedRequest<'_>, Failure> {
    let One { input, purpose, dimensions, truncate, extra } = read_one(parse(body)?, "")?;
    Ok(EmbedRequest {
        inputs: vec![input],
        is_single: true,
        purpose,
        dimensions,
        truncate,
        extra,
        ..EmbedRequest::new(format)
    })
}

/// What one request says.
struct One<'a> {
    input: Input<'a>,
    purpose: Option<Purpose<'a>>,
    dimensions: Option<u64>,
    truncate: Option<Truncate>,
    extra: Extra<'a>,
}

fn read_one<'a>(one: OneWire<'a>, path: &str) -> Result<One<'a>, Failure> {
    let dot = if path.is_empty() { "" } else { "." };
    let mut pieces = Vec::new();
    for (at, part) in
        one.content.and_then(|content| content.parts).unwrap_or_default().into_iter().enumerate()
    {
        pieces.push(read_part(part).ok_or_else(|| {
            let field = format!("{path}{dot}content.parts[{at}]");
            let message = format!("{field}: expected `text`, `inlineData` or `fileData`");
            Failure::field(field, message)
        })?);
    }
    if pieces.is_empty() {
        let field = format!("{path}{dot}content");
        let message = format!("{field}: something to embed is required");
        return Err(Failure::field(field, message));
    }
    let config = one.config.unwrap_or_default();
    let mut extra = one.extra;
    extra.extend(config.extra);
    // To cut what is too long is what is done unasked.
    let cut = config.auto_truncate.or(one.auto_truncate);
    Ok(One {
        input: Input { pieces, title: config.title.or(one.title) },
        purpose: config.task_type.or(one.task_type).or(one.task_type_snake).and_then(Purpose::of_word),
        dimensions: config.dimensions.or(one.dimensions).or(one.dimensions_snake),
        truncate: (cut == Some(false)).then_some(Truncate::No),
        extra,
    })
}

fn read_part(part: PartWire<'_>) -> Option<Piece<'_>> {
    if let Some(text) = part.text {
        return Some(Piece::Text(text));
    }
    if let Some(blob) = part.inline_data.or(part.inline_data_snake) {
        let media_type = blob.mime_type.or(blob.mime_type_snake).unwrap_or_default();
        return Some(Piece::Media(Source::Base64 { media_type, data: blob.data? }));
    }
    let file = part.file_data.or(part.file_data_snake)?;
    Some(Piece::Media(Source::Url(file.uri.or(file.uri_snake)?)))
}

/// Writes a provider's batch.
pub(super) fn encode_batch(
    request: &EmbedRequest<'_>,
    ask: &Ask<'_>,
    losses: &mut Losses,
) -> Result<Vec<u8>, Failure> {
    prepare(request, losses)?;
    let mut body = Vec::with_capacity(512);
    object(&mut body, |o| {
        array(o.key("requests"), |list| {
            for input in &request.inputs {
                let mut one = Vec::new();
                object(&mut one, |o| write_one(o, request, input, ask, losses))?;
                list.item().append(&mut with_params(one, ask));
            }
            Ok::<_, Failure>(())
        })
    })?;
    Ok(body)
}

/// Writes a provider's single request.
pub(super) fn encode_one(
    request: &EmbedRequest<'_>,
    ask: &Ask<'_>,
    losses: &mut Losses,
) -> Result<Vec<u8>, Failure> {
    prepare(request, losses)?;
    let input = request.only_input()?;
    let mut body = Vec::with_capacity(512);
    object(&mut body, |o| write_one(o, request, input, ask, losses))?;
    Ok(with_params(body, ask))
}

/// Writes a request of Vertex AI's, which has the settings in a place of their own.
pub(super) fn encode_configured(
    request: &EmbedRequest<'_>,
    ask: &Ask<'_>,
    losses: &mut Losses,
) -> Result<Vec<u8>, Failure> {
    request.lose(request.names().truncate, request.truncate == Some(Truncate::Start), losses)?;
    prepare_all(request, losses)?;
    let input = request.only_input()?;
    let mut config = Vec::new();
    object(&mut config, |o| {
        write_settings(o, request, input, losses)?;
        if let Some(truncate) = request.truncate {
            o.bool("autoTruncate", truncate != Truncate::No);
        }
        Ok::<_, Failure>(())
    })?;
    let mut body = Vec::with_capacity(512);
    object(&mut body, |o| {
        write_content(o, request, input)?;
        if config != b"{}" {
            o.key("embedContentConfig").append(&mut config);
        }
        Ok::<_, Failure>(())
    })?;
    Ok(with_params(body, ask))
}

/// What is the same for all inputs.
fn prepare(request: &EmbedRequest<'_>, losses: &mut Losses) -> Result<(), Failure> {
    // Too long an input is cut at its end, and that cannot be switched off.
    let cut = matches!(request.truncate, Some(Truncate::No | Truncate::Start));
    request.lose(request.names().truncate, cut, losses)?;
    prepare_all(request, losses)
}

fn prepare_all(request: &EmbedRequest<'_>, losses: &mut Losses) -> Result<(), Failure> {
    if request.inputs.is_empty() {
        return Err(request.no_input());
    }
    request.only_elements(&[Elements::Float], losses)?;
    request.lose(request.names().max_tokens, request.max_tokens.is_some(), losses)?;
    request.lose_rest(losses)
}

fn write_one(
    o: &mut Object<'_>,
    request: &EmbedRequest<'_>,
    input: &Input<'_>,
    ask: &Ask<'_>,
    losses: &mut Losses,
) -> Result<(), Failure> {
    o.str("model", &resource(ask.model));
    write_content(o, request, input)?;
    write_settings(o, request, input, losses)
}

fn write_content(o: &mut Object<'_>, request: &EmbedRequest<'_>, input: &Input<'_>) -> Result<(), Failure> {
    o.object("content", |content| {
        content.array("parts", |parts| {
            for piece in &input.pieces {
                parts.object(|part| write_piece(part, piece, request))?;
            }
            Ok::<_, Failure>(())
        })
    })
}

fn write_settings(
    o: &mut Object<'_>,
    request: &EmbedRequest<'_>,
    input: &Input<'_>,
    losses: &mut Losses,
) -> Result<(), Failure> {
    if let Some(purpose) = &request.purpose {
        match purpose.say(Words::Gemini) {
            Said::Exactly(word) | Said::Nearly(word) => o.word("taskType", word),
            Said::Never => request.lose_purpose("has no counterpart in Gemini's task types", losses)?,
        }
    }
    if let Some(title) = &input.title {
        o.text("title", title);
    }
    if let Some(dimensions) = request.dimensions {
        o.u64("outputDimensionality", dimensions);
    }
    Ok(())
}

fn write_piece(part: &mut Object<'_>, piece: &Piece<'_>, request: &EmbedRequest<'_>) -> Result<(), Failure> {
    let refuse = |why: &str| {
        let field = request.names().inputs;
        Err(Failure::unsupported(field, format!("{field}: {why}")))
    };
    match piece {
        Piece::Text(text) => part.text("text", text),
        Piece::Media(Source::Base64 { media_type, data }) => part.object("inlineData", |blob| {
            blob.text("mimeType", media_type);
            blob.text("data", data);
        }),
        // Files of Google's own: any other address is nothing that Gemini fetches here.
        Piece::Media(Source::Url(uri))
            if ["gs://", "https://generativelanguage.googleapis.com/"]
                .iter()
                .any(|start| uri.to_str().starts_with(start)) =>
        {
            part.object("fileData", |file| file.text("fileUri", uri));
        }
        Piece::Media(_) => return refuse("Gemini embeds pictures given as data, not at an address"),
        Piece::Tokens(_) => return refuse("token ids belong to one model; Gemini takes text"),
    }
    Ok(())
}

/// The resource name of a model.
fn resource(model: &str) -> String {
    if model.contains('/') { model.to_owned() } else { format!("models/{model}") }
}

/// A batch with another model in each of its requests, every other byte as it was; `None` when nothing changes.
pub(super) fn respell_batch(body: &[u8], ask: &Ask<'_>) -> Result<Option<Vec<u8>>, Failure> {
    let found = members(body)?;
    let Some(list) = found.get("requests") else { return Ok(None) };
    let text = list.value.get();
    let items: Vec<&RawValue> = serde_json::from_str(text)
        .map_err(|_| Failure::field("requests", "requests: expected an array of requests"))?;
    let mut out = Vec::with_capacity(text.len());
    let mut copied = 0;
    for item in items {
        let at = item.get().as_ptr().addr().saturating_sub(text.as_ptr().addr());
        let Some((drop, mut start)) = respell(item.get().as_bytes(), ask)? else { continue };
        out.extend_from_slice(text.as_bytes().get(copied..at).unwrap_or_default());
        out.append(&mut start);
        copied = at.saturating_add(drop);
    }
    if copied == 0 {
        return Ok(None);
    }
    out.extend_from_slice(text.as_bytes().get(copied..).unwrap_or_default());
    Ok(Some(out))
}

/// A single request with another model and a target's own fields, as a new beginning.
pub(super) fn respell(body: &[u8], ask: &Ask<'_>) -> Result<Option<(usize, Vec<u8>)>, Failure> {
    let found = members(body)?;
    let mut patch = Patch::default();
    set_params(&mut patch, ask, &found);
    if let Some(model) = found.get("model") {
        let wanted = resource(ask.model);
        if Text::from_raw(model.value).is_none_or(|said| said != *wanted) {
            patch.set("model", quoted(&wanted));
        }
    }
    Ok(patch.prefix(body, &found))
}

wire_object! {
    /// The body of an answer, of a batch or of one.
    struct ResponseWire<'a> {
        embeddings: Vec<ValuesWire<'a>> = "embeddings",
        embedding: ValuesWire<'a> = "embedding",
        usage: UsageWire<'a> = "usageMetadata",
        error: &'a RawValue = "error",
    }
}

wire_object! {
    /// One vector.
    light struct ValuesWire<'a> {
        values: &'a RawValue = "values",
    }
}

wire_object! {
    /// The counts; the newer models give them.
    light struct UsageWire<'a> {
        prompt: Count = "promptTokenCount",
        total: Count = "totalTokenCount",
        tier: Text<'a> = "trafficType",
    }
}

/// Reads a provider's answer.
pub(super) fn decode_response(body: &[u8]) -> Result<EmbedResponse<'_>, Failure> {
    let wire: ResponseWire<'_> = parse(body).map_err(|error| malformed(&error.to_string()))?;
    if wire.error.is_some() {
        return Err(read_failure(200, body));
    }
    let mut vectors = Vec::new();
    for one in wire.embeddings.unwrap_or_default().into_iter().chain(wire.embedding) {
        vectors.push(Vector::of(one.values.ok_or_else(|| malformed("an embedding holds no values"))?)?);
    }
    if vectors.is_empty() {
        return Err(malformed("it holds no embeddings"));
    }
    let input = wire.usage.and_then(|usage| Count::of(usage.prompt).or(Count::of(usage.total)));
    Ok(EmbedResponse {
        usage: Usage { input, ..Usage::default() },
        extra: wire.extra,
        ..EmbedResponse::floats(vectors)
    })
}

/// Writes a client's answer to a batch.
pub(super) fn encode_batch_response(response: &EmbedResponse<'_>) -> Result<Vec<u8>, Failure> {
    let set = response.set(Elements::Float)?;
    let mut body = Vec::with_capacity(1024);
    object(&mut body, |o| {
        o.array("embeddings", |list| {
            for vector in &set.vectors {
                list.object(|one| vector.write_numbers(set.elements, one.key("values")))?;
            }
            Ok::<_, Failure>(())
        })?;
        write_usage(o, &response.usage);
        Ok::<_, Failure>(())
    })?;
    Ok(body)
}

/// Writes a client's answer to a single request.
pub(super) fn encode_one_response(response: &EmbedResponse<'_>) -> Result<Vec<u8>, Failure> {
    let set = response.set(Elements::Float)?;
    let vector = set.vectors.first().ok_or_else(|| malformed("it holds no embeddings"))?;
    let mut body = Vec::with_capacity(1024);
    object(&mut body, |o| {
        o.object("embedding", |one| vector.write_numbers(set.elements, one.key("values")))?;
        write_usage(o, &response.usage);
        Ok::<_, Failure>(())
    })?;
    Ok(body)
}

fn write_usage(o: &mut Object<'_>, usage: &Usage) {
    if let Some(input) = usage.input {
        o.object("usageMetadata", |counts| counts.u64("promptTokenCount", input));
    }
}
