//! Answers that need no provider and no model.

/// What Ollama's `/api/version` says: the version that the dialect was written for.
pub const OLLAMA_VERSION: &[u8] = br#"{"version":"0.13.0"}"#;

/// What Ollama's `/api/ps` says: nothing is loaded here.
pub const OLLAMA_RUNNING: &[u8] = br#"{"models":[]}"#;
