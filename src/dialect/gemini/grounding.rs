//! `groundingMetadata`: what was found on the web, and which parts of the answer rely on what of it.
//! <https://ai.google.dev/gemini-api/docs/google-search>
//!
//! `groundingSupports` say of segments of the text, all text parts taken as one, on which of the `groundingChunks` they rely.
//! Segments are counted in bytes of UTF-8.

use crate::chat::{Choice, Citation, Extra, Measured, OWN, Part, PartKind, Text, characters};
use crate::wire::json::{Object, ParseError, parse_raw, wire_object, write_u64};
use serde_json::value::RawValue;
use std::collections::{HashMap, HashSet};

/// The field of a candidate.
pub(super) const FIELD: &str = "groundingMetadata";
/// The whole of it, where it was read.
const KNOWN: &str = "own.groundingMetadata";

/// Bytes of a page's address and title, at most. A page is repeated with everything that relies on it, so that without a
/// bound a short answer could become a long one.
const LONGEST_PAGE: usize = 8 << 10;

wire_object! {
    /// What an answer is grounded in.
    struct Metadata<'a> {
        chunks: Vec<Chunk<'a>> = "groundingChunks",
        supports: Vec<Support<'a>> = "groundingSupports",
    }
}

wire_object! {
    /// Something that was found.
    light struct Chunk<'a> {
        web: Page<'a> = "web",
    }
}

wire_object! {
    /// A page of the web.
    light struct Page<'a> {
        uri: Text<'a> = "uri",
        title: Text<'a> = "title",
    }
}

wire_object! {
    /// A segment of the text, and the chunks it relies on.
    light struct Support<'a> {
        segment: Segment<'a> = "segment",
        chunks: Vec<u64> = "groundingChunkIndices",
    }
}

wire_object! {
    /// Bytes of the text. An absent number is 0.
    light struct Segment<'a> {
        start: u64 = "startIndex",
        end: u64 = "endIndex",
        text: Text<'a> = "text",
    }
}

/// What was read of it.
#[derive(Debug, Default)]
pub(super) struct Grounding<'a> {
    /// The pages; spans count the characters of the whole text.
    pub(super) pages: Vec<Citation<'a>>,
    /// Some of it is no page, or says nothing about the text as it is.
    pub(super) lost: bool,
    /// Its other fields.
    pub(super) extra: Extra<'a>,
}

/// Reads what `text`, all that was said, relies on. Pages that nothing is said to rely on are the whole text's, where no
/// support says more.
pub(super) fn read<'a>(raw: &'a RawValue, text: &Measured) -> Result<Grounding<'a>, ParseError> {
    let wire: Metadata<'a> = parse_raw(raw)?;
    let mut found = Grounding { extra: wire.extra, ..Grounding::default() };
    let chunks = wire.chunks.unwrap_or_default();
    let supports = wire.supports.unwrap_or_default();
    let is_page = |page: &&Page<'_>| {
        let length = |text: &Option<Text<'_>>| text.as_ref().map_or(0, Text::len);
        page.uri.is_some() && length(&page.uri).saturating_add(length(&page.title)) <= LONGEST_PAGE
    };
    let mut cite = |chunk: &Chunk<'a>, span: (u64, u64)| match chunk.web.as_ref().filter(is_page) {
        Some(Page { uri: Some(uri), title }) if found.pages.len() < Citation::MOST => {
            found.pages.push(Citation::page(uri.clone(), title.clone().unwrap_or_default(), span));
        }
        _ => found.lost = true,
    };
    if supports.is_empty() && text.characters() > 0 {
        for chunk in &chunks {
            cite(chunk, (0, text.characters()));
        }
        return Ok(found);
    }
    let mut misplaced = false;
    for support in &supports {
        let Some(span) = support.segment.as_ref().and_then(|segment| span_of(segment, text)) else {
            misplaced = true;
            continue;
        };
        for index in support.chunks.iter().flatten() {
            match usize::try_from(*index).ok().and_then(|index| chunks.get(index)) {
                Some(chunk) => cite(chunk, span),
                None => misplaced = true,
            }
        }
    }
    found.lost |= misplaced;
    Ok(found)
}

/// The characters that a segment is of; `None` where the text says something else there.
fn span_of(segment: &Segment<'_>, text: &Measured) -> Option<(u64, u64)> {
    let place = |bytes: Option<u64>| usize::try_from(bytes.unwrap_or(0)).ok();
    let (start, end) = (place(segment.start)?, place(segment.end)?);
    let span = (text.character(start)?, text.character(end)?);
    let said = text.text().get(start..end)?;
    segment.text.as_ref().is_none_or(|told| told.to_str() == said).then_some(span)
}

