//! `citations` of text blocks that name a page: those of the type `web_search_result_location`.
//! <https://platform.claude.com/docs/en/agents-and-tools/tool-use/web-search-tool>
//!
//! Anthropic makes a block of each span that relies on something, and says nothing of where in the text it is. Its pages
//! are the hub's, over the whole block; the way back cuts a text where its pages begin and end.
//!
//! Beside the page a citation repeats what the page says (`cited_text`), which nobody else has a place for, and where the
//! search found it, for Anthropic's eyes only (`encrypted_index`). Of another provider's pages neither is known: the first is
//! empty, as Anthropic's is at times, and in the second stands the gateway's mark, by which they are taken out again before
//! the conversation goes to Anthropic.

use crate::chat::{Citation, Extra, Measured, OWN, Part, PartKind, Text, characters};
use crate::dialect::{Dialect, signature};
use crate::wire::json::{Array, Object, parse_raw, wire_object};
use serde_json::value::RawValue;

/// The type of citations that name a page.
const PAGE: &str = "web_search_result_location";

/// The field of a text block.
pub(crate) const FIELD: &str = "citations";
/// The list of citations where all it holds is in the hub's words besides.
pub(crate) const KNOWN: &str = "own.citations";
/// Told as missed where a citation quotes its page.
const QUOTES: &str = "citations.cited_text";

wire_object! {
    /// A citation of any type.
    light struct Location<'a> {
        kind: Text<'a> = "type",
        url: Text<'a> = "url",
        title: Text<'a> = "title",
        cited_text: Text<'a> = "cited_text",
    }
}

/// Reads a citation, which is to be of the characters of `span`; the second is whether it quotes the page. `None` where it
/// names no page.
pub(super) fn read(raw: &RawValue, span: (u64, u64)) -> Option<(Citation<'_>, bool)> {
    let location: Location<'_> = parse_raw(raw).ok()?;
    if location.kind? != PAGE {
        return None;
    }
    let quotes = location.cited_text.is_some_and(|quote| !quote.is_empty());
    Some((Citation { url: location.url?, title: location.title.unwrap_or_default(), span }, quotes))
}

/// What a text relies on. The list itself is kept for Anthropic, and for those who miss what it holds besides pages.
pub(super) fn cite(part: &mut Part<'_>) {
    let PartKind::Text(text) = &part.kind else { return };
    let is_list = |(name, value): &(_, &RawValue)| name == FIELD && value.get() != "null";
    let Some(at) = part.extra.iter().position(is_list) else { return };
    let Some((name, list)) = part.extra.get_mut(at) else { return };
    let list: &RawValue = list;
    let items: Vec<&RawValue> = parse_raw(list).unwrap_or_default();
    let span = (0, characters(&text.to_str()));
    let found: Vec<_> = items.iter().filter_map(|item| read(item, span)).collect();
    if found.len() == items.len() {
        *name = KNOWN.into();
    }
    if found.iter().any(|(_, quotes)| *quotes) {
        part.extra.push((QUOTES.into(), list));
    }
    part.citations = found.into_iter().map(|(citation, _)| citation).collect();
}

/// Whether a field of a part holds, or tells of, its citations.
pub(crate) fn is_field(name: &str) -> bool {
    matches!(name, FIELD | KNOWN | QUOTES)
}

/// Fields of this dialect's own, as they came.
pub(super) fn write_own(block: &mut Object<'_>, extra: &Extra<'_>) {
    for (name, value) in extra.iter().filter(|(name, _)| name != QUOTES) {
        block.raw(name.strip_prefix(OWN).unwrap_or(name), value);
    }
}

/// Writes a page that another dialect's answer relies on.
pub(super) fn write(o: &mut Object<'_>, citation: &Citation<'_>, maker: Dialect) {
    o.word("type", PAGE);
    o.text("url", &citation.url);
    if citation.title.is_empty() {
        o.null("title");
    } else {
        o.text("title", &citation.title);
    }
    o.word("cited_text", "");
    o.str("encrypted_index", &signature::unindexed(maker));
}

/// A piece of a text, from one character to another, and the pages it relies on.
pub(crate) type Piece<'p, 'a> = (u64, u64, Vec<&'p Citation<'a>>);

/// Writes a text as blocks, one for each span that relies on pages.
pub(super) fn write_blocks(text: &str, pages: &[Citation<'_>], maker: Dialect, list: &mut Array<'_>) {
    let text = Measured::of(text);
    for (start, end, pages) in pieces(&text, pages) {
        write_block(text.between(start, end), &pages, maker, list);
    }
}

/// Cuts a text where its pages begin and end. Spans that overlap are one, and a page without a place in the text is the
/// whole text's. White space stays with the words before it: a block of nothing else could not be sent back.
pub(crate) fn pieces<'p, 'a>(text: &Measured, pages: &'p [Citation<'a>]) -> Vec<Piece<'p, 'a>> {
    let length = text.characters();
    let mut spans: Vec<Piece<'p, 'a>> = pages
        .iter()
        .map(|page| {
            let (start, end) = page.place_in(length);
            (start, end, vec![page])
        })
        .collect();
    spans.sort_by_key(|(start, ..)| *start);
    let mut pieces: Vec<Piece<'p, 'a>> = Vec::with_capacity(spans.len().saturating_mul(2).saturating_add(1));
    // Whether the last piece is nothing but white space.
    let mut is_blank = false;
    let mut add = |(start, end, mut pages): Piece<'p, 'a>| {
        if start >= end {
            return;
        }
        let adds_blank = text.between(start, end).trim().is_empty();
        if let Some((_, last, before)) = pieces.last_mut().filter(|_| is_blank || adds_blank) {
            *last = end;
            before.append(&mut pages);
            is_blank &= adds_blank;
        } else {
            pieces.push((start, end, pages));
            is_blank = adds_blank;
        }
    };
    let mut spans = spans.into_iter().peekable();
    let mut done = 0;
    while let Some((start, mut end, mut pages)) = spans.next() {
        while let Some((_, further, mut more)) = spans.next_if(|(next, ..)| *next < end) {
            end = end.max(further);
            pages.append(&mut more);
        }
        add((done, start, Vec::new()));
        add((start, end, pages));
        done = end;
    }
    add((done, length, Vec::new()));
    pieces
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
            .map(|(url, start, end)| Citation { url: (*url).into(), title: "".into(), span: (*start, *end) })
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
    fn a_block_of_pages_is_the_hubs_over_all_of_it() {
        let json = r#"{"type":"text","text":"hé","citations":[{"type":"web_search_result_location","url":"u","title":"t",
            "cited_text":"q","encrypted_index":"E"}]}"#;
        let part = super::super::block::part(serde_json::from_str(json).unwrap()).unwrap();
        let page = Citation { url: "u".into(), title: "t".into(), span: (0, 2) };
        assert_eq!(part.citations, [page]);
        let names: Vec<&str> = part.extra.iter().map(|(name, _)| &**name).collect();
        assert_eq!(names, [KNOWN, QUOTES]);
        let others = json.replace("web_search_result", "char");
        let part = super::super::block::part(serde_json::from_str(&others).unwrap()).unwrap();
        assert!(part.citations.is_empty() && part.extra[0].0 == FIELD);
    }
}
