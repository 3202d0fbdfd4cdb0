//! The pure core under wasm32-unknown-unknown.
