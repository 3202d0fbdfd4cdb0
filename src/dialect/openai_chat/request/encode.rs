//! The hub's request becomes an OpenAI provider's.

use super::super::ids::short_user;
use super::effort::{asked_effort, effort_field, reasons, taken_effort};
use super::{sampling, turn};
use crate::chat::{
    ChatRequest, Custom, Effort, Failure, Json, Losses, OWN, ResponseFormat, Schema, Text, Thought, Tool,
    ToolChoice, ToolKind,
};
use crate::dialect::Dialect;
use crate::dialect::lane::{Ask, Encoded};
use crate::provider::{ReasoningSwitch, Replay};
use crate::wire::json::{Object, array, object, write_f64, write_string, write_u64};

/// Why something that another dialect says is lost here.
pub(super) const UNKNOWN_HERE: &str = "has no counterpart in OpenAI's chat completions";

/// Why an effort is lost that a model cannot be asked for.
pub(crate) const NO_EFFORT: &str = "cannot be told how hard to think";

/// Fields that chat completions and Responses have in common and nobody else knows.
pub(crate) const CACHE_HINTS: [&str; 3] =
    ["prompt_cache_key", "prompt_cache_retention", "prompt_cache_options"];

/// Where `safety_identifier`, the second of OpenAI's names for who asks, is kept: as a field that others miss where `user`
/// is said besides, and else as one that they do not, its value being their `user`.
pub(crate) const SAFETY: [&str; 2] = ["safety_identifier", "own.safety_identifier"];

/// Writes a request for an OpenAI-dialect provider.
///
/// # Errors
/// 400 that names a field which this provider cannot take, where the model's configuration refuses such fields.
pub fn encode_request(
    request: &ChatRequest<'_>,
    ask: &Ask<'_>,
    losses: &mut Losses,
) -> Result<Encoded, Failure> {
    let mut body = Vec::with_capacity(size_hint(request));
    object(&mut body, |o| {
        let mut top = Top::new(o, ask, losses);
        top.str("model", ask.model)?;
        if !top.is_overridden("messages") {
            array(top.o.key("messages"), |messages| turn::write(messages, request, ask, top.losses))?;
        }
        tools(&mut top, request)?;
        sampling::write(&mut top, request)?;
        reasoning(&mut top, request)?;
        format(&mut top, request)?;
        attribution(&mut top, request)?;
        if request.stream {
            top.raw("stream", "true")?;
            if ask.quirks.stream_options {
                top.raw("stream_options", "{\"include_usage\":true}")?;
            }
        }
        if request.origin == Dialect::OpenaiChat {
            for (name, value) in &request.extra {
                let name = name.strip_prefix(OWN).unwrap_or(name);
                // Members of what is written whole.
                if !name.contains('.') {
                    top.raw(name, value.get())?;
                }
            }
        } else {
            let mut carried: Vec<&str> = Vec::new();
            if request.origin == Dialect::OpenaiResponses && ask.quirks.reasoning == ReasoningSwitch::Openai {
                // OpenAI itself takes the hints for its caches in both of its dialects.
                for (name, value) in &request.extra {
                    let field = name.strip_prefix(OWN).unwrap_or(name);
                    if CACHE_HINTS.contains(&field) || SAFETY.contains(&&**name) {
                        top.raw(field, value.get())?;
                        if !carried.contains(&&**name) {
                            carried.push(&**name);
                        }
                    }
                }
            }
            let lost =
                request.extra.iter().filter(|(name, _)| !carried.contains(&&**name)).cloned().collect();
            losses.lost_extra("", &lost, UNKNOWN_HERE)?;
        }
        for (name, value) in ask.params {
            o.raw(name, value);
        }
        Ok::<_, Failure>(())
    })?;
    Ok(Encoded { body, json_tool: false })
}

