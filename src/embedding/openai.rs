//! OpenAI's embeddings, as its API reference and those of its peers describe them.
//!
//! Clients may use the words of the peers as well: `input_type` in anybody's vocabulary, `output_dimension` for
//! `dimensions`, `output_dtype` for the kind of values, `truncation`.

use super::purpose::Said;
use super::{
    Elements, EmbedRequest, EmbedResponse, Fields, Format, Input, Piece, Plan, Purpose, Set, Truncate,
    Vector, malformed,
};
use crate::chat::{Failure, Losses, Text, Usage};
use crate::dialect::lane::{Ask, read_failure, with_params};
use crate::wire::json::{Count, Object, Patch, array, object, parse, sketch, wire_object};
use serde_json::value::RawValue;

wire_object! {
    /// The body of a request.
    struct RequestWire<'a> {
        model: Text<'a> = "model",
        input: &'a RawValue = "input",
        encoding_format: Text<'a> = "encoding_format",
        dimensions: u64 = "dimensions",
        output_dimension: u64 = "output_dimension",
        output_dtype: Text<'a> = "output_dtype",
        input_type: Text<'a> = "input_type",
        truncation: bool = "truncation",
        user: Text<'a> = "user",
    }
}

/// Reads a client's request.
pub(super) fn decode_request(body: &[u8]) -> Result<EmbedRequest<'_>, Failure> {
    let wire: RequestWire<'_> = parse(body)?;
    let mut request = EmbedRequest::new(Format::Openai);
    request.model = wire.model.unwrap_or_default();
    let input = wire.input.filter(|input| input.get() != "null");
    let input = input.ok_or_else(|| Failure::field("input", "input: at least one input is required"))?;
    (request.inputs, request.is_single) = inputs(input)?;
    request.dimensions = wire.dimensions.or(wire.output_dimension);
    match wire.encoding_format.as_ref().map(Text::to_str).as_deref() {
        None | Some("float") => {}
        Some("base64") => request.base64 = true,
        Some(other) => {
            let message = format!("encoding_format: `{other}` is neither `float` nor `base64`");
            return Err(Failure::field("encoding_format", message));
        }
    }
    if let Some(word) = wire.output_dtype {
        let word = word.to_str();
        let elements = Elements::of_word(&word)
            .ok_or_else(|| Failure::field("output_dtype", format!("output_dtype: `{word}` is not known")))?;
        if elements != Elements::Float {
            request.elements.push(elements);
        }
    }
    request.purpose = wire.input_type.and_then(Purpose::of_word);
    request.truncate = wire.truncation.map(|cut| if cut { Truncate::End } else { Truncate::No });
    request.user = wire.user;
    request.extra = wire.extra;
    Ok(request)
}

/// A string, an array of strings, an array of token ids or an array of such arrays.
fn inputs(input: &RawValue) -> Result<(Vec<Input<'_>>, bool), Failure> {
    let wrong = |at: usize| {
        Failure::field(
            "input",
            format!("input[{at}]: expected a string, a token id or an array of token ids"),
        )
    };
    if let Some(text) = Text::from_raw(input) {
        return Ok((vec![Input::text(text)], true));
    }
    let items: Vec<&RawValue> = serde_json::from_str(input.get())
        .map_err(|_| Failure::field("input", "input: expected a string or an array"))?;
    let is_number = |item: &RawValue| item.get().bytes().all(|byte| byte.is_ascii_digit());
    let tokens = |ids| Input { pieces: vec![Piece::Tokens(ids)], title: None };
    if items.first().is_some_and(|first| is_number(first)) {
        return match items.iter().position(|item| !is_number(item)) {
            Some(at) => Err(wrong(at)),
            None => Ok((vec![tokens(input)], true)),
        };
    }
    let mut inputs = Vec::with_capacity(items.len());
    for (at, item) in items.into_iter().enumerate() {
        inputs.push(match Text::from_raw(item) {
            Some(text) => Input::text(text),
            None if item.get().starts_with('[') => tokens(item),
            None => return Err(wrong(at)),
        });
    }
    if inputs.is_empty() {
        return Err(Failure::field("input", "input: at least one input is required"));
    }
    Ok((inputs, false))
}

