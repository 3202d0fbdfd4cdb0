//! Formats of media: a word of Bedrock's for each media type.

/// Documents: format, media type.
const DOCUMENTS: [(&str, &str); 9] = [
    ("pdf", "application/pdf"),
    ("txt", "text/plain"),
    ("md", "text/markdown"),
    ("csv", "text/csv"),
    ("html", "text/html"),
    ("doc", "application/msword"),
    ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("xls", "application/vnd.ms-excel"),
    ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
];

/// Pictures: format, media type.
const IMAGES: [(&str, &str); 4] =
    [("png", "image/png"), ("jpeg", "image/jpeg"), ("gif", "image/gif"), ("webp", "image/webp")];

/// The media type of a document's format.
pub(super) fn of_document(format: &str) -> Option<&'static str> {
    DOCUMENTS.iter().find(|(word, _)| *word == format).map(|(_, media_type)| *media_type)
}

/// The media type of a picture's format.
pub(super) fn of_image(format: &str) -> Option<&'static str> {
    IMAGES.iter().find(|(word, _)| *word == format).map(|(_, media_type)| *media_type)
}

/// The format of a document: by its media type, else by the ending of its name, else by its first bytes in base64.
pub(super) fn document_format(media_type: &str, name: &str, data: &str) -> Option<&'static str> {
    let plain = media_type.split(';').next().unwrap_or_default().trim();
    let by = |wanted: &str| DOCUMENTS.iter().find(|(_, known)| *known == wanted).map(|(word, _)| *word);
    let by_name = || {
        let ending = name.rsplit_once('.')?.1.to_ascii_lowercase();
        DOCUMENTS
            .iter()
            .find(|(word, _)| *word == ending || (*word == "html" && ending == "htm"))
            .map(|(word, _)| *word)
    };
    match plain {
        "application/xhtml+xml" => Some("html"),
        "text/x-markdown" => Some("md"),
        "" | "application/octet-stream" | "text/plain" => {
            by_name().or_else(|| by(plain)).or_else(|| data.starts_with("JVBERi").then_some("pdf"))
        }
        known => by(known).or_else(by_name).or_else(|| known.starts_with("text/").then_some("txt")),
    }
}

/// The format of a picture: by its media type, else by its first bytes in base64.
pub(super) fn image_format(media_type: &str, data: &str) -> Option<&'static str> {
    let by_bytes = || {
        let starts = [("/9j/", "jpeg"), ("iVBORw", "png"), ("R0lGOD", "gif"), ("UklGR", "webp")];
        starts.iter().find(|(start, _)| data.starts_with(start)).map(|(_, word)| *word)
    };
    match media_type {
        "image/jpg" => Some("jpeg"),
        "" | "application/octet-stream" => by_bytes(),
        known => IMAGES.iter().find(|(_, media_type)| *media_type == known).map(|(word, _)| *word),
    }
}

/// The format of a sound: the word of OpenAI's, or the second half of its media type.
pub(super) fn audio_format(format: Option<&str>, media_type: &str) -> Option<&'static str> {
    const KNOWN: [&str; 13] =
        ["mp3", "opus", "wav", "aac", "flac", "mp4", "ogg", "mkv", "mka", "m4a", "mpeg", "pcm", "webm"];
    let word = format.unwrap_or_else(|| media_type.split_once('/').map_or("", |(_, kind)| kind));
    let word = word.strip_prefix("x-").unwrap_or(word);
    let word = if word == "pcm16" { "pcm" } else { word };
    KNOWN.into_iter().find(|known| *known == word)
}

/// A name that Bedrock takes for a document: letters, digits, single white space, hyphens, parentheses and square
/// brackets, at most 200 characters, and no ending.
pub(super) fn document_name(title: &str, format: &str) -> String {
    let stem = match title.rsplit_once('.') {
        Some((stem, ending))
            if ending.eq_ignore_ascii_case(format) || of_document(&ending.to_ascii_lowercase()).is_some() =>
        {
            stem
        }
        _ => title,
    };
    let mut name = String::with_capacity(stem.len());
    for character in stem.chars() {
        let character = match character {
            c if c.is_ascii_alphanumeric() || "-()[]".contains(c) => c,
            c if c.is_whitespace() => ' ',
            _ => '-',
        };
        if !(character == ' ' && name.ends_with(' ')) {
            name.push(character);
        }
    }
    name.truncate(name.floor_char_boundary(200));
    let name = name.trim();
    if name.is_empty() { "document".to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_no_ending_and_no_strange_character() {
        for (title, name) in [
            ("report.pdf", "report"),
            ("Q3  report_final (v2).PDF", "Q3 report-final (v2)"),
            ("a.b", "a-b"),
            ("", "document"),
            (".pdf", "document"),
            ("Übersicht.docx", "-bersicht"),
        ] {
            assert_eq!(document_name(title, "pdf"), name, "{title}");
        }
        assert_eq!(document_name(&"x".repeat(300), "pdf").len(), 200);
    }

    #[test]
    fn formats() {
        assert_eq!(document_format("application/pdf", "", ""), Some("pdf"));
        assert_eq!(document_format("", "notes.MD", ""), Some("md"));
        assert_eq!(document_format("", "x", "JVBERi0="), Some("pdf"));
        assert_eq!(document_format("text/plain", "data.csv", ""), Some("csv"));
        assert_eq!(document_format("text/x-rust", "a", ""), Some("txt"));
        assert_eq!(document_format("application/zip", "a.zip", ""), None);
        assert_eq!((image_format("image/jpg", ""), image_format("", "UklGR")), (Some("jpeg"), Some("webp")));
        assert_eq!(image_format("image/tiff", ""), None);
        assert_eq!(
            (audio_format(Some("wav"), ""), audio_format(None, "audio/x-aac")),
            (Some("wav"), Some("aac"))
        );
    }
}
