//! How far the estimate of tokens is from real counts.

#![cfg(not(target_arch = "wasm32"))]
#![allow(missing_docs)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what is wrong by panicking"
)]

#[path = "../lanes/corpus.rs"]
#[expect(dead_code, reason = "the tests of the lanes need all of it")]
mod corpus;
mod recorded;
mod texts;
