//! The sentence for a person: short enough, and without secrets.

use std::borrow::Cow;

/// Longest message that is passed on, in bytes: enough for a person; some providers repeat the whole request.
pub(super) const MAX_MESSAGE: usize = 2048;

/// A page of HTML is no message; its title is one.
pub(super) fn html_message(status: u16, page: &str) -> String {
    let title = || {
        let lower = page.to_ascii_lowercase();
        let from = lower.find("<title")?;
        let from = from + lower.get(from..)?.find('>')? + 1;
        let to = from + lower.get(from..)?.find("</title")?;
        Some(page.get(from..to)?.trim()).filter(|title| !title.is_empty())
    };
    match title() {
        Some(title) => format!("status {status} with an HTML page: {title}"),
        None => format!("status {status} with an HTML page"),
    }
}

/// The beginning of a message that is too long.
pub(super) fn bounded(message: &str) -> Cow<'_, str> {
    if message.len() <= MAX_MESSAGE {
        return Cow::Borrowed(message);
    }
    let cut = message.floor_char_boundary(MAX_MESSAGE);
    Cow::Owned(format!("{}…", message.get(..cut).unwrap_or_default()))
}

/// Providers repeat the credential they refuse, some of them in full. What looks like a key is taken out: a word
/// of at least 16 characters that starts as the keys of known providers do.
pub fn redacted(message: &str) -> Cow<'_, str> {
    const STARTS: [&str; 12] =
        ["sk-", "sk_", "gsk_", "xai-", "pplx-", "AIza", "csk-", "fw_", "tgp_", "hf_", "ghu_", "gho_"];
    let is_key_char = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '*' | '.');
    if !STARTS.iter().any(|start| message.contains(start)) {
        return Cow::Borrowed(message);
    }
    let mut out = String::with_capacity(message.len());
    let mut rest = message;
    while !rest.is_empty() {
        let word = rest.find(|c| !is_key_char(c)).unwrap_or(rest.len());
        let (head, tail) = if word == 0 {
            rest.split_at(rest.chars().next().map_or(1, char::len_utf8))
        } else {
            rest.split_at(word)
        };
        if head.len() >= 16 && STARTS.iter().any(|start| head.starts_with(start)) {
            out.push_str("[redacted]");
        } else {
            out.push_str(head);
        }
        rest = tail;
    }
    Cow::Owned(out)
}
