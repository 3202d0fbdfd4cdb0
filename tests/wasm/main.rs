//! The pure core under wasm32-unknown-unknown: the hard cases of the lanes, run by wasm-bindgen-test in Node.
//!
//! `CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER=wasm-bindgen-test-runner cargo test --target wasm32-unknown-unknown --test wasm`

#![cfg(target_arch = "wasm32")]
#![allow(missing_docs)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what is wrong by panicking"
)]

#[path = "../lanes/cases.rs"]
mod cases;
#[path = "../lanes/feed.rs"]
mod feed;
#[path = "../lanes/frames.rs"]
mod frames;
#[path = "../lanes/openai_cases.rs"]
mod openai_cases;
#[path = "../lanes/quirk_cases.rs"]
mod quirk_cases;
#[path = "../lanes/refused.rs"]
mod refused;
#[path = "../lanes/stream_cases.rs"]
mod stream_cases;
#[path = "../lanes/unread.rs"]
mod unread;
#[path = "../lanes/web_search.rs"]
mod web_search;