/// Room for the long things: texts and raw JSON are copied, the rest is small.
fn size_hint(request: &ChatRequest<'_>) -> usize {
    use crate::chat::PartKind;
    let mut size = 512_usize;
    for part in request.messages.iter().flat_map(|message| &message.parts) {
        let long = match &part.kind {
            PartKind::Text(text) => text.len(),
            PartKind::ToolResult(result) => result.content.len().saturating_mul(256),
            _ => 256,
        };
        size = size.saturating_add(long).saturating_add(64);
    }
    size
}

/// The top level of the body: fields that the target's own overrides replace, or that the provider refuses, are
/// left out.
pub(in crate::dialect) struct Top<'t, 'o, 'c, 'l> {
    o: &'t mut Object<'o>,
    pub(in crate::dialect) ask: &'t Ask<'c>,
    pub(in crate::dialect) losses: &'l mut Losses,
}

impl<'t, 'o, 'c, 'l> Top<'t, 'o, 'c, 'l> {
    /// The top level of a body that is being written.
    pub(in crate::dialect) fn new(o: &'t mut Object<'o>, ask: &'t Ask<'c>, losses: &'l mut Losses) -> Self {
        Self { o, ask, losses }
    }
}

impl Top<'_, '_, '_, '_> {
    /// Writes the target's own fields, which end the body.
    pub(in crate::dialect) fn params(&mut self) {
        for (name, value) in self.ask.params {
            self.o.raw(name, value);
        }
    }

    /// Whether the target's own fields replace this one.
    pub(in crate::dialect) fn is_overridden(&self, key: &str) -> bool {
        self.ask.params.iter().any(|(name, _)| **name == *key)
    }

    /// Starts a field, unless it must not stand here.
    pub(in crate::dialect) fn field(&mut self, key: &str) -> Result<Option<&mut Vec<u8>>, Failure> {
        if self.is_overridden(key) {
            return Ok(None);
        }
        if self.ask.quirks.refuses(key) {
            self.losses.lost(key, "is refused by this provider")?;
            return Ok(None);
        }
        Ok(Some(self.o.key(key)))
    }

    pub(in crate::dialect) fn str(&mut self, key: &str, value: &str) -> Result<(), Failure> {
        if let Some(out) = self.field(key)? {
            write_string(out, value);
        }
        Ok(())
    }

    pub(in crate::dialect) fn text(&mut self, key: &str, value: Option<&Text<'_>>) -> Result<(), Failure> {
        if let Some(value) = value
            && let Some(out) = self.field(key)?
        {
            value.write_json(out);
        }
        Ok(())
    }

    pub(in crate::dialect) fn raw(&mut self, key: &str, json: &str) -> Result<(), Failure> {
        if let Some(out) = self.field(key)? {
            out.extend_from_slice(json.as_bytes());
        }
        Ok(())
    }

    pub(in crate::dialect) fn json(&mut self, key: &str, value: Option<&Json<'_>>) -> Result<(), Failure> {
        value.map_or(Ok(()), |json| self.raw(key, json.as_str()))
    }

    pub(in crate::dialect) fn bool(&mut self, key: &str, value: Option<bool>) -> Result<(), Failure> {
        value.map_or(Ok(()), |value| self.raw(key, if value { "true" } else { "false" }))
    }

    pub(in crate::dialect) fn u64(&mut self, key: &str, value: Option<u64>) -> Result<(), Failure> {
        if let Some(value) = value
            && let Some(out) = self.field(key)?
        {
            write_u64(out, value);
        }
        Ok(())
    }

    pub(in crate::dialect) fn f64(&mut self, key: &str, value: Option<f64>) -> Result<(), Failure> {
        if let Some(value) = value
            && let Some(out) = self.field(key)?
        {
            write_f64(out, value);
        }
        Ok(())
    }
}

