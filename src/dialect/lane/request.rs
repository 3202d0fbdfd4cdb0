//! A client's request becomes a provider's.

use super::params::Fitted;
use super::{
    AnswerPlan, Ask, Edit, Encoded, Outgoing, Warning, cited, count, custom, identity, names, search, shape,
    tidy,
};
use crate::chat::{ChatRequest, Failure, Losses, Part, PartKind, Role, Text};
use crate::dialect::gemini::signature::without_signatures;
use crate::dialect::{Call, Carriage, Dialect, Operation, Takes, carriage, codec, signature};
use crate::wire::json::{Body, Outline};

/// Translates a request body. Where both sides speak the same dialect it is only edited in place.
///
/// # Errors
/// 400 that names the field: the body is wrong, or holds what this provider cannot take and `drop_params` is off.
pub fn request(call: &Call, provider: Dialect, body: &[u8], ask: &Ask<'_>) -> Result<Outgoing, Failure> {
    outlined(call, provider, (body, None), ask)
}

/// The same for a body that was looked at before.
///
/// # Errors
/// Those of [`request`].
pub fn request_of(call: &Call, provider: Dialect, body: &Body, ask: &Ask<'_>) -> Result<Outgoing, Failure> {
    // Only what stays as it is has a use for the look.
    let outline = if call.dialect == provider { body.outline() } else { None };
    outlined(call, provider, (body, outline), ask)
}

/// A body, and what was seen of it.
type Seen<'b> = (&'b [u8], Option<&'b Outline>);

fn outlined(call: &Call, provider: Dialect, seen: Seen<'_>, ask: &Ask<'_>) -> Result<Outgoing, Failure> {
    let Some(fitted) = Fitted::of(ask, provider) else { return packed(call, provider, seen, ask) };
    let settings = fitted.settings();
    let mut outgoing = packed(call, provider, seen, &fitted.ask(ask, &settings))?;
    if call.operation != Operation::CountTokens {
        outgoing.warnings.extend(fitted.warnings.iter().cloned());
    }
    Ok(outgoing)
}

fn packed(call: &Call, provider: Dialect, seen: Seen<'_>, ask: &Ask<'_>) -> Result<Outgoing, Failure> {
    let (body, outline) = seen;
    let to = if provider == Dialect::Anthropic { ask.quirks.carriage } else { Carriage::Plain };
    let from = call.carriage;
    if from == Carriage::Plain && to == Carriage::Plain {
        return without_ids(call, provider, seen, ask);
    }
    let mut outgoing = if from == to && !identity::holds_foreign(call.dialect, body) {
        // Model, `stream` and version are where they belong already.
        identity::request(call, body, outline, ask)?
    } else {
        carried(call, provider, body, ask)?
    };
    outgoing.plan.client_carriage = from;
    outgoing.plan.provider_carriage = to;
    Ok(outgoing)
}

/// A request of which one side or both travel otherwise than Anthropic's own.
fn carried(call: &Call, provider: Dialect, body: &[u8], ask: &Ask<'_>) -> Result<Outgoing, Failure> {
    let plain = Call { carriage: Carriage::Plain, model: None, stream: None, ..call.clone() };
    let unpacked;
    let (call, body) = if call.carriage == Carriage::Plain {
        (call, body)
    } else {
        unpacked = carriage::unpack(body, call.model.as_deref(), call.stream == Some(true))?;
        (&plain, &unpacked[..])
    };
    let mut outgoing = without_ids(call, provider, (body, None), ask)?;
    let sent = match outgoing.edit {
        Edit::Keep => body.to_vec(),
        Edit::Prefix { drop, mut insert } => {
            insert.extend_from_slice(body.get(drop..).unwrap_or_default());
            insert
        }
        Edit::Replace(sent) => sent,
    };
    outgoing.edit = Edit::Replace(match (provider, ask.quirks.carriage) {
        (_, Carriage::Plain) => sent,
        (Dialect::Anthropic, to) => carriage::pack(&sent, to, call.betas.as_deref()),
        _ => sent,
    });
    Ok(outgoing)
}

