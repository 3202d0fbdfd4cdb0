//! Text that is copied far more often than it is read.

use super::escape::{unescape, write_content, write_string};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// A string: either a JSON string literal exactly as it came (copied to the output as it is, escapes and all), or
/// text of the gateway's own.
#[derive(Clone)]
pub struct Text<'a>(Form<'a>);

#[derive(Clone)]
enum Form<'a> {
    /// What stands between the quotes of a literal, or a piece of it.
    Json(&'a str),
    /// Not yet escaped.
    Plain(Cow<'a, str>),
}

impl<'a> Text<'a> {
    /// Text of the gateway's own.
    pub fn plain(text: impl Into<Cow<'a, str>>) -> Self {
        Self(Form::Plain(text.into()))
    }

    /// A JSON value that is a string literal; `None` when it is anything else.
    pub fn from_raw(raw: &'a RawValue) -> Option<Self> {
        raw.get().starts_with('"').then(|| Self(Form::Json(inside(raw))))
    }

    /// The text of a JSON value that is a string literal, quotes included; `None` when it is anything else.
    pub fn of_literal(json: &'a str) -> Option<Self> {
        let inside = json.strip_prefix('"')?.strip_suffix('"')?;
        Some(Self(Form::Json(inside)))
    }

    /// The same of a value's bytes.
    pub fn of_bytes(json: &'a [u8]) -> Option<Self> {
        Self::of_literal(std::str::from_utf8(json).ok()?)
    }

    /// The text of a string literal that was found good, given without its quotes.
    pub(super) fn of_inside(inside: &'a str) -> Self {
        Self(Form::Json(inside))
    }

    /// The meaning, unescaped only where there is an escape.
    pub fn to_str(&self) -> Cow<'a, str> {
        match &self.0 {
            Form::Json(inside) => unescape(inside),
            Form::Plain(text) => text.clone(),
        }
    }

    /// Appends the text as a JSON string with its quotes.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        match &self.0 {
            Form::Json(inside) => {
                out.reserve(inside.len() + 2);
                out.push(b'"');
                out.extend_from_slice(inside.as_bytes());
                out.push(b'"');
            }
            Form::Plain(text) => write_string(out, text),
        }
    }

    /// Appends what stands between the quotes of a JSON string: for joining texts into one literal.
    pub fn write_content(&self, out: &mut Vec<u8>) {
        match &self.0 {
            Form::Json(inside) => out.extend_from_slice(inside.as_bytes()),
            Form::Plain(text) => write_content(out, text),
        }
    }

    /// What stands between the quotes of the literal it is, escapes as they came; `None` when it is none.
    pub fn literal(&self) -> Option<&'a str> {
        match &self.0 {
            Form::Json(inside) => Some(inside),
            Form::Plain(_) => None,
        }
    }

    /// Whether there is no character at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The text, or where it is empty another one.
    pub fn or<'t>(&'t self, other: &'t Self) -> &'t Self {
        if self.is_empty() { other } else { self }
    }

    /// Whether there is nothing but white space.
    pub fn is_blank(&self) -> bool {
        match &self.0 {
            Form::Json(inside) => match inside.as_bytes().first() {
                None => true,
                // The usual case: the first byte is a visible ASCII character that starts no escape.
                Some(byte) if byte.is_ascii_graphic() && *byte != b'\\' => false,
                Some(_) => unescape(inside).trim().is_empty(),
            },
            Form::Plain(text) => text.trim().is_empty(),
        }
    }

    /// Length in bytes as written between the quotes (escapes counted as they stand): good for sizes, not for
    /// slicing.
    pub fn len(&self) -> usize {
        match &self.0 {
            Form::Json(inside) => inside.len(),
            Form::Plain(text) => text.len(),
        }
    }

    /// The media type (without parameters) and the data of a `data:` URI in base64; `None` when it is no such URI.
    /// The data is not unescaped, nor looked at.
    pub fn data_uri(&self) -> Option<(Text<'a>, Text<'a>)> {
        fn split(uri: &str) -> Option<(&str, &str)> {
            let scheme = uri.get(..5)?;
            let (header, data) = uri.get(5..)?.split_once(',')?;
            let header = header.strip_suffix(";base64")?;
            let media_type = header.split(';').next()?;
            scheme.eq_ignore_ascii_case("data:").then_some((media_type, data))
        }
        match &self.0 {
            Form::Json(inside) => split(inside)
                .map(|(media_type, data)| (Self::plain(unescape(media_type)), Self(Form::Json(data)))),
            Form::Plain(Cow::Borrowed(text)) => {
                split(text).map(|(media_type, data)| (Self::plain(media_type), Self::plain(data)))
            }
            Form::Plain(Cow::Owned(text)) => split(text)
                .map(|(media_type, data)| (Self::plain(media_type.to_owned()), Self::plain(data.to_owned()))),
        }
    }

    /// Adds more text at the end. Pieces that are added one after the other are copied once.
    pub fn push(&mut self, more: &Text<'_>) {
        let mut whole = match std::mem::take(self).0 {
            Form::Plain(text) => text.into_owned(),
            Form::Json(inside) => unescape(inside).into_owned(),
        };
        whole.push_str(&more.to_str());
        *self = Self::plain(whole);
    }

    /// The same text with no tie to the input.
    pub fn into_owned(self) -> Text<'static> {
        Text(Form::Plain(Cow::Owned(self.to_str().into_owned())))
    }
}

