//! `tollgate schema`: the JSON Schema of `gateway.yaml`, from the very types that read it.

use crate::config::schema::Gateway;
use std::process::ExitCode;

/// The schema as text.
fn text() -> String {
    let schema = schemars::schema_for!(Gateway);
    // The schema is a tree of plain values; writing it as JSON cannot fail.
    serde_json::to_string_pretty(&schema).unwrap_or_default() + "\n"
}

/// Prints the schema.
pub(super) fn run() -> ExitCode {
    super::print(&text())
}
