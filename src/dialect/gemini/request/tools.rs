//! Tools and the choice among them, as Gemini takes them.

use super::super::google_search::{cannot_search, lose_options};
use super::super::model::Gemini;
use super::schema::Rewriter;
use crate::chat::{ChatRequest, Failure, Function, Json, Losses, Schema, Tool, ToolChoice, ToolKind};
use crate::dialect::Dialect;
use crate::dialect::schema::object_at_root;
use crate::wire::json::{Array, Object, Patch, array, members};
use std::borrow::Cow;

/// The prefix under which fields of `functionCallingConfig` that the hub has no word for are kept.
const CALLING: &str = "toolConfig.functionCallingConfig.";

const WHY: &str = "is not supported by Gemini";

/// Google's own search.
const SEARCH: &str = r#"{"googleSearch":{}}"#;

/// Writes `tools` and `toolConfig`.
pub(super) fn write(
    request: &ChatRequest<'_>,
    model: Gemini,
    losses: &mut Losses,
    body: &mut Object<'_>,
) -> Result<(), Failure> {
    let own = request.origin == Dialect::Gemini;
    let mut functions = Vec::new();
    let mut has_functions = false;
    let mut result = Ok(());
    array(&mut functions, |list| {
        for (index, tool) in request.tools.iter().enumerate() {
            if let (ToolKind::Function(function), Ok(())) = (&tool.kind, &result) {
                has_functions = true;
                result = write_function(tool, function, index, own, model, losses, list);
            }
        }
    });
    result?;
    let mut own_tools = Vec::new();
    let search = Json::trusted(SEARCH);
    for (index, tool) in request.tools.iter().enumerate() {
        if let ToolKind::Search(options) = &tool.kind {
            match cannot_search(request, model) {
                // Where no tool may be used, none is missed.
                _ if request.tool_choice == Some(ToolChoice::None) => {}
                Some(why) => losses.lost(&options.path(index), why)?,
                None => {
                    lose_options(options, index, losses)?;
                    own_tools.push(&search);
                }
            }
        }
        let ToolKind::Other(opaque) = &tool.kind else { continue };
        if own {
            own_tools.push(&opaque.json);
        } else {
            let kind = opaque.kind.to_str();
            losses.lost(&format!("tools[{index}]"), &format!("of type {kind} {WHY}"))?;
        }
    }
    if has_functions || !own_tools.is_empty() {
        body.array("tools", |list| {
            if has_functions {
                list.object(|o| o.key("functionDeclarations").extend_from_slice(&functions));
            }
            for json in own_tools {
                list.item().extend_from_slice(json.as_str().as_bytes());
            }
        });
    }
    if request.parallel_tool_calls == Some(false) && has_functions {
        losses.lost("parallel_tool_calls", WHY)?;
    }
    write_choice(request, has_functions, own, losses, body)
}

fn write_function(
    tool: &Tool<'_>,
    function: &Function<'_>,
    index: usize,
    own: bool,
    model: Gemini,
    losses: &mut Losses,
    list: &mut Array<'_>,
) -> Result<(), Failure> {
    if function.strict == Some(true) {
        losses.note(format_args!("tools[{index}].strict dropped: {WHY}"));
    }
    if tool.cache_control.is_some() {
        losses.note(super::parts::CACHE_DROPPED);
    }
    if !own {
        losses.lost_extra(format_args!("tools[{index}]"), &tool.extra, WHY)?;
    }
    list.object(|o| {
        o.text("name", &function.name);
        if let Some(description) = &function.description {
            o.text("description", description);
        }
        if let Some(schema) = &function.parameters {
            let path = format!("tools[{index}].parameters");
            if own && model.takes_json_schema() {
                o.key("parametersJsonSchema").extend_from_slice(schema.as_str().as_bytes());
            } else {
                write_parameters(schema.as_str(), &path, model, losses, o)?;
            }
        }
        if own {
            o.extra(&tool.extra);
        }
        Ok(())
    })
}

fn write_parameters(
    schema: &str,
    path: &str,
    model: Gemini,
    losses: &mut Losses,
    o: &mut Object<'_>,
) -> Result<(), Failure> {
    let (mut rewriter, mut out) = (Rewriter::default(), Vec::new());
    let rooted = object_at_root(schema);
    let schema = rooted.as_deref().unwrap_or(schema);
    if rooted.is_some() {
        losses.note(format_args!("{path}: the choice at its root merged into one object"));
    }
    match rewriter.write_object(schema, &mut out) {
        // A function without parameters has no schema of them.
        Ok(false) => {}
        Ok(true) if rewriter.untyped && model.takes_json_schema() => {
            o.key("parametersJsonSchema").extend_from_slice(schema.as_bytes());
            losses.note(format_args!("{path} does not say all of its types, sent as JSON Schema"));
        }
        Ok(true) => {
            o.key("parameters").extend_from_slice(&out);
            note_moved(path, &rewriter, losses);
        }
        Err(why) if model.takes_json_schema() => {
            o.key("parametersJsonSchema").extend_from_slice(schema.as_bytes());
            losses.note(format_args!("{path} {}, sent as JSON Schema", why.why()));
        }
        Err(why) => {
            return Err(Failure::field(path, format!("{path} {}, which this model cannot take", why.why())));
        }
    }
    Ok(())
}

