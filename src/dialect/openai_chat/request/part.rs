//! Parts of a message's content.

use super::wire;
use crate::chat::{CacheControl, Document, Failure, Json, Opaque, Part, PartKind, Source, Thinking};
use crate::wire::json::{Text, TextOr, object};

/// Reads a message's content: nothing, a string, or parts.
pub(super) fn decode_content<'a>(
    content: Option<TextOr<'a, Vec<wire::Part<'a>>>>,
    message: usize,
) -> Result<Vec<Part<'a>>, Failure> {
    match content {
        None => Ok(Vec::new()),
        Some(TextOr::Text(text)) => Ok(vec![Part::new(PartKind::Text(text))]),
        Some(TextOr::Other(parts)) => parts
            .into_iter()
            .enumerate()
            .map(|(index, part)| {
                decode(part).map_err(|(field, what)| {
                    let field = format!("messages[{message}].content[{index}].{field}");
                    Failure::field(field.clone(), format!("{field}: {what}"))
                })
            })
            .collect(),
    }
}

/// What is missing of a part, and the sentence that says so.
type Missing = (&'static str, &'static str);

/// Reads one part, of a request or of an answer.
pub(in crate::dialect::openai_chat) fn decode(mut part: wire::Part<'_>) -> Result<Part<'_>, Missing> {
    let Some(kind) = part.kind.take() else { return Err(("type", "a content part needs a type")) };
    let cache_control = part.cache_control.take().map(CacheControl);
    let decoded = match &*kind.to_str() {
        "text" | "input_text" | "output_text" => {
            PartKind::Text(part.text.take().ok_or(("text", "a text part needs a text"))?)
        }
        "image_url" => image(part.image_url.take().ok_or(("image_url", "an image part needs image_url"))?)?,
        "input_audio" => {
            let audio = part.input_audio.take().ok_or(("input_audio", "an audio part needs input_audio"))?;
            let data = audio.data.ok_or(("input_audio.data", "an audio part needs data"))?;
            let media_type = match audio.format.as_ref().map(Text::to_str).as_deref() {
                Some("mp3") => Text::plain("audio/mpeg"),
                Some(format) => Text::from(format!("audio/{format}")),
                None => Text::default(),
            };
            PartKind::Audio { source: Source::Base64 { media_type, data }, format: audio.format }
        }
        "file" => file(part.file.take().ok_or(("file", "a file part needs file"))?)?,
        "document_url" if part.document_url.is_some() => {
            let source = Source::Url(part.document_url.take().unwrap_or_default());
            PartKind::Document(Document { source, title: None, context: None })
        }
        "refusal" => {
            PartKind::Refusal(part.refusal.take().ok_or(("refusal", "a refusal part needs refusal"))?)
        }
        "thinking" if part.thinking.is_some() => {
            let text = match part.thinking.take() {
                Some(TextOr::Other(pieces)) => joined(pieces),
                Some(TextOr::Text(text)) => text,
                None => Text::default(),
            };
            PartKind::Thinking(Thinking { text, signature: part.signature.take() })
        }
        _ => return Ok(opaque(kind, &part, cache_control)),
    };
    Ok(Part { cache_control, extra: part.extra, ..Part::new(decoded) })
}

/// Mistral's reasoning comes in pieces of text.
fn joined(pieces: Vec<wire::Part<'_>>) -> Text<'_> {
    let mut texts = pieces.into_iter().filter_map(|piece| piece.text);
    let Some(first) = texts.next() else { return Text::default() };
    let mut rest = texts.peekable();
    if rest.peek().is_none() {
        return first;
    }
    let mut whole = first.to_str().into_owned();
    for text in rest {
        whole.push_str(&text.to_str());
    }
    Text::from(whole)
}

fn image<'a>(image: TextOr<'a, wire::ImageUrl<'a>>) -> Result<PartKind<'a>, Missing> {
    let (url, detail) = match image {
        TextOr::Text(url) => (url, None),
        TextOr::Other(image) => {
            (image.url.ok_or(("image_url.url", "an image part needs a url"))?, image.detail)
        }
    };
    let source = match url.data_uri() {
        Some((media_type, data)) => Source::Base64 { media_type, data },
        None => Source::Url(url),
    };
    Ok(PartKind::Image { source, detail })
}

fn file(file: wire::File<'_>) -> Result<PartKind<'_>, Missing> {
    let source = match (file.file_data, file.file_id) {
        (Some(data), _) => match data.data_uri() {
            Some((media_type, data)) => Source::Base64 { media_type, data },
            None if data.to_str().starts_with("http") => Source::Url(data),
            None => Source::Base64 { media_type: media_type_of(file.format, file.filename.as_ref()), data },
        },
        // LiteLLM lets a URL stand for the id.
        (None, Some(id)) if id.to_str().starts_with("http") => Source::Url(id),
        (None, Some(id)) => Source::File(id),
        (None, None) => return Err(("file.file_data", "a file part needs file_data or file_id")),
    };
    if let Source::Base64 { media_type, .. } = &source
        && media_type.to_str().starts_with("image/")
    {
        return Ok(PartKind::Image { source, detail: None });
    }
    Ok(PartKind::Document(Document { source, title: file.filename, context: None }))
}

/// The type of bytes that came without one: what the client says, or what the file's name tells. OpenAI reads PDF
/// where nothing is said.
pub(crate) fn media_type_of<'a>(format: Option<Text<'a>>, filename: Option<&Text<'_>>) -> Text<'a> {
    if let Some(format) = format {
        return format;
    }
    let name = filename.map(Text::to_str).unwrap_or_default().to_ascii_lowercase();
    Text::plain(match name.rsplit_once('.') {
        Some((_, "txt")) => "text/plain",
        Some((_, "md")) => "text/markdown",
        Some((_, "csv")) => "text/csv",
        Some((_, "html" | "htm")) => "text/html",
        Some((_, "png")) => "image/png",
        Some((_, "jpg" | "jpeg")) => "image/jpeg",
        _ => "application/pdf",
    })
}

/// A part of a type that is not OpenAI's own, written as it came.
fn opaque<'a>(kind: Text<'a>, part: &wire::Part<'a>, cache_control: Option<CacheControl<'a>>) -> Part<'a> {
    let mut json = Vec::new();
    object(&mut json, |o| {
        o.text("type", &kind);
        for (key, text) in
            [("text", &part.text), ("document_url", &part.document_url), ("signature", &part.signature)]
        {
            if let Some(text) = text {
                o.text(key, text);
            }
        }
        o.extra(&part.extra);
    });
    let json = Json::trusted(String::from_utf8(json).unwrap_or_default());
    Part { cache_control, ..Part::new(PartKind::Other(Opaque { kind, json })) }
}