/// Cuts what ids carry besides, where the provider cannot use it.
fn without_ids(call: &Call, provider: Dialect, seen: Seen<'_>, ask: &Ask<'_>) -> Result<Outgoing, Failure> {
    // Ids that carry Gemini's signatures carry them to Gemini, and to proxies that do the same.
    let is_carrier = provider == Dialect::Gemini || !ask.quirks.short_ids;
    let Some(cut) = (!is_carrier).then(|| without_signatures(seen.0)).flatten() else {
        return translated(call, provider, seen, ask);
    };
    let mut outgoing = translated(call, provider, (&cut, None), ask)?;
    outgoing.edit = match outgoing.edit {
        Edit::Keep => Edit::Replace(cut),
        Edit::Prefix { drop, mut insert } => {
            insert.extend_from_slice(cut.get(drop..).unwrap_or_default());
            Edit::Replace(insert)
        }
        whole @ Edit::Replace(_) => whole,
    };
    Ok(outgoing)
}

fn translated(call: &Call, provider: Dialect, seen: Seen<'_>, ask: &Ask<'_>) -> Result<Outgoing, Failure> {
    let (body, outline) = seen;
    if call.operation == Operation::CountTokens {
        return count::request(call, provider, body, ask);
    }
    if call.dialect == provider {
        return identity::request(call, body, outline, ask);
    }
    let mut request = decode(call, body)?;
    let custom_tools = custom::names(&request);
    let tool_names = names::fit(&mut request, provider);
    let wrapped = shape::wrap(&mut request, provider, ask)?;
    let (encoded, mut warnings) = encode(call, provider, &mut request, ask)?;
    if wrapped.is_some() {
        warnings.push(shape::asked_within(request.origin));
    }
    let plan = AnswerPlan {
        json_tool: encoded.json_tool,
        wrapped,
        custom_tools,
        tool_names,
        legacy_functions: request.legacy_functions,
        array: call.array,
        echo: request.echo,
        model: ask.model.to_owned(),
        ..AnswerPlan::new(call.dialect, provider, request.stream, request.include_usage == Some(true))
    };
    Ok(Outgoing { edit: Edit::Replace(encoded.body), warnings, plan })
}

/// Writes a request for a provider that speaks another dialect; what was lost is said in the client's words.
pub(super) fn encode(
    call: &Call,
    provider: Dialect,
    request: &mut ChatRequest<'_>,
    ask: &Ask<'_>,
) -> Result<(Encoded, Vec<Warning>), Failure> {
    if !provider.shape().takes(Takes::Documents) {
        request.tell_documents();
    }
    if let Some(failure) = request.own_only.take() {
        return Err(failure);
    }
    something_is_asked(request)?;
    let mut losses = Losses::new(ask.drop_params).dropping_content(ask.drop_content);
    if !provider.shape().takes(Takes::Suffix) && request.suffix.take().is_some() {
        losses.lost("suffix", "is known to completions of one prompt alone")?;
    }
    signature::settle(request, provider, &mut losses);
    if !provider.shape().takes(Takes::Pieces) {
        tidy::read_pieces(request, &mut losses);
    }
    cited::forget(request, provider, &mut losses)?;
    lose_foreign_messages(request, &mut losses).map_err(|failure| in_words_of(call.dialect, failure))?;
    if request.origin != provider {
        if !custom::are_known(provider, ask.quirks) {
            custom::as_functions(request, &mut losses);
        }
        search::offer(request, provider, ask)?;
        tidy::lose_foreign_tools(request, &mut losses)?;
        tidy::part_ids(request);
        tidy::order_results(request);
        tidy::read_results(request);
        tidy::name_media(request);
        shape::loosen(request, provider, &mut losses);
        shape::spell_out(request, provider);
        shape::say_json(request, provider, ask, &mut losses);
        if matches!(
            provider,
            Dialect::Cohere | Dialect::Ollama | Dialect::OllamaGenerate | Dialect::OpenaiChat
        ) {
            tidy::read_texts(request);
        }
    }
    let encoded = codec::encode_request(provider, request, ask, &mut losses)
        .map_err(|failure| in_words_of(call.dialect, failure))?;
    let mut warnings = losses.into_warnings();
    for warning in &mut warnings {
        rename(call.dialect, warning);
    }
    Ok((encoded, warnings))
}

