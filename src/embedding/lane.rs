//! The way of one request of embeddings from a client's format to a provider's, and of the answer back.

use super::purpose::Said;
use super::request::quoted;
use super::{
    Elements, EmbedRequest, EmbedResponse, Fields, Format, Purpose, Vector, decode_request, decode_response,
    encode_request, encode_response, gemini, openai,
};
use crate::chat::{Failure, Losses, Usage};
use crate::dialect::Operation;
use crate::dialect::lane::{Answer, AnswerPlan, Ask, Edit, Outgoing, Report, set_params};
use crate::wire::json::{Members, Patch, Text, members};
use serde_json::value::RawValue;

/// What the way back has to know of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The client's format.
    pub client: Format,
    /// The provider's format.
    pub provider: Format,
    /// What the provider was asked for.
    pub asked: Elements,
    /// What the client wants; empty: floats, unless `base64` says it all.
    pub elements: Vec<Elements>,
    /// The client wants base64: see [`EmbedRequest::base64`].
    pub base64: bool,
    /// The number of inputs; `None` where that cannot be told.
    pub inputs: Option<usize>,
    /// The provider's name of the model, for answers that do not say it.
    pub model: String,
    /// The client's texts as a JSON array, for answers that repeat them (Cohere's).
    pub texts: Option<String>,
    /// An id for answers without one.
    pub id: String,
    /// An estimate of the input in tokens, for answers without a count.
    pub estimate: u64,
    /// The input in tokens where the provider's headers said it (Bedrock).
    pub counted: Option<u64>,
}

/// Translates a request body. Where both sides speak the same format it is only edited in place.
///
/// # Errors
/// 400 that names the field: the body is wrong, or holds what this provider cannot take.
pub fn request(client: Format, provider: Format, body: &[u8], ask: &Ask<'_>) -> Result<Outgoing, Failure> {
    let mut losses = Losses::new(ask.drop_params);
    let (edit, plan) = if client == provider {
        same_format(client, body, ask, &mut losses)?
    } else {
        translated(client, provider, body, ask, &mut losses)?
    };
    let plan = AnswerPlan {
        operation: Operation::Embeddings(client),
        embedding: Some(Box::new(plan)),
        ..AnswerPlan::new(client.dialect(), provider.dialect(), false, false)
    };
    Ok(Outgoing { edit, warnings: losses.into_warnings(), plan })
}

fn translated(
    client: Format,
    provider: Format,
    body: &[u8],
    ask: &Ask<'_>,
    losses: &mut Losses,
) -> Result<(Edit, Plan), Failure> {
    let request = decode_request(client, body)?;
    let fields = &ask.quirks.embeddings;
    let encoded = encode_request(provider, &request, fields, ask, losses)?;
    Ok((Edit::Replace(encoded), plan_of(&request, provider, ask)))
}

fn plan_of(request: &EmbedRequest<'_>, provider: Format, ask: &Ask<'_>) -> Plan {
    let repeats = matches!(request.origin, Format::CohereV1 | Format::CohereV2);
    Plan {
        client: request.origin,
        provider,
        // Formats whose answers name their elements do not look at it.
        asked: request
            .only_elements(ask.quirks.embeddings.known, &mut Losses::new(true))
            .unwrap_or(Elements::Float),
        elements: request.elements.clone(),
        base64: request.base64,
        inputs: Some(request.inputs.len()),
        model: ask.model.to_owned(),
        texts: repeats.then(|| request.texts_json()).flatten(),
        id: String::new(),
        estimate: request.estimate(),
        counted: None,
    }
}

