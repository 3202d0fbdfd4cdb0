//! The hub's request becomes a Responses provider's.

use super::items::{self, UNKNOWN_HERE};
use super::search;
use crate::chat::{
    ChatRequest, Custom, Effort, Failure, Json, Losses, OWN, ResponseFormat, Schema, Search, Text, Tool,
    ToolChoice, ToolKind,
};
use crate::dialect::Dialect;
use crate::dialect::lane::{Ask, Encoded, with_params};
use crate::dialect::openai_chat::{
    CACHE_HINTS, NO_EFFORT, SAFETY, asked_effort, effort_field, reasons, reasons_when_asked, short_user,
    taken_effort,
};
use crate::provider::ReasoningSwitch;
use crate::wire::json::{Object, array, object, write_f64, write_string, write_u64};

/// OpenAI refuses a lower limit, in tokens.
const LEAST_OUTPUT: u64 = 16;

/// Writes a request for a Responses provider. Nothing is stored there for clients of other dialects, who could not
/// name it; models that reason are asked for their encrypted reasoning instead, so that it can come back.
///
/// # Errors
/// 400 that names a field which this provider cannot take, where the model's configuration refuses such fields.
pub fn encode_request(
    request: &ChatRequest<'_>,
    ask: &Ask<'_>,
    losses: &mut Losses,
) -> Result<Encoded, Failure> {
    let own = request.origin == Dialect::OpenaiResponses;
    let mut body = Vec::with_capacity(1024);
    object(&mut body, |o| {
        let mut top = Top { o, ask, losses };
        top.with("model", |out| write_string(out, ask.model))?;
        if own && let Some(text) = instructions(request) {
            top.with("instructions", |out| text.write_json(out))?;
        }
        if !top.is_overridden("input") {
            array(top.o.key("input"), |list| items::write(list, request, ask, top.losses))?;
        }
        tools(&mut top, request)?;
        sampling(&mut top, request)?;
        if own {
            for (name, value) in &request.extra {
                let name = name.strip_prefix("own.").unwrap_or(name);
                // Members of what is written whole.
                if !name.contains('.') {
                    top.raw(name, value.get())?;
                }
            }
        } else {
            reasoning(&mut top, request)?;
            words(&mut top, request)?;
            attribution(&mut top, request)?;
            top.raw("store", "false")?;
            let carried = chat_fields(&mut top, request)?;
            let lost =
                request.extra.iter().filter(|(name, _)| !carried.contains(&&**name)).cloned().collect();
            top.losses.lost_extra("", &lost, UNKNOWN_HERE)?;
        }
        if let Some(metadata) = &request.metadata {
            if request.origin == Dialect::OpenaiChat {
                top.raw("metadata", metadata.as_str())?;
            } else {
                top.losses.lost("metadata", UNKNOWN_HERE)?;
            }
        }
        service_tier(&mut top, request)?;
        if request.stream {
            top.raw("stream", "true")?;
        }
        Ok::<_, Failure>(())
    })?;
    Ok(Encoded { body: with_params(body, ask), json_tool: false })
}

fn instructions<'r>(request: &'r ChatRequest<'_>) -> Option<&'r Text<'r>> {
    let message = request.messages.first()?;
    match message.parts.first().map(|part| &part.kind) {
        Some(crate::chat::PartKind::Text(text)) if message.place == crate::chat::Place::Instructions => {
            Some(text)
        }
        _ => None,
    }
}

/// The top level of the body: fields that the target's own overrides replace, or that the provider refuses, are left
/// out.
struct Top<'t, 'o, 'c, 'l> {
    o: &'t mut Object<'o>,
    ask: &'t Ask<'c>,
    losses: &'l mut Losses,
}

impl Top<'_, '_, '_, '_> {
    fn is_overridden(&self, key: &str) -> bool {
        self.ask.params.iter().any(|(name, _)| **name == *key)
    }