/// Writes the schema that an answer must follow.
pub(super) fn write_answer_schema(
    schema: &Schema<'_>,
    own: bool,
    model: Gemini,
    losses: &mut Losses,
    config: &mut Object<'_>,
) -> Result<(), Failure> {
    let path = "response_format.json_schema.schema";
    if own && model.takes_json_schema() {
        config.key("responseJsonSchema").extend_from_slice(schema.schema.as_str().as_bytes());
        return Ok(());
    }
    let (mut rewriter, mut out) = (Rewriter::default(), Vec::new());
    match rewriter.write(&described(schema), &mut out) {
        Ok(()) => {
            config.key("responseSchema").extend_from_slice(&out);
            note_moved(path, &rewriter, losses);
        }
        Err(why) if model.takes_json_schema() => {
            config.key("responseJsonSchema").extend_from_slice(schema.schema.as_str().as_bytes());
            losses.note(format_args!("{path} {}, sent as JSON Schema", why.why()));
        }
        Err(why) => {
            return Err(Failure::field(path, format!("{path} {}, which this model cannot take", why.why())));
        }
    }
    Ok(())
}

/// The schema with the description that OpenAI has beside it: Gemini has no other place, and the model reads it.
fn described<'s>(schema: &'s Schema<'_>) -> Cow<'s, str> {
    let text = schema.schema.as_str();
    let (Some(description), Ok(found)) = (&schema.description, members(text.as_bytes())) else {
        return Cow::Borrowed(text);
    };
    if found.get("description").is_some() {
        return Cow::Borrowed(text);
    }
    let mut value = Vec::new();
    description.write_json(&mut value);
    let mut patch = Patch::default();
    patch.set("description", value);
    match patch.prefix(text.as_bytes(), &found) {
        Some((drop, prefix)) => {
            let mut described = String::from_utf8(prefix).unwrap_or_default();
            described.push_str(text.get(drop..).unwrap_or_default());
            Cow::Owned(described)
        }
        None => Cow::Borrowed(text),
    }
}

fn note_moved(path: &str, rewriter: &Rewriter, losses: &mut Losses) {
    if let Some(moved) = rewriter.moved() {
        losses.note(format_args!("{path}: {moved} moved into descriptions"));
    }
}

fn write_choice(
    request: &ChatRequest<'_>,
    has_functions: bool,
    own: bool,
    losses: &mut Losses,
    body: &mut Object<'_>,
) -> Result<(), Failure> {
    let nested = |prefix: &'static str| {
        let fields = request.extra.iter().filter(move |_| own);
        fields.filter_map(move |(name, value)| Some((name.strip_prefix(prefix)?, *value)))
    };
    let choice = match &request.tool_choice {
        Some(ToolChoice::Other(opaque)) => {
            losses.lost("tool_choice", &format!("{} {WHY}", opaque.kind.to_str()))?;
            None
        }
        // Without functions there is nothing to choose from, and Gemini refuses a forced choice.
        choice => choice.as_ref().filter(|_| has_functions),
    };
    let (mode, names) = match choice {
        Some(ToolChoice::Auto) => (Some("AUTO"), &[][..]),
        Some(ToolChoice::None) => (Some("NONE"), &[][..]),
        Some(ToolChoice::Required) => (Some("ANY"), &[][..]),
        Some(ToolChoice::Named(name)) => (Some("ANY"), std::slice::from_ref(name)),
        Some(ToolChoice::Allowed { required: true, names }) => (Some("ANY"), names.as_slice()),
        // Only `ANY` and `VALIDATED` take a list of names.
        Some(ToolChoice::Allowed { required: false, names }) => (Some("VALIDATED"), names.as_slice()),
        Some(ToolChoice::Other(_)) | None => (None, &[][..]),
    };
    if !own && !has_functions && request.tools.iter().any(|tool| matches!(tool.kind, ToolKind::Search(_))) {
        let is_forced = |choice: &ToolChoice<'_>| !matches!(choice, ToolChoice::Auto | ToolChoice::None);
        if request.tool_choice.as_ref().is_some_and(is_forced) {
            losses.lost("tool_choice", "Gemini searches where it finds it useful")?;
        }
    }
    let has_rest = nested("toolConfig.").next().is_some();
    if mode.is_none() && !has_rest {
        return Ok(());
    }
    body.object("toolConfig", |config| {
        if mode.is_some() || nested(CALLING).next().is_some() {
            config.object("functionCallingConfig", |calling| {
                if let Some(mode) = mode {
                    calling.word("mode", mode);
                }
                if !names.is_empty() {
                    calling
                        .array("allowedFunctionNames", |list| names.iter().for_each(|name| list.text(name)));
                }
                nested(CALLING).for_each(|(name, value)| calling.raw(name, value));
            });
        }
        for (name, value) in
            nested("toolConfig.").filter(|(name, _)| !name.starts_with("functionCallingConfig."))
        {
            config.raw(name, value);
        }
    });
    Ok(())
}
