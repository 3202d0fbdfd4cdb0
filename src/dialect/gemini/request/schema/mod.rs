//! JSON Schemas and Gemini's own, which is the subset that `OpenAPI` 3.0 knows: both ways.

mod flat;
mod from_gemini;
mod named;
mod root;
mod to_gemini;

pub(super) use from_gemini::to_json_schema;
pub(crate) use root::object_at_root;
pub(super) use to_gemini::Rewriter;

/// Deepest nesting that is followed: no real schema is deeper, and the stack is finite.
const MAX_DEPTH: usize = 64;
