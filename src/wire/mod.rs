//! Bytes and their frames: JSON read and written without a tree, event streams cut into events. Nothing here knows
//! a provider, and nothing does input or output.

pub mod base64;
pub mod eventstream;
pub mod json;
pub mod json_array;
pub mod multipart;
pub mod ndjson;
pub mod sse;
