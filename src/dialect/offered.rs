//! Tools on offer to dialects that know functions, and besides them only tools of their own.

use crate::chat::{Failure, Function, Losses, Text, Tool, ToolKind};
use crate::wire::json::Array;

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
    only: Option<&[Text<'_>]>,
    losses: &mut Losses,
    list: &mut Array<'_>,
) -> Result<Option<&'t Function<'a>>, Failure> {
    match &tool.kind {
        ToolKind::Function(function) => {
            Ok(Some(function).filter(|function| only.is_none_or(|names| names.contains(&function.name))))
        }
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
