//! The items of an answer, and their ids.

use std::fmt::Write as _;

/// Characters of an answer's id that its items' ids repeat: OpenAI takes ids of up to 64 characters back.
const CORE: usize = 44;

/// The id of an item: what it is, which answer it belongs to, and its place there. Providers that are not of this
/// dialect have no ids for parts of an answer; the official clients want one for each.
pub(in crate::dialect::openai_responses) fn item_id(prefix: &str, core: &str, index: usize) -> String {
    let mut id = String::with_capacity(prefix.len().saturating_add(core.len()).saturating_add(8));
    // Writing to a string cannot fail.
    let _ = write!(id, "{prefix}_{core}_{index}");
    id
}

/// What the ids of an answer and its items have in common: the letters and digits of the provider's id.
pub(in crate::dialect::openai_responses) fn core_of(id: &str) -> String {
    let own = id.strip_prefix("resp_").unwrap_or(id);
    let core: String = own.chars().filter(char::is_ascii_alphanumeric).take(CORE).collect();
    if core.is_empty() { "0".to_owned() } else { core }
}
