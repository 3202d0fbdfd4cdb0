//! Who speaks what: a table of presets, and how each differs from its dialect's own maker.

mod quirks;

pub use quirks::{Quirks, ReasoningSwitch, Replay};
