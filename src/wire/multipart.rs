//! `multipart/form-data` (RFC 7578) that is whole in memory: where its fields are, so that one of them can be changed
//! and every other byte, those of files above all, stays where it is.

use memchr::memmem::Finder;
use std::ops::Range;

/// Longest boundary, in bytes: RFC 2046 §5.1.1.
const LONGEST_BOUNDARY: usize = 70;

/// Most parts of one body. The forms that providers take have a dozen fields; `image[]` and the like repeat some.
const MOST_PARTS: usize = 256;

/// Longest header block of a part, in bytes: two or three short headers, one with a file name.
const LONGEST_HEADERS: usize = 8 << 10;

/// One part of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Whether it is a file.
    pub is_file: bool,
    /// Where its bytes are in the body.
    pub value: Range<usize>,
}

/// What is wrong with a body, in words that go on from "the body is no form: ".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed(pub &'static str);

/// The boundary that a `content-type` names; `None` when it is another type, or names none that can be one.
pub fn boundary(content_type: &str) -> Option<String> {
    let (media_type, parameters) = content_type.split_once(';')?;
    if !media_type.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let boundary = parameter(parameters, "boundary").ok()??;
    let is_plain = boundary.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    (!boundary.is_empty() && boundary.len() <= LONGEST_BOUNDARY && is_plain).then_some(boundary)
}

/// The parts of a body, in its order.
///
/// # Errors
/// The body does not begin or end as a form does, or a part is malformed.
pub fn fields(body: &[u8], boundary: &str) -> Result<Vec<Field>, Malformed> {
    let delimiter = format!("\r\n--{boundary}");
    let finder = Finder::new(delimiter.as_bytes());
    let opening = delimiter.as_bytes().get(2..).unwrap_or_default();
    // Other parsers may see parts in what stands before the first boundary and behind the last, which nobody has to read.
    let is_blank = |bytes: &[u8]| bytes.iter().all(u8::is_ascii_whitespace);
    let mut at = if body.starts_with(opening) {
        opening.len()
    } else {
        let first = finder.find(body).ok_or(Malformed("its boundary is not in it"))?;
        if !is_blank(body.get(..first).unwrap_or_default()) {
            return Err(Malformed("something stands before its first part"));
        }
        first + delimiter.len()
    };
    let mut fields = Vec::new();
    loop {
        let rest = body.get(at..).unwrap_or_default();
        if let Some(epilogue) = rest.strip_prefix(b"--") {
            let whole = is_blank(epilogue).then_some(fields);
            return whole.ok_or(Malformed("something stands behind its last part"));
        }
        if fields.len() == MOST_PARTS {
            return Err(Malformed("it has too many parts"));
        }
        let padding = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let line = rest.get(padding..).unwrap_or_default();
        if !line.starts_with(b"\r\n") {
            return Err(Malformed("a boundary is followed by something else than a line break"));
        }
        // The headers end with an empty line; a part without headers begins with one.
        let head = line.get(..line.len().min(LONGEST_HEADERS)).unwrap_or_default();
        let end =
            memchr::memmem::find(head, b"\r\n\r\n").ok_or(Malformed("the headers of a part do not end"))?;
        let headers = line.get(2..end).unwrap_or_default();
        let start = at + padding + end + 4;
        let value = body.get(start..).unwrap_or_default();
        // An empty value shares its line break with the empty line before it.
        let length = if value.starts_with(opening) && body.get(start - 2..start) == Some(b"\r\n") {
            None
        } else {
            Some(finder.find(value).ok_or(Malformed("it breaks off within a part"))?)
        };
        let end = start + length.unwrap_or(0);
        if let Some((name, is_file)) = disposition(headers) {
            fields.push(Field { name, is_file, value: start..end });
        } else {
            return Err(Malformed("a part has no name"));
        }
        at = end + if length.is_some() { delimiter.len() } else { opening.len() };
    }
}

