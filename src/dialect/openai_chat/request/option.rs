//! The request's options that come in several shapes.

use super::decode::nest;
use super::wire;
use crate::chat::{ChatRequest, Effort, Failure, Json, Opaque, ResponseFormat, Schema, Thought, ToolChoice};
use crate::wire::json::{ParseError, Text, TextOr, parse_raw};
use serde::Deserialize;
use serde_json::value::RawValue;

/// Reads a value that was kept raw, with errors that name it from the top.
fn read<'a, T: Deserialize<'a>>(raw: &'a RawValue, field: &str) -> Result<T, Failure> {
    parse_raw(raw).map_err(|error| match error {
        ParseError::Field { path, message } => {
            let dot = if path.is_empty() || path.starts_with('[') { "" } else { "." };
            ParseError::Field { path: format!("{field}{dot}{path}"), message }.into()
        }
        other => other.into(),
    })
}

/// Reads `tool_choice`. `any` is Mistral's word for `required`.
pub(super) fn tool_choice<'a>(raw: &'a RawValue) -> Result<ToolChoice<'a>, Failure> {
    let choice = match read::<TextOr<'a, wire::ToolChoice<'a>>>(raw, "tool_choice")? {
        TextOr::Text(word) => return word_choice(&word, "tool_choice"),
        TextOr::Other(choice) => choice,
    };
    let kind = choice.kind.clone().unwrap_or_else(|| Text::plain("function"));
    let name = choice.function.or(choice.custom).and_then(|tool| tool.name).or(choice.name);
    Ok(match (&*kind.to_str(), choice.allowed_tools, name) {
        ("function" | "custom", _, Some(name)) => ToolChoice::Named(name),
        ("function", _, None) => {
            return Err(Failure::field("tool_choice.function.name", "a named tool choice needs a name"));
        }
        ("auto" | "none" | "required" | "any", _, _) => word_choice(&kind, "tool_choice.type")?,
        ("allowed_tools", Some(allowed), _) => ToolChoice::Allowed {
            required: allowed.mode.is_some_and(|mode| mode == "required"),
            names: allowed
                .tools
                .unwrap_or_default()
                .into_iter()
                .filter_map(|tool| tool.function.or(tool.custom).and_then(|named| named.name).or(tool.name))
                .collect(),
        },
        _ => ToolChoice::Other(Opaque { kind, json: Json::from(raw) }),
    })
}

/// Reads the older `function_call`.
pub(super) fn function_choice<'a>(raw: &'a RawValue) -> Result<ToolChoice<'a>, Failure> {
    match read::<TextOr<'a, wire::Named<'a>>>(raw, "function_call")? {
        TextOr::Text(word) => word_choice(&word, "function_call"),
        TextOr::Other(named) => named
            .name
            .map(ToolChoice::Named)
            .ok_or_else(|| Failure::field("function_call.name", "a named function call needs a name")),
    }
}

fn word_choice<'a>(word: &Text<'a>, field: &str) -> Result<ToolChoice<'a>, Failure> {
    Ok(match &*word.to_str() {
        "auto" => ToolChoice::Auto,
        "none" => ToolChoice::None,
        "required" | "any" => ToolChoice::Required,
        other => return Err(Failure::field(field, format!("{field}: {other:?} is no choice of tools"))),
    })
}

/// Reads `response_format`.
pub(super) fn response_format<'a>(raw: &'a RawValue) -> Result<ResponseFormat<'a>, Failure> {
    let format: wire::ResponseFormat<'a> = read(raw, "response_format")?;
    let Some(kind) = format.kind else {
        return Err(Failure::field("response_format.type", "response_format needs a type"));
    };
    Ok(match (&*kind.to_str(), format.json_schema) {
        ("text", _) => ResponseFormat::Text,
        ("json_object", _) => ResponseFormat::JsonObject,
        ("json_schema", Some(wire::JsonSchema { schema: Some(schema), name, description, strict, .. })) => {
            ResponseFormat::JsonSchema(Schema {
                name,
                description,
                strict,
                schema: Json::from(schema),
                is_word: false,
            })
        }
        ("json_schema", _) => {
            let field = "response_format.json_schema.schema";
            return Err(Failure::field(field, format!("{field} is required")));
        }
        _ => ResponseFormat::Other(Opaque { kind, json: Json::from(raw) }),
    })
}

/// Reads the three ways of asking for reasoning: `reasoning_effort` (OpenAI), `reasoning` (OpenRouter) and
/// `thinking` (LiteLLM, DeepSeek, Z.ai).
pub(super) fn reasoning<'a>(
    request: &mut ChatRequest<'a>,
    wire: &mut wire::Request<'a>,
) -> Result<(), Failure> {
    let reasoning = &mut request.reasoning;
    if let Some(switch) = wire.reasoning.take() {
        reasoning.thought = switch.enabled.map(|on| if on { Thought::On } else { Thought::Off });
        reasoning.budget = switch.max_tokens;
        reasoning.effort = effort(switch.effort, "reasoning.effort")?;
        nest(&mut request.extra, "reasoning", switch.extra);
    }
    if let Some(thinking) = wire.thinking.take() {
        reasoning.thought = match thinking.kind.as_ref().map(Text::to_str).as_deref() {
            None | Some("enabled") => Some(Thought::On),
            Some("adaptive" | "auto") => Some(Thought::Adaptive),
            Some("disabled") => Some(Thought::Off),
            Some(other) => {
                let message = format!("thinking.type: {other:?} is none of enabled, adaptive, disabled");
                return Err(Failure::field("thinking.type", message));
            }
        };
        reasoning.budget = thinking.budget_tokens.or(reasoning.budget);
        reasoning.display = thinking.display;
        nest(&mut request.extra, "thinking", thinking.extra);
    }
    if let Some(said) = effort(wire.reasoning_effort.take(), "reasoning_effort")? {
        reasoning.effort = Some(said);
    }
    Ok(())
}

fn effort(name: Option<Text<'_>>, field: &str) -> Result<Option<Effort>, Failure> {
    let Some(name) = name else { return Ok(None) };
    let name = name.to_str();
    match Effort::of_name(&name) {
        Some(effort) => Ok(Some(effort)),
        // LiteLLM's SDK and Groq say `default` for "as the model is made".
        None if name == "default" => Ok(None),
        None => {
            let message =
                format!("{field}: {name:?} is none of none, minimal, low, medium, high, xhigh, max");
            Err(Failure::field(field, message))
        }
    }
}
