//! What only Anthropic has blocks for, and is plain text all the same.

use crate::chat::{Losses, PartKind, Source, Text};
use crate::wire::json::{TextOr, parse, wire_object};
use serde_json::value::RawValue;

wire_object! {
    /// A `search_result` block.
    struct SearchResult<'a> {
        title: Text<'a> = "title",
        source: Text<'a> = "source",
        content: Vec<Piece<'a>> = "content",
        citations: &'a RawValue = "citations",
    }
}

wire_object! {
    /// The source of a document that is given in pieces.
    struct Pieces<'a> {
        content: TextOr<'a, Vec<Piece<'a>>> = "content",
    }
}

wire_object! {
    /// A piece of text.
    struct Piece<'a> {
        text: Text<'a> = "text",
    }
}

/// Makes text of a search result, and of a document in pieces, for dialects that have neither: left as they are, the model
/// would be told that the search found nothing.
pub(crate) fn as_text(kind: &mut PartKind<'_>, losses: &mut Losses) {
    match kind {
        PartKind::Other(opaque) if opaque.kind == "search_result" => {
            let Ok(found) = parse::<SearchResult<'_>>(opaque.json.as_str().as_bytes()) else { return };
            let Some(text) = joined(&found.content.unwrap_or_default()) else { return };
            if found.citations.is_some_and(|citations| citations.get().contains("true")) {
                losses.note("citations of search results dropped: is supported by Anthropic only");
            }
            let head = [found.title, found.source].into_iter().flatten();
            let mut lines: Vec<String> = head.map(|line| line.to_str().into_owned()).collect();
            lines.push(text);
            *kind = PartKind::Text(Text::from(lines.join("\n")));
        }
        PartKind::Document(document) => {
            let Source::Other(opaque) = &document.source else { return };
            let Ok(pieces) = parse::<Pieces<'_>>(opaque.json.as_str().as_bytes()) else { return };
            let text = match pieces.content {
                Some(TextOr::Text(text)) => Some(text.to_str().into_owned()),
                Some(TextOr::Other(pieces)) => joined(&pieces),
                None => None,
            };
            if let Some(text) = text {
                document.source = Source::Text(Text::from(text));
            }
        }
        _ => {}
    }
}

/// The texts of the pieces; `None` where one is no text.
fn joined(pieces: &[Piece<'_>]) -> Option<String> {
    let texts: Option<Vec<String>> =
        pieces.iter().map(|piece| piece.text.as_ref().map(|text| text.to_str().into_owned())).collect();
    texts.filter(|texts| !texts.is_empty()).map(|texts| texts.join("\n"))
}
