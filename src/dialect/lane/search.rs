//! A search of the web that the client asks for becomes the provider's own, where it has one.

use super::Ask;
use crate::chat::{ChatRequest, Extra, Failure, Opaque, Search, Text, Tool, ToolChoice, ToolKind};
use crate::dialect::{Dialect, Takes, anthropic, gemini, openai_chat, openai_responses};

/// Offers the provider's own search in the place of the client's. Left as it is, the client's is lost like any other tool
/// that only its own dialect knows.
///
/// # Errors
/// 400 that names the field: it is malformed.
pub(super) fn offer(request: &mut ChatRequest<'_>, provider: Dialect, ask: &Ask<'_>) -> Result<(), Failure> {
    if !provider.shape().takes(Takes::WebSearch) || !ask.quirks.web_search {
        return Ok(());
    }
    if request.origin == Dialect::OpenaiChat {
        let asks = |(name, value): &(_, &serde_json::value::RawValue)| {
            name == openai_chat::WEB_SEARCH && value.get() != "null"
        };
        if let Some(at) = request.extra.iter().position(asks) {
            let (_, options) = request.extra.remove(at);
            let kind = ToolKind::Search(Box::new(openai_chat::read_search(options)?));
            request.tools.push(Tool { kind, cache_control: None, extra: Vec::new() });
        }
        return Ok(());
    }
    for index in 0..request.tools.len() {
        let Some(tool) = request.tools.get_mut(index) else { break };
        let ToolKind::Other(opaque) = &tool.kind else { continue };
        if let Some(search) = read(request.origin, opaque, &format!("tools[{index}]"), &request.extra)? {
            tool.kind = ToolKind::Search(Box::new(search));
            name_choice(request);
            break;
        }
    }
    Ok(())
}

fn read(
    origin: Dialect,
    tool: &Opaque<'_>,
    path: &str,
    extra: &Extra<'_>,
) -> Result<Option<Search>, Failure> {
    match origin {
        Dialect::Anthropic => anthropic::read_search(tool, path),
        Dialect::OpenaiResponses => openai_responses::read_search(tool, path, extra),
        Dialect::Gemini => gemini::read_search(tool, path),
        _ => Ok(None),
    }
}

/// A choice of the search is a choice by the name it has at Anthropic: elsewhere it has none.
fn name_choice(request: &mut ChatRequest<'_>) {
    if let Some(ToolChoice::Other(opaque)) = &request.tool_choice
        && request.origin == Dialect::OpenaiResponses
        && openai_responses::is_search(&opaque.kind)
    {
        request.tool_choice = Some(ToolChoice::Named(Text::plain(Search::NAME)));
    }
}