/// Takes what a complete choice relies on to its texts. The field itself is kept for Gemini's own clients, and what of it is
/// no page for those who miss it.
pub(super) fn cite(choice: &mut Choice<'_>) {
    let Some(at) = choice.extra.iter().rposition(|(name, _)| name == FIELD) else { return };
    let Some((_, raw)) = choice.extra.get(at) else { return };
    let raw: &RawValue = raw;
    let text = said(&choice.parts);
    let Ok(found) = read(raw, &text) else { return };
    if let Some((name, _)) = choice.extra.get_mut(at).filter(|_| !found.lost) {
        *name = KNOWN.into();
        let rest = found.extra.into_iter().map(|(name, value)| (format!("{FIELD}.{name}").into(), value));
        choice.extra.extend(rest);
    }
    place(&mut choice.parts, found.pages);
}

fn said(parts: &[Part<'_>]) -> Measured {
    let mut said = Measured::default();
    for part in parts {
        if let PartKind::Text(text) = &part.kind {
            said.push(&text.to_str());
        }
    }
    said
}

/// Gives every page to the text that its span begins in.
fn place<'a>(parts: &mut [Part<'a>], mut pages: Vec<Citation<'a>>) {
    pages.sort_by_key(|page| page.span.0);
    let mut pages = pages.into_iter().peekable();
    let mut before = 0_u64;
    for part in parts {
        let PartKind::Text(text) = &part.kind else { continue };
        let end = before.saturating_add(characters(&text.to_str()));
        while let Some(page) = pages.next_if(|page| page.span.0 < end) {
            let span = (page.span.0.saturating_sub(before), page.span.1.min(end).saturating_sub(before));
            part.citations.push(Citation { span, ..page });
        }
        before = end;
    }
}

/// Writes a candidate's fields of Gemini's own, those that were read besides included.
pub(super) fn write_own(extra: &Extra<'_>, candidate: &mut Object<'_>) {
    let is_within = |name: &str| name.strip_prefix(FIELD).is_some_and(|rest| rest.starts_with('.'));
    for (name, value) in extra.iter().filter(|(name, _)| !is_within(name) && name != "finishReason") {
        candidate.raw(name.strip_prefix(OWN).unwrap_or(name), value);
    }
}

/// What a stream's text relies on, as it becomes known.
#[derive(Debug, Default)]
pub(super) struct Told(HashSet<(String, u64, u64)>);

impl Told {
    /// Takes a page, unless there are too many; `true`: it is new. A stream may say again with each piece what it said
    /// before.
    pub(super) fn take(&mut self, page: &Citation<'_>) -> Option<bool> {
        let (start, end) = page.span;
        let page = (page.url.to_str().into_owned(), start, end);
        if self.0.contains(&page) {
            return Some(false);
        }
        (self.0.len() < Citation::MOST && self.0.insert(page)).then_some(true)
    }
}

