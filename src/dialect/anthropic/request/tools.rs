//! Tools, the choice among them, and the shape of the answer.

use super::super::model::Claude;
use super::super::web_search::write_search;
use super::parts::write_json;
use super::schema::Rewriter;
use crate::chat::{
    ChatRequest, Failure, Json, Losses, ResponseFormat, Schema, Search, Text, Tool, ToolChoice, ToolKind,
};
use crate::dialect::Dialect;
use crate::dialect::lane::JSON_TOOL;
use crate::dialect::offered::{self, Only};
use crate::dialect::schema::{claude_refuses, object_at_root};
use crate::wire::json::{Array, Object, Patch, members};
use std::borrow::Cow;

/// How the shape of the answer is asked for.
#[derive(Debug)]
pub(super) enum Shape<'r, 'a> {
    /// It is not.
    Free,
    /// By `output_config.format`.
    Format(&'r Schema<'a>),
    /// By forcing a tool whose arguments are the answer.
    Tool(&'r Schema<'a>),
    /// By a sentence in the system text.
    Sentence,
    /// In Anthropic's own words.
    Own(&'r Json<'a>),
}

/// Decides how to ask for the shape.
pub(super) fn shape<'r, 'a>(
    request: &'r ChatRequest<'a>,
    claude: Claude,
    losses: &mut Losses,
) -> Result<Shape<'r, 'a>, Failure> {
    Ok(match &request.response_format {
        None | Some(ResponseFormat::Text) => Shape::Free,
        Some(ResponseFormat::JsonObject) => {
            losses
                .note("response_format json_object asked for in the system text: Anthropic has no such mode");
            Shape::Sentence
        }
        Some(ResponseFormat::JsonSchema(schema)) if request.origin == Dialect::Anthropic => {
            Shape::Format(schema)
        }
        Some(ResponseFormat::JsonSchema(schema))
            if claude.takes_schema() && follows(schema, claude, request.origin, losses)? =>
        {
            Shape::Format(schema)
        }
        Some(ResponseFormat::JsonSchema(schema)) => Shape::Tool(schema),
        Some(ResponseFormat::Other(opaque)) if request.origin == Dialect::Anthropic => {
            Shape::Own(&opaque.json)
        }
        Some(ResponseFormat::Other(_)) => {
            losses.lost("response_format", "this format is not supported by Anthropic")?;
            Shape::Free
        }
    })
}

/// Whether a model that can be held to a schema can be held to this one. Where not, a tool has to be forced.
///
/// # Errors
/// 400 that names the client's field, where none can be.
pub(crate) fn follows(
    schema: &Schema<'_>,
    claude: Claude,
    client: Dialect,
    losses: &mut Losses,
) -> Result<bool, Failure> {
    let Some(why) = claude_refuses(schema.schema.as_str()) else { return Ok(true) };
    let field = ResponseFormat::field(client);
    if !claude.forces_tools() {
        return Err(Failure::field(
            field,
            format!("{field}: the schema {why}, which this model cannot follow"),
        ));
    }
    losses.note(format_args!("{field} asked for by a tool: the schema {why}, which Anthropic refuses"));
    Ok(false)
}

/// Why a choice is lost on models that cannot be made to use a tool. One tool that had to be used is the only one sent.
pub(crate) const UNFORCED: &str = "cannot be forced on this model, which is free to use the tools or not";

/// Which tools go, and how the choice is said.
#[derive(Debug)]
pub(super) struct Choice<'r, 'a> {
    /// `auto`, `any`, `tool`, `none`; `None`: nothing is said.
    kind: Option<&'static str>,
    name: Option<Text<'a>>,
    only: Option<&'r [Text<'a>]>,
    disable_parallel: Option<bool>,
}

impl Choice<'_, '_> {
    /// Whether some tool must be used.
    pub(super) fn is_forced(&self) -> bool {
        matches!(self.kind, Some("any" | "tool"))
    }
}