/// The request of a client whose format the provider speaks: the model and a target's own fields are spliced, and the
/// fields that this provider calls otherwise.
fn same_format(
    format: Format,
    body: &[u8],
    ask: &Ask<'_>,
    losses: &mut Losses,
) -> Result<(Edit, Plan), Failure> {
    let found = members(body)?;
    let known = ask.quirks.embeddings.known;
    let asks_floats =
        || ["float", "base64"].iter().any(|word| is_word(field(&found, "encoding_format"), word));
    if format == Format::Openai && !known.contains(&Elements::Float) && asks_floats() {
        // What came back would be bytes of another kind, which the client would read as floats.
        return translated(format, format, body, ask, losses);
    }
    if format == Format::Openai && says_it_otherwise(&found, &ask.quirks.embeddings) {
        return translated(format, format, body, ask, losses);
    }
    let mut plan = Plan {
        client: format,
        provider: format,
        asked: Elements::Float,
        elements: Vec::new(),
        base64: false,
        inputs: count_inputs(format, &found),
        model: ask.model.to_owned(),
        texts: None,
        id: String::new(),
        estimate: match format {
            // They do not count, at least not always.
            Format::GeminiBatch | Format::Gemini | Format::VertexEmbed | Format::OllamaPrompt => {
                decode_request(format, body).map_or(0, |request| request.estimate())
            }
            // They do; this is for a server that should.
            _ => crate::meter::estimate::from_bytes(body.len() as u64),
        },
        counted: None,
    };
    let prefix = match format {
        Format::GeminiBatch => {
            let mut patch = Patch::default();
            let requests = gemini::respell_batch(body, ask)?;
            if let Some(requests) = requests {
                patch.set("requests", requests);
            }
            patch.prefix(body, &found)
        }
        Format::Gemini => gemini::respell(body, ask)?,
        // The path names the model.
        Format::VertexPredict | Format::VertexEmbed | Format::Bedrock => {
            let mut patch = Patch::default();
            set_params(&mut patch, ask, &found);
            patch.prefix(body, &found)
        }
        _ => {
            let mut patch = Patch::default();
            if format == Format::Openai {
                plan.base64 = is_word(field(&found, "encoding_format"), "base64");
                respell(&found, &ask.quirks.embeddings, &mut patch, losses)?;
            }
            set_params(&mut patch, ask, &found);
            if !is_word(field(&found, "model"), ask.model) {
                patch.set("model", quoted(ask.model));
            }
            patch.prefix(body, &found)
        }
    };
    let edit = match prefix {
        Some((drop, insert)) => Edit::Prefix { drop, insert },
        None => Edit::Keep,
    };
    Ok((edit, plan))
}

/// Whether a request has words of OpenAI's peers that this one of them would refuse.
fn says_it_otherwise(found: &Members<'_>, fields: &Fields) -> bool {
    let is_said = |name| field(found, name).is_some();
    let is_right = |word: Text<'_>| {
        let own = fields.purpose.filter(|(name, _)| *name == "input_type");
        let said = own.and_then(|(_, words)| Some(Purpose::of_word(word.clone())?.say(words)));
        matches!(said, Some(Said::Exactly(own)) if word == *own)
    };
    fields.closed
        && ((is_said("output_dimension") && fields.dimensions != Some("output_dimension"))
            || (is_said("output_dtype") && fields.elements.is_none())
            || (is_said("truncation") && fields.truncate != Some("truncation"))
            || field(found, "input_type").is_some_and(|said| !Text::from_raw(said).is_some_and(is_right)))
}

/// How many vectors a request asks for, as far as that can be told without knowing all of what a peer may take.
fn count_inputs(format: Format, found: &Members<'_>) -> Option<usize> {
    match format {
        Format::Openai => field(found, "input").and_then(count_texts),
        Format::Ollama => match field(found, "input") {
            // Nothing is embedded for nothing; that is how its clients have a model loaded.
            None => Some(0),
            Some(input) if Text::from_raw(input).is_some_and(|text| text.is_empty()) => Some(0),
            Some(input) => count_texts(input),
        },
        Format::GeminiBatch => field(found, "requests").and_then(count_items),
        Format::CohereV2 | Format::CohereV1 => {
            let given = ["texts", "images", "inputs"].iter().filter_map(|name| field(found, name));
            given.map(count_items).reduce(|sum, more| sum?.checked_add(more?)).flatten()
        }
        Format::Gemini | Format::VertexEmbed | Format::OllamaPrompt => Some(1),
        Format::VertexPredict => field(found, "instances").and_then(count_items),
        Format::Bedrock => None,
    }
}