fn tools(top: &mut Top<'_, '_, '_, '_>, request: &ChatRequest<'_>) -> Result<(), Failure> {
    let mut kept: Vec<&Tool<'_>> = Vec::with_capacity(request.tools.len());
    for (index, tool) in request.tools.iter().enumerate() {
        match &tool.kind {
            ToolKind::Other(opaque) if request.origin != Dialect::OpenaiChat => {
                let why = format!("(type {:?}) {UNKNOWN_HERE}", &*opaque.kind.to_str());
                top.losses.lost(&format!("tools[{index}]"), &why)?;
            }
            // Made for providers that have one.
            ToolKind::Search(_) => {}
            _ => kept.push(tool),
        }
        if request.origin != Dialect::OpenaiChat {
            top.losses.lost_extra(format_args!("tools[{index}]"), &tool.extra, UNKNOWN_HERE)?;
        }
        if tool.cache_control.is_some() && !top.ask.quirks.cache_control {
            top.losses.note(turn::CACHE_DROPPED);
        }
    }
    if kept.is_empty() {
        return match &request.tool_choice {
            None | Some(ToolChoice::Auto | ToolChoice::None) => Ok(()),
            Some(_) => top.losses.lost("tool_choice", "has no tool left to choose"),
        };
    }
    let cache_control = top.ask.quirks.cache_control;
    if let Some(out) = top.field("tools")? {
        array(out, |list| {
            for tool in kept {
                write_tool(list.item(), tool, cache_control, request.origin == Dialect::OpenaiChat);
            }
        });
    }
    let mistral = top.ask.quirks.mistral_tools;
    let thinks =
        top.ask.quirks.replay_to(top.ask.model) == Replay::Required && turn::may_think(request, top.ask);
    if let Some(choice) = &request.tool_choice {
        if thinks && !matches!(choice, ToolChoice::Auto | ToolChoice::None) {
            top.losses
                .lost("tool_choice", "beyond auto and none is refused by this model while it thinks")?;
        } else if let ToolChoice::Other(opaque) = choice
            && request.origin != Dialect::OpenaiChat
        {
            let why = format!("(type {:?}) {UNKNOWN_HERE}", &*opaque.kind.to_str());
            top.losses.lost("tool_choice", &why)?;
        } else if let Some(out) = top.field("tool_choice")? {
            write_choice(out, choice, request, mistral);
        }
    }
    top.bool("parallel_tool_calls", request.parallel_tool_calls)
}

fn write_tool(out: &mut Vec<u8>, tool: &Tool<'_>, cache_control: bool, own: bool) {
    let function = match &tool.kind {
        ToolKind::Function(function) => function,
        ToolKind::Custom(custom) => return write_custom(out, tool, custom, own),
        ToolKind::Search(_) => return,
        ToolKind::Other(opaque) => return out.extend_from_slice(opaque.json.as_str().as_bytes()),
    };
    object(out, |o| {
        o.word("type", "function");
        o.object("function", |o| {
            o.text("name", &function.name);
            if let Some(description) = &function.description {
                o.text("description", description);
            }
            if let Some(parameters) = &function.parameters {
                o.key("parameters").extend_from_slice(parameters.as_str().as_bytes());
            }
            if let Some(strict) = function.strict {
                o.bool("strict", strict);
            }
            if own {
                for (name, value) in &tool.extra {
                    if let Some(name) = name.strip_prefix("function.") {
                        o.raw(name, value);
                    }
                }
            }
        });
        if own {
            for (name, value) in tool.extra.iter().filter(|(name, _)| !name.contains('.')) {
                o.raw(name, value);
            }
        }
        if let Some(control) = tool.cache_control
            && cache_control
        {
            o.raw("cache_control", control.0);
        }
    });
}

fn write_custom(out: &mut Vec<u8>, tool: &Tool<'_>, custom: &Custom<'_>, own: bool) {
    object(out, |o| {
        o.word("type", "custom");
        o.object("custom", |o| {
            o.text("name", &custom.name);
            if let Some(description) = &custom.description {
                o.text("description", description);
            }
            if let Some(grammar) = &custom.grammar {
                o.object("format", |o| {
                    o.word("type", "grammar");
                    o.object("grammar", |o| {
                        o.text("syntax", &grammar.syntax);
                        o.text("definition", &grammar.definition);
                    });
                });
            }
        });
        if own {
            o.extra(&tool.extra);
        }
    });
}

