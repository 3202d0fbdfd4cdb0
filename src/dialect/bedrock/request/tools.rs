//! Tools, the choice among them, and the shape of the answer.

use super::super::family::Family;
use super::additional::Additional;
use crate::chat::{
    ChatRequest, Failure, Function, JSON_SENTENCE, Json, Losses, PartKind, ResponseFormat, Schema, Text,
    Tool, ToolChoice,
};
use crate::dialect::Dialect;
use crate::dialect::anthropic::schema::Rewriter;
use crate::dialect::anthropic::{MERGED, UNFORCED, follows};
use crate::dialect::lane::JSON_TOOL;
use crate::dialect::offered::{self, Only};
use crate::dialect::schema::object_at_root;
use crate::wire::json::{Array, Object, Patch, members, object};
use std::borrow::Cow;
use std::collections::HashSet;

/// How the shape of the answer is asked for.
#[derive(Debug)]
pub(super) enum Shape<'r, 'a> {
    /// It is not.
    Free,
    /// By `outputConfig.textFormat`.
    Format(&'r Schema<'a>),
    /// By forcing a tool whose arguments are the answer.
    Tool(&'r Schema<'a>),
    /// By a sentence in the system text.
    Sentence(Cow<'static, str>),
    /// In Bedrock's own words.
    Own(&'r Json<'a>),
}

/// Decides how to ask for the shape.
pub(super) fn shape<'r, 'a>(
    request: &'r ChatRequest<'a>,
    family: Family,
    losses: &mut Losses,
) -> Result<Shape<'r, 'a>, Failure> {
    let own = request.origin == Dialect::Bedrock;
    Ok(match &request.response_format {
        None | Some(ResponseFormat::Text) => Shape::Free,
        Some(ResponseFormat::JsonObject) => {
            losses.note("response_format json_object asked for in the system text: Bedrock has no such mode");
            Shape::Sentence(JSON_SENTENCE.into())
        }
        Some(ResponseFormat::JsonSchema(schema)) if own => Shape::Format(schema),
        Some(ResponseFormat::JsonSchema(schema))
            if family.takes_schema()
                && family
                    .claude()
                    .map_or(Ok(true), |claude| follows(schema, claude, request.origin, losses))? =>
        {
            Shape::Format(schema)
        }
        Some(ResponseFormat::JsonSchema(schema)) if family.takes_named_tool() => Shape::Tool(schema),
        Some(ResponseFormat::JsonSchema(schema)) => {
            losses.note(
                "response_format json_schema asked for in the system text: this model follows no schema",
            );
            let schema = schema.schema.as_str();
            Shape::Sentence(format!("{JSON_SENTENCE} It must follow this JSON Schema: {schema}").into())
        }
        Some(ResponseFormat::Other(opaque)) if own => Shape::Own(&opaque.json),
        Some(ResponseFormat::Other(_)) => {
            losses.lost("response_format", "this format is not supported by Bedrock")?;
            Shape::Free
        }
    })
}

/// Which tools go, and how the choice is said.
#[derive(Debug, Default)]
pub(super) struct Choice<'r, 'a> {
    /// `auto`, `any`, `tool`; `None`: nothing is said.
    kind: Option<&'static str>,
    name: Option<Text<'a>>,
    only: Option<&'r [Text<'a>]>,
    /// The client wants no tool used, and there is nothing in the conversation that needs them.
    pub(super) withheld: bool,
}

impl Choice<'_, '_> {
    /// Whether some tool must be used.
    pub(super) fn is_forced(&self) -> bool {
        matches!(self.kind, Some("any" | "tool"))
    }
}

