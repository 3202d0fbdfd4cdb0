//! Who speaks what: a table of presets, and how each differs from its dialect's own maker.

mod presets;
mod quirks;

pub use presets::{KeyHeader, Preset, Row, preset, presets};
pub use quirks::{Quirks, ReasoningSwitch, Replay};
