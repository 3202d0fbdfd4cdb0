//! `citationsContent`: a text with what it relies on, pages of the web and passages of what the request gave to read.
//! <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_CitationsContentBlock.html>

use super::wire::{CitationLocation, Place, WireCitation};
use crate::chat::{Citation, Measured, Passage, PassageUnit, Text, lines, pieces};
use crate::wire::json::{Array, Object, parse_raw};
use serde_json::value::RawValue;

/// The member of a content block.
pub(crate) const FIELD: &str = "citationsContent";
/// The same where all that it relies on is in the hub's words besides.
pub(crate) const KNOWN: &str = "own.citationsContent";

/// How a place is told: the member of the location, what is counted, and the member that says in which.
const PASSAGES: [(&str, PassageUnit, &str); 4] = [
    ("documentChar", PassageUnit::Character, "documentIndex"),
    ("documentPage", PassageUnit::Page, "documentIndex"),
    ("documentChunk", PassageUnit::Piece, "documentIndex"),
    ("searchResultLocation", PassageUnit::ResultPiece, "searchResultIndex"),
];

/// Whether a field of a part holds its citations.
pub(crate) fn is_field(name: &str) -> bool {
    matches!(name, FIELD | KNOWN)
}

/// Reads a citation, which is to be of the characters of `span`. `None` where it names neither a page nor a passage.
pub(super) fn read(raw: &RawValue, span: (u64, u64)) -> Option<Citation<'_>> {
    let wire: WireCitation<'_> = parse_raw(raw).ok()?;
    let said: Vec<Text<'_>> =
        wire.content.unwrap_or_default().into_iter().filter_map(|piece| piece.text).collect();
    let mut citation = Citation {
        url: wire.source.unwrap_or_default(),
        title: wire.title.unwrap_or_default(),
        span,
        quote: if said.is_empty() { Text::default() } else { lines(&said) },
        passage: None,
    };
    let location: CitationLocation<'_> = wire.location?;
    if let Some(page) = location.web {
        citation.url = page.url?;
        return Some(citation);
    }
    let (name, place) = location.extra.first()?;
    let (_, unit, _) = PASSAGES.iter().find(|(known, ..)| known == name)?;
    let place: Place = parse_raw(place).ok()?;
    let range = (place.start?, place.end?);
    citation.passage = Some(Passage { unit: *unit, index: place.document.or(place.result)?, range });
    Some(citation)
}

/// Writes what another dialect's answer relies on.
pub(super) fn write(o: &mut Object<'_>, citation: &Citation<'_>) {
    if !citation.title.is_empty() {
        o.text("title", &citation.title);
    }
    if citation.passage.is_some() && !citation.url.is_empty() {
        o.text("source", &citation.url);
    }
    if !citation.quote.is_empty() {
        o.array("sourceContent", |list| list.object(|piece| piece.text("text", &citation.quote)));
    }
    o.object("location", |location| match citation.passage {
        None => location.object("web", |page| page.text("url", &citation.url)),
        Some(passage) => {
            let Some((name, _, index)) = PASSAGES.iter().find(|(_, unit, _)| *unit == passage.unit) else {
                return;
            };
            location.object(name, |place| {
                place.u64(index, passage.index);
                place.u64("start", passage.range.0);
                place.u64("end", passage.range.1);
            });
        }
    });
}

/// Writes a text as blocks, one for each span that relies on something.
pub(super) fn write_blocks(text: &str, citations: &[Citation<'_>], list: &mut Array<'_>) {
    let text = Measured::of(text);
    for (start, end, citations) in pieces(&text, citations) {
        let said = text.between(start, end);
        list.object(|block| {
            if citations.is_empty() {
                return block.str("text", said);
            }
            block.object(FIELD, |cited| {
                cited.array("content", |list| list.object(|piece| piece.str("text", said)));
                cited.array("citations", |list| {
                    for citation in citations {
                        list.object(|o| write(o, citation));
                    }
                });
            });
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::json::{array, object};
    use serde_json::{Value, json};

    #[test]
    fn citations_are_read_and_written() {
        let own = json!([
            {"title": "t", "sourceContent": [{"text": "q"}],
                "location": {"documentChar": {"documentIndex": 1, "start": 3, "end": 9}}},
            {"location": {"documentPage": {"documentIndex": 0, "start": 1, "end": 2}}},
            {"title": "t", "location": {"documentChunk": {"documentIndex": 0, "start": 0, "end": 1}}},
            {"title": "t", "source": "s", "sourceContent": [{"text": "q"}],
                "location": {"searchResultLocation": {"searchResultIndex": 2, "start": 0, "end": 1}}},
            {"title": "t", "location": {"web": {"url": "https://a.example"}}},
        ]);
        for citation in own.as_array().unwrap() {
            let raw = RawValue::from_string(citation.to_string()).unwrap();
            let read = read(&raw, (0, 5)).unwrap();
            assert_eq!(
                (read.passage.is_none(), read.span),
                (citation["location"]["web"].is_object(), (0, 5))
            );
            let mut out = Vec::new();
            object(&mut out, |o| write(o, &read));
            assert_eq!(&serde_json::from_slice::<Value>(&out).unwrap(), citation);
        }
        for unknown in [
            json!({}),
            json!({"location": {}}),
            json!({"location": {"new": {"start": 1, "end": 2}}}),
            json!({"location": {"documentChar": {"documentIndex": 1}}}),
            json!({"location": {"web": {"domain": "a.example"}}}),
        ] {
            assert_eq!(read(&RawValue::from_string(unknown.to_string()).unwrap(), (0, 5)), None, "{unknown}");
        }
    }

    #[test]
    fn a_text_is_cut_where_it_begins_to_rely_on_something() {
        let page = Citation::page("u".into(), "".into(), (4, 7));
        let mut out = Vec::new();
        array(&mut out, |list| write_blocks("one two", &[page], list));
        let cited = json!({"content": [{"text": "two"}], "citations": [{"location": {"web": {"url": "u"}}}]});
        let blocks: Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(blocks, json!([{"text": "one "}, {"citationsContent": cited}]));
    }
}