/// Decides the choice. What Converse has no word for goes into Claude's own `tool_choice` among the additional fields.
pub(super) fn choose<'r, 'a>(
    request: &'r ChatRequest<'a>,
    family: Family,
    shape: &Shape<'_, '_>,
    additional: &mut Additional<'a>,
    losses: &mut Losses,
) -> Result<Choice<'r, 'a>, Failure> {
    let mut choice = Choice::default();
    if matches!(shape, Shape::Tool(_)) {
        // With tools of the client's own beside it the model may still use those first.
        choice.kind = Some(if request.tools.is_empty() { "tool" } else { "any" });
        choice.name = request.tools.is_empty().then(|| Text::from(JSON_TOOL));
        return Ok(choice);
    }
    match &request.tool_choice {
        None => {}
        Some(ToolChoice::Auto) => choice.kind = Some("auto"),
        Some(ToolChoice::None) if !has_history(request) => {
            choice.withheld = true;
            return Ok(choice);
        }
        Some(ToolChoice::None) if family.claude().is_some() => {
            // The tools have to stay: Bedrock refuses a history of calls without them.
            additional.tool_choice = Some(("none", None, false));
            return Ok(choice);
        }
        Some(ToolChoice::None) => {
            losses.lost(
                "tool_choice",
                "none is not supported by this model on Bedrock, and its history needs the tools",
            )?;
        }
        Some(ToolChoice::Required) => choice.kind = Some("any"),
        Some(ToolChoice::Named(name)) => {
            choice.kind = Some("tool");
            choice.name = Some(name.clone());
        }
        Some(ToolChoice::Allowed { required, names }) => {
            choice.kind = Some(if *required { "any" } else { "auto" });
            choice.only = Some(names);
            losses.note("tool_choice allowed_tools: only those tools were sent");
        }
        Some(ToolChoice::Other(_)) => {
            losses.lost("tool_choice", "this choice is not supported by Bedrock")?;
        }
    }
    if request.tools.is_empty() {
        if choice.is_forced() {
            losses.lost("tool_choice", "there is no tool to choose")?;
        }
        return Ok(Choice::default());
    }
    let refused = match choice.kind {
        _ if request.origin == Dialect::Bedrock => false,
        Some("tool" | "any") if family.claude().is_some_and(|claude| !claude.forces_tools()) => {
            losses.lost("tool_choice", UNFORCED)?;
            choice.kind = None;
            choice.name = None;
            if let Some(ToolChoice::Named(name)) = &request.tool_choice {
                choice.only = Some(std::slice::from_ref(name));
            }
            false
        }
        Some("tool") => !family.takes_named_tool(),
        Some("any") => !family.takes_any_tool(),
        _ => false,
    };
    if refused {
        losses.lost("tool_choice", "is not supported by this model on Bedrock")?;
        choice.kind = None;
    }
    if request.parallel_tool_calls == Some(false) {
        if family.claude().is_some() {
            additional.tool_choice = Some((choice.kind.unwrap_or("auto"), choice.name.take(), true));
            choice.kind = None;
        } else {
            losses.lost("parallel_tool_calls", "is not supported by this model on Bedrock")?;
        }
    }
    // The default is not worth a word, and some models refuse it.
    if choice.kind == Some("auto") && request.origin != Dialect::Bedrock {
        choice.kind = None;
    }
    Ok(choice)
}

/// Whether tools were used in the conversation.
fn has_history(request: &ChatRequest<'_>) -> bool {
    let parts = request.messages.iter().flat_map(|message| &message.parts);
    parts.into_iter().any(|part| matches!(part.kind, PartKind::ToolCall(_) | PartKind::ToolResult(_)))
}

/// Names of the tools that were used in the conversation, each once, in the order of their first use.
fn used<'a>(request: &ChatRequest<'a>) -> Vec<Cow<'a, str>> {
    let mut names: Vec<Cow<'a, str>> = Vec::new();
    let mut known: HashSet<Cow<'a, str>> = HashSet::new();
    for part in request.messages.iter().flat_map(|message| &message.parts) {
        let name = match &part.kind {
            PartKind::ToolCall(call) => call.name.to_str(),
            PartKind::ToolResult(result) => match &result.name {
                Some(name) => name.to_str(),
                None => continue,
            },
            _ => continue,
        };
        if !name.is_empty() && known.insert(name.clone()) {
            names.push(name);
        }
    }
    if names.is_empty() {
        names.push("tool".into());
    }
    names
}

/// Writes `toolConfig`. Without tools on offer it is made from the conversation, where that used some.
pub(super) fn write(
    request: &ChatRequest<'_>,
    family: Family,
    shape: &Shape<'_, '_>,
    choice: &Choice<'_, '_>,
    losses: &mut Losses,
    body: &mut Object<'_>,
) -> Result<(), Failure> {
    if choice.withheld {
        if !request.tools.is_empty() {
            losses.note("tool_choice none: the tools were not sent, Bedrock has no such choice");
        }
        return Ok(());
    }
    let only = choice.only.map(offered::only);
    let mut list = Vec::new();
    crate::wire::json::array(&mut list, |list| {
        for (index, tool) in request.tools.iter().enumerate() {
            write_tool(request, tool, index, family, only.as_ref(), losses, list)?;
        }
        if let Shape::Tool(schema) = shape {
            list.object(|tool| {
                tool.object("toolSpec", |spec| {
                    spec.word("name", JSON_TOOL);
                    match &schema.description {
                        Some(description) if !description.is_blank() => spec.text("description", description),
                        _ => spec.word("description", "Gives the answer."),
                    }
                    write_schema(schema.schema.as_str(), spec);
                });
            });
        }
        if list.is_empty() && has_history(request) {
            if request.origin != Dialect::Bedrock {
                losses.note(
                    "tools: the conversation used tools and offers none, their names were sent as tools",
                );
            }
            for name in used(request) {
                list.object(|tool| {
                    tool.object("toolSpec", |spec| {
                        spec.str("name", &name);
                        write_schema(EMPTY, spec);
                    });
                });
            }
        }
        Ok::<(), Failure>(())
    })?;
    if list == b"[]" {
        return Ok(());
    }
    body.object("toolConfig", |config| {
        config.key("tools").extend_from_slice(&list);
        let Some(kind) = choice.kind else { return };
        config.object("toolChoice", |object| {
            object.object(kind, |inner| {
                if let Some(name) = &choice.name {
                    inner.text("name", name);
                }
            });
        });
    });
    Ok(())
}