    /// Writes a field, unless it must not stand here.
    fn with(&mut self, key: &str, fill: impl FnOnce(&mut Vec<u8>)) -> Result<(), Failure> {
        if self.is_overridden(key) {
            return Ok(());
        }
        if self.ask.quirks.refuses(key) {
            return self.losses.lost(key, "is refused by this provider");
        }
        fill(self.o.key(key));
        Ok(())
    }

    fn raw(&mut self, key: &str, json: &str) -> Result<(), Failure> {
        self.with(key, |out| out.extend_from_slice(json.as_bytes()))
    }

    fn u64(&mut self, key: &str, value: Option<u64>) -> Result<(), Failure> {
        value.map_or(Ok(()), |value| self.with(key, |out| write_u64(out, value)))
    }

    fn f64(&mut self, key: &str, value: Option<f64>) -> Result<(), Failure> {
        value.map_or(Ok(()), |value| self.with(key, |out| write_f64(out, value)))
    }
}

fn tools(top: &mut Top<'_, '_, '_, '_>, request: &ChatRequest<'_>) -> Result<(), Failure> {
    let own = request.origin == Dialect::OpenaiResponses;
    let mut kept: Vec<&Tool<'_>> = Vec::with_capacity(request.tools.len());
    for (index, tool) in request.tools.iter().enumerate() {
        match &tool.kind {
            ToolKind::Other(opaque) if !own => {
                let why = format!("(type {:?}) {UNKNOWN_HERE}", &*opaque.kind.to_str());
                top.losses.lost(&format!("tools[{index}]"), &why)?;
            }
            ToolKind::Search(search) => {
                search::lose_options(search, index, top.losses)?;
                // It is the only tool that the provider runs.
                top.u64(search::MOST_CALLS, search.max_uses)?;
                kept.push(tool);
            }
            _ => kept.push(tool),
        }
        if !own {
            top.losses.lost_extra(format_args!("tools[{index}]"), &tool.extra, UNKNOWN_HERE)?;
        }
        if tool.cache_control.is_some() {
            top.losses.note("cache_control dropped: OpenAI caches prompts by itself");
        }
    }
    if kept.is_empty() && !own {
        return match &request.tool_choice {
            None | Some(ToolChoice::Auto | ToolChoice::None) => Ok(()),
            Some(_) => top.losses.lost("tool_choice", "has no tool left to choose"),
        };
    }
    if !kept.is_empty() {
        top.with("tools", |out| {
            array(out, |list| {
                for tool in &kept {
                    write_tool(list.item(), tool, own);
                }
            });
        })?;
    }
    match &request.tool_choice {
        None => {}
        Some(ToolChoice::Other(opaque)) if !own => {
            let why = format!("(type {:?}) {UNKNOWN_HERE}", &*opaque.kind.to_str());
            top.losses.lost("tool_choice", &why)?;
        }
        // As it came.
        Some(_) if own => {}
        Some(choice) => top.with("tool_choice", |out| write_choice(out, choice, request))?,
    }
    match request.parallel_tool_calls {
        Some(parallel) => top.raw("parallel_tool_calls", if parallel { "true" } else { "false" }),
        None => Ok(()),
    }
}

