//! `search_result` blocks, and what is given in pieces.
//! <https://platform.claude.com/docs/en/build-with-claude/search-results>

use super::wire::Block;
use crate::chat::{CacheControl, Part, PartKind, SearchResult, Text};
use crate::wire::json::{Array, TextOr, parse_raw, wire_object};
use serde_json::value::RawValue;

wire_object! {
    /// A piece of text.
    struct Piece<'a> {
        kind: Text<'a> = "type",
        text: Text<'a> = "text",
    }
}

/// The pieces of a list of text blocks, or of a string; `None` where one is more than text.
pub(super) fn pieces(content: &RawValue) -> Option<Vec<Text<'_>>> {
    match parse_raw::<TextOr<'_, Vec<Piece<'_>>>>(content).ok()? {
        TextOr::Text(text) => Some(vec![text]),
        TextOr::Other(pieces) => pieces
            .into_iter()
            .map(|piece| {
                piece.text.filter(|_| piece.extra.is_empty() && piece.kind.is_none_or(|kind| kind == "text"))
            })
            .collect(),
    }
}

/// The part that a `search_result` block is; `None` where it is none, or says more than the hub knows.
pub(super) fn read<'a>(block: &Block<'a>) -> Option<Part<'a>> {
    if block.kind.as_ref().is_none_or(|kind| *kind != "search_result") {
        return None;
    }
    let found = SearchResult {
        source: Text::from_raw(block.source?)?,
        title: Text::from_raw(block.title?)?,
        pieces: pieces(block.content?)?,
    };
    Some(Part {
        cache_control: block.cache_control.map(CacheControl),
        extra: block.extra.clone(),
        ..Part::new(PartKind::SearchResult(found))
    })
}

/// Writes pieces as text blocks.
pub(super) fn write_pieces(pieces: &[Text<'_>], list: &mut Array<'_>) {
    for piece in pieces {
        list.object(|block| {
            block.word("type", "text");
            block.text("text", piece);
        });
    }
}
