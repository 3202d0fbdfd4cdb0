//! Answers that need no provider: the models.

use crate::chat::Failure;
use crate::config::tables::Tables;
use crate::dialect::{Dialect, models};
use crate::policy::route;

/// The list of models, in the client's dialect; `loaded` is what their date says, in seconds since 1970.
pub fn models(dialect: Dialect, tables: &Tables, loaded: u64) -> Vec<u8> {
    models::list(dialect, tables.listed.iter().map(|name| &**name), loaded)
}

/// One model, in the client's dialect; `None` when no request for it would be served.
pub fn model(dialect: Dialect, tables: &Tables, id: &str, loaded: u64) -> Option<Vec<u8>> {
    route::find(tables, id).map(|_| models::one(dialect, id, loaded))
}

/// What Ollama's `/api/show` says of a model; `None` when no request for it would be served.
pub fn show(tables: &Tables, id: &str, loaded: u64) -> Option<Vec<u8>> {
    route::find(tables, id).map(|_| models::show(loaded))
}

/// What Ollama's `/api/version` says: the version that the dialect was written for.
pub const OLLAMA_VERSION: &[u8] = br#"{"version":"0.13.0"}"#;

/// The 404 of a model that is not configured, with the nearest names.
pub fn unknown_model(tables: &Tables, asked: &str) -> Failure {
    let near = route::nearest(tables, asked);
    let hint = if near.is_empty() { String::new() } else { format!(" Did you mean: {}?", near.join(", ")) };
    let message = format!("The model `{asked}` does not exist here.{hint}");
    Failure { param: Some("model".into()), ..Failure::new(404, message) }.with_code("model_not_found")
}
