//! `citations` of text blocks: pages that a web search found, and passages of what the request gave the model to read.
//! <https://platform.claude.com/docs/en/build-with-claude/citations>,
//! <https://platform.claude.com/docs/en/agents-and-tools/tool-use/web-search-tool>
//!
//! Anthropic makes a block of each span that relies on something, and says nothing of where in the text it is. What it relies
//! on is the hub's, over the whole block; the way back cuts a text where its spans begin and end.
//!
//! With a page stands where the search found it, for Anthropic's eyes only (`encrypted_index`). Of another provider's pages
//! it is not known: there stands the gateway's mark, by which they are taken out again before the conversation goes to
//! Anthropic.

use crate::chat::{
    Citation, Extra, Measured, OWN, Part, PartKind, Passage, PassageUnit, Text, characters, pieces,
};
use crate::dialect::{Dialect, signature};
use crate::wire::json::{Array, Object, parse_raw, wire_object};
use serde_json::value::RawValue;

/// The type of citations that name a page.
const PAGE: &str = "web_search_result_location";

/// The field of a text block.
pub(crate) const FIELD: &str = "citations";
/// The list of citations where all it holds is in the hub's words besides.
pub(crate) const KNOWN: &str = "own.citations";

/// How a type of citations tells a passage.
struct Telling {
    kind: &'static str,
    unit: PassageUnit,
    index: &'static str,
    start: &'static str,
    end: &'static str,
}

/// The types that name a passage.
const PASSAGES: [Telling; 4] = [
    Telling {
        kind: "char_location",
        unit: PassageUnit::Character,
        index: "document_index",
        start: "start_char_index",
        end: "end_char_index",
    },
    Telling {
        kind: "page_location",
        unit: PassageUnit::Page,
        index: "document_index",
        start: "start_page_number",
        end: "end_page_number",
    },
    Telling {
        kind: "content_block_location",
        unit: PassageUnit::Piece,
        index: "document_index",
        start: "start_block_index",
        end: "end_block_index",
    },
    Telling {
        kind: "search_result_location",
        unit: PassageUnit::ResultPiece,
        index: "search_result_index",
        start: "start_block_index",
        end: "end_block_index",
    },
];

wire_object! {
    /// A citation of any type; where its passage is stands in `extra`.
    struct Location<'a> {
        kind: Text<'a> = "type",
        url: Text<'a> = "url",
        title: Text<'a> = "title",
        cited_text: Text<'a> = "cited_text",
        document_title: Text<'a> = "document_title",
        source: Text<'a> = "source",
    }
}

/// Reads a citation, which is to be of the characters of `span`. `None` where it names neither a page nor a passage.
pub(super) fn read(raw: &RawValue, span: (u64, u64)) -> Option<Citation<'_>> {
    let location: Location<'_> = parse_raw(raw).ok()?;
    let kind = location.kind?.to_str();
    let (title, quote) = (location.title.unwrap_or_default(), location.cited_text.unwrap_or_default());
    if kind == PAGE {
        return Some(Citation { quote, ..Citation::page(location.url?, title, span) });
    }
    let telling = PASSAGES.iter().find(|telling| telling.kind == kind)?;
    let number = |name: &str| {
        let (_, value) = location.extra.iter().find(|(known, _)| known == name)?;
        value.get().parse().ok()
    };
    let range = (number(telling.start)?, number(telling.end)?);
    let passage = Passage { unit: telling.unit, index: number(telling.index)?, range };
    Some(Citation {
        url: location.source.unwrap_or_default(),
        title: location.document_title.unwrap_or(title),
        span,
        quote,
        passage: Some(passage),
    })
}

/// What a text relies on. The list itself is kept for Anthropic, and for those who miss what is not known of it.
pub(super) fn cite(part: &mut Part<'_>) {
    let PartKind::Text(text) = &part.kind else { return };
    let is_list = |(name, value): &(_, &RawValue)| name == FIELD && value.get() != "null";
    let Some(at) = part.extra.iter().position(is_list) else { return };
    let Some((name, list)) = part.extra.get_mut(at) else { return };
    let list: &RawValue = list;
    let items: Vec<&RawValue> = parse_raw(list).unwrap_or_default();
    let span = (0, characters(&text.to_str()));
    part.citations = items.iter().filter_map(|item| read(item, span)).collect();
    if part.citations.len() == items.len() {
        *name = KNOWN.into();
    }
}

/// Whether a field of a part holds its citations.
pub(crate) fn is_field(name: &str) -> bool {
    matches!(name, FIELD | KNOWN)
}

/// Fields of this dialect's own, as they came.
pub(super) fn write_own(block: &mut Object<'_>, extra: &Extra<'_>) {
    for (name, value) in extra {
        block.raw(name.strip_prefix(OWN).unwrap_or(name), value);
    }
}

/// Writes what another dialect's answer relies on.
pub(super) fn write(o: &mut Object<'_>, citation: &Citation<'_>, maker: Dialect) {
    let title = |o: &mut Object<'_>, name| {
        if citation.title.is_empty() { o.null(name) } else { o.text(name, &citation.title) }
    };
    let Some(passage) = citation.passage else {
        o.word("type", PAGE);
        o.text("url", &citation.url);
        title(o, "title");
        o.text("cited_text", &citation.quote);
        return o.str("encrypted_index", &signature::unindexed(maker));
    };
    let Some(telling) = PASSAGES.iter().find(|telling| telling.unit == passage.unit) else { return };
    o.word("type", telling.kind);
    o.text("cited_text", &citation.quote);
    if passage.unit == PassageUnit::ResultPiece {
        o.text("source", &citation.url);
        title(o, "title");
    } else {
        title(o, "document_title");
        o.null("file_id");
    }
    o.u64(telling.index, passage.index);
    o.u64(telling.start, passage.range.0);
    o.u64(telling.end, passage.range.1);
}