/// Decides the choice.
pub(super) fn choose<'r, 'a>(
    request: &'r ChatRequest<'a>,
    claude: Claude,
    shape: &Shape<'_, '_>,
    losses: &mut Losses,
) -> Result<Choice<'r, 'a>, Failure> {
    let mut choice = Choice { kind: None, name: None, only: None, disable_parallel: None };
    if matches!(shape, Shape::Tool(_)) {
        // With tools of the client's own beside it the model may still use those first.
        choice.kind = Some(if request.tools.is_empty() { "tool" } else { "any" });
        choice.name = request.tools.is_empty().then(|| Text::from(JSON_TOOL));
    } else {
        match &request.tool_choice {
            None => {}
            Some(ToolChoice::Auto) => choice.kind = Some("auto"),
            Some(ToolChoice::None) => choice.kind = Some("none"),
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
                losses.lost("tool_choice", "this choice is not supported by Anthropic")?;
            }
        }
        if request.tools.is_empty() && choice.kind.is_some() {
            if choice.is_forced() {
                losses.lost("tool_choice", "there is no tool to choose")?;
            }
            choice.kind = None;
            return Ok(choice);
        }
        if choice.is_forced() && !claude.forces_tools() && request.origin != Dialect::Anthropic {
            losses.lost("tool_choice", UNFORCED)?;
            choice.kind = Some("auto");
            choice.name = None;
            if let Some(ToolChoice::Named(name)) = &request.tool_choice {
                choice.only = Some(std::slice::from_ref(name));
            }
        }
    }
    match request.parallel_tool_calls {
        Some(false) if choice.kind == Some("none") => {}
        Some(false) if !request.tools.is_empty() => {
            choice.kind = choice.kind.or(Some("auto"));
            choice.disable_parallel = Some(true);
        }
        // The default: worth writing only where the client wrote it in this dialect.
        Some(true) if request.origin == Dialect::Anthropic && choice.kind.is_some() => {
            choice.disable_parallel = Some(false);
        }
        _ => {}
    }
    Ok(choice)
}

/// Writes `tools` and `tool_choice`.
pub(super) fn write(
    request: &ChatRequest<'_>,
    claude: Claude,
    shape: &Shape<'_, '_>,
    choice: &Choice<'_, '_>,
    losses: &mut Losses,
    body: &mut Object<'_>,
) -> Result<(), Failure> {
    if !request.tools.is_empty() || matches!(shape, Shape::Tool(_)) {
        let only = choice.only.map(offered::only);
        body.array("tools", |list| {
            for (index, tool) in request.tools.iter().enumerate() {
                write_tool(request, tool, index, claude, only.as_ref(), losses, list)?;
            }
            if let Shape::Tool(schema) = shape {
                list.object(|tool| {
                    tool.word("name", JSON_TOOL);
                    match &schema.description {
                        Some(description) => tool.text("description", description),
                        None => tool.word("description", "Gives the answer."),
                    }
                    write_input_schema(Some(&Json::trusted(labelled(schema))), tool);
                });
            }
            Ok::<(), Failure>(())
        })?;
    }
    if let Some(kind) = choice.kind {
        body.object("tool_choice", |object| {
            object.word("type", kind);
            if let Some(name) = &choice.name {
                object.text("name", name);
            }
            if let Some(disable) = choice.disable_parallel {
                object.bool("disable_parallel_tool_use", disable);
            }
        });
    }
    Ok(())
}

fn write_tool(
    request: &ChatRequest<'_>,
    tool: &Tool<'_>,
    index: usize,
    claude: Claude,
    only: Option<&Only<'_>>,
    losses: &mut Losses,
    list: &mut Array<'_>,
) -> Result<(), Failure> {
    let own = request.origin == Dialect::Anthropic;
    if let ToolKind::Search(search) = &tool.kind {
        return offer_search(request, search, index, only, losses, list);
    }
    let Some(function) =
        offered::function(tool, index, own, "is not supported by Anthropic", only, losses, list)?
    else {
        return Ok(());
    };
    if !own {
        losses.lost_extra(format_args!("tools[{index}]"), &tool.extra, "is not supported by Anthropic")?;
    }
    list.object(|object| {
        object.text("name", &function.name);
        if let Some(description) = &function.description {
            object.text("description", description);
        }
        let rooted = function.parameters.as_ref().filter(|_| !own);
        let rooted = rooted.and_then(|schema| object_at_root(schema.as_str())).map(Json::trusted);
        if rooted.is_some() {
            losses.note(format_args!("tools[{index}]: {MERGED}"));
        }
        let parameters = rooted.as_ref().or(function.parameters.as_ref());
        match function.strict {
            Some(strict) if own => {
                write_input_schema(parameters, object);
                object.bool("strict", strict);
            }
            Some(true) if claude.takes_schema() => {
                let mut rewriter = Rewriter::default();
                let schema = parameters.map_or(EMPTY, Json::as_str);
                rewriter.write(schema, object.key("input_schema"));
                note_moved(&format!("tools[{index}]"), &rewriter, losses);
                object.bool("strict", true);
            }
            Some(true) => {
                write_input_schema(parameters, object);
                losses.note(format_args!("tools[{index}].strict dropped: is not supported by this model"));
            }
            _ => write_input_schema(parameters, object),
        }
        if let Some(cache) = tool.cache_control {
            object.raw("cache_control", cache.0);
        }
        if own {
            object.extra(&tool.extra);
        }
    });
    Ok(())
}

