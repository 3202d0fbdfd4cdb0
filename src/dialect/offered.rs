//! Tools on offer to dialects that know functions, and besides them only tools of their own.

use crate::chat::{Failure, Function, Losses, Text, Tool, ToolKind};
use crate::wire::json::Array;
use std::borrow::Cow;
use std::collections::HashSet;

/// The names of the tools that are left to choose from.
pub(super) type Only<'n> = HashSet<Cow<'n, str>>;

/// The tools of these names.
pub(super) fn only<'n>(names: &[Text<'n>]) -> Only<'n> {
    names.iter().map(Text::to_str).collect()
}

/// The function that tool `index` is, where it is to be sent. `None`: it was dealt with. A tool that only its own
/// dialect knows went into `list` as it came if that dialect is the provider's (`own`), and is lost otherwise; `why`
/// completes the sentence. A function that `only` does not name is left out.
///
/// # Errors
/// 400 that names the tool, where losses are refused.
pub(super) fn function<'t, 'a>(
    tool: &'t Tool<'a>,
    index: usize,
    own: bool,
    why: &str,
    only: Option<&Only<'_>>,
    losses: &mut Losses,
    list: &mut Array<'_>,
) -> Result<Option<&'t Function<'a>>, Failure> {
    match &tool.kind {
        ToolKind::Function(function) => {
            let is_left = only.is_none_or(|names| names.contains(&function.name.to_str()));
            Ok(is_left.then_some(function))
        }
        // Made a function before, where the provider is of another dialect.
        ToolKind::Custom(custom) => {
            let why = format!("the custom tool {} {why}", custom.name.to_str());
            losses.lost(&format!("tools[{index}]"), &why).map(|()| None)
        }
        // Written before, by those who search.
        ToolKind::Search(_) => Ok(None),
        ToolKind::Other(opaque) if own => {
            list.item().extend_from_slice(opaque.json.as_str().as_bytes());
            Ok(None)
        }
        ToolKind::Other(opaque) => {
            let why = format!("a tool of type {} {why}", opaque.kind.to_str());
            losses.lost(&format!("tools[{index}]"), &why).map(|()| None)
        }
    }
}

/// Writes a function as Cohere and Ollama take it, always with parameters; with what the client's dialect says besides
/// where that is the provider's (`own`).
pub(super) fn write_function(tool: &Tool<'_>, function: &Function<'_>, own: bool, list: &mut Array<'_>) {
    list.object(|o| {
        o.word("type", "function");
        o.object("function", |o| {
            o.text("name", &function.name);
            if let Some(description) = &function.description {
                o.text("description", description);
            }
            let out = o.key("parameters");
            match &function.parameters {
                Some(parameters) => out.extend_from_slice(parameters.as_str().as_bytes()),
                None => out.extend_from_slice(br#"{"type":"object","properties":{}}"#),
            }
            if own {
                o.extra(&tool.extra);
            }
        });
    });
}