/// A request that says nothing at all is none that others could answer: Ollama's clients load a model with it.
///
/// # Errors
/// 400 that names the field which is missing.
fn something_is_asked(request: &ChatRequest<'_>) -> Result<(), Failure> {
    if request.messages.iter().any(|message| !message.parts.is_empty() || !message.extra.is_empty()) {
        return Ok(());
    }
    let field = request.messages_field();
    let why = match request.origin {
        Dialect::Ollama | Dialect::OllamaGenerate => {
            "required: this provider has no models to load or unload"
        }
        _ => "nothing is asked",
    };
    Err(Failure::field(field, format!("{field}: {why}")))
}

/// A failure that names the field as the client's dialect calls it.
fn in_words_of(client: Dialect, mut failure: Failure) -> Failure {
    rename(client, &mut failure.message);
    failure.param.iter_mut().for_each(|param| rename(client, param));
    failure
}

/// The hub's fields that a client of Gemini's dialect knows by another name.
const GEMINIS: [(&str, &str); 5] = [
    ("n", "generationConfig.candidateCount"),
    ("metadata", "labels"),
    ("tool_choice", "toolConfig"),
    ("response_format", "generationConfig.responseMimeType"),
    ("thinking.display", "generationConfig.thinkingConfig.includeThoughts"),
];

/// Encoders know where something stood, not what it is called there.
fn rename(client: Dialect, text: &mut String) {
    match client {
        Dialect::Gemini => {}
        Dialect::Bedrock if text.starts_with("metadata") => {
            return text.replace_range(..8, "requestMetadata");
        }
        _ => return,
    }
    if text.contains("messages[") {
        *text = text.replace("messages[", "contents[").replace("].content[", "].parts[");
    }
    let is_whole = |rest: &str| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    let named = |(hubs, _): &&(&str, &str)| text.strip_prefix(hubs).is_some_and(is_whole);
    if let Some((hubs, geminis)) = GEMINIS.iter().find(named) {
        text.replace_range(..hubs.len(), geminis);
    }
}

/// Reads a request, of which the path may say a part. That it names a model somewhere the envelope has seen to.
pub(super) fn decode<'b>(call: &'b Call, body: &'b [u8]) -> Result<ChatRequest<'b>, Failure> {
    let mut request = codec::decode_request(call.dialect, body)?;
    if let Some(model) = &call.model {
        request.model = Text::from(model.as_str());
    }
    if let Some(stream) = call.stream {
        request.stream = stream;
    }
    Ok(request)
}

/// Takes out messages that hold nothing but blocks of the client's own dialect: left in, they would be messages that
/// say nothing. What the model thought before such a block goes with it.
///
/// # Errors
/// 400 where losses are refused, or where no message is left.
fn lose_foreign_messages(request: &mut ChatRequest<'_>, losses: &mut Losses) -> Result<(), Failure> {
    let mut lost = None;
    for message in &mut request.messages {
        let kinds = message.parts.iter().filter_map(|part| match &part.kind {
            PartKind::Other(opaque) => Some((&part.kind, opaque.kind.to_str())),
            _ => None,
        });
        let is_thought =
            |part: &&Part<'_>| matches!(part.kind, PartKind::Thinking(_) | PartKind::RedactedThinking(_));
        let thoughts = match message.role {
            Role::Assistant => message.parts.iter().filter(is_thought).count(),
            _ => 0,
        };
        let others = kinds.clone().count();
        if others == 0 || others.saturating_add(thoughts) < message.parts.len() {
            continue;
        }
        let place = message.place.to_string();
        losses.said_by_model(message.role == Role::Assistant);
        for (part, kind) in kinds {
            losses.missed(part, &place, &format!("{kind} has no counterpart at this provider"))?;
        }
        if thoughts > 0 {
            losses.note(format_args!("{place}: the reasoning before it dropped too"));
        }
        message.parts.clear();
        message.extra.clear();
        lost = Some(place);
    }
    // An empty message was nothing that a client said.
    request.messages.retain(|message| !message.parts.is_empty() || !message.extra.is_empty());
    match lost.filter(|_| request.messages.is_empty()) {
        Some(place) => Err(losses.nothing_left(&place)),
        None => Ok(()),
    }
}
