//! A client's OpenAI request becomes the hub's.

use super::encode::SAFETY;
use super::wire;
use super::{message, option};
use crate::chat::{
    CacheControl, ChatRequest, Custom, Extra, Failure, Function, Grammar, Json, OWN, Opaque, Tool, ToolKind,
};
use crate::dialect::Dialect;
use crate::wire::json::{Text, TextOr, parse};

/// Reads a client's request.
///
/// # Errors
/// 400 that names the field.
pub fn decode_request(body: &[u8]) -> Result<ChatRequest<'_>, Failure> {
    let mut wire: wire::Request<'_> = parse(body)?;
    let mut request = ChatRequest::new(Dialect::OpenaiChat);
    request.model = wire.model.take().unwrap_or_default();
    let messages = wire.messages.take().ok_or_else(|| Failure::field("messages", "messages is required"))?;
    request.messages = message::decode(messages)?;

    request.legacy_functions = wire.functions.is_some();
    for (index, tool) in wire.tools.take().unwrap_or_default().into_iter().enumerate() {
        request.tools.push(tool_of(tool, index)?);
    }
    for (index, function) in wire.functions.take().unwrap_or_default().into_iter().enumerate() {
        let path = || format!("functions[{index}].name");
        request.tools.push(function_tool(function, path)?);
    }
    request.tool_choice = match (wire.tool_choice.take(), wire.function_call.take()) {
        (Some(raw), _) => Some(option::tool_choice(raw)?),
        (None, Some(raw)) => Some(option::function_choice(raw)?),
        (None, None) => None,
    };
    request.parallel_tool_calls = wire.parallel_tool_calls;

    request.max_tokens = wire.max_completion_tokens.or(wire.max_tokens);
    request.temperature = wire.temperature;
    request.top_p = wire.top_p;
    request.top_k = wire.top_k;
    request.frequency_penalty = wire.frequency_penalty;
    request.presence_penalty = wire.presence_penalty;
    request.seed = wire.seed;
    request.stop = match wire.stop.take() {
        None => Vec::new(),
        Some(TextOr::Text(text)) => vec![text],
        Some(TextOr::Other(texts)) => texts,
    };
    request.n = wire.n;
    request.logprobs = wire.logprobs;
    request.top_logprobs = wire.top_logprobs;
    request.logit_bias = wire.logit_bias.take().map(Json::from);
    request.response_format = wire.response_format.take().map(option::response_format).transpose()?;
    request.user = wire.user.take();
    request.metadata = wire.metadata.take().map(Json::from);
    request.service_tier = wire.service_tier.take();
    request.verbosity = wire.verbosity.take();
    request.stream = wire.stream.unwrap_or(false);
    request.extra = std::mem::take(&mut wire.extra);
    if let Some(options) = wire.stream_options.take() {
        request.include_usage = options.include_usage;
        nest(&mut request.extra, "stream_options", options.extra);
    }
    option::reasoning(&mut request, &mut wire)?;
    if let Some(raw) = wire.safety_identifier {
        let name = if request.user.is_some() { SAFETY[0] } else { SAFETY[1] };
        request.user = request.user.or_else(|| Text::from_raw(raw));
        request.extra.push((name.into(), raw));
    }
    for (name, value) in &mut request.extra {
        if HINTS.contains(&&**name) || ASKS_FOR_NOTHING.contains(&(&**name, value.get())) {
            *name = format!("{OWN}{name}").into();
        }
    }
    Ok(request)
}

/// Fields without any bearing on what an answer says: where its prompt is cached, how its stream is padded.
const HINTS: [&str; 4] = [
    "prompt_cache_key",
    "prompt_cache_retention",
    "prompt_cache_options",
    "stream_options.include_obfuscation",
];

/// Values that say what goes without saying at others.
const ASKS_FOR_NOTHING: [(&str, &str); 2] = [("store", "false"), ("modalities", "[\"text\"]")];