/// Writes `groundingMetadata` for a text and the pages that it relies on; nothing, where there are none.
pub(super) fn write(text: &Measured, pages: &[Citation<'_>], candidate: &mut Object<'_>) {
    if pages.is_empty() {
        return;
    }
    let length = text.characters();
    let mut numbers: HashMap<String, u64> = HashMap::new();
    let mut chunks: Vec<&Citation<'_>> = Vec::new();
    let mut supports: Vec<((u64, u64), Vec<u64>)> = Vec::new();
    for page in pages {
        let next = u64::try_from(chunks.len()).unwrap_or(u64::MAX);
        let number = *numbers.entry(page.url.to_str().into_owned()).or_insert_with(|| {
            chunks.push(page);
            next
        });
        let span = page.place_in(length);
        match supports.last_mut().filter(|(last, _)| *last == span) {
            Some((_, numbers)) => numbers.push(number),
            None => supports.push((span, vec![number])),
        }
    }
    candidate.object(FIELD, |o| {
        o.array("groundingChunks", |list| {
            for page in chunks {
                list.object(|o| {
                    o.object("web", |web| {
                        web.text("uri", &page.url);
                        web.text("title", &page.title);
                    });
                });
            }
        });
        o.array("groundingSupports", |list| {
            for (span, numbers) in &supports {
                list.object(|o| {
                    o.object("segment", |o| write_segment(text, *span, o));
                    o.array("groundingChunkIndices", |list| {
                        for number in numbers {
                            write_u64(list.item(), *number);
                        }
                    });
                });
            }
        });
    });
}

fn write_segment(text: &Measured, (start, end): (u64, u64), o: &mut Object<'_>) {
    let byte = |place| text.byte(place).and_then(|byte| u64::try_from(byte).ok()).unwrap_or_default();
    // As Google writes numbers: a zero goes unsaid.
    if start > 0 {
        o.u64("startIndex", byte(start));
    }
    o.u64("endIndex", byte(end));
    o.str("text", text.between(start, end));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::json::object;
    use serde_json::{Value, json};

    fn raw(value: &Value) -> Box<RawValue> {
        RawValue::from_string(value.to_string()).unwrap()
    }

    fn support(start: u64, end: u64, text: &str, chunks: &[u64]) -> Value {
        json!({"segment": {"startIndex": start, "endIndex": end, "text": text}, "groundingChunkIndices": chunks})
    }

    fn page(url: &'static str, start: u64, end: u64) -> Citation<'static> {
        Citation::page(url.into(), "t".into(), (start, end))
    }

    #[test]
    fn bytes_become_characters() {
        let raw = raw(
            &json!({"groundingChunks": [{"web": {"uri": "a", "title": "t"}}, {"web": {"uri": "b", "title": "t"}}],
            "groundingSupports": [support(0, 3, "hé", &[0, 1]), support(4, 8, "😀", &[1])], "webSearchQueries": ["q"]}),
        );
        let found = read(&raw, &Measured::of("hé 😀")).unwrap();
        assert_eq!(found.pages, [page("a", 0, 2), page("b", 0, 2), page("b", 3, 4)]);
        assert!(!found.lost);
        assert_eq!(found.extra[0].0, "webSearchQueries");
    }

    #[test]
    fn what_does_not_fit_the_text_is_lost() {
        for (chunk, support) in [
            (json!({"web": {"uri": "a"}}), support(0, 2, "hé", &[0])),
            (json!({"web": {"uri": "a"}}), support(0, 1, "x", &[0])),
            (json!({"web": {"uri": "a"}}), support(3, 9, "", &[0])),
            (json!({"web": {"uri": "a"}}), support(3, 1, "", &[0])),
            (json!({"web": {"uri": "a"}}), support(0, 1, "h", &[1])),
            (json!({"retrievedContext": {"uri": "a"}}), support(0, 1, "h", &[0])),
            (json!({"web": {"uri": "a".repeat(9000)}}), support(0, 1, "h", &[0])),
        ] {
            let raw = raw(&json!({"groundingChunks": [chunk], "groundingSupports": [support]}));
            let found = read(&raw, &Measured::of("hé")).unwrap();
            assert!(found.lost && found.pages.is_empty(), "{raw}");
        }
    }

    #[test]
    fn pages_without_supports_are_the_whole_texts() {
        let raw = raw(&json!({"groundingChunks": [{"web": {"uri": "a", "title": "t"}}]}));
        assert_eq!(read(&raw, &Measured::of("hé")).unwrap().pages, [page("a", 0, 2)]);
        assert!(read(&raw, &Measured::of("")).unwrap().pages.is_empty());
    }

    #[test]
    fn a_page_goes_to_the_text_that_it_is_of() {
        let mut parts =
            [Part::text("hé"), Part::new(PartKind::RedactedThinking("x".into())), Part::text("one")];
        place(&mut parts, vec![page("b", 3, 5), page("a", 1, 4)]);
        assert_eq!(parts[0].citations, [page("a", 1, 2)]);
        assert_eq!(parts[2].citations, [page("b", 1, 3)]);
    }

    #[test]
    fn what_is_written_is_read_again() {
        let pages = [page("a", 0, 2), page("b", 0, 2), page("a", 3, 4)];
        let mut out = Vec::new();
        object(&mut out, |o| write(&Measured::of("hé 😀"), &pages, o));
        let value: Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(value[FIELD]["groundingChunks"].as_array().unwrap().len(), 2);
        assert_eq!(
            value[FIELD]["groundingSupports"][1]["segment"],
            json!({"startIndex": 4, "endIndex": 8, "text": "😀"})
        );
        let raw = raw(&value[FIELD]);
        assert_eq!(read(&raw, &Measured::of("hé 😀")).unwrap().pages, pages);
    }
}
