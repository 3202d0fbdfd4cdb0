//! A target's own fields in a body that was just encoded.

use super::Ask;
use crate::wire::json::{Patch, members};

/// The body with the target's own top-level fields ([`Ask::params`]) in place of what was written; `model` is the one
/// that they cannot change.
pub(crate) fn with_params(body: Vec<u8>, ask: &Ask<'_>) -> Vec<u8> {
    if ask.params.is_empty() {
        return body;
    }
    let mut patch = Patch::default();
    for (name, value) in ask.params.iter().filter(|(name, _)| &**name != "model") {
        patch.set(name, value.get().as_bytes());
    }
    let Ok(found) = members(&body) else { return body };
    match patch.prefix(&body, &found) {
        Some((drop, mut prefix)) => {
            prefix.extend_from_slice(body.get(drop..).unwrap_or_default());
            prefix
        }
        None => body,
    }
}