fn write_tool(
    request: &ChatRequest<'_>,
    tool: &Tool<'_>,
    index: usize,
    family: Family,
    only: Option<&Only<'_>>,
    losses: &mut Losses,
    list: &mut Array<'_>,
) -> Result<(), Failure> {
    let own = request.origin == Dialect::Bedrock;
    let Some(function) =
        offered::function(tool, index, own, "is not supported by Bedrock", only, losses, list)?
    else {
        return Ok(());
    };
    if !own {
        losses.lost_extra(format_args!("tools[{index}]"), &tool.extra, "is not supported by Bedrock")?;
    }
    list.object(|object| {
        object.object("toolSpec", |spec| write_function(function, tool, index, (own, family), losses, spec));
    });
    if tool.cache_control.is_some() {
        if own || family.caches_tools() {
            super::parts::write_cache_point(tool.cache_control, true, list);
        } else {
            losses
                .note(format_args!("tools[{index}].cache_control dropped: this model does not cache tools"));
        }
    }
    Ok(())
}

fn write_function(
    function: &Function<'_>,
    tool: &Tool<'_>,
    index: usize,
    (own, family): (bool, Family),
    losses: &mut Losses,
    spec: &mut Object<'_>,
) {
    spec.text("name", &function.name);
    if let Some(description) = function.description.as_ref().filter(|text| !text.is_blank()) {
        spec.text("description", description);
    }
    let schema = function.parameters.as_ref().map_or(EMPTY, Json::as_str);
    let rooted = if own { None } else { object_at_root(schema) };
    if rooted.is_some() {
        losses.note(format_args!("tools[{index}]: {MERGED}"));
    }
    let schema = rooted.as_deref().unwrap_or(schema);
    match function.strict {
        Some(strict) if own => {
            write_schema(schema, spec);
            spec.bool("strict", strict);
        }
        Some(true) if family.takes_schema() => {
            let mut rewriter = Rewriter::default();
            let mut strict = Vec::new();
            rewriter.write(schema, &mut strict);
            note_moved(&format!("tools[{index}]"), &rewriter, losses);
            write_schema(&String::from_utf8(strict).unwrap_or_default(), spec);
            spec.bool("strict", true);
        }
        Some(true) => {
            write_schema(schema, spec);
            losses.note(format_args!("tools[{index}].strict dropped: is not supported by this model"));
        }
        _ => write_schema(schema, spec),
    }
    if own {
        spec.extra(&tool.extra);
    }
}

const EMPTY: &str = r#"{"type":"object","properties":{}}"#;

/// Writes `inputSchema`, which must be there and must say that it is an object.
fn write_schema(schema: &str, spec: &mut Object<'_>) {
    let mut json = Vec::with_capacity(schema.len());
    match members(schema.as_bytes()) {
        Ok(found) if found.fields.is_empty() => json.extend_from_slice(EMPTY.as_bytes()),
        Ok(found) if found.get("type").is_none_or(|kind| kind.value.get() == "null") => {
            let mut patch = Patch::default();
            patch.set("type", *b"\"object\"");
            let (drop, prefix) = patch.prefix(schema.as_bytes(), &found).unwrap_or_default();
            json.extend_from_slice(&prefix);
            json.extend_from_slice(schema.as_bytes().get(drop..).unwrap_or_default());
        }
        Ok(_) => json.extend_from_slice(schema.as_bytes()),
        Err(_) => json.extend_from_slice(EMPTY.as_bytes()),
    }
    spec.object("inputSchema", |input| input.key("json").extend_from_slice(&json));
}

/// Writes `outputConfig`: the shape, and the effort where the client said it there.
pub(super) fn write_output(shape: &Shape<'_, '_>, own: bool, losses: &mut Losses, config: &mut Object<'_>) {
    match shape {
        Shape::Own(json) => config.key("textFormat").extend_from_slice(json.as_str().as_bytes()),
        Shape::Format(schema) => config.object("textFormat", |format| {
            format.word("type", "json_schema");
            format.object("structure", |structure| {
                structure.object("jsonSchema", |definition| {
                    if let Some(name) = &schema.name {
                        definition.text("name", name);
                    }
                    if let Some(description) = &schema.description {
                        definition.text("description", description);
                    }
                    if own {
                        definition.str("schema", schema.schema.as_str());
                        return;
                    }
                    let mut rewriter = Rewriter::default();
                    let mut text = Vec::new();
                    rewriter.write(schema.schema.as_str(), &mut text);
                    note_moved("response_format", &rewriter, losses);
                    definition.str("schema", &String::from_utf8(text).unwrap_or_default());
                });
            });
        }),
        _ => {}
    }
}

fn note_moved(field: &str, rewriter: &Rewriter, losses: &mut Losses) {
    if !rewriter.moved.is_empty() {
        losses.note(format_args!("{field}: {} moved into descriptions", rewriter.moved.join(", ")));
    }
}

/// Writes an object under a key unless nothing was written into it.
pub(super) fn unless_empty(key: &str, body: &mut Object<'_>, fill: impl FnOnce(&mut Object<'_>)) {
    let mut out = Vec::new();
    object(&mut out, fill);
    if out != b"{}" {
        body.key(key).extend_from_slice(&out);
    }
}