/// Name, and whether there is a file name, of a part. What is said twice may be one thing here and another elsewhere.
fn disposition(headers: &[u8]) -> Option<(String, bool)> {
    let headers = std::str::from_utf8(headers).ok()?;
    let mut lines = headers.split("\r\n").filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim().eq_ignore_ascii_case("content-disposition").then_some(value)
    });
    let line = lines.next().filter(|_| lines.next().is_none())?;
    let (kind, parameters) = line.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("form-data") {
        return None;
    }
    let value = |name| parameter(parameters, name).ok();
    // RFC 7578 §4.2: names are never written in this other way.
    if value("name*")?.is_some() {
        return None;
    }
    let is_file = value("filename")?.is_some() || value("filename*")?.is_some();
    Some((value("name")??, is_file))
}

/// A parameter is there more than once, or a quoted string does not end.
#[derive(Debug)]
struct Unclear;

/// A parameter of a header: a token, or a quoted string in which a backslash stands before what it means.
fn parameter(parameters: &str, wanted: &str) -> Result<Option<String>, Unclear> {
    let (mut rest, mut found) = (parameters, None);
    loop {
        let Some((name, after)) = rest.split_once('=') else { return Ok(found) };
        let name = name.trim_matches([' ', '\t', ';']);
        let after = after.trim_start();
        let (value, following) = if let Some(quoted) = after.strip_prefix('"') {
            unquoted(quoted).ok_or(Unclear)?
        } else {
            let (value, following) = after.split_at(after.find(';').unwrap_or(after.len()));
            (value.trim().to_owned(), following)
        };
        if name.eq_ignore_ascii_case(wanted) && found.replace(value).is_some() {
            return Err(Unclear);
        }
        rest = following;
    }
}