/// Texts, lists of token ids, and objects are one input each, and so is one list of token ids.
fn count_texts(input: &RawValue) -> Option<usize> {
    let json = input.get();
    let Some(first) = json.strip_prefix('[').map(str::trim_start) else {
        return json.starts_with('"').then_some(1);
    };
    match first.as_bytes() {
        [b'0'..=b'9', ..] => Some(1),
        // Somebody's own way to say more.
        [b'[', rest @ ..] if rest.trim_ascii_start().starts_with(b"\"") => None,
        _ => count_items(input),
    }
}

fn count_items(list: &RawValue) -> Option<usize> {
    serde_json::from_str::<Vec<&RawValue>>(list.get()).ok().map(|items| items.len())
}

/// OpenAI's own words for what a peer calls otherwise, or does not know.
fn respell(
    found: &Members<'_>,
    fields: &Fields,
    patch: &mut Patch<'_>,
    losses: &mut Losses,
) -> Result<(), Failure> {
    if let Some(dimensions) = field(found, "dimensions") {
        match fields.dimensions {
            Some("dimensions") => {}
            Some(name) => {
                patch.set(name, dimensions.get().as_bytes());
                patch.remove("dimensions");
            }
            None => {
                losses.lost("dimensions", "is not supported by this provider")?;
                patch.remove("dimensions");
            }
        }
    }
    if field(found, "user").is_some() && !fields.user {
        losses.lost("user", "is refused by this provider")?;
        patch.remove("user");
    }
    if !fields.float && is_word(field(found, "encoding_format"), "float") {
        patch.remove("encoding_format");
    }
    // The vectors are then written in base64 on their way back.
    if !fields.base64 && is_word(field(found, "encoding_format"), "base64") {
        patch.remove("encoding_format");
    }
    Ok(())
}

/// A field that was given and is not `null`.
fn field<'a>(found: &Members<'a>, key: &str) -> Option<&'a RawValue> {
    found.get(key).map(|member| member.value).filter(|value| value.get() != "null")
}

fn is_word(value: Option<&RawValue>, word: &str) -> bool {
    value.and_then(Text::from_raw).is_some_and(|text| text == *word)
}

/// Translates an answer. Where both sides speak the same format it is only looked at.
///
/// # Errors
/// The body is empty, is no answer, holds another number of vectors than there were inputs, or is an error in a 200: a
/// reason to try the next target.
pub fn answer(plan: &Plan, body: &[u8]) -> Result<Answer, Failure> {
    let mut response = decode_response(plan.provider, body, plan.asked)?;
    if response.count() == 0 && plan.inputs != Some(0) {
        return Err(super::malformed("it holds no embeddings"));
    }
    if let Some(inputs) = plan.inputs.filter(|inputs| *inputs != response.count()) {
        let what = format!("it holds {} embeddings for {inputs} inputs", response.count());
        return Err(super::malformed(&what));
    }
    response.usage.input = response.usage.input.or(plan.counted);
    let is_same = plan.client == plan.provider;
    let body = if is_same && !needs_base64(plan, &response) {
        if plan.client == Format::Openai { openai::with_prompt_tokens(body) } else { None }
    } else {
        Some(encode_response(&response, plan)?)
    };
    let is_counted = response.usage.input.is_some();
    let usage = Usage {
        input: response.usage.input.or(Some(plan.estimate)),
        // Nothing is generated.
        output: Some(0),
        ..response.usage
    };
    let model = Some(response.model.to_str().into_owned()).filter(|model| !model.is_empty());
    Ok(Answer { body, report: Report { usage, usage_is_final: is_counted, model, ..Report::default() } })
}

/// Base64 was asked for, and a server that does not know it answered with numbers. Some clients cannot read those.
fn needs_base64(plan: &Plan, response: &EmbedResponse<'_>) -> bool {
    let first = response.sets.first().and_then(|set| set.vectors.first());
    plan.base64 && plan.client == Format::Openai && matches!(first, Some(Vector::Numbers(_)))
}
