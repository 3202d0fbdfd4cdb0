//! The lanes between dialects, held against the hard cases and against thousands of recorded exchanges.

#![cfg(not(target_arch = "wasm32"))]
#![allow(missing_docs)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what is wrong by panicking"
)]

mod alike;
mod anthropic_roundtrip;
mod asked;
mod bedrock;
mod bounds;
mod carriages;
mod cases;
mod citations;
mod cohere;
mod completions;
mod corpus;
mod crafted;
mod cuts;
mod embeddings;
mod endings;
mod feed;
mod frames;
mod gemini_cases;
mod gemini_collect;
mod gemini_recorded;
mod gemini_splits;
mod loss;
mod matrix;
mod ollama;
mod openai_cases;
mod openai_roundtrip;
mod quirk_cases;
mod recorded;
mod refused;
mod rerank;
mod responses;
mod responses_roundtrip;
mod shapes;
mod side_by_side;
mod splits;
mod stream_cases;
mod streamed;
mod table;
mod thoughts;
mod unread;
mod web_search;
