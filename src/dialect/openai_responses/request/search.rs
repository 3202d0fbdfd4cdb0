//! `web_search_options`, which chat completions have in the place of a tool.
//! <https://platform.openai.com/docs/guides/tools-web-search>

use crate::chat::{ChatRequest, Failure, Losses};
use crate::wire::json::{Text, members, object, parse_raw, wire_object};
use serde_json::value::RawValue;

/// The field of chat completions.
pub(super) const OPTIONS: &str = "web_search_options";

wire_object! {
    /// How to search.
    struct Options<'a> {
        size: Text<'a> = "search_context_size",
        location: Location<'a> = "user_location",
    }
}

wire_object! {
    /// Where the user is: here the place stands beside the type, there in an object of that name.
    light struct Location<'a> {
        approximate: &'a RawValue = "approximate",
    }
}

/// The tool that searches, where the client asks for a search.
///
/// # Errors
/// 400 that names the field: it is malformed, or says what the tool cannot be told.
pub(super) fn tool(request: &ChatRequest<'_>, losses: &mut Losses) -> Result<Option<Vec<u8>>, Failure> {
    let Some((_, raw)) = request.extra.iter().find(|(name, value)| name == OPTIONS && value.get() != "null")
    else {
        return Ok(None);
    };
    let wrong = |_| Failure::field(OPTIONS, format!("{OPTIONS}: it is malformed"));
    let options: Options<'_> = parse_raw(raw).map_err(wrong)?;
    losses.lost_extra(OPTIONS, &options.extra, super::items::UNKNOWN_HERE)?;
    let place = options.location.and_then(|location| location.approximate);
    let place = place.map(|place| members(place.get().as_bytes()).map_err(wrong)).transpose()?;
    let mut out = Vec::new();
    object(&mut out, |o| {
        o.word("type", "web_search");
        if let Some(size) = &options.size {
            o.text("search_context_size", size);
        }
        if let Some(place) = &place {
            o.object("user_location", |o| {
                o.word("type", "approximate");
                place.fields.iter().for_each(|member| o.raw(&member.key, member.value));
            });
        }
    });
    Ok(Some(out))
}
