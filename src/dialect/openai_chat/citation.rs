//! `annotations` of the type `url_citation`: chat completions and Responses have the same members in them, the first in an
//! object of their own. <https://platform.openai.com/docs/guides/tools-web-search#output-and-citations>

use crate::chat::{Citation, Text};
use crate::wire::json::{Object, parse_raw, wire_object};
use serde_json::value::RawValue;

wire_object! {
    /// An annotation, in either dialect.
    light struct Annotation<'a> {
        kind: Text<'a> = "type",
        nested: Page<'a> = "url_citation",
    }
}

wire_object! {
    /// The members of a citation.
    light struct Page<'a> {
        url: Text<'a> = "url",
        title: Text<'a> = "title",
        start_index: u64 = "start_index",
        end_index: u64 = "end_index",
    }
}

/// Reads an annotation; `None` where it is no page, or does not say which.
pub(crate) fn read(raw: &RawValue) -> Option<Citation<'_>> {
    let annotation: Annotation<'_> = parse_raw(raw).ok()?;
    if annotation.kind? != "url_citation" {
        return None;
    }
    let page = match annotation.nested {
        Some(page) => page,
        None => parse_raw(raw).ok()?,
    };
    let start = page.start_index.unwrap_or(0);
    let span = (start, page.end_index.unwrap_or(start));
    Some(Citation::page(page.url?, page.title.unwrap_or_default(), span))
}

/// Reads a list of annotations; the second is whether all of them are pages.
pub(crate) fn read_all(list: &RawValue) -> (Vec<Citation<'_>>, bool) {
    let items: Vec<&RawValue> = parse_raw(list).unwrap_or_default();
    let pages: Vec<Citation<'_>> = items.iter().filter_map(|item| read(item)).collect();
    let are_all = pages.len() == items.len();
    (pages, are_all)
}

/// Writes the members of a citation whose text begins after so many characters.
pub(crate) fn write(o: &mut Object<'_>, citation: &Citation<'_>, before: u64) {
    let (start, end) = citation.span;
    o.u64("start_index", start.saturating_add(before));
    o.u64("end_index", end.saturating_add(before));
    o.text("url", &citation.url);
    o.text("title", &citation.title);
}

/// Writes an annotation as chat completions have it.
pub(in crate::dialect::openai_chat) fn write_nested(
    o: &mut Object<'_>,
    citation: &Citation<'_>,
    before: u64,
) {
    o.word("type", "url_citation");
    o.object("url_citation", |o| write(o, citation, before));
}