fn write_tool(out: &mut Vec<u8>, tool: &Tool<'_>, own: bool) {
    let function = match &tool.kind {
        ToolKind::Function(function) => function,
        ToolKind::Custom(custom) => return write_custom(out, tool, custom, own),
        ToolKind::Search(search) => return search::write(out, search),
        ToolKind::Other(opaque) => return out.extend_from_slice(opaque.json.as_str().as_bytes()),
    };
    object(out, |o| {
        o.word("type", "function");
        o.text("name", &function.name);
        if let Some(description) = &function.description {
            o.text("description", description);
        }
        match &function.parameters {
            Some(parameters) => o.key("parameters").extend_from_slice(parameters.as_str().as_bytes()),
            None if own => {}
            None => o.key("parameters").extend_from_slice(br#"{"type":"object","properties":{}}"#),
        }
        match function.strict {
            Some(strict) => o.bool("strict", strict),
            None if own => {}
            // Unsaid, it means yes here and no everywhere else.
            None => o.bool("strict", false),
        }
        if own {
            o.extra(&tool.extra);
        }
    });
}

fn write_custom(out: &mut Vec<u8>, tool: &Tool<'_>, custom: &Custom<'_>, own: bool) {
    object(out, |o| {
        o.word("type", "custom");
        o.text("name", &custom.name);
        if let Some(description) = &custom.description {
            o.text("description", description);
        }
        if let Some(grammar) = &custom.grammar {
            o.object("format", |o| {
                o.word("type", "grammar");
                o.text("syntax", &grammar.syntax);
                o.text("definition", &grammar.definition);
            });
        }
        if own {
            o.extra(&tool.extra);
        }
    });
}

fn write_choice(out: &mut Vec<u8>, choice: &ToolChoice<'_>, request: &ChatRequest<'_>) {
    let customs = request.custom_names();
    let named = |o: &mut Object<'_>, name: &Text<'_>| {
        o.word("type", if customs.contains(&name.to_str()) { "custom" } else { "function" });
        o.text("name", name);
    };
    match choice {
        ToolChoice::Auto => out.extend_from_slice(b"\"auto\""),
        ToolChoice::None => out.extend_from_slice(b"\"none\""),
        ToolChoice::Required => out.extend_from_slice(b"\"required\""),
        ToolChoice::Named(name) if *name == Search::NAME && is_the_search(request) => {
            object(out, |o| o.word("type", "web_search"));
        }
        ToolChoice::Named(name) => object(out, |o| named(o, name)),
        ToolChoice::Allowed { required, names } => object(out, |o| {
            o.word("type", "allowed_tools");
            o.word("mode", if *required { "required" } else { "auto" });
            o.array("tools", |tools| names.iter().for_each(|name| tools.object(|o| named(o, name))));
        }),
        ToolChoice::Other(opaque) => out.extend_from_slice(opaque.json.as_str().as_bytes()),
    }
}

/// Whether the name of the search is that of no function.
fn is_the_search(request: &ChatRequest<'_>) -> bool {
    request.tools.iter().any(|tool| matches!(tool.kind, ToolKind::Search(_)))
        && !Search::has_namesake(&request.tools)
}

fn sampling(top: &mut Top<'_, '_, '_, '_>, request: &ChatRequest<'_>) -> Result<(), Failure> {
    let own = request.origin == Dialect::OpenaiResponses;
    let limit = top.ask.max_tokens.or(request.max_tokens);
    if let Some(limit) = limit.filter(|limit| *limit < LEAST_OUTPUT && !own) {
        top.losses
            .note(format_args!("max_tokens raised from {limit} to {LEAST_OUTPUT}: OpenAI takes no less"));
    }
    top.u64("max_output_tokens", limit.map(|limit| if own { limit } else { limit.max(LEAST_OUTPUT) }))?;
    if own {
        top.f64("temperature", request.temperature)?;
        top.f64("top_p", request.top_p)?;
        return top.u64("top_logprobs", request.top_logprobs);
    }
    let reasons = reasons_when_asked(top.ask.model, &request.reasoning);
    let asked =
        |value: Option<f64>, usual: f64| value.is_some_and(|value| (value - usual).abs() > f64::EPSILON);
    let stop = if request.origin == Dialect::OpenaiChat { "stop" } else { "stop_sequences" };
    for (field, is_said) in [
        (stop, !request.stop.is_empty()),
        ("n", request.n.is_some_and(|n| n != 1)),
        ("seed", request.seed.is_some()),
        ("top_k", request.top_k.is_some()),
        ("frequency_penalty", asked(request.frequency_penalty, 0.0)),
        ("presence_penalty", asked(request.presence_penalty, 0.0)),
        ("logit_bias", request.logit_bias.as_ref().is_some_and(|bias| bias.as_str() != "{}")),
    ] {
        if is_said {
            top.losses.lost(field, UNKNOWN_HERE)?;
        }
    }
    let logprobs = request.logprobs == Some(true);
    if reasons {
        let why = format!("{} is a reasoning model and does not take it", top.ask.model);
        for (field, is_said) in [
            ("temperature", asked(request.temperature, 1.0)),
            ("top_p", asked(request.top_p, 1.0)),
            ("logprobs", logprobs),
        ] {
            if is_said && !top.is_overridden(field) {
                top.losses.lost(field, &why)?;
            }
        }
    } else {
        top.f64("temperature", request.temperature)?;
        top.f64("top_p", request.top_p)?;
        top.u64("top_logprobs", request.top_logprobs.filter(|_| logprobs))?;
    }
    let wanted = [
        (thinks(top, request), "\"reasoning.encrypted_content\""),
        (logprobs && !reasons, "\"message.output_text.logprobs\""),
    ];
    let wanted: Vec<&str> =
        wanted.iter().filter(|(is_wanted, _)| *is_wanted).map(|(_, name)| *name).collect();
    if wanted.is_empty() { Ok(()) } else { top.raw("include", &format!("[{}]", wanted.join(","))) }
}

/// Whether the answer will hold reasoning. OpenAI's other models refuse to be asked for it.
fn thinks(top: &Top<'_, '_, '_, '_>, request: &ChatRequest<'_>) -> bool {
    let can = match top.ask.quirks.reasoning {
        ReasoningSwitch::None => false,
        ReasoningSwitch::Openai => reasons(top.ask.model),
        _ => true,
    };
    can && (reasons_when_asked(top.ask.model, &request.reasoning) || request.reasoning.is_on())
}

/// Writes `reasoning`. A summary is asked for where the client asked for thinking as such: those who only name an
/// effort get what the chat completions of OpenAI would have shown them, which is nothing.
fn reasoning(top: &mut Top<'_, '_, '_, '_>, request: &ChatRequest<'_>) -> Result<(), Failure> {
    let said = &request.reasoning;
    if said.is_unsaid() {
        return Ok(());
    }
    if top.ask.quirks.reasoning == ReasoningSwitch::None {
        return if said.is_on() {
            top.losses.lost("thinking", "is nothing this provider can be asked for")
        } else {
            Ok(())
        };
    }
    let effort = asked_effort(said);
    let is_hidden = said.display.as_ref().is_some_and(|display| *display == "omitted");
    let shows = said.is_on() && said.thought.is_some() && !is_hidden;
    if effort.is_none() && !shows {
        return Ok(());
    }
    let field = effort_field(request.origin);
    if top.ask.quirks.reasoning == ReasoningSwitch::Openai && !reasons(top.ask.model) {
        return top.losses.lost(field, &format!("{} does not reason", top.ask.model));
    }
    let takes_effort = top.ask.quirks.takes_effort(top.ask.model);
    if effort.is_some() && !takes_effort {
        top.losses.lost(field, &format!("{} {NO_EFFORT}", top.ask.model))?;
    }
    let effort = effort.filter(|_| takes_effort);
    if effort.is_none() && !shows {
        return Ok(());
    }
    let mut effort = effort.map(|effort| taken_effort(top.ask, effort, field, top.losses));
    let searches = || request.tools.iter().any(|tool| matches!(tool.kind, ToolKind::Search(_)));
    if effort == Some(Effort::Minimal) && searches() {
        top.losses.note(format_args!(
            "{field}: there is no search with an effort of minimal, low was sent instead"
        ));
        effort = Some(Effort::Low);
    }
    top.with("reasoning", |out| {
        object(out, |o| {
            if let Some(effort) = effort {
                o.word("effort", effort.as_str());
            }
            if shows {
                o.word("summary", "auto");
            }
        });
    })
}

/// Writes `text`: the shape of the answer, and how long it should be.
fn words(top: &mut Top<'_, '_, '_, '_>, request: &ChatRequest<'_>) -> Result<(), Failure> {
    let format = match &request.response_format {
        None => None,
        Some(ResponseFormat::Other(opaque)) => {
            let why = format!("(type {:?}) {UNKNOWN_HERE}", &*opaque.kind.to_str());
            top.losses.lost("response_format", &why)?;
            None
        }
        Some(ResponseFormat::JsonSchema(_)) if !top.ask.quirks.json_schema => {
            let why = "is not known to this provider: any JSON object is asked for";
            top.losses.lost("response_format.json_schema", why)?;
            Some(&ResponseFormat::JsonObject)
        }
        Some(format) => Some(format),
    };
    if format.is_none() && request.verbosity.is_none() {
        return Ok(());
    }
    top.with("text", |out| {
        object(out, |o| {
            if let Some(format) = format {
                o.object("format", |o| write_format(o, format));
            }
            if let Some(verbosity) = &request.verbosity {
                o.text("verbosity", verbosity);
            }
        });
    })
}

fn write_format(o: &mut Object<'_>, format: &ResponseFormat<'_>) {
    match format {
        ResponseFormat::JsonObject => o.word("type", "json_object"),
        ResponseFormat::JsonSchema(Schema { name, description, strict, schema, is_word: _ }) => {
            o.word("type", "json_schema");
            match name {
                Some(name) => o.text("name", name),
                // OpenAI requires a name.
                None => o.word("name", "response"),
            }
            if let Some(description) = description {
                o.text("description", description);
            }
            if let Some(strict) = strict {
                o.bool("strict", *strict);
            }
            write_json("schema", schema, o);
        }
        ResponseFormat::Text | ResponseFormat::Other(_) => o.word("type", "text"),
    }
}

fn write_json(key: &str, json: &Json<'_>, o: &mut Object<'_>) {
    o.key(key).extend_from_slice(json.as_str().as_bytes());
}

/// Whether a client of OpenAI's chat completions asks OpenAI itself.
fn is_openais(top: &Top<'_, '_, '_, '_>, request: &ChatRequest<'_>) -> bool {
    request.origin == Dialect::OpenaiChat && top.ask.quirks.reasoning == ReasoningSwitch::Openai
}

/// Writes the fields that OpenAI's chat completions have in common with Responses and nobody else knows; gives their names.
fn chat_fields<'r>(
    top: &mut Top<'_, '_, '_, '_>,
    request: &'r ChatRequest<'_>,
) -> Result<Vec<&'r str>, Failure> {
    let mut carried = Vec::new();
    if !is_openais(top, request) {
        return Ok(carried);
    }
    for (name, value) in &request.extra {
        let field = name.strip_prefix(OWN).unwrap_or(name);
        if field == "stream_options.include_obfuscation" {
            if request.stream {
                top.raw("stream_options", &format!("{{\"include_obfuscation\":{}}}", value.get()))?;
            }
        } else if CACHE_HINTS.contains(&field) || SAFETY.contains(&&**name) {
            top.raw(field, value.get())?;
        } else {
            continue;
        }
        if !carried.contains(&&**name) {
            carried.push(&**name);
        }
    }
    Ok(carried)
}

fn attribution(top: &mut Top<'_, '_, '_, '_>, request: &ChatRequest<'_>) -> Result<(), Failure> {
    let Some(user) = &request.user else { return Ok(()) };
    let is_openai = top.ask.quirks.reasoning == ReasoningSwitch::Openai;
    if is_openai && request.extra.iter().any(|(name, _)| name == SAFETY[1]) {
        // It is said under its own name.
        return Ok(());
    }
    match short_user(user).filter(|_| top.ask.quirks.short_ids) {
        Some(short) => {
            top.losses.note("user replaced by a hash of it: OpenAI takes at most 64 characters");
            top.with("user", |out| write_string(out, &short))
        }
        None => top.with("user", |out| user.write_json(out)),
    }
}

fn service_tier(top: &mut Top<'_, '_, '_, '_>, request: &ChatRequest<'_>) -> Result<(), Failure> {
    let Some(tier) = &request.service_tier else { return Ok(()) };
    match (&*tier.to_str(), request.origin) {
        ("standard_only", Dialect::Anthropic) => top.raw("service_tier", "\"default\""),
        _ => top.with("service_tier", |out| tier.write_json(out)),
    }
}