/// Writes a text as blocks, one for each span that relies on something.
pub(super) fn write_blocks(text: &str, pages: &[Citation<'_>], maker: Dialect, list: &mut Array<'_>) {
    let text = Measured::of(text);
    for (start, end, pages) in pieces(&text, pages) {
        write_block(text.between(start, end), &pages, maker, list);
    }
}

fn write_block(text: &str, pages: &[&Citation<'_>], maker: Dialect, list: &mut Array<'_>) {
    list.object(|block| {
        block.word("type", "text");
        block.str("text", text);
        if !pages.is_empty() {
            block.array(FIELD, |list| {
                for page in pages {
                    list.object(|o| write(o, page, maker));
                }
            });
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::json::array;
    use serde_json::Value;

    /// The blocks of a text: what each says, and the pages it relies on.
    fn blocks(text: &str, pages: &[(&'static str, u64, u64)]) -> Vec<(String, String)> {
        let pages: Vec<Citation<'_>> = pages
            .iter()
            .map(|(url, start, end)| Citation::page((*url).into(), "".into(), (*start, *end)))
            .collect();
        let mut out = Vec::new();
        array(&mut out, |list| write_blocks(text, &pages, Dialect::Gemini, list));
        let blocks: Vec<Value> = serde_json::from_slice(&out).unwrap();
        let url = |citation: &Value| citation["url"].as_str().unwrap().to_owned();
        let urls = |block: &Value| block["citations"].as_array().into_iter().flatten().map(url).collect();
        blocks.iter().map(|block| (block["text"].as_str().unwrap().to_owned(), urls(block))).collect()
    }

    fn told(blocks: &[(String, String)]) -> Vec<(&str, &str)> {
        blocks.iter().map(|(text, urls)| (&**text, &**urls)).collect()
    }

    #[test]
    fn a_text_is_cut_where_its_pages_begin_and_end() {
        let found = blocks("é one two", &[("b", 6, 9), ("a", 2, 5), ("c", 2, 5)]);
        assert_eq!(told(&found), [("é ", ""), ("one ", "ac"), ("two", "b")]);
    }

    #[test]
    fn what_overlaps_is_one_and_what_has_no_place_is_the_whole() {
        let overlapping = blocks("one two", &[("a", 0, 4), ("b", 3, 5)]);
        assert_eq!(told(&overlapping), [("one t", "ab"), ("wo", "")]);
        for place in [(0, 0), (9, 12), (5, 2)] {
            assert_eq!(told(&blocks("one two", &[("a", place.0, place.1)])), [("one two", "a")]);
        }
        assert_eq!(told(&blocks("one", &[("a", 1, 99)])), [("o", ""), ("ne", "a")]);
    }

    #[test]
    fn white_space_is_no_block() {
        let found = blocks("  one  two\n", &[("a", 2, 5), ("b", 7, 10)]);
        assert_eq!(told(&found), [("  one  ", "a"), ("two\n", "b")]);
        assert_eq!(told(&blocks("one two", &[("a", 3, 4)])), [("one ", "a"), ("two", "")]);
        assert_eq!(told(&blocks("  ", &[("a", 0, 1)])), [("  ", "a")]);
    }

    #[test]
    fn what_a_block_relies_on_is_the_hubs_over_all_of_it() {
        let json = r#"{"type":"text","text":"hé","citations":[{"type":"web_search_result_location","url":"u","title":"t",
            "cited_text":"q","encrypted_index":"E"}]}"#;
        let part = super::super::block::part(serde_json::from_str(json).unwrap()).unwrap();
        let page = Citation { quote: "q".into(), ..Citation::page("u".into(), "t".into(), (0, 2)) };
        assert_eq!(part.citations, [page]);
        assert_eq!(part.extra[0].0, KNOWN);
        let others = json.replace("web_search_result", "some");
        let part = super::super::block::part(serde_json::from_str(&others).unwrap()).unwrap();
        assert!(part.citations.is_empty() && part.extra[0].0 == FIELD);
    }

    #[test]
    fn passages_are_read_and_written() {
        let own = serde_json::json!([
            {"type": "char_location", "cited_text": "q", "document_title": "t", "file_id": null, "document_index": 1,
                "start_char_index": 3, "end_char_index": 9},
            {"type": "page_location", "cited_text": "q", "document_title": null, "file_id": null, "document_index": 0,
                "start_page_number": 1, "end_page_number": 2},
            {"type": "content_block_location", "cited_text": "", "document_title": "t", "file_id": null,
                "document_index": 0, "start_block_index": 0, "end_block_index": 1},
            {"type": "search_result_location", "cited_text": "q", "source": "s", "title": "t",
                "search_result_index": 2, "start_block_index": 0, "end_block_index": 1},
        ]);
        for citation in own.as_array().unwrap() {
            let raw = RawValue::from_string(citation.to_string()).unwrap();
            let read = read(&raw, (0, 5)).unwrap();
            assert!(read.passage.is_some() && read.span == (0, 5));
            let mut out = Vec::new();
            crate::wire::json::object(&mut out, |o| write(o, &read, Dialect::Bedrock));
            assert_eq!(&serde_json::from_slice::<Value>(&out).unwrap(), citation);
            let mut without = citation.clone();
            without.as_object_mut().unwrap().retain(|name, _| !name.starts_with("start"));
            assert_eq!(super::read(&RawValue::from_string(without.to_string()).unwrap(), (0, 5)), None);
        }
    }
}
