//! The request's options that come in several shapes.

use super::wire;
use crate::chat::{
    ChatRequest, Custom, Effort, Failure, Function, Grammar, Json, Opaque, ResponseFormat, Schema, Text,
    Thought, Tool, ToolChoice, ToolKind,
};
use crate::wire::json::{Extra, ParseError, TextOr, parse_raw};
use serde::Deserialize;
use serde_json::value::RawValue;

/// Reads a value that was kept raw, with errors that name it from the top.
pub(super) fn read<'a, T: Deserialize<'a>>(raw: &'a RawValue, field: &str) -> Result<T, Failure> {
    parse_raw(raw).map_err(|error| match error {
        ParseError::Field { path, message } => {
            let dot = if path.is_empty() || path.starts_with('[') { "" } else { "." };
            ParseError::Field { path: format!("{field}{dot}{path}"), message }.into()
        }
        other => other.into(),
    })
}

/// Members of an object that was otherwise understood, kept under their path so that their loss has a name.
fn nest<'a>(extra: &mut Extra<'a>, base: &str, members: Extra<'a>) {
    extra.extend(members.into_iter().map(|(name, value)| (format!("{base}.{name}").into(), value)));
}

/// Reads a tool. Functions and custom tools are common to the dialects; a tool of any other type is kept whole.
pub(super) fn tool(raw: &RawValue, index: usize) -> Result<Tool<'_>, Failure> {
    let tool: wire::Tool<'_> = read(raw, &format!("tools[{index}]"))?;
    let kind = tool.kind.unwrap_or_default();
    let is_known = tool
        .format
        .as_ref()
        .and_then(|format| format.kind)
        .is_none_or(|kind| matches!(kind.get(), "\"text\"" | "\"grammar\""));
    if let ("custom", Some(name), true) = (&*kind.to_str(), &tool.name, is_known) {
        let grammar = match tool.format {
            Some(wire::Grammar { syntax: Some(syntax), definition: Some(definition), .. }) => {
                Some(Grammar { syntax, definition })
            }
            _ => None,
        };
        let custom = Custom { name: name.clone(), description: tool.description, grammar };
        return Ok(Tool { kind: ToolKind::Custom(custom), cache_control: None, extra: tool.extra });
    }
    if kind != "function" {
        let kind = ToolKind::Other(Opaque { kind, json: Json::from(raw) });
        return Ok(Tool { kind, cache_control: None, extra: Extra::new() });
    }
    let Some(name) = tool.name.filter(|name| !name.is_empty()) else {
        let field = format!("tools[{index}].name");
        return Err(Failure::field(field.clone(), format!("{field}: a function needs a name")));
    };
    let kind = ToolKind::Function(Function {
        name,
        description: tool.description,
        parameters: tool.parameters.map(Json::from),
        strict: tool.strict,
    });
    Ok(Tool { kind, cache_control: None, extra: tool.extra })
}

/// Reads `tool_choice`. The type of a choice among some may go unsaid.
pub(super) fn tool_choice(raw: &RawValue) -> Result<ToolChoice<'_>, Failure> {
    let choice = match read::<TextOr<'_, wire::ToolChoice<'_>>>(raw, "tool_choice")? {
        TextOr::Text(word) => {
            return Ok(match &*word.to_str() {
                "auto" => ToolChoice::Auto,
                "none" => ToolChoice::None,
                "required" => ToolChoice::Required,
                other => {
                    let message = format!("tool_choice: {other:?} is no choice of tools");
                    return Err(Failure::field("tool_choice", message));
                }
            });
        }
        TextOr::Other(choice) => choice,
    };
    let kind = choice.kind.unwrap_or_else(|| Text::plain("allowed_tools"));
    let is_named = |tool: &wire::Named<'_>| {
        tool.kind.as_ref().is_none_or(|kind| *kind == "function" || *kind == "custom")
    };
    Ok(match (&*kind.to_str(), choice.name, choice.tools) {
        ("function" | "custom", Some(name), _) => ToolChoice::Named(name),
        ("function", None, _) => {
            return Err(Failure::field("tool_choice.name", "tool_choice.name: a named choice needs a name"));
        }
        // Of the tools that only this dialect knows it is told where they are offered.
        ("allowed_tools", _, Some(tools)) if tools.iter().any(is_named) => ToolChoice::Allowed {
            required: choice.mode.is_some_and(|mode| mode == "required"),
            names: tools.into_iter().filter(is_named).filter_map(|tool| tool.name).collect(),
        },
        _ => ToolChoice::Other(Opaque { kind, json: Json::from(raw) }),
    })
}

/// Reads `text`: the shape of the answer, and how long it should be.
pub(super) fn text<'a>(request: &mut ChatRequest<'a>, raw: &'a RawValue) -> Result<(), Failure> {
    let words: wire::Words<'a> = read(raw, "text")?;
    request.verbosity = words.verbosity;
    nest(&mut request.extra, "text", words.extra);
    let Some(raw) = words.format else { return Ok(()) };
    let format: wire::Format<'a> = read(raw, "text.format")?;
    let kind = format.kind.unwrap_or_default();
    request.response_format = Some(match (&*kind.to_str(), format.schema) {
        ("text", _) => ResponseFormat::Text,
        ("json_object", _) => ResponseFormat::JsonObject,
        ("json_schema", Some(schema)) => ResponseFormat::JsonSchema(Schema {
            name: format.name,
            description: format.description,
            strict: format.strict,
            schema: Json::from(schema),
            is_word: false,
        }),
        ("json_schema", None) => {
            return Err(Failure::field("text.format.schema", "text.format.schema: required"));
        }
        _ => ResponseFormat::Other(Opaque { kind, json: Json::from(raw) }),
    });
    Ok(())
}

/// Reads `reasoning`. Whether a summary is wanted is how much of the thinking to show.
pub(super) fn reasoning<'a>(request: &mut ChatRequest<'a>, raw: &'a RawValue) -> Result<(), Failure> {
    let wire: wire::Reasoning<'a> = read(raw, "reasoning")?;
    if let Some(effort) = wire.effort {
        let name = effort.to_str();
        request.reasoning.effort = Some(Effort::of_name(&name).ok_or_else(|| {
            let known = "none, minimal, low, medium, high, xhigh, max";
            Failure::field("reasoning.effort", format!("reasoning.effort: {name:?} is none of {known}"))
        })?);
    }
    if wire.summary.or(wire.generate_summary).is_some() && request.reasoning.effort != Some(Effort::None) {
        request.reasoning.display = Some(Text::plain("summarized"));
    }
    if request.reasoning.effort == Some(Effort::None) {
        request.reasoning.thought = Some(Thought::Off);
    }
    nest(&mut request.extra, "reasoning", wire.extra);
    Ok(())
}

/// Reads `include`: what an answer should hold beside the usual. Encrypted reasoning always comes back.
pub(super) fn include<'a>(request: &mut ChatRequest<'a>, raw: &'a RawValue) -> Result<(), Failure> {
    let wanted: Vec<Text<'a>> = read(raw, "include")?;
    let mut name = "own.include";
    for wanted in wanted {
        match &*wanted.to_str() {
            "reasoning.encrypted_content" => {}
            "message.output_text.logprobs" => request.logprobs = Some(true),
            _ => name = "include",
        }
    }
    request.extra.push((name.into(), raw));
    Ok(())
}
