//! `web_search_options`, which chat completions have in the place of a tool.
//! <https://platform.openai.com/docs/guides/tools-web-search>

use crate::chat::{Failure, Search};
use crate::wire::json::{Text, parse_raw, wire_object};
use serde_json::value::RawValue;

/// The field.
pub(crate) const WEB_SEARCH: &str = "web_search_options";

wire_object! {
    /// How to search.
    struct Options<'a> {
        size: Text<'a> = "search_context_size",
        location: Location<'a> = "user_location",
    }
}

wire_object! {
    /// About where the user is. Elsewhere the place stands beside the type, here in an object of that name.
    light struct Location<'a> {
        approximate: &'a RawValue = "approximate",
    }
}

/// Reads the field.
///
/// # Errors
/// 400 that names it: it is malformed.
pub(crate) fn read_search(options: &RawValue) -> Result<Search, Failure> {
    let malformed = || Failure::field(WEB_SEARCH, format!("{WEB_SEARCH}: it is malformed"));
    let wire: Options<'_> = parse_raw(options).map_err(|_| malformed())?;
    let place = wire.location.and_then(|location| location.approximate);
    let mut search = Search {
        field: Some(WEB_SEARCH),
        size: wire.size.map(Text::into_owned),
        place: Search::read_place(place).ok_or_else(malformed)?,
        ..Search::default()
    };
    search.keep_rest("", &wire.extra);
    Ok(search)
}
