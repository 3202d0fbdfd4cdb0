//! The shape of the answer, where the client's dialect asks for it more freely than the provider's.

use super::{Ask, Wrapped};
use crate::chat::{
    ChatRequest, Failure, JSON_SENTENCE, Json, Losses, Message, Part, PartKind, Place, ResponseFormat, Role,
    ToolKind,
};
use crate::dialect::schema::{object_around, spelt_out};
use crate::dialect::{Dialect, Rules, Wants};

/// Has a schema of something else than a plain object ask for it within one, where the provider may know no other. The way
/// back takes it out again.
///
/// # Errors
/// 400 that names the client's field: the schema cannot be moved.
pub(super) fn wrap(
    request: &mut ChatRequest<'_>,
    provider: Dialect,
    ask: &Ask<'_>,
) -> Result<Option<Wrapped>, Failure> {
    let takes_schema = match provider {
        Dialect::OpenaiChat | Dialect::OpenaiResponses => ask.quirks.json_schema,
        Dialect::Anthropic | Dialect::Bedrock | Dialect::Cohere => true,
        // These follow a schema whatever it is of.
        Dialect::Ollama | Dialect::OllamaGenerate => asks_for_word(request),
        Dialect::Gemini | Dialect::OpenaiCompletions => false,
    };
    let origin = request.origin;
    let Some(ResponseFormat::JsonSchema(schema)) = &mut request.response_format else { return Ok(None) };
    if !takes_schema || origin == provider {
        return Ok(None);
    }
    let Some(around) = object_around(schema.schema.as_str()).map_err(|why| {
        let field = ResponseFormat::field(origin);
        let need = "this provider takes a schema of an object only, and this one";
        Failure::field(field, format!("{field}: {need} is of something else and {why}"))
    })?
    else {
        return Ok(None);
    };
    schema.schema = Json::trusted(around);
    Ok(Some(if schema.is_word { Wrapped::Word } else { Wrapped::Value }))
}

fn asks_for_word(request: &ChatRequest<'_>) -> bool {
    matches!(&request.response_format, Some(ResponseFormat::JsonSchema(schema)) if schema.is_word)
}

/// The warning for it.
pub(super) fn asked_within(client: Dialect) -> String {
    format!("{}: what is no object was asked for as the property of one", ResponseFormat::field(client))
}

/// Says "JSON" to a provider of OpenAI's dialects that is asked for any JSON object, where nobody did: they answer 400 to a
/// conversation without the word. Instructions are part of it here, whatever the client's dialect.
pub(super) fn say_json(request: &mut ChatRequest<'_>, provider: Dialect, ask: &Ask<'_>, losses: &mut Losses) {
    let is_asked = match &request.response_format {
        Some(ResponseFormat::JsonObject) => true,
        Some(ResponseFormat::JsonSchema(_)) => !ask.quirks.json_schema,
        _ => false,
    };
    if !is_asked || !provider.shape().wants(Wants::WordJson) || request.messages.iter().any(says_json) {
        return;
    }
    losses.note(
        "response_format json_object asked for in the system text too: OpenAI's dialect wants the word JSON there",
    );
    let sentence = Part::text(JSON_SENTENCE);
    if let Some(instructions) = request.messages.first_mut().filter(|first| first.role.is_system()) {
        return instructions.parts.push(sentence);
    }
    let instructions = Message::new(Role::System, Place::System);
    request.messages.insert(0, Message { parts: vec![sentence], ..instructions });
}

/// Writes out in schemas what the provider wants to see there. A client of OpenAI's other dialect knows what it asks for.
pub(super) fn spell_out(request: &mut ChatRequest<'_>, provider: Dialect) {
    let Some(rules) = rules(request, provider) else { return };
    let told = |schema: &Json<'_>| spelt_out(schema.as_str(), rules).map(Json::trusted);
    for tool in &mut request.tools {
        if let ToolKind::Function(function) = &mut tool.kind
            && let Some(schema) = function.parameters.as_ref().and_then(told)
        {
            function.parameters = Some(schema);
        }
    }
    if let Some(ResponseFormat::JsonSchema(shape)) = &mut request.response_format
        && let Some(schema) = told(&shape.schema)
    {
        shape.schema = schema;
    }
}

/// Whose rules the schemas of a request are to follow, unless its client knows them.
fn rules(request: &ChatRequest<'_>, provider: Dialect) -> Option<Rules> {
    let knows = provider.is_openais() && request.origin.is_openais();
    provider.shape().schemas.filter(|_| !knows)
}

/// Lets tools be less than strict whose schemas the provider would not take as strict. A client of the dialect that is asked,
/// or of OpenAI's other one, knows what it asks for.
pub(super) fn loosen(request: &mut ChatRequest<'_>, provider: Dialect, losses: &mut Losses) {
    let Some(rules) = rules(request, provider) else { return };
    for (index, tool) in request.tools.iter_mut().enumerate() {
        let ToolKind::Function(function) = &mut tool.kind else { continue };
        let Some(schema) = function.parameters.as_ref().filter(|_| function.strict == Some(true)) else {
            continue;
        };
        if let Some(why) = rules.refuse_strict(schema.as_str()) {
            function.strict = None;
            losses.note(format_args!("tools[{index}].strict dropped: its schema {why}"));
        }
    }
}

fn says_json(message: &Message<'_>) -> bool {
    message.parts.iter().any(|part| match &part.kind {
        PartKind::Text(text) => text.to_str().to_ascii_lowercase().contains("json"),
        _ => false,
    })
}
