//! Server-sent events, cut out of a byte stream as it arrives.
//!
//! Follows the event stream format of the HTML standard (line ends LF, CR LF and CR; comments; several `data` lines;
//! a byte order mark at the start), with two concessions to what providers do: an event that stands at the end of
//! the stream without its blank line counts, and an event without a `data` line is reported too (its name may
//! be all it has to say).

mod event;
mod framer;

pub use event::Event;
pub use framer::{Framer, MAX_EVENT, TooLong};
