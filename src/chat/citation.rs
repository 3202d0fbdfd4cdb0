//! What an answer relies on.

use super::Text;

/// A page that a text of an answer relies on.
#[derive(Debug, Clone, PartialEq)]
pub struct Citation<'a> {
    /// Where it is.
    pub url: Text<'a>,
    /// Its title; empty where it was not said.
    pub title: Text<'a>,
    /// The characters of the text, from the first to the one after the last, that rely on it.
    pub span: (u64, u64),
}

impl Citation<'_> {
    /// The same for longer than what it was read from.
    pub fn into_owned(self) -> Citation<'static> {
        Citation { url: self.url.into_owned(), title: self.title.into_owned(), span: self.span }
    }
}
