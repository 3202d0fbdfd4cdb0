//! Google's own search, a tool beside the functions. <https://ai.google.dev/gemini-api/docs/google-search>

use super::model::Gemini;
use crate::chat::{ChatRequest, Failure, Losses, Opaque, ResponseFormat, Search, Text, ToolKind};
use crate::wire::json::{parse, parse_raw, wire_object};
use serde_json::value::RawValue;

/// Its names: the clients' two spellings, and those of the first models that searched.
const NAMES: [&str; 4] =
    ["googleSearch", "google_search", "googleSearchRetrieval", "google_search_retrieval"];

wire_object! {
    /// The tool, under any of its names.
    light struct Tool<'a> {
        search: &'a RawValue = "googleSearch" | "google_search" | "googleSearchRetrieval" | "google_search_retrieval",
    }
}

wire_object! {
    /// How to search.
    struct Options<'a> {
        blocked: Vec<Text<'a>> = "excludeDomains" | "exclude_domains",
    }
}

/// The search that a tool is; `None` where it is another tool.
///
/// # Errors
/// 400 that names the tool by its `path`: it is malformed.
pub(crate) fn read_search(tool: &Opaque<'_>, path: &str) -> Result<Option<Search>, Failure> {
    if !NAMES.contains(&&*tool.kind.to_str()) {
        return Ok(None);
    }
    let malformed = |_| Failure::field(path, format!("{path}: it is malformed"));
    let wire: Tool<'_> = parse(tool.json.as_str().as_bytes()).map_err(malformed)?;
    let options = wire.search.filter(|options| options.get() != "null");
    let options: Options<'_> = options.map(parse_raw).transpose().map_err(malformed)?.unwrap_or_default();
    let blocked = Search::domains(options.blocked);
    let mut search = Search { blocked, ..Search::default() };
    search.keep_rest("", &options.extra);
    Ok(Some(search))
}

/// Why a model cannot search for this request; `None`: it can. Google refuses a search beside functions, and the older
/// models one whose answer must be JSON.
pub(super) fn cannot_search(request: &ChatRequest<'_>, model: Gemini) -> Option<&'static str> {
    let is_function = |kind: &ToolKind<'_>| matches!(kind, ToolKind::Function(_) | ToolKind::Custom(_));
    if request.tools.iter().any(|tool| is_function(&tool.kind)) {
        return Some("Gemini searches only where no functions are on offer");
    }
    let is_plain = matches!(request.response_format, None | Some(ResponseFormat::Text));
    if !is_plain && !model.takes_format_with_tools() {
        return Some("this Gemini model searches only where the answer may be any text");
    }
    None
}

/// Reports what Google's search cannot be told.
///
/// # Errors
/// 400 that names the field, where losses are refused.
pub(super) fn lose_options(search: &Search, index: usize, losses: &mut Losses) -> Result<(), Failure> {
    let unknown = ["max_uses", "search_context_size", "allowed_domains", "blocked_domains", "user_location"];
    search.lose(index, &unknown, "is not supported by Gemini", losses)
}
