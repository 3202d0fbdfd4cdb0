//! Tools on offer and the choice among them: required, none, or nothing said. A named tool is the only one sent.

use super::super::WHY;
use crate::chat::{ChatRequest, Failure, Function, Losses, Text, Tool, ToolChoice, ToolKind};
use crate::dialect::Dialect;
use crate::dialect::offered::{self, Only};
use crate::wire::json::{Array, Object, members, parse_raw};

/// Writes `tools`, `strict_tools` and `tool_choice`.
pub(super) fn write(
    request: &ChatRequest<'_>,
    losses: &mut Losses,
    body: &mut Object<'_>,
) -> Result<(), Failure> {
    let own = request.origin == Dialect::Cohere;
    let (choice, only) = choose(request, losses)?;
    if request.tools.is_empty() {
        if choice == Some("REQUIRED") && !own {
            return losses.lost("tool_choice", "there is no tool to choose");
        }
    } else {
        if request.parallel_tool_calls == Some(false) {
            losses.lost("parallel_tool_calls", WHY)?;
        }
        let only = only.map(offered::only);
        body.array("tools", |list| {
            for (index, tool) in request.tools.iter().enumerate() {
                write_tool(tool, index, own, only.as_ref(), losses, list)?;
            }
            Ok::<(), Failure>(())
        })?;
        write_strict(request, losses, body);
    }
    if let Some(choice) = choice.filter(|_| own || !request.tools.is_empty()) {
        body.word("tool_choice", choice);
    }
    Ok(())
}

type Choice<'r, 'a> = (Option<&'static str>, Option<&'r [Text<'a>]>);

fn choose<'r, 'a>(request: &'r ChatRequest<'a>, losses: &mut Losses) -> Result<Choice<'r, 'a>, Failure> {
    const FILTERED: &str = "tools: only those that tool_choice names were sent";
    Ok(match &request.tool_choice {
        None | Some(ToolChoice::Auto) => (None, None),
        Some(ToolChoice::None) => (Some("NONE"), None),
        Some(ToolChoice::Required) => (Some("REQUIRED"), None),
        Some(ToolChoice::Named(name)) => {
            if request.tools.len() > 1 {
                losses.note(FILTERED);
            }
            (Some("REQUIRED"), Some(std::slice::from_ref(name)))
        }
        Some(ToolChoice::Allowed { required, names }) => {
            losses.note(FILTERED);
            (required.then_some("REQUIRED"), Some(names))
        }
        Some(ToolChoice::Other(_)) => {
            losses.lost("tool_choice", &format!("this choice {WHY}"))?;
            (None, None)
        }
    })
}

/// Cohere is strict about all tools or about none.
fn write_strict(request: &ChatRequest<'_>, losses: &mut Losses, body: &mut Object<'_>) {
    let functions = || {
        request.tools.iter().filter_map(|tool| match &tool.kind {
            ToolKind::Function(function) => Some(function),
            ToolKind::Custom(_) | ToolKind::Search(_) | ToolKind::Other(_) => None,
        })
    };
    let is_strict = |function: &Function<'_>| function.strict == Some(true);
    let own = request.origin == Dialect::Cohere;
    if functions().any(is_strict) && !own && !functions().all(requires) {
        losses.note("tools: strict dropped: Cohere wants a required parameter of every tool for it");
    } else if functions().any(is_strict) {
        if !functions().all(is_strict) {
            losses.note("tools: strict holds for all of them, Cohere knows no other way");
        }
        body.bool("strict_tools", true);
    } else if own && functions().any(|function| function.strict == Some(false)) {
        body.bool("strict_tools", false);
    }
}

/// Whether a function has a parameter that must be there.
fn requires(function: &Function<'_>) -> bool {
    let found = function.parameters.as_ref().and_then(|schema| members(schema.as_str().as_bytes()).ok());
    let names = found.and_then(|found| parse_raw::<Vec<Text<'_>>>(found.get("required")?.value).ok());
    names.is_some_and(|names| !names.is_empty())
}

fn write_tool(
    tool: &Tool<'_>,
    index: usize,
    own: bool,
    only: Option<&Only<'_>>,
    losses: &mut Losses,
    list: &mut Array<'_>,
) -> Result<(), Failure> {
    let Some(function) = offered::function(tool, index, own, WHY, only, losses, list)? else {
        return Ok(());
    };
    if tool.cache_control.is_some() {
        losses.note(super::messages::CACHE_DROPPED);
    }
    if !own {
        losses.lost_extra(format_args!("tools[{index}]"), &tool.extra, WHY)?;
    }
    offered::write_function(tool, function, own, list);
    Ok(())
}
