//! Anthropic's own search of the web, a tool of the type `web_search_20250305` or a later one.
//! <https://platform.claude.com/docs/en/agents-and-tools/tool-use/web-search-tool>

use crate::chat::{Failure, Losses, Opaque, Search, Text};
use crate::wire::json::{Array, parse, wire_object};
use serde_json::value::RawValue;

/// The type that every model and every cloud that searches knows.
const TYPE: &str = "web_search_20250305";
/// What the types of its versions begin with.
const TYPES: &str = "web_search_";

wire_object! {
    /// The tool.
    struct Tool<'a> {
        kind: &'a RawValue = "type",
        name: &'a RawValue = "name",
        cache_control: &'a RawValue = "cache_control",
        max_uses: u64 = "max_uses",
        allowed: Vec<Text<'a>> = "allowed_domains",
        blocked: Vec<Text<'a>> = "blocked_domains",
        place: &'a RawValue = "user_location",
    }
}

/// The search that a tool is; `None` where it is another tool.
///
/// # Errors
/// 400 that names the tool by its `path`: it is malformed.
pub(crate) fn read_search(tool: &Opaque<'_>, path: &str) -> Result<Option<Search>, Failure> {
    if !tool.kind.to_str().starts_with(TYPES) {
        return Ok(None);
    }
    let malformed = || Failure::field(path, format!("{path}: it is malformed"));
    let wire: Tool<'_> = parse(tool.json.as_str().as_bytes()).map_err(|_| malformed())?;
    let mut search = Search { max_uses: wire.max_uses, ..Search::default() };
    search.allowed = Search::domains(wire.allowed);
    search.blocked = Search::domains(wire.blocked);
    search.place = Search::read_place(wire.place).ok_or_else(malformed)?;
    search.keep_rest("", &wire.extra);
    Ok(Some(search))
}

/// Writes the tool.
///
/// # Errors
/// 400 that names what it cannot be told, where losses are refused.
pub(super) fn write_search(
    search: &Search,
    index: usize,
    losses: &mut Losses,
    list: &mut Array<'_>,
) -> Result<(), Failure> {
    search.lose(index, &["search_context_size"], "is not supported by Anthropic", losses)?;
    let mut blocked = search.blocked.as_slice();
    if !search.allowed.is_empty() && !blocked.is_empty() {
        let why = "Anthropic takes no blocked domains beside allowed ones";
        losses.lost(&format!("{}.blocked_domains", search.path(index)), why)?;
        blocked = &[];
    }
    list.object(|o| {
        o.word("type", TYPE);
        o.word("name", Search::NAME);
        if let Some(most) = search.max_uses {
            o.u64("max_uses", most);
        }
        Search::write_domains(o, "allowed_domains", &search.allowed);
        Search::write_domains(o, "blocked_domains", blocked);
        if !search.place.is_empty() {
            o.object("user_location", |o| search.write_place(o));
        }
    });
    Ok(())
}