fn write_choice(out: &mut Vec<u8>, choice: &ToolChoice<'_>, request: &ChatRequest<'_>, mistral: bool) {
    let customs = request.custom_names();
    let named = |out: &mut Vec<u8>, name: &Text<'_>| {
        let kind = if customs.contains(&name.to_str()) { "custom" } else { "function" };
        object(out, |o| {
            o.word("type", kind);
            o.object(kind, |o| o.text("name", name));
        });
    };
    match choice {
        ToolChoice::Auto => out.extend_from_slice(b"\"auto\""),
        ToolChoice::None => out.extend_from_slice(b"\"none\""),
        ToolChoice::Required if mistral => out.extend_from_slice(b"\"any\""),
        ToolChoice::Required => out.extend_from_slice(b"\"required\""),
        ToolChoice::Named(name) => named(out, name),
        ToolChoice::Allowed { required, names } => object(out, |o| {
            o.word("type", "allowed_tools");
            o.object("allowed_tools", |o| {
                o.word("mode", if *required { "required" } else { "auto" });
                o.array("tools", |tools| names.iter().for_each(|name| named(tools.item(), name)));
            });
        }),
        ToolChoice::Other(opaque) => out.extend_from_slice(opaque.json.as_str().as_bytes()),
    }
}

fn reasoning(top: &mut Top<'_, '_, '_, '_>, request: &ChatRequest<'_>) -> Result<(), Failure> {
    let said = &request.reasoning;
    if said.display.is_some() {
        let field =
            if request.origin == Dialect::OpenaiResponses { "reasoning.summary" } else { "thinking.display" };
        top.losses.note(format_args!("{field} dropped: {UNKNOWN_HERE}"));
    }
    if said.is_unsaid() {
        return Ok(());
    }
    let effort = asked_effort(said);
    let field = effort_field(request.origin);
    match top.ask.quirks.reasoning {
        ReasoningSwitch::None => {
            if said.is_on() {
                top.losses.lost("thinking", "is nothing this provider can be asked for")?;
            }
            Ok(())
        }
        ReasoningSwitch::Openai if effort.is_some() && !reasons(top.ask.model) => {
            top.losses.lost(field, &format!("{} does not reason", top.ask.model))
        }
        ReasoningSwitch::Effort if effort.is_some() && !top.ask.quirks.takes_effort(top.ask.model) => {
            top.losses.lost(field, &format!("{} {NO_EFFORT}", top.ask.model))
        }
        ReasoningSwitch::Openai | ReasoningSwitch::Effort => {
            let Some(effort) = effort else { return Ok(()) };
            let effort = taken_effort(top.ask, effort, field, top.losses);
            top.str("reasoning_effort", effort.as_str())
        }
        ReasoningSwitch::Object => {
            let Some(out) = top.field("reasoning")? else { return Ok(()) };
            object(out, |o| match (said.is_on(), said.budget, effort) {
                (false, ..) => o.bool("enabled", false),
                (true, Some(budget), _) => o.u64("max_tokens", budget),
                (true, None, Some(effort)) => o.str("effort", effort.min(Effort::XHigh).as_str()),
                (true, None, None) => o.bool("enabled", true),
            });
            Ok(())
        }
        ReasoningSwitch::Switch => {
            let on = said.is_on();
            top.raw("thinking", if on { "{\"type\":\"enabled\"}" } else { "{\"type\":\"disabled\"}" })
        }
        ReasoningSwitch::Thinking => {
            let Some(thought) = said.thought else {
                return effort.map_or(Ok(()), |effort| top.str("reasoning_effort", effort.as_str()));
            };
            let Some(out) = top.field("thinking")? else { return Ok(()) };
            object(out, |o| {
                o.word(
                    "type",
                    match thought {
                        Thought::Off => "disabled",
                        Thought::On => "enabled",
                        Thought::Adaptive => "adaptive",
                    },
                );
                if let Some(budget) = said.budget {
                    o.u64("budget_tokens", budget);
                }
            });
            Ok(())
        }
    }
}

