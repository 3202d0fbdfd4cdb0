//! JSON text that is carried without being understood.

use serde_json::value::RawValue;
use std::borrow::Cow;

/// A piece of valid JSON, as text. Whoever makes one from a string vouches for its validity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Json<'a>(Cow<'a, str>);

impl<'a> Json<'a> {
    /// Text that is known to be valid JSON.
    pub fn trusted(text: impl Into<Cow<'a, str>>) -> Self {
        Self(text.into())
    }

    /// The text, if it is valid JSON.
    pub fn checked(text: impl Into<Cow<'a, str>>) -> Option<Self> {
        let text = text.into();
        serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok().then_some(Self(text))
    }

    /// The same without its line ends, which are white space: within a string they would be escaped.
    #[must_use]
    pub fn one_line(self) -> Self {
        if self.0.contains(['\n', '\r']) { Self(self.0.replace(['\n', '\r'], "").into()) } else { self }
    }

    /// The JSON text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is a JSON object.
    pub fn is_object(&self) -> bool {
        self.0.trim_start().starts_with('{')
    }
}

impl<'a> From<&'a RawValue> for Json<'a> {
    fn from(raw: &'a RawValue) -> Self {
        Self(Cow::Borrowed(raw.get()))
    }
}