/// A raw value that is a string, without its quotes.
fn inside(raw: &RawValue) -> &str {
    let literal = raw.get();
    literal.get(1..literal.len().saturating_sub(1)).unwrap_or_default()
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&'a RawValue>::deserialize(deserializer)?;
        Self::from_raw(raw).ok_or_else(|| super::object::wrong_type(raw, "a string"))
    }
}

impl std::fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(&*self.to_str(), f)
    }
}

/// Equal when they mean the same, however they are escaped.
impl PartialEq for Text<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.to_str() == other.to_str()
    }
}

impl Eq for Text<'_> {}

impl PartialEq<str> for Text<'_> {
    fn eq(&self, other: &str) -> bool {
        self.to_str() == other
    }
}

impl PartialEq<&str> for Text<'_> {
    fn eq(&self, other: &&str) -> bool {
        self.to_str() == *other
    }
}

impl Default for Text<'_> {
    fn default() -> Self {
        Self::plain("")
    }
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Self::plain(text)
    }
}

impl From<String> for Text<'_> {
    fn from(text: String) -> Self {
        Self::plain(text)
    }
}

impl<'a> From<Cow<'a, str>> for Text<'a> {
    fn from(text: Cow<'a, str>) -> Self {
        Self::plain(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn literal(json: &str) -> Text<'_> {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_literal_is_copied_with_its_escapes() {
        let mut out = Vec::new();
        literal(r#""caf\u00e9\n\/""#).write_json(&mut out);
        assert_eq!(out, br#""caf\u00e9\n\/""#);
        assert_eq!(literal(r#""caf\u00e9\n\/""#).to_str(), "café\n/");
    }

    #[test]
    fn a_data_uri_is_cut_without_unescaping() {
        let (media_type, data) = literal(r#""data:image\/png;base64,aGk\/""#).data_uri().unwrap();
        assert_eq!(media_type, "image/png");
        assert_eq!(data, "aGk/");
        let (media_type, data) = Text::plain("DATA:text/plain;charset=utf-8;base64,aGk=").data_uri().unwrap();
        assert_eq!((media_type, data), (Text::plain("text/plain"), Text::plain("aGk=")));
        for other in ["data:text/plain,hi", "https://x/;base64,", "data", "é"] {
            assert!(Text::plain(other).data_uri().is_none(), "{other}");
        }
    }

    #[test]
    fn joining_keeps_one_literal() {
        let mut out = vec![b'"'];
        literal(r#""a\n""#).write_content(&mut out);
        Text::plain("\"b\"").write_content(&mut out);
        out.push(b'"');
        assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), "a\n\"b\"");
    }

    #[test]
    fn blank_means_white_space_in_any_spelling() {
        for blank in [r#""""#, r#"" ""#, r#""\n\t""#, r#""\u0020\u00a0""#, "\"\u{2003}\""] {
            assert!(literal(blank).is_blank(), "{blank}");
        }
        for text in [r#""a""#, r#"" a""#, r#""\\""#, r#""\u0041""#, r#""é""#] {
            assert!(!literal(text).is_blank(), "{text}");
        }
    }

    #[test]
    fn anything_but_a_string_is_refused() {
        for json in ["1", "null", "[]", "{}", "true"] {
            assert!(serde_json::from_str::<Text<'_>>(json).is_err(), "{json}");
        }
    }
}