fn format(top: &mut Top<'_, '_, '_, '_>, request: &ChatRequest<'_>) -> Result<(), Failure> {
    let Some(format) = &request.response_format else { return Ok(()) };
    let schema = match format {
        ResponseFormat::Text => return top.raw("response_format", "{\"type\":\"text\"}"),
        ResponseFormat::JsonObject => return top.raw("response_format", "{\"type\":\"json_object\"}"),
        ResponseFormat::JsonSchema(schema) => schema,
        ResponseFormat::Other(opaque) if request.origin == Dialect::OpenaiChat => {
            return top.raw("response_format", opaque.json.as_str());
        }
        ResponseFormat::Other(opaque) => {
            let why = format!("(type {:?}) {UNKNOWN_HERE}", &*opaque.kind.to_str());
            return top.losses.lost("output_config.format", &why);
        }
    };
    if !top.ask.quirks.json_schema {
        top.losses.lost(
            "response_format.json_schema",
            "is not known to this provider: any JSON object is asked for",
        )?;
        return top.raw("response_format", "{\"type\":\"json_object\"}");
    }
    let Some(out) = top.field("response_format")? else { return Ok(()) };
    object(out, |o| {
        o.word("type", "json_schema");
        o.object("json_schema", |o| write_schema(o, schema));
    });
    Ok(())
}

fn write_schema(o: &mut Object<'_>, schema: &Schema<'_>) {
    match &schema.name {
        Some(name) => o.text("name", name),
        // OpenAI requires a name.
        None => o.word("name", "response"),
    }
    if let Some(description) = &schema.description {
        o.text("description", description);
    }
    if let Some(strict) = schema.strict {
        o.bool("strict", strict);
    }
    o.key("schema").extend_from_slice(schema.schema.as_str().as_bytes());
}

fn attribution(top: &mut Top<'_, '_, '_, '_>, request: &ChatRequest<'_>) -> Result<(), Failure> {
    let says_safety = request.extra.iter().any(|(name, _)| name == SAFETY[1]);
    let is_carried = request.origin == Dialect::OpenaiChat
        || (request.origin == Dialect::OpenaiResponses
            && top.ask.quirks.reasoning == ReasoningSwitch::Openai);
    // Where it is said under the second name, it is not said under the first.
    let user = request.user.as_ref().filter(|_| !(says_safety && is_carried));
    match user.and_then(short_user).filter(|_| top.ask.quirks.short_ids) {
        Some(short) => {
            let field = if request.origin == Dialect::Anthropic { "metadata.user_id" } else { "user" };
            top.losses
                .note(format_args!("{field} replaced by a hash of it: OpenAI takes at most 64 characters"));
            top.str("user", &short)?;
        }
        None => top.text("user", user)?,
    }
    if request.origin == Dialect::OpenaiChat {
        top.json("metadata", request.metadata.as_ref())?;
        return top.text("service_tier", request.service_tier.as_ref());
    }
    if request.metadata.is_some() {
        top.losses.lost("metadata", "beyond user_id has no counterpart in OpenAI's chat completions")?;
    }
    match request.service_tier.as_ref().map(Text::to_str).as_deref() {
        None => Ok(()),
        Some("auto") => top.str("service_tier", "auto"),
        Some("standard_only" | "standard" | "default") => top.str("service_tier", "default"),
        Some("flex" | "priority") => top.text("service_tier", request.service_tier.as_ref()),
        Some(_) if request.origin == Dialect::OpenaiResponses => {
            top.text("service_tier", request.service_tier.as_ref())
        }
        Some(_) => top.losses.lost("service_tier", UNKNOWN_HERE),
    }
}