/// A quoted string behind its first quote, and what follows it.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, text.get(at + 1..)?)),
            '\\' => value.push(characters.next()?.1),
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn names(body: &str) -> Result<Vec<(String, String)>, &'static str> {
        let found = fields(body.as_bytes(), "X").map_err(|malformed| malformed.0)?;
        Ok(found.into_iter().map(|field| (field.name, body[field.value].to_owned())).collect())
    }

    #[test]
    fn boundaries() {
        for (content_type, expected) in [
            ("multipart/form-data; boundary=abc", Some("abc")),
            ("Multipart/Form-Data;charset=utf-8; Boundary=\"a b\\\"c\"", Some("a b\"c")),
            ("multipart/form-data", None),
            ("multipart/form-data; boundary=", None),
            ("multipart/mixed; boundary=abc", None),
            ("application/json; boundary=abc", None),
        ] {
            assert_eq!(boundary(content_type).as_deref(), expected, "{content_type}");
        }
        assert_eq!(boundary(&format!("multipart/form-data; boundary={}", "x".repeat(71))), None);
    }

    #[test]
    fn fields_and_files() {
        let body = "--X\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper-1\r\n\
            --X  \r\ncontent-type: audio/wav\r\ncontent-disposition: form-data; filename=\"a\\\"; name=x.wav\"; name=file\r\n\
            \r\n--Y\r\n\r\n--\r\nX\r\n--X\r\nContent-Disposition: form-data; name=e\r\n\r\n\r\n--X--\r\n";
        let found = fields(body.as_bytes(), "X").unwrap();
        let read: Vec<(&str, bool, &str)> =
            found.iter().map(|f| (&*f.name, f.is_file, &body[f.value.clone()])).collect();
        assert_eq!(
            read,
            [("model", false, "whisper-1"), ("file", true, "--Y\r\n\r\n--\r\nX"), ("e", false, "")]
        );
    }

    #[test]
    fn an_empty_form_and_blanks_around_it_are_fine() {
        assert_eq!(names("--X--"), Ok(Vec::new()));
        let part = "--X\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--X--";
        assert_eq!(names(&format!(" \r\n{part}\r\n ")), Ok(vec![("a".into(), "1".into())]));
    }

    #[test]
    fn what_other_parsers_could_read_in_another_way_is_refused() {
        let part = |headers: &str| format!("--X\r\n{headers}\r\n\r\n1\r\n--X--");
        let plain = part("Content-Disposition: form-data; name=a");
        for (body, word) in [
            (format!("hello\r\n{plain}"), "before its first part"),
            (format!("{plain}\r\n--X\r\n"), "behind its last part"),
            (part("Content-Disposition: form-data; name=x; name=model"), "no name"),
            (part("Content-Disposition: form-data; name=x; NAME*=utf-8''model"), "no name"),
            (
                part("Content-Disposition: form-data; name=x\r\ncontent-disposition: form-data; name=model"),
                "no name",
            ),
        ] {
            let error = names(&body).unwrap_err();
            assert!(error.contains(word), "{body:?}: {error}");
        }
        assert_eq!(boundary("multipart/form-data; boundary=A; boundary=B"), None);
        assert_eq!(boundary("multipart/form-data; charset=x; boundary=A"), Some("A".into()));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (body, word) in [
            ("", "boundary is not in it"),
            ("{}", "boundary is not in it"),
            ("--Xtra\r\n", "something else"),
            ("--X\r\nContent-Disposition: form-data; name=a\r\n", "do not end"),
            ("--X\r\nContent-Disposition: form-data; name=a\r\n\r\nvalue\r\n--", "breaks off"),
            ("--X\r\nContent-Type: text/plain\r\n\r\n1\r\n--X--", "no name"),
            ("--X\r\nContent-Disposition: attachment; name=a\r\n\r\n1\r\n--X--", "no name"),
        ] {
            let error = names(body).unwrap_err();
            assert!(error.contains(word), "{body:?}: {error}");
        }
        let many = "\r\n--X\r\nContent-Disposition: form-data; name=a\r\n\r\n1".repeat(MOST_PARTS + 1);
        assert!(names(&format!("{many}\r\n--X--")).unwrap_err().contains("too many"));
    }

    proptest! {
        /// Against a form that is put together the plain way.
        #[test]
        fn finds_what_was_written(
            parts in prop::collection::vec(
                ("[a-z\\[\\]\" ;=]{1,9}", prop::option::of("[a-z.;\"]{1,9}"), prop::collection::vec(any::<u8>(), 0..40)),
                0..6,
            ),
        ) {
            let boundary = "0f9a-boundary";
            let mut body = Vec::new();
            for (name, file, value) in &parts {
                let quoted = |text: &str| text.replace('"', "\\\"");
                let file = file.as_ref().map_or(String::new(), |file| format!("; filename=\"{}\"", quoted(file)));
                let head = format!(
                    "--{boundary}\r\nContent-Disposition: form-data; name=\"{}\"{file}\r\nContent-Type: x/y\r\n\r\n",
                    quoted(name)
                );
                body.extend_from_slice(head.as_bytes());
                body.extend_from_slice(value);
                body.extend_from_slice(b"\r\n");
            }
            body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
            let found = fields(&body, boundary).unwrap();
            prop_assert_eq!(found.len(), parts.len());
            for (field, (name, file, value)) in found.iter().zip(&parts) {
                prop_assert_eq!(&field.name, name);
                prop_assert_eq!(field.is_file, file.is_some());
                prop_assert_eq!(&body[field.value.clone()], value.as_slice());
            }
        }

        #[test]
        fn any_bytes_are_survived(body in prop::collection::vec(prop_oneof![Just(b'-'), Just(b'X'), Just(b'\r'), Just(b'\n'), any::<u8>()], 0..200)) {
            if let Ok(found) = fields(&body, "X") {
                prop_assert!(found.iter().all(|field| body.get(field.value.clone()).is_some()));
            }
        }
    }
}
