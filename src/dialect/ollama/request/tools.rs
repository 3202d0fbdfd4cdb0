//! Tools on offer. Ollama has no way to force one, and none to forbid them but to offer none.

use super::super::WHY;
use crate::chat::{ChatRequest, Failure, Losses, Text, Tool, ToolChoice};
use crate::dialect::Dialect;
use crate::dialect::offered::{self, Only};
use crate::wire::json::{Array, Object};

/// Which of the tools go.
enum Offer<'r, 'a> {
    All,
    None,
    Only(&'r [Text<'a>]),
}

/// Writes `tools`.
pub(super) fn write(
    request: &ChatRequest<'_>,
    losses: &mut Losses,
    body: &mut Object<'_>,
) -> Result<(), Failure> {
    let own = request.origin == Dialect::Ollama;
    let offer = choose(request, losses)?;
    let only = if let Offer::Only(names) = offer { Some(offered::only(names)) } else { None };
    if request.parallel_tool_calls == Some(false) && !request.tools.is_empty() {
        losses.lost("parallel_tool_calls", WHY)?;
    }
    if request.tools.is_empty() || matches!(offer, Offer::None) {
        return Ok(());
    }
    body.array("tools", |list| {
        for (index, tool) in request.tools.iter().enumerate() {
            write_tool(tool, index, own, only.as_ref(), losses, list)?;
        }
        Ok(())
    })
}

fn choose<'r, 'a>(request: &'r ChatRequest<'a>, losses: &mut Losses) -> Result<Offer<'r, 'a>, Failure> {
    const FILTERED: &str = "tools: only those that tool_choice names were sent";
    const FORCED: &str = "cannot be forced: Ollama has no tool_choice";
    Ok(match &request.tool_choice {
        None | Some(ToolChoice::Auto) => Offer::All,
        Some(ToolChoice::None) => {
            if !request.tools.is_empty() {
                losses.note("tools not sent: tool_choice is none, and Ollama has no tool_choice");
            }
            Offer::None
        }
        Some(ToolChoice::Required) => {
            losses.lost("tool_choice", FORCED)?;
            Offer::All
        }
        Some(ToolChoice::Named(name)) => {
            losses.lost("tool_choice", FORCED)?;
            losses.note(FILTERED);
            Offer::Only(std::slice::from_ref(name))
        }
        Some(ToolChoice::Allowed { required, names }) => {
            if *required {
                losses.lost("tool_choice", FORCED)?;
            }
            losses.note(FILTERED);
            Offer::Only(names)
        }
        Some(ToolChoice::Other(_)) => {
            losses.lost("tool_choice", WHY)?;
            Offer::All
        }
    })
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
    if function.strict == Some(true) {
        losses.note(format_args!("tools[{index}].strict dropped: {WHY}"));
    }
    if tool.cache_control.is_some() {
        losses.note(super::messages::CACHE_DROPPED);
    }
    if !own {
        losses.lost_extra(format_args!("tools[{index}]"), &tool.extra, WHY)?;
    }
    offered::write_function(tool, function, own, list);
    Ok(())
}
