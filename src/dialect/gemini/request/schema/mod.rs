//! JSON Schemas and Gemini's own, which is the subset that `OpenAPI` 3.0 knows: both ways.

mod from_gemini;
mod to_gemini;

pub(super) use from_gemini::to_json_schema;
pub(super) use to_gemini::Rewriter;
