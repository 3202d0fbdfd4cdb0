//! JSON without a tree.
//!
//! Requests are read in one pass into structs made by `wire_object!`: known fields typed, unknown fields kept
//! raw, long strings never unescaped ([`Text`]). Bodies are written by appending to one buffer ([`object()`],
//! [`array()`]). [`members`] finds the top-level fields of an object and their places, for edits that leave every
//! other byte alone ([`Patch`]).

mod body;
mod error;
mod escape;
mod mold;
mod object;
mod outline;
mod patch;
mod place;
mod scan;
mod stencil;
mod strings;
mod text;
mod watch;
mod words;
mod write;

pub use body::Body;
pub use error::{ParseError, parse, parse_raw};
pub use escape::write_string;
pub use mold::Mold;
pub(crate) use object::wire_object;
pub use object::{Count, Extra, Name, OneOrMany, TextOr};
pub use outline::Outline;
pub use patch::Patch;
pub use scan::{Json, Member, Members, members, sketch};
pub use stencil::Stencil;
pub use strings::{Strings, next_string};
pub use text::Text;
pub use watch::Watch;
pub use words::in_words_of_people;
pub use write::{Array, Object, array, object, write_f64, write_u64};