/// Writes a provider's request.
pub(super) fn encode_request(
    request: &EmbedRequest<'_>,
    fields: &Fields,
    ask: &Ask<'_>,
    losses: &mut Losses,
) -> Result<Vec<u8>, Failure> {
    let own = request.origin == Format::Openai;
    let texts = if own { Vec::new() } else { request.texts(losses)? };
    let elements = request.only_elements(fields.known, losses)?;
    let mut body = Vec::with_capacity(256);
    object(&mut body, |o| {
        o.str("model", ask.model);
        write_input(o, request, &texts);
        // Floats in base64 are half as long, and exact.
        if request.base64 && elements == Elements::Float && fields.base64 {
            o.word("encoding_format", "base64");
        }
        match (request.dimensions, fields.dimensions) {
            (Some(dimensions), Some(name)) => o.u64(name, dimensions),
            (said, _) => request.lose(request.names().dimensions, said.is_some(), losses)?,
        }
        if let (Some(name), true) = (fields.elements, elements != Elements::Float) {
            o.word(name, elements.word());
        }
        write_purpose(o, request, fields, losses)?;
        match (request.truncate, fields.truncate) {
            (Some(Truncate::No), Some(name)) => o.bool(name, false),
            (Some(Truncate::End), Some(name)) => o.bool(name, true),
            // An error is what the others answer anyway.
            (None | Some(Truncate::No), _) => {}
            (Some(_), _) => request.lose(request.names().truncate, true, losses)?,
        }
        match &request.user {
            Some(user) if fields.user => o.text("user", user),
            user => request.lose("user", user.is_some(), losses)?,
        }
        request.lose(request.names().max_tokens, request.max_tokens.is_some(), losses)?;
        if own {
            o.extra(&request.extra);
            return Ok(());
        }
        losses.lost_extra("", &request.extra, "has no counterpart in OpenAI's embeddings")
    })?;
    Ok(with_params(body, ask))
}

fn write_input(o: &mut Object<'_>, request: &EmbedRequest<'_>, texts: &[Text<'_>]) {
    let write = |out: &mut Vec<u8>, at: usize, input: &Input<'_>| match (texts.get(at), input.pieces.first())
    {
        (Some(text), _) | (None, Some(Piece::Text(text))) => text.write_json(out),
        (None, Some(Piece::Tokens(ids))) => out.extend_from_slice(ids.get().as_bytes()),
        (None, _) => out.extend_from_slice(b"\"\""),
    };
    let out = o.key("input");
    if let ([one], true) = (request.inputs.as_slice(), request.is_single) {
        return write(out, 0, one);
    }
    array(out, |list| {
        for (at, input) in request.inputs.iter().enumerate() {
            write(list.item(), at, input);
        }
    });
}

fn write_purpose(
    o: &mut Object<'_>,
    request: &EmbedRequest<'_>,
    fields: &Fields,
    losses: &mut Losses,
) -> Result<(), Failure> {
    let Some(purpose) = &request.purpose else { return Ok(()) };
    let Some((name, words)) = fields.purpose else {
        return request.lose_purpose("has no counterpart at this provider", losses);
    };
    match (purpose.say(words), purpose) {
        (Said::Exactly(word), _) => o.word(name, word),
        (Said::Nearly(word), _) => {
            losses.note(format_args!("{} sent as {word}", request.names().purpose));
            o.word(name, word);
        }
        (Said::Never, Purpose::Other(word)) if request.origin == Format::Openai => o.text(name, word),
        (Said::Never, _) => request.lose_purpose("has no counterpart at this provider", losses)?,
    }
    Ok(())
}

wire_object! {
    /// The body of an answer.
    struct ResponseWire<'a> {
        id: Text<'a> = "id",
        object: Text<'a> = "object",
        model: Text<'a> = "model",
        data: Vec<ItemWire<'a>> = "data",
        usage: UsageWire<'a> = "usage",
        error: &'a RawValue = "error",
    }
}