/// Writes the search, where it can be offered.
fn offer_search(
    request: &ChatRequest<'_>,
    search: &Search,
    index: usize,
    only: Option<&Only<'_>>,
    losses: &mut Losses,
    list: &mut Array<'_>,
) -> Result<(), Failure> {
    if only.is_some_and(|names| !names.contains(Search::NAME)) {
        return Ok(());
    }
    if Search::has_namesake(&request.tools) {
        return losses.lost(&search.path(index), "a function on offer has its name, and tools need one each");
    }
    write_search(search, index, losses, list)
}

/// What became of a schema that is no plain object.
pub(crate) const MERGED: &str = "the choice at the root of its schema merged into one object";

const EMPTY: &str = r#"{"type":"object","properties":{}}"#;

/// Writes `input_schema`, which must be there and must say that it is an object.
fn write_input_schema(parameters: Option<&Json<'_>>, tool: &mut Object<'_>) {
    let schema = parameters.map_or(EMPTY, Json::as_str);
    let out = tool.key("input_schema");
    match members(schema.as_bytes()) {
        Ok(found) if found.fields.is_empty() => out.extend_from_slice(EMPTY.as_bytes()),
        Ok(found) if found.get("type").is_none_or(|kind| kind.value.get() == "null") => {
            let mut patch = Patch::default();
            patch.set("type", *b"\"object\"");
            let (drop, prefix) = patch.prefix(schema.as_bytes(), &found).unwrap_or_default();
            out.extend_from_slice(&prefix);
            out.extend_from_slice(schema.as_bytes().get(drop..).unwrap_or_default());
        }
        Ok(_) => out.extend_from_slice(schema.as_bytes()),
        Err(_) => out.extend_from_slice(EMPTY.as_bytes()),
    }
}

/// Writes `output_config.format`.
pub(super) fn write_format(schema: &Schema<'_>, own: bool, losses: &mut Losses, config: &mut Object<'_>) {
    config.object("format", |format| {
        format.word("type", "json_schema");
        if own {
            write_json("schema", &schema.schema, format);
            return;
        }
        if schema.description.is_some() {
            losses.note(
                "response_format.json_schema.description dropped: Anthropic's format holds the schema only",
            );
        }
        let mut rewriter = Rewriter::default();
        rewriter.write(&labelled(schema), format.key("schema"));
        note_moved("response_format", &rewriter, losses);
    });
}

/// The schema with its name as `title` and its description, where it has none of its own: Anthropic's format has no
/// other place for them, and the model reads them.
fn labelled<'s>(schema: &'s Schema<'_>) -> Cow<'s, str> {
    let text = schema.schema.as_str();
    let Ok(found) = members(text.as_bytes()) else { return Cow::Borrowed(text) };
    let mut patch = Patch::default();
    for (key, label) in [("title", &schema.name), ("description", &schema.description)] {
        if let (Some(label), None) = (label, found.get(key)) {
            let mut value = Vec::with_capacity(label.len() + 2);
            label.write_json(&mut value);
            patch.set(key, value);
        }
    }
    match patch.prefix(text.as_bytes(), &found) {
        Some((drop, prefix)) => {
            let mut labelled = String::from_utf8(prefix).unwrap_or_default();
            labelled.push_str(text.get(drop..).unwrap_or_default());
            Cow::Owned(labelled)
        }
        None => Cow::Borrowed(text),
    }
}

fn note_moved(field: &str, rewriter: &Rewriter, losses: &mut Losses) {
    if !rewriter.moved.is_empty() {
        losses.note(format_args!("{field}: {} moved into descriptions", rewriter.moved.join(", ")));
    }
}