/// Members of an object that was otherwise understood, kept under their path so that their loss has a name.
pub(super) fn nest<'a>(extra: &mut Extra<'a>, base: &str, members: Extra<'a>) {
    extra.extend(members.into_iter().map(|(name, value)| (format!("{base}.{name}").into(), value)));
}

fn tool_of(mut tool: wire::Tool<'_>, index: usize) -> Result<Tool<'_>, Failure> {
    let path = || format!("tools[{index}].function.name");
    let cache_control = tool.cache_control.take().map(CacheControl);
    let is_function = tool.kind.as_ref().is_none_or(|kind| *kind == "function");
    if let Some(custom) = tool.custom.take() {
        let kind = ToolKind::Custom(custom_tool(custom, index)?);
        return Ok(Tool { kind, cache_control, extra: tool.extra });
    }
    let mut built = match tool.function.take() {
        Some(function) if is_function => function_tool(function, path)?,
        None if is_function => {
            let flat = wire::Function {
                name: tool.name.take(),
                description: tool.description.take(),
                parameters: tool.parameters.take(),
                ..wire::Function::default()
            };
            function_tool(flat, path)?
        }
        function => {
            tool.function = function;
            return Ok(Tool {
                kind: ToolKind::Other(opaque_tool(&tool)),
                cache_control,
                extra: Extra::new(),
            });
        }
    };
    built.cache_control = cache_control;
    built.extra.append(&mut tool.extra);
    Ok(built)
}

fn custom_tool(custom: wire::Custom<'_>, index: usize) -> Result<Custom<'_>, Failure> {
    let required = |name: &str| {
        let path = format!("tools[{index}].custom.{name}");
        Failure::field(path.clone(), format!("{path} is required"))
    };
    if let Some(kind) = custom.format.as_ref().and_then(|format| format.kind.as_ref())
        && *kind != "text"
        && *kind != "grammar"
    {
        let path = format!("tools[{index}].custom.format.type");
        let message = format!("{path}: {:?} is neither text nor grammar", &*kind.to_str());
        return Err(Failure::field(path, message));
    }
    let grammar = match custom.format.and_then(|format| format.grammar) {
        None => None,
        Some(wire::Grammar { syntax: Some(syntax), definition: Some(definition), .. }) => {
            Some(Grammar { syntax, definition })
        }
        Some(_) => return Err(required("format.grammar.definition")),
    };
    let name = custom.name.ok_or_else(|| required("name"))?;
    Ok(Custom { name, description: custom.description, grammar })
}

fn function_tool(function: wire::Function<'_>, path: impl FnOnce() -> String) -> Result<Tool<'_>, Failure> {
    let name = function.name.filter(|name| !name.is_empty());
    let Some(name) = name else {
        let path = path();
        return Err(Failure::field(path.clone(), format!("{path}: a function needs a name")));
    };
    let kind = ToolKind::Function(Function {
        name,
        description: function.description,
        parameters: function.parameters.map(Json::from),
        strict: function.strict,
    });
    let mut extra = Extra::new();
    nest(&mut extra, "function", function.extra);
    Ok(Tool { kind, cache_control: None, extra })
}

/// A tool that is neither function nor custom tool (what providers add), written as it came.
fn opaque_tool<'a>(tool: &wire::Tool<'a>) -> Opaque<'a> {
    let kind = tool.kind.clone().unwrap_or_default();
    let mut json = Vec::new();
    crate::wire::json::object(&mut json, |o| {
        o.text("type", &kind);
        let texts: [(&str, &Option<Text<'a>>); 2] =
            [("name", &tool.name), ("description", &tool.description)];
        for (key, text) in texts {
            if let Some(text) = text {
                o.text(key, text);
            }
        }
        if let Some(parameters) = tool.parameters {
            o.raw("parameters", parameters);
        }
        o.extra(&tool.extra);
    });
    Opaque { kind, json: Json::trusted(String::from_utf8(json).unwrap_or_default()) }
}