wire_object! {
    /// One vector. What else stands there says nothing that the vector does not.
    light struct ItemWire<'a> {
        index: usize = "index",
        embedding: &'a RawValue = "embedding",
    }
}

wire_object! {
    /// The counts; Voyage gives only the sum.
    pub(super) light struct UsageWire<'a> {
        prompt_tokens: Count = "prompt_tokens",
        total_tokens: Count = "total_tokens",
        model: Text<'a> = "model",
    }
}

impl UsageWire<'_> {
    fn to_usage(&self) -> Usage {
        Usage { input: Count::of(self.prompt_tokens).or(Count::of(self.total_tokens)), ..Usage::default() }
    }
}

/// Reads a provider's answer.
pub(super) fn decode_response(body: &[u8], elements: Elements) -> Result<EmbedResponse<'_>, Failure> {
    let wire: ResponseWire<'_> = parse(body).map_err(|error| malformed(&error.to_string()))?;
    if wire.error.is_some() {
        return Err(read_failure(200, body));
    }
    let mut items = wire.data.unwrap_or_default();
    if items.is_empty() {
        return Err(malformed("it holds no embeddings"));
    }
    // In order already wherever that was looked at, but the index is what counts.
    if items.iter().all(|item| item.index.is_some()) {
        items.sort_by_key(|item| item.index);
    }
    let mut vectors = Vec::with_capacity(items.len());
    for item in items {
        vectors.push(Vector::of(item.embedding.ok_or_else(|| malformed("an item holds no embedding"))?)?);
    }
    Ok(EmbedResponse {
        id: wire.id.unwrap_or_default(),
        model: wire.model.unwrap_or_default(),
        sets: vec![Set { elements, vectors }],
        usage: wire.usage.map(|usage| usage.to_usage()).unwrap_or_default(),
        extra: wire.extra,
    })
}

/// The answer with `usage.prompt_tokens`, where it says only their sum (Voyage): clients of OpenAI's refuse an answer
/// without. `None`: it is there, or cannot be told.
pub(super) fn with_prompt_tokens(body: &[u8]) -> Option<Vec<u8>> {
    const FIELD: &str = "prompt_tokens";
    // It stands at the end, if at all.
    if memchr::memmem::rfind(body, b"\"prompt_tokens\"").is_some() {
        return None;
    }
    let found = sketch(body).ok()?;
    let usage = found.get("usage")?.value;
    let counts = sketch(usage).ok()?;
    let mut told = Patch::default();
    told.set(FIELD, counts.get("total_tokens")?.value);
    let mut patch = Patch::default();
    patch.set("usage", told.apply(usage, &counts)?);
    patch.apply(body, &found)
}

/// Writes a client's answer.
pub(super) fn encode_response(response: &EmbedResponse<'_>, plan: &Plan) -> Result<Vec<u8>, Failure> {
    let set = response.set(plan.elements.first().copied().unwrap_or(Elements::Float))?;
    let mut body = Vec::with_capacity(1024);
    object(&mut body, |o| {
        o.word("object", "list");
        o.array("data", |list| {
            for (at, vector) in set.vectors.iter().enumerate() {
                list.object(|item| {
                    item.word("object", "embedding");
                    item.u64("index", at as u64);
                    let out = item.key("embedding");
                    if plan.base64 {
                        vector.write_base64(set.elements, out)
                    } else {
                        vector.write_numbers(set.elements, out)
                    }
                })?;
            }
            Ok::<_, Failure>(())
        })?;
        o.text("model", response.model.or(&Text::from(plan.model.as_str())));
        // Clients of this format read the counts without asking whether there are any.
        let input = response.usage.input.unwrap_or(plan.estimate);
        o.object("usage", |usage| {
            usage.u64("prompt_tokens", input);
            usage.u64("total_tokens", input);
        });
        if plan.provider == Format::Openai {
            o.extra(&response.extra);
        }
        Ok::<_, Failure>(())
    })?;
    Ok(body)
}
