//! The tool that searches the web: `web_search`, and the older `web_search_preview`.
//! <https://platform.openai.com/docs/guides/tools-web-search>

use super::items::UNKNOWN_HERE;
use crate::chat::{Extra, Failure, Losses, OWN, Opaque, Search, Text};
use crate::wire::json::{object, parse, wire_object};
use serde_json::value::RawValue;

/// The request's field that says how often the tools that the provider runs may be called, all together.
pub(super) const MOST_CALLS: &str = "max_tool_calls";

wire_object! {
    /// The tool.
    struct Tool<'a> {
        kind: &'a RawValue = "type",
        size: Text<'a> = "search_context_size",
        place: &'a RawValue = "user_location",
        filters: Filters<'a> = "filters",
    }
}

wire_object! {
    /// Where to search.
    struct Filters<'a> {
        allowed: Vec<Text<'a>> = "allowed_domains",
        blocked: Vec<Text<'a>> = "blocked_domains",
    }
}

/// Whether a type is one of the tool's.
pub(crate) fn is_search(kind: &Text<'_>) -> bool {
    let kind = kind.to_str();
    kind == "web_search" || kind.starts_with("web_search_preview") || kind.starts_with("web_search_2")
}

/// The search that a tool is; `None` where it is another tool. `extra` are the request's further fields.
///
/// # Errors
/// 400 that names the tool by its `path`: it is malformed.
pub(crate) fn read_search(
    tool: &Opaque<'_>,
    path: &str,
    extra: &Extra<'_>,
) -> Result<Option<Search>, Failure> {
    if !is_search(&tool.kind) {
        return Ok(None);
    }
    let malformed = || Failure::field(path, format!("{path}: it is malformed"));
    let wire: Tool<'_> = parse(tool.json.as_str().as_bytes()).map_err(|_| malformed())?;
    let filters = wire.filters.unwrap_or_default();
    let most = extra.iter().find(|(name, _)| name.strip_prefix(OWN) == Some(MOST_CALLS));
    let mut search = Search {
        max_uses: most.and_then(|(_, value)| value.get().parse().ok()),
        max_uses_field: Some(MOST_CALLS),
        size: wire.size.map(Text::into_owned),
        allowed: Search::domains(filters.allowed),
        blocked: Search::domains(filters.blocked),
        place: Search::read_place(wire.place).ok_or_else(malformed)?,
        ..Search::default()
    };
    search.keep_rest("", &wire.extra);
    search.keep_rest("filters.", &filters.extra);
    Ok(Some(search))
}

/// Reports what the tool cannot be told.
///
/// # Errors
/// 400 that names the field, where losses are refused.
pub(super) fn lose_options(search: &Search, index: usize, losses: &mut Losses) -> Result<(), Failure> {
    search.lose(index, &[], UNKNOWN_HERE, losses)
}

/// Writes the tool.
pub(super) fn write(out: &mut Vec<u8>, search: &Search) {
    object(out, |o| {
        o.word("type", "web_search");
        if !search.allowed.is_empty() || !search.blocked.is_empty() {
            o.object("filters", |o| {
                Search::write_domains(o, "allowed_domains", &search.allowed);
                Search::write_domains(o, "blocked_domains", &search.blocked);
            });
        }
        if let Some(size) = &search.size {
            o.text("search_context_size", size);
        }
        if !search.place.is_empty() {
            o.object("user_location", |o| search.write_place(o));
        }
    });
}
