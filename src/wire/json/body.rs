//! A body that is read more than once.

use super::outline::Outline;
use super::scan::{Members, members_of_slow};
use super::{ParseError, Strings};
use std::cell::OnceCell;
use std::ops::Deref;

/// A body, and what a quick look at it shows. The look is taken once, when somebody first asks for it: both phases of a
/// request, and each of its tries, go by the same one.
#[derive(Debug, Default, Clone)]
pub struct Body {
    bytes: Vec<u8>,
    outline: OnceCell<Option<Outline>>,
    strings: OnceCell<Strings>,
}

impl Body {
    /// Its top-level fields, which is [`sketch`](super::sketch).
    ///
    /// # Errors
    /// See [`ParseError`].
    pub fn sketch(&self) -> Result<Members<'_, &[u8]>, ParseError> {
        match self.outline() {
            Some(outline) => Ok(outline.members(&self.bytes)),
            None => members_of_slow(&self.bytes),
        }
    }

    /// What a quick look shows; `None` where that is not enough.
    pub fn outline(&self) -> Option<&Outline> {
        self.outline.get_or_init(|| Outline::of(&self.bytes)).as_ref()
    }

    /// Its strings.
    pub fn strings(&self) -> &Strings {
        match self.outline() {
            Some(outline) => outline.strings(),
            None => self.strings.get_or_init(|| Strings::of(&self.bytes)),
        }
    }
}

impl Deref for Body {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Self { bytes, ..Self::default() }
    }
}
